/* transfer_payload.c - see transfer_payload.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transfer_payload.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/source/compress.h"
#include "lib/source/pack.h"

#define LIST_MAX (1u << 30)

/* What tells two trees apart, and which contents have to travel. */
struct delta {
	struct bindu_buf list; /* "-PATH" and "+LINE", a line each */
	struct bindu_entry *send; /* borrowed from the new tree */
	size_t nsend, capsend;
	const uint8_t **have; /* digests of the base's files, sorted */
	size_t nhave;
	uint64_t deleted;
};

static int
compare_digests(const void *a, const void *b)
{
	return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b,
	    BINDU_SHA256);
}

static void
index_base(struct delta *d, const struct bindu_tree *base)
{
	d->have = xcalloc(base->n + 1, sizeof *d->have);
	for (size_t i = 0; i < base->n; i++) {
		if (base->entry[i].type == BINDU_FILE)
			d->have[d->nhave++] = base->entry[i].sha256;
	}
	qsort(d->have, d->nhave, sizeof *d->have, compare_digests);
}

/* The box takes a file of known content from what it has. */
static bool
box_has(const struct delta *d, const struct bindu_entry *e)
{
	const uint8_t *key = e->sha256;

	return e->type == BINDU_FILE && d->nhave != 0 &&
	    bsearch(&key, d->have, d->nhave, sizeof *d->have,
		compare_digests) != NULL;
}

static int
add_new(struct delta *d, const struct bindu_entry *e, struct bindu_err *err)
{
	char hex[65];

	if (strchr(e->path, '\n') != NULL)
		return bindu_err_set(err, BINDU_E_DATA, "%s: " BINDU_NO_NEWLINE,
		    e->path);
	bindu_str_hex(e->sha256, BINDU_SHA256, hex);
	if (!box_has(d, e)) {
		bindu_grow(&d->send, &d->capsend, d->nsend + 1,
		    sizeof *d->send);
		d->send[d->nsend++] = *e;
	}
	return bindu_buf_addf(&d->list, err, "+%04o %c %llu %s %s\n",
	    (unsigned)e->mode, (char)e->type, (unsigned long long)e->size, hex,
	    e->path);
}

static bool
same_entry(const struct bindu_entry *a, const struct bindu_entry *b)
{
	return a->mode == b->mode && a->type == b->type && a->size == b->size &&
	    memcmp(a->sha256, b->sha256, BINDU_SHA256) == 0;
}

/* Both are sorted by path: one walk over the two. */
static int
compare_trees(struct delta *d, const struct bindu_tree *t,
    const struct bindu_tree *base, struct bindu_err *err)
{
	size_t i = 0, j = 0, nbase = base != NULL ? base->n : 0;
	int bad = 0;

	while (!bad && (i < t->n || j < nbase)) {
		int c = i == t->n ? 1 :
		    j == nbase	  ? -1 :
				    strcmp(t->entry[i].path, base->entry[j].path);

		if (c > 0) {
			d->deleted++;
			bad = bindu_buf_addf(&d->list, err, "-%s\n",
			    base->entry[j++].path);
			continue;
		}
		if (c < 0 || !same_entry(&t->entry[i], &base->entry[j]))
			bad = add_new(d, &t->entry[i], err);
		i++;
		j += c == 0;
	}
	return bad;
}

static int
write_payload(const struct bindu_tree *t, const struct delta *d,
    struct bindu_payload *out, struct bindu_err *err)
{
	struct bindu_pack_opts o = { .compress = BINDU_GZIP,
		.strict = true,
		/* What is sent is what was judged. */
		.verify = true };
	struct bindu_pack_stats stats = { 0 };
	struct bindu_tree part = *t;
	struct bindu_compress_stream *c;
	uint8_t sum[BINDU_SHA256];
	int bad;

	c = bindu_compress_new(out->fd, &o, err);
	if (c == NULL)
		return -1;
	bad = bindu_compress_add(c, d->list.p, d->list.len, err);
	if (!bad)
		bad = bindu_compress_end(c, &out->list_size, err);
	bindu_compress_free(c);
	if (bad)
		return -1;
	/* strict: no entry is taken out of it, so the borrowed ones stay. */
	part.entry = d->send;
	part.n = part.cap = d->nsend;
	part.bytes = 0;
	for (size_t i = 0; i < part.n; i++)
		part.bytes += part.entry[i].size;
	if (bindu_pack_write(&part, out->fd, &o, &stats, NULL, err) == -1)
		return -1;
	if (lseek(out->fd, 0, SEEK_SET) == -1)
		return bindu_err_sys(err, "cannot read the payload again");
	if (bindu_digest_fd(out->fd, sum, &out->size, err) == -1)
		return -1;
	bindu_str_hex(sum, BINDU_SHA256, out->sha256);
	return 0;
}

int
bindu_payload_make(struct bindu_tree *t, const struct bindu_tree *base,
    struct bindu_payload *out, struct bindu_err *err)
{
	struct delta d = { .list = BINDU_BUF_INIT(LIST_MAX) };
	int bad;

	*out = (struct bindu_payload){ .fd = -1 };
	if (base != NULL)
		index_base(&d, base);
	bad = compare_trees(&d, t, base, err);
	if (!bad) {
		out->fd = memfd_create("bindu-payload", MFD_CLOEXEC);
		if (out->fd == -1)
			bad = bindu_err_sys(err, "cannot hold the payload");
	}
	if (!bad)
		bad = write_payload(t, &d, out, err);
	out->files_sent = d.nsend;
	out->files_deleted = d.deleted;
	if (bad)
		bindu_cleanup_close(&out->fd);
	bindu_buf_fini(&d.list);
	free(d.send);
	free(d.have);
	return bad;
}
