/* bindu-deploy: find, pack, scrub, ship, start and prove an agent.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/remote/deploy_text.h"
#include "lib/remote/stream_env.h"
#include "lib/remote/transfer.h"

static struct bindu_deploy_opts o = {
	.max_size = 50 << 20,
	.health_timeout_ms = 60000,
	.keep = BINDU_KEEP,
};
static struct bindu_strv env, env_files;
static const char *on_exit_how;
/* Not asked: the largest number. */
static uint32_t auto_suspend = UINT32_MAX, vcpu = UINT32_MAX;
static uint64_t memory = UINT64_MAX, disk = UINT64_MAX;
static int env_fd = -1;
static bool dry_run, detach;
static const char *const ways[] = { "suspend", "destroy", "detach", NULL };
static const char *const at_ctrl_c[] = {
	[BINDU_EXIT_SUSPEND] = "suspends the box",
	[BINDU_EXIT_DESTROY] = "destroys the box",
	[BINDU_EXIT_DETACH] = "leaves it running",
};

static const struct bindu_opt opts[] = {
	{ 0, "name", BINDU_OPT_STR, &o.name, "NAME",
	    "the agent's name (default: as its source says)", NULL },
	{ 0, "image", BINDU_OPT_STR, &o.image, "IMAGE",
	    "run the agent that is in IMAGE; no source ships", NULL },
	{ 0, "vcpu", BINDU_OPT_U32, &vcpu, "N", "processors (default 2)",
	    NULL },
	{ 0, "memory", BINDU_OPT_SIZE, &memory, "SIZE", "memory (default 4G)",
	    NULL },
	{ 0, "disk", BINDU_OPT_SIZE, &disk, "SIZE", "disk (default 20G)",
	    NULL },
	{ 0, "auto-suspend", BINDU_OPT_U32, &auto_suspend, "SECONDS",
	    "suspend the box when idle for SECONDS (default 0: never)", NULL },
	{ 0, "on-exit", BINDU_OPT_ENUM, &on_exit_how, "HOW",
	    "suspend, destroy or detach: what becomes of the box at Ctrl-C or "
	    "failure (default suspend; detach without a terminal)",
	    ways },
	{ 0, "bindu-version", BINDU_OPT_STR, &o.bindu_version, "VERSION",
	    "the bindu to install in the box", NULL },
	{ 'e', "env", BINDU_OPT_STRLIST, &env, "KEY[=VALUE]",
	    "set KEY for the agent; without =VALUE to its value here", NULL },
	{ 0, "env-file", BINDU_OPT_STRLIST, &env_files, "FILE",
	    "set the variables of FILE, one KEY=VALUE a line", NULL },
	{ 0, "env-fd", BINDU_OPT_FD, &env_fd, "N",
	    "the same, read from descriptor N", NULL },
	{ 'n', "dry-run", BINDU_OPT_FLAG, &dry_run, NULL,
	    "say what would be deployed; touch nothing", NULL },
	{ 'd', "detach", BINDU_OPT_FLAG, &detach, NULL,
	    "return once it is healthy, also on a terminal", NULL },
	{ 'p', "port", BINDU_OPT_PORT, &o.port, "PORT",
	    "the port the agent listens on (default 3773)", NULL },
	{ 0, "max-size", BINDU_OPT_SIZE, &o.max_size, "SIZE",
	    "refuse source of more than SIZE, compressed (default 50M)", NULL },
	{ 0, "health-timeout", BINDU_OPT_MSEC, &o.health_timeout_ms, "TIME",
	    "wait TIME for the agent to answer (default 60s)", NULL },
	{ 0, "keep", BINDU_OPT_U32, &o.keep, "N",
	    "keep N releases in the box to go back to (default 5)", NULL },
	{ 0, "run", BINDU_OPT_FLAG, &o.run_discover, NULL,
	    "run the script here to learn its name", NULL },
	BINDU_OPT_END
};

static int
check(struct bindu_strv *all, bool attached, const struct bindu_report *report,
    struct bindu_err *err)
{
	if (vcpu == 0 || memory == 0 || disk == 0)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "option --%s: must be more than 0",
		    vcpu == 0	    ? "vcpu" :
			memory == 0 ? "memory" :
				      "disk");
	o.vcpu = vcpu != UINT32_MAX ? vcpu : 0;
	o.memory_bytes = memory != UINT64_MAX ? memory : 0;
	o.disk_bytes = disk != UINT64_MAX ? disk : 0;
	o.has_auto_suspend = auto_suspend != UINT32_MAX;
	o.auto_suspend_secs = o.has_auto_suspend ? auto_suspend : 0;
	o.on_exit = attached ? BINDU_EXIT_SUSPEND : BINDU_EXIT_DETACH;
	for (int i = 0; on_exit_how != NULL && ways[i] != NULL; i++)
		if (strcmp(on_exit_how, ways[i]) == 0)
			o.on_exit = (enum bindu_on_exit)i;
	if (bindu_deploy_check(&o, err) == -1)
		return -1;
	if (env_fd != -1)
		bindu_strv_addf(&env_files, "/dev/fd/%d", env_fd);
	return bindu_env_collect(all, &env_files, &env, report, err);
}

/* stdout has the address alone, for scripts. */
static int
print_deployed(struct bindu_ctx *ctx, const struct bindu_deployed *d,
    const struct bindu_plan *p, struct bindu_err *err)
{
	ctx->result = bindu_deployed_json(d, p);
	bindu_note(ctx->report, BINDU_NOTE, "%s serves at %s%s%s",
	    p->agent.name, d->url, d->local_url != NULL ? " and " : "",
	    d->local_url != NULL ? d->local_url : "");
	if (ctx->json)
		bindu_tool_print_json(ctx);
	else
		puts(d->url);
	return bindu_tool_flush(err);
}

static int
print_plan(struct bindu_ctx *ctx, const struct bindu_plan *p,
    struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 24);

	ctx->result = bindu_deploy_plan_json(&o, p);
	if (ctx->json) {
		bindu_tool_print_json(ctx);
		return 0;
	}
	if (bindu_deploy_plan_text(&o, p, &b, err) == -1)
		return -1;
	fputs(b.p, stdout);
	return 0;
}

static int
deploy(struct bindu_ctx *ctx, struct bindu_plan *plan, bool attached,
    struct bindu_err *err)
{
	AUTO_FREE char *words =
	    xasprintf("%s: left at once: box %s may still "
		      "run; bindu-box suspend %s, or bindu-box destroy %s",
		ctx->tool, plan->label, plan->label, plan->label);
	struct bindu_deployed d;
	int bad;

	bindu_tool_last_words(words);
	bad = bindu_deploy(&o, plan, ctx->report, &d, err);
	if (bad && d.name != NULL)
		ctx->result = bindu_deployed_json(&d, plan);
	if (!bad) {
		bad = print_deployed(ctx, &d, plan, err);
		if (attached && !bad) {
			bindu_note(ctx->report, BINDU_NOTE,
			    "its log follows; Ctrl-C %s", at_ctrl_c[o.on_exit]);
			bad = bindu_deploy_attach(&d, STDOUT_FILENO, err);
			if (bindu_deploy_leave(&d, o.on_exit, ctx->report,
				bad ? NULL : err) == -1)
				bad = -1;
		}
	}
	bindu_deployed_fini(&d);
	bindu_tool_last_words(NULL);
	return bad;
}

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	bool attached = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    !detach && bindu_config_env("CI") == NULL;
	AUTO_STRV struct bindu_strv all = { 0 };
	struct bindu_plan plan = { 0 };
	int bad;

	o.dir = ctx->dir;
	o.script = argc > 0 ? argv[0] : NULL;
	o.runtime = ctx->runtime;
	o.plan_only = dry_run;
	o.env = &all;
	if (check(&all, attached, ctx->report, err) == -1)
		return -1;
	bindu_tool_catch();
	bad = bindu_deploy_plan(&o, ctx->report, &plan, err);
	if (!bad && dry_run)
		bad = print_plan(ctx, &plan, err);
	else if (!bad)
		bad = deploy(ctx, &plan, attached, err);
	bindu_plan_fini(&plan);
	return bad;
}

static const struct bindu_tool tool = {
	.name = "bindu-deploy",
	.args = "[SCRIPT]",
	.max = 1,
	.about = "find, pack, scrub, ship, start and prove an agent",
	.opts = opts,
	.flags = BINDU_TOOL_DIR | BINDU_TOOL_RUNTIME | BINDU_TOOL_JSON |
	    BINDU_TOOL_STATUS,
	.run = run,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
