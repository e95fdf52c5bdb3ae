/* scrub_file.c - one file's content, and what is packed inside of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "scrub_file.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "scrub_pdf.h"

/* A script is read further ahead, for the archive behind it. */
enum { MAX_DEPTH = 10, MAX_MEMBERS = 200000, PEEK = 1024, SCRIPT = 65536 };
enum { NAMES = 256 * 1024, NAME = 65536 };
enum { EXPAND_MIN = 256 << 20, EXPAND_FACTOR = 200 };
#define EXPAND_MAX (4ull << 30)

/* The scan's candidates as findings of the report; inner: in a container. */
static void
take_found(struct scrub_job *j, const char *path, bool inner)
{
	size_t n;
	struct scrub_cand *c = scrub_scan_found(j->scan, &n);

	for (size_t i = 0; i < n; i++) {
		const struct bindu_finding *f;

		if (inner) {
			c[i].start = 0;
			c[i].end = j->size;
		}
		f = scrub_report_found(j, path, &c[i]);
		if (!f)
			continue;
		j->any_key |= f->level >= BINDU_SCRUB_WARN &&
		    !strncmp(f->rule, "private-key/", 12);
		j->block |= f->level == BINDU_SCRUB_BLOCK;
	}
	if (scrub_scan_overflow(j->scan))
		scrub_report_unread(j, path,
		    "it holds more findings than "
		    "are listed");
}

/* A source that begins with bytes already read. */
struct peeked {
	struct bindu_source under;
	size_t len, at;
	uint64_t pos;
	uint8_t head[SCRIPT]; /* large: not cleared */
};

static ssize_t
read_peeked(void *ctx, void *p, size_t n, struct bindu_err *err)
{
	struct peeked *k = ctx;
	size_t left = k->len - k->at;
	ssize_t got;

	if (left) {
		n = n < left ? n : left;
		memcpy(p, k->head + k->at, n);
		k->at += n;
		k->pos += n;
		return (ssize_t)n;
	}
	got = k->under.read(k->under.ctx, p, n, err);
	if (got > 0)
		k->pos += (uint64_t)got;
	return got;
}

/* The head may be left for good: it is on disk as well. */
static int64_t
seek_peeked(void *ctx, int64_t to)
{
	struct peeked *k = ctx;

	if (k->under.seek(k->under.ctx, to) < 0)
		return -1;
	k->at = k->len;
	k->pos = (uint64_t)to;
	return to;
}

static int
fill_peek(struct peeked *k, size_t max, struct bindu_err *err)
{
	while (k->len < max) {
		ssize_t n = k->under.read(k->under.ctx, k->head + k->len,
		    max - k->len, err);

		if (n < 0)
			return -1;
		if (!n)
			break;
		k->len += (size_t)n;
	}
	return 0;
}

static int
begin_peek(struct peeked *k, const struct bindu_source *under,
    struct bindu_err *err)
{
	k->under = *under;
	k->len = k->at = k->pos = 0;
	if (fill_peek(k, PEEK, err) == -1)
		return -1;
	return k->len == PEEK && !memcmp(k->head, "#!", 2) ?
	    fill_peek(k, SCRIPT, err) :
	    0;
}

static int read_stream(struct scrub_job *, const char *path, int depth,
    bool weak, const struct bindu_source *, struct bindu_err *);
static int read_packed(struct scrub_job *, const char *path, int depth,
    const struct bindu_source *, struct bindu_err *);

/* Bytes in memory as a source. */
struct memory {
	const uint8_t *p;
	size_t n;
};

static ssize_t
read_memory(void *ctx, void *p, size_t n, struct bindu_err *err)
{
	struct memory *m = ctx;

	(void)err;
	n = n < m->n ? n : m->n;
	memcpy(p, m->p, n);
	m->p += n;
	m->n -= n;
	return (ssize_t)n;
}

/* What stood in the stream as base64 and is packed.  That it can be opened
 * was a guess; what cannot was read as it is. */
static int
scan_packed(struct scrub_job *j, const char *path, int depth,
    struct bindu_err *err)
{
	struct scrub_packed k[SCRUB_PACKED_COUNT];
	size_t n = 0;
	int rc = 0;

	if (scrub_scan_unopened(j->scan))
		scrub_report_unread(j, path,
		    "more is packed in its base64 than is opened");
	while (n < SCRUB_PACKED_COUNT && scrub_scan_packed(j->scan, &k[n]))
		n++;
	for (size_t i = 0; i < n; i++) {
		struct memory m = { k[i].bytes, k[i].n };
		struct bindu_source src = { read_memory, NULL, &m, 0 };
		AUTO_FREE char *inner = xasprintf("%s!base64", path);

		if (rc == 0 && depth < MAX_DEPTH)
			rc = read_packed(j, inner, depth + 1, &src, err);
		free(k[i].bytes);
	}
	return rc;
}

/* What the PDF compressed, as findings of what stands in it. */
static void
take_pdf(struct scrub_job *j, const char *path, struct scrub_pdf *pdf)
{
	struct scrub_scan *scan = j->scan;
	AUTO_FREE char *inner = xasprintf("%s!stream", path);
	bool over;

	j->scan = scrub_pdf_end(pdf, &over);
	take_found(j, inner, true);
	j->scan = scan;
	if (over)
		scrub_report_unread(j, path,
		    "it expands to more than is read of a container");
}

static int
scan_plain(struct scrub_job *j, const char *path, int depth, bool weak,
    const struct bindu_source *src, struct bindu_err *err)
{
	struct scrub_pdf *pdf = NULL;
	bool begun = false;
	ssize_t n;

	scrub_scan_begin(j->scan, weak);
	for (;;) {
		size_t room;
		uint8_t *to = scrub_scan_room(j->scan, &room);

		n = src->read(src->ctx, to, room, err);
		if (n <= 0)
			break;
		if (!begun)
			pdf = scrub_pdf_new(to, (size_t)n, &j->budget);
		begun = true;
		if (pdf)
			scrub_pdf_add(pdf, to, (size_t)n);
		scrub_scan_added(j->scan, (size_t)n);
		j->r->bytes += depth ? 0 : (uint64_t)n;
	}
	if (n == 0) {
		scrub_scan_end(j->scan);
		take_found(j, path, depth > 0);
		if (pdf)
			take_pdf(j, path, pdf);
	}
	scrub_pdf_free(pdf);
	return n ? -1 : scan_packed(j, path, depth, err);
}

/* A member's bytes, counted against the budget. */
struct member_source {
	struct bindu_unpack *u;
	struct scrub_job *j;
};

static ssize_t
read_member(void *ctx, void *p, size_t n, struct bindu_err *err)
{
	struct member_source *m = ctx;
	ssize_t got = bindu_unpack_read(m->u, p, n, err);

	if (got <= 0)
		return got;
	if ((uint64_t)got > m->j->budget) {
		m->j->budget = 0;
		return bindu_err_set(err, BINDU_E_DATA,
		    "it expands to more than is read of a container");
	}
	m->j->budget -= (uint64_t)got;
	return got;
}

static int
scan_memory(struct scrub_job *j, const char *path, int depth, const void *p,
    size_t n, struct bindu_err *err)
{
	struct memory m = { p, n };
	struct bindu_source src = { read_memory, NULL, &m, 0 };

	return scan_plain(j, path, depth, false, &src, err);
}

/* The names so far: they ship too. */
static int
scan_names(struct scrub_job *j, const char *path, int depth,
    struct bindu_buf *names, struct bindu_err *err)
{
	AUTO_FREE char *inner = xasprintf("%s!names", path);
	int rc = names->len ?
	    scan_memory(j, inner, depth + 1, names->p, names->len, err) :
	    0;

	bindu_buf_reset(names);
	return rc;
}

static int
add_name(struct scrub_job *j, const char *path, int depth, const char *name,
    struct bindu_buf *names, struct bindu_err *err)
{
	size_t n = strnlen(name, NAME);

	if (names->len + n + 1 > names->max &&
	    scan_names(j, path, depth, names, err) == -1)
		return -1;
	if (bindu_buf_add(names, name, n, err) == -1)
		return -1;
	/* A token begins at a border, and / is none. */
	for (size_t i = names->len - n; i < names->len; i++)
		if (names->p[i] == '/')
			names->p[i] = '\n';
	return bindu_buf_addc(names, '\n', err);
}

static int
read_each(struct scrub_job *j, const char *path, int depth,
    struct bindu_unpack *u, enum bindu_packed kind, struct bindu_buf *names,
    struct bindu_err *err)
{
	struct bindu_member m;
	int rc;

	while ((rc = bindu_unpack_next(u, &m, err)) == 1) {
		struct member_source ms = { u, j };
		struct bindu_source src = { read_member, NULL, &ms, 0 };
		AUTO_FREE char *inner = NULL;
		const char *rule;

		if (!j->members)
			return bindu_err_set(err, BINDU_E_DATA,
			    "it holds more members than are read");
		j->members--;
		if (kind == BINDU_ARCHIVE &&
		    (add_name(j, path, depth, m.path, names, err) == -1 ||
			(m.link &&
			    add_name(j, path, depth, m.link, names, err) ==
				-1)))
			return -1;
		if (m.type != BINDU_MEMBER_FILE)
			continue;
		/* "data" is what a single compressed file is called. */
		inner = kind == BINDU_COMPRESSED ?
		    xstrdup(path) :
		    xasprintf("%s!%s", path, m.path);
		if (read_stream(j, inner, depth + 1,
			bindu_scrub_name(m.path, false, &rule) >=
			    BINDU_NAME_SCAN,
			&src, err) == -1)
			return -1;
	}
	return rc;
}

static int
read_members(struct scrub_job *j, const char *path, int depth,
    struct bindu_unpack *u, enum bindu_packed kind, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf names = BINDU_BUF_INIT(NAMES);
	struct bindu_err mine = { 0 };
	int rc = read_each(j, path, depth, u, kind, &names, err);

	if (scan_names(j, path, depth, &names, &mine) == -1 && rc == 0) {
		if (err)
			*err = mine;
		return -1;
	}
	return rc;
}

/* What stands in the container; when it breaks, that is said and the bytes
 * are read as they are. */
static int
scan_container(struct scrub_job *j, const char *path, int depth, bool weak,
    struct peeked *k, enum bindu_packed kind, struct bindu_err *err)
{
	struct bindu_source src = { read_peeked,
		k->under.seek ? seek_peeked : NULL, k, k->under.size };
	struct bindu_err mine = { 0 };
	struct bindu_unpack *u = bindu_unpack_new(&src, kind, &mine);
	int rc = u ? read_members(j, path, depth, u, kind, &mine) : -1;

	bindu_unpack_free(u);
	j->r->bytes += depth || rc ? 0 : j->size;
	if (rc == 0)
		return 0;
	scrub_report_unread(j, path, mine.msg);
	if (k->under.seek && seek_peeked(k, 0) == 0)
		return scan_plain(j, path, depth, weak, &src, err);
	return 0;
}

static int
read_packed(struct scrub_job *j, const char *path, int depth,
    const struct bindu_source *under, struct bindu_err *err)
{
	struct peeked k;
	struct bindu_source src = { read_peeked, NULL, &k, 0 };
	struct bindu_err mine = { 0 };
	struct bindu_unpack *u;
	enum bindu_packed kind;
	int rc;

	if (begin_peek(&k, under, err) == -1)
		return -1;
	kind = bindu_unpack_knows(k.head, k.len);
	u = kind == BINDU_NOT_PACKED ? NULL :
				       bindu_unpack_new(&src, kind, &mine);
	rc = u ? read_members(j, path, depth, u, kind, &mine) : 0;
	bindu_unpack_free(u);
	if (rc == -1 && (!j->members || !j->budget))
		scrub_report_unread(j, path, mine.msg);
	return 0;
}

/* #!, and behind one of the lines something packed: what zipapp and makeself
 * make.  Where it begins, 0: nowhere.  Of a tar, that is text in plain sight,
 * not enough is shown to know it. */
static size_t
find_payload(const struct peeked *k, enum bindu_packed *kind)
{
	const uint8_t *p = k->head, *end = p + k->len;

	if (k->len < 2 || memcmp(p, "#!", 2) != 0)
		return 0;
	while ((p = memchr(p, '\n', (size_t)(end - p))) && ++p < end) {
		size_t n = (size_t)(end - p);

		*kind = bindu_unpack_knows(p, n < 64 ? n : 64);
		if (*kind != BINDU_NOT_PACKED)
			return (size_t)(p - k->head);
	}
	return 0;
}

static int
read_stream(struct scrub_job *j, const char *path, int depth, bool weak,
    const struct bindu_source *under, struct bindu_err *err)
{
	struct peeked k;
	struct bindu_source src = { read_peeked,
		under->seek ? seek_peeked : NULL, &k, under->size };
	enum bindu_packed kind;
	size_t script = 0;

	if (begin_peek(&k, under, err) == -1)
		return -1;
	kind = bindu_unpack_knows(k.head, k.len);
	if (kind == BINDU_NOT_PACKED)
		script = find_payload(&k, &kind);
	if (kind != BINDU_NOT_PACKED) {
		j->packed = true;
		if (depth < MAX_DEPTH) {
			if (script &&
			    scan_memory(j, path, depth, k.head, script, err) ==
				-1)
				return -1;
			if (script) /* offsets count from its end */
				k.under.seek = NULL;
			j->r->bytes -= depth ? 0 : script;
			k.at = script;
			return scan_container(j, path, depth, weak, &k, kind,
			    err);
		}
		scrub_report_unread(j, path,
		    "it is a container inside too many others");
	}
	return scan_plain(j, path, depth, weak, &src, err);
}

int
scrub_file(struct scrub_job *j, const char *path, uint64_t size, bool weak,
    const struct bindu_source *src, struct bindu_err *err)
{
	j->path = path;
	j->size = size;
	j->weak = weak;
	j->any_key = j->block = j->packed = false;
	j->first = j->r->n;
	j->members = MAX_MEMBERS;
	j->budget = size * EXPAND_FACTOR;
	if (j->budget < EXPAND_MIN)
		j->budget = EXPAND_MIN;
	if (j->budget > EXPAND_MAX)
		j->budget = EXPAND_MAX;
	j->r->files++;
	return read_stream(j, path, 0, weak, src, err);
}

bool
scrub_file_is_allowed(struct scrub_job *j, const char *path,
    const uint8_t sha256[BINDU_SHA256])
{
	AUTO_FREE char *by = scrub_allow_file(j->allow, path, sha256);

	if (by)
		bindu_note(j->report, BINDU_WARN, "%s ships, allowed by %s",
		    path, by);
	return by != NULL;
}

const char *
scrub_file_verdict(struct scrub_job *j, enum bindu_name_act act,
    const char *name_rule)
{
	struct bindu_scrub_report *r = j->r;
	const char *rule = NULL;

	if (act == BINDU_NAME_DROP ||
	    (act == BINDU_NAME_SCAN && (j->block || j->any_key)))
		rule = name_rule;
	else if (j->o->drop && j->block)
		for (size_t i = j->first; i < r->n && !rule; i++)
			if (r->finding[i].level == BINDU_SCRUB_BLOCK)
				rule = r->finding[i].rule;
	for (size_t i = j->first; i < r->n; i++) {
		r->finding[i].dropped = rule != NULL;
		if (!rule)
			scrub_report_count(r, &r->finding[i]);
	}
	if (!rule && act == BINDU_NAME_SCAN)
		scrub_report_kept(r, j->path, name_rule);
	return rule;
}
