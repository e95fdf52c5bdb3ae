/* release.h - the releases a box keeps: the list, what is noted with one, and
 * the way back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_RELEASE_H
#define BINDU_RELEASE_H

#include <sys/types.h>
#include "agent_serve.h"

/* An array, newest first: release, live, healthy, time (when it last became
 * the live one), by (user@host), what was noted (commit, name, script), and
 * ms: an object of what each phase of its deploy took.  Waits for no deploy.
 * json_decref it. */
int bindu_releases(struct bindu_remote *, const char *box, json_t **,
    struct bindu_err *);

/* A table of it for people. */
int bindu_releases_text(const json_t *, struct bindu_buf *, struct bindu_err *);

struct bindu_session;

struct bindu_rollback {
	const char *to; /* a prefix of an id; NULL: the one before the live */
	int64_t timeout_ms; /* until it is healthy */
	int64_t grace_s; /* for what served; -1: as bindu_agent_serve */
};
struct bindu_rolled {
	char from[65], to[65];
	struct bindu_agent_served served;
	bool stayed; /* the agent of to never ended: only the files changed */
	bool back; /* it failed, and the one that was live serves again */
};
/* The live release may be named when it is not what serves.  Nothing is
 * uploaded: the kept files, the environment they were deployed
 * with, the agent's variables of now.  BINDU_E_NO: it was not healthy. */
int bindu_release_rollback(struct bindu_remote *, const char *box,
    const struct bindu_rollback *, struct bindu_rolled *,
    const struct bindu_report *, struct bindu_err *);
/* After a start of another release that failed: let the tree be that of
 * release to again, and its agent serve if it does not.  0: it does. */
int bindu_release_restore(struct bindu_remote *, const struct bindu_box_info *,
    struct bindu_session *, const char *to,
    const struct bindu_agent_served *failed, const char *name,
    const struct bindu_report *, bool *stayed, struct bindu_err *);

/* The git commit of a source tree, asked aside while other things are done. */
struct bindu_commit {
	pid_t pid; /* 0: nobody was asked */
	int fd;
};
void bindu_commit_begin(struct bindu_commit *, const char *dir);
/* "commit=v1.2-3-gabc123-dirty\n"; "" when there is none.  Caller frees. */
char *bindu_commit_end(struct bindu_commit *);
#endif
