/* exec_spawn.c - a new process of the box, up to the point where its own
 * function runs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "exec.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

/* In the child.  Descriptors are moved out of the way first: any of them may
 * be 0..3 already. */
static _Noreturn void
run_child(const struct monitor *m, const struct exec *x, int status,
    const int io[3], void (*fn)(const struct monitor *, const void *),
    const void *arg)
{
	int from[4] = { io[0], io[1], io[2], status };
	sigset_t none;

	for (int i = 0; i < 4; i++)
		if (from[i] != -1)
			from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 10);
	if (dup2(from[3], EXEC_STATUS_FD) == -1)
		_exit(125);
	fcntl(EXEC_STATUS_FD, F_SETFD, FD_CLOEXEC);
	if (exec_enter(m, x) == -1)
		exec_die(BINDU_E_SYSTEM, 125, "cannot enter the box: %s",
		    strerror(errno));
	for (int i = 0; i < 3; i++) {
		if (from[i] == -1)
			from[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (dup2(from[i], i) == -1)
			exec_die(BINDU_E_SYSTEM, 125,
			    "cannot open /dev/null in the box: %s",
			    strerror(errno));
	}
	/* Really closed, not at exec: a working directory such as
	 * /proc/self/fd/7 must not lead back to the host. */
	close_range(EXEC_STATUS_FD + 1, ~0u, 0);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fn(m, arg);
	_exit(125);
}

/* For a monitor that may not return to its pid namespace, because an ordinary
 * user does not own that: a child goes there and makes a sibling of itself,
 * which is a child of ours. */
static pid_t
fork_sibling(struct monitor *m)
{
	int p[2];
	pid_t mid, pid = -1;

	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	mid = fork();
	if (mid == 0) {
		if (setns(m->init_pidfd, CLONE_NEWPID) == 0)
			pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD,
			    NULL, NULL, NULL, NULL);
		if (pid == 0)
			return 0;
		if (bindu_fd_write(p[1], &pid, sizeof pid) == -1)
			_exit(1);
		_exit(0);
	}
	close(p[1]);
	if (mid > 0) {
		if (bindu_fd_read(p[0], &pid, sizeof pid) != sizeof pid)
			pid = -1;
		waitpid(mid, NULL, 0);
		errno = EPERM;
	}
	close(p[0]);
	return pid;
}

/* fork(), born in the control group cgroup unless that is -1. */
static pid_t
fork_in_group(int cgroup)
{
	struct clone_args a = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup,
	};

	return cgroup == -1 ? fork() : (pid_t)syscall(SYS_clone3, &a, sizeof a);
}

/* Fork into the box's pid namespace and come back. */
static pid_t
fork_into(struct monitor *m, int cgroup)
{
	pid_t pid;
	int saved;

	if (!m->env->rootful)
		return fork_sibling(m);
	if (setns(m->init_pidfd, CLONE_NEWPID) == -1)
		return -1;
	pid = fork_in_group(cgroup);
	if (pid == 0)
		return 0;
	saved = errno;
	if (setns(m->home_pidns, CLONE_NEWPID) == -1)
		abort(); /* every later child would be the box's */
	errno = saved;
	return pid;
}

static void
close_io(const int io[3])
{
	for (int i = 0; i < 3; i++)
		if (io[i] != -1)
			close(io[i]);
}

static struct exec *
exec_new(struct monitor *m, struct conn *c, int status)
{
	struct exec *x = xcalloc(1, sizeof *x);

	x->id = ++m->exec_serial;
	x->conn = c;
	x->pty = x->cgroup = -1;
	for (int i = 0; i < BOXD_WIRE_FDS; i++)
		x->give[i] = -1;
	x->status.fd = status;
	x->status.fn = exec_on_status;
	x->next = m->execs;
	m->execs = x;
	m->nexecs++;
	c->exec = x;
	return x;
}

static int
check_spawn(const struct monitor *m, struct bindu_err *err)
{
	if (m->suspended)
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "box %s is suspended; resume it first", m->name);
	if (m->init == 0 || m->stopping)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "box %s is stopping", m->name);
	if (m->nexecs >= EXEC_MAX)
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "box %s already runs %d commands", m->name, EXEC_MAX);
	return 0;
}

static int
make_group(const struct monitor *m, struct exec *x, struct bindu_err *err)
{
	if (!m->cg.execs)
		return 0;
	if (cgroup_exec_make(&m->cg, x->id, err) == -1)
		return -1;
	x->cgroup = cgroup_exec_open(&m->cg, x->id);
	return 0;
}

struct exec *
exec_spawn(struct monitor *m, struct conn *c, const int io[3],
    void (*fn)(const struct monitor *, const void *), const void *arg,
    struct bindu_err *err)
{
	struct exec *x = NULL;
	int pair[2] = { -1, -1 };

	if (check_spawn(m, err) == -1) {
		close_io(io);
		return NULL;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, pair) == -1) {
		bindu_err_sys(err, "cannot make a socket");
		close_io(io);
		return NULL;
	}
	x = exec_new(m, c, pair[0]);
	if (make_group(m, x, err) == -1 ||
	    loop_add(m, &x->status, false, err) == -1)
		x->failed = true;
	else if ((x->pid = fork_into(m, x->cgroup)) == 0)
		run_child(m, x, pair[1], io, fn, arg);
	else if (x->pid == -1)
		x->failed = bindu_err_sys(err, "cannot fork into the box");
	close(pair[1]);
	close_io(io);
	bindu_cleanup_close(&x->cgroup);
	x->cgroup = -1;
	if (!x->failed)
		return x;
	x->pid = 0;
	if (m->cg.execs)
		cgroup_exec_gone(&m->cg, x->id);
	exec_free(m, x);
	return NULL;
}
