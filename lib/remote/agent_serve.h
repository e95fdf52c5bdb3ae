/* agent_serve.h - put a new run of the agent in the place of the old one.
 *
 * Each start is a run of its own in the box (share/remote/agent.sh).  Where
 * one serves already the new one starts beside it on the next free port; once
 * it answers there the box's route is switched, and the old one ends when its
 * connections have ended, at the latest after the grace time: the box sees to
 * that.  An agent that ignores BINDU_PORT cannot run beside itself: the old
 * one is stopped first, which is said.
 *
 * When it fails and the old one could stay, the new run is ended and all is
 * as before.  Where not (->replaced), the new run is left as it is; the way
 * back is to let the tree be the release before and bindu_agent_drop() the new
 * run: the one before is then what same = true refers to.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_AGENT_SERVE_H
#define BINDU_AGENT_SERVE_H

#include "agent_up.h"
#include "health.h"

#define BINDU_AGENT_GRACE_S 30

struct bindu_agent_serve {
	struct bindu_agent_start start; /* start.same: as the live run */
	struct bindu_agent_up *up; /* opened with start; NULL: none was */
	const char *name; /* what messages call it */
	int64_t timeout_ms; /* until it is healthy; 0: 60 s */
	int64_t grace_s; /* for the old one; -1: BINDU_GRACE, else 30 */
	uint32_t routed; /* the default route leads there; 0: not known */
};
struct bindu_agent_served {
	struct bindu_agent_status st; /* of the new run */
	struct bindu_health health; /* by its public address */
	int64_t start_ms, health_ms; /* how long both took */
	bool inside; /* it answered in the box */
	bool replaced; /* no other serves: there was none, or it was stopped */
	bool kept; /* although it failed: it is not known to be unhealthy */
};

/* The live release as the agent of this box: ->url or ->local_url is asked,
 * the default route is switched.  Phases "start" and "health" and notes go to
 * the report.  BINDU_E_NO: unhealthy, and why; the log's end was reported.
 * Other codes: not found out. */
int bindu_agent_serve(struct bindu_remote *, const struct bindu_box_info *,
    const struct bindu_agent_serve *, struct bindu_agent_served *,
    const struct bindu_report *, struct bindu_err *);
#endif
