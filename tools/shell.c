/* bindu-shell: a shell in a box, in the agent's directory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/remote/stream.h"

static const char *cwd;

static const struct bindu_opt opts[] = {
	{ 'w', "cwd", BINDU_OPT_STR, &cwd, "DIR",
	    "begin in DIR (default: app, where the agent is)", NULL },
	BINDU_OPT_END
};

/* The box's own idea of a shell, our terminal's type where the box knows it;
 * a box without an agent has no app. */
#define SHELL \
	"infocmp >/dev/null 2>&1 || TERM=xterm-256color; " \
	"exec \"${SHELL:-/bin/sh}\" -l"

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct bindu_remote_opts where = { .runtime = ctx->runtime };
	struct bindu_exec_opts o = { .cwd = cwd, .tty = isatty(STDIN_FILENO) };
	const char *term = bindu_config_env("TERM");
	AUTO_FREE char *type = xasprintf("TERM=%s", term != NULL ? term : "");
	const char *const env[] = { type, NULL };
	struct bindu_exec_end end = { 125, false };
	struct bindu_remote *remote;

	(void)argc;
	if (o.tty && term != NULL)
		o.env = env;
	o.command = cwd != NULL ? SHELL : "cd app 2>/dev/null; " SHELL;
	bindu_tool_catch();
	if (bindu_remote_open(&where, ctx->report, &remote, err) == -1) {
		bindu_log(BINDU_ERROR, "%s", err->msg);
		return 125;
	}
	if (bindu_exec_run(remote, argv[0], &o, STDIN_FILENO, STDOUT_FILENO,
		STDERR_FILENO, &end, err) == -1)
		bindu_log(BINDU_ERROR, "%s", err->msg);
	bindu_remote_close(remote);
	return end.code;
}

static const struct bindu_tool tool = {
	.name = "bindu-shell",
	.args = "BOX",
	.min = 1,
	.max = 1,
	.about = "open a shell in a box",
	.opts = opts,
	.flags = BINDU_TOOL_RUNTIME,
	.run = run,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
