/* deploy_run.h - what the files of a running deploy share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_DEPLOY_RUN_H
#define BINDU_DEPLOY_RUN_H

#include "deploy.h"
#include "agent_serve.h"
#include "health.h"
#include "release.h"
#include "transfer_session.h"

struct bindu_run {
	const struct bindu_deploy_opts *o;
	struct bindu_plan *plan;
	const struct bindu_report *report;
	struct bindu_deployed *d;
	struct bindu_remote *remote; /* = d->remote */
	struct bindu_session *session;
	struct bindu_box_info box;
	char before[65]; /* the release that was live when we came, or "" */
	struct bindu_agent_deps deps; /* what up was opened with */
	struct bindu_agent_start start;
	struct bindu_agent_up *up; /* begun while the upload was at work */
	struct bindu_agent_served served; /* what start and health came to */
	bool started; /* a run of ours may have taken the place of another */
	bool may_exist; /* a box may be there although create failed */
	char times[512]; /* "upload_ms=12\n" for the release's note */
	struct bindu_commit commit; /* git is asked while the agent starts */
};

/* Tell the report and remember for the release. */
void bindu_run_phase(struct bindu_run *, const char *phase, int64_t began,
    const char *detail, ...) __attribute__((format(printf, 4, 5)));
/* Open up, unless that was done. */
int bindu_run_up(struct bindu_run *, struct bindu_err *);
/* Start the live release and make it the agent. */
int bindu_run_serve(struct bindu_run *, int64_t timeout_ms, struct bindu_err *);
/* Something that runs already: does it answer? */
int
bindu_run_health(struct bindu_run *, int64_t timeout_ms, struct bindu_err *);
/* Something failed: say its log, go back, or apply on_exit.  err stays. */
void bindu_run_undo(struct bindu_run *, const struct bindu_err *);
#endif
