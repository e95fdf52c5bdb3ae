/* statcache.h - digests of files whose stat has not changed since, and which
 * of those contents the scrubber has read and found clean.  Other rules than
 * those of this build know nothing clean.
 *
 * One file a root under XDG_CACHE_HOME/bindu/stat.  Any doubt about an entry
 * drops it; nothing here is ever an error.  At most 64 files and 256 MiB
 * stay, none that was of no use for 30 days.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_STATCACHE_H
#define BINDU_STATCACHE_H

#include "tree.h"

struct bindu_statcache;

/* Never NULL. */
struct bindu_statcache *bindu_statcache_open(const char *root);
/* Fill the digests (and clean) the cache knows; returns how many entries it
 * filled. */
size_t
bindu_statcache_fill(const struct bindu_statcache *, struct bindu_tree *);
/* Call before the first file is read: what changes from here on is too young
 * to be remembered. */
void bindu_statcache_begin(struct bindu_statcache *);
/* Remember every hashed file of the tree that is old enough. */
void bindu_statcache_save(struct bindu_statcache *, const struct bindu_tree *);
void bindu_statcache_free(struct bindu_statcache *);
#endif
