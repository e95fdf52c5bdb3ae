/* agent_serve.h - put a new run of the agent in the place of the old one.
 *
 * Each start is a run of its own in the box (share/remote/agent.sh).  Where
 * one serves already the new one starts beside it on the next free port; once
 * it answers there the box's route is switched, and the old one ends when its
 * connections have ended, at the latest after the grace time: the box sees to
 * that.  An agent that ignores BINDU_PORT cannot run beside itself: the old
 * one is stopped first, which is said.
 *
 * Until bindu_agent_serve() returns 0 the old one is what serves.  When it
 * fails the new run is ended and the route is as before; only where the old
 * one had to be stopped first (gap_ms != -1) must it be started again:
 * let the tree be the release before, then serve with same = true.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_AGENT_SERVE_H
#define BINDU_AGENT_SERVE_H

#include "agent.h"
#include "health.h"

#define BINDU_AGENT_GRACE_S 30

struct bindu_agent_serve {
	struct bindu_agent_start start; /* start.same: as the one before */
	int64_t timeout_ms; /* until it is healthy; 0: 60 s */
	int64_t grace_s; /* for the old one; -1: BINDU_GRACE, else 30 */
};
struct bindu_agent_served {
	struct bindu_agent_status st; /* of the new run */
	struct bindu_health health; /* by its public address */
	int64_t start_ms, health_ms; /* how long both took */
	int64_t gap_ms; /* nobody served for so long; -1: the old one did */
	bool inside; /* it answered in the box */
};

/* The live release as the agent of this box (->url and ->local_url are asked,
 * the default route is switched).  Notes tell what is worth telling.
 * BINDU_E_NO: unhealthy, with the cause; the log's end went to the report.
 * Other codes: not found out; a run that answers in the box is kept. */
int bindu_agent_serve(struct bindu_remote *, const struct bindu_box_info *,
    const struct bindu_agent_serve *, struct bindu_agent_served *,
    const struct bindu_report *, struct bindu_err *);
#endif
