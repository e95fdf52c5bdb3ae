/* service_log.c - StreamLogs: how the box was built, then its console.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/mem.h"
#include "pbscan.h"
#include "service.h"

#define PIECE (64 << 10)
#define POLL_MS 200

enum { BUILD_LOG, OLD_LOG, CONSOLE_LOG, NLOGS };
static const char *const names[NLOGS] = { "build.log", "console.log.1",
	"console.log" };

struct tail {
	struct boxd *d;
	struct rpc *rpc;
	char *box_id;
	bool follow;
	int which, fd; /* the file being read; -1: not open yet */
	struct loop_timer *timer;
};

static void pump(struct tail *);

static void
free_tail(struct tail *t)
{
	loop_cancel(&t->timer);
	if (t->fd != -1)
		close(t->fd);
	free(t->box_id);
	free(t);
}

static void
on_time(void *arg)
{
	struct tail *t = arg;

	t->timer = NULL;
	pump(t);
}

static int
open_log(const struct tail *t)
{
	AUTO_FREE char *path = xasprintf("%s/%s", t->box_id, names[t->which]);

	return openat(t->d->boxes_fd, path,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* The console's file was put aside and a new one begun. */
static bool
rotated(const struct tail *t)
{
	AUTO_CLOSE int now = open_log(t);
	struct stat a, b;

	return now != -1 && fstat(now, &a) == 0 && fstat(t->fd, &b) == 0 &&
	    a.st_ino != b.st_ino;
}

/* May more come at the end of this file? */
static bool
may_grow(const struct tail *t, const struct box *b)
{
	if (!t->follow || !b)
		return false;
	if (t->which == BUILD_LOG)
		return b->state == BOX_STARTING;
	return t->which == CONSOLE_LOG &&
	    (b->state == BOX_RUNNING || b->state == BOX_SUSPENDED ||
		b->state == BOX_STARTING);
}

/* 1: a piece was sent, 0: nothing there */
static int
send_piece(struct tail *t)
{
	uint8_t *room, *start;
	ssize_t n;

	if (t->fd == -1)
		t->fd = open_log(t);
	if (t->fd == -1)
		return 0;
	room = rpc_room(t->rpc, PB_HEAD_MAX + PIECE);
	n = read(t->fd, room + PB_HEAD_MAX, PIECE);
	if (n <= 0)
		return 0;
	start = pb_bytes_head(room + PB_HEAD_MAX, 1, (size_t)n);
	rpc_send(t->rpc, (size_t)(start - room),
	    (size_t)(room + PB_HEAD_MAX + n - start));
	return 1;
}

static void
pump(struct tail *t)
{
	const struct box *b = box_find(t->d, t->box_id);

	while (t->which < NLOGS) {
		bool again;

		if (rpc_sending(t->rpc) || send_piece(t))
			return;
		again = t->which == CONSOLE_LOG && t->fd != -1 && t->follow &&
		    rotated(t);
		if (!again && may_grow(t, b)) {
			t->timer = loop_after(t->d->loop, POLL_MS, on_time, t);
			return;
		}
		if (t->fd != -1)
			close(bindu_steal_fd(&t->fd));
		t->which += !again;
	}
	rpc_finish(t->rpc, RPC_OK, "");
	free_tail(t);
}

static void
on_sent(struct rpc *r)
{
	pump(rpc_data(r));
}

static void
on_gone(struct rpc *r)
{
	free_tail(rpc_data(r));
}

static const struct rpc_ops tail_ops = { svc_no_message, on_sent, on_gone };

void
svc_stream_logs(struct rpc *r, struct boxd *d, const void *req)
{
	const PB(StreamLogsRequest) *q = req;
	struct box *b = svc_box(r, d, q->vm_id);
	struct tail *t;

	if (!b)
		return;
	t = xcalloc(1, sizeof *t);
	t->d = d;
	t->rpc = r;
	t->box_id = xstrdup(b->id);
	t->follow = q->follow;
	t->fd = -1;
	rpc_set(r, &tail_ops, t);
	rpc_accept(r);
	pump(t);
}
