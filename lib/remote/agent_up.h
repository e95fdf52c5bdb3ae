/* agent_up.h - a new run of the agent in two execs, opened before their time.
 *
 * One makes the dependencies right and starts the run, and has ended before
 * the run may become the agent: what an exec started ends with it when the
 * client goes away.  The other waits for its readiness and makes it live.
 * Both are begun while something else is waited for, and cost no round trip
 * of their own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_AGENT_UP_H
#define BINDU_AGENT_UP_H

#include "agent.h"

struct bindu_agent_up;
/* held, in start: the scripts are in the box, nothing is waited for.  What is pointed to stays
 * until _free.  deps: NULL with start->same. */
struct bindu_agent_up *
bindu_agent_up_open(struct bindu_remote *, const char *box,
    const struct bindu_agent_deps *deps, const struct bindu_agent_start *start,
    const struct bindu_report *, struct bindu_err *);
/* As bindu_agent_deps; the run is started at once. */
int bindu_agent_up_deps(struct bindu_agent_up *, struct bindu_agent_env *,
    struct bindu_err *);
/* A new run of the live release, after _deps.  0: its process was started,
 * which says nothing of its health. */
int bindu_agent_up_start(struct bindu_agent_up *, struct bindu_agent_status *,
    struct bindu_err *);
/* As bindu_agent_ready, of that run; grace_s is for _live. */
int
bindu_agent_up_ready(struct bindu_agent_up *, unsigned run, int64_t timeout_ms,
    unsigned grace_s, struct bindu_agent_status *, struct bindu_err *);
/* As bindu_agent_live, after _ready said so. */
int bindu_agent_up_live(struct bindu_agent_up *, struct bindu_err *);
/* Was the run of this status asked for as start does, with this bindu (NULL:
 * any)?  box is its name. */
bool bindu_agent_is_asked(const struct bindu_agent_status *, const char *box,
    const struct bindu_agent_start *, const char *version);
void bindu_agent_up_free(struct bindu_agent_up *);
#endif
