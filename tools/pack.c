/* bindu-pack: what ships of a tree, as a tar stream.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "lib/base/tool.h"
#include "lib/source/manifest.h"
#include "lib/source/pack.h"
#include "lib/source/pack_list.h"

#define TEXT_MAX (1u << 30)

static const char *gzip, *zstd, *output, *manifest;
static struct bindu_strv explain;
static bool list, nul, no_cache, no_names;
static struct bindu_walk_opts walk;
static struct bindu_pack_opts pack;

static const struct bindu_opt opts[] = {
	{ 'o', "output", BINDU_OPT_STR, &output, "FILE",
	    "write the archive to FILE, whole or not at all", NULL },
	{ 0, "gzip", BINDU_OPT_OPTSTR, &gzip, "LEVEL",
	    "compress with gzip, level 1 to 12 (default 7)", NULL },
	{ 0, "zstd", BINDU_OPT_OPTSTR, &zstd, "LEVEL",
	    "compress with zstd, level -7 to 19 (default 1)", NULL },
	{ 0, "max-size", BINDU_OPT_SIZE, &pack.max_size, "SIZE",
	    "fail when the archive would pass SIZE", NULL },
	{ 'l', "list", BINDU_OPT_FLAG, &list, NULL,
	    "print what would ship, with sizes, instead", NULL },
	{ '0', "null", BINDU_OPT_FLAG, &nul, NULL,
	    "with --list: paths alone, each ended by NUL", NULL },
	{ 'm', "manifest", BINDU_OPT_STR, &manifest, "FILE",
	    "write the manifest to FILE; -: to stdout, and no archive", NULL },
	{ 'x', "explain", BINDU_OPT_STRLIST, &explain, "PATH",
	    "say whether PATH ships and by which rule, instead", NULL },
	{ 0, "strict", BINDU_OPT_FLAG, &pack.strict, NULL,
	    "fail when the tree changes while it is read", NULL },
	{ 0, "no-defaults", BINDU_OPT_FLAG, &walk.no_defaults, NULL,
	    "without the built-in ignore rules", NULL },
	{ 0, "no-deny", BINDU_OPT_FLAG, &walk.no_deny, NULL,
	    "without the deny list of secret names (to check rules)", NULL },
	{ 0, "no-names", BINDU_OPT_FLAG, &no_names, NULL,
	    "do not name the secrets left out: a step before has", NULL },
	{ 0, "no-cache", BINDU_OPT_FLAG, &no_cache, NULL,
	    "read every file for the manifest", NULL },
	{ 'j', "threads", BINDU_OPT_U32, &pack.threads, "N",
	    "use N threads (default: one a core, at most 4)", NULL },
	BINDU_OPT_END
};

/* A file we write is not part of the tree, nor is its older state. */
static void
skip_output(int i, int rc, const struct stat *st)
{
	if (rc == -1 || !S_ISREG(st->st_mode))
		return;
	walk.skip[i].dev = st->st_dev;
	walk.skip[i].ino = st->st_ino;
}

/* A whole number, maybe negative; 0 is none of a format's levels. */
static int
parse_level(const char *s, int *level, struct bindu_err *err)
{
	bool minus = *s == '-';
	uint32_t n = 0;

	*level = 0;
	if (*s == '\0')
		return 0;
	if (bindu_str_u32(s + minus, &n, NULL) == -1 || n == 0 || n > 99)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.20s\" is not a compression level", s);
	*level = minus ? -(int)n : (int)n;
	return 0;
}

static bool
to_stdout(const char *name)
{
	return name != NULL && strcmp(name, "-") == 0;
}

static int
check_options(const struct bindu_ctx *ctx, struct bindu_err *err)
{
	const char *level = gzip ? gzip : zstd ? zstd : "";
	struct stat st;

	if (to_stdout(output))
		output = NULL;
	if (gzip != NULL && zstd != NULL)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--gzip and --zstd exclude each other");
	if (ctx->json && !list && explain.n == 0 && output == NULL)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--json needs --list, --explain or -o FILE: stdout is the "
		    "archive's");
	if ((ctx->json || list) && to_stdout(manifest))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--%s and the manifest cannot both have stdout",
		    list ? "list" : "json");
	if (output != NULL && (list || explain.n > 0))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--%s makes no archive; leave -o out",
		    list ? "list" : "explain");
	if (nul && !list)
		return bindu_err_set(err, BINDU_E_USAGE, "-0 needs --list");
	pack.compress = gzip ? BINDU_GZIP : zstd ? BINDU_ZSTD : BINDU_TAR;
	if (parse_level(level, &pack.level, err) == -1)
		return -1;
	skip_output(0, fstat(STDOUT_FILENO, &st), &st);
	if (output != NULL)
		skip_output(0, stat(output, &st), &st);
	if (manifest != NULL && !to_stdout(manifest))
		skip_output(1, stat(manifest, &st), &st);
	walk.strict = pack.strict;
	pack.no_digest = manifest == NULL;
	return 0;
}

static int
print(int fd, const struct bindu_buf *b, const char *what,
    struct bindu_err *err)
{
	if (bindu_fd_write(fd, b->p ? b->p : "", b->len) == -1)
		return bindu_err_sys(err, "cannot write %s", what);
	return 0;
}

/* 0 when every path ships, 1 when one does not. */
static int
explain_paths(struct bindu_ctx *ctx, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(TEXT_MAX);
	int answer = 0;

	for (size_t i = 0; i < explain.n; i++) {
		struct bindu_explain x;

		if (bindu_tree_explain(ctx->dir, &walk, explain.v[i],
			ctx->report, &x, err) == -1)
			return -1;
		if (!bindu_pack_verdict(&x, explain.v[i],
			ctx->json ? BINDU_LIST_JSON : BINDU_LIST_TEXT, &b))
			answer = 1;
		bindu_explain_fini(&x);
	}
	return print(STDOUT_FILENO, &b, "the answer", err) == -1 ? -1 : answer;
}

static int
list_tree(struct bindu_ctx *ctx, const struct bindu_tree *t,
    struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf totals = BINDU_BUF_INIT(TEXT_MAX);

	if (bindu_pack_list(t,
		ctx->json ? BINDU_LIST_JSON :
		    nul	  ? BINDU_LIST_NUL :
			    BINDU_LIST_TEXT,
		STDOUT_FILENO, err) == -1 ||
	    bindu_pack_totals(t, &totals, err) == -1)
		return -1;
	if (!ctx->quiet && !ctx->json && !nul)
		bindu_fd_write(STDERR_FILENO, totals.p, totals.len);
	return 0;
}

static int
write_manifest(const struct bindu_tree *t, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(TEXT_MAX);
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char id[65];

	if (bindu_manifest_write(t, &b, id, err) == -1)
		return -1;
	if (to_stdout(manifest))
		return print(STDOUT_FILENO, &b, "the manifest", err);
	if (stat(manifest, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(manifest, O_WRONLY | O_CLOEXEC);
		if (fd == -1)
			return bindu_err_sys(err, "cannot open %s", manifest);
		return print(fd, &b, manifest, err);
	}
	return bindu_fd_replace(AT_FDCWD, manifest, 0644, b.p ? b.p : "", b.len,
	    err);
}

static void
print_result(const struct bindu_pack_stats *s)
{
	AUTO_JSON json_t *o = json_object();
	AUTO_FREE char *text = NULL;

	bindu_json_set_str(o, "file", output);
	bindu_json_set_int(o, "files", (int64_t)s->files);
	bindu_json_set_int(o, "content_bytes", (int64_t)s->in_bytes);
	bindu_json_set_int(o, "archive_bytes", (int64_t)s->out_bytes);
	text = bindu_json_text(o);
	puts(text);
}

/* Where the archive is until it is whole. */
struct output {
	int fd;
	char *temp; /* takes output's place; NULL: output is no file */
	bool nameless; /* temp is still to be made */
};

/* A device or a pipe is written to, a file is replaced.  Until then the file
 * has no name, so that nothing is left of it when we are killed; where there
 * are no such files, a name that the built-in ignore rules know. */
static int
open_output(struct output *o, struct bindu_err *err)
{
	AUTO_FREE char *dir = bindu_path_dir(output);
	struct stat st;

	if (stat(output, &st) == 0 && !S_ISREG(st.st_mode)) {
		o->fd = open(output, O_WRONLY | O_CLOEXEC);
	} else {
		o->temp = bindu_path_temp(output);
		/* Left by a killed process that had our number. */
		unlink(o->temp);
		o->fd = open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
		o->nameless = o->fd != -1;
		if (o->fd == -1)
			o->fd = open(o->temp,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	}
	if (o->fd == -1)
		return bindu_err_sys(err, "cannot make %s", output);
	return 0;
}

/* Some file systems say only at close that there was no room. */
static int
close_output(struct output *o, struct bindu_err *err)
{
	char self[40];
	int rc = 0;

	snprintf(self, sizeof self, "/proc/self/fd/%d", o->fd);
	if (o->nameless &&
	    linkat(AT_FDCWD, self, AT_FDCWD, o->temp, AT_SYMLINK_FOLLOW) == -1)
		rc = bindu_err_sys(err, "cannot make %s", output);
	if (close(o->fd) == -1 && rc == 0)
		rc = bindu_err_sys(err, "cannot write %s", output);
	o->fd = -1;
	if (rc == 0 && o->temp != NULL && rename(o->temp, output) == -1)
		rc = bindu_err_sys(err, "cannot make %s", output);
	return rc;
}

static int
write_archive(struct bindu_ctx *ctx, struct bindu_tree *t,
    struct bindu_err *err)
{
	struct output o = { .fd = -1 };
	struct bindu_pack_stats s;
	int rc;

	if (output == NULL && isatty(STDOUT_FILENO))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "stdout is a terminal; give -o FILE, or a pipe");
	if (output == NULL)
		return bindu_pack_write(t, STDOUT_FILENO, &pack, &s,
		    ctx->report, err);
	if (open_output(&o, err) == -1) {
		free(o.temp);
		return -1;
	}
	rc = bindu_pack_write(t, o.fd, &pack, &s, ctx->report, err);
	if (rc == -1 && err->code == BINDU_E_IO)
		bindu_err_wrap(err, "%s", output);
	if (rc == 0)
		rc = close_output(&o, err);
	if (rc == -1 && o.temp != NULL)
		unlink(o.temp);
	if (o.fd != -1)
		close(o.fd);
	free(o.temp);
	if (rc == 0 && ctx->json)
		print_result(&s);
	return rc;
}

static void
note_drops(struct bindu_ctx *ctx, const struct bindu_tree *t)
{
	for (size_t i = 0; i < t->ndrop; i++) {
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 19);

		bindu_str_visible(&b, t->drop[i].path, strlen(t->drop[i].path),
		    NULL);
		bindu_note(ctx->report, BINDU_WARN, "%s is left out by %s", b.p,
		    t->drop[i].rule);
	}
}

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct bindu_tree *t = NULL;
	int rc = 0;

	(void)argc;
	(void)argv;
	if (check_options(ctx, err) == -1)
		return -1;
	if (explain.n > 0)
		return explain_paths(ctx, err);
	if (bindu_tree_load(ctx->dir, &walk, ctx->report, &t, err) == -1)
		return -1;
	if (!no_names)
		note_drops(ctx, t);
	if (list)
		rc = list_tree(ctx, t, err);
	else if (output != NULL || !to_stdout(manifest))
		rc = write_archive(ctx, t, err);
	/* What an archive was made of has its digest. */
	if (rc == 0 && manifest != NULL)
		rc = bindu_manifest_hash(t, no_cache, pack.threads, ctx->report,
		    err);
	if (rc == 0 && manifest != NULL)
		rc = write_manifest(t, err);
	bindu_tree_free(t);
	return rc;
}

static const struct bindu_tool tool = {
	.name = "bindu-pack",
	.args = "",
	.min = 0,
	.max = 0,
	.about = "pack what ships of a tree, the same bytes every time",
	.opts = opts,
	.run = run,
	.flags = BINDU_TOOL_DIR | BINDU_TOOL_JSON | BINDU_TOOL_STATUS,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
