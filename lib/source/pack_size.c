/* pack_size.c - the size limit: an early estimate and a useful refusal.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pack_size.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "compress.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "walk_dir.h"

#define SAMPLES 64
#define SAMPLE (64 * 1024)
#define TOP 10

/* A path and the bytes below it. */
struct weight {
	char *path;
	uint64_t bytes;
};

static int
compare_weight(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->path, y->path);
}

/* One sample: what was read of it and its compressed size, added up. */
static void
take_sample(struct bindu_walk_dir *dirs, const struct bindu_entry *e,
    uint64_t at, enum bindu_compress kind, char *buf, uint64_t *in,
    uint64_t *out)
{
	const char *name;
	int dir = bindu_walk_dir_parent(dirs, e->path, &name);
	AUTO_CLOSE int fd = dir == -1 ?
	    -1 :
	    openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n;

	if (fd == -1)
		return;
	n = pread(fd, buf, SAMPLE, (off_t)at);
	if (n <= 0)
		return;
	*in += (uint64_t)n;
	*out += bindu_compress_sample(kind, buf, (size_t)n);
}

/* SAMPLES pieces spread evenly over the bytes of the tree. */
static double
sample_ratio(const struct bindu_tree *t, enum bindu_compress kind)
{
	struct bindu_walk_dir *dirs = bindu_walk_dir_new(t->rootfd);
	AUTO_FREE char *buf = xmalloc(SAMPLE);
	uint64_t in = 0, out = 0, seen = 0;
	size_t next = 0;

	for (size_t i = 0; i < t->n && next < SAMPLES; i++) {
		const struct bindu_entry *e = &t->entry[i];

		if (e->type != BINDU_FILE)
			continue;
		while (next < SAMPLES &&
		    t->bytes / SAMPLES * next < seen + e->size) {
			take_sample(dirs, e, t->bytes / SAMPLES * next - seen,
			    kind, buf, &in, &out);
			next++;
		}
		seen += e->size;
	}
	bindu_walk_dir_free(dirs);
	return in ? (double)out / (double)in : 1;
}

int
bindu_pack_estimate(const struct bindu_tree *t, const struct bindu_pack_opts *o,
    const struct bindu_report *report, struct bindu_err *err)
{
	double ratio = 1, size;
	char a[16], b[16];

	/* Below that even bytes that do not compress might fit. */
	if (o->max_size == 0 || t->bytes / 3 * 2 < o->max_size)
		return 0;
	if (o->compress != BINDU_TAR)
		ratio = sample_ratio(t, o->compress);
	size = (double)t->bytes * ratio;
	if (size < (double)o->max_size * 1.5)
		return 0;
	bindu_err_set(err, BINDU_E_DATA,
	    "the archive would be about %s; its "
	    "limit is %s",
	    bindu_str_human((uint64_t)size, a, sizeof a),
	    bindu_str_human(o->max_size, b, sizeof b));
	bindu_pack_explain_limit(t, report, err);
	return -1;
}

/* Bytes below every directory; the caller frees paths and array. */
static struct weight *
weigh_directories(const struct bindu_tree *t, size_t *n)
{
	struct weight *w = NULL;
	size_t cap = 0, open[64], nopen = 0;

	/* Entries are sorted, so a directory's are together; deeper than the
	 * table is counted at the deepest directory in it. */
	*n = 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct bindu_entry *e = &t->entry[i];
		const char *at = e->path, *slash;
		size_t level = 0;

		while ((slash = strchr(at, '/')) != NULL && level < 64) {
			size_t len = (size_t)(slash - e->path);

			if (level < nopen &&
			    strlen(w[open[level]].path) == len &&
			    memcmp(w[open[level]].path, e->path, len) == 0) {
				at = slash + 1;
				level++;
				continue;
			}
			bindu_grow(&w, &cap, *n + 1, sizeof *w);
			w[*n] = (struct weight){ xstrndup(e->path, len), 0 };
			open[level++] = (*n)++;
			nopen = level;
			at = slash + 1;
		}
		nopen = level;
		for (size_t l = 0; e->type == BINDU_FILE && l < nopen; l++)
			w[open[l]].bytes += e->size;
	}
	return w;
}

/* A path as an ignore rule that means it alone. */
static void
add_rule_text(struct bindu_buf *b, const char *path, bool is_dir)
{
	bindu_buf_addc(b, '/', NULL);
	for (const char *p = path; *p != '\0'; p++) {
		if (strchr("*?[\\", *p) != NULL || (*p == ' ' && p[1] == '\0'))
			bindu_buf_addc(b, '\\', NULL);
		bindu_buf_addc(b, *p, NULL);
	}
	if (is_dir)
		bindu_buf_addc(b, '/', NULL);
}

static void
note_weights(struct weight *w, size_t n, bool is_dir,
    const struct bindu_report *report)
{
	qsort(w, n, sizeof *w, compare_weight);
	bindu_note(report, BINDU_WARN, "largest %s, as lines for .binduignore:",
	    is_dir ? "directories" : "files");
	for (size_t i = 0; i < n && i < TOP && w[i].bytes > 0; i++) {
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 17);
		AUTO_BUF struct bindu_buf shown = BINDU_BUF_INIT(1 << 19);
		char size[16];

		add_rule_text(&b, w[i].path, is_dir);
		bindu_str_visible(&shown, b.p, b.len, NULL);
		bindu_note(report, BINDU_WARN, "%10s  %s",
		    bindu_str_human(w[i].bytes, size, sizeof size), shown.p);
	}
}

/* Say which files and directories of the tree are largest. */
static void
note_largest(const struct bindu_tree *t, const struct bindu_report *report)
{
	size_t n, files = 0;
	struct weight *w = weigh_directories(t, &n);

	if (n > 0)
		note_weights(w, n, true, report);
	for (size_t i = 0; i < n; i++)
		free(w[i].path);
	free(w);
	w = xcalloc(t->n + 1, sizeof *w);
	for (size_t i = 0; i < t->n; i++)
		if (t->entry[i].type == BINDU_FILE)
			w[files++] = (struct weight){ t->entry[i].path,
				t->entry[i].size };
	if (files > 0)
		note_weights(w, files, false, report);
	free(w);
}

static const struct bindu_entry *
find_largest(const struct bindu_tree *t)
{
	const struct bindu_entry *max = NULL;

	for (size_t i = 0; i < t->n; i++)
		if (t->entry[i].type == BINDU_FILE &&
		    (max == NULL || t->entry[i].size > max->size))
			max = &t->entry[i];
	return max;
}

void
bindu_pack_explain_limit(const struct bindu_tree *t,
    const struct bindu_report *report, struct bindu_err *err)
{
	const struct bindu_entry *e = find_largest(t);
	AUTO_FREE char *was = NULL, *shown = NULL;
	char size[16];

	note_largest(t, report);
	if (e == NULL || err == NULL)
		return;
	was = xstrdup(err->msg);
	shown = bindu_str_shown(e->path);
	bindu_str_human(e->size, size, sizeof size);
	bindu_err_set(err, err->code,
	    "%.300s; the largest file is %.500s "
	    "(%s); add what is not needed to .binduignore",
	    was, shown, size);
}
