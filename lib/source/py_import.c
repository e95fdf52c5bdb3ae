/* py_import.c - modules and data files of the tree.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "py_priv.h"
#include "toml.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"

enum {
	SOURCE_TOTAL = 32 << 20,
	DATA_MAX = 1 << 20,
	MODULES_MAX = 500,
	DATA_DEPTH = 16,
};

/* The text of a regular file beneath the root, or NULL.  Free it. */
static char *
slurp(struct bindu_py *p, const char *rel, size_t max, size_t *n)
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

/* A module of this file, its text read and split but not followed; found
 * again by its file when loaded before (*fresh false).  NULL: no such file. */
static struct module *
module_of(struct bindu_py *p, const char *file, bool *fresh)
{
	const char *slash;
	struct module *m;
	size_t i, n = 0;
	char *text;

	*fresh = false;
	for (i = 0; i < p->nmod; i++)
		if (strcmp(p->mod[i]->file, file) == 0)
			return p->mod[i];
	if (p->nmod >= MODULES_MAX)
		return NULL;
	text = slurp(p, file, BINDU_PY_SOURCE_MAX, &n);
	if (!text)
		return NULL;
	m = py_alloc(p, sizeof *m);
	slash = strrchr(file, '/');
	*m = (struct module){ .file = py_strn(p, file, strlen(file)),
		.dir = py_strn(p, file, slash ? (size_t)(slash - file) : 0),
		.package = "",
		.text = text,
		.len = n,
		.obj = py_obj_new(p) };
	bindu_py_lex(text, n, &m->toks);
	bindu_grow(&p->mod, &p->modcap, p->nmod + 1, sizeof *p->mod);
	p->mod[p->nmod++] = m;
	*fresh = true;
	return m;
}

static const struct val *
module_val(struct bindu_py *p, uint32_t obj, const char *dotted)
{
	py_set(p, obj, "\x02name", py_str(p, V_STR, dotted));
	return py_objval(p, V_MODULE, obj);
}

/* dir/a/b.py, dir/a/b/__init__.py, or the plain directory dir/a/b. */
static const struct val *
import_in(struct bindu_py *p, const char *dir, const char *dotted)
{
	char *base = py_fmt(p, "%s%s%s", dir, *dir ? "/" : "", dotted), *c;
	char *file, *package = py_strn(p, dotted, strlen(dotted));
	struct module *m;
	struct stat st;
	bool fresh;

	for (c = base + strlen(dir); *c; c++)
		if (*c == '.')
			*c = '/';
	file = py_fmt(p, "%s/__init__.py", base);
	m = module_of(p, file, &fresh);
	if (!m) {
		m = module_of(p, py_fmt(p, "%s.py", base), &fresh);
		if ((c = strrchr(package, '.')))
			*c = '\0';
		else
			*package = '\0';
	}
	if (m && fresh) {
		const struct val *v = module_val(p, m->obj, dotted);

		m->package = package;
		py_run_module(p, m, dotted);
		return v;
	}
	if (m)
		return py_objval(p, V_MODULE, m->obj);
	if (bindu_path_is_inside(base) &&
	    fstatat(p->rootfd, base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		return module_val(p, py_obj_new(p), dotted);
	return NULL;
}

/* The tree's module, or NULL.  What is looked for, and bindu itself (whose
 * own repository holds agents too), always comes from outside. */
static const struct val *
find(struct bindu_py *p, const char *dotted)
{
	const char *dirs[] = { p->script_dir, "", "src" };
	const struct val *v = NULL, *ns = NULL;
	size_t i, n = strlen(dotted);

	if (n == 0 || n > 200 || strcmp(dotted, "bindu") == 0 ||
	    bindu_str_starts(dotted, "bindu."))
		return NULL;
	for (i = 0; i < 3 && !v && py_enter(p); i++, py_leave(p)) {
		v = import_in(p, dirs[i], dotted);
		if (v && !py_get(p, v->obj, "__name__")) {
			ns = ns ? ns : v;
			v = NULL;
		}
	}
	return v ? v : ns;
}

const struct val *
py_import(struct bindu_py *p, const char *dotted)
{
	const struct val *v = find(p, dotted), *parent;
	const char *dot = strrchr(dotted, '.');

	if (!v)
		return py_str(p, V_EXT, dotted);
	if (dot &&
	    (parent = find(p, py_strn(p, dotted, (size_t)(dot - dotted)))))
		py_set(p, parent->obj, py_strn(p, dot + 1, strlen(dot + 1)), v);
	return v;
}

const struct val *
py_import_from(struct bindu_py *p, const char *dotted, const char *name)
{
	const struct val *m = find(p, dotted), *v;

	if (!m)
		return py_str(p, V_EXT,
		    py_fmt(p, "%s%s%s", dotted, *dotted ? "." : "", name));
	if ((v = py_get(p, m->obj, name)) ||
	    (v = find(p, py_fmt(p, "%s.%s", dotted, name))) ||
	    (v = py_get(p, m->obj, "\x02*")))
		return v;
	return py_unknown(p, "module %s of the tree does not set %s", dotted,
	    name);
}

void
py_import_star(struct bindu_py *p, const char *dotted)
{
	const struct val *m = find(p, dotted);
	uint32_t i;

	if (!m || m->obj == p->f->obj)
		return;
	for (i = p->obj[m->obj].first; i && py_step(p); i = p->slot[i].next)
		if (p->slot[i].v && p->slot[i].key[0] != '_' &&
		    p->slot[i].key[0] != '\x02')
			py_set(p, p->f->obj, p->slot[i].key, p->slot[i].v);
}

/* The absolute dotted name of a relative one. */
char *
py_relative(struct bindu_py *p, unsigned dots, const char *rest)
{
	char *s = py_strn(p, p->m->package, strlen(p->m->package)), *dot;

	while (--dots > 0 && (dot = strrchr(s, '.')))
		*dot = '\0';
	if (dots > 0)
		*s = '\0';
	return py_fmt(p, "%s%s%s", s, *s && *rest ? "." : "", rest);
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
		text = slurp(p, rel, DATA_MAX, n);
	if (!text || memchr(text, '\0', *n))
		return NULL;
	copy = py_alloc(p, *n + 1);
	memcpy(copy, text, *n);
	return copy;
}

bool
py_has(struct bindu_py *p, const char *path)
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

void
py_modules_free(struct bindu_py *p)
{
	size_t i;

	for (i = 0; i < p->nmod; i++) {
		free(p->mod[i]->text);
		free(p->mod[i]->toks.v);
	}
	free(p->mod);
}

/* The script itself, followed as __main__. */
int
py_run_script(struct bindu_py *p, const char *script)
{
	bool fresh;
	struct module *m = module_of(p, script, &fresh);

	if (!m)
		return -1;
	p->script_dir = m->dir;
	py_run_module(p, m, "__main__");
	return 0;
}
