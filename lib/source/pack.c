/* pack.c - a tree as GNU tar bytes.
 *
 * Format gnutar and raw names: pax headers of libarchive depend on the
 * locale, and not every tar reads them.  Nothing of the machine goes in: no
 * owner, one time, two modes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "compress.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/tool.h"
#include "pack_size.h"
#include "walk_dir.h"

#define WHOLE \
	(512 * 1024) /* files up to here are read before their
				 * header is written, so they can be retried */
#define CHUNK \
	(128 * 1024) /* of a larger file: stays in a core's cache \
				 * while it is read, digested and passed on */
#define TRIES 3
/* 1985-10-26, the time npm uses: some tools dislike stamps before 1980. */
#define DEFAULT_MTIME 499162500

struct pack {
	struct bindu_tree *tree;
	const struct bindu_pack_opts *o;
	const struct bindu_report *report;
	struct bindu_compress_stream *out;
	struct archive *a;
	struct archive_entry *ae;
	struct bindu_walk_dir *dirs;
	struct bindu_digest *digest;
	struct bindu_err sink; /* what on_write met */
	bool failed; /* the archive is only taken down now */
	char *buf; /* WHOLE + 1 bytes */
	int64_t mtime;
	uint64_t done;
};

int64_t
bindu_pack_mtime(void)
{
	const char *s = bindu_config_env("SOURCE_DATE_EPOCH");
	uint64_t v;

	if (s == NULL)
		return DEFAULT_MTIME;
	if (bindu_str_u64(s, &v, NULL) == -1 || v > 0x1ffffffffu)
		return -1;
	return (int64_t)v;
}

static la_ssize_t
on_write(struct archive *a, void *ctx, const void *p, size_t n)
{
	struct pack *k = ctx;

	if (k->failed) {
		archive_set_error(a, EIO, "failed before");
		return -1;
	}
	/* An error waits in k->sink: libarchive 3.6 leaks its buffer when it
	 * learns of one before it is closed. */
	if (k->sink.code == BINDU_E_NONE)
		bindu_compress_add(k->out, p, n, &k->sink);
	return (la_ssize_t)n;
}

/* libarchive's word, unless the sink knows better. */
static int
fail_archive(struct pack *k, const char *path, struct bindu_err *err)
{
	AUTO_FREE char *shown = bindu_str_shown(path);

	if (k->sink.code != BINDU_E_NONE) {
		if (err != NULL)
			*err = k->sink;
		return -1;
	}
	return bindu_err_set(err, BINDU_E_IO, "cannot archive %s: %.200s",
	    *path ? shown : "the end",
	    archive_error_string(k->a) ? archive_error_string(k->a) :
					 "unknown error");
}

static int
put_header(struct pack *k, const struct bindu_entry *e, struct bindu_err *err)
{
	AUTO_FREE char *dir = NULL;

	archive_entry_clear(k->ae);
	if (e->type == BINDU_DIR)
		dir = xasprintf("%s/", e->path);
	archive_entry_copy_pathname(k->ae, dir ? dir : e->path);
	archive_entry_set_perm(k->ae, e->mode);
	archive_entry_set_mtime(k->ae, k->mtime, 0);
	switch (e->type) {
	case BINDU_FILE:
		archive_entry_set_filetype(k->ae, AE_IFREG);
		archive_entry_set_size(k->ae, (int64_t)e->size);
		break;
	case BINDU_LINK:
		archive_entry_set_filetype(k->ae, AE_IFLNK);
		archive_entry_copy_symlink(k->ae, e->link);
		break;
	case BINDU_DIR:
		archive_entry_set_filetype(k->ae, AE_IFDIR);
		break;
	}
	/* A warning means "written, but changed": as bad as a failure. */
	if (archive_write_header(k->a, k->ae) != ARCHIVE_OK ||
	    k->sink.code != BINDU_E_NONE)
		return fail_archive(k, e->path, err);
	return 0;
}

static int
put_data(struct pack *k, const struct bindu_entry *e, const char *p, size_t n,
    struct bindu_err *err)
{
	if (n > 0 &&
	    (archive_write_data(k->a, p, n) != (la_ssize_t)n ||
		k->sink.code != BINDU_E_NONE))
		return fail_archive(k, e->path, err);
	k->done += n;
	return 0;
}

/* Warn, or fail under strict: -1, or 0. */
static int
complain(struct pack *k, const struct bindu_entry *e, const char *what,
    struct bindu_err *err)
{
	AUTO_FREE char *shown = bindu_str_shown(e->path);

	if (k->o->strict)
		return bindu_err_set(err, BINDU_E_DATA, "%s %s", shown, what);
	bindu_note(k->report, BINDU_WARN, "%s %s", shown, what);
	return 0;
}

static int
fail_read(const struct bindu_entry *e, struct bindu_err *err)
{
	AUTO_FREE char *shown = bindu_str_shown(e->path);

	bindu_err_sys(err, "cannot read %s", shown);
	if (err != NULL)
		err->code = BINDU_E_NOINPUT;
	return -1;
}

/* At most this many bytes from fd; fewer than least only at its end. */
static ssize_t
read_full(int fd, char *p, size_t least, size_t most)
{
	size_t got = 0;

	while (got < least) {
		ssize_t r = read(fd, p + got, most - got);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

static int
fail_digest(const struct bindu_entry *e, struct bindu_err *err)
{
	AUTO_FREE char *shown = bindu_str_shown(e->path);

	return bindu_err_set(err, BINDU_E_AGAIN,
	    "%s changed since its digest was taken; run again", shown);
}

/* The digest of what was written, against the one the entry had. */
static int
set_digest(struct bindu_entry *e, const uint8_t sum[BINDU_SHA256],
    struct bindu_err *err)
{
	if (e->hashed && memcmp(e->sha256, sum, BINDU_SHA256) != 0)
		return fail_digest(e, err);
	memcpy(e->sha256, sum, BINDU_SHA256);
	e->hashed = true;
	return 0;
}

/* A file small enough to hold: 1 when it has to be opened again. */
static int
put_whole(struct pack *k, struct bindu_entry *e, int fd, struct stat *st,
    bool last_try, struct bindu_err *err)
{
	bool fresh = k->o->verify || !e->hashed || !bindu_entry_is(e, st);
	size_t size = (size_t)st->st_size;
	/* One byte more would be growth; that none came is no proof of the
	 * end, but the second fstat is. */
	ssize_t n = read_full(fd, k->buf, size, size + 1);
	uint8_t sum[BINDU_SHA256];
	struct stat after;

	if (n == -1 || fstat(fd, &after) == -1)
		return fail_read(e, err);
	if (n != st->st_size || !bindu_same_stat(st, &after)) {
		if (!last_try)
			return 1;
		if (complain(k, e, "changed while it was read", err) == -1)
			return -1;
		fresh = true;
		n = n > WHOLE ? WHOLE : n;
		after.st_size = n;
	}
	bindu_entry_file(e, &after);
	if (fresh && (e->hashed || !k->o->no_digest)) {
		bindu_digest_bytes(k->buf, (size_t)n, sum);
		if (set_digest(e, sum, err) == -1)
			return -1;
	}
	if (put_header(k, e, err) == -1)
		return -1;
	return put_data(k, e, k->buf, (size_t)n, err);
}

/* A large file: its header is out before its end is known. */
static int
put_stream(struct pack *k, struct bindu_entry *e, int fd, struct stat *st,
    struct bindu_err *err)
{
	bool hash = e->hashed ? k->o->verify || !bindu_entry_is(e, st) :
				!k->o->no_digest;
	uint64_t left = (uint64_t)st->st_size;
	uint8_t sum[BINDU_SHA256];
	struct stat after;
	bool cut = false, changed;

	bindu_entry_file(e, st);
	if (put_header(k, e, err) == -1)
		return -1;
	while (left > 0) {
		size_t want = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t n = cut ? 0 : read_full(fd, k->buf, want, want);

		if (bindu_tool_interrupted(err) == -1)
			return -1;
		if (n == -1)
			return fail_read(e, err);
		if ((size_t)n < want) {
			cut = true;
			memset(k->buf + n, 0, want - (size_t)n);
		}
		if (hash)
			bindu_digest_add(k->digest, k->buf, want);
		if (put_data(k, e, k->buf, want, err) == -1)
			return -1;
		left -= want;
		bindu_progress(k->report, "pack", k->done, k->tree->bytes,
		    "bytes");
	}
	if (fstat(fd, &after) == -1)
		return fail_read(e, err);
	changed = cut || !bindu_entry_is(e, &after);
	if (changed &&
	    complain(k, e,
		cut ? "became shorter while it was read; its end is zeros" :
		      "changed while it was read",
		err) == -1)
		return -1;
	if (!hash)
		return changed && e->hashed ? fail_digest(e, err) : 0;
	bindu_digest_end(k->digest, sum);
	return set_digest(e, sum, err);
}

/* 1 when the entry is not there any more. */
static int
put_file(struct pack *k, struct bindu_entry *e, struct bindu_err *err)
{
	for (int try = 1;; try++) {
		const char *name;
		int at = bindu_walk_dir_parent(k->dirs, e->path, &name), rc;
		AUTO_CLOSE int fd = at == -1 ?
		    -1 :
		    openat(at, name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
			    O_NOCTTY);
		struct stat st;

		if (fd == -1 &&
		    (errno == ENOENT || errno == ELOOP || errno == ENOTDIR ||
			errno == ENXIO))
			return complain(k, e,
				   "vanished or changed its kind "
				   "while the tree was packed; it is left out",
				   err) == -1 ?
			    -1 :
			    1;
		if (fd == -1 || fstat(fd, &st) == -1)
			return fail_read(e, err);
		if (!S_ISREG(st.st_mode))
			return complain(k, e,
				   "changed its kind while the tree "
				   "was packed; it is left out",
				   err) == -1 ?
			    -1 :
			    1;
		if (st.st_size > WHOLE)
			return put_stream(k, e, fd, &st, err);
		rc = put_whole(k, e, fd, &st, try == TRIES, err);
		if (rc != 1)
			return rc;
		bindu_clock_sleep(try);
	}
}

/* Nobody else can change the spool, but a disk can. */
static int
put_spooled(struct pack *k, struct bindu_entry *e, struct bindu_err *err)
{
	uint8_t sum[BINDU_SHA256];

	if (put_header(k, e, err) == -1)
		return -1;
	for (uint64_t done = 0; done < e->size;) {
		uint64_t left = e->size - done;
		ssize_t n = pread(k->tree->rootfd, k->buf,
		    left < CHUNK ? (size_t)left : CHUNK, (off_t)(e->at + done));

		if (bindu_tool_interrupted(err) == -1)
			return -1;
		if (n <= 0)
			return fail_read(e, err);
		bindu_digest_add(k->digest, k->buf, (size_t)n);
		if (put_data(k, e, k->buf, (size_t)n, err) == -1)
			return -1;
		done += (uint64_t)n;
	}
	bindu_digest_end(k->digest, sum);
	return set_digest(e, sum, err);
}

/* A link or an empty directory. */
static int
put_other(struct pack *k, struct bindu_entry *e, struct bindu_err *err)
{
	if (!e->hashed && !k->o->no_digest) {
		bindu_digest_bytes(e->link ? e->link : "",
		    e->link ? strlen(e->link) : 0, e->sha256);
		e->hashed = true;
	}
	return put_header(k, e, err);
}

/* Entries without a path were not there any more. */
static void
forget_vanished(struct bindu_tree *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->entry[i].path != NULL)
			t->entry[kept++] = t->entry[i];
	t->n = kept;
}

static int
put_entries(struct pack *k, struct bindu_err *err)
{
	struct bindu_tree *t = k->tree;

	for (size_t i = 0; i < t->n; i++) {
		struct bindu_entry *e = &t->entry[i];
		int rc = e->type != BINDU_FILE ? put_other(k, e, err) :
		    t->spooled		       ? put_spooled(k, e, err) :
						 put_file(k, e, err);

		if (rc == -1 || bindu_tool_interrupted(err) == -1)
			return -1;
		if (rc == 1) {
			free(e->path);
			e->path = NULL;
		}
		bindu_progress(k->report, "pack", k->done, t->bytes, "bytes");
	}
	return 0;
}

static int
open_archive(struct pack *k, struct bindu_err *err)
{
	/* What goes straight out goes in large writes; a compressor gathers
	 * by itself, and blocks below CHUNK reach it without a copy. */
	int block = k->o->compress == BINDU_TAR ? 1 << 20 : 1 << 16;

	k->a = archive_write_new();
	k->ae = archive_entry_new();
	if (k->a == NULL || k->ae == NULL)
		return bindu_err_set(err, BINDU_E_SYSTEM, "no memory");
	if (archive_write_set_format_gnutar(k->a) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(k->a, block) != ARCHIVE_OK ||
	    /* Else libarchive pads the last block, and with it a compressed
	     * stream, with zeros. */
	    archive_write_set_bytes_in_last_block(k->a, 1) != ARCHIVE_OK ||
	    archive_write_add_filter_none(k->a) != ARCHIVE_OK ||
	    archive_write_open2(k->a, k, NULL, on_write, NULL, NULL) !=
		ARCHIVE_OK)
		return fail_archive(k, "", err);
	return 0;
}

static int
write_archive(struct pack *k, int fd, struct bindu_pack_stats *stats,
    struct bindu_err *err)
{
	uint64_t out;

	k->out = bindu_compress_new(fd, k->o, err);
	if (k->out == NULL || open_archive(k, err) == -1 ||
	    put_entries(k, err) == -1)
		return -1;
	if (archive_write_close(k->a) != ARCHIVE_OK ||
	    k->sink.code != BINDU_E_NONE)
		return fail_archive(k, "", err);
	if (bindu_compress_end(k->out, &out, &k->sink) == -1)
		return fail_archive(k, "", err);
	if (stats != NULL)
		*stats = (struct bindu_pack_stats){ .files = k->tree->n,
			.in_bytes = k->done,
			.out_bytes = out };
	return 0;
}

int
bindu_pack_write(struct bindu_tree *t, int fd, const struct bindu_pack_opts *o,
    struct bindu_pack_stats *stats, const struct bindu_report *report,
    struct bindu_err *err)
{
	struct pack k = { .tree = t, .o = o, .report = report };
	int rc;

	k.mtime = bindu_pack_mtime();
	if (k.mtime == -1)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "SOURCE_DATE_EPOCH is not a number of seconds that an "
		    "archive can hold: 0 to 8589934591");
	if (bindu_pack_estimate(t, o, report, err) == -1)
		return -1;
	k.dirs = bindu_walk_dir_new(t->rootfd);
	k.digest = bindu_digest_new();
	k.buf = xmalloc(WHOLE + 1);
	rc = write_archive(&k, fd, stats, err);
	forget_vanished(t);
	if (rc == -1 && err != NULL && err->code == BINDU_E_DATA &&
	    k.sink.code == BINDU_E_DATA)
		bindu_pack_explain_limit(t, report, err);
	/* Taking it down must not fill a started entry with zeros. */
	k.failed = true;
	archive_write_free(k.a);
	archive_entry_free(k.ae);
	bindu_compress_free(k.out);
	bindu_walk_dir_free(k.dirs);
	bindu_digest_free(k.digest);
	free(k.buf);
	return rc;
}
