/* tool: what every program does with its command line, output and errors.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "tap.h"

static bool loud;
static uint64_t size = 7;
static const struct bindu_opt opts[] = { { 'l', "loud", BINDU_OPT_FLAG, &loud,
					     NULL, "shout", NULL },
	BINDU_OPT_END };
static const struct bindu_opt verb_opts[] = {
	{ 's', "size", BINDU_OPT_SIZE, &size, "SIZE", "how much", NULL },
	BINDU_OPT_END
};

static int
show(struct bindu_ctx *c, int argc, char **argv, struct bindu_err *err)
{
	if (argc > 0 && !strcmp(argv[0], "fail"))
		return bindu_err_set(err, BINDU_E_DATA, "it went wrong");
	if (argc > 0 && !strcmp(argv[0], "seven"))
		return 7;
	printf("loud=%d size=%d json=%d quiet=%d verbose=%d dir=%s", loud,
	    (int)size, c->json, c->quiet, c->verbose, c->dir);
	for (int i = 0; i < argc; i++)
		printf(" [%s]", argv[i]);
	putchar('\n');
	c->result = json_pack("{s:i}", "args", argc);
	return 0;
}

static const struct bindu_tool plain = {
	.name = "bindu-test",
	.args = "A [B]",
	.min = 1,
	.max = 2,
	.about = "try things",
	.opts = opts,
	.flags = BINDU_TOOL_DIR | BINDU_TOOL_JSON | BINDU_TOOL_STATUS,
	.run = show,
	.more = "more to read",
};
static const struct bindu_tool until = { .name = "bindu-test",
	.args = "A [ARG...]",
	.min = 1,
	.max = -1,
	.about = "try things",
	.opts = opts,
	.flags = BINDU_TOOL_STOP_AT_OPERAND,
	.run = show };
static const struct bindu_verb verbs[] = {
	{ "show", "A [B]", 1, 2, "show them", verb_opts, show },
	{ "none", "", 0, 0, "take nothing", NULL, show },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};
static const struct bindu_tool noun = { .name = "bindu-test",
	.about = "try verbs",
	.opts = opts,
	.flags = BINDU_TOOL_JSON,
	.verbs = verbs };

static const struct {
	const struct bindu_tool *tool;
	const char *argv[8];
	int code;
	const char *out, *err; /* parts; NULL: must be empty */
} rows[] = {
	{ &plain, { "a" }, 0,
	    "loud=0 size=7 json=0 quiet=0 verbose=0 dir=. [a]\n", NULL },
	{ &plain, { "a", "-l", "--json", "b", "-C", "/x", "-vvvv" }, 0,
	    "loud=1 size=7 json=1 quiet=0 verbose=2 dir=/x [a] [b]\n", NULL },
	{ &plain, { "--", "-l" }, 0, "loud=0", NULL },
	{ &plain, { "seven" }, 7, NULL, NULL },
	{ &plain, { "fail" }, 65, NULL, "bindu-test: it went wrong\n" },
	{ &plain, { "-q", "fail" }, 65, NULL, "it went wrong" },
	{ &plain, { NULL }, 2, NULL,
	    "too few arguments: needs A [B]; try 'bindu-test --help'\n" },
	{ &plain, { "a", "b", "c" }, 2, NULL,
	    "too many arguments: takes A [B]; try" },
	{ &plain, { "--nope", "a" }, 2, NULL, "nope" },
	{ &plain, { "a", "-y" }, 2, NULL, "-y" },
	{ &plain, { "a", "--runtime", "local" }, 2, NULL, "runtime" },
	{ &plain, { "-h" }, 0, "usage: bindu-test [option...] A [B]\n", NULL },
	{ &plain, { "--help", "a", "b", "c" }, 0, "more to read\n", NULL },
	{ &plain, { "--help" }, 0, "-l, --loud", NULL },
	{ &plain, { "-V", "--help" }, 0, "usage:", NULL },
	{ &plain, { "-V" }, 0, "bindu-test " BINDU_VERSION "\n", NULL },
	{ &plain, { "--status-fd", "1", "a" }, 0,
	    "{\"result\":{\"args\":1},\"code\":0}", NULL },
	{ &plain, { "--status-fd", "1", "fail" }, 65, "\"code\":65", "wrong" },
	{ &plain, { "--status-fd", "77", "a" }, 2, NULL, "status-fd" },
	{ &plain, { "--bogus", "--status-fd", "1" }, 2,
	    "{\"result\":null,\"code\":2}\n", "bogus" },
	{ &plain, { "a", "--bogus", "--status-fd=1", "b" }, 2, "\"code\":2",
	    "bogus" },
	{ &plain, { "--bogus", "--", "--status-fd", "1" }, 2, NULL, "bogus" },
	{ &until, { "-l", "a", "-l", "--help" }, 0, "[a] [-l] [--help]\n",
	    NULL },
	{ &until, { "a", "--", "-h" }, 0, "[a] [--] [-h]\n", NULL },
	{ &noun, { NULL }, 2, NULL, "a verb is missing" },
	{ &noun, { "shwo" }, 2, NULL, "did you mean show?" },
	{ &noun, { "zzzzzzzzz" }, 2, NULL, "unknown verb \"zzzzzzzzz\";" },
	{ &noun, { "show" }, 2, NULL,
	    "needs A [B]; try 'bindu-test show --help'" },
	{ &noun, { "none", "x" }, 2, NULL, "takes no argument; try" },
	{ &noun, { "none", "--size", "1" }, 2, NULL, "size" },
	{ &noun, { "show", "a", "--size", "1K", "-l" }, 0, "loud=1 size=1024",
	    NULL },
	{ &noun, { "-l", "show", "a" }, 0, "loud=1", NULL },
	{ &noun, { "-h" }, 0, "usage: bindu-test VERB [option...]", NULL },
	{ &noun, { "show", "--help" }, 0, "usage: bindu-test show [option...]",
	    NULL },
	{ &noun, { "show", "--help" }, 0, "--size SIZE", NULL },
};

/* In a process of its own, whose words go to files; standard output to path
 * when there is one, closed when it is "". */
static int
run(const struct bindu_tool *tool, const char *const *given, int *out, int *err,
    const char *path)
{
	char *argv[10] = { (char *)tool->name };
	int argc = 1, status = 0;
	pid_t pid;

	*out = memfd_create("out", 0);
	*err = memfd_create("err", 0);
	while (argc < 9 && given[argc - 1] != NULL) {
		argv[argc] = (char *)given[argc - 1];
		argc++;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(*out, 1);
		dup2(*err, 2);
		if (path != NULL) {
			close(1);
			if (*path != '\0' && open(path, O_WRONLY) != 1)
				_exit(99);
		}
		_exit(bindu_tool_main(tool, argc, argv));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *
text_of(int fd)
{
	char *text = NULL;
	size_t n;

	lseek(fd, 0, SEEK_SET);
	if (bindu_fd_read_all(fd, 65536, &text, &n, NULL) == -1)
		abort();
	close(fd);
	return text;
}

static bool
has(const char *text, const char *part)
{
	return part != NULL ? strstr(text, part) != NULL : *text == '\0';
}

static void
check(size_t i)
{
	AUTO_FREE char *out = NULL, *err = NULL;
	AUTO_BUF struct bindu_buf line = BINDU_BUF_INIT(1024);
	int fds[2], code;

	for (size_t k = 0; k < 8 && rows[i].argv[k] != NULL; k++)
		bindu_buf_addf(&line, NULL, "%s ", rows[i].argv[k]);
	code = run(rows[i].tool, rows[i].argv, &fds[0], &fds[1], NULL);
	out = text_of(fds[0]);
	err = text_of(fds[1]);
	ok(code == rows[i].code && has(out, rows[i].out) &&
		has(err, rows[i].err),
	    "\"%s\" is %d: %.*s", line.p != NULL ? line.p : "", code,
	    (int)strcspn(code != 0 ? err : out, "\n"), code != 0 ? err : out);
}

static void
output(const char *path, int want, const char *what)
{
	AUTO_FREE char *err = NULL;
	int fds[2];
	int code =
	    run(&plain, (const char *[]){ "a", NULL }, &fds[0], &fds[1], path);

	close(fds[0]);
	err = text_of(fds[1]);
	ok(code == want && has(err, want != 0 ? "standard output" : NULL),
	    "%s is %d (%.60s)", what, code, err);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(i);
	output("/dev/null", 0, "output to /dev/null");
	output("/dev/full", 74, "output to a full disk");
	output("", 74, "output that nobody can write");
	return done();
}
