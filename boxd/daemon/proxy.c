/* proxy.c - the way of a request into its box.
 *
 * Each request takes the route as it is when it comes: after a switch the
 * next request of a connection goes to the new port, while one under way, a
 * WebSocket or a stream stays where it is until it ends (relay.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "web_priv.h"

#define CONNECT_MS 10000
#define SWITCH_MS 2000 /* after a route changed, nothing there is no answer */
#define AGAIN_MS 50

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

void
proxy_hang_up(struct conn *c)
{
	ask_close(&c->ask);
	loop_unwatch(&c->src[1]);
	if (c->fd[1] != -1)
		close(c->fd[1]);
	c->fd[1] = -1;
	free(c->pending[0].p);
	c->pending[0] = (struct pending){ 0 };
	c->eof[1] = c->deaf = false;
}

/* Nothing came and it is not closed: it waits for another request. */
static bool
is_quiet(int fd)
{
	char b;

	return recv(fd, &b, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	    errno == EAGAIN;
}

static void find_way(struct conn *, struct box *);

static void
on_again(void *arg)
{
	struct conn *c = arg;
	struct box *b = box_find(c->d, c->box_id);

	c->timer = NULL;
	if (b)
		find_way(c, b);
	else
		conn_close(c);
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
	ask_close(&c->ask);
	if (!err && fds[0] != -1) {
		c->fd[1] = fds[0];
		bindu_fd_nonblock(fds[0], true);
		relay_begin(c);
		return;
	}
	/* Nothing of the request was sent. */
	if (b && b->routed_ms && bindu_clock_ms() - b->routed_ms < SWITCH_MS) {
		loop_cancel(&c->timer);
		c->timer = loop_after(c->d->loop, AGAIN_MS, on_again, c);
		return;
	}
	why = xasprintf("box %s is running; waiting for something in it to "
			"listen on port %u",
	    b ? b->name : "?", c->port);
	page(c, 502, why);
}

static void
find_way(struct conn *c, struct box *b)
{
	struct box_route *route = box_route(b, c->route);
	AUTO_FREE char *path = box_monitor(b);
	struct bindu_err err = { 0 };

	if (!route || box_need_running(b, &err) == -1) {
		page(c, 503, route ? err.msg : "this route is gone");
		return;
	}
	box_use(b, 0);
	c->reused = c->fd[1] != -1 && c->port == route->port &&
	    is_quiet(c->fd[1]);
	if (c->reused) {
		relay_begin(c);
		return;
	}
	proxy_hang_up(c);
	c->port = route->port;
	conn_deadline(c, 2 * CONNECT_MS);
	c->ask = ask_open(c->d->loop, path,
	    json_pack("{sssi}", "op", "connect", "port", (int)c->port),
	    CONNECT_MS, on_connected, c);
}

void
proxy_begin(struct conn *c, struct box *b, const char *route)
{
	loop_unwatch(&c->src[0]);
	loop_cancel(&c->timer);
	c->idle = false;
	message_init(&c->req, true);
	message_init(&c->res, false);
	c->taken = message_feed(&c->req, c->head.p, c->head.len);
	if (c->req.state == MESSAGE_BAD) {
		page(c, 400, "this request cannot be told from the next");
		return;
	}
	if (!c->box_id && !c->trusted && web_crowded(c->web)) {
		page(c, 503, "too many connections are open");
		return;
	}
	c->res.bare = c->req.head;
	if (c->box_id && strcmp(c->box_id, b->id) != 0)
		proxy_hang_up(c);
	free(c->box_id);
	c->box_id = xstrdup(b->id);
	snprintf(c->route, sizeof c->route, "%s", route);
	find_way(c, b);
}

bool
proxy_again(struct conn *c)
{
	struct box *b = box_find(c->d, c->box_id);
	struct box_route *route = b ? box_route(b, c->route) : NULL;

	if (!route || !c->req.again || c->res.any || !c->taken || c->eof[0] ||
	    (!c->reused && route->port == c->port))
		return false;
	loop_unwatch(&c->src[0]);
	proxy_hang_up(c);
	find_way(c, b);
	return true;
}
