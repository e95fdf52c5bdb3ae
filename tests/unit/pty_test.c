/* pty: a terminal made raw comes back, however the program ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "lib/remote/pty.h"
#include "tap.h"

static int master, slave;
static struct termios before;

static bool
is_raw(void)
{
	struct termios t;

	return tcgetattr(slave, &t) == 0 && !(t.c_lflag & (ICANON | ECHO));
}

static bool
is_back(void)
{
	struct termios t;

	return tcgetattr(slave, &t) == 0 && t.c_lflag == before.c_lflag &&
	    t.c_iflag == before.c_iflag && t.c_oflag == before.c_oflag;
}

static void
wait_raw(bool raw)
{
	for (int i = 0; i < 500 && is_raw() != raw; i++)
		usleep(10000);
}

/* A program with the terminal as its own, raw. */
static pid_t
begin(void)
{
	pid_t pid = fork();

	if (pid != 0) {
		wait_raw(true);
		return pid;
	}
	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	if (bindu_pty_raw(slave, NULL) == -1)
		_exit(9);
	for (;;)
		pause();
}

static void
deaths(void)
{
	static const int sigs[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGALRM,
		SIGPIPE, SIGXCPU };

	for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
		pid_t pid = begin();
		bool raw = is_raw();
		int status = 0;

		kill(pid, sigs[i]);
		waitpid(pid, &status, 0);
		ok(raw && WIFSIGNALED(status) && WTERMSIG(status) == sigs[i] &&
			is_back(),
		    "SIG%s kills it and the terminal is back",
		    sigabbrev_np(sigs[i]));
		tcsetattr(slave, TCSANOW, &before);
	}
}

static void
stops(void)
{
	pid_t pid = begin();
	int status = 0;

	kill(pid, SIGTSTP);
	ok(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
		is_back(),
	    "while it is stopped the terminal is the shell's");
	kill(pid, SIGCONT);
	wait_raw(true);
	ok(is_raw(), "and raw again when it goes on");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	tcsetattr(slave, TCSANOW, &before);
}

static void
ends(void)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		/* Its own TAP is the parent's affair. */
		fclose(stdout);
		exit(bindu_pty_raw(slave, NULL) == -1 ? 9 : is_raw() ? 7 : 8);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 7 && is_back(),
	    "a program that merely ends puts it back");
}

static void
events(void)
{
	struct winsize ws = { .ws_row = 40, .ws_col = 132 };
	uint32_t cols = 0, rows = 0;
	uint64_t n;
	int fd;

	ok(bindu_pty_event_fd() == -1, "no event before it is raw");
	ok(bindu_pty_raw(slave, NULL) == 0 && is_raw(), "raw");
	fd = bindu_pty_event_fd();
	ok(poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 0) == 0, "no event yet");
	ioctl(slave, TIOCSWINSZ, &ws);
	raise(SIGWINCH);
	ok(poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 5000) == 1 &&
		read(fd, &n, sizeof n) == sizeof n,
	    "a change of size is an event");
	ok(bindu_pty_size(slave, &cols, &rows) == 0 && cols == 132 &&
		rows == 40,
	    "and the size is told");
	bindu_pty_restore();
	ok(is_back() && bindu_pty_event_fd() == -1, "restored");
	bindu_pty_restore();
	ok(is_back(), "twice does no harm");
	memset(&ws, 0, sizeof ws);
	ioctl(slave, TIOCSWINSZ, &ws);
	ok(bindu_pty_size(slave, &cols, &rows) == -1,
	    "a terminal without a size says none");
}

int
main(void)
{
	struct bindu_err err = { 0 };
	uint32_t cols, rows;
	int none = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (openpty(&master, &slave, NULL, NULL, NULL) == -1 ||
	    tcgetattr(slave, &before) == -1)
		return 1;
	ok(bindu_pty_raw(none, &err) == -1 && err.msg[0] != '\0' &&
		bindu_pty_size(none, &cols, &rows) == -1,
	    "what is no terminal is said so (%s)", err.msg);
	/* Those that fork come first: handlers are put in place once. */
	deaths();
	stops();
	ends();
	events();
	return done();
}
