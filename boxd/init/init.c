/* boxd-init: process 1 of a box.  Runs the image's command and the user's
 * HOME/.bindu/boot where there are such, buries orphans, and ends everything
 * on SIGTERM, or when its standard input closes: the box's monitor is gone
 * then.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "boot.h"

#define GRACE_TICKS 200 /* between TERM and KILL without a monitor */
#define TICK_MS 10

/* A process of its own; true in it. */
static bool
begin(void)
{
	sigset_t none;
	int fd;

	if (fork() != 0) /* no memory for it: the box is up anyway */
		return false;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	fd = open("/dev/null", O_RDONLY);
	if (fd != -1 && fd != 0) {
		dup2(fd, 0);
		close(fd);
	}
	return true;
}

static void
run_command(char **argv)
{
	if (!begin())
		return;
	execvp(argv[0], argv);
	fprintf(stderr, "boxd-init: cannot run %s: %s\n", argv[0],
	    strerror(errno));
	_exit(127);
}

static void
run_boot(void)
{
	if (!begin())
		return;
	boot_exec();
	_exit(0);
}

static void
reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Ask all others to end.  With a monitor it decides when to be hard. */
static void
end_all(bool alone)
{
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	for (int tick = 0; kill(-1, 0) == 0 || errno != ESRCH; tick++) {
		if (alone && tick == GRACE_TICKS)
			kill(-1, SIGKILL);
		poll(NULL, 0, TICK_MS);
		reap();
	}
}

int
main(int argc, char **argv)
{
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN } };
	struct signalfd_siginfo si;
	sigset_t set;
	bool term = false, alone = false;

	/* The box's root may not trace us, nor open /proc/1/fd/0: who held the
	 * other end of our input could hide the monitor's end from us. */
	prctl(PR_SET_DUMPABLE, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p[1].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	p[1].events = POLLIN;
	if (p[1].fd == -1)
		return 1;
	fcntl(0, F_SETFD, FD_CLOEXEC);
	if (argc > 1)
		run_command(argv + 1);
	run_boot();
	while (!term && !alone) {
		if (poll(p, 2, -1) == -1)
			continue;
		while (read(p[1].fd, &si, sizeof si) == sizeof si)
			if (si.ssi_signo == SIGTERM)
				term = true;
		reap();
		/* Nothing is ever written there: readable means closed. */
		alone = p[0].revents != 0;
	}
	end_all(alone);
	return 0;
}
