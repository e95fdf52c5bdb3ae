/* pack_list.c - lists, totals and verdicts as text.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pack_list.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define PIECE (64 * 1024) /* of a list, written at once */

static int
list_json(const struct bindu_tree *t, struct bindu_buf *b,
    struct bindu_err *err)
{
	AUTO_JSON json_t *top = json_object();
	json_t *files = json_array(), *dropped = json_array();
	AUTO_FREE char *text = NULL;

	json_object_set_new(top, "files", files);
	json_object_set_new(top, "dropped", dropped);
	for (size_t i = 0; i < t->n; i++) {
		const struct bindu_entry *e = &t->entry[i];
		char type[2] = { (char)e->type, '\0' };
		json_t *o = json_object();

		bindu_json_set_str(o, "path", e->path);
		bindu_json_set_str(o, "type", type);
		bindu_json_set_str(o, "link", e->link);
		bindu_json_set_int(o, "mode", e->mode);
		bindu_json_set_int(o, "size", (int64_t)e->size);
		json_array_append_new(files, o);
	}
	for (size_t i = 0; i < t->ndrop; i++) {
		json_t *o = json_object();

		bindu_json_set_str(o, "path", t->drop[i].path);
		bindu_json_set_str(o, "rule", t->drop[i].rule);
		json_array_append_new(dropped, o);
	}
	bindu_json_set_int(top, "bytes", (int64_t)t->bytes);
	bindu_json_set_int(top, "ignored", (int64_t)t->ignored);
	bindu_json_set_int(top, "special", (int64_t)t->special);
	text = bindu_json_text(top);
	return bindu_buf_addf(b, err, "%s\n", text);
}

/* Nothing but printable ASCII?  Most names are, and then need no look at the
 * meaning of every byte; eight are seen at once. */
static bool
is_plain(const char *s, size_t n)
{
	const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
	uint64_t odd = 0, v;

	for (; n >= sizeof v; s += sizeof v, n -= sizeof v) {
		memcpy(&v, s, sizeof v);
		/* The top bit of a byte that is over '~' or under ' '. */
		odd |= (v | (v + ones) | (v - ones * ' ')) & tops;
	}
	while (n-- > 0)
		odd |= *s < ' ' || *s > '~', s++;
	return odd == 0;
}

static int
add_visible(struct bindu_buf *b, const char *s, size_t n, struct bindu_err *err)
{
	return is_plain(s, n) ? bindu_buf_add(b, s, n, err) :
				bindu_str_visible(b, s, n, err);
}

/* The number and a tab, at the end of out. */
static const char *
format_size(char *out, size_t n, uint64_t v)
{
	char *p = out + n;

	*--p = '\0';
	*--p = '\t';
	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	return p;
}

/* "SIZE TAB PATH", with what a link points to, or the path and a NUL. */
static int
add_entry(struct bindu_buf *b, const struct bindu_entry *e,
    enum bindu_list_form form, struct bindu_err *err)
{
	size_t n = strlen(e->path);
	char size[24];

	if (form == BINDU_LIST_NUL)
		return bindu_buf_add(b, e->path, n + 1, err);
	if (bindu_buf_adds(b, format_size(size, sizeof size, e->size), err) ==
		-1 ||
	    add_visible(b, e->path, n, err) == -1)
		return -1;
	if (e->type == BINDU_LINK &&
	    (bindu_buf_adds(b, " -> ", err) == -1 ||
		add_visible(b, e->link, strlen(e->link), err) == -1))
		return -1;
	return bindu_buf_adds(b, e->type == BINDU_DIR ? "/\n" : "\n", err);
}

static int
flush(struct bindu_buf *b, int fd, struct bindu_err *err)
{
	if (bindu_fd_write(fd, b->p, b->len) == -1)
		return bindu_err_sys(err, "cannot write the list");
	bindu_buf_reset(b);
	return 0;
}

int
bindu_pack_list(const struct bindu_tree *t, enum bindu_list_form form, int fd,
    struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1u << 30);

	if (form == BINDU_LIST_JSON && list_json(t, &b, err) == -1)
		return -1;
	for (size_t i = 0; form != BINDU_LIST_JSON && i < t->n; i++)
		if (add_entry(&b, &t->entry[i], form, err) == -1 ||
		    (b.len >= PIECE && flush(&b, fd, err) == -1))
			return -1;
	return b.len > 0 ? flush(&b, fd, err) : 0;
}

/* A name at the top of the tree: files themselves count as ".". */
struct total {
	char *name;
	uint64_t files, bytes;
};

static int
compare_total(const void *a, const void *b)
{
	const struct total *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int
print_totals(struct total *s, size_t n, const struct bindu_tree *t,
    struct bindu_buf *b, struct bindu_err *err)
{
	char size[16];

	if (n > 1)
		qsort(s, n, sizeof *s, compare_total);
	for (size_t i = 0; i < n; i++) {
		if (bindu_buf_addf(b, err, "%10s %7llu %-7s",
			bindu_str_human(s[i].bytes, size, sizeof size),
			(unsigned long long)s[i].files,
			s[i].files == 1 ? "file" : "files") == -1 ||
		    bindu_str_visible(b, s[i].name, strlen(s[i].name), err) ==
			-1 ||
		    bindu_buf_addc(b, '\n', err) == -1)
			return -1;
	}
	return bindu_buf_addf(b, err,
	    "%10s %7zu %-7sin all, %llu path%s left out by ignore rules, "
	    "%zu as secret%s\n",
	    bindu_str_human(t->bytes, size, sizeof size), t->n,
	    t->n == 1 ? "file" : "files", (unsigned long long)t->ignored,
	    bindu_str_s(t->ignored), t->ndrop, bindu_str_s(t->ndrop));
}

int
bindu_pack_totals(const struct bindu_tree *t, struct bindu_buf *b,
    struct bindu_err *err)
{
	struct total *s = NULL, dot = { .name = NULL };
	size_t n = 0, cap = 0;
	int rc;

	for (size_t i = 0; i < t->n; i++) {
		const struct bindu_entry *e = &t->entry[i];
		const char *slash = strchr(e->path, '/');
		size_t len = slash ? (size_t)(slash - e->path) : 0;
		struct total *to = &dot;

		if (slash != NULL &&
		    (n == 0 || strlen(s[n - 1].name) != len + 1 ||
			memcmp(s[n - 1].name, e->path, len) != 0)) {
			bindu_grow(&s, &cap, n + 2, sizeof *s);
			s[n++] =
			    (struct total){ xstrndup(e->path, len + 1), 0, 0 };
		}
		if (slash != NULL)
			to = &s[n - 1];
		to->files++;
		to->bytes += e->type == BINDU_FILE ? e->size : 0;
	}
	if (dot.files > 0) {
		bindu_grow(&s, &cap, n + 1, sizeof *s);
		dot.name = xstrdup(".");
		s[n++] = dot;
	}
	rc = print_totals(s, n, t, b, err);
	while (n > 0)
		free(s[--n].name);
	free(s);
	return rc;
}

static const struct {
	const char *word, *why;
	bool ships;
} verdicts[] = {
	[BINDU_SHIPS] = { "ships", "", true },
	[BINDU_SHIPS_TRACKED] = { "ships", "tracked by git, although ", true },
	[BINDU_IGNORED] = { "ignored", "", false },
	[BINDU_DENIED] = { "denied", "", false },
	[BINDU_SCRUBBED] = { "ships", "unless it holds a secret: ", true },
	[BINDU_SPECIAL] = { "special", "no file, directory or link ", false },
	[BINDU_GIT] = { "git", "git's own directory", false },
	[BINDU_OWN] = { "own", "cache or state of these tools", false },
	[BINDU_MISSING] = { "missing", "", false },
};

bool
bindu_pack_verdict(const struct bindu_explain *x, const char *path,
    enum bindu_list_form form, struct bindu_buf *b)
{
	AUTO_JSON json_t *o = NULL;
	AUTO_FREE char *text = NULL;
	bool ships = verdicts[x->kind].ships;

	if (form == BINDU_LIST_JSON) {
		o = json_object();
		bindu_json_set_str(o, "path", path);
		json_object_set_new(o, "ships", json_boolean(ships));
		bindu_json_set_str(o, "verdict", verdicts[x->kind].word);
		bindu_json_set_str(o, "rule", x->rule);
		bindu_json_set_str(o, "at", x->at);
		json_object_set_new(o, "tracked",
		    json_boolean(x->kind == BINDU_SHIPS_TRACKED));
		text = bindu_json_text(o);
		bindu_buf_adds(b, text, NULL);
		bindu_buf_addc(b, '\n', NULL);
		return ships;
	}
	bindu_buf_addf(b, NULL, "%s\t%s", verdicts[x->kind].word,
	    verdicts[x->kind].why);
	bindu_str_visible(b, x->rule, strlen(x->rule), NULL);
	bindu_buf_addc(b, '\t', NULL);
	bindu_str_visible(b, path, strlen(path), NULL);
	bindu_buf_addc(b, '\n', NULL);
	return ships;
}
