/* agent_health.h - is the agent of a box healthy, or what a URL leads to; and
 * where it is not: the agent, or the way to it?
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_AGENT_HEALTH_H
#define BINDU_AGENT_HEALTH_H

#include "agent.h"
#include "health.h"

struct bindu_agent_health {
	struct bindu_health health;
	char *url; /* that was asked, as it may be shown */
	bool agent; /* st is known: a deploy of ours started something there */
	bool asked_inside; /* it does not answer here; st.ready: does it there?
			    */
	struct bindu_agent_status st; /* unhealthy: with the end of its log */
};
/* target is a box (opened with the options, looked at inside) or a URL; which
 * it is, and how well written, is judged first: BINDU_E_USAGE.  0: the answer
 * is in ->health; -1: not found out.  Free in both cases. */
int bindu_agent_health(const char *target, const struct bindu_remote_opts *,
    const struct bindu_health_opts *, const struct bindu_report *,
    struct bindu_agent_health *, struct bindu_err *);
json_t *bindu_agent_health_json(const struct bindu_agent_health *);
void bindu_agent_health_fini(struct bindu_agent_health *);
#endif
