/* bindu-health: wait until an agent answers its health check.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/remote/health.h"

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

/* Where the box's agent answers; the plain local address when there is one. */
static int
find_url(const struct bindu_ctx *ctx, const char *box, char **url,
    struct bindu_err *err)
{
	struct bindu_remote_opts o = { .runtime = ctx->runtime };
	struct bindu_box_info info = { 0 };
	struct bindu_remote *r;
	int rc;

	if (bindu_remote_open(&o, ctx->report, &r, err) == -1)
		return -1;
	rc = bindu_box_get(r, box, &info, err);
	if (rc == 0) {
		*url = bindu_steal(info.local_url != NULL ? &info.local_url : &info.url);
		if (*url == NULL)
			rc = bindu_err_set(err, BINDU_E_UNAVAILABLE,
			    "box %s has no address", box);
	}
	bindu_box_info_fini(&info);
	bindu_remote_close(r);
	return rc;
}

static void
print_json(const struct bindu_health *h)
{
	json_t *o = json_object();
	AUTO_FREE char *text = NULL;

	json_object_set_new(o, "healthy", json_boolean(h->healthy));
	bindu_json_set_int(o, "status", h->status);
	bindu_json_set_str(o, "cause", h->healthy ? NULL : h->cause);
	if (h->uptime >= 0)
		json_object_set_new(o, "uptime_seconds",
		    json_real(h->uptime));
	bindu_json_set_int(o, "waited_ms", h->waited_ms);
	text = bindu_json_text(o);
	puts(text);
	json_decref(o);
}

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_FREE char *url = NULL;
	struct bindu_health h;

	(void)argc;
	if (newer_than >= 0)
		wait.newer_than = (double)newer_than / 1000;
	bindu_tool_catch();
	if (strstr(argv[0], "://") != NULL)
		url = xstrdup(argv[0]);
	else if (find_url(ctx, argv[0], &url, err) == -1)
		return -1;
	if (bindu_health_wait(url, NULL, &wait, &h, err) == -1)
		return -1;
	if (ctx->json)
		print_json(&h);
	if (h.healthy)
		bindu_note(ctx->report, BINDU_NOTE, "healthy after %.1f s",
		    (double)h.waited_ms / 1000);
	else
		bindu_log(BINDU_ERROR, "%s is not healthy after %.1f s: %s",
		    argv[0], (double)h.waited_ms / 1000, h.cause);
	return !h.healthy;
}

static const struct bindu_tool tool = {
	.name = "bindu-health",
	.args = "BOX|URL",
	.min = 1,
	.max = 1,
	.about = "wait until an agent answers its health check",
	.opts = opts,
	.flags = BINDU_TOOL_RUNTIME | BINDU_TOOL_JSON,
	.run = run,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
