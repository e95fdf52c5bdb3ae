/* health.h - wait for the *new* agent and say why not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_HEALTH_H
#define BINDU_HEALTH_H

#include "box.h"

struct bindu_health_opts {
	const char *path; /* "/health" */
	int64_t timeout_ms; /* 60 s */
	int64_t interval_ms; /* 50 ms first, backing off to 500 */
	double newer_than; /* answer's uptime_seconds must be below the time
				 * since this wait began plus this; < 0: any */
	bool (*gone)(void *, struct bindu_err *); /* process died: stop now */
	void *gone_arg;
	const struct bindu_report *report; /* progress, by the second */
};
struct bindu_health {
	bool healthy;
	int status; /* last HTTP status, 0: none */
	char cause[200]; /* "refused", "status 503", "exited with code 1" */
	double uptime; /* of the answer, -1: not given */
	int64_t waited_ms;
};
/* 0: h->healthy is the answer; -1: could not find out ("unknown" is not
 * "unhealthy"). */
int bindu_health_wait(const char *url, const char *connect_to,
    const struct bindu_health_opts *, struct bindu_health *,
    struct bindu_err *);
#endif
