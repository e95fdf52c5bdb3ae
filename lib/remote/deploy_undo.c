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
	BACK_MS = 20000, /* what served before should soon do so again */
};

/* The log's end, a line each, as it is. */
static void
show_log(struct bindu_run *r, const char *text)
{
	AUTO_FREE char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line != '\0')
			bindu_note(r->report, BINDU_ERROR, "| %s", line);
	}
}

static int
say_dead(struct bindu_run *r, const struct bindu_agent_status *st,
    struct bindu_err *err)
{
	show_log(r, st->log_tail);
	if (st->exit_code >= 0)
		return bindu_err_set(err, BINDU_E_NO,
		    "agent %s exited with code %d", r->plan->agent.name,
		    st->exit_code);
	return bindu_err_set(err, BINDU_E_NO, "agent %s is gone (%s)",
	    r->plan->agent.name, st->state);
}

int
bindu_run_start(struct bindu_run *r, struct bindu_err *err)
{
	struct bindu_agent_start s = {
		.script = r->plan->agent.script,
		.port = r->plan->port,
		.public_url = r->d->url,
		.env = r->o->env,
		.key = r->key,
		.held = true,
	};
	int64_t began = bindu_clock_ms();
	struct bindu_agent_status st;

	r->stopped_old = true;
	if (bindu_agent_start(r->remote, r->box.name, &s, &st, err) == -1)
		return -1;
	if (st.pid != 0)
		bindu_run_phase(r, "start", began, "pid %d", st.pid);
	return 0;
}

static bool
is_gone(void *watch, struct bindu_err *err)
{
	(void)err; /* the watch itself knows how it ended */
	return bindu_agent_watch_ended(watch);
}

static int
explain(struct bindu_run *r, struct bindu_agent_watch *w,
    const struct bindu_health *h, struct bindu_err *err)
{
	struct bindu_agent_status st;
	int known;

	if (w != NULL && bindu_agent_watch_ended(w))
		known = bindu_agent_watch_status(w, &st, NULL);
	else
		known =
		    bindu_agent_status(r->remote, r->box.name, 50, &st, NULL);
	if (known == 0 && !st.running && strcmp(st.state, "none") != 0)
		return say_dead(r, &st, err);
	if (known == 0)
		show_log(r, st.log_tail);
	return bindu_err_set(err, BINDU_E_NO,
	    "agent %s did not become healthy within %lld s: %s",
	    r->plan->agent.name, (long long)(h->waited_ms + 500) / 1000,
	    h->cause);
}

int
bindu_run_health(struct bindu_run *r, int64_t timeout_ms, struct bindu_err *err)
{
	const char *url = r->d->local_url != NULL ? r->d->local_url : r->d->url;
	struct bindu_agent_watch *w = NULL;
	struct bindu_health_opts ho = {
		.path = "/health",
		.timeout_ms = timeout_ms,
		/* What already served may have done so for long. */
		.newer_than = r->stopped_old ? 5 : -1,
	};
	struct bindu_health h = { 0 };
	int64_t began = bindu_clock_ms();
	int bad;

	if (url == NULL)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "box %s has no address to ask", r->box.name);
	if (r->plan->tree != NULL && !r->d->unchanged)
		w = bindu_agent_watch(r->remote, r->box.name, NULL);
	if (w != NULL) {
		ho.gone = is_gone;
		ho.gone_arg = w;
	}
	bad = bindu_health_wait(url, NULL, &ho, &h, err);
	if (!bad && !h.healthy)
		bad = explain(r, w, &h, err);
	bindu_agent_watch_free(w);
	if (!bad)
		bindu_run_phase(r, "health", began, "%d", h.status);
	return bad;
}

/* The release before ours, started as ours was: it served, and does again. */
static void
go_back(struct bindu_run *r)
{
	struct bindu_err why = { 0 };
	int64_t began = bindu_clock_ms();

	if (bindu_session_use(r->session, r->before, &why) == 0 &&
	    bindu_run_start(r, &why) == 0 &&
	    bindu_run_health(r, BACK_MS, &why) == 0) {
		r->d->rolled_back = true;
		bindu_agent_confirm(r->remote, r->box.name, NULL);
		bindu_run_phase(r, "rollback", began, "%.12s serves again",
		    r->before);
		return;
	}
	bindu_note(r->report, BINDU_ERROR,
	    "the release before, %.12s, does "
	    "not serve either: %s",
	    r->before, why.msg);
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

void
bindu_run_undo(struct bindu_run *r, const struct bindu_err *err)
{
	bool interrupted = err->code == BINDU_E_SIGNAL;

	if (interrupted)
		r->remote->timeout_ms = LEAVE_MS;
	else if (r->stopped_old && r->session != NULL && r->before[0] != '\0' &&
	    strcmp(r->before, r->d->release) != 0)
		go_back(r);
	/* The old agent was never touched: it goes on serving. */
	if (r->d->rolled_back ||
	    (!interrupted && !r->stopped_old && r->before[0] != '\0'))
		return;
	if (err->code == BINDU_E_EXISTS || !find_box(r))
		return;
	bindu_session_close(r->session);
	r->session = NULL;
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
