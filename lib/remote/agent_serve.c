/* agent_serve.c - see agent_serve.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "agent_serve.h"

#include <string.h>
#include "box_priv.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"

enum {
	TIMEOUT_MS = 60000,
	PUBLIC_MS = 5000, /* at least, once it answers inside */
	BACK_MS = 4000, /* to undo what was begun when we are to leave */
};

struct serve {
	struct bindu_remote *remote;
	const struct bindu_box_info *box;
	const struct bindu_agent_serve *want;
	struct bindu_agent_up *up;
	struct bindu_agent_served *got;
	const struct bindu_report *report;
	const char *url, *name;
	int64_t began, deadline;
	bool switched; /* the route leads to the new run */
};

/* The log's end, a line each, as it is. */
static void
show_log(struct serve *s)
{
	AUTO_FREE char *copy = xstrdup(s->got->st.log_tail);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line != '\0')
			bindu_note(s->report, BINDU_ERROR, "| %s", line);
	}
}

static int64_t
waited_s(const struct serve *s)
{
	return (bindu_clock_ms() - s->began + 500) / 1000;
}

/* As probe.py says it: the agent may still be at its imports. */
static const char *
cure_of(const char *cause)
{
	return strcmp(cause, "it listens on no port") == 0 ?
	    "; if it only starts slowly: make deploy BINDU_HEALTH_TIMEOUT=5m, "
	    "bindu-deploy --health-timeout 5m" :
	    "";
}

static int
say_not_ready(struct serve *s, struct bindu_err *err)
{
	const struct bindu_agent_status *st = &s->got->st;

	show_log(s);
	if (st->running)
		return bindu_err_set(err, BINDU_E_NO,
		    "agent %s did not become healthy within %lld s: in its "
		    "box, port %u: %s%s",
		    s->name, (long long)waited_s(s), (unsigned)st->port,
		    st->cause, cure_of(st->cause));
	if (st->exit_code >= 0)
		return bindu_err_set(err, BINDU_E_NO,
		    "agent %s exited with code %d%s", s->name, st->exit_code,
		    st->exit_code == 0 ?
			": it must stay in the foreground and serve" :
			"");
	return bindu_err_set(err, BINDU_E_NO, "agent %s is gone (%s)", s->name,
	    st->state);
}

/* What a user should know about how it listens. */
static void
say_port(struct serve *s)
{
	const struct bindu_agent_status *st = &s->got->st;

	if (st->ignores != 0 && st->gap_ms != -1)
		bindu_note(s->report, BINDU_NOTE,
		    "the agent ignores BINDU_PORT (it listens on %u): stopped "
		    "the old one first, %lld.%lld s without service",
		    (unsigned)st->port, (long long)st->gap_ms / 1000,
		    (long long)st->gap_ms % 1000 / 100);
	else if (st->ignores != 0)
		bindu_note(s->report, BINDU_NOTE,
		    "the agent ignores BINDU_PORT: it listens on %u, not on %u",
		    (unsigned)st->port, (unsigned)st->ignores);
	else if (st->gap_ms != -1)
		bindu_note(s->report, BINDU_NOTE,
		    "the agent before ignored BINDU_PORT: stopped it first, "
		    "%lld.%lld s without service",
		    (long long)st->gap_ms / 1000,
		    (long long)st->gap_ms % 1000 / 100);
}

static unsigned
grace_of(const struct bindu_agent_serve *want)
{
	const char *v = bindu_config_env("BINDU_GRACE");
	uint32_t n;

	if (want->grace_s >= 0)
		return (unsigned)want->grace_s;
	return v != NULL && bindu_str_u32(v, &n, NULL) == 0 && n <= 86400 ?
	    n :
	    BINDU_AGENT_GRACE_S;
}

static int
start(struct serve *s, struct bindu_err *err)
{
	struct bindu_agent_served *got = s->got;

	if (bindu_agent_up_start(s->up, &got->st, err) == -1)
		return -1;
	got->replaced = got->st.beside == 0;
	got->start_ms = bindu_clock_ms() - s->began;
	if (got->st.pid != 0)
		bindu_phase(s->report, "start", got->start_ms, "pid %d",
		    got->st.pid);
	return 0;
}

static int
wait_inside(struct serve *s, struct bindu_err *err)
{
	struct bindu_agent_served *got = s->got;

	if (bindu_agent_up_ready(s->up, got->st.run,
		bindu_clock_left(s->deadline), grace_of(s->want), &got->st,
		err) == -1)
		return -1;
	got->replaced = got->st.beside == 0;
	if (!got->st.ready)
		return say_not_ready(s, err);
	got->inside = true;
	say_port(s);
	return 0;
}

static int
say_not_reached(struct serve *s, struct bindu_err *err)
{
	const struct bindu_agent_status *st = &s->got->st;

	return bindu_err_set(err, BINDU_E_NO,
	    "agent %s answers in its box (port %u, pid %d), but not at %s: %s; "
	    "the way to it is at fault, not the agent",
	    s->name, (unsigned)st->port, st->pid, s->url, s->got->health.cause);
}

/* By the address people use, and it must be the new process. */
static int
wait_outside(struct serve *s, struct bindu_err *err)
{
	int64_t left = bindu_clock_left(s->deadline);
	struct bindu_health_opts o = {
		.timeout_ms = left > PUBLIC_MS ? left : PUBLIC_MS,
		.newer_than = (double)(bindu_clock_ms() - s->began) / 1000 + 1,
		.report = s->report,
	};
	struct bindu_agent_served *got = s->got;

	if (bindu_health_wait(s->url, NULL, &o, &got->health, err) == -1) {
		got->kept = err == NULL || err->code != BINDU_E_SIGNAL;
		return bindu_err_wrap(err,
		    "agent %s answers in its box; whether it does at %s is not "
		    "known",
		    s->name, s->url);
	}
	return got->health.healthy ? 0 : say_not_reached(s, err);
}

static int
lead_to(struct serve *s, uint32_t port, struct bindu_err *err)
{
	return bindu_box_set_port(s->remote, s->box->name, port, err);
}

static int
make_healthy(struct serve *s, struct bindu_err *err)
{
	struct bindu_agent_served *got = s->got;
	int64_t began = bindu_clock_ms();

	if (bindu_tool_interrupted(err) == -1 || wait_inside(s, err) == -1)
		return -1;
	if (got->st.port != s->want->routed) {
		/* Also when it fails it may have been done. */
		s->switched = true;
		if (lead_to(s, got->st.port, err) == -1)
			return -1;
	}
	if (bindu_tool_interrupted(err) == -1 || wait_outside(s, err) == -1)
		return -1;
	got->health_ms = bindu_clock_ms() - began;
	bindu_phase(s->report, "health", got->health_ms, "%d",
	    got->health.status);
	return 0;
}

/* As it was before; what cannot be undone the next start finds. */
static void
back_out(struct serve *s, const struct bindu_err *why)
{
	uint32_t old = s->got->st.beside;
	int64_t limit = s->remote->timeout_ms;

	if (why->code == BINDU_E_SIGNAL)
		s->remote->timeout_ms = BACK_MS;
	if (s->switched)
		lead_to(s, old, NULL);
	bindu_agent_drop(s->remote, s->box->name, s->got->st.run, NULL);
	s->remote->timeout_ms = limit;
}

/* From now on it is what serves, whatever we still find out. */
static int
make_live(struct serve *s, struct bindu_err *err)
{
	int bad = bindu_agent_up_live(s->up, err);

	s->got->st.healthy = bad == 0;
	return bad;
}

static int
serve(struct serve *s, struct bindu_err *err)
{
	struct bindu_agent_served *got = s->got;
	struct bindu_err why = { 0 };

	if (start(s, err) == -1)
		return -1;
	if (make_healthy(s, &why) == 0) {
		if (make_live(s, &why) == 0)
			return 0;
		got->kept = why.code != BINDU_E_SIGNAL;
	} else if (got->kept) {
		make_live(s, NULL);
	}
	if (!got->kept && !got->replaced)
		back_out(s, &why);
	if (err != NULL)
		*err = why;
	return -1;
}

int
bindu_agent_serve(struct bindu_remote *remote, const struct bindu_box_info *box,
    const struct bindu_agent_serve *want, struct bindu_agent_served *got,
    const struct bindu_report *report, struct bindu_err *err)
{
	struct serve s = {
		.remote = remote,
		.box = box,
		.want = want,
		.up = want->up,
		.got = got,
		.report = report,
		.url = box->local_url != NULL ? box->local_url : box->url,
		.name = want->name != NULL ? want->name : box->name,
		.began = bindu_clock_ms(),
		.deadline = bindu_clock_deadline(
		    want->timeout_ms != 0 ? want->timeout_ms : TIMEOUT_MS),
	};
	int bad;

	memset(got, 0, sizeof *got);
	if (s.url == NULL)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "box %s has no address to ask", box->name);
	if (s.up == NULL)
		s.up = bindu_agent_up_open(remote, box->name, NULL,
		    &want->start, report, err);
	if (s.up == NULL)
		return -1;
	bad = serve(&s, err);
	if (s.up != want->up)
		bindu_agent_up_free(s.up);
	return bad;
}
