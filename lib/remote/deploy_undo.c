/* deploy_undo.c - start, health, and the way back when they fail.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "box_priv.h"
#include "deploy_run.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

enum {
	LEAVE_MS = 4000, /* on_exit is done within 5 s */
};

static void
note_times(struct bindu_run *r)
{
	size_t n = strlen(r->times);

	snprintf(r->times + n, sizeof r->times - n,
	    "start_ms=%lld\nhealth_ms=%lld\n", (long long)r->served.start_ms,
	    (long long)r->served.health_ms);
}

int
bindu_run_up(struct bindu_run *r, struct bindu_err *err)
{
	if (r->up != NULL)
		return 0;
	r->deps = (struct bindu_agent_deps){
		.script = r->plan->agent.script,
		.python = r->plan->agent.python,
		.bindu_version = r->o->bindu_version,
		.held = true,
	};
	r->start = (struct bindu_agent_start){
		.script = r->plan->agent.script,
		.port = r->plan->port,
		.public_url = r->d->url,
		.env = r->o->env,
		.held = true,
	};
	r->up = bindu_agent_up_open(r->remote, r->box.name, &r->deps, &r->start,
	    r->report, err);
	return r->up != NULL ? 0 : -1;
}

int
bindu_run_serve(struct bindu_run *r, int64_t timeout_ms, struct bindu_err *err)
{
	struct bindu_agent_serve s = {
		.up = r->up,
		.name = r->plan->agent.name,
		.timeout_ms = timeout_ms,
		.grace_s = -1,
		.routed = r->d->created && !r->started ? r->plan->port : 0,
	};

	r->started = true;
	if (bindu_agent_serve(r->remote, &r->box, &s, &r->served, r->report,
		err) == -1)
		return -1;
	note_times(r);
	if (strcmp(r->served.st.boot, "none") == 0)
		bindu_note(r->report, BINDU_INFO,
		    "nothing in box %s starts the agent after a reboot: deploy "
		    "again then",
		    r->box.name);
	return 0;
}

int
bindu_run_health(struct bindu_run *r, int64_t timeout_ms, struct bindu_err *err)
{
	const char *url = r->d->local_url != NULL ? r->d->local_url : r->d->url;
	struct bindu_health_opts ho = { .timeout_ms = timeout_ms,
		.newer_than = -1,
		.report = r->report };
	struct bindu_health *h = &r->served.health;
	int64_t began = bindu_clock_ms();

	if (url == NULL)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "box %s has no address to ask", r->box.name);
	if (bindu_health_wait(url, NULL, &ho, h, err) == -1)
		return -1;
	if (!h->healthy)
		return bindu_err_set(err, BINDU_E_NO,
		    "agent %s did not become healthy within %lld s: %s",
		    r->plan->agent.name, (long long)(h->waited_ms + 500) / 1000,
		    h->cause);
	bindu_run_phase(r, "health", began, "%d", h->status);
	return 0;
}

/* The release before ours: it served, and does so still or again. */
static void
go_back(struct bindu_run *r)
{
	struct bindu_err why = { 0 };
	int64_t began = bindu_clock_ms();
	bool stayed;

	if (bindu_release_restore(r->remote, &r->box, r->session, r->before,
		&r->served, r->plan->agent.name, r->report, &stayed,
		&why) == 0) {
		r->d->rolled_back = true;
		bindu_run_phase(r, "rollback", began, "%.12s %s", r->before,
		    stayed ? "still serves" : "serves again");
		return;
	}
	bindu_note(r->report, BINDU_ERROR, "the release before, %.12s, %s: %s",
	    r->before,
	    why.code == BINDU_E_NO ? "does not serve either" :
				     "could not be brought back",
	    why.msg);
}

/* create was asked for and its answer lost: a box of our name is ours. */
static bool
find_box(struct bindu_run *r)
{
	if (r->d->vm_id != NULL)
		return true;
	if (!r->may_exist ||
	    bindu_box_get(r->remote, r->plan->label, &r->box, NULL) == -1)
		return false;
	r->d->name = xstrdup(r->box.name);
	r->d->vm_id = xstrdup(r->box.vm_id);
	return true;
}

/* Somebody else has destroyed it: nothing is left to be left. */
static bool
is_gone(struct bindu_run *r)
{
	struct bindu_box_info info = { 0 };
	struct bindu_err why = { 0 };
	int bad = bindu_box_get(r->remote, r->d->vm_id, &info, &why);

	bindu_box_info_fini(&info);
	if (!bad || why.code != BINDU_E_NOINPUT)
		return false;
	bindu_note(r->report, BINDU_WARN, "box %s was destroyed meanwhile",
	    r->d->name);
	return true;
}

void
bindu_run_undo(struct bindu_run *r, const struct bindu_err *err)
{
	bool interrupted = err->code == BINDU_E_SIGNAL;

	bindu_agent_up_free(bindu_steal(&r->up));
	if (r->served.kept)
		return;
	if (interrupted)
		r->remote->timeout_ms = LEAVE_MS;
	else if (r->started && r->session != NULL && r->before[0] != '\0')
		go_back(r);
	/* The old agent was never touched: it goes on serving. */
	if (r->d->rolled_back ||
	    (!interrupted && !r->started && r->before[0] != '\0'))
		return;
	if (err->code == BINDU_E_EXISTS || !find_box(r))
		return;
	bindu_session_close(r->session);
	r->session = NULL;
	if (!interrupted && is_gone(r))
		return;
	bindu_deploy_leave(r->d, r->o->on_exit, r->report, NULL);
}

int
bindu_deploy_leave(const struct bindu_deployed *d, enum bindu_on_exit how,
    const struct bindu_report *report, struct bindu_err *err)
{
	static const struct {
		enum bindu_box_verb verb;
		const char *doing, *done;
	} ways[] = {
		[BINDU_EXIT_SUSPEND] = { BINDU_BOX_SUSPEND, "suspend",
		    "suspended" },
		[BINDU_EXIT_DESTROY] = { BINDU_BOX_DESTROY, "destroy",
		    "destroyed" },
	};
	struct bindu_err why = { 0 };

	if (how == BINDU_EXIT_DETACH) {
		bindu_note(report, BINDU_NOTE, "box %s is left running",
		    d->name);
		return 0;
	}
	d->remote->timeout_ms = LEAVE_MS;
	if (bindu_box_act(d->remote, d->vm_id, ways[how].verb, &why) == 0) {
		bindu_note(report, BINDU_NOTE, "box %s is %s", d->name,
		    ways[how].done);
		return 0;
	}
	bindu_note(report, BINDU_WARN, "cannot %s box %s, which still runs: %s",
	    ways[how].doing, d->name, why.msg);
	if (err != NULL)
		*err = why;
	return -1;
}
