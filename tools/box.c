/* bindu-box: life of boxes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/remote/box_text.h"
#include "lib/remote/stream_env.h"

static const char *image;
static uint32_t vcpu, port;
static uint64_t memory, disk;
static struct bindu_strv env;
static bool no_wait, bring_up;
static int64_t timeout = 600000, auto_suspend = -1;

static const struct bindu_opt create_opts[] = {
	{ 0, "image", BINDU_OPT_STR, &image, "IMAGE",
	    "start from IMAGE (default: the runtime's)", NULL },
	{ 0, "vcpu", BINDU_OPT_U32, &vcpu, "N", "number of processors", NULL },
	{ 0, "memory", BINDU_OPT_SIZE, &memory, "SIZE", "memory, such as 512M",
	    NULL },
	{ 0, "disk", BINDU_OPT_SIZE, &disk, "SIZE", "disk, such as 10G", NULL },
	{ 0, "auto-suspend", BINDU_OPT_MSEC, &auto_suspend, "TIME",
	    "suspend when idle for TIME, in whole seconds; 0: never", NULL },
	{ 0, "port", BINDU_OPT_PORT, &port, "PORT",
	    "port of the box that its address leads to", NULL },
	{ 'e', "env", BINDU_OPT_STRLIST, &env, "KEY[=VALUE]",
	    "environment of the image's own program", NULL },
	{ 0, "no-wait", BINDU_OPT_FLAG, &no_wait, NULL,
	    "do not wait until it is usable", NULL },
	{ 't', "timeout", BINDU_OPT_MSEC, &timeout, "TIME",
	    "wait at most TIME (default 10m)", NULL },
	BINDU_OPT_END
};
static const struct bindu_opt wait_opts[] = {
	{ 0, "up", BINDU_OPT_FLAG, &bring_up, NULL,
	    "start, resume or wake it first when it needs that", NULL },
	{ 't', "timeout", BINDU_OPT_MSEC, &timeout, "TIME",
	    "wait at most TIME (default 10m)", NULL },
	BINDU_OPT_END
};

/* NULL: failed.  A verb holds it in AUTO_REMOTE. */
static struct bindu_remote *
open_remote(const struct bindu_ctx *ctx, struct bindu_err *err)
{
	struct bindu_remote_opts where = { .runtime = ctx->runtime };
	struct bindu_remote *r;

	bindu_tool_catch();
	return bindu_remote_open(&where, ctx->report, &r, err) == 0 ? r : NULL;
}

static void
print_box(struct bindu_ctx *ctx, const struct bindu_box_info *i)
{
	AUTO_FREE char *text = bindu_box_text(i);

	ctx->result = bindu_box_info_json(i);
	bindu_tool_print(ctx, text);
}

static int
create(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_STRV struct bindu_strv all = { 0 };
	AUTO_REMOTE struct bindu_remote *r = NULL;
	struct bindu_box_info info = { 0 };
	struct bindu_box_config c = { .name = argc > 0 ? argv[0] : NULL,
		.image = image,
		.vcpu = vcpu,
		.memory_bytes = memory,
		.disk_bytes = disk,
		.has_auto_suspend = auto_suspend >= 0,
		.auto_suspend_secs = (uint32_t)(auto_suspend / 1000),
		.proxy_port = port,
		.env = &all };
	int rc;

	if (auto_suspend > 0 &&
	    (auto_suspend % 1000 != 0 || auto_suspend / 1000 > UINT32_MAX))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--auto-suspend takes whole seconds, at most %u",
		    UINT32_MAX);
	if (bindu_box_check(&c, err) == -1 ||
	    bindu_env_collect(&all, NULL, &env, ctx->report, err) == -1 ||
	    !(r = open_remote(ctx, err)))
		return -1;
	rc = bindu_box_create(r, &c, &info, err);
	if (rc == 0 && !no_wait) {
		rc = bindu_box_wait(r, info.vm_id, false, timeout, err);
		free(info.status);
		info.status = xstrdup("running");
	}
	if (rc == 0)
		print_box(ctx, &info);
	bindu_box_info_fini(&info);
	return rc;
}

static int
get(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);
	struct bindu_box_info info;

	(void)argc;
	if (!r || bindu_box_get(r, argv[0], &info, err) == -1)
		return -1;
	print_box(ctx, &info);
	bindu_box_info_fini(&info);
	return 0;
}

static int
list(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);
	AUTO_FREE struct bindu_box_info *all = NULL;
	AUTO_FREE char *text = NULL;
	size_t n = 0;

	(void)argc, (void)argv;
	if (!r || bindu_box_list(r, &all, &n, err) == -1)
		return -1;
	text = bindu_box_list_text(all, n);
	ctx->result = json_array();
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(ctx->result,
		    bindu_box_info_json(&all[i]));
		bindu_box_info_fini(&all[i]);
	}
	bindu_tool_print(ctx, text);
	return 0;
}

/* One that fails does not keep the others waiting; the last failure decides. */
static int
act(struct bindu_ctx *ctx, char **argv, enum bindu_box_verb verb,
    struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);
	int rc = r ? 0 : -1;

	for (; r != NULL && *argv != NULL; argv++) {
		struct bindu_err why = { 0 };

		if (bindu_box_act(r, *argv, verb, &why) == 0)
			continue;
		if (rc == -1)
			bindu_note(ctx->report, BINDU_ERROR, "%s", err->msg);
		*err = why;
		rc = -1;
		if (why.code == BINDU_E_SIGNAL)
			break;
	}
	return rc;
}

#define ACT(name, verb) \
	static int name(struct bindu_ctx *ctx, int argc, char **argv, \
	    struct bindu_err *err) \
	{ \
		(void)argc; \
		return act(ctx, argv, verb, err); \
	}
ACT(start, BINDU_BOX_START)
ACT(stop, BINDU_BOX_STOP)
ACT(reboot, BINDU_BOX_REBOOT)
ACT(suspend, BINDU_BOX_SUSPEND)
ACT(resume, BINDU_BOX_RESUME)

static int
destroy(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_FREE char *question = argc == 1 ?
	    xasprintf("destroy box %s and all it holds?", argv[0]) :
	    xasprintf("destroy %d boxes and all they hold?", argc);
	int rc = bindu_tool_confirm(ctx, question, err);

	return rc != 0 ? rc : act(ctx, argv, BINDU_BOX_DESTROY, err);
}

static int
wait_ready(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_REMOTE struct bindu_remote *r = open_remote(ctx, err);

	(void)argc;
	return r ? bindu_box_wait(r, argv[0], bring_up, timeout, err) : -1;
}

static const struct bindu_verb verbs[] = {
	{ "create", "[NAME]", 0, 1, "make a box and wait until it is usable",
	    create_opts, create },
	{ "get", "BOX", 1, 1, "describe a box", NULL, get },
	{ "list", "", 0, 0, "list the boxes", NULL, list },
	{ "start", "BOX...", 1, -1, "start a stopped box", NULL, start },
	{ "stop", "BOX...", 1, -1, "stop a box; its disk stays", NULL, stop },
	{ "reboot", "BOX...", 1, -1, "stop and start it", NULL, reboot },
	{ "suspend", "BOX...", 1, -1, "freeze it; memory stays", NULL,
	    suspend },
	{ "resume", "BOX...", 1, -1, "let a frozen box run on", NULL, resume },
	{ "destroy", "BOX...", 1, -1, "remove it and all it holds", NULL,
	    destroy },
	{ "wait", "BOX", 1, 1, "wait until a command in it answers", wait_opts,
	    wait_ready },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

static const struct bindu_tool tool = {
	.name = "bindu-box",
	.about = "make, list, stop and destroy boxes",
	.flags = BINDU_TOOL_RUNTIME | BINDU_TOOL_JSON | BINDU_TOOL_STATUS |
	    BINDU_TOOL_YES,
	.verbs = verbs,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
