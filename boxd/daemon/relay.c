/* relay.c - one request into a box and its answer out of it, then the next.
 *
 * Bytes pass as they are; message.c says where the request and the answer
 * end.  A body, a stream, a WebSocket is never held back or cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "web_priv.h"

#define HALF_MS 60000 /* one side closed, nothing moves: over */
#define BOX_IDLE_MS 1000 /* less than servers wait before they close */
#define CLIENT_IDLE_MS 120000 /* between two requests */
#define TURNS 16 /* reads at a time, so that others get theirs */

static char scratch[64 << 10]; /* one thread */

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

/* The other side takes no more.  A box that answers before it has read all
 * and closes is still to be heard: the rest of the request is dropped. */
static int
not_taken(struct conn *c, int from)
{
	if (from == 1 || c->eof[1])
		return -1;
	free(c->pending[0].p);
	c->pending[0] = (struct pending){ 0 };
	c->deaf = true;
	return 1;
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
			return errno == EAGAIN ? 0 : not_taken(c, from);
		p->off += (size_t)n;
	}
	free(p->p);
	*p = (struct pending){ 0 };
	return 1;
}

/* n bytes of scratch go to the other side; nothing is pending before. */
static int
pass(struct conn *c, int from, size_t n)
{
	ssize_t sent = send(c->fd[!from], scratch, n, MSG_NOSIGNAL);

	if (sent == -1 && errno != EAGAIN)
		return not_taken(c, from);
	if (sent < 0)
		sent = 0;
	if ((size_t)sent == n)
		return 1;
	c->pending[from].off = 0;
	c->pending[from].len = n - (size_t)sent;
	c->pending[from].p = xmemdup(scratch + sent, n - (size_t)sent);
	return 0;
}

/* The client's bytes: of this request, else kept for the next. */
static int
take_from_client(struct conn *c, size_t n)
{
	size_t own = n;

	if (c->res.state != MESSAGE_TUNNEL) {
		own = message_feed(&c->req, scratch, n);
		if (c->req.state == MESSAGE_BAD)
			return -1;
		if (own < n &&
		    bindu_buf_add(&c->head, scratch + own, n - own, NULL) == -1)
			return -1;
	}
	return own && !c->deaf ? pass(c, 0, own) : 1;
}

/* Where more of the next request cannot be held, it waits in the socket. */
static size_t
client_room(const struct conn *c)
{
	if (c->req.state != MESSAGE_DONE || c->res.state == MESSAGE_TUNNEL)
		return sizeof scratch;
	return HEAD_MAX - 1 - c->head.len;
}

static int
pump_up(struct conn *c)
{
	int done = flush(c, 0);

	for (int i = 0; done == 1 && i < TURNS && !c->eof[0]; i++) {
		size_t room = client_room(c);
		ssize_t n;

		if (room == 0)
			return 1;
		/* A body's end may be followed by as much as head holds. */
		if (c->req.state != MESSAGE_DONE && room > HEAD_MAX / 2)
			room = HEAD_MAX / 2;
		n = recv(c->fd[0], scratch, room, 0);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		if (n == 0) {
			c->eof[0] = true;
			shutdown(c->fd[1], SHUT_WR);
			return 0;
		}
		mark_used(c);
		done = take_from_client(c, (size_t)n);
	}
	return done;
}

/* The first byte of an answer: the request is not sent again. */
static void
forget_request(struct conn *c)
{
	if (c->taken)
		bindu_buf_cut_front(&c->head, c->taken);
	c->taken = 0;
}

/* 101: what the client said after its request belongs to the tunnel. */
static void
open_tunnel(struct conn *c)
{
	struct pending *p = &c->pending[0];
	size_t left = p->len - p->off;
	char *both;

	if (!c->head.len)
		return;
	both = xmalloc(left + c->head.len);
	if (left)
		memcpy(both, p->p + p->off, left);
	memcpy(both + left, c->head.p, c->head.len);
	free(p->p);
	*p = (struct pending){ both, 0, left + c->head.len };
	bindu_buf_fini(&c->head);
}

static int
take_from_box(struct conn *c, size_t n)
{
	bool was_tunnel = c->res.state == MESSAGE_TUNNEL;
	size_t own;

	forget_request(c);
	own = message_feed(&c->res, scratch, n);
	if (own < n)
		c->res.close = true; /* nobody asked for more */
	if (c->res.state == MESSAGE_TUNNEL && !was_tunnel)
		open_tunnel(c);
	return own ? pass(c, 1, own) : 1;
}

/* The box's side is closed; -1: in the middle of its answer. */
static int
end_of_box(struct conn *c)
{
	c->eof[1] = true;
	if (!message_may_end(&c->res))
		return -1;
	if (c->res.state == MESSAGE_TUNNEL)
		shutdown(c->fd[0], SHUT_WR);
	return 0;
}

static int
pump_down(struct conn *c)
{
	int done = flush(c, 1);

	for (int i = 0; done == 1 && i < TURNS && !c->eof[1] &&
	     c->res.state != MESSAGE_DONE;
	     i++) {
		ssize_t n = recv(c->fd[1], scratch, sizeof scratch, 0);

		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return end_of_box(c);
		mark_used(c);
		done = take_from_box(c, (size_t)n);
	}
	return done;
}

static void
on_idle(void *arg)
{
	struct conn *c = arg;

	c->timer = NULL;
	proxy_hang_up(c);
	conn_deadline(c, CLIENT_IDLE_MS);
}

/* The answer is out. */
static void
next(struct conn *c)
{
	if (c->req.state != MESSAGE_DONE || c->req.close || c->res.close ||
	    c->deaf || c->eof[0] || c->eof[1] || c->pending[0].len) {
		http_bye(c);
		return;
	}
	loop_unwatch(&c->src[1]);
	loop_cancel(&c->timer);
	c->idle = true;
	c->timer = loop_after(c->d->loop, BOX_IDLE_MS, on_idle, c);
	http_begin(c);
}

static bool
is_answered(const struct conn *c)
{
	return !c->pending[1].len &&
	    (c->res.state == MESSAGE_DONE ||
		(c->res.state == MESSAGE_TO_EOF && c->eof[1]));
}

static void
move(struct conn *c)
{
	bool broken = pump_down(c) == -1 || pump_up(c) == -1;

	if (!broken && is_answered(c)) {
		next(c);
		return;
	}
	if (broken || (c->eof[1] && (c->eof[0] || c->deaf))) {
		if (!proxy_again(c))
			conn_close(c);
		return;
	}
	if (c->eof[0] || c->eof[1] || c->deaf)
		conn_deadline(c, HALF_MS);
	loop_events(c->src[0],
	    (!c->eof[0] && !c->pending[0].len && client_room(c) ? EPOLLIN : 0) |
		(c->pending[1].len ? EPOLLOUT : 0));
	loop_events(c->src[1],
	    (!c->eof[1] && !c->pending[1].len ? EPOLLIN : 0) |
		(c->pending[0].len ? EPOLLOUT : 0));
}

static void
on_client(void *arg, uint32_t events)
{
	struct conn *c = arg;

	if (events & EPOLLERR)
		conn_close(c);
	else
		move(c);
}

/* An error of the box's side may lie behind the end of its answer: what is
 * read tells. */
static void
on_box(void *arg, uint32_t events)
{
	(void)events;
	move(arg);
}

void
relay_begin(struct conn *c)
{
	loop_cancel(&c->timer);
	c->pending[0] =
	    (struct pending){ xmemdup(c->head.p, c->taken), 0, c->taken };
	if (!c->req.again)
		forget_request(c);
	c->src[0] = loop_watch(c->d->loop, c->fd[0], EPOLLIN, on_client, c);
	c->src[1] =
	    loop_watch(c->d->loop, c->fd[1], EPOLLIN | EPOLLOUT, on_box, c);
}
