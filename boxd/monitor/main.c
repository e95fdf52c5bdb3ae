/* boxd-monitor: the hub of one state directory, started by bindu-boxd.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>
#include "hub.h"
#include "lib/base/log.h"
#include "lib/base/tool.h"
#include "sealed.h"

static int ready_fd = -1, attend_fd = -1;

static const struct bindu_opt hub_opts[] = {
	{ 0, "ready-fd", BINDU_OPT_FD, &ready_fd, "N",
	    "write a newline to descriptor N once requests are answered",
	    NULL },
	{ 0, "attend-fd", BINDU_OPT_FD, &attend_fd, "N",
	    "end with the last box once the other end of descriptor N is "
	    "closed and nobody attends",
	    NULL },
	BINDU_OPT_END
};

static int
run_hub(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	(void)ctx;
	(void)argc;
	setsid(); /* fails when we lead a group already: as good */
	return hub_run(argv[0], ready_fd, attend_fd, err);
}

static const struct bindu_verb verbs[] = {
	{ "hub", "STATE", 1, 1, "serve the boxes of one state directory",
	    hub_opts, run_hub },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL }
};

static const struct bindu_tool tool = {
	.name = "boxd-monitor",
	.about = "run the boxes of bindu-boxd",
	.verbs = verbs,
};

int
main(int argc, char **argv)
{
	struct bindu_err err = { 0 };

	/* Most kernels refuse to write a running program anyway. */
	if (sealed_exec(argv, &err) == -1)
		bindu_log(BINDU_WARN, "%s", err.msg);
	return bindu_tool_main(&tool, argc, argv);
}
