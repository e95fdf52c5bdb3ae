/* proxy.c - a request handed into a box, then bytes both ways.
 *
 * The head is read once, to choose the box; after it everything is passed on
 * as it is, so upgrades and streams work.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "web_priv.h"

#define CONNECT_MS 10000
#define HALF_MS 60000 /* one side closed, nothing moves: over */
#define TURNS 16 /* reads at a time, so that others get theirs */

static char scratch[64 << 10]; /* one thread */

static void
page(struct conn *c, int status, const char *what)
{
	AUTO_FREE char *accept = http_header(c, "accept");
	AUTO_FREE char *body = NULL;

	/* The text may hold what a box said: it is never markup. */
	if (!accept || !strstr(accept, "text/html") || strpbrk(what, "<&")) {
		body = xasprintf("%s\n", what);
		http_reply(c, status, "text/plain; charset=utf-8",
		    "Retry-After: 1\r\n", body);
		return;
	}
	body = xasprintf(
	    "<!doctype html><meta charset=utf-8>"
	    "<meta http-equiv=refresh content=2><title>%d</title>"
	    "<body style=\"font-family:sans-serif;margin:4em\"><p>%s</p>"
	    "<p>This page looks again every 2 seconds.</p>\n",
	    status, what);
	http_reply(c, status, "text/html; charset=utf-8", "Retry-After: 1\r\n",
	    body);
}

static void
mark_used(struct conn *c)
{
	int64_t now = bindu_clock_ms();
	struct box *b;

	if (now - c->used_ms < 1000)
		return;
	c->used_ms = now;
	b = box_find(c->d, c->box_id);
	if (b)
		box_use(b, 0);
}

/* All of what side `from` has pending; 1 done, 0 the other side is full. */
static int
flush(struct conn *c, int from)
{
	struct pending *p = &c->pending[from];

	while (p->off < p->len) {
		ssize_t n = send(c->fd[!from], p->p + p->off, p->len - p->off,
		    MSG_NOSIGNAL);

		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		p->off += (size_t)n;
	}
	free(p->p);
	*p = (struct pending){ 0 };
	return 1;
}

/* Move what can be moved from one side to the other; -1: it broke. */
static int
pump(struct conn *c, int from)
{
	int done = flush(c, from);

	for (int i = 0; done == 1 && i < TURNS && !c->eof[from]; i++) {
		ssize_t n = recv(c->fd[from], scratch, sizeof scratch, 0);
		ssize_t sent;

		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		if (n == 0) {
			c->eof[from] = true;
			shutdown(c->fd[!from], SHUT_WR);
			return 0;
		}
		mark_used(c);
		sent = send(c->fd[!from], scratch, (size_t)n, MSG_NOSIGNAL);
		if (sent == -1 && errno != EAGAIN)
			return -1;
		if (sent < 0)
			sent = 0;
		if (sent < n) {
			c->pending[from] = (struct pending){
				xmemdup(scratch + sent, (size_t)(n - sent)), 0,
				(size_t)(n - sent)
			};
			return 0;
		}
	}
	return done;
}

static void
on_data(void *arg, uint32_t events)
{
	struct conn *c = arg;

	if (pump(c, 0) == -1 || pump(c, 1) == -1 || (c->eof[0] && c->eof[1]) ||
	    ((events & EPOLLERR) != 0)) {
		conn_close(c);
		return;
	}
	if (c->eof[0] || c->eof[1])
		conn_deadline(c, HALF_MS);
	for (int i = 0; i < 2; i++)
		loop_events(c->src[i],
		    (!c->eof[i] && !c->pending[i].len ? EPOLLIN : 0) |
			(c->pending[!i].len ? EPOLLOUT : 0));
}

static void
joined(struct conn *c, int fd)
{
	ask_close(&c->ask);
	loop_cancel(&c->timer);
	c->fd[1] = fd;
	bindu_fd_nonblock(fd, true);
	c->pending[0].len = c->head.len;
	c->pending[0].p = bindu_buf_steal(&c->head);
	c->src[0] = loop_watch(c->d->loop, c->fd[0], EPOLLIN, on_data, c);
	c->src[1] = loop_watch(c->d->loop, fd, EPOLLIN | EPOLLOUT, on_data, c);
}

static void
on_connected(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct conn *c = ctx;
	struct box *b = box_find(c->d, c->box_id);
	AUTO_FREE char *why = NULL;

	(void)a;
	(void)msg;
	if (!err && fds[0] != -1) {
		joined(c, fds[0]);
		return;
	}
	ask_close(&c->ask);
	why = xasprintf("box %s is running; waiting for something in it to "
			"listen on port %u",
	    b ? b->name : "?", c->port);
	page(c, 502, why);
}

void
proxy_begin(struct conn *c, struct box *b, const char *route)
{
	AUTO_FREE char *path = box_monitor(b);
	struct bindu_err err = { 0 };

	loop_unwatch(&c->src[0]);
	free(c->box_id);
	c->box_id = xstrdup(b->id);
	if (box_need_running(b, &err) == -1) {
		page(c, 503, err.msg);
		return;
	}
	box_use(b, 0);
	c->port = box_route(b, route)->port;
	conn_deadline(c, 2 * CONNECT_MS);
	c->ask = ask_open(c->d->loop, path,
	    json_pack("{sssi}", "op", "connect", "port", (int)c->port),
	    CONNECT_MS, on_connected, c);
}
