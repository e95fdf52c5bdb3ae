/* hub.c - start the hub process when needed and ask it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
#include "lib/base/str.h"

#define START_MS 30000 /* a hub that has not answered by then is broken */
#define RETRY_MS 10
#define ANSWER_MS 120000
#define LOST_MAX 2

struct hub_req {
	struct hub *hub;
	json_t *request; /* until it is answered */
	int lost; /* times that its hub ended first */
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
	int leash; /* of the child: it sees our end by it before the ping */
	int64_t born, died; /* when a child of ours last was, and did */
	struct loop_src *src;
	struct hub_req *ping; /* stays: the hub sees our end by it */
	bool attended; /* it is answered */
	json_t *facts;
	char *trouble; /* why it can make no box; NULL: it can */
	bool met; /* the first ping is answered or failed */
};

static void ping(struct hub *);

/* It serves all the same: each request asks again, and hears why. */
static void
set_trouble(struct hub *h, const char *why)
{
	free(h->trouble);
	h->trouble = why ? xstrdup(why) : NULL;
	if (why)
		bindu_log(BINDU_WARN, "hub: %s", why);
}

/* Of the facts: why no box can run. */
static const char *
no_boxes(const json_t *facts)
{
	const json_t *can = json_object_get(facts, "abilities");

	if (bindu_json_bool(can, "boxes", 1))
		return NULL;
	return bindu_json_str(json_object_get(can, "why"), "boxes");
}

static void
on_ping(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct hub *h = ctx;

	(void)a;
	(void)fds;
	if (err) {
		bool ended = h->attended;

		hub_drop(&h->ping);
		h->attended = false;
		if (ended)
			return;
		set_trouble(h, err->msg);
	} else {
		json_decref(h->facts);
		h->facts = json_incref((json_t *)msg);
		h->attended = true;
		set_trouble(h, no_boxes(msg));
	}
	if (!h->met) {
		h->met = true;
		boxd_answered(h->d);
	}
}

static void
ping(struct hub *h)
{
	if (!h->ping)
		h->ping = hub_ask(h,
		    json_pack("{sssb}", "op", "ping", "attend", 1), on_ping, h);
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
	bindu_cleanup_close(&h->pidfd);
	bindu_cleanup_close(&h->leash);
	h->pidfd = h->leash = -1;
}

static int
spawn(struct hub *h, struct bindu_err *err)
{
	AUTO_FREE char *prog = bindu_config_libexec("boxd-monitor");
	char number[16];
	const char *argv[] = { prog, "hub", h->d->state, "--attend-fd", number,
		NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	int leash[2];
	AUTO_CLOSE int theirs = -1;
	AUTO_CLOSE int log = openat(h->d->state_fd, "hub.log",
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (log == -1)
		return bindu_err_sys(err, "cannot open %s/hub.log",
		    h->d->state);
	if (pipe2(leash, O_CLOEXEC) == -1)
		return bindu_err_sys(err, "cannot make a pipe for the hub");
	o.keep_fd = theirs = leash[0];
	bindu_cleanup_close(&h->leash);
	h->leash = leash[1];
	snprintf(number, sizeof number, "%d", theirs);
	o.argv = argv;
	o.cwd = "/";
	o.out = o.err = log;
	o.own_session = true;
	h->pid = bindu_proc_spawn(&o, err);
	if (h->pid == -1) {
		h->pid = 0;
		return -1;
	}
	h->born = bindu_clock_ms();
	h->pidfd = (int)syscall(SYS_pidfd_open, h->pid, 0);
	if (h->pidfd != -1) {
		fcntl(h->pidfd, F_SETFD, FD_CLOEXEC);
		h->src = loop_watch(h->d->loop, h->pidfd, EPOLLIN, on_child, h);
	}
	if (h->attended) /* the one before */
		hub_drop(&h->ping);
	h->attended = false;
	ping(h);
	return 0;
}

struct hub *
hub_new(struct boxd *d)
{
	struct hub *h = xcalloc(1, sizeof *h);

	h->d = d;
	h->pidfd = h->leash = -1;
	h->born = h->died = -1;
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
	bindu_cleanup_close(&h->pidfd);
	bindu_cleanup_close(&h->leash);
	json_decref(h->facts);
	free(h->trouble);
	free(h->sock);
	free(h);
}

static void try_now(void *);

/* The hub was killed, or about to end, before it gave the request to a
 * process of the request's own; or that one was killed.  Either way all can be
 * asked again: build and remove find what is done, and start first ends a
 * monitor that the box has. */
static bool
was_lost(const struct hub_req *q, const json_t *msg,
    const struct bindu_err *err)
{
	return err && !msg && q->request && err->code == BINDU_E_AGAIN &&
	    err->detail == 0;
}

static void
relay(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct hub_req *q = ctx;
	struct bindu_err why = { 0 };

	(void)a;
	if (was_lost(q, msg, err)) {
		if (q->lost++ < LOST_MAX) {
			ask_close(&q->ask);
			q->began = bindu_clock_ms();
			q->deadline = bindu_clock_deadline(START_MS);
			q->retry =
			    loop_after(q->hub->d->loop, RETRY_MS, try_now, q);
			return;
		}
		bindu_err_set(&why, BINDU_E_UNAVAILABLE,
		    "the box maker ended %d times before it answered (see "
		    "%s/hub.log)",
		    q->lost, q->hub->d->state);
		err = &why;
	}
	if (msg && !bindu_json_str(msg, "event")) {
		json_decref(q->request);
		q->request = NULL;
	}
	q->fn(q->ctx, NULL, msg, fds, err);
}

/* Started for this request, not one that has served others. */
static bool
ended_at_once(const struct hub_req *q)
{
	return q->hub->died >= q->hub->born && q->hub->born >= q->began;
}

/* Why, it has said in its log. */
static void
last_words(const struct hub *h, struct bindu_err *err)
{
	static const char who[] = "boxd-monitor: ", warning[] = "warning: ";
	AUTO_FREE char *line = bindu_fd_last_line(h->d->state_fd, "hub.log", 0);
	const char *say = line != NULL ? line : "it ended at once";

	if (bindu_str_starts(say, who))
		say += strlen(who);
	if (bindu_str_starts(say, warning)) /* that did not end it */
		say = "it ended at once";
	bindu_err_set(err, BINDU_E_UNAVAILABLE, "%s", say);
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
	if (q->ask)
		return;
	if (ended_at_once(q))
		last_words(q->hub, &err);
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

const char *
hub_trouble(const struct hub *h)
{
	return h->trouble;
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
