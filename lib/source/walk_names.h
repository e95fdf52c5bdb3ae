/* walk_names.h - the names in one directory, read at once, and those that
 * never ship.
 *
 * Internal to the walk.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_WALK_NAMES_H
#define BINDU_WALK_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct bindu_walk_names {
	char *p; /* whole getdents64 records */
	size_t len, cap;
	size_t n; /* names, without "." and ".." */
	unsigned has; /* BINDU_HAS_* of ignore.h */
};

/* Read what directory fd holds over what was read before; -1 sets errno. */
int bindu_walk_names_read(struct bindu_walk_names *, int fd);
/* The name at *at, which begins at 0 and moves on, and its DT_* type; NULL
 * behind the last.  "." and ".." are passed over. */
const char *bindu_walk_names_next(const struct bindu_walk_names *, size_t *at,
    unsigned char *type);

/* Python trusts a .pyc whose recorded time and size fit its source; with the
 * fixed times of an archive a stale one would fit. */
bool bindu_walk_is_bytecode(const char *name, size_t n);

/* Where our own cache and state lie, when that is inside the tree. */
struct bindu_walk_own {
	char *dir[2]; /* relative to root, or NULL */
};
void bindu_walk_own_init(struct bindu_walk_own *, const char *root);
void bindu_walk_own_fini(struct bindu_walk_own *);
bool bindu_walk_is_own(const struct bindu_walk_own *, const char *path);
#endif
