/* ask.c - one request to the hub or a monitor, answered through the loop.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ask.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

struct ask {
	struct loop *loop;
	int sock;
	struct loop_src *src;
	struct loop_timer *late;
	ask_fn *fn;
	void *ctx;
	struct bindu_err refused; /* sock is -1: why */
};

/* Never waits: a monitor that does not accept must not stop the daemon. */
static int
dial(const char *path, struct bindu_err *err)
{
	struct bindu_err e = { 0 };
	int sock =
	    bindu_fd_unix_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK, &e);

	return sock != -1 ? sock :
			    bindu_err_set(err, BINDU_E_AGAIN, "%s", e.msg);
}

static void
give_up(struct ask *a, const json_t *msg, const struct bindu_err *err)
{
	int none[BOXD_WIRE_FDS] = { -1, -1, -1 };

	loop_cancel(&a->late);
	loop_unwatch(&a->src);
	a->fn(a->ctx, a, msg, none, err);
}

static void
on_late(void *arg)
{
	struct ask *a = arg;
	struct bindu_err err = { 0 };

	a->late = NULL;
	bindu_err_set(&err, BINDU_E_AGAIN, "no answer in time");
	err.detail = ETIMEDOUT;
	give_up(a, NULL, a->sock == -1 ? &a->refused : &err);
}

static void
on_readable(void *arg, uint32_t events)
{
	struct ask *a = arg;
	struct bindu_err err = { 0 };
	AUTO_JSON json_t *msg = NULL;
	int fds[BOXD_WIRE_FDS] = { -1, -1, -1 };
	int got = boxd_wire_recv(a->sock, &msg, fds, &err);

	(void)events;
	if (got < 0 && err.detail == EAGAIN)
		return;
	if (got == 0)
		bindu_err_set(&err, BINDU_E_AGAIN, "the connection was lost");
	if (got > 0 && bindu_json_str(msg, "event") == NULL &&
	    boxd_wire_check(msg, &err) == -1)
		got = -1;
	if (got <= 0) {
		for (int i = 0; i < BOXD_WIRE_FDS; i++)
			if (fds[i] != -1)
				close(fds[i]);
		give_up(a, msg, &err);
		return;
	}
	loop_cancel(&a->late);
	a->fn(a->ctx, a, msg, fds, NULL);
}

static struct ask *
new_ask(struct loop *l, int sock, ask_fn *fn, void *ctx)
{
	struct ask *a = xcalloc(1, sizeof *a);

	a->loop = l;
	a->sock = sock;
	a->fn = fn;
	a->ctx = ctx;
	return a;
}

struct ask *
ask_try(struct loop *l, const char *path, json_t *request, int64_t timeout_ms,
    ask_fn *fn, void *ctx, struct bindu_err *err)
{
	AUTO_JSON json_t *req = request;
	AUTO_CLOSE int sock = dial(path, err);
	struct ask *a;

	if (sock == -1)
		return NULL;
	if (boxd_wire_send(sock, req, NULL, 0, err) == -1) {
		/* It ended between the two: as if it had not been there. */
		if (err->detail == EPIPE || err->detail == ECONNRESET)
			err->code = BINDU_E_AGAIN;
		return NULL;
	}
	a = new_ask(l, bindu_steal_fd(&sock), fn, ctx);
	a->src = loop_watch(l, a->sock, EPOLLIN, on_readable, a);
	if (timeout_ms)
		a->late = loop_after(l, timeout_ms, on_late, a);
	return a;
}

struct ask *
ask_open(struct loop *l, const char *path, json_t *request, int64_t timeout_ms,
    ask_fn *fn, void *ctx)
{
	struct bindu_err err = { 0 };
	struct ask *a = ask_try(l, path, request, timeout_ms, fn, ctx, &err);

	if (a)
		return a;
	a = new_ask(l, -1, fn, ctx);
	a->refused = err;
	a->late = loop_after(l, 0, on_late, a);
	return a;
}

void
ask_tell(struct ask *a, json_t *message)
{
	AUTO_JSON json_t *msg = message;

	if (a && a->sock != -1)
		boxd_wire_send(a->sock, msg, NULL, 0, NULL);
}

void
ask_close(struct ask **ap)
{
	struct ask *a = *ap;

	*ap = NULL;
	if (!a)
		return;
	loop_cancel(&a->late);
	loop_unwatch(&a->src);
	if (a->sock != -1)
		close(a->sock);
	free(a);
}
