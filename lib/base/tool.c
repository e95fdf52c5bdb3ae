/* tool.c - see tool.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "log.h"
#include "mem.h"
#include "str.h"
#include "tool.h"

/* Everything one run of a tool knows. */
struct state {
	const struct bindu_tool *tool;
	const struct bindu_verb *verb; /* NULL without verbs */
	struct bindu_ctx ctx;
	bool help, version;
	int status_fd;
	struct bindu_opt shared[12];
};

/* The shared options this tool takes, as one table. */
static void
fill_shared(struct state *s)
{
	static const char *const runtimes[] = { "local", "boxd", "boxlite",
		NULL };
	const struct {
		unsigned flag;
		struct bindu_opt opt;
	} all[] = {
		{ BINDU_TOOL_DIR,
		    { 'C', "directory", BINDU_OPT_STR, &s->ctx.dir, "DIR",
			"work on DIR instead of .", NULL } },
		{ BINDU_TOOL_RUNTIME,
		    { 0, "runtime", BINDU_OPT_ENUM, &s->ctx.runtime, "NAME",
			"local, boxd or boxlite", runtimes } },
		{ BINDU_TOOL_JSON,
		    { 0, "json", BINDU_OPT_FLAG, &s->ctx.json, NULL,
			"print the result as JSON", NULL } },
		{ BINDU_TOOL_STATUS,
		    { 0, "status-fd", BINDU_OPT_FD, &s->status_fd, "N",
			"write progress as JSON lines to descriptor N",
			NULL } },
		{ BINDU_TOOL_YES,
		    { 'y', "yes", BINDU_OPT_FLAG, &s->ctx.yes, NULL,
			"do not ask", NULL } },
		{ 0,
		    { 'q', "quiet", BINDU_OPT_FLAG, &s->ctx.quiet, NULL,
			"say only warnings and errors", NULL } },
		{ 0,
		    { 'v', "verbose", BINDU_OPT_COUNT, &s->ctx.verbose, NULL,
			"say more; twice: debug", NULL } },
		{ 0,
		    { 'h', "help", BINDU_OPT_FLAG, &s->help, NULL, "print this",
			NULL } },
		{ 0,
		    { 'V', "version", BINDU_OPT_FLAG, &s->version, NULL,
			"print the version", NULL } },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (all[i].flag == 0 || (s->tool->flags & all[i].flag))
			s->shared[n++] = all[i].opt;
	}
	s->shared[n] = (struct bindu_opt)BINDU_OPT_END;
}

static void
print_verbs(const struct bindu_verb *v)
{
	char left[120];

	for (; v->name != NULL; v++) {
		snprintf(left, sizeof left, "%s%s%s", v->name,
		    v->args != NULL && *v->args != '\0' ? " " : "",
		    v->args != NULL ? v->args : "");
		bindu_opt_row(stdout, left, v->about);
	}
}

static void
print_help(const struct state *s)
{
	const struct bindu_tool *t = s->tool;
	const struct bindu_verb *v = s->verb;
	const char *args = v != NULL ? v->args : t->args;

	if (v == NULL && t->verbs != NULL)
		printf("usage: %s VERB [option...] [argument...]\n", t->name);
	else
		printf("usage: %s%s%s [option...]%s%s\n", t->name,
		    v != NULL ? " " : "", v != NULL ? v->name : "",
		    args != NULL && *args != '\0' ? " " : "",
		    args != NULL ? args : "");
	printf("%s\n", v != NULL ? v->about : t->about);
	if (v == NULL && t->verbs != NULL) {
		printf("\nverbs:\n");
		print_verbs(t->verbs);
	}
	printf("\noptions:\n");
	if (v != NULL && v->opts != NULL)
		bindu_opt_help(v->opts, stdout);
	if (t->opts != NULL)
		bindu_opt_help(t->opts, stdout);
	bindu_opt_help(s->shared, stdout);
	if (t->more != NULL)
		printf("\n%s%s", t->more,
		    bindu_str_ends(t->more, "\n") ? "" : "\n");
}

static int
check_count(int n, int min, int max, const char *args, struct bindu_err *err)
{
	if (n < min)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "too few arguments: needs %s", args != NULL ? args : "");
	if (max >= 0 && n > max)
		return bindu_err_set(err, BINDU_E_USAGE,
		    max == 0 ? "takes no argument" : "too many arguments%s%s",
		    args != NULL ? ": takes " : "", args != NULL ? args : "");
	return 0;
}

/* The verb at argv[1] and the options after it; argv and argc move on. */
static int
parse_verb(struct state *s, int *argc, char ***argv, struct bindu_err *err)
{
	const struct bindu_verb *v = s->tool->verbs;
	const char *given = (*argv)[1], *near = NULL;
	const struct bindu_opt *tables[4];
	size_t n = 0;

	for (; v->name != NULL && strcmp(v->name, given) != 0; v++)
		near = bindu_str_nearer(given, strlen(given), near, v->name);
	if (v->name == NULL)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "unknown verb \"%.60s\"%s%s%s", given,
		    near != NULL ? " (did you mean " : "",
		    near != NULL ? near : "", near != NULL ? "?)" : "");
	s->verb = v;
	if (v->opts != NULL)
		tables[n++] = v->opts;
	if (s->tool->opts != NULL)
		tables[n++] = s->tool->opts;
	tables[n++] = s->shared;
	tables[n] = NULL;
	++*argv;
	return bindu_opt_parse(tables, *argc, *argv,
	    s->tool->flags & BINDU_TOOL_STOP_AT_OPERAND, argc, err);
}

/* Leaves the operands in (*argv)[1..*argc]. */
static int
parse(struct state *s, int *argc, char ***argv, struct bindu_err *err)
{
	const struct bindu_tool *t = s->tool;
	const struct bindu_opt *tables[3];
	size_t n = 0;

	if (t->opts != NULL)
		tables[n++] = t->opts;
	tables[n++] = s->shared;
	tables[n] = NULL;
	if (bindu_opt_parse(tables, *argc, *argv,
		t->verbs != NULL || (t->flags & BINDU_TOOL_STOP_AT_OPERAND),
		argc, err) == -1)
		return -1;
	if (s->help || s->version)
		return 0;
	if (t->verbs == NULL)
		return check_count(*argc, t->min, t->max, t->args, err);
	if (*argc == 0)
		return bindu_err_set(err, BINDU_E_USAGE, "a verb is missing");
	if (parse_verb(s, argc, argv, err) == -1)
		return -1;
	if (s->help || s->version)
		return 0;
	return check_count(*argc, s->verb->min, s->verb->max, s->verb->args,
	    err);
}

/* What stands after a usage error was not read, but the last line is due on
 * the descriptor that it names. */
static void
find_status_fd(struct state *s, char **argv)
{
	static const char name[] = "--status-fd";
	const struct bindu_opt *tables[] = { s->shared, NULL };

	for (; s->status_fd == -1 && *argv != NULL && strcmp(*argv, "--") != 0;
	     argv++) {
		bool joined = bindu_str_starts(*argv, "--status-fd=");
		char *two[] = { argv[0], argv[0], argv[1], NULL };
		int n = joined ? 2 : 3;

		if (joined || (strcmp(*argv, name) == 0 && argv[1] != NULL))
			bindu_opt_parse(tables, n, two, 0, &n, NULL);
	}
}

void
bindu_tool_print_json(const struct bindu_ctx *ctx)
{
	AUTO_FREE char *text = bindu_json_text(ctx->result);

	bindu_progress_hide();
	puts(text);
}

void
bindu_tool_print(const struct bindu_ctx *ctx, const char *text)
{
	if (ctx->json)
		bindu_tool_print_json(ctx);
	else
		fputs(text, stdout);
}

/* A result nobody could store is a failure, whatever run said. */
static int
flush_stdout(bool last, struct bindu_err *err)
{
	int bad = fflush(stdout) != 0 || ferror(stdout);

	/* close tells of errors that NFS and quotas keep until then. */
	if (last && close(STDOUT_FILENO) == -1 && errno != EBADF)
		bad = 1;
	if (!bad)
		return 0;
	bindu_err_sys(err, "cannot write to standard output");
	if (err != NULL)
		err->code = BINDU_E_IO;
	return -1;
}

int
bindu_tool_flush(struct bindu_err *err)
{
	return flush_stdout(false, err);
}

static void
complain(const struct state *s, const struct bindu_err *err)
{
	if (err->code == BINDU_E_USAGE)
		bindu_log(BINDU_ERROR, "%s; try '%s%s%s --help'", err->msg,
		    s->tool->name, s->verb != NULL ? " " : "",
		    s->verb != NULL ? s->verb->name : "");
	else
		bindu_log(BINDU_ERROR, "%s", err->msg);
}

static int
run(struct state *s, int argc, char **argv, struct bindu_err *err)
{
	if (s->help) {
		print_help(s);
		return 0;
	}
	if (s->version) {
		printf("%s %s\n", s->tool->name, BINDU_VERSION);
		return 0;
	}
	return (s->verb != NULL ? s->verb->run : s->tool->run)(&s->ctx, argc,
	    argv + 1, err);
}

/* 0, 1 and 2 must be open: the next file we open would take their place and
 * receive our messages, or feed a command in a box. */
static void
fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd != -1)
		close(fd);
}

/* Before the constructors of any library: gRPC's keeps an eventfd open, which
 * a closed standard input would become. */
__attribute__((section(".preinit_array"),
    used)) static void (*const before_all)(void) = fill_standard_fds;

int
bindu_tool_main(const struct bindu_tool *tool, int argc, char **argv)
{
	struct state s = {
		.tool = tool,
		.status_fd = -1,
		.ctx = { .tool = tool->name, .dir = "." },
	};
	struct bindu_err err = { 0 };
	struct bindu_progress *progress;
	char **all = argv;
	int code;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_DFL);
	/* Tokens pass through our memory: no core file holds them. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	bindu_log_init(tool->name, BINDU_NOTE);
	fill_shared(&s);
	code = parse(&s, &argc, &argv, &err);
	if (code == -1 && (tool->flags & BINDU_TOOL_STATUS))
		find_status_fd(&s, all);
	if (s.ctx.verbose > 2)
		s.ctx.verbose = 2;
	bindu_log_init(tool->name,
	    s.ctx.verbose != 0 ?
		(enum bindu_level)(BINDU_NOTE + s.ctx.verbose) :
		s.ctx.quiet ? BINDU_WARN :
			      BINDU_NOTE);
	progress = bindu_progress_new(s.status_fd, s.ctx.quiet);
	s.ctx.report = bindu_progress_report(progress);
	if (code == 0)
		code = run(&s, argc, argv, &err);
	/* The result's own line may still be to come there. */
	if (flush_stdout(s.status_fd != STDOUT_FILENO,
		code < 0 ? NULL : &err) == -1)
		code = -1;
	if (code < 0) {
		complain(&s, &err);
		code = bindu_err_exit(&err);
	}
	bindu_progress_result(progress, s.ctx.result, code);
	bindu_progress_free(progress);
	json_decref(s.ctx.result);
	return code;
}
