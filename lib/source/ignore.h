/* ignore.h - git's ignore rules, and ours stacked on them.
 *
 * Source of every rule: gitignore(5).  Highest first: .binduignore files
 * (deepest first), .gitignore files (deepest first), $GIT_DIR/info/exclude,
 * core.excludesFile, built-in defaults.  Inside one file the last match wins;
 * the first file with a match decides.  The deny list of secret names
 * (scrub.h) stands above all of it and is the walk's business.
 *
 * Whoever asks goes top down and does not enter an ignored directory: that is
 * git's rule, not only a shortcut.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_IGNORE_H
#define BINDU_IGNORE_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/err.h"
#include "lib/base/progress.h"

struct bindu_ignore; /* the rules of one walk */

struct bindu_verdict {
	bool ignored;
	/* The rule that decided; source NULL: no rule matched. */
	const char *source; /* ".gitignore", "sub/.gitignore", "(default)" */
	unsigned line;
	const char *pattern; /* as written, borrowed from the rules */
	bool ours; /* of a .binduignore: it holds for tracked files too */
};

/* Rules that hold for everything below root (absolute, real): those of the
 * repository around it and of the directories between its top and root.  The
 * report is used until bindu_ignore_free. */
struct bindu_ignore *bindu_ignore_new(const char *root, bool no_defaults,
    const struct bindu_report *, struct bindu_err *);
void bindu_ignore_free(struct bindu_ignore *);
/* The name under which git keeps its own things; never shipped. */
bool bindu_ignore_is_git(const struct bindu_ignore *, const char *name);

/* What of interest a directory's listing holds. */
enum { BINDU_HAS_GITIGNORE = 1, BINDU_HAS_BINDUIGNORE = 2, BINDU_HAS_GIT = 4 };
/* Enter directory dir (relative to root, "" for root itself), open as dirfd.
 * Every enter is undone by one leave, in reverse order. */
int bindu_ignore_enter(struct bindu_ignore *, int dirfd, const char *dir,
    unsigned has, struct bindu_err *);
void bindu_ignore_leave(struct bindu_ignore *);
/* Judge path (n bytes, relative to root, its last component at base). */
void bindu_ignore_test(struct bindu_ignore *, const char *path, size_t n,
    size_t base, bool is_dir, struct bindu_verdict *);
/* Is the file, or anything below the directory, in git's index?  Such files
 * ship although a rule of git's or a default ignores them: they were committed
 * on purpose.  Not so where a .binduignore, which is about shipping, says it. */
bool bindu_ignore_tracked(struct bindu_ignore *, const char *path, size_t n,
    bool is_dir);
/* The tracked names right below directory path (n bytes, not ending in "/"),
 * one by one: set *at to 0 before the first call; false at the end. */
bool bindu_ignore_tracked_next(struct bindu_ignore *, const char *path,
    size_t n, size_t *at, const char **name, size_t *len);
#endif
