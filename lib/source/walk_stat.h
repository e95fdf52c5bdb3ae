/* walk_stat.h - lstat the files of a large tree with several threads.
 *
 * Internal to the walk.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_WALK_STAT_H
#define BINDU_WALK_STAT_H

#include <sys/stat.h>
#include "tree.h"

/* Called once for each entry from number first on whose mode is 0, in any
 * thread; st is NULL when the file is gone, else what lstat says. */
typedef void
bindu_walk_stat_fn(void *ctx, struct bindu_entry *, const struct stat *st);
/* 0, or -1 and err for the first path that cannot be looked at. */
int bindu_walk_stat(struct bindu_tree *, size_t first, bindu_walk_stat_fn *,
    void *ctx, struct bindu_err *);
#endif
