/* walk_dir.h - a cursor over the directories below a root.
 *
 * Opens one directory after another by path, one component at a time from
 * the directory it is in, never through a link, with a bounded number of
 * descriptors.  Paths may be longer than PATH_MAX and any number deep.
 * One cursor belongs to one thread.  Internal to walk, manifest and pack.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_WALK_DIR_H
#define BINDU_WALK_DIR_H

#include <stddef.h>

struct bindu_walk_dir;

/* rootfd is borrowed and must outlive the cursor. */
struct bindu_walk_dir *bindu_walk_dir_new(int rootfd);
void bindu_walk_dir_free(struct bindu_walk_dir *);
/* The descriptor of directory path (n bytes, relative, "" is root), good
 * until the next call.  -1 sets errno: ELOOP or ENOTDIR when a component is
 * no directory (any more). */
int bindu_walk_dir_open(struct bindu_walk_dir *, const char *path, size_t n);
/* As above for the directory that holds path; *name gets its last component. */
int bindu_walk_dir_parent(struct bindu_walk_dir *, const char *path,
    const char **name);
#endif
