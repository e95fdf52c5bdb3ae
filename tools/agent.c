/* bindu-agent: the agent process of a box.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/remote/agent_serve.h"
#include "lib/remote/agent_text.h"
#include "lib/remote/release.h"
#include "lib/remote/stream_env.h"

static uint32_t port = BINDU_AGENT_PORT, lines, grace = 10;
static uint32_t drain = UINT32_MAX;
static int64_t wait_ms;
static const char *python, *version;
static struct bindu_strv env, env_files;

static const struct bindu_opt deps_opts[] = {
	{ 0, "python", BINDU_OPT_STR, &python, "SPEC",
	    "the Python wanted, such as '>=3.12'", NULL },
	{ 0, "bindu-version", BINDU_OPT_STR, &version, "VERSION",
	    "the bindu to install", NULL },
	BINDU_OPT_END
};
#define SERVE_OPTS \
	{ 't', "timeout", BINDU_OPT_MSEC, &wait_ms, "TIME", \
		"give up when it does not answer in TIME (default 60s)", \
		NULL }, \
	{ \
		'g', "grace", BINDU_OPT_U32, &drain, "SECONDS", \
		    "the old one ends after SECONDS (default 30)", NULL \
	}
static const struct bindu_opt start_opts[] = {
	{ 'p', "port", BINDU_OPT_PORT, &port, "PORT",
	    "the first port it may get (default 3773)", NULL },
	{ 'e', "env", BINDU_OPT_STRLIST, &env, "KEY[=VALUE]",
	    "set KEY; without =VALUE to the value it has here", NULL },
	{ 0, "env-file", BINDU_OPT_STRLIST, &env_files, "FILE",
	    "set the variables of FILE, one KEY=VALUE a line", NULL },
	SERVE_OPTS, BINDU_OPT_END
};
static const struct bindu_opt restart_opts[] = { SERVE_OPTS, BINDU_OPT_END };
static const struct bindu_opt stop_opts[] = {
	{ 'g', "grace", BINDU_OPT_U32, &grace, "SECONDS",
	    "kill it after SECONDS (default 10)", NULL },
	BINDU_OPT_END
};
static const struct bindu_opt status_opts[] = {
	{ 'n', "lines", BINDU_OPT_U32, &lines, "N",
	    "also the last N lines of its log", NULL },
	BINDU_OPT_END
};

/* NULL: failed.  A verb holds it in AUTO_REMOTE. */
static struct bindu_remote *
open_remote(struct bindu_ctx *ctx, struct bindu_err *err)
{
	struct bindu_remote_opts where = { .runtime = ctx->runtime };
	struct bindu_remote *r;

	bindu_tool_catch();
	return bindu_remote_open(&where, ctx->verbose ? ctx->report : NULL, &r,
		   err) == 0 ?
	    r :
	    NULL;
}

/* 0 when it runs, 1 when not. */
static int
print_status(struct bindu_ctx *ctx, const struct bindu_agent_status *st)
{
	AUTO_FREE char *text = bindu_agent_status_text(st);

	ctx->result = bindu_agent_status_json(st);
	bindu_tool_print(ctx, text);
	return !st->running;
}

static int
deps(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);
	struct bindu_agent_deps want = { .script = argc > 1 ? argv[1] : NULL,
		.python = python,
		.bindu_version = version };
	AUTO_FREE char *text = NULL;
	struct bindu_agent_env got;

	if (!r ||
	    bindu_agent_deps(r, argv[0], &want, &got, ctx->report, err) == -1)
		return -1;
	text = xasprintf("skipped=%d\ntool=%s\npython=%s\n", got.skipped,
	    got.tool, got.python);
	ctx->result = json_object();
	json_object_set_new(ctx->result, "skipped", json_boolean(got.skipped));
	bindu_json_set_str(ctx->result, "tool", got.tool);
	bindu_json_set_str(ctx->result, "python", got.python);
	bindu_tool_print(ctx, text);
	return 0;
}

static int
serve(struct bindu_ctx *ctx, struct bindu_remote *r, const char *name,
    const struct bindu_agent_start *start, struct bindu_err *err)
{
	struct bindu_agent_serve s = { .start = *start,
		.timeout_ms = wait_ms,
		.grace_s = drain == UINT32_MAX ? -1 : (int64_t)drain };
	struct bindu_agent_served got;
	struct bindu_box_info box = { 0 };
	int bad = bindu_box_get(r, name, &box, err);

	if (!start->same)
		s.start.public_url = box.url;
	if (!bad)
		bad = bindu_agent_serve(r, &box, &s, &got, ctx->report, err);
	if (!bad)
		bad = print_status(ctx, &got.st);
	bindu_box_info_fini(&box);
	return bad;
}

static int
start(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = NULL;
	AUTO_STRV struct bindu_strv all = { 0 };
	struct bindu_agent_start s = { .script = argv[1],
		.port = port,
		.env = &all };

	(void)argc; /* the table demands two */
	if (bindu_env_collect(&all, &env_files, &env, ctx->report, err) == -1 ||
	    !(r = open_remote(ctx, err)))
		return -1;
	return serve(ctx, r, argv[0], &s, err);
}

static int
stop(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);

	(void)argc;
	return r ? bindu_agent_stop(r, argv[0], grace, err) : -1;
}

static int
restart(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);
	struct bindu_agent_start s = { .same = true };

	(void)argc;
	return r ? serve(ctx, r, argv[0], &s, err) : -1;
}

static int
status(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);
	struct bindu_agent_status st;

	(void)argc;
	if (!r || bindu_agent_status(r, argv[0], lines, &st, err) == -1)
		return -1;
	print_status(ctx, &st);
	if (lines != 0 && !ctx->json)
		printf("\n%s", st.log_tail);
	return !st.running;
}

static int
releases(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);
	AUTO_BUF struct bindu_buf text = BINDU_BUF_INIT(1 << 20);
	json_t *all;

	(void)argc;
	if (r == NULL || bindu_releases(r, argv[0], &all, err) == -1)
		return -1;
	ctx->result = all;
	if (ctx->json) {
		bindu_tool_print_json(ctx);
		return 0;
	}
	if (bindu_releases_text(all, &text, err) == -1)
		return -1;
	fputs(text.p, stdout);
	return 0;
}

/* What was live is told on stderr, by the library. */
static int
rollback(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);
	struct bindu_rollback want = { argc > 1 ? argv[1] : NULL, wait_ms,
		drain == UINT32_MAX ? -1 : (int64_t)drain };
	struct bindu_rolled got;

	if (r == NULL ||
	    bindu_release_rollback(r, argv[0], &want, &got, ctx->report, err) ==
		-1)
		return -1;
	ctx->result = json_object();
	bindu_json_set_str(ctx->result, "release", got.to);
	bindu_json_set_str(ctx->result, "before", got.from);
	if (ctx->json)
		bindu_tool_print_json(ctx);
	else
		puts(got.to);
	return 0;
}

static const struct bindu_verb verbs[] = {
	{ "deps", "BOX [SCRIPT]", 1, 2, "install what the live release needs",
	    deps_opts, deps },
	{ "start", "BOX SCRIPT", 2, 2, "start SCRIPT of the live release",
	    start_opts, start },
	{ "stop", "BOX", 1, 1, "stop the agent", stop_opts, stop },
	{ "restart", "BOX", 1, 1, "start it anew as it was started",
	    restart_opts, restart },
	{ "status", "BOX", 1, 1, "say whether it runs; exit 1 when not",
	    status_opts, status },
	{ "releases", "BOX", 1, 1, "list the releases it keeps", NULL,
	    releases },
	{ "rollback", "BOX [RELEASE]", 1, 2,
	    "go back to the release before, or to RELEASE", restart_opts,
	    rollback },
	{ 0 }
};

static const struct bindu_tool tool = {
	.name = "bindu-agent",
	.about = "the agent process of a box",
	.flags = BINDU_TOOL_RUNTIME | BINDU_TOOL_JSON | BINDU_TOOL_STATUS,
	.verbs = verbs,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
