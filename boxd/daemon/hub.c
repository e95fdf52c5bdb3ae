/* hub.c - start the hub process when needed and ask it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"

#define START_MS 30000 /* a hub that has not answered by then is broken */
#define RETRY_MS 10
#define ANSWER_MS 120000

struct hub_req {
	struct hub *hub;
	json_t *request; /* until it is sent */
	ask_fn *fn;
	void *ctx;
	struct ask *ask;
	struct loop_timer *retry;
	int64_t began, deadline;
};

struct hub {
	struct boxd *d;
	char *sock;
	pid_t pid; /* the child we started, or 0 */
	int pidfd;
	int64_t died; /* when a child of ours last did */
	struct loop_src *src;
	struct hub_req *ping;
	json_t *facts;
	bool met; /* the first ping is answered or failed */
};

static void
on_ping(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct hub *h = ctx;

	(void)a;
	(void)fds;
	if (err)
		bindu_log(BINDU_WARN, "hub: %s", err->msg);
	if (!err) {
		json_decref(h->facts);
		h->facts = json_incref((json_t *)msg);
	}
	hub_drop(&h->ping);
	if (!h->met) {
		h->met = true;
		boxd_answered(h->d);
	}
}

static void
ping(struct hub *h)
{
	if (!h->ping)
		h->ping =
		    hub_ask(h, json_pack("{ss}", "op", "ping"), on_ping, h);
}

static void
on_child(void *arg, uint32_t events)
{
	struct hub *h = arg;
	int status = 0;

	(void)events;
	if (waitpid(h->pid, &status, WNOHANG) <= 0)
		return;
	bindu_log(status ? BINDU_WARN : BINDU_INFO, "hub %d ended, status %d",
	    (int)h->pid, bindu_proc_exit(status));
	h->pid = 0;
	h->died = bindu_clock_ms();
	loop_unwatch(&h->src);
	close(h->pidfd);
	h->pidfd = -1;
}

static int
spawn(struct hub *h, struct bindu_err *err)
{
	AUTO_FREE char *prog = bindu_config_libexec("boxd-monitor");
	const char *argv[] = { prog, "hub", h->d->state, NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	AUTO_CLOSE int log = openat(h->d->state_fd, "hub.log",
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (log == -1)
		return bindu_err_sys(err, "cannot open %s/hub.log",
		    h->d->state);
	o.argv = argv;
	o.cwd = "/";
	o.out = o.err = log;
	o.own_session = true;
	h->pid = bindu_proc_spawn(&o, err);
	if (h->pid == -1) {
		h->pid = 0;
		return -1;
	}
	h->pidfd = (int)syscall(SYS_pidfd_open, h->pid, 0);
	if (h->pidfd != -1) {
		fcntl(h->pidfd, F_SETFD, FD_CLOEXEC);
		h->src = loop_watch(h->d->loop, h->pidfd, EPOLLIN, on_child, h);
	}
	ping(h);
	return 0;
}

struct hub *
hub_new(struct boxd *d)
{
	struct hub *h = xcalloc(1, sizeof *h);

	h->d = d;
	h->pidfd = -1;
	h->died = -1;
	h->sock = xasprintf("%s/hub.sock", d->state);
	d->adopting++;
	ping(h);
	return h;
}

void
hub_free(struct hub *h)
{
	if (!h)
		return;
	hub_drop(&h->ping);
	loop_unwatch(&h->src);
	if (h->pidfd != -1)
		close(h->pidfd);
	json_decref(h->facts);
	free(h->sock);
	free(h);
}

static void
relay(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct hub_req *q = ctx;

	(void)a;
	q->fn(q->ctx, NULL, msg, fds, err);
}

static void
fail(struct hub_req *q, struct bindu_err *err)
{
	int none[BOXD_WIRE_FDS] = { -1, -1, -1 };

	bindu_err_wrap(err, "cannot start the box maker (see %s/hub.log)",
	    q->hub->d->state);
	q->fn(q->ctx, NULL, NULL, none, err);
}

static void
try_now(void *arg)
{
	struct hub_req *q = arg;
	struct bindu_err err = { 0 };

	q->retry = NULL;
	q->ask = ask_try(q->hub->d->loop, q->hub->sock, json_incref(q->request),
	    ANSWER_MS, relay, q, &err);
	if (q->ask) {
		json_decref(bindu_steal(&q->request));
		return;
	}
	if (q->hub->died >= q->began)
		bindu_err_set(&err, BINDU_E_UNAVAILABLE, "it ended at once");
	if (err.code != BINDU_E_AGAIN || bindu_clock_left(q->deadline) == 0) {
		fail(q, &err);
		return;
	}
	if (!q->hub->pid && spawn(q->hub, &err) == -1) {
		fail(q, &err);
		return;
	}
	q->retry = loop_after(q->hub->d->loop, RETRY_MS, try_now, q);
}

struct hub_req *
hub_ask(struct hub *h, json_t *request, ask_fn *fn, void *ctx)
{
	struct hub_req *q = xcalloc(1, sizeof *q);

	q->hub = h;
	q->request = request;
	q->fn = fn;
	q->ctx = ctx;
	q->began = bindu_clock_ms();
	q->deadline = bindu_clock_deadline(START_MS);
	q->retry = loop_after(h->d->loop, 0, try_now, q);
	return q;
}

void
hub_drop(struct hub_req **qp)
{
	struct hub_req *q = *qp;

	*qp = NULL;
	if (!q)
		return;
	loop_cancel(&q->retry);
	ask_close(&q->ask);
	json_decref(q->request);
	free(q);
}

const json_t *
hub_facts(const struct hub *h)
{
	return h->facts;
}

void
hub_stop(struct hub *h)
{
	AUTO_CLOSE int sock =
	    bindu_fd_unix_connect(h->sock, SOCK_SEQPACKET, NULL);
	AUTO_JSON json_t *req = json_pack("{ss}", "op", "stop");

	if (sock != -1)
		boxd_wire_send(sock, req, NULL, 0, NULL);
}
