/* proc: run, collect, wait no longer than told, stop.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"
#include "tap.h"

static const struct {
	const char *what, *script;
	int64_t ms;
	size_t max;
	const char *out; /* NULL: it must fail */
	enum bindu_errc code;
	const char *msg; /* part of the message */
} rows[] = {
	{ "stdout is collected", "echo a; echo b >&2", 5000, 100, "a\n", 0,
	    NULL },
	{ "stdin is /dev/null", "cat; echo end", 5000, 100, "end\n", 0, NULL },
	{ "a bad end carries its last words",
	    "echo x; printf 'y\\nz\\n' >&2; "
	    "exit 3",
	    5000, 100, NULL, BINDU_E_NO, "status 3: z" },
	{ "a signal is 128+n", "kill -TERM $$", 5000, 100, NULL, BINDU_E_NO,
	    "status 143" },
	{ "the time limit holds", "sleep 30", 100, 100, NULL, BINDU_E_AGAIN,
	    "in time" },
	{ "the size limit holds", "yes", 5000, 100, NULL, BINDU_E_DATA,
	    "more than 100" },
	{ "a grandchild on stdout is not waited for", "echo a; sleep 5 &", 3000,
	    100, "a\n", 0, NULL },
	{ "much stderr does not block", "yes | head -c 300000 >&2; echo ok",
	    5000, 100, "ok\n", 0, NULL },
};

static void
capture(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *argv[] = { "sh", "-c", rows[i].script, NULL };
		struct bindu_proc_opts o = BINDU_PROC_OPTS;
		AUTO_FREE char *out = NULL;
		struct bindu_err e = { 0 };
		int r;

		o.argv = argv;
		r = bindu_proc_capture(&o, rows[i].ms, rows[i].max, &out, &e);
		if (rows[i].out != NULL)
			ok(r == 0 && !strcmp(out, rows[i].out), "%s",
			    rows[i].what);
		else
			ok(r == -1 && e.code == rows[i].code &&
				strstr(e.msg, rows[i].msg),
			    "%s (%s)", rows[i].what, e.msg);
	}
}

static void
streams(void)
{
	const char *argv[] = { "sh", "-c", "pwd; echo $V; cat <&7", NULL };
	const char *env[] = { "V=set", "PATH=/usr/bin:/bin", NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	AUTO_FREE char *out = NULL;
	struct bindu_err e = { 0 };
	int p[2];

	if (pipe(p) == -1 || dup3(p[0], 7, O_CLOEXEC) == -1)
		exit(1);
	if (write(p[1], "kept\n", 5) != 5)
		exit(1);
	close(p[1]);
	o.argv = argv;
	o.env = env;
	o.cwd = "/";
	o.keep_fd = 7;
	ok(bindu_proc_capture(&o, 5000, 100, &out, &e) == 0 &&
		!strcmp(out, "/\nset\nkept\n"),
	    "directory, environment and one more descriptor");
	ok(fcntl(7, F_GETFD) == FD_CLOEXEC, "which stays closed for others");
	close(7);
}

static void
stopping(void)
{
	const char *sleeper[] = { "sleep", "30", NULL };
	const char *stubborn[] = { "sh", "-c", "trap '' TERM; sleep 30 & wait",
		NULL };
	const char *none[] = { "bindu-no-such-program", NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	struct bindu_err e = { 0 };
	int status = 0, p[2];
	int64_t t;
	pid_t pid;
	char c;

	o.argv = none;
	ok(bindu_proc_spawn(&o, &e) == -1 && e.code == BINDU_E_NOINPUT,
	    "a program that is not there is said so");
	o.argv = sleeper;
	pid = bindu_proc_spawn(&o, &e);
	ok(bindu_proc_wait(pid, 50, &status, &e) == 1, "it still runs");
	kill(pid, SIGKILL);
	ok(bindu_proc_wait(pid, 5000, &status, &e) == 0 &&
		bindu_proc_exit(status) == 137,
	    "killed is 137");
	o.argv = stubborn;
	o.own_session = true;
	if (pipe2(p, O_CLOEXEC) == -1)
		exit(1);
	o.out = p[1];
	pid = bindu_proc_spawn(&o, &e);
	close(p[1]);
	bindu_clock_sleep(100);
	t = bindu_clock_ms();
	bindu_proc_stop(pid, true, 200);
	t = bindu_clock_ms() - t;
	ok(t >= 190 && t < 2000, "one that ignores TERM is killed after grace");
	ok(read(p[0], &c, 1) == 0, "with its whole group");
	close(p[0]);
}

int
main(void)
{
	capture();
	streams();
	stopping();
	return done();
}
