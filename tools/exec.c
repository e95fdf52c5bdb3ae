/* bindu-exec: run a command in a box, as ssh would.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>
#include "lib/base/log.h"
#include "lib/base/tool.h"
#include "lib/remote/stream.h"
#include "lib/remote/stream_env.h"

static bool take_stdin, no_stdin, tty, no_tty;
static struct bindu_strv env, env_files;
static const char *cwd;
static int64_t timeout;

static const struct bindu_opt opts[] = {
	{ 'i', "interactive", BINDU_OPT_FLAG, &take_stdin, NULL,
	    "pass standard input on (default)", NULL },
	{ 'n', "no-stdin", BINDU_OPT_FLAG, &no_stdin, NULL,
	    "leave standard input alone; the command reads none", NULL },
	{ 't', "tty", BINDU_OPT_FLAG, &tty, NULL, "give the command a terminal",
	    NULL },
	{ 'T', "no-tty", BINDU_OPT_FLAG, &no_tty, NULL,
	    "give it none (default)", NULL },
	{ 'e', "env", BINDU_OPT_STRLIST, &env, "KEY[=VALUE]",
	    "set KEY; without =VALUE to the value it has here", NULL },
	{ 0, "env-file", BINDU_OPT_STRLIST, &env_files, "FILE",
	    "set the variables of FILE, one KEY=VALUE a line", NULL },
	{ 'w', "cwd", BINDU_OPT_STR, &cwd, "DIR",
	    "run it in DIR (default: the home of the box's user)", NULL },
	{ 0, "timeout", BINDU_OPT_MSEC, &timeout, "TIME",
	    "kill it after TIME and exit 124", NULL },
	BINDU_OPT_END
};

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct bindu_remote_opts where = { .runtime = ctx->runtime };
	AUTO_STRV struct bindu_strv all = { 0 };
	struct bindu_exec_opts o = { .cwd = cwd,
		.timeout_ms = timeout,
		.tty = tty && !no_tty };
	struct bindu_exec_end end = { 125, false };
	struct bindu_remote *remote;
	int skip = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;

	if (take_stdin && no_stdin)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "-i and -n contradict each other");
	if (argc <= skip)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "a command is missing");
	if (skip == 1 && argv[1][0] == '-')
		return bindu_err_set(err, BINDU_E_USAGE,
		    "options stand before BOX; a command behind --");
	if (bindu_env_collect(&all, &env_files, &env,
		ctx->verbose ? ctx->report : NULL, err) == -1)
		return -1;
	o.argv = (const char *const *)argv + skip;
	o.env = all.n != 0 ? (const char *const *)all.v : NULL;
	bindu_tool_catch();
	/* The command owns stderr: no note about the runtime on it. */
	if (bindu_remote_open(&where, ctx->verbose ? ctx->report : NULL,
		&remote, err) == -1) {
		bindu_log(BINDU_ERROR, "%s", err->msg);
		return 125;
	}
	if (bindu_exec_run(remote, argv[0], &o, no_stdin ? -1 : STDIN_FILENO,
		STDOUT_FILENO, STDERR_FILENO, &end, err) == -1)
		bindu_log(BINDU_ERROR, "%s", err->msg);
	bindu_remote_close(remote);
	return end.code;
}

static const struct bindu_tool tool = {
	.name = "bindu-exec",
	.args = "BOX [--] COMMAND [ARGUMENT...]",
	.min = 2,
	.max = -1,
	.about = "run a command in a box; its exit status is the command's",
	.opts = opts,
	.flags = BINDU_TOOL_RUNTIME | BINDU_TOOL_STOP_AT_OPERAND,
	.run = run,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
