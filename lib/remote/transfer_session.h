/* transfer_session.h - a dialogue with receive.sh (its head describes it).
 *
 * While one is open no other upload or deploy can touch that tree of the box.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_TRANSFER_SESSION_H
#define BINDU_TRANSFER_SESSION_H

#include "transfer.h"

struct bindu_session;

/* dir: the tree's directory in the box.  keep: releases to keep, 0: 5.
 * Another dialogue at work there is BINDU_E_EXISTS, saying whose. */
struct bindu_session *
bindu_session_open(struct bindu_remote *, const char *box, const char *dir,
    unsigned keep, const struct bindu_report *, struct bindu_err *);
void bindu_session_close(struct bindu_session *);
/* The release that is live, "" when none; changed by put and use. */
const char *bindu_session_current(const struct bindu_session *);
/* Called once put knows that the box must change, before it waits for that. */
void
bindu_session_on_change(struct bindu_session *, void (*)(void *), void *arg);
/* Make the hashed tree the live release. */
int bindu_session_put(struct bindu_session *, struct bindu_tree *, char id[65],
    struct bindu_transfer_stats *, struct bindu_err *);
/* The release to go back to, "" when none is kept: the one that was live
 * before and was seen healthy, if there is one. */
const char *bindu_session_before(const struct bindu_session *);
/* The release a prefix of its id names. */
int bindu_session_find(const struct bindu_session *, const char *prefix,
    char id[65], struct bindu_err *);
/* Go back to a release the box keeps. */
int
bindu_session_use(struct bindu_session *, const char *id, struct bindu_err *);
/* KEY=VALUE lines to keep with the live release; nobody waits for the answer.
 * The last call before close. */
int bindu_session_note(struct bindu_session *, const char *text,
    struct bindu_err *);
#endif
