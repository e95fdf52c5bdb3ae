/* bindu-upload: make a box hold exactly the release of a tar.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/remote/agent.h"
#include "lib/remote/transfer.h"

static bool no_resume;
static int64_t wait_ms = 60000;

static const struct bindu_opt opts[] = {
	{ 0, "no-resume", BINDU_OPT_FLAG, &no_resume, NULL,
	    "fail when the box does not run, instead of starting it", NULL },
	{ 'w', "wait", BINDU_OPT_MSEC, &wait_ms, "TIME",
	    "wait TIME for the box to answer (default 60s)", NULL },
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

static int
upload(struct bindu_ctx *ctx, const char *box, const char *dir,
    struct bindu_err *err)
{
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
		bad = bindu_transfer_tar(remote, box, dir, STDIN_FILENO, id,
		    &st, ctx->report, err);
	bindu_remote_close(remote);
	if (bad)
		return -1;
	bindu_phase(ctx->report, "upload", bindu_clock_ms() - began,
	    st.unchanged ? "unchanged" : "%llu files %s",
	    (unsigned long long)st.files_sent,
	    bindu_str_human(st.sent_bytes, size, sizeof size));
	ctx->result = make_result(box, id, &st);
	if (ctx->json) {
		AUTO_FREE char *text = bindu_json_text(ctx->result);

		puts(text);
	} else {
		puts(id);
	}
	return 0;
}

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_FREE char *box = xstrdup(argv[0]);
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
	bindu_tool_catch();
	return upload(ctx, box, colon, err);
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
