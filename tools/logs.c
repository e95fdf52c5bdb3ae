/* bindu-logs: what an agent prints.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>
#include "lib/base/tool.h"
#include "lib/remote/agent.h"

static uint32_t lines = 100;
static bool follow, no_follow, console;

static const struct bindu_opt opts[] = {
	{ 'n', "lines", BINDU_OPT_U32, &lines, "LINES",
	    "begin with the last LINES lines (default 100)", NULL },
	{ 'f', "follow", BINDU_OPT_FLAG, &follow, NULL,
	    "show what is added, too (default)", NULL },
	{ 0, "no-follow", BINDU_OPT_FLAG, &no_follow, NULL,
	    "end after what is there now", NULL },
	{ 0, "console", BINDU_OPT_FLAG, &console, NULL,
	    "the output of the box itself, not of the agent", NULL },
	BINDU_OPT_END
};

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct bindu_remote_opts where = { .runtime = ctx->runtime };
	struct bindu_remote *remote;
	int rc;

	(void)argc;
	if (follow && no_follow)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--follow and --no-follow contradict each other");
	bindu_tool_catch();
	if (bindu_remote_open(&where, ctx->report, &remote, err) == -1)
		return -1;
	if (console)
		rc = bindu_box_logs(remote, argv[0], !no_follow, STDOUT_FILENO,
		    err);
	else
		rc = bindu_agent_logs(remote, argv[0], !no_follow, lines,
		    STDOUT_FILENO, err);
	bindu_remote_close(remote);
	return rc;
}

static const struct bindu_tool tool = {
	.name = "bindu-logs",
	.args = "BOX",
	.min = 1,
	.max = 1,
	.about = "show what an agent prints, and what it will",
	.opts = opts,
	.flags = BINDU_TOOL_RUNTIME,
	.run = run,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
