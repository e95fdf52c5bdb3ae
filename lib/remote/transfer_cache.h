/* transfer_cache.h - manifests of what was deployed from here, by release id:
 * a box that has one of them need not be asked for its list.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_TRANSFER_CACHE_H
#define BINDU_TRANSFER_CACHE_H

#include "lib/base/buf.h"
#include "lib/source/tree.h"

#define BINDU_MANIFEST_MAX (256 << 20)

/* NULL when it is not here, or not what its name says. */
struct bindu_tree *bindu_manifest_cached(const char *id);
/* A cache that cannot be written only costs the next upload a question. */
void bindu_manifest_remember(const char *id, const struct bindu_buf *text);
#endif
