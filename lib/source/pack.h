/* pack.h - the same tree gives the same bytes (packaging.md 2.4, 5).
 *
 * GNU tar bytes through libarchive; the only rooms of <archive are pack.c
 * and unpack.c.  SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PACK_H
#define BINDU_PACK_H

#include "tree.h"

enum bindu_compress { BINDU_TAR, BINDU_GZIP, BINDU_ZSTD };

struct bindu_pack_opts {
	enum bindu_compress compress;
	int level; /* 0: the format's default */
	unsigned threads; /* 0: auto; bytes do not depend on it */
	uint64_t max_size; /* cap on bytes written; 0: none */
	bool verify; /* check digests also where stat says the same */
	bool no_digest; /* leave entries without a digest as they are */
	bool strict; /* a file that changes while it is read, or is
				 * gone, is BINDU_E_DATA; else a warning */
};

struct bindu_pack_stats {
	uint64_t files, in_bytes, out_bytes;
};

/* Write the tree's archive to fd; fills sha256 of entries read on the way.
 * Over max_size: BINDU_E_DATA, message names the largest file, and notes name
 * the ten largest files and directories with the lines that leave them out.
 * A hopeless pack ends before it starts, by an estimate.
 * Entries whose file vanished are taken out of the tree.  An entry that has a
 * digest already must still have it, else BINDU_E_AGAIN. */
int
bindu_pack_write(struct bindu_tree *, int fd, const struct bindu_pack_opts *,
    struct bindu_pack_stats *, const struct bindu_report *, struct bindu_err *);
/* SOURCE_DATE_EPOCH or the fixed default, seconds; -1 when it is malformed. */
int64_t bindu_pack_mtime(void);
#endif
