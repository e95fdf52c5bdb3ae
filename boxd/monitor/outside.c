/* outside.c - see outside.h.
 *
 * Request: {"argv":[...],"env":[...],"at":[N,M],"keep":bool} with descriptors: the job's
 * socket, then those for at.  The job's socket gets {"status":N}.
 * SPDX-License-Identifier: Apache-2.0 */
#include "outside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "boxd/wire.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"

#define JOBS_MAX 16
#define ARGS_MAX 128

struct job {
	pid_t pid; /* 0: free */
	int sock; /* -1: nobody waits */
	bool keep;
};

/* Descriptors 3 and up are the child's own copies, so that putting one at
 * its number cannot hit another. */
static void
child_fds(const int *fds, const int *at)
{
	int high[2] = { -1, -1 };
	int null = open("/dev/null", O_RDONLY);

	for (int i = 0; i < 2; i++)
		if (fds[i] != -1)
			high[i] = fcntl(fds[i], F_DUPFD, 64);
	dup2(null, 0);
	dup2(2, 1); /* stdout is for results, and this is none */
	close_range(3, 63, 0);
	for (int i = 0; i < 2; i++)
		if (high[i] != -1)
			dup2(high[i], at[i]);
	close_range(64, ~0u, 0);
}

static pid_t
job_spawn(const json_t *req, const int *fds)
{
	const json_t *argv = json_object_get(req, "argv");
	const json_t *env = json_object_get(req, "env");
	const json_t *where = json_object_get(req, "at");
	const json_t *v;
	const char *args[ARGS_MAX + 1];
	int at[2];
	size_t i;
	pid_t pid;

	for (i = 0; i < json_array_size(argv) && i < ARGS_MAX; i++)
		args[i] = json_string_value(json_array_get(argv, i));
	args[i] = NULL;
	for (i = 0; i < 2; i++)
		at[i] = (int)json_integer_value(json_array_get(where, i));
	pid = fork();
	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		setsid();
		child_fds(fds, at);
		json_array_foreach(env, i, v)
		    putenv((char *)(uintptr_t)json_string_value(v));
		execvp(args[0], (char *const *)args);
		_exit(errno == ENOENT ? 127 : 126);
	}
	return pid;
}

static void
job_start(int hub, struct job *jobs)
{
	AUTO_JSON json_t *req = NULL;
	struct job *j = jobs;
	int fds[BOXD_WIRE_FDS];

	if (boxd_wire_recv(hub, &req, fds, NULL) != 1)
		_exit(0); /* the hub is gone */
	while (j < jobs + JOBS_MAX && j->pid != 0)
		j++;
	if (fds[0] != -1 && j < jobs + JOBS_MAX) {
		j->pid = job_spawn(req, fds + 1);
		j->keep = bindu_json_bool(req, "keep", 0);
		j->sock = fds[0];
		fds[0] = -1;
		if (j->pid == -1) { /* closing it is the answer */
			bindu_cleanup_close(&j->sock);
			j->pid = 0;
		}
	}
	for (int i = 0; i < BOXD_WIRE_FDS; i++)
		bindu_cleanup_close(&fds[i]);
}

static void
jobs_reap(struct job *jobs)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct job *j = jobs; j < jobs + JOBS_MAX; j++) {
			AUTO_JSON json_t *answer = NULL;

			if (j->pid != pid)
				continue;
			answer = json_pack("{s:i}", "status",
			    bindu_proc_exit(status));
			if (j->sock != -1)
				boxd_wire_send(j->sock, answer, NULL, 0, NULL);
			bindu_cleanup_close(&j->sock);
			*j = (struct job){ .sock = -1 };
		}
}

static void
job_dropped(struct job *j)
{
	bindu_cleanup_close(&j->sock);
	j->sock = -1;
	if (!j->keep)
		kill(-j->pid, SIGTERM);
}

static void
serve(int hub, int sig)
{
	struct job jobs[JOBS_MAX] = { 0 };

	for (;;) {
		struct pollfd p[2 + JOBS_MAX] = {
			{ .fd = hub, .events = POLLIN },
			{ .fd = sig, .events = POLLIN },
		};
		struct signalfd_siginfo si;

		for (int i = 0; i < JOBS_MAX; i++)
			p[2 + i].fd = jobs[i].pid ? jobs[i].sock : -1;
		if (poll(p, 2 + JOBS_MAX, -1) == -1 && errno != EINTR)
			_exit(71);
		if (p[1].revents && read(sig, &si, sizeof si) > 0)
			jobs_reap(jobs);
		for (int i = 0; i < JOBS_MAX; i++)
			if (p[2 + i].revents && jobs[i].pid &&
			    jobs[i].sock == p[2 + i].fd)
				job_dropped(&jobs[i]);
		if (p[0].revents)
			job_start(hub, jobs);
	}
}

/* With slirp4netns' sandbox goes what is mounted below a shared mount, as all
 * are under systemd: of the whole machine, /sys/fs/cgroup and /dev/pts too.
 * A slave hears of the machine's mounts and tells of none.  An ordinary
 * user's programs have no such power. */
static int
leave_mounts(void)
{
	if (geteuid() != 0)
		return 0;
	return unshare(CLONE_NEWNS) == -1 ||
		mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == -1 ?
	    -1 :
	    0;
}

int
outside_start(pid_t *child, struct bindu_err *err)
{
	int s[2];
	sigset_t set;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == -1)
		return bindu_err_sys(err, "cannot make a socket");
	pid = fork();
	if (pid == -1) {
		close(s[0]);
		close(s[1]);
		return bindu_err_sys(err, "cannot fork");
	}
	if (pid == 0) {
		prctl(PR_SET_NAME, "boxd-outside");
		if (leave_mounts() == -1)
			_exit(71);
		sigemptyset(&set);
		sigaddset(&set, SIGCHLD);
		sigprocmask(SIG_SETMASK, &set, NULL);
		signal(SIGPIPE, SIG_IGN);
		dup2(s[1], 3);
		close_range(4, ~0u, 0);
		serve(bindu_fd_cloexec(3, true) == 0 ? 3 : -1,
		    signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	}
	close(s[1]);
	*child = pid;
	return s[0];
}

int
outside_run(int outside, const char *const *argv, const char *const *env,
    const int fds[2], const int at[2], bool keep, struct bindu_err *err)
{
	AUTO_CLOSE int mine = -1, theirs = -1;
	AUTO_JSON json_t *req = json_pack("{s:[],s:[],s:[i,i],s:b}", "argv",
	    "env", "at", at[0], at[1], "keep", (int)keep);
	json_t *args = json_object_get(req, "argv");
	int send[3], s[2], n = 1;

	for (; *argv != NULL; argv++)
		json_array_append_new(args, json_string(*argv));
	args = json_object_get(req, "env");
	for (; env != NULL && *env != NULL; env++)
		json_array_append_new(args, json_string(*env));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == -1)
		return bindu_err_sys(err, "cannot make a socket");
	mine = s[0];
	theirs = send[0] = s[1];
	while (n < 3 && fds[n - 1] != -1) {
		send[n] = fds[n - 1];
		n++;
	}
	if (boxd_wire_send(outside, req, send, n, err) == -1)
		return -1;
	return bindu_steal_fd(&mine);
}

int
outside_wait(int job, int64_t timeout_ms, struct bindu_err *err)
{
	AUTO_JSON json_t *answer = NULL;
	struct pollfd p = { .fd = job, .events = POLLIN };
	int64_t end = bindu_clock_deadline(timeout_ms);
	int fds[BOXD_WIRE_FDS];
	int n;

	do {
		n = poll(&p, 1, bindu_clock_left(end));
	} while (n == -1 && errno == EINTR);
	if (n == 0)
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "a program did not end within %lld s",
		    (long long)timeout_ms / 1000);
	if (boxd_wire_recv(job, &answer, fds, err) != 1)
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "cannot start a program outside");
	return (int)bindu_json_int(answer, "status", 255);
}
