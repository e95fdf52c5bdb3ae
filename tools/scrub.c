/* bindu-scrub: keep secrets out of what ships.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/tool.h"
#include "lib/source/scrub.h"

static bool sarif, strict;
static struct bindu_scrub_opts scrub;

static const struct bindu_opt opts[] = {
	{ 0, "drop", BINDU_OPT_FLAG, &scrub.drop, NULL,
	    "leave a file with a secret in it out, instead of stopping", NULL },
	{ 'a', "all", BINDU_OPT_FLAG, &scrub.all, NULL,
	    "read also what the ignore rules would not ship", NULL },
	{ 0, "sarif", BINDU_OPT_FLAG, &sarif, NULL,
	    "print the report as SARIF 2.1.0", NULL },
	{ 0, "allow-file", BINDU_OPT_STR, &scrub.allow_file, "FILE",
	    "read allow entries from FILE (default: .binduscrub)", NULL },
	{ 0, "baseline", BINDU_OPT_STR, &scrub.baseline, "FILE",
	    "allow the findings of an older --json report", NULL },
	{ 0, "no-cache", BINDU_OPT_FLAG, &scrub.no_cache, NULL,
	    "read files known to be clean again", NULL },
	{ 0, "strict", BINDU_OPT_FLAG, &strict, NULL,
	    "exit 1 also for warnings and stale allow entries", NULL },
	BINDU_OPT_END
};

static void
say_report(struct bindu_ctx *ctx, const struct bindu_scrub_report *r)
{
	char size[16];

	for (size_t i = 0; i < r->ndrop; i++)
		bindu_note(ctx->report, BINDU_WARN, "%s is left out by %s",
		    r->drop[i].path, r->drop[i].rule);
	for (size_t i = 0; i < r->nkept; i++)
		bindu_note(ctx->report, BINDU_INFO,
		    "%s was read and ships (%s)", r->kept[i].path,
		    r->kept[i].rule);
	for (size_t i = 0; i < r->n; i++)
		bindu_scrub_say(&r->finding[i], ctx->report);
	if (r->block > 0)
		bindu_note(ctx->report, BINDU_ERROR,
		    "what must not ship: take it out of its file, or name the "
		    "file in .binduignore");
	for (size_t i = 0; i < r->nunread; i++)
		bindu_note(ctx->report, BINDU_ERROR, "%s was not read: %s",
		    r->unread[i].path, r->unread[i].rule);
	for (size_t i = 0; i < r->stale.n; i++)
		bindu_note(ctx->report, BINDU_WARN, "%s", r->stale.v[i]);
	bindu_note(ctx->report, BINDU_NOTE,
	    "%llu file%s, %s read; %zu left out, %u block, %u warn, "
	    "%zu allowed, %zu not read",
	    (unsigned long long)r->files, bindu_str_s(r->files),
	    bindu_str_human(r->bytes, size, sizeof size), r->ndrop, r->block,
	    r->warn, r->nallowed, r->nunread);
}

/* 0 clean, 1 blocked, 74 something was not read. */
static int
verdict(struct bindu_ctx *ctx, const struct bindu_scrub_report *r,
    const char *root)
{
	json_t *json = NULL;

	if (sarif)
		json = bindu_scrub_sarif(r);
	else if (ctx->json)
		json = bindu_scrub_json(r, root);
	if (json != NULL) {
		json_dumpf(json, root ? stdout : stderr, JSON_COMPACT);
		fputc('\n', root ? stdout : stderr);
		json_decref(json);
	} else {
		say_report(ctx, r);
	}
	if (r->block > 0)
		return 1;
	if (r->nunread > 0)
		return 74;
	return strict && (r->warn > 0 || r->stale.n > 0);
}

static int
check_tree(struct bindu_ctx *ctx, const char *dir, struct bindu_scrub_report *r,
    struct bindu_err *err)
{
	struct bindu_walk_opts walk = { .all = scrub.all,
		.any_link = true,
		.no_deny = scrub.all,
		.keep_pyc = scrub.all };
	struct bindu_tree *t;
	int rc;

	if (bindu_tree_load(dir, &walk, ctx->report, &t, err) == -1)
		return -1;
	rc = bindu_scrub_tree(t, &scrub, ctx->report, r, err);
	if (rc == 0)
		rc = verdict(ctx, r, t->root);
	bindu_tree_free(t);
	return rc;
}

static int
filter(struct bindu_ctx *ctx, struct bindu_scrub_report *r,
    struct bindu_err *err)
{
	AUTO_FREE char *allow = NULL;
	struct stat st;
	off_t start = lseek(STDOUT_FILENO, 0, SEEK_CUR);
	int rc;

	if (isatty(STDIN_FILENO))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "stdin is a terminal; "
		    "give a tar on stdin, or a DIR to check");
	if (isatty(STDOUT_FILENO))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "stdout is a "
		    "terminal; send the archive to a file or a pipe");
	allow = bindu_path_join(ctx->dir, ".binduscrub");
	if (scrub.allow_file == NULL && lstat(allow, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return bindu_err_set(err, BINDU_E_CONFIG,
			    "%s is not a regular file", allow);
		scrub.allow_file = allow;
	}
	rc = bindu_scrub_filter(STDIN_FILENO, STDOUT_FILENO, &scrub,
	    ctx->report, r, err);
	if (rc == 0)
		rc = verdict(ctx, r, NULL);
	/* No part of an archive stays in a file. */
	if (rc != 0 && start >= 0 && fstat(STDOUT_FILENO, &st) == 0 &&
	    S_ISREG(st.st_mode) && ftruncate(STDOUT_FILENO, start) == -1)
		return bindu_err_sys(err, "cannot take the archive back");
	return rc;
}

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct bindu_scrub_report r = { 0 };
	int rc;

	if (ctx->json && sarif)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--json and --sarif exclude each other");
	rc = argc > 0 ? check_tree(ctx, argv[0], &r, err) :
			filter(ctx, &r, err);
	bindu_scrub_report_fini(&r);
	return rc;
}

static const struct bindu_tool tool = {
	.name = "bindu-scrub",
	.args = "[DIR]",
	.min = 0,
	.max = 1,
	.about = "keep secrets out: filter a tar, or check a directory",
	.opts = opts,
	.run = run,
	.flags = BINDU_TOOL_DIR | BINDU_TOOL_JSON | BINDU_TOOL_STATUS,
	.more = "Without DIR: a tar on stdin becomes a tar on stdout, secrets "
		"left out.\n",
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
