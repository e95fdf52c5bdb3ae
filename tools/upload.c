/* bindu-upload: make a box hold exactly the release of a tar.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/tool.h"
#include "lib/remote/agent.h"
#include "lib/remote/release.h"
#include "lib/remote/transfer.h"

static bool no_resume;
static int64_t wait_ms = 60000;
static uint32_t keep = BINDU_KEEP;
static const char *source;

static const struct bindu_opt opts[] = {
	{ 0, "no-resume", BINDU_OPT_FLAG, &no_resume, NULL,
	    "fail when the box does not run, instead of starting it", NULL },
	{ 'w', "wait", BINDU_OPT_MSEC, &wait_ms, "TIME",
	    "wait TIME for the box to answer (default 60s)", NULL },
	{ 0, "keep", BINDU_OPT_U32, &keep, "N",
	    "keep N releases in the box to go back to (default 5)", NULL },
	{ 0, "source", BINDU_OPT_STR, &source, "DIR",
	    "the tar was made of DIR: note its git commit", NULL },
	BINDU_OPT_END
};

static json_t *
make_result(const char *box, const char *id,
    const struct bindu_transfer_stats *st)
{
	json_t *o = json_object();

	bindu_json_set_str(o, "box", box);
	bindu_json_set_str(o, "release", id);
	json_object_set_new(o, "unchanged", json_boolean(st->unchanged));
	bindu_json_set_int(o, "sent_bytes", (int64_t)st->sent_bytes);
	bindu_json_set_int(o, "files_sent", (int64_t)st->files_sent);
	bindu_json_set_int(o, "files_deleted", (int64_t)st->files_deleted);
	return o;
}

static char *
make_note(void)
{
	struct bindu_commit c = { 0, -1 };
	AUTO_FREE char *commit = NULL;

	if (source != NULL)
		bindu_commit_begin(&c, source);
	commit = bindu_commit_end(&c);
	return xasprintf("time=%lld\n%s", (long long)bindu_clock_wall(),
	    commit);
}

static int
upload(struct bindu_ctx *ctx, const char *box, const char *dir,
    const char *note, struct bindu_err *err)
{
	struct bindu_transfer_opts o = { dir, keep, note };
	struct bindu_remote_opts where = { .runtime = ctx->runtime };
	struct bindu_transfer_stats st;
	struct bindu_remote *remote;
	int64_t began = bindu_clock_ms();
	char id[65], size[32];
	int bad;

	if (bindu_remote_open(&where, ctx->report, &remote, err) == -1)
		return -1;
	bad = bindu_box_wait(remote, box, !no_resume, wait_ms, err);
	if (!bad)
		bad = bindu_transfer_tar(remote, box, &o, STDIN_FILENO, id, &st,
		    ctx->report, err);
	bindu_remote_close(remote);
	if (bad)
		return -1;
	bindu_phase(ctx->report, "upload", bindu_clock_ms() - began,
	    st.unchanged ? "unchanged" : "%llu file%s %s",
	    (unsigned long long)st.files_sent, bindu_str_s(st.files_sent),
	    bindu_str_human(st.sent_bytes, size, sizeof size));
	ctx->result = make_result(box, id, &st);
	if (ctx->json)
		bindu_tool_print_json(ctx);
	else
		puts(id);
	return 0;
}

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_FREE char *box = xstrdup(argv[0]);
	AUTO_FREE char *note = NULL, *dir = NULL;
	char *colon = strchr(box, ':');

	(void)argc; /* the table demands exactly one */
	if (isatty(STDIN_FILENO))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "the archive comes on standard input: "
		    "bindu-pack | bindu-upload %s",
		    argv[0]);
	if (colon != NULL)
		*colon++ = '\0';
	if (*box == '\0' || (colon != NULL && *colon == '\0'))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.60s\" is not BOX or BOX:DIR", argv[0]);
	/* One name for one directory: its releases are kept under it. */
	if (colon != NULL)
		dir = bindu_path_clean(colon);
	if (dir != NULL && !bindu_path_is_inside(dir))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.60s\" does not lie below the home of the box's user",
		    colon);
	if (keep == 0 || keep > BINDU_KEEP_MAX)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "option --keep: must be 1 to 100");
	bindu_tool_catch();
	note = make_note();
	return upload(ctx, box, dir, note, err);
}

static const struct bindu_tool tool = {
	.name = "bindu-upload",
	.args = "BOX[:DIR]",
	.min = 1,
	.max = 1,
	.about = "make a box hold exactly the release of the tar on stdin",
	.opts = opts,
	.flags = BINDU_TOOL_RUNTIME | BINDU_TOOL_STATUS | BINDU_TOOL_JSON,
	.run = run,
	.more =
	    "It prints the release's id.  DIR is below the home of the box's "
	    "user\n(default: app).  Files no release brought are never "
	    "touched.",
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
