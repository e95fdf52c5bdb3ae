/* unpack_stream.h - read archives made by others, write one tar of our own shape.
 *
 * Everything read is taken as hostile: paths are handed over as they stand
 * (the caller judges them), sizes are counted, nothing touches the disk.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_UNPACK_STREAM_H
#define BINDU_UNPACK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/err.h"

/* Where an archive's bytes come from: up to n of them, 0 at the end, -1 with
 * err set.  seek may be NULL; it is absolute, -1 when it cannot. */
struct bindu_source {
	ssize_t (*read)(void *ctx, void *, size_t n, struct bindu_err *);
	int64_t (*seek)(void *ctx, int64_t to);
	void *ctx;
	uint64_t size; /* for seek from the end; 0: not known */
};

enum bindu_member_type {
	BINDU_MEMBER_FILE,
	BINDU_MEMBER_DIR,
	BINDU_MEMBER_LINK,
	BINDU_MEMBER_HARD,
	BINDU_MEMBER_SPECIAL
};

struct bindu_member {
	const char *path; /* valid until the next member */
	const char *link; /* of LINK and HARD, else NULL */
	enum bindu_member_type type;
	uint64_t size;
	int64_t mtime;
	mode_t mode;
};

struct bindu_unpack;
enum bindu_packed {
	BINDU_NOT_PACKED,
	BINDU_COMPRESSED, /* gzip, bzip2, xz, lzma, zstd: one member, "data" */
	BINDU_ARCHIVE, /* tar, zip, 7z, cpio, ar */
	BINDU_TAR_ONLY, /* a tar, perhaps compressed */
};
/* What this beginning of a file looks like. */
enum bindu_packed bindu_unpack_knows(const void *, size_t n);
struct bindu_unpack *bindu_unpack_new(const struct bindu_source *,
    enum bindu_packed, struct bindu_err *);
/* 1 a member, 0 the end, -1 an error. */
int bindu_unpack_next(struct bindu_unpack *, struct bindu_member *,
    struct bindu_err *);
/* The member's bytes: up to n, 0 at its end. */
ssize_t
bindu_unpack_read(struct bindu_unpack *, void *, size_t n, struct bindu_err *);
void bindu_unpack_free(struct bindu_unpack *);

/* The same tar settings as bindu_pack_write: GNU tar, raw names, uid and gid
 * 0, plain modes; times as the member has them. */
struct bindu_repack;
struct bindu_repack *bindu_repack_new(int fd, struct bindu_err *);
int bindu_repack_member(struct bindu_repack *, const struct bindu_member *,
    struct bindu_err *);
int bindu_repack_data(struct bindu_repack *, const void *, size_t n,
    struct bindu_err *);
int bindu_repack_end(struct bindu_repack *, struct bindu_err *);
/* Without bindu_repack_end the archive has no end mark. */
void bindu_repack_free(struct bindu_repack *);
#endif
