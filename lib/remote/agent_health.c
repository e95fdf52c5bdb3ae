/* agent_health.c - see agent_health.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "agent_health.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "http.h"
#include "lib/base/mem.h"

#define LOG_LINES 20
#define INSIDE_MS 1000 /* to tell an agent from the way to it */

struct target {
	struct bindu_remote *remote;
	const char *box;
	char *url; /* the plain local address when there is one */
	struct bindu_agent_watch *watch;
};

/* The process is gone: no answer will come. */
static bool
has_ended(void *arg, struct bindu_err *why)
{
	struct target *t = arg;
	struct bindu_agent_status st;

	if (t->watch == NULL || !bindu_agent_watch_ended(t->watch))
		return false;
	if (bindu_agent_status(t->remote, t->box, 0, &st, NULL) == 0 &&
	    st.exit_code >= 0)
		bindu_err_set(why, BINDU_E_NO, "the agent exited with code %d",
		    st.exit_code);
	else
		bindu_err_set(why, BINDU_E_NO, "the agent is not running");
	return true;
}

static int
open_box(struct target *t, struct bindu_agent_health *got,
    struct bindu_err *err)
{
	struct bindu_box_info info = { 0 };

	if (bindu_box_get(t->remote, t->box, &info, err) == -1)
		return -1;
	t->url = bindu_steal(
	    info.local_url != NULL ? &info.local_url : &info.url);
	bindu_box_info_fini(&info);
	if (t->url == NULL)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "box %s has no address", t->box);
	if (bindu_agent_status(t->remote, t->box, 0, &got->st, err) == -1)
		return -1;
	/* A box may serve something that no deploy of ours has started. */
	if (strcmp(got->st.state, "none") == 0)
		return 0;
	got->agent = true;
	t->watch = bindu_agent_watch(t->remote, t->box, err);
	return t->watch == NULL ? -1 : 0;
}

/* It is not healthy: is it so in its box too, and what does it say?  There
 * /health is asked. */
static void
look_inside(struct target *t, const struct bindu_health_opts *o,
    struct bindu_agent_health *got)
{
	struct bindu_agent_status st;
	struct bindu_err err = { 0 };

	if (!got->agent)
		return;
	got->asked_inside = o->path == NULL;
	if (got->asked_inside && !bindu_agent_watch_ended(t->watch))
		bindu_agent_ready(t->remote, t->box, got->st.run, INSIDE_MS,
		    &got->st, NULL);
	if (got->st.ready)
		return;
	if (bindu_agent_words(t->remote, t->box, LOG_LINES,
		o->path != NULL ? o->path : "/health", &st, &err) == 0)
		memcpy(got->st.log_tail, st.log_tail, sizeof st.log_tail);
	else
		bindu_note(o->report, BINDU_WARN,
		    "the log of %s cannot be read: %s", t->box, err.msg);
}

/* A box has neither dots nor colons in its name, a URL has a scheme. */
static int
check_target(const char *s, struct bindu_err *err)
{
	AUTO_FREE char *shown = bindu_http_shown(s);

	if (strstr(s, "://") != NULL)
		return bindu_http_check(s, err);
	if (strpbrk(s, ".:/") != NULL)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "%s is no box and no URL; is http://%s meant?", shown,
		    shown);
	return 0;
}

int
bindu_agent_health(const char *target, const struct bindu_remote_opts *where,
    const struct bindu_health_opts *opts, const struct bindu_report *report,
    struct bindu_agent_health *got, struct bindu_err *err)
{
	struct bindu_health_opts o = *opts;
	struct target t = { .box = target };
	int rc;

	memset(got, 0, sizeof *got);
	if (check_target(target, err) == -1)
		return -1;
	o.gone = has_ended;
	o.gone_arg = &t;
	o.report = report;
	if (strstr(target, "://") != NULL) {
		t.url = xstrdup(target);
		rc = 0;
	} else {
		rc = bindu_remote_open(where, report, &t.remote, err);
		if (rc == 0)
			rc = open_box(&t, got, err);
	}
	if (rc == 0)
		rc = bindu_health_wait(t.url, NULL, &o, &got->health, err);
	if (rc == 0 && !got->health.healthy)
		look_inside(&t, &o, got);
	if (t.url != NULL)
		got->url = bindu_http_shown(t.url);
	bindu_agent_watch_free(t.watch);
	bindu_remote_close(t.remote);
	free(t.url);
	return rc;
}

json_t *
bindu_agent_health_json(const struct bindu_agent_health *got)
{
	const struct bindu_health *h = &got->health;
	json_t *o = json_object();

	json_object_set_new(o, "healthy", json_boolean(h->healthy));
	bindu_json_set_int(o, "status", h->status);
	bindu_json_set_str(o, "cause", h->healthy ? NULL : h->cause);
	if (h->uptime >= 0)
		json_object_set_new(o, "uptime_seconds",
		    json_real(round(h->uptime * 1000) / 1000));
	bindu_json_set_int(o, "waited_ms", h->waited_ms);
	if (!got->agent)
		return o;
	if (got->asked_inside)
		json_object_set_new(o, "inside", json_boolean(got->st.ready));
	bindu_json_set_int(o, "pid", got->st.pid);
	bindu_json_set_int(o, "port", got->st.port);
	bindu_json_set_str(o, "release", got->st.release);
	return o;
}

void
bindu_agent_health_fini(struct bindu_agent_health *got)
{
	free(got->url);
	got->url = NULL;
}
