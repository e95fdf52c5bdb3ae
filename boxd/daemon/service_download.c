/* service_download.c - DownloadFile and DownloadFileStream.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "pbscan.h"
#include "service.h"

#define START_MS 30000
#define PIECE (256 << 10)
#define WHOLE_MAX (16 << 20) /* of DownloadFile: one message */
#define SIZE_HEAD_MAX 11

struct download {
	struct boxd *d;
	struct rpc *rpc;
	char *box_id;
	struct ask *ask;
	int fd; /* -1: before the start, after the end */
	struct loop_src *src;
	bool stream, sent_any, ended; /* ended: the monitor is done */
	uint64_t size, got;
	struct bindu_buf whole;
};

static void pump(struct download *);

static void
free_download(struct download *x)
{
	struct box *b = box_find(x->d, x->box_id);

	if (b)
		box_use(b, -1);
	loop_unwatch(&x->src);
	if (x->fd != -1)
		close(x->fd);
	ask_close(&x->ask);
	bindu_buf_fini(&x->whole);
	free(x->box_id);
	free(x);
}

static void
fail(struct download *x, enum bindu_errc code, const char *text)
{
	struct bindu_err err = { 0 };

	bindu_err_set(&err, code, "%s", text);
	svc_fail(x->rpc, &err);
	free_download(x);
}

/* The first chunk carries the size: field 1, a varint, before the data. */
static uint8_t *
size_head(uint8_t *end, uint64_t size)
{
	uint8_t head[SIZE_HEAD_MAX];
	size_t n = 0;

	head[n++] = 1 << 3;
	for (; size > 127; size >>= 7)
		head[n++] = (uint8_t)(size | 128);
	head[n++] = (uint8_t)size;
	return memcpy(end - n, head, n);
}

static void
send_piece(struct download *x, uint8_t *room, size_t n)
{
	uint8_t *data = room + SIZE_HEAD_MAX + PB_HEAD_MAX;
	uint8_t *start = n ? pb_bytes_head(data, 2, n) : data;

	if (!x->sent_any)
		start = size_head(start, x->size);
	x->sent_any = true;
	rpc_send(x->rpc, (size_t)(start - room), (size_t)(data + n - start));
}

static void
finish(struct download *x)
{
	PB(DownloadFileResponse)
	m;

	if (x->got != x->size) {
		fail(x, BINDU_E_IO, "the file changed while it was read");
		return;
	}
	if (x->stream) {
		rpc_finish(x->rpc, RPC_OK, "");
	} else {
		boxd__api__v1__download_file_response__init(&m);
		m.data.data = (uint8_t *)x->whole.p;
		m.data.len = x->whole.len;
		svc_reply(x->rpc, &m.base);
	}
	free_download(x);
}

static void
on_readable(void *arg, uint32_t events)
{
	(void)events;
	pump(arg);
}

/* 1: came, 0: wait or the end */
static int
read_piece(struct download *x)
{
	size_t head = SIZE_HEAD_MAX + PB_HEAD_MAX;
	uint8_t *room = x->stream ? rpc_room(x->rpc, head + PIECE) : NULL;
	char *p = x->stream ? (char *)room + head :
			      bindu_buf_room(&x->whole, PIECE, NULL);
	ssize_t n = read(x->fd, p, PIECE);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		loop_unwatch(&x->src);
		close(bindu_steal_fd(&x->fd));
		return 0;
	}
	x->got += (size_t)n;
	if (x->stream)
		send_piece(x, room, (size_t)n);
	else
		x->whole.len += (size_t)n;
	return 1;
}

static void
pump(struct download *x)
{
	while (x->fd != -1 && !rpc_sending(x->rpc)) {
		if (x->got > x->size) {
			fail(x, BINDU_E_IO, "the file grew while it was read");
			return;
		}
		if (!read_piece(x))
			break;
	}
	if (rpc_sending(x->rpc)) {
		if (x->src)
			loop_events(x->src, 0);
		return;
	}
	if (x->fd != -1) {
		if (!x->src)
			x->src = loop_watch(x->d->loop, x->fd, EPOLLIN,
			    on_readable, x);
		else
			loop_events(x->src, EPOLLIN);
	} else if (x->stream && !x->sent_any) {
		send_piece(x, rpc_room(x->rpc, SIZE_HEAD_MAX + PB_HEAD_MAX), 0);
	} else if (x->ended) {
		finish(x);
	}
}

static void
on_answer(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct download *x = ctx;

	(void)a;
	if (err && x->ended)
		return;
	if (err) {
		svc_fail(x->rpc, err);
		free_download(x);
		return;
	}
	if (bindu_json_str(msg, "event")) {
		x->ended = true;
		pump(x);
		return;
	}
	x->fd = fds[0];
	x->size = (uint64_t)bindu_json_int(msg, "size", 0);
	if (!x->stream && x->size > WHOLE_MAX) {
		rpc_finish(x->rpc, RPC_RESOURCE_EXHAUSTED,
		    "the file is too big for one message: use "
		    "DownloadFileStream");
		free_download(x);
		return;
	}
	bindu_fd_nonblock(x->fd, true);
	if (x->size > PIECE)
		fcntl(x->fd, F_SETPIPE_SZ, PIECE);
	pump(x);
}

static void
on_sent(struct rpc *r)
{
	pump(rpc_data(r));
}

static void
on_gone(struct rpc *r)
{
	free_download(rpc_data(r));
}

static const struct rpc_ops download_ops = { svc_no_message, on_sent, on_gone };

static void
begin(struct rpc *r, struct boxd *d, const PB(DownloadFileRequest) * q,
    bool stream)
{
	AUTO_JSON json_t *utf8 = json_string(q->path);
	struct box *b = svc_box(r, d, q->vm_id);
	AUTO_FREE char *sock = NULL;
	struct bindu_err err = { 0 };
	struct download *x;

	if (!b)
		return;
	if (box_need_running(b, &err) == -1) {
		svc_fail(r, &err);
		return;
	}
	if (!utf8 || !*q->path) {
		rpc_finish(r, RPC_INVALID_ARGUMENT, "no path was given");
		return;
	}
	x = xcalloc(1, sizeof *x);
	x->d = d;
	x->rpc = r;
	x->box_id = xstrdup(b->id);
	x->fd = -1;
	x->stream = stream;
	x->whole = (struct bindu_buf)BINDU_BUF_INIT(WHOLE_MAX + 2 * PIECE);
	box_use(b, 1);
	rpc_set(r, &download_ops, x);
	sock = box_monitor(b);
	x->ask = ask_open(d->loop, sock,
	    json_pack("{ssss}", "op", "get", "path", q->path), START_MS,
	    on_answer, x);
}

void
svc_download_file(struct rpc *r, struct boxd *d, const void *req)
{
	begin(r, d, req, false);
}

void
svc_download_stream(struct rpc *r, struct boxd *d, const void *req)
{
	begin(r, d, req, true);
}
