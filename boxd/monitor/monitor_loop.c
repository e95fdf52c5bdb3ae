/* monitor_loop.c - epoll, connections, signals, the console's log.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "exec.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "monitor_priv.h"

#define CONNS_MAX (2 * EXEC_MAX)
#define CONSOLE_MAX (4 << 20) /* of each of console.log and .1 */
#define CONSOLE_BLOCK (64 * 1024)

int
loop_add(struct monitor *m, struct watch *w, bool out, struct bindu_err *err)
{
	struct epoll_event ev = { .events = out ? EPOLLOUT : EPOLLIN,
		.data.ptr = w };

	if (epoll_ctl(m->epfd, EPOLL_CTL_ADD, w->fd, &ev) == -1)
		return bindu_err_sys(err, "cannot watch a descriptor");
	return 0;
}

void
loop_del(struct monitor *m, struct watch *w)
{
	if (w->fd == -1)
		return;
	epoll_ctl(m->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	close(w->fd);
	w->fd = -1;
}

/* A peer that is gone shows on the next read of its connection. */
void
conn_send(struct conn *c, json_t *msg, const int *fds, int nfds)
{
	boxd_wire_send(c->w.fd, msg, fds, nfds, NULL);
	json_decref(msg);
}

void
conn_fail(struct conn *c, const struct bindu_err *e)
{
	conn_send(c, boxd_wire_error(e), NULL, 0);
}

/* Its memory stays until the event that is being handled is over. */
void
conn_drop(struct monitor *m, struct conn *c)
{
	if (c->dead)
		return;
	c->dead = true;
	loop_del(m, &c->w);
	loop_del(m, &c->dial);
	if (c->exec)
		exec_cancel(m, c->exec);
	c->exec = NULL;
}

static void
sweep_conns(struct monitor *m)
{
	struct conn **p = &m->conns;

	while (*p) {
		struct conn *c = *p;

		if (!c->dead) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		free(c);
		m->nconns--;
	}
}

static void
on_message(struct monitor *m, struct watch *w)
{
	struct conn *c =
	    (struct conn *)(void *)((char *)w - offsetof(struct conn, w));
	int fds[BOXD_WIRE_FDS], rc;
	struct bindu_err e = { 0 };
	AUTO_JSON json_t *msg = NULL;

	rc = boxd_wire_recv(w->fd, &msg, fds, &e);
	if (rc == -1 && e.code == BINDU_E_AGAIN)
		return;
	if (rc == 1) {
		for (int i = 0; i < BOXD_WIRE_FDS; i++)
			if (fds[i] != -1)
				close(fds[i]);
		if (!c->asked) {
			c->asked = true;
			ops_dispatch(m, c, msg);
		} else if (c->exec) {
			exec_control(m, c->exec, msg);
		}
		return;
	}
	if (rc == -1)
		conn_fail(c, &e);
	conn_drop(m, c);
}

static void
on_connection(struct monitor *m, struct watch *w)
{
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct conn *c;

	if (fd == -1)
		return;
	if (m->nconns >= CONNS_MAX) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof *c);
	c->w.fd = fd;
	c->w.fn = on_message;
	c->dial.fd = -1;
	c->next = m->conns;
	m->conns = c;
	m->nconns++;
	if (loop_add(m, &c->w, false, NULL) == -1)
		conn_drop(m, c);
}

static void
end_of_init(struct monitor *m, int st)
{
	m->init = 0;
	m->ended = true;
	m->end_code = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	if (m->stopping)
		m->end_reason = "stopped";
	else if (m->cg.execs && cgroup_oom(&m->cg))
		m->end_reason = "out of memory";
	else
		m->end_reason = WIFSIGNALED(st) ? "its init was killed" :
						  "its init ended";
}

void
loop_reap(struct monitor *m)
{
	pid_t pid;
	int st;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0)
		if (pid == m->init)
			end_of_init(m, st);
		else
			exec_reaped(m, pid, st);
}

static void
on_signal(struct monitor *m, struct watch *w)
{
	struct signalfd_siginfo si;

	while (read(w->fd, &si, sizeof si) == sizeof si)
		if (si.ssi_signo == SIGTERM)
			ops_stop(m, 0);
	loop_reap(m);
}

/* What init and its command print, in two files of bounded size. */
static void
on_console(struct monitor *m, struct watch *w)
{
	static char block[CONSOLE_BLOCK];
	ssize_t n = read(w->fd, block, sizeof block);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		loop_del(m, w);
		return;
	}
	if (m->console_log == -1 || m->console_len + n > CONSOLE_MAX) {
		renameat(m->dirfd, "console.log", m->dirfd, "console.log.1");
		if (m->console_log != -1)
			close(m->console_log);
		m->console_log = openat(m->dirfd, "console.log",
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		m->console_len = 0;
	}
	/* A full disk loses lines, not the box. */
	if (m->console_log != -1 &&
	    bindu_fd_write(m->console_log, block, (size_t)n) == 0)
		m->console_len += n;
}

static int
open_signals(struct monitor *m, struct bindu_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	m->signals.fn = on_signal;
	m->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals.fd == -1)
		return bindu_err_sys(err, "cannot make a signal descriptor");
	return loop_add(m, &m->signals, false, err);
}

int
loop_open(struct monitor *m, struct bindu_err *err)
{
	AUTO_FREE char *path = xasprintf("%s/monitor.sock", m->dir);

	m->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (m->epfd == -1)
		return bindu_err_sys(err, "cannot make an epoll descriptor");
	m->listener.fn = on_connection;
	m->listener.fd = bindu_fd_unix_listen(path, SOCK_SEQPACKET, 0600, err);
	if (m->listener.fd == -1)
		return -1;
	bindu_fd_nonblock(m->listener.fd, true);
	m->console.fn = on_console;
	bindu_fd_nonblock(m->console.fd, true);
	m->console_log = openat(m->dirfd, "console.log",
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (m->console_log == -1)
		return bindu_err_sys(err, "cannot open %s/console.log", m->dir);
	m->console_len = lseek(m->console_log, 0, SEEK_END);
	if (loop_add(m, &m->listener, false, err) == -1 ||
	    loop_add(m, &m->console, false, err) == -1)
		return -1;
	return open_signals(m, err);
}

/* The shorter of two waits in ms, -1 is none. */
static int
sooner(int a, int b)
{
	return a == -1 ? b : b == -1 ? a : a < b ? a : b;
}

void
loop_run(struct monitor *m)
{
	struct epoll_event ev;

	while (!m->ended) {
		int left = sooner(exec_tick(m), ops_tick(m));

		/* One at a time: what it drops is no later event's. */
		if (epoll_wait(m->epfd, &ev, 1, left) == 1) {
			struct watch *w = ev.data.ptr;

			w->fn(m, w);
		}
		sweep_conns(m);
	}
}

void
loop_close(struct monitor *m)
{
	for (struct conn *c = m->conns; c; c = c->next)
		conn_drop(m, c);
	sweep_conns(m);
	loop_del(m, &m->listener);
	loop_del(m, &m->console);
	loop_del(m, &m->signals);
	if (m->console_log != -1)
		close(m->console_log);
	if (m->epfd != -1)
		close(m->epfd);
}
