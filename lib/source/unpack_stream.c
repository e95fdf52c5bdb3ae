/* unpack_stream.c - archives in, one tar out; see unpack_stream.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unpack_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "unpack_end.h"

enum { READ_BLOCK = 64 * 1024, TAR_BLOCK = 512 };

struct bindu_unpack {
	struct archive *a;
	struct archive_entry *ae;
	struct bindu_source src;
	struct bindu_err source_err; /* what src.read met */
	bool whole; /* must have its end mark */
	uint64_t pos;
	char block[READ_BLOCK];
};

/* A cpio header is text: 110 characters of hex (newc), 76 of octal (odc). */
static bool
is_cpio(const char *p, size_t n)
{
	bool odc = n >= 76 && !memcmp(p, "070707", 6);

	if (!odc && (n < 110 || memcmp(p, "070701", 6) != 0))
		return false;
	return strspn(p, odc ? "01234567" : "0123456789abcdefABCDEF") >=
	    (odc ? 76 : 110);
}

/* What xz wrote before it was xz has no magic: its properties as everybody
 * leaves them, a size of the dictionary that is a power of two or one and a
 * half, the size or none, and what the coder begins with. */
static bool
is_lzma(const char *bytes, size_t n)
{
	const uint8_t *p = (const uint8_t *)bytes;
	uint32_t dict;

	if (n < 14 || p[0] != 0x5d || p[1] || p[13])
		return false;
	dict = (uint32_t)p[4] << 24 | (uint32_t)p[3] << 16 |
	    (uint32_t)p[2] << 8;
	if (dict % 3 == 0)
		dict = dict / 3 * 2;
	return dict >= 4096 && dict <= 1 << 28 && !(dict & (dict - 1)) &&
	    (!memcmp(p + 5, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) ||
		!memcmp(p + 10, "\0\0\0", 3));
}

enum bindu_packed
bindu_unpack_knows(const void *bytes, size_t n)
{
	static const struct {
		const char *magic;
		size_t len, at;
		enum bindu_packed kind;
	} known[] = {
		{ "\x1f\x8b\x08", 3, 0, BINDU_COMPRESSED },
		{ "1AY&SY", 6, 4, BINDU_COMPRESSED },
		{ "\xfd"
		  "7zXZ",
		    6, 0, BINDU_COMPRESSED },
		{ "\x28\xb5\x2f\xfd", 4, 0, BINDU_COMPRESSED },
		{ "PK\3\4", 4, 0, BINDU_ARCHIVE },
		{ "PK\5\6", 4, 0, BINDU_ARCHIVE },
		{ "7z\xbc\xaf\x27\x1c", 6, 0, BINDU_ARCHIVE },
		{ "ustar", 5, 257, BINDU_ARCHIVE },
		{ "!<arch>\n", 8, 0, BINDU_ARCHIVE },
	};
	const char *p = bytes;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (n >= known[i].at + known[i].len &&
		    !memcmp(p + known[i].at, known[i].magic, known[i].len))
			return known[i].kind;
	if (is_lzma(p, n))
		return BINDU_COMPRESSED;
	return is_cpio(p, n) ? BINDU_ARCHIVE : BINDU_NOT_PACKED;
}

static la_ssize_t
on_read(struct archive *a, void *ctx, const void **out)
{
	struct bindu_unpack *u = ctx;
	ssize_t n =
	    u->src.read(u->src.ctx, u->block, sizeof u->block, &u->source_err);

	*out = u->block;
	if (n < 0) {
		archive_set_error(a, EIO, "%s", u->source_err.msg);
		return -1;
	}
	u->pos += (uint64_t)n;
	return n;
}

static la_int64_t
on_seek(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
	struct bindu_unpack *u = ctx;
	int64_t to = offset;

	(void)a;
	if (whence == SEEK_CUR)
		to += (int64_t)u->pos;
	else if (whence == SEEK_END)
		to += (int64_t)u->src.size;
	if (to < 0 || u->src.seek(u->src.ctx, to) < 0)
		return ARCHIVE_FATAL;
	u->pos = (uint64_t)to;
	return to;
}

static la_int64_t
on_skip(struct archive *a, void *ctx, la_int64_t n)
{
	struct bindu_unpack *u = ctx;

	(void)a;
	if (u->pos + (uint64_t)n > u->src.size ||
	    u->src.seek(u->src.ctx, (int64_t)u->pos + n) < 0)
		return 0;
	u->pos += (uint64_t)n;
	return n;
}

static int
fail_read(struct bindu_unpack *u, struct bindu_err *err)
{
	const char *why = archive_error_string(u->a);

	if (u->source_err.code != BINDU_E_NONE) {
		if (err)
			*err = u->source_err;
		return -1;
	}
	return bindu_err_set(err, BINDU_E_DATA,
	    "cannot read the archive: "
	    "%.300s",
	    why ? why : "it is malformed");
}

/* A tar's writer that dies between two members leaves what reads well and
 * lacks half the tree: only the end mark, blocks of zeros, tells. */
int
unpack_check_end(struct archive *a, int64_t at, struct bindu_err *err)
{
	int64_t end = archive_filter_bytes(a, 0);

	if (end == 0)
		return bindu_err_set(err, BINDU_E_DATA,
		    "no archive came: what should have written it failed");
	if (end - at < TAR_BLOCK)
		return bindu_err_set(err, BINDU_E_DATA,
		    "the archive has no end mark: it is cut short, because "
		    "what wrote it failed");
	return 0;
}

static void
choose_formats(struct archive *a, enum bindu_packed kind)
{
	if (kind != BINDU_ARCHIVE) {
		archive_read_support_filter_gzip(a);
		archive_read_support_filter_zstd(a);
		archive_read_support_filter_bzip2(a);
		archive_read_support_filter_xz(a);
	}
	/* What was compressed is judged anew: left to itself, the library
	 * takes zeros for the end of a tar and stops there. */
	if (kind == BINDU_COMPRESSED) {
		archive_read_support_filter_lzma(a);
		archive_read_support_format_raw(a);
		return;
	}
	archive_read_support_format_tar(a);
	archive_read_set_option(a, "tar", "read_concatenated_archives", "1");
	if (kind == BINDU_TAR_ONLY) {
		archive_read_support_format_empty(a);
		return;
	}
	archive_read_support_format_zip(a);
	archive_read_support_format_7zip(a);
	archive_read_support_format_cpio(a);
	archive_read_support_format_ar(a);
}

struct bindu_unpack *
bindu_unpack_new(const struct bindu_source *src, enum bindu_packed kind,
    struct bindu_err *err)
{
	struct bindu_unpack *u = xcalloc(1, sizeof *u);

	u->src = *src;
	u->whole = kind == BINDU_TAR_ONLY;
	u->a = archive_read_new();
	if (u->a == NULL) {
		free(u);
		bindu_err_set(err, BINDU_E_SYSTEM, "no memory");
		return NULL;
	}
	choose_formats(u->a, kind);
	archive_read_set_callback_data(u->a, u);
	archive_read_set_read_callback(u->a, on_read);
	if (src->seek != NULL && src->size) {
		archive_read_set_seek_callback(u->a, on_seek);
		archive_read_set_skip_callback(u->a, on_skip);
	}
	if (archive_read_open1(u->a) != ARCHIVE_OK) {
		fail_read(u, err);
		bindu_unpack_free(u);
		return NULL;
	}
	return u;
}

int
bindu_unpack_next(struct bindu_unpack *u, struct bindu_member *m,
    struct bindu_err *err)
{
	int64_t at;
	int rc;

	if (u->ae != NULL && archive_read_data_skip(u->a) < ARCHIVE_WARN)
		return fail_read(u, err);
	at = archive_filter_bytes(u->a, 0);
	rc = archive_read_next_header(u->a, &u->ae);
	if (rc == ARCHIVE_EOF)
		return u->whole ? unpack_check_end(u->a, at, err) : 0;
	/* A warning is about names in other charsets and the like. */
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return fail_read(u, err);
	memset(m, 0, sizeof *m);
	m->path = archive_entry_pathname(u->ae);
	if (m->path == NULL)
		m->path = "?";
	m->size = archive_entry_size_is_set(u->ae) &&
		archive_entry_size(u->ae) > 0 ?
	    (uint64_t)archive_entry_size(u->ae) :
	    0;
	m->mtime = archive_entry_mtime(u->ae);
	m->mode = archive_entry_perm(u->ae);
	m->link = archive_entry_hardlink(u->ae);
	if (m->link != NULL) {
		m->type = BINDU_MEMBER_HARD;
		return 1;
	}
	switch (archive_entry_filetype(u->ae)) {
	case AE_IFREG:
	case 0:
		m->type = BINDU_MEMBER_FILE;
		break;
	case AE_IFDIR:
		m->type = BINDU_MEMBER_DIR;
		break;
	case AE_IFLNK:
		m->type = BINDU_MEMBER_LINK;
		m->link = archive_entry_symlink(u->ae);
		if (m->link == NULL)
			m->link = "";
		break;
	default:
		m->type = BINDU_MEMBER_SPECIAL;
	}
	return 1;
}

ssize_t
bindu_unpack_read(struct bindu_unpack *u, void *p, size_t n,
    struct bindu_err *err)
{
	la_ssize_t got = archive_read_data(u->a, p, n);

	if (got < 0)
		return fail_read(u, err);
	return got;
}

void
bindu_unpack_free(struct bindu_unpack *u)
{
	if (u == NULL)
		return;
	archive_read_free(u->a);
	free(u);
}

struct bindu_repack {
	struct archive *a;
	struct archive_entry *ae;
	int fd;
	int saved; /* errno of a failed write */
	bool down; /* the archive is only taken down now */
};

static la_ssize_t
on_write(struct archive *a, void *ctx, const void *p, size_t n)
{
	struct bindu_repack *r = ctx;

	if (r->down) {
		archive_set_error(a, EIO, "failed before");
		return -1;
	}
	/* An error waits: libarchive 3.6 leaks its buffer when it learns of
	 * one before it is closed. */
	if (!r->saved && bindu_fd_write(r->fd, p, n) == -1)
		r->saved = errno;
	return (la_ssize_t)n;
}

static int
fail_write(struct bindu_repack *r, struct bindu_err *err)
{
	const char *why = archive_error_string(r->a);

	if (r->saved) {
		errno = r->saved;
		bindu_err_sys(err, "cannot write the archive");
		if (err)
			err->code = BINDU_E_IO;
		return -1;
	}
	return bindu_err_set(err, BINDU_E_IO,
	    "cannot write the archive: "
	    "%.300s",
	    why ? why : "unknown error");
}

struct bindu_repack *
bindu_repack_new(int fd, struct bindu_err *err)
{
	struct bindu_repack *r = xcalloc(1, sizeof *r);

	r->fd = fd;
	r->a = archive_write_new();
	r->ae = archive_entry_new();
	if (r->a == NULL || r->ae == NULL ||
	    archive_write_set_format_gnutar(r->a) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(r->a, 1 << 16) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(r->a, 1) != ARCHIVE_OK ||
	    archive_write_add_filter_none(r->a) != ARCHIVE_OK ||
	    archive_write_open2(r->a, r, NULL, on_write, NULL, NULL) !=
		ARCHIVE_OK) {
		bindu_err_set(err, BINDU_E_SYSTEM, "cannot start an archive");
		bindu_repack_free(r);
		return NULL;
	}
	return r;
}

int
bindu_repack_member(struct bindu_repack *r, const struct bindu_member *m,
    struct bindu_err *err)
{
	archive_entry_clear(r->ae);
	archive_entry_copy_pathname(r->ae, m->path);
	archive_entry_set_mtime(r->ae, m->mtime, 0);
	archive_entry_set_perm(r->ae,
	    m->type == BINDU_MEMBER_LINK		      ? 0777 :
		m->type == BINDU_MEMBER_DIR || m->mode & 0111 ? 0755 :
								0644);
	archive_entry_set_filetype(r->ae,
	    m->type == BINDU_MEMBER_LINK    ? AE_IFLNK :
		m->type == BINDU_MEMBER_DIR ? AE_IFDIR :
					      AE_IFREG);
	if (m->type == BINDU_MEMBER_LINK)
		archive_entry_copy_symlink(r->ae, m->link);
	else if (m->type == BINDU_MEMBER_HARD)
		archive_entry_copy_hardlink(r->ae, m->link);
	else if (m->type == BINDU_MEMBER_FILE)
		archive_entry_set_size(r->ae, (int64_t)m->size);
	if (archive_write_header(r->a, r->ae) != ARCHIVE_OK || r->saved)
		return fail_write(r, err);
	return 0;
}

int
bindu_repack_data(struct bindu_repack *r, const void *p, size_t n,
    struct bindu_err *err)
{
	if ((n && archive_write_data(r->a, p, n) != (la_ssize_t)n) || r->saved)
		return fail_write(r, err);
	return 0;
}

int
bindu_repack_end(struct bindu_repack *r, struct bindu_err *err)
{
	if (archive_write_close(r->a) != ARCHIVE_OK || r->saved)
		return fail_write(r, err);
	archive_write_free(r->a);
	r->a = NULL;
	return 0;
}

void
bindu_repack_free(struct bindu_repack *r)
{
	if (r == NULL)
		return;
	r->down = true;
	archive_write_free(r->a);
	archive_entry_free(r->ae);
	free(r);
}
