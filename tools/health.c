/* bindu-health: wait until an agent answers its health check.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "lib/base/log.h"
#include "lib/base/tool.h"
#include "lib/remote/agent_health.h"

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

static void
print_log(char *log)
{
	char *line;

	while ((line = strsep(&log, "\n")) != NULL)
		if (*line != '\0')
			bindu_log(BINDU_ERROR, "| %s", line);
}

static int
print_answer(struct bindu_ctx *ctx, const char *target,
    struct bindu_agent_health *got)
{
	const struct bindu_health *h = &got->health;
	double waited = (double)h->waited_ms / 1000;

	ctx->result = bindu_agent_health_json(got);
	if (ctx->json)
		bindu_tool_print_json(ctx);
	if (h->healthy) {
		bindu_note(ctx->report, BINDU_NOTE, "healthy after %.1f s",
		    waited);
		return 0;
	}
	if (got->st.ready) {
		bindu_log(BINDU_ERROR,
		    "%s answers in its box (port %u), but after %.1f s not at "
		    "%s: %s; the way to it is at fault, not the agent",
		    target, (unsigned)got->st.port, waited, got->url, h->cause);
		return 1;
	}
	print_log(got->st.log_tail);
	bindu_log(BINDU_ERROR, "%s is not healthy after %.1f s: %s",
	    strstr(target, "://") != NULL ? got->url : target, waited,
	    h->cause);
	return 1;
}

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct bindu_remote_opts where = { .runtime = ctx->runtime };
	struct bindu_agent_health got;
	int rc;

	(void)argc;
	if (newer_than >= 0)
		wait.newer_than = (double)newer_than / 1000;
	bindu_tool_catch();
	rc = bindu_agent_health(argv[0], &where, &wait, ctx->report, &got, err);
	if (rc == 0)
		rc = print_answer(ctx, argv[0], &got);
	bindu_agent_health_fini(&got);
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
