/* exec.c - see exec.h: the monitor's side.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define POLL_MS 20 /* groups that are emptying */

void
exec_free(struct monitor *m, struct exec *x)
{
	struct exec **p = &m->execs;

	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	m->nexecs--;
	if (x->conn)
		x->conn->exec = NULL;
	loop_del(m, &x->status);
	for (int i = 0; i < BOXD_WIRE_FDS; i++)
		if (x->give[i] != -1)
			close(x->give[i]);
	if (x->pty != -1)
		close(x->pty);
	free(x);
}

static void
answer_failed(struct exec *x, const struct exec_note *note)
{
	struct bindu_err e = { 0 };
	json_t *o;

	bindu_err_set(&e, note->code, "%.*s", (int)sizeof note->text - 1,
	    note->text);
	o = boxd_wire_error(&e);
	if (!x->file)
		bindu_json_set_int(o, "exit", note->exit);
	conn_send(x->conn, o, NULL, 0);
}

static void
answer_started(struct exec *x, int64_t size)
{
	json_t *o = json_pack("{s:b}", "ok", 1);

	if (!x->file) {
		bindu_json_set_int(o, "exec", x->id);
		bindu_json_set_int(o, "pid", x->pid);
	} else if (size >= 0) {
		bindu_json_set_int(o, "size", size);
	}
	conn_send(x->conn, o, x->give, x->ngive);
}

static void
drop_given(struct exec *x)
{
	for (int i = 0; i < x->ngive; i++) {
		if (x->give[i] != -1)
			close(x->give[i]);
		x->give[i] = -1;
	}
	x->ngive = 0;
}

static void
take_note(struct exec *x, const struct exec_note *note, int fd)
{
	switch (note->kind) {
	case NOTE_PTY:
		x->pty = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		x->give[0] = fd;
		x->ngive = 1;
		return;
	case NOTE_FAIL:
		x->failed = true;
		if (x->conn)
			answer_failed(x, note);
		break;
	case NOTE_READY:
		if (x->conn)
			answer_started(x, note->bytes);
		break;
	case NOTE_DONE:
		x->done = true;
		x->bytes = note->bytes;
		break;
	}
	x->answered = true;
	drop_given(x);
	if (fd != -1)
		close(fd);
}

/* 1 a note, 0 nothing more now, -1 the child's end is closed. */
static int
recv_note(int sock, struct exec_note *note, int *fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec iov = { .iov_base = note, .iov_len = sizeof *note };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.room,
		.msg_controllen = sizeof ctl.room };
	struct cmsghdr *c;
	ssize_t n;

	*fd = -1;
	/* A child that ended with a size of ours unread is told of as an
	 * error, once, and before what it had said. */
	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == ECONNRESET);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c = n > 0 ? CMSG_FIRSTHDR(&mh) : NULL;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof *fd);
	return n == sizeof *note ? 1 : -1;
}

void
exec_on_status(struct monitor *m, struct watch *w)
{
	struct exec *x =
	    (struct exec *)(void *)((char *)w - offsetof(struct exec, status));
	struct exec_note note;
	int fd, rc;

	while ((rc = recv_note(w->fd, &note, &fd)) == 1) {
		note.text[sizeof note.text - 1] = '\0';
		take_note(x, &note, fd);
	}
	if (rc == 0)
		return;
	/* Closed by a successful execve, or by the child's end. */
	loop_del(m, w);
	if (!x->answered && !x->file) {
		x->answered = true;
		if (x->conn)
			answer_started(x, -1);
	}
	drop_given(x);
}

static void
signal_all(struct monitor *m, struct exec *x, int sig)
{
	if (m->cg.execs) {
		cgroup_signal(&m->cg, x->id, sig);
	} else if (x->pid != 0) {
		/* A command's keeper stays until the rest is gone. */
		kill(x->pid, x->file ? sig : SIGUSR1);
		exec_tree_signal(x->pid, sig);
	}
}

static bool
all_gone(struct monitor *m, struct exec *x)
{
	return x->pid == 0 && (!m->cg.execs || cgroup_exec_gone(&m->cg, x->id));
}

void
exec_cancel(struct monitor *m, struct exec *x)
{
	x->conn = NULL;
	drop_given(x);
	/* A transfer that waits for its size waits no more. */
	loop_del(m, &x->status);
	/* Frozen processes act on it when the box is resumed. */
	signal_all(m, x, SIGTERM);
	x->ending = true;
	x->kill_at = bindu_clock_deadline(EXEC_GRACE_MS);
}

void
exec_end_starting(struct monitor *m)
{
	for (struct exec *x = m->execs; x; x = x->next)
		if (x->pid > 0 && !x->answered)
			kill(x->pid, SIGTERM);
}

static void
send_end(struct monitor *m, struct exec *x)
{
	struct bindu_err e = { 0 };

	if (x->file && !x->done && !x->failed) {
		bindu_err_set(&e, BINDU_E_IO, "the transfer ended early");
		conn_fail(x->conn, &e);
	} else if (!x->failed) {
		conn_send(x->conn,
		    x->file ? json_pack("{s:s,s:I}", "event", "exit", "bytes",
				  (json_int_t)x->bytes) :
			      json_pack("{s:s,s:i}", "event", "exit", "code",
				  x->code),
		    NULL, 0);
	}
	x->conn->exec = NULL;
	conn_drop(m, x->conn);
	x->conn = NULL;
}

bool
exec_reaped(struct monitor *m, pid_t pid, int st)
{
	struct exec *x = m->execs;

	while (x && x->pid != pid)
		x = x->next;
	if (!x)
		return false;
	/* What it said last comes first. */
	if (x->status.fd != -1)
		exec_on_status(m, &x->status);
	x->pid = 0;
	x->code = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	if (x->conn)
		send_end(m, x);
	if (!all_gone(m, x) && !x->ending)
		cgroup_exec_adopt(&m->cg, x->id);
	if (all_gone(m, x))
		exec_free(m, x);
	return true;
}

int
exec_tick(struct monitor *m)
{
	struct exec *x, *next;
	int left = -1;

	for (x = m->execs; x; x = next) {
		next = x->next;
		if (x->conn || (x->pid != 0 && !x->ending))
			continue;
		if (all_gone(m, x)) {
			exec_free(m, x);
			continue;
		}
		if (x->ending && bindu_clock_left(x->kill_at) == 0 &&
		    !m->suspended)
			signal_all(m, x, SIGKILL);
		else if (!x->ending)
			cgroup_exec_adopt(&m->cg, x->id);
		if (!m->suspended) /* nothing moves before the resume */
			left = POLL_MS;
	}
	return left;
}

void
exec_free_all(struct monitor *m)
{
	while (m->execs) {
		struct exec *x = m->execs;

		if (x->pid != 0)
			x->code = 128 + SIGKILL;
		if (x->conn)
			send_end(m, x);
		if (m->cg.execs)
			cgroup_exec_gone(&m->cg, x->id);
		exec_free(m, x);
	}
}
