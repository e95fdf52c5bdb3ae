/* bindu-watch: wait until what ships of a tree changes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/tool.h"
#include "lib/source/watch.h"

enum { MANIFEST_MAX = 256 << 20 };

static const char *manifest;
static struct bindu_watch_opts how = { .settle_ms = 100, .timeout_ms = -1 };

static const struct bindu_opt opts[] = {
	{ 'm', "manifest", BINDU_OPT_STR, &manifest, "FILE",
	    "return at once when the tree is not what FILE says", NULL },
	{ 's', "settle", BINDU_OPT_MSEC, &how.settle_ms, "TIME",
	    "wait until it is quiet for TIME (default 100ms)", NULL },
	{ 't', "timeout", BINDU_OPT_MSEC, &how.timeout_ms, "TIME",
	    "give up after TIME, with exit 1", NULL },
	BINDU_OPT_END
};

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	AUTO_FREE char *root = bindu_path_abs(ctx->dir, err), *text = NULL;
	int rc;

	(void)argc;
	(void)argv;
	if (!root ||
	    (manifest &&
		bindu_fd_read_named(manifest, MANIFEST_MAX, &text,
		    &how.manifest_len, err) == -1))
		return -1;
	if (how.settle_ms > 60000)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--settle takes at most 60s");
	how.manifest = text;
	bindu_tool_catch();
	how.wake_fd = bindu_tool_wake_fd();
	rc = bindu_watch(root, &how, ctx->report, err);
	return rc == 1 && bindu_tool_signalled(err) == -1 ? -1 : rc;
}

static const struct bindu_tool tool = {
	.name = "bindu-watch",
	.args = "",
	.about = "wait until what ships of a tree changes",
	.opts = opts,
	.run = run,
	.flags = BINDU_TOOL_DIR,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
