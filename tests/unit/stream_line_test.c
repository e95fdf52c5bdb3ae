/* stream_line_test.c - command vectors and environments arrive exactly, in
 * every shell a box may have, and nothing behind the head is lost.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/remote/stream_line.h"
#include "tap.h"

#define REST "rest\0of\nstdin"

static const char *const shells[][3] = {
	{ "dash", NULL },
	{ "bash", NULL },
	{ "busybox", "sh", NULL },
};

static int
temp(const void *p, size_t n)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd == -1 || bindu_fd_write(fd, p, n) == -1)
		exit(99);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Run the line as a box would: sh -c LINE, head and rest through a pipe. */
static char *
run(const char *const *shell, const struct bindu_exec_line *l, size_t *n)
{
	static const char *const cat[] = { "cat", NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	const char *argv[6] = { shell[0] };
	AUTO_CLOSE int in = -1, out = temp("", 0);
	AUTO_BUF struct bindu_buf all = BINDU_BUF_INIT(16 << 20);
	char *text = NULL;
	int ends[2], status, i = 1;
	pid_t feeder, pid;

	bindu_buf_add(&all, l->head.p, l->head.len, NULL);
	bindu_buf_add(&all, REST, sizeof(REST), NULL);
	in = temp(all.p, all.len);
	if (pipe2(ends, O_CLOEXEC) == -1)
		exit(99);
	o.argv = cat;
	o.in = in;
	o.out = ends[1];
	feeder = bindu_proc_spawn(&o, NULL);
	close(ends[1]);
	if (shell[1] != NULL)
		argv[i++] = shell[1];
	argv[i++] = "-c";
	argv[i] = l->line.p;
	o.argv = argv;
	o.in = ends[0];
	o.out = out;
	pid = bindu_proc_spawn(&o, NULL);
	close(ends[0]);
	bindu_proc_wait(pid, 20000, &status, NULL);
	bindu_proc_wait(feeder, 20000, &status, NULL);
	lseek(out, 0, SEEK_SET);
	bindu_fd_read_all(out, 16 << 20, &text, n, NULL);
	return text;
}

static int
is_ascii(const char *s)
{
	while (*s > 0)
		s++;
	return *s == '\0';
}

/* The command prints its arguments and then its standard input. */
static void
check_args(const char *const *shell, const char *what, const char *const *args)
{
	const char *argv[64] = { "sh", "-c", "printf '%s\\n--\\n' \"$@\"; cat",
		"x" };
	struct bindu_exec_opts o = { .argv = argv };
	static const char *const env[] = { "SECRET=1", NULL };
	AUTO_BUF struct bindu_buf want = BINDU_BUF_INIT(16 << 20);
	struct bindu_exec_line l;
	size_t n = 0;

	for (int i = 0; args[i] != NULL; i++) {
		argv[4 + i] = args[i];
		bindu_buf_adds(&want, args[i], NULL);
		bindu_buf_adds(&want, "\n--\n", NULL);
	}
	bindu_buf_add(&want, REST, sizeof(REST), NULL);
	for (int with_env = 0; with_env < 2; with_env++) {
		AUTO_FREE char *got = NULL;

		o.env = with_env ? env : NULL;
		if (bindu_exec_line_build(&o, NULL, NULL, &l, NULL) == -1) {
			ok(0, "%s: %s: cannot be built", shell[0], what);
			return;
		}
		ok(is_ascii(l.line.p),
		    "%s: %s: the line is a string for protobuf", shell[0],
		    what);
		got = run(shell, &l, &n);
		ok(n == want.len && memcmp(got, want.p, n) == 0,
		    "%s: %s%s arrive exactly", shell[0], what,
		    with_env ? " and an environment" : "");
		bindu_exec_line_fini(&l);
	}
}

static void
check_env(const char *const *shell, const char *what, const char *value)
{
	const char *argv[] = { "sh", "-c", "printf %s \"$V\"", NULL };
	AUTO_FREE char *item = xasprintf("V=%s", value);
	const char *env[] = { item, NULL };
	struct bindu_exec_opts o = { .argv = argv, .env = env };
	struct bindu_exec_line l;
	AUTO_FREE char *got = NULL;
	size_t n = 0;

	bindu_exec_line_build(&o, NULL, NULL, &l, NULL);
	ok(strstr(l.line.p, value) == NULL || strlen(value) < 2,
	    "%s: %s is not in the command line", shell[0], what);
	got = run(shell, &l, &n);
	ok(n == strlen(value) && memcmp(got, value, n) == 0,
	    "%s: %s is what the command sees", shell[0], what);
	bindu_exec_line_fini(&l);
}

static char *
every_byte(void)
{
	char *s = xmalloc(256);

	for (int i = 0; i < 255; i++)
		s[i] = (char)(i + 1);
	s[255] = '\0';
	return s;
}

static char *
repeat(char c, size_t n)
{
	char *s = xmalloc(n + 1);

	memset(s, c, n);
	s[n] = '\0';
	return s;
}

static void
check_shell(const char *const *shell)
{
	AUTO_FREE char *bytes = every_byte();
	AUTO_FREE char *quotes = repeat('\'', 60000);
	AUTO_FREE char *big = repeat('x', 120000);
	const char *plain[] = { "a b", "", "it's", "\"$HOME\" `id` \\", "*",
		"-n", "a\nb\n", "\n", NULL };
	const char *strange[] = { bytes, NULL };
	const char *large[] = { big, quotes, "", "end\n", NULL };

	check_args(shell, "arguments", plain);
	check_args(shell, "all bytes", strange);
	check_args(shell, "300 KB of arguments", large);
	check_env(shell, "an empty value", "");
	check_env(shell, "a plain value", "it's a $VALUE `id` \\n %s");
	check_env(shell, "a value of all bytes", bytes);
	check_env(shell, "a value that ends in newlines", "x\n\n\n");
	check_env(shell, "a value of blanks", "  \t x  ");
	check_env(shell, "a value of 120 KB", big);
}

static void
check_refused(const char *item)
{
	const char *env[] = { item, NULL };
	struct bindu_exec_opts o = { .command = "true", .env = env };
	struct bindu_exec_line l;
	struct bindu_err err = { 0 };

	ok(bindu_exec_line_build(&o, NULL, NULL, &l, &err) == -1 &&
		err.code == BINDU_E_USAGE,
	    "\"%s\" is no variable", item);
}

int
main(void)
{
	struct bindu_exec_opts o = { .command = "echo hi; exit 3" };
	struct bindu_exec_line l;

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		check_shell(shells[i]);
	bindu_exec_line_build(&o, NULL, NULL, &l, NULL);
	ok(strcmp(l.line.p, o.command) == 0 && l.head.len == 0,
	    "a plain command line is sent as it is");
	bindu_exec_line_fini(&l);
	check_refused("1A=x");
	check_refused("A B=x");
	check_refused("=x");
	check_refused("noequals");
	return done();
}
