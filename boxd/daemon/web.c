/* web.c - listeners, and what the first bytes of a connection decide.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "rpc_server.h"
#include "web_priv.h"

#define CONNS_MAX 1024
#define PROXIED_MAX 768 /* of them, so that the API stays in reach */
#define PORT_TRIES 100
/* Hundreds of the owner's tools at once on a machine that has no time. */
#define OWNER_FIRST_MS 120000
#define FULL_MS 100 /* out of descriptors: accept again then */

static const char preface[] = "PRI * HTTP/2.0\r\n";
#define PREFACE (sizeof preface - 1)

/* A listening socket. */
struct web_door {
	struct web *web;
	int fd;
	bool unix_socket;
	char *box_id; /* a box's own; NULL: shared */
	struct loop_src *src;
	struct loop_timer *full;
};

struct web {
	struct boxd *d;
	struct web_door *shared[2]; /* unix, TCP */
	struct conn *conns;
	unsigned nconns;
	bool open;
};

static struct conn *
conn_new(struct web *w, int fd, bool trusted, const char *box_id)
{
	struct conn *c = xcalloc(1, sizeof *c);

	c->web = w;
	c->d = w->d;
	c->trusted = trusted;
	c->door = box_id ? xstrdup(box_id) : NULL;
	c->fd[0] = fd;
	c->fd[1] = -1;
	c->head = (struct bindu_buf)BINDU_BUF_INIT(HEAD_MAX);
	c->next = w->conns;
	if (c->next)
		c->next->prev = c;
	w->conns = c;
	w->nconns++;
	return c;
}

void
conn_close(struct conn *c)
{
	*(c->prev ? &c->prev->next : &c->web->conns) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->web->nconns--;
	loop_cancel(&c->timer);
	ask_close(&c->ask);
	for (int i = 0; i < 2; i++) {
		loop_unwatch(&c->src[i]);
		if (c->fd[i] != -1)
			close(c->fd[i]);
		free(c->pending[i].p);
	}
	bindu_buf_fini(&c->head);
	free(c->box_id);
	free(c->door);
	free(c);
}

static void
on_deadline(void *arg)
{
	struct conn *c = arg;

	c->timer = NULL;
	conn_close(c);
}

void
conn_deadline(struct conn *c, int64_t ms)
{
	loop_cancel(&c->timer);
	c->timer = loop_after(c->d->loop, ms, on_deadline, c);
}

/* Nothing is consumed, so that gRPC sees the whole preface.  Edge-triggered:
 * a part of the preface would make a level-triggered source spin. */
static void
sniff(void *arg, uint32_t events)
{
	struct conn *c = arg;
	char b[PREFACE];
	ssize_t n = recv(c->fd[0], b, sizeof b, MSG_PEEK | MSG_DONTWAIT);

	(void)events;
	if (n == 0 || (n == -1 && errno != EAGAIN)) {
		conn_close(c);
		return;
	}
	if (n == -1)
		return;
	if (memcmp(b, preface, (size_t)n)) {
		loop_unwatch(&c->src[0]);
		http_begin(c);
		return;
	}
	if ((size_t)n < PREFACE)
		return;
	loop_unwatch(&c->src[0]);
	rpc_server_adopt(c->d->rpc, bindu_steal_fd(&c->fd[0]), c->trusted);
	conn_close(c);
}

/* Root and the daemon's own user; everyone else is a stranger. */
static bool
is_owner(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	    (peer.uid == 0 || peer.uid == geteuid());
}

/* The oldest that asked for nothing yet, or for nothing more, goes. */
static void
make_room(struct web *w)
{
	struct conn *oldest = NULL;

	for (struct conn *c = w->conns; c; c = c->next)
		if (!c->trusted && (!c->box_id || c->idle))
			oldest = c;
	if (oldest)
		conn_close(oldest);
}

bool
web_crowded(const struct web *w)
{
	unsigned n = 0;

	if (w->nconns < PROXIED_MAX)
		return false;
	for (const struct conn *c = w->conns; c; c = c->next)
		n += c->box_id != NULL;
	return n >= PROXIED_MAX;
}

static void
admit(struct web_door *door, int fd)
{
	struct web *w = door->web;
	struct conn *c;
	int one = 1;

	if (!door->unix_socket && w->nconns >= CONNS_MAX)
		make_room(w);
	/* Strangers can fill the ports, but not the owner's own door. */
	if (door->unix_socket ? !is_owner(fd) : w->nconns >= CONNS_MAX) {
		close(fd);
		return;
	}
	if (!door->unix_socket)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c = conn_new(w, fd, door->unix_socket, door->box_id);
	conn_deadline(c, c->trusted ? OWNER_FIRST_MS : FIRST_MS);
	if (door->box_id)
		http_begin(c);
	else
		c->src[0] =
		    loop_watch(w->d->loop, fd, EPOLLIN | EPOLLET, sniff, c);
}

static void
on_room(void *arg)
{
	struct web_door *door = arg;

	door->full = NULL;
	loop_events(door->src, EPOLLIN);
}

static void
on_connection(void *arg, uint32_t events)
{
	struct web_door *door = arg;
	int fd;

	(void)events;
	for (int i = 0; i < 64; i++) {
		fd =
		    accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			admit(door, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			loop_events(door->src, 0);
			door->full = loop_after(door->web->d->loop, FULL_MS,
			    on_room, door);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static struct web_door *
door_new(struct web *w, int fd, bool unix_socket, const char *box_id)
{
	struct web_door *door = xcalloc(1, sizeof *door);

	door->web = w;
	door->fd = fd;
	door->unix_socket = unix_socket;
	door->box_id = box_id ? xstrdup(box_id) : NULL;
	if (w->open)
		door->src =
		    loop_watch(w->d->loop, fd, EPOLLIN, on_connection, door);
	return door;
}

static void
door_free(struct web_door *door)
{
	if (!door)
		return;
	loop_cancel(&door->full);
	loop_unwatch(&door->src);
	close(door->fd);
	free(door->box_id);
	free(door);
}

/* -1 with errno; *port gets what 0 became. */
static int
listen_tcp(const struct in_addr *addr, uint16_t *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr = *addr,
		.sin_port = htons(*port) };
	socklen_t n = sizeof sa;
	AUTO_CLOSE int fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == -1 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof sa) == -1 ||
	    listen(fd, 512) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) == -1)
		return -1;
	*port = ntohs(sa.sin_port);
	return bindu_steal_fd(&fd);
}

static int
listen_shared(struct web *w, const char *addr, uint16_t port, bool next,
    struct bindu_err *err)
{
	struct in_addr in;
	int fd = -1, tries = next ? PORT_TRIES : 1;

	if (inet_pton(AF_INET, addr, &in) != 1)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "cannot listen on \"%s\": not an IPv4 address", addr);
	for (int i = 0; i < tries && fd == -1; i++) {
		w->d->port = (uint16_t)(port + i);
		fd = listen_tcp(&in, &w->d->port);
		if (fd == -1 && errno != EADDRINUSE)
			break;
	}
	if (fd == -1) {
		bool taken = errno == EADDRINUSE;

		bindu_err_sys(err, "cannot listen on %s:%u", addr, port);
		if (taken)
			err->code = BINDU_E_EXISTS;
		return -1;
	}
	w->shared[1] = door_new(w, fd, false, NULL);
	return 0;
}

struct web *
web_new(struct boxd *d, const char *addr, uint16_t port, bool next,
    struct bindu_err *err)
{
	struct web *w = xcalloc(1, sizeof *w);
	int fd = -1;

	w->d = d;
	if (listen_shared(w, addr, port, next, err) == 0)
		fd = bindu_fd_unix_listen(d->socket, SOCK_STREAM, 0600, err);
	if (fd == -1) {
		web_free(w);
		return NULL;
	}
	bindu_fd_nonblock(fd, true);
	w->shared[0] = door_new(w, fd, true, NULL);
	return w;
}

void
web_open(struct web *w)
{
	w->open = true;
	for (int i = 0; i < 2; i++)
		w->shared[i]->src = loop_watch(w->d->loop, w->shared[i]->fd,
		    EPOLLIN, on_connection, w->shared[i]);
	for (struct box *b = w->d->boxes; b; b = b->next)
		if (b->door)
			b->door->src = loop_watch(w->d->loop, b->door->fd,
			    EPOLLIN, on_connection, b->door);
}

void
web_free(struct web *w)
{
	if (!w)
		return;
	while (w->conns)
		conn_close(w->conns);
	for (int i = 0; i < 2; i++)
		door_free(w->shared[i]);
	free(w);
}

void
web_route_changed(struct box *b)
{
	b->routed_ms = bindu_clock_ms();
	for (struct conn *c = b->d->web->conns; c; c = c->next)
		if (c->idle && c->box_id && !strcmp(c->box_id, b->id))
			proxy_hang_up(c);
}

int
web_open_door(struct box *b, struct bindu_err *err)
{
	struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
	uint16_t port = b->local_port;
	int fd = listen_tcp(&loopback, &port);

	if (fd == -1 && errno == EADDRINUSE && port) {
		bindu_log(BINDU_WARN,
		    "box %s: port %u is taken, it gets "
		    "another",
		    b->name, port);
		port = 0;
		fd = listen_tcp(&loopback, &port);
	}
	if (fd == -1)
		return bindu_err_sys(err, "cannot listen for box %s", b->name);
	b->local_port = port;
	b->door = door_new(b->d->web, fd, false, b->id);
	return 0;
}

void
web_close_door(struct box *b)
{
	door_free(b->door);
	b->door = NULL;
}
