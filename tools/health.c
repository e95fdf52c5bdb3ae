/* bindu-health: wait until an agent answers its health check.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/remote/agent.h"
#include "lib/remote/health.h"
#include "lib/remote/http.h"

#define LOG_LINES 20
#define INSIDE_MS 1000 /* to tell an agent from the way to it */

static struct bindu_health_opts wait = { .timeout_ms = 60000,
	.newer_than = -1 };
static int64_t newer_than = -1;

static const struct bindu_opt opts[] = {
	{ 't', "timeout", BINDU_OPT_MSEC, &wait.timeout_ms, "TIME",
	    "give up after TIME (default 60s)", NULL },
	{ 'p', "path", BINDU_OPT_STR, &wait.path, "PATH",
	    "ask for PATH (default /health)", NULL },
	{ 0, "newer-than", BINDU_OPT_MSEC, &newer_than, "TIME",
	    "accept only a process that began at most TIME before", NULL },
	BINDU_OPT_END
};

/* A box whose agent is asked for; without one, a URL is all we know. */
struct target {
	struct bindu_remote *remote;
	const char *box;
	char *url; /* the plain local address when there is one */
	char *shown; /* for messages */
	struct bindu_agent_watch *watch;
	struct bindu_agent_status st; /* of the agent, state "" for a URL */
};

static void
fini_target(struct target *t)
{
	bindu_agent_watch_free(t->watch);
	bindu_remote_close(t->remote);
	free(t->url);
	free(t->shown);
}

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
open_target(const struct bindu_ctx *ctx, const char *box, struct target *t,
    struct bindu_err *err)
{
	struct bindu_remote_opts o = { .runtime = ctx->runtime };
	struct bindu_box_info info = { 0 };

	t->box = box;
	if (bindu_remote_open(&o, ctx->report, &t->remote, err) == -1 ||
	    bindu_box_get(t->remote, box, &info, err) == -1)
		return -1;
	t->url = bindu_steal(
	    info.local_url != NULL ? &info.local_url : &info.url);
	bindu_box_info_fini(&info);
	if (t->url == NULL)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "box %s has no address", box);
	if (bindu_agent_status(t->remote, box, 0, &t->st, err) == -1)
		return -1;
	/* A box may serve something that no deploy of ours has started. */
	if (strcmp(t->st.state, "none") == 0)
		return 0;
	t->watch = bindu_agent_watch(t->remote, box, err);
	return t->watch == NULL ? -1 : 0;
}

static void
print_log(const struct target *t)
{
	struct bindu_agent_status st;
	char *rest = st.log_tail, *line;

	if (t->watch == NULL ||
	    bindu_agent_status(t->remote, t->box, LOG_LINES, &st, NULL) == -1)
		return;
	while ((line = strsep(&rest, "\n")) != NULL) {
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 20);

		if (*line != '\0' &&
		    bindu_str_visible(&b, line, strlen(line), NULL) == 0)
			fprintf(stderr, "  | %s\n", b.p);
	}
}

/* It is not healthy: is it so in its box too?  There /health is asked. */
static void
look_inside(struct target *t)
{
	if (t->watch != NULL && wait.path == NULL &&
	    !bindu_agent_watch_ended(t->watch))
		bindu_agent_ready(t->remote, t->box, t->st.run, INSIDE_MS,
		    &t->st, NULL);
}

static void
print_json(const struct target *t, const struct bindu_health *h)
{
	json_t *o = json_object();
	AUTO_FREE char *text = NULL;

	json_object_set_new(o, "healthy", json_boolean(h->healthy));
	bindu_json_set_int(o, "status", h->status);
	bindu_json_set_str(o, "cause", h->healthy ? NULL : h->cause);
	if (h->uptime >= 0)
		json_object_set_new(o, "uptime_seconds",
		    json_real(round(h->uptime * 1000) / 1000));
	bindu_json_set_int(o, "waited_ms", h->waited_ms);
	if (t->watch != NULL) {
		if (!h->healthy && wait.path == NULL)
			json_object_set_new(o, "inside",
			    json_boolean(t->st.ready));
		bindu_json_set_int(o, "pid", t->st.pid);
		bindu_json_set_int(o, "port", t->st.port);
		bindu_json_set_str(o, "release", t->st.release);
	}
	text = bindu_json_text(o);
	puts(text);
	json_decref(o);
}

static int
judge(const struct bindu_ctx *ctx, struct target *t,
    const struct bindu_health *h)
{
	if (!h->healthy)
		look_inside(t);
	if (ctx->json)
		print_json(t, h);
	if (h->healthy) {
		bindu_note(ctx->report, BINDU_NOTE, "healthy after %.1f s",
		    (double)h->waited_ms / 1000);
		return 0;
	}
	if (t->st.ready) {
		bindu_log(BINDU_ERROR,
		    "%s answers in its box (port %u), but after %.1f s not at "
		    "%s: %s; the way to it is at fault, not the agent",
		    t->box, (unsigned)t->st.port, (double)h->waited_ms / 1000,
		    t->url, h->cause);
		return 1;
	}
	print_log(t);
	bindu_log(BINDU_ERROR, "%s is not healthy after %.1f s: %s", t->shown,
	    (double)h->waited_ms / 1000, h->cause);
	return 1;
}

/* A box has neither dots nor colons in its name, a URL has a scheme. */
static int
check_target(const char *s, struct bindu_err *err)
{
	const char *rest = strstr(s, "://");
	AUTO_FREE char *shown = bindu_http_shown(s);

	if (rest == NULL && strpbrk(s, ".:/") != NULL)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "%s is no box and no URL; is http://%s meant?", shown,
		    shown);
	if (rest == NULL)
		return 0;
	if (strncasecmp(s, "http://", 7) != 0 &&
	    strncasecmp(s, "https://", 8) != 0)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "%s: use http:// or https://", shown);
	return rest[3] != '\0' && rest[3] != '/' ?
	    0 :
	    bindu_err_set(err, BINDU_E_USAGE, "%s: it names no host", shown);
}

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct target t = { .box = argv[0] };
	struct bindu_health h;
	int rc = 0;

	(void)argc;
	if (check_target(argv[0], err) == -1)
		return -1;
	t.shown = bindu_http_shown(argv[0]);
	if (newer_than >= 0)
		wait.newer_than = (double)newer_than / 1000;
	wait.gone = has_ended;
	wait.gone_arg = &t;
	bindu_tool_catch();
	if (strstr(argv[0], "://") != NULL)
		t.url = xstrdup(argv[0]);
	else
		rc = open_target(ctx, argv[0], &t, err);
	if (rc == 0)
		rc = bindu_health_wait(t.url, NULL, &wait, &h, err);
	if (rc == 0)
		rc = judge(ctx, &t, &h);
	fini_target(&t);
	return rc;
}

static const struct bindu_tool tool = {
	.name = "bindu-health",
	.args = "BOX|URL",
	.min = 1,
	.max = 1,
	.about = "wait until an agent answers its health check",
	.opts = opts,
	.flags = BINDU_TOOL_RUNTIME | BINDU_TOOL_JSON | BINDU_TOOL_STATUS,
	.run = run,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
