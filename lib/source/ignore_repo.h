/* ignore_repo.h - the git repository around a directory, as far as ignore
 * rules need it: its top, its exclude files, its index.
 *
 * Internal to the ignore module.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_IGNORE_REPO_H
#define BINDU_IGNORE_REPO_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/err.h"
#include "lib/base/progress.h"

struct bindu_repo {
	char *top; /* work tree's top; NULL: no repository */
	char *git_dir; /* of this work tree (holds the index) */
	char *common_dir; /* of the repository (holds info/exclude) */
	char *excludes_file; /* core.excludesFile or its default; may be
				 * NULL and need not exist */
	bool ignore_case;
	unsigned hash_len; /* 20, or 32 for sha256 repositories */
};

/* Fills *repo.  A directory outside any repository is no error, nor is a
 * settings file that cannot be read: both are absent, as for git. */
void bindu_repo_find(const char *dir, struct bindu_repo *,
    const struct bindu_report *);
void bindu_repo_fini(struct bindu_repo *);

/* The environment for git itself: ours without what a hook's parent says of
 * its own repository.  The caller frees the array alone. */
const char **bindu_repo_git_env(void);
/* Read path/.git when it makes path the top of a work tree. */
bool bindu_repo_at(const char *path, char **git_dir, char **common_dir);
/* Bytes of a digest in that repository: 20, or 32 with sha256. */
unsigned bindu_repo_hash_len(const char *common_dir);

/* git's index: which paths it tracks.  Read once, when first asked. */
struct bindu_index;
struct bindu_index *
bindu_index_load(const struct bindu_repo *, struct bindu_err *);
void bindu_index_free(struct bindu_index *);
/* The first tracked path >= key (n bytes), by bytes; its number. */
size_t bindu_index_seek(const struct bindu_index *, const char *key, size_t n);
/* Tracked path number i, NULL behind the last; len gets its length. */
const char *bindu_index_path(const struct bindu_index *, size_t i, size_t *len);
#endif
