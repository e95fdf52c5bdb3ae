/* release.h - the releases a box keeps: the list, and what is noted with one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_RELEASE_H
#define BINDU_RELEASE_H

#include <sys/types.h>
#include "box.h"

/* An array, newest first: release, live, healthy, time (when it last became
 * the live one), by (user@host), what was noted (commit, name, script), and
 * ms: an object of what each phase of its deploy took.  Waits for no deploy.
 * json_decref it. */
int bindu_releases(struct bindu_remote *, const char *box, json_t **,
    struct bindu_err *);

/* A table of it for people. */
int bindu_releases_text(const json_t *, struct bindu_buf *, struct bindu_err *);

/* The git commit of a source tree, asked aside while other things are done. */
struct bindu_commit {
	pid_t pid; /* 0: nobody was asked */
	int fd;
};
void bindu_commit_begin(struct bindu_commit *, const char *dir);
/* "commit=v1.2-3-gabc123-dirty\n"; "" when there is none.  Caller frees. */
char *bindu_commit_end(struct bindu_commit *);
#endif
