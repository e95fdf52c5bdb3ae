/* monitor_ops.c - requests about the box itself: see boxd/wire.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "abilities.h"
#include "exec.h"
#include "files.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "monitor_priv.h"

#define DIAL_MS 3000
#define GRACE_DEFAULT_MS 2000
#define GRACE_MAX_MS 60000

/* Answer and end of a request that needs no more. */
static void
finish(struct monitor *m, struct conn *c, json_t *answer)
{
	conn_send(c, answer, NULL, 0);
	conn_drop(m, c);
}

static void
refuse(struct monitor *m, struct conn *c, const struct bindu_err *e)
{
	finish(m, c, boxd_wire_error(e));
}

static void
op_stat(struct monitor *m, struct conn *c, const json_t *req)
{
	(void)req;
	finish(m, c,
	    json_pack("{s:b,s:s,s:i,s:i,s:I,s:I}", "ok", 1, "state",
		m->suspended ? "suspended" : "running", "init_pid",
		(int)m->init, "execs", (int)m->nexecs, "memory_bytes",
		(json_int_t)cgroup_memory(&m->cg), "started_at",
		(json_int_t)m->started_at));
}

static void
freeze(struct monitor *m, struct conn *c, bool on)
{
	int64_t from = bindu_clock_us();
	struct bindu_err e = { 0 };

	if (!m->cg.execs) {
		bindu_err_set(&e, BINDU_E_UNAVAILABLE, NO_SUSPEND);
		refuse(m, c, &e);
		return;
	}
	if (m->suspended != on && cgroup_freeze(&m->cg, on, &e) == -1) {
		refuse(m, c, &e);
		return;
	}
	m->suspended = on;
	finish(m, c,
	    json_pack("{s:b,s:I}", "ok", 1, "us",
		(json_int_t)(bindu_clock_us() - from)));
}

static void
op_suspend(struct monitor *m, struct conn *c, const json_t *req)
{
	(void)req;
	freeze(m, c, true);
}

static void
op_resume(struct monitor *m, struct conn *c, const json_t *req)
{
	(void)req;
	freeze(m, c, false);
}

static void
op_watch(struct monitor *m, struct conn *c, const json_t *req)
{
	(void)m;
	(void)req;
	c->watching = true;
}

/* Ask the box to end within grace_ms; init's death wakes the loop. */
void
ops_stop(struct monitor *m, int64_t grace_ms)
{
	if (m->suspended)
		cgroup_freeze(&m->cg, false, NULL);
	m->suspended = false;
	if (!m->stopping && grace_ms > 0 && m->init > 0)
		kill(m->init, SIGTERM);
	if (!m->stopping && m->env->rootful)
		exec_end_starting(m);
	m->stopping = true;
	m->kill_at = bindu_clock_deadline(grace_ms);
}

static void
op_stop(struct monitor *m, struct conn *c, const json_t *req)
{
	int64_t grace = bindu_json_int(req, "grace_ms", GRACE_DEFAULT_MS);

	c->stopping = true;
	ops_stop(m,
	    grace < 0		     ? 0 :
		grace > GRACE_MAX_MS ? GRACE_MAX_MS :
				       grace);
}

/* A socket of the box's network; -1 sets errno. */
static int
box_socket(struct monitor *m, int family)
{
	int fd, saved;

	if (setns(m->init_pidfd, CLONE_NEWNET) == -1)
		return -1;
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	saved = errno;
	if (setns(m->home_netns, CLONE_NEWNET) == -1)
		abort(); /* never go on in the box's network */
	errno = saved;
	return fd;
}

/* Start connecting to the box's own loopback: 0, or -1 with errno, which is
 * EINPROGRESS while it is under way. */
static int
dial(struct monitor *m, struct conn *c)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET,
		.sin_port = htons(c->dial_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(c->dial_port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	c->dial.fd = box_socket(m, c->dial_v6 ? AF_INET6 : AF_INET);
	if (c->dial.fd == -1)
		return -1;
	if (c->dial_v6)
		return connect(c->dial.fd, (struct sockaddr *)&a6, sizeof a6);
	return connect(c->dial.fd, (struct sockaddr *)&a4, sizeof a4);
}

static void
dial_done(struct monitor *m, struct conn *c, int errnum)
{
	struct bindu_err e = { 0 };

	if (errnum == 0) {
		conn_send(c, json_pack("{s:b}", "ok", 1), &c->dial.fd, 1);
		conn_drop(m, c);
		return;
	}
	bindu_err_set(&e, BINDU_E_AGAIN,
	    "nothing answers on port %d of box %s yet: %s", c->dial_port,
	    m->name, strerror(errnum));
	refuse(m, c, &e);
}

static void on_dial(struct monitor *, struct watch *);

/* IPv4 first, IPv6 when that is refused. */
static void
dial_next(struct monitor *m, struct conn *c)
{
	for (;;) {
		if (dial(m, c) == 0) {
			dial_done(m, c, 0);
			return;
		}
		if (errno == EINPROGRESS) {
			c->dial.fn = on_dial;
			if (loop_add(m, &c->dial, true, NULL) == -1)
				dial_done(m, c, errno);
			return;
		}
		if (c->dial_v6 || errno != ECONNREFUSED) {
			dial_done(m, c, errno);
			return;
		}
		loop_del(m, &c->dial);
		c->dial_v6 = true;
	}
}

static void
on_dial(struct monitor *m, struct watch *w)
{
	struct conn *c =
	    (struct conn *)(void *)((char *)w - offsetof(struct conn, dial));
	socklen_t len = sizeof(int);
	int errnum = 0;

	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &errnum, &len) == -1)
		errnum = errno;
	dial_done(m, c, errnum);
}

static void
op_connect(struct monitor *m, struct conn *c, const json_t *req)
{
	int64_t port = bindu_json_int(req, "port", 0);
	struct bindu_err e = { 0 };

	if (port < 1 || port > 65535) {
		bindu_err_set(&e, BINDU_E_DATA, "no port is numbered %lld",
		    (long long)port);
		refuse(m, c, &e);
		return;
	}
	if (m->suspended) {
		bindu_err_set(&e, BINDU_E_AGAIN,
		    "box %s is suspended; resume it first", m->name);
		refuse(m, c, &e);
		return;
	}
	c->dial_port = (uint16_t)port;
	c->dial_until = bindu_clock_deadline(DIAL_MS);
	dial_next(m, c);
}

static const struct {
	const char *name;
	void (*fn)(struct monitor *, struct conn *, const json_t *);
} ops[] = {
	{ "stat", op_stat },
	{ "exec", exec_start },
	{ "put", files_put },
	{ "get", files_get },
	{ "connect", op_connect },
	{ "suspend", op_suspend },
	{ "resume", op_resume },
	{ "stop", op_stop },
	{ "watch", op_watch },
};

void
ops_dispatch(struct monitor *m, struct conn *c, const json_t *req)
{
	const char *op = bindu_json_str(req, "op");
	struct bindu_err e = { 0 };

	for (size_t i = 0; op && i < sizeof ops / sizeof *ops; i++)
		if (!strcmp(op, ops[i].name)) {
			ops[i].fn(m, c, req);
			return;
		}
	bindu_err_set(&e, BINDU_E_PROTOCOL, "unknown op %s",
	    op ? op : "(none)");
	refuse(m, c, &e);
}

int
ops_tick(struct monitor *m)
{
	int left = -1;

	for (struct conn *c = m->conns; c; c = c->next) {
		int ms;

		if (c->dead || c->dial.fd == -1)
			continue;
		ms = bindu_clock_left(c->dial_until);
		if (ms == 0)
			dial_done(m, c, ETIMEDOUT);
		else if (left == -1 || ms < left)
			left = ms;
	}
	if (m->stopping && m->init > 0) {
		int ms = bindu_clock_left(m->kill_at);

		if (ms == 0) {
			/* The kernel ends the rest of a pid namespace. */
			kill(m->init, SIGKILL);
			m->kill_at = INT64_MAX;
		} else if (m->kill_at != INT64_MAX &&
		    (left == -1 || ms < left)) {
			left = ms;
		}
	}
	return left;
}
