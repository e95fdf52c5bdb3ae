/* walk_names.c - getdents64, and what of interest is among the names.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "walk_names.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include "ignore.h"
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

#define ROOM (64 * 1024)

static bool
is_dots(const char *name)
{
	return name[0] == '.' &&
	    (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static unsigned
what_it_is(const char *name)
{
	if (name[0] != '.')
		return 0;
	if (strcmp(name, ".gitignore") == 0)
		return BINDU_HAS_GITIGNORE;
	if (strcmp(name, ".binduignore") == 0)
		return BINDU_HAS_BINDUIGNORE;
	return strcmp(name, ".git") == 0 ? BINDU_HAS_GIT : 0;
}

int
bindu_walk_names_read(struct bindu_walk_names *l, int fd)
{
	const char *name;
	unsigned char type;
	ssize_t r;

	l->len = l->n = 0;
	l->has = 0;
	do {
		bindu_grow(&l->p, &l->cap, l->len + ROOM, 1);
		r = getdents64(fd, l->p + l->len, l->cap - l->len);
		if (r == -1)
			return -1;
		l->len += (size_t)r;
	} while (r > 0);
	for (size_t at = 0;
	     (name = bindu_walk_names_next(l, &at, &type)) != NULL; l->n++)
		l->has |= what_it_is(name);
	return 0;
}

const char *
bindu_walk_names_next(const struct bindu_walk_names *l, size_t *at,
    unsigned char *type)
{
	while (*at < l->len) {
		const struct dirent64 *d = (void *)(l->p + *at);

		*at += d->d_reclen;
		*type = d->d_type;
		if (!is_dots(d->d_name))
			return d->d_name;
	}
	return NULL;
}

bool
bindu_walk_is_bytecode(const char *name, size_t n)
{
	return n == 11 && memcmp(name, "__pycache__", 11) == 0;
}

/* dir, which is freed, as the tree below root has it. */
static char *
relative_to(const char *root, char *dir)
{
	AUTO_FREE char *d = dir;
	const char *rel = d ? bindu_path_below(root, d) : NULL;

	return rel && *rel ? xstrdup(rel) : NULL;
}

void
bindu_walk_own_init(struct bindu_walk_own *own, const char *root)
{
	own->dir[0] = relative_to(root, bindu_config_cache_dir());
	own->dir[1] = relative_to(root, bindu_config_state_dir());
}

void
bindu_walk_own_fini(struct bindu_walk_own *own)
{
	free(own->dir[0]);
	free(own->dir[1]);
}

bool
bindu_walk_is_own(const struct bindu_walk_own *own, const char *path)
{
	for (int i = 0; i < 2; i++)
		if (own->dir[i] != NULL && strcmp(own->dir[i], path) == 0)
			return true;
	return false;
}
