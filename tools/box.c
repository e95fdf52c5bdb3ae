/* bindu-box: life of boxes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/tool.h"
#include "lib/remote/box.h"
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
	{ 0, "port", BINDU_OPT_U32, &port, "PORT",
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

static int
open_remote(const struct bindu_ctx *ctx, struct bindu_remote **r,
    struct bindu_err *err)
{
	struct bindu_remote_opts o = { .runtime = ctx->runtime };

	bindu_tool_catch();
	return bindu_remote_open(&o, ctx->report, r, err);
}

static void
print_json(json_t *v)
{
	AUTO_FREE char *text = bindu_json_text(v);

	puts(text);
	json_decref(v);
}

/* The service's words must not speak to the terminal. */
static void
print_word(int width, const char *word)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 16);

	if (bindu_str_visible(&b, word, strlen(word), NULL) == 0)
		printf("%-*s", width, b.p != NULL ? b.p : "");
}

static void
print_field(const char *name, const char *value)
{
	if (value == NULL)
		return;
	printf("%-8s ", name);
	print_word(0, value);
	putchar('\n');
}

static void
print_row(const char *name, const char *status, const char *url)
{
	print_word(24, name);
	putchar(' ');
	print_word(10, status);
	putchar(' ');
	print_word(0, url);
	putchar('\n');
}

static void
print_box(const struct bindu_ctx *ctx, const struct bindu_box_info *i)
{
	char size[16];

	if (ctx->json) {
		print_json(bindu_box_info_json(i));
		return;
	}
	print_field("name", i->name);
	print_field("id", i->vm_id);
	print_field("status", i->status);
	print_field("image", i->image_ref);
	if (i->vcpu != 0)
		printf("vcpu     %u\n", i->vcpu);
	if (i->memory_bytes != 0)
		printf("memory   %s\n",
		    bindu_str_human(i->memory_bytes, size, sizeof(size)));
	if (i->disk_bytes != 0)
		printf("disk     %s\n",
		    bindu_str_human(i->disk_bytes, size, sizeof(size)));
	print_field("url", i->url);
	print_field("local", i->local_url);
}

static int
fill_config(struct bindu_box_config *c, int argc, char **argv,
    struct bindu_strv *all, struct bindu_err *err)
{
	*c = (struct bindu_box_config){ .name = argc > 0 ? argv[0] : NULL,
		.image = image,
		.vcpu = vcpu,
		.memory_bytes = memory,
		.disk_bytes = disk,
		.proxy_port = port,
		.env = all };
	if (c->name != NULL && !bindu_name_is_label(c->name))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.80s\" is no name for a box: lower case letters, digits "
		    "and - only, at most 63",
		    c->name);
	if (port > 65535)
		return bindu_err_set(err, BINDU_E_USAGE, "port %u: above 65535",
		    port);
	if (auto_suspend > 0 &&
	    (auto_suspend % 1000 != 0 || auto_suspend / 1000 > UINT32_MAX))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--auto-suspend takes whole seconds, at most %u",
		    UINT32_MAX);
	c->has_auto_suspend = auto_suspend >= 0;
	if (c->has_auto_suspend)
		c->auto_suspend_secs = (uint32_t)(auto_suspend / 1000);
	for (size_t i = 0; i < env.n; i++)
		if (bindu_env_add(all, env.v[i], err) == -1)
			return -1;
	return 0;
}

static int
create(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_STRV struct bindu_strv all = { 0 };
	struct bindu_box_info info = { 0 };
	struct bindu_box_config c;
	struct bindu_remote *r;
	int rc;

	if (fill_config(&c, argc, argv, &all, err) == -1 ||
	    open_remote(ctx, &r, err) == -1)
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
	bindu_remote_close(r);
	return rc;
}

static int
get(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct bindu_box_info info = { 0 };
	struct bindu_remote *r;
	int rc;

	(void)argc;
	if (open_remote(ctx, &r, err) == -1)
		return -1;
	rc = bindu_box_get(r, argv[0], &info, err);
	if (rc == 0)
		print_box(ctx, &info);
	bindu_box_info_fini(&info);
	bindu_remote_close(r);
	return rc;
}

static int
list(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct bindu_box_info *all = NULL;
	json_t *array = json_array();
	struct bindu_remote *r;
	size_t n = 0;
	int rc;

	(void)argc, (void)argv;
	rc = open_remote(ctx, &r, err);
	if (rc == 0) {
		rc = bindu_box_list(r, &all, &n, err);
		bindu_remote_close(r);
	}
	if (rc == 0 && !ctx->json && n != 0)
		print_row("NAME", "STATUS", "URL");
	for (size_t i = 0; i < n; i++) {
		const char *url = all[i].local_url != NULL ? all[i].local_url :
		    all[i].url != NULL			   ? all[i].url :
							     "";

		if (ctx->json)
			json_array_append_new(array,
			    bindu_box_info_json(&all[i]));
		else
			print_row(all[i].name, all[i].status, url);
		bindu_box_info_fini(&all[i]);
	}
	free(all);
	if (rc == 0 && ctx->json)
		print_json(json_incref(array));
	json_decref(array);
	return rc;
}

static int
act(struct bindu_ctx *ctx, char **argv, enum bindu_box_verb verb,
    struct bindu_err *err)
{
	struct bindu_remote *r;
	int rc = 0;

	if (open_remote(ctx, &r, err) == -1)
		return -1;
	for (; rc == 0 && *argv != NULL; argv++)
		rc = bindu_box_act(r, *argv, verb, err);
	bindu_remote_close(r);
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
	struct bindu_remote *r;
	int rc;

	(void)argc;
	if (open_remote(ctx, &r, err) == -1)
		return -1;
	rc = bindu_box_wait(r, argv[0], bring_up, timeout, err);
	bindu_remote_close(r);
	return rc;
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
