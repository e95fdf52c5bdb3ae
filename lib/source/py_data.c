/* py_data.c - files of the tree that a script reads: text, JSON, TOML.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "py_priv.h"
#include "toml.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

enum {
	SOURCE_TOTAL = 32 << 20,
	DATA_MAX = 1 << 20,
	DATA_DEPTH = 16,
};

char *
py_slurp(struct bindu_py *p, const char *rel, size_t max, size_t *n)
{
	AUTO_CLOSE int fd = -1;
	char *text = NULL;
	struct stat st;

	if (!bindu_path_is_inside(rel))
		return NULL;
	fd = bindu_fd_open_beneath(p->rootfd, rel,
	    O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, true);
	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size > max ||
	    p->source + (size_t)st.st_size > SOURCE_TOTAL ||
	    bindu_fd_read_all(fd, max, &text, n, NULL) == -1)
		return NULL;
	p->source += *n;
	return text;
}

/* The names to try for a path the script uses: below the root (where the
 * box starts it), else beside the script.  NULL: none is left. */
static const char *
place(struct bindu_py *p, const char *path, int attempt)
{
	AUTO_FREE char *clean = bindu_path_clean(path);
	const char *below;

	if (clean[0] == '/') {
		below = attempt ? NULL : bindu_path_below(p->root, clean);
		return below ? py_strn(p, below, strlen(below)) : NULL;
	}
	if (attempt == 0)
		return py_strn(p, clean, strlen(clean));
	return attempt == 1 && *p->script_dir ?
	    py_fmt(p, "%s/%s", p->script_dir, clean) :
	    NULL;
}

const char *
py_read(struct bindu_py *p, const char *path, size_t *n)
{
	AUTO_FREE char *text = NULL;
	const char *rel;
	char *copy;
	int i;

	for (i = 0; !text && (rel = place(p, path, i)); i++)
		text = py_slurp(p, rel, DATA_MAX, n);
	if (!text || memchr(text, '\0', *n))
		return NULL;
	copy = py_alloc(p, *n + 1);
	memcpy(copy, text, *n);
	return copy;
}

static bool
has_file(struct bindu_py *p, const char *path)
{
	const char *rel;
	int i;

	for (i = 0; (rel = place(p, path, i)); i++) {
		AUTO_CLOSE int fd = bindu_fd_open_beneath(p->rootfd,
		    *rel ? rel : ".", O_PATH, 0, true);

		if (fd != -1)
			return true;
	}
	return false;
}

/* What lies outside the tree does not exist in a box either. */
const struct val *
py_exists(struct bindu_py *p, const struct val *v)
{
	if (v->k != V_STR && v->k != V_PATH)
		return py_unfollowed(v);
	return py_bool(has_file(p, v->s));
}

const struct val *
py_missing(struct bindu_py *p, const char *path)
{
	py_raise(p, MISSING_FILE);
	return py_unknown(p, "it is read from %s, which the tree does not hold",
	    path);
}

static const struct val *
from_json(struct bindu_py *p, const json_t *j, int depth)
{
	const struct val *v;
	const char *k;
	void *it;
	size_t i;

	if (!py_step(p) || depth > DATA_DEPTH)
		return &py_any;
	switch (json_typeof(j)) {
	case JSON_STRING:
		return py_strn_val(p, V_STR, json_string_value(j),
		    json_string_length(j));
	case JSON_INTEGER:
		return py_int(p, json_integer_value(j));
	case JSON_TRUE:
		return &py_true;
	case JSON_FALSE:
		return &py_false;
	case JSON_NULL:
		return &py_none;
	case JSON_OBJECT:
		v = py_objval(p, V_DICT, py_obj_new(p));
		for (it = json_object_iter((json_t *)j); it;
		     it = json_object_iter_next((json_t *)j, it)) {
			k = py_key(p,
			    py_str(p, V_STR, json_object_iter_key(it)));
			if (k)
				py_set(p, v->obj, k,
				    from_json(p, json_object_iter_value(it),
					depth + 1));
		}
		return v;
	case JSON_ARRAY:
		v = py_list(p);
		for (i = 0; i < json_array_size(j); i++)
			py_append(p, v,
			    from_json(p, json_array_get(j, i), depth + 1));
		return v;
	default:
		return &py_any;
	}
}

const struct val *
py_load_data(struct bindu_py *p, const char *format, const char *text, size_t n,
    const char *what)
{
	AUTO_JSON json_t *j = NULL;

	if (strcmp(format, "json") == 0)
		j = bindu_json_parse(text, n, DATA_MAX, what, NULL);
	else
		j = bindu_toml_parse(text, n, what, NULL);

	return j ? from_json(p, j, 0) :
		   py_unknown(p, "%s is not valid %s", what, format);
}
