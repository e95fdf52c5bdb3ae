/* bindu-boxd: the local runtime.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "auth.h"
#include "control.h"
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"

static const char *state, *sock, *listen_on;
static int ready_fd = -1;

static const struct bindu_opt common[] = {
	{ 0, "state", BINDU_OPT_STR, &state, "DIR", "keep everything below DIR",
	    NULL },
	{ 0, "socket", BINDU_OPT_STR, &sock, "PATH",
	    "the unix socket (default: boxd.sock in the state or run directory)",
	    NULL },
	BINDU_OPT_END
};
static const struct bindu_opt run_opts[] = {
	{ 0, "listen", BINDU_OPT_STR, &listen_on, "ADDR:PORT",
	    "serve there too (default: 127.0.0.1:7373 or the next free port; "
	    "port 0: any)",
	    NULL },
	{ 0, "ready-fd", BINDU_OPT_FD, &ready_fd, "N",
	    "write a newline to descriptor N once clients are served", NULL },
	BINDU_OPT_END
};
static const struct bindu_opt start_opts[] = { { 0, "listen", BINDU_OPT_STR,
						   &listen_on, "ADDR:PORT",
						   "as for run", NULL },
	BINDU_OPT_END };

#define AUTO_PLACE __attribute__((cleanup(place_close)))
#define PLACE \
	{ \
		NULL, NULL, -1 \
	}

static int
run_run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_PLACE struct place p = PLACE;

	(void)ctx;
	(void)argc;
	(void)argv;
	if (place_open(&p, state, sock, err) == -1)
		return -1;
	return daemon_run(&p, listen_on, ready_fd, err);
}

static int
run_start(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_PLACE struct place p = PLACE;

	(void)ctx;
	(void)argc;
	(void)argv;
	if (place_open(&p, state, sock, err) == -1)
		return -1;
	return control_start(&p, listen_on, err);
}

static int
run_stop(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_PLACE struct place p = PLACE;

	(void)ctx;
	(void)argc;
	(void)argv;
	if (place_open(&p, state, sock, err) == -1)
		return -1;
	return control_stop(&p, err);
}

static void
print_json(json_t *v)
{
	AUTO_FREE char *text = bindu_json_text(v);

	puts(text);
}

static void
print_row(const char *what, const char *value)
{
	printf("%-8s %s\n", what, value ? value : "-");
}

static void
print_images(json_t *images)
{
	size_t i;
	json_t *v;

	json_array_foreach(images, i, v)
	    print_row("image", json_string_value(v));
}

static void
print_status(json_t *o)
{
	size_t i;
	json_t *v;

	if (json_is_true(json_object_get(o, "running")))
		printf("%-8s %lld\n", "pid",
		    (long long)bindu_json_int(o, "pid", 0));
	else
		print_row("pid", "not running");
	print_row("socket", bindu_json_str(o, "socket"));
	print_row("address", bindu_json_str(o, "address"));
	print_row("state", bindu_json_str(o, "state"));
	print_images(json_object_get(o, "images"));
	json_array_foreach(json_object_get(o, "boxes"), i, v)
	    printf("%-8s %s %s %s %s\n", "box", bindu_json_str(v, "id"),
		bindu_json_str(v, "name"), bindu_json_str(v, "state"),
		bindu_json_str(v, "image"));
}

/* What is asked of the instance, printed; NULL: err is set. */
static json_t *
show(const struct bindu_ctx *ctx, json_t *(*ask)(const struct place *),
    void (*print)(json_t *), struct bindu_err *err)
{
	AUTO_PLACE struct place p = PLACE;
	json_t *v;

	if (place_open(&p, state, sock, err) == -1)
		return NULL;
	v = ask(&p);
	(ctx->json ? print_json : print)(v);
	return v;
}

static int
run_status(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_JSON json_t *o = show(ctx, control_status, print_status, err);

	(void)argc;
	(void)argv;
	return o ? !json_is_true(json_object_get(o, "running")) : -1;
}

static int
run_key(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_PLACE struct place p = PLACE;
	char *key;

	(void)argc;
	(void)argv;
	if (ctx->json)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "key prints one line, the key; it has no --json");
	if (place_open(&p, state, sock, err) == -1)
		return -1;
	key = auth_key(p.state_fd, err);
	if (!key)
		return -1;
	puts(key);
	bindu_free_secret(key);
	return 0;
}

static int
run_images(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_JSON json_t *a = show(ctx, control_images, print_images, err);

	(void)argc;
	(void)argv;
	return a ? 0 : -1;
}

/* 0: all there, 1: something is missing. */
static int
run_doctor(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_PLACE struct place p = PLACE;
	AUTO_JSON json_t *o = NULL;
	json_t *can, *why, *v;
	const char *key;
	int missing = 0;

	(void)argc;
	(void)argv;
	if (place_open(&p, state, sock, err) == -1 ||
	    !(o = control_doctor(&p, err)))
		return -1;
	can = json_object_get(o, "abilities");
	why = json_object_get(can, "why");
	if (ctx->json)
		print_json(o);
	json_object_foreach(can, key, v)
	{
		if (!json_is_boolean(v))
			continue;
		missing |= !json_is_true(v);
		if (!ctx->json)
			printf("%-12s %s%s\n", key,
			    json_is_true(v) ? "yes" : "no: ",
			    json_is_true(v) ? "" : bindu_json_str(why, key));
	}
	return missing;
}

/* For Ubuntu, where a program without one is no root of a namespace it makes.
 * Its children keep the profile, or get their own: slirp4netns, mmdebstrap. */
static int
run_apparmor(struct bindu_ctx *ctx, int argc, char **argv,
    struct bindu_err *err)
{
	AUTO_FREE char *found = bindu_config_libexec("boxd-monitor");
	AUTO_FREE char *prog = realpath(found, NULL);

	(void)argc;
	(void)argv;
	if (ctx->json)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "apparmor prints a profile; it has no --json");
	if (!prog)
		return bindu_err_sys(err, "cannot find %s", found);
	printf("abi <abi/4.0>,\ninclude <tunables/global>\n\n"
	       "profile bindu-boxd \"");
	for (const char *c = prog; *c; c++)
		printf("%s%c", strchr("\"\\*?[]{}^@", *c) ? "\\" : "", *c);
	puts("\" flags=(unconfined) {\n  userns,\n\n"
	     "  include if exists <local/bindu-boxd>\n}");
	return 0;
}

static const struct bindu_verb verbs[] = {
	{ "run", "", 0, 0, "serve in the foreground (also without a verb)",
	    run_opts, run_run },
	{ "start", "", 0, 0, "serve in the background; wait until it does",
	    start_opts, run_start },
	{ "stop", "", 0, 0, "end the daemon; its boxes go on", NULL, run_stop },
	{ "status", "", 0, 0, "say where it is and what it holds", NULL,
	    run_status },
	{ "key", "", 0, 0, "print the key for clients that come over TCP", NULL,
	    run_key },
	{ "images", "", 0, 0, "list the images that are there", NULL,
	    run_images },
	{ "doctor", "", 0, 0, "say what this machine can do, and the cures",
	    NULL, run_doctor },
	{ "apparmor", "", 0, 0, "print the AppArmor profile Ubuntu wants", NULL,
	    run_apparmor },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL }
};

static const struct bindu_tool tool = {
	.name = "bindu-boxd",
	.about = "run boxes on this machine and serve the boxd API",
	.opts = common,
	.flags = BINDU_TOOL_JSON,
	.verbs = verbs,
};

static bool
asks_for_help(const char *arg)
{
	return !strcmp(arg, "-h") || !strcmp(arg, "--help") ||
	    !strcmp(arg, "-V") || !strcmp(arg, "--version");
}

int
main(int argc, char **argv)
{
	char **with_verb;

	if (argc > 1 && (argv[1][0] != '-' || asks_for_help(argv[1])))
		return bindu_tool_main(&tool, argc, argv);
	/* Without a verb: run. */
	with_verb = xcalloc((size_t)argc + 2, sizeof *with_verb);
	with_verb[0] = argv[0];
	with_verb[1] = (char[]){ "run" };
	memcpy(with_verb + 2, argv + 1, (size_t)argc * sizeof *argv);
	return bindu_tool_main(&tool, argc + 1, with_verb);
}
