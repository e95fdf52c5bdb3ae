/* proc.c - see proc.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "buf.h"
#include "clock.h"
#include "fd.h"
#include "mem.h"
#include "proc.h"

/* dup2 onto 0..2 in any order is safe only when the sources lie above. */
static int
lift(int fd, int *copy)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	*copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return *copy;
}

static int
set_attributes(posix_spawnattr_t *attr, const struct bindu_proc_opts *o)
{
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t set;

	/* The child starts with no signal blocked, SIGPIPE as usual: what we
	 * need for ourselves is no business of its. */
	sigemptyset(&set);
	posix_spawnattr_setsigmask(attr, &set);
	sigaddset(&set, SIGPIPE);
	posix_spawnattr_setsigdefault(attr, &set);
	if (o->own_session)
		flags |= POSIX_SPAWN_SETSID;
	return posix_spawnattr_setflags(attr, flags);
}

static int
set_actions(posix_spawn_file_actions_t *acts, const struct bindu_proc_opts *o,
    int copies[3])
{
	const int want[3] = { o->in, o->out, o->err };
	int rc = 0;

	if (o->in == -1)
		rc = posix_spawn_file_actions_addopen(acts, STDIN_FILENO,
		    "/dev/null", O_RDONLY, 0);
	for (int i = 0; rc == 0 && i < 3; i++) {
		int from = lift(want[i], &copies[i]);

		if (want[i] == -1)
			continue;
		if (from == -1)
			return errno;
		rc = posix_spawn_file_actions_adddup2(acts, from, i);
	}
	/* dup2 onto itself in a spawn only clears close-on-exec. */
	if (rc == 0 && o->keep_fd != -1)
		rc = posix_spawn_file_actions_adddup2(acts, o->keep_fd,
		    o->keep_fd);
	if (rc == 0 && o->cwd != NULL)
		rc = posix_spawn_file_actions_addchdir_np(acts, o->cwd);
	return rc;
}

pid_t
bindu_proc_spawn(const struct bindu_proc_opts *o, struct bindu_err *err)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	int copies[3] = { -1, -1, -1 }, rc;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&acts);
	posix_spawnattr_init(&attr);
	rc = set_attributes(&attr, o);
	if (rc == 0)
		rc = set_actions(&acts, o, copies);
	if (rc == 0)
		rc = posix_spawnp(&pid, o->argv[0], &acts, &attr,
		    (char *const *)o->argv,
		    o->env != NULL ? (char *const *)o->env : environ);
	for (int i = 0; i < 3; i++)
		bindu_cleanup_close(&copies[i]);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&acts);
	if (rc == 0)
		return pid;
	errno = rc;
	bindu_err_sys(err, "cannot run %s", o->argv[0]);
	return -1;
}

static int
open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int
reap(pid_t pid, int flags, int *status, struct bindu_err *err)
{
	pid_t r;

	do
		r = waitpid(pid, status, flags);
	while (r == -1 && errno == EINTR);
	if (r == -1)
		return bindu_err_sys(err, "cannot wait for process %d",
		    (int)pid);
	return r == 0;
}

int
bindu_proc_wait(pid_t pid, int64_t timeout_ms, int *status,
    struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(timeout_ms);
	AUTO_CLOSE int fd = -1;
	struct pollfd p;
	int ignored;

	if (status == NULL)
		status = &ignored;
	if (timeout_ms < 0)
		return reap(pid, 0, status, err);
	fd = open_pidfd(pid);
	for (;;) {
		int r = reap(pid, WNOHANG, status, err);

		if (r != 1 || bindu_clock_left(deadline) == 0)
			return r;
		p = (struct pollfd){ .fd = fd, .events = POLLIN };
		/* Without pidfds (before Linux 5.3) look every 10 ms. */
		poll(&p, fd != -1, fd != -1 ? bindu_clock_left(deadline) : 10);
	}
}

int
bindu_proc_exit(int status)
{
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

void
bindu_proc_stop(pid_t pid, bool group, int64_t grace_ms)
{
	pid_t to = group ? -pid : pid;

	kill(to, SIGTERM);
	kill(to, SIGCONT);
	if (bindu_proc_wait(pid, grace_ms, NULL, NULL) == 0 && !group)
		return;
	/* The leader may be gone and its children not. */
	kill(to, SIGKILL);
	bindu_proc_wait(pid, -1, NULL, NULL);
}

/* One child whose stdout and stderr we read. */
struct capture {
	struct bindu_buf out;
	char tail[1024]; /* the end of its stderr */
	size_t ntail;
	int fds[2]; /* stdout, stderr; -1 once ended */
};

static void
keep_tail(struct capture *c, const char *p, size_t n)
{
	if (n >= sizeof c->tail) {
		p += n - sizeof c->tail;
		n = sizeof c->tail;
		c->ntail = 0;
	} else if (c->ntail + n > sizeof c->tail) {
		size_t cut = c->ntail + n - sizeof c->tail;

		memmove(c->tail, c->tail + cut, c->ntail - cut);
		c->ntail -= cut;
	}
	memcpy(c->tail + c->ntail, p, n);
	c->ntail += n;
}

/* Read what fds[i] has now; 1 when it had something. */
static int
take(struct capture *c, int i, struct bindu_err *err)
{
	char block[4096];
	ssize_t n;

	if (c->fds[i] == -1)
		return 0;
	n = read(c->fds[i], block, sizeof block);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		bindu_cleanup_close(&c->fds[i]);
		c->fds[i] = -1;
		return 0;
	}
	if (i == 1)
		keep_tail(c, block, (size_t)n);
	else if (bindu_buf_add(&c->out, block, (size_t)n, err) == -1)
		return -1;
	return 1;
}

/* Until both streams end or the child does: a grandchild may keep a stream
 * open for as long as it likes. */
static int
pump(struct capture *c, pid_t pid, int64_t deadline, struct bindu_err *err)
{
	AUTO_CLOSE int pidfd = open_pidfd(pid);
	bool ended = false;

	while ((c->fds[0] != -1 || c->fds[1] != -1) && !ended) {
		struct pollfd p[3] = {
			{ .fd = c->fds[0], .events = POLLIN },
			{ .fd = c->fds[1], .events = POLLIN },
			{ .fd = pidfd, .events = POLLIN },
		};
		int n = poll(p, 3, bindu_clock_left(deadline));

		if (n == 0)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "did not end in time");
		ended = p[2].revents != 0;
		for (int i = 0; i < 2; i++) {
			int r = 0;

			if (n > 0 && (p[i].revents != 0 || ended)) {
				do
					r = take(c, i, err);
				while (r == 1 && ended);
			}
			if (r == -1)
				return -1;
		}
	}
	return 0;
}

static const char *
last_line(struct capture *c)
{
	size_t n = c->ntail < sizeof c->tail ? c->ntail : sizeof c->tail - 1;
	char *nl;

	c->tail[n] = '\0';
	while (n > 0 && c->tail[n - 1] == '\n')
		c->tail[--n] = '\0';
	nl = strrchr(c->tail, '\n');
	return nl != NULL ? nl + 1 : c->tail;
}

static int
finish(struct capture *c, pid_t pid, int64_t deadline, const char *name,
    struct bindu_err *err)
{
	int status = 0, r, left = bindu_clock_left(deadline);

	r = bindu_proc_wait(pid, left, &status, err);
	if (r == -1)
		return -1;
	if (r == 1) {
		bindu_proc_stop(pid, false, 500);
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "%s did not end in time", name);
	}
	if (status == 0)
		return 0;
	return bindu_err_set(err, BINDU_E_NO, "%s ended with status %d%s%s",
	    name, bindu_proc_exit(status), c->ntail != 0 ? ": " : "",
	    last_line(c));
}

int
bindu_proc_capture(const struct bindu_proc_opts *opts, int64_t timeout_ms,
    size_t max, char **out, struct bindu_err *err)
{
	struct capture c = { .out = BINDU_BUF_INIT(max), .fds = { -1, -1 } };
	int64_t deadline = bindu_clock_deadline(timeout_ms);
	struct bindu_proc_opts o = *opts;
	int po[2], pe[2], r;
	pid_t pid;

	if (pipe2(po, O_CLOEXEC) == -1)
		return bindu_err_sys(err, "cannot make a pipe");
	if (pipe2(pe, O_CLOEXEC) == -1) {
		close(po[0]);
		close(po[1]);
		return bindu_err_sys(err, "cannot make a pipe");
	}
	c.fds[0] = po[0];
	c.fds[1] = pe[0];
	o.out = po[1];
	if (o.err == -1)
		o.err = pe[1];
	bindu_fd_nonblock(c.fds[0], true);
	bindu_fd_nonblock(c.fds[1], true);
	pid = bindu_proc_spawn(&o, err);
	close(po[1]);
	close(pe[1]);
	r = pid == -1 ? -1 : pump(&c, pid, deadline, err);
	if (r == -1 && pid != -1) {
		bindu_proc_stop(pid, o.own_session, 500);
		bindu_err_wrap(err, "%s", o.argv[0]);
	} else if (r == 0) {
		r = finish(&c, pid, deadline, o.argv[0], err);
	}
	bindu_cleanup_close(&c.fds[0]);
	bindu_cleanup_close(&c.fds[1]);
	if (r == 0 && out != NULL)
		*out = bindu_buf_steal(&c.out);
	bindu_buf_fini(&c.out);
	return r;
}
