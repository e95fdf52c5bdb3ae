/* manifest.h - one line a file: "mode type size sha256 path" ended by NUL,
 * sorted by path; the sha256 of these bytes is the release id.
 *
 * Links carry the digest of their target text.  Directories are listed only
 * when empty.  SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_MANIFEST_H
#define BINDU_MANIFEST_H

#include "lib/base/buf.h"
#include "tree.h"

/* Fill every entry's sha256, with the stat cache (XDG_CACHE_HOME) unless
 * no_cache; a file that changes while read is retried, then BINDU_E_AGAIN. */
int bindu_manifest_hash(struct bindu_tree *, bool no_cache, unsigned threads,
    const struct bindu_report *, struct bindu_err *);
/* The manifest's bytes (buf's cap decides) and id (64 hex + NUL). */
int bindu_manifest_write(const struct bindu_tree *, struct bindu_buf *,
    char id[65], struct bindu_err *);
/* Parse bytes into a tree without root (rootfd -1). */
int bindu_manifest_parse(const char *, size_t, struct bindu_tree **,
    struct bindu_err *);
#endif
