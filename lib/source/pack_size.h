/* pack_size.h - will it fit, and if not, what to leave out.
 *
 * Internal to pack.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PACK_SIZE_H
#define BINDU_PACK_SIZE_H

#include "pack.h"

/* Before a byte is written: compress samples, and fail when the archive
 * would pass o->max_size by half or more. */
int
bindu_pack_estimate(const struct bindu_tree *, const struct bindu_pack_opts *,
    const struct bindu_report *, struct bindu_err *);
/* Put the largest file into a limit's message, and say what is large. */
void bindu_pack_explain_limit(const struct bindu_tree *,
    const struct bindu_report *, struct bindu_err *);
#endif
