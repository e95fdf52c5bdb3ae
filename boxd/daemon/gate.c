/* gate.c - see gate.h: two sockets joined, and the counting between them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

#define PIECE (256 << 10)
#define HEADS_MAX 256 /* of a piece that count: more streams are refused */

struct gate {
	struct gates *all;
	struct gate *next, *prev;
	int fd[2]; /* the client, gRPC */
	int far; /* the number of gRPC's own end: a name, not to be used */
	bool known; /* has shown a token */
	struct loop_src *src[2];
	/* [i]: came from side i and was not taken by the other yet. */
	struct {
		uint8_t *p;
		size_t off, len;
	} rest[2];
	bool eof[2];
	struct gate_count count;
};

struct gates {
	struct loop *loop;
	struct gate *first;
	unsigned n;
	unsigned ahead; /* calls that are in gRPC, about */
	unsigned begun, begun_before; /* calls that came out, in all */
	bool paused;
	struct loop_timer *stuck;
	uint8_t piece[PIECE];
};

struct gates *
gates_new(struct loop *l)
{
	struct gates *all = xcalloc(1, sizeof *all);

	all->loop = l;
	return all;
}

static void
gate_close(struct gate *g)
{
	*(g->prev ? &g->prev->next : &g->all->first) = g->next;
	if (g->next)
		g->next->prev = g->prev;
	g->all->n--;
	for (int i = 0; i < 2; i++) {
		loop_unwatch(&g->src[i]);
		close(g->fd[i]);
		free(g->rest[i].p);
	}
	free(g);
}

void
gates_free(struct gates *all)
{
	while (all && all->first)
		gate_close(all->first);
	if (all)
		loop_cancel(&all->stuck);
	free(all);
}

static void
set_events(struct gate *g)
{
	for (int i = 0; i < 2; i++) {
		bool deaf = g->eof[i] || g->rest[i].len ||
		    (i == 0 && g->all->paused);

		loop_events(g->src[i],
		    (deaf ? 0u : (uint32_t)EPOLLIN) |
			(g->rest[!i].len ? (uint32_t)EPOLLOUT : 0u));
	}
}

static void
set_paused(struct gates *all, bool paused)
{
	all->paused = paused;
	loop_cancel(&all->stuck);
	for (struct gate *g = all->first; g; g = g->next)
		set_events(g);
}

static void
on_stuck(void *arg)
{
	struct gates *all = arg;

	all->stuck = NULL;
	if (all->begun == all->begun_before) {
		all->ahead = 0;
		set_paused(all, false);
		return;
	}
	all->begun_before = all->begun;
	all->stuck = loop_after(all->loop, GATES_STUCK_MS, on_stuck, all);
}

void
gates_begun(struct gates *all)
{
	all->begun++;
	if (all->ahead > 0)
		all->ahead--;
	if (all->paused && all->ahead < GATES_AHEAD / 2)
		set_paused(all, false);
}

static void
count_heads(struct gate *g)
{
	struct gates *all = g->all;

	all->ahead += g->count.heads < HEADS_MAX ? g->count.heads : HEADS_MAX;
	g->count.heads = 0;
	if (all->paused || all->ahead <= GATES_AHEAD)
		return;
	set_paused(all, true);
	all->begun_before = all->begun;
	all->stuck = loop_after(all->loop, GATES_STUCK_MS, on_stuck, all);
}

/* What is left over of side from; -1: the other side is gone. */
static int
flush(struct gate *g, int from)
{
	while (g->rest[from].off < g->rest[from].len) {
		ssize_t n = send(g->fd[!from],
		    g->rest[from].p + g->rest[from].off,
		    g->rest[from].len - g->rest[from].off, MSG_NOSIGNAL);

		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		g->rest[from].off += (size_t)n;
	}
	free(bindu_steal(&g->rest[from].p));
	g->rest[from].off = g->rest[from].len = 0;
	return 0;
}

/* One piece from side from to the other; -1: an end of it all. */
static int
move(struct gate *g, int from)
{
	uint8_t *p = g->all->piece;
	ssize_t n, done;

	if (flush(g, from) == -1)
		return -1;
	if (g->rest[from].len > 0 || g->eof[from] ||
	    (from == 0 && g->all->paused))
		return 0;
	n = recv(g->fd[from], p, PIECE, 0);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) {
		g->eof[from] = true;
		return shutdown(g->fd[!from], SHUT_WR);
	}
	if (from == 0 &&
	    gate_count(&g->count, p, (size_t)n, bindu_clock_ms()) == -1)
		return -1;
	count_heads(g);
	done = send(g->fd[!from], p, (size_t)n, MSG_NOSIGNAL);
	if (done == -1 && errno != EAGAIN)
		return -1;
	if (done < 0)
		done = 0;
	if (done < n) {
		g->rest[from].len = (size_t)(n - done);
		g->rest[from].p = xmemdup(p + done, g->rest[from].len);
	}
	return 0;
}

static void
on_ready(void *arg, uint32_t events)
{
	struct gate *g = arg;

	if (events & EPOLLERR || move(g, 0) == -1 || move(g, 1) == -1 ||
	    (g->eof[0] && g->eof[1] && !g->rest[0].len && !g->rest[1].len)) {
		gate_close(g);
		return;
	}
	set_events(g);
}

static struct gate *
find(struct gates *all, int fd)
{
	struct gate *g = all->first;

	/* The newest has the number when an older one is not closed yet. */
	while (g && g->far != fd)
		g = g->next;
	return g;
}

void
gates_known(struct gates *all, int fd)
{
	struct gate *g = find(all, fd);

	if (g)
		g->known = true;
}

void
gates_shut(struct gates *all, int fd)
{
	struct gate *g = find(all, fd);

	if (g)
		gate_close(g);
}

static void
make_room(struct gates *all)
{
	struct gate *oldest = NULL;

	for (struct gate *g = all->first; g; g = g->next)
		if (!g->known)
			oldest = g;
	if (oldest)
		gate_close(oldest);
}

int
gates_open(struct gates *all, int fd)
{
	struct gate *g;
	int pair[2];

	if (all->n >= GATES_MAX)
		make_room(all);
	if (all->n >= GATES_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) == -1) {
		close(fd);
		return -1;
	}
	g = xcalloc(1, sizeof *g);
	g->all = all;
	g->fd[0] = fd;
	g->fd[1] = pair[0];
	g->far = pair[1];
	gate_count_init(&g->count, bindu_clock_ms());
	g->next = all->first;
	if (g->next)
		g->next->prev = g;
	all->first = g;
	all->n++;
	for (int i = 0; i < 2; i++)
		g->src[i] =
		    loop_watch(all->loop, g->fd[i], EPOLLIN, on_ready, g);
	set_events(g);
	return pair[1];
}
