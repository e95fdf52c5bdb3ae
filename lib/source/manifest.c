/* manifest.c - the list of what ships with its digests, and its bytes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define PARSE_ENTRIES_MAX 4000000u

static int
add_line(struct bindu_buf *out, const struct bindu_entry *e,
    struct bindu_err *err)
{
	char head[128], *p = head, digits[24];
	uint64_t size = e->size;
	int n = 0;

	/* By hand: this is most of the time of an unchanged tree. */
	*p++ = '0';
	for (int shift = 6; shift >= 0; shift -= 3)
		*p++ = (char)('0' + (e->mode >> shift & 7));
	*p++ = ' ';
	*p++ = (char)e->type;
	*p++ = ' ';
	do
		digits[n++] = (char)('0' + size % 10);
	while ((size /= 10) > 0);
	while (n > 0)
		*p++ = digits[--n];
	*p++ = ' ';
	bindu_str_hex(e->sha256, BINDU_SHA256, p);
	p += 2 * BINDU_SHA256;
	*p++ = ' ';
	if (bindu_buf_add(out, head, (size_t)(p - head), err) == -1)
		return -1;
	return bindu_buf_add(out, e->path, strlen(e->path) + 1, err);
}

int
bindu_manifest_write(const struct bindu_tree *t, struct bindu_buf *out,
    char id[65], struct bindu_err *err)
{
	uint8_t sum[BINDU_SHA256];
	size_t from = out->len;

	for (size_t i = 0; i < t->n; i++) {
		if (!t->entry[i].hashed)
			return bindu_err_set(err, BINDU_E_BUG,
			    "%s has no digest yet", t->entry[i].path);
		if (add_line(out, &t->entry[i], err) == -1)
			return bindu_err_wrap(err, "manifest");
	}
	bindu_digest_bytes(out->p ? out->p + from : "", out->len - from, sum);
	bindu_str_hex(sum, BINDU_SHA256, id);
	return 0;
}

/* A path that can be made below a root: relative, no "", ".", "..". */
static bool
is_clean(const char *p)
{
	for (;;) {
		size_t n = strcspn(p, "/");

		if (n == 0 ||
		    (p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.'))))
			return false;
		if (p[n] == '\0')
			return true;
		p += n + 1;
	}
}

/* The field up to the next blank; NULL when there is none. */
static char *
take_field(char **p)
{
	char *field = *p, *blank = strchr(field, ' ');

	if (blank == NULL)
		return NULL;
	*blank = '\0';
	*p = blank + 1;
	return field;
}

/* "mode type size sha256 path", taken apart in place. */
static int
parse_line(char *line, struct bindu_entry *e)
{
	char *mode = take_field(&line), *type = mode ? take_field(&line) : NULL;
	char *size = type ? take_field(&line) : NULL;
	char *sum = size ? take_field(&line) : NULL;
	static const struct {
		const char *type, *mode;
		mode_t bits;
	} kinds[] = {
		{ "f", "0644", 0644 },
		{ "f", "0755", 0755 },
		{ "l", "0777", 0777 },
		{ "d", "0755", 0755 },
	};

	if (sum == NULL || strlen(sum) != 2 * BINDU_SHA256 ||
	    bindu_str_unhex(sum, e->sha256, BINDU_SHA256) == -1 ||
	    bindu_str_u64(size, &e->size, NULL) == -1 || !is_clean(line))
		return -1;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(type, kinds[i].type) == 0 &&
		    strcmp(mode, kinds[i].mode) == 0) {
			e->type = (enum bindu_entry_type) * type;
			e->mode = kinds[i].bits;
			e->path = xstrdup(line);
			e->hashed = true;
			return 0;
		}
	return -1;
}

static int
parse_lines(struct bindu_tree *t, char *text, size_t n, struct bindu_err *err)
{
	for (size_t at = 0; at < n;) {
		char *line = text + at;
		struct bindu_entry e = { 0 };
		size_t len = strnlen(line, n - at);

		if (len == n - at || t->n == PARSE_ENTRIES_MAX ||
		    parse_line(line, &e) == -1)
			return bindu_err_set(err, BINDU_E_DATA,
			    "manifest: "
			    "entry %zu is malformed",
			    t->n + 1);
		bindu_grow(&t->entry, &t->cap, t->n + 1, sizeof *t->entry);
		t->entry[t->n++] = e;
		t->bytes += e.type == BINDU_FILE ? e.size : 0;
		if (t->n > 1 && strcmp(e.path, t->entry[t->n - 2].path) <= 0)
			return bindu_err_set(err, BINDU_E_DATA,
			    "manifest: "
			    "entry %zu is out of order",
			    t->n);
		at += len + 1;
	}
	return 0;
}

int
bindu_manifest_parse(const char *p, size_t n, struct bindu_tree **out,
    struct bindu_err *err)
{
	AUTO_FREE char *text = xmemdup(p, n);
	struct bindu_tree *t = xcalloc(1, sizeof *t);

	t->rootfd = -1;
	if (parse_lines(t, text, n, err) == -1) {
		bindu_tree_free(t);
		return -1;
	}
	*out = t;
	return 0;
}
