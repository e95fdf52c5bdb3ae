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
#include "service_file.h"

#define PIECE (256 << 10)
#define STRANGER_PIECE (64 << 10) /* there may be 2000 that do not read */
#define WHOLE_MAX (16 << 20) /* of DownloadFile: one message */
#define SIZE_HEAD_MAX 11
#define HEAD_MAX (SIZE_HEAD_MAX + PB_HEAD_MAX) /* before a message's data */

struct download {
	struct svc_file f;
	bool stream, sent_any, ended; /* ended: the monitor is done */
	uint64_t size, got;
	size_t piece;
};

static void pump(struct download *);

static void
free_download(struct download *x)
{
	svc_file_fini(&x->f);
	free(x);
}

static void
fail(struct download *x, enum bindu_errc code, const char *text)
{
	svc_fail_text(x->f.rpc, code, text);
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
	uint8_t *data = room + HEAD_MAX;
	uint8_t *start = n ? pb_bytes_head(data, 2, n) : data;

	if (!x->sent_any)
		start = size_head(start, x->size);
	x->sent_any = true;
	rpc_send(x->f.rpc, (size_t)(start - room), (size_t)(data + n - start));
}

/* The whole file lies in the room. */
static void
reply_whole(struct download *x)
{
	uint8_t *room = rpc_room(x->f.rpc, HEAD_MAX + x->got);
	uint8_t *data = room + HEAD_MAX;
	uint8_t *start = x->got ? pb_bytes_head(data, 1, x->got) : data;

	rpc_reply(x->f.rpc, (size_t)(start - room),
	    (size_t)(data + x->got - start));
}

static void
finish(struct download *x)
{
	if (x->got != x->size) {
		fail(x, BINDU_E_IO, "the file changed while it was read");
		return;
	}
	if (x->stream)
		rpc_finish(x->f.rpc, RPC_OK, "");
	else
		reply_whole(x);
	free_download(x);
}

static void
on_readable(void *arg, uint32_t events)
{
	(void)events;
	pump(arg);
}

/* 1: came, 0: wait or the end.  One byte over the size shows that it grew. */
static int
read_piece(struct download *x)
{
	size_t off = HEAD_MAX + (x->stream ? 0 : x->got);
	size_t max = x->stream ? x->piece : x->size + 1 - x->got;
	uint8_t *room = rpc_room(x->f.rpc, off + max);
	ssize_t n = read(x->f.fd, room + off, max);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		svc_file_end(&x->f);
		return 0;
	}
	x->got += (size_t)n;
	if (x->stream)
		send_piece(x, room, (size_t)n);
	return 1;
}

static void
pump(struct download *x)
{
	while (x->f.fd != -1 && !rpc_sending(x->f.rpc)) {
		if (x->got > x->size) {
			fail(x, BINDU_E_IO, "the file grew while it was read");
			return;
		}
		if (!read_piece(x))
			break;
	}
	if (rpc_sending(x->f.rpc)) {
		if (x->f.src)
			loop_events(x->f.src, 0);
		return;
	}
	if (x->f.fd != -1) {
		if (!x->f.src)
			x->f.src = loop_watch(x->f.d->loop, x->f.fd, EPOLLIN,
			    on_readable, x);
		else
			loop_events(x->f.src, EPOLLIN);
	} else if (x->stream && !x->sent_any) {
		send_piece(x, rpc_room(x->f.rpc, HEAD_MAX), 0);
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
		svc_fail(x->f.rpc, err);
		free_download(x);
		return;
	}
	if (bindu_json_str(msg, "event")) {
		x->ended = true;
		pump(x);
		return;
	}
	x->f.fd = fds[0];
	x->size = (uint64_t)bindu_json_int(msg, "size", 0);
	if (!x->stream && x->size > WHOLE_MAX) {
		rpc_finish(x->f.rpc, RPC_RESOURCE_EXHAUSTED,
		    "the file is too big for one message: use "
		    "DownloadFileStream");
		free_download(x);
		return;
	}
	if (!x->stream && !rpc_hold(x->f.rpc, x->size))
		return;
	bindu_fd_nonblock(x->f.fd, true);
	if (x->size > PIECE)
		fcntl(x->f.fd, F_SETPIPE_SZ, PIECE);
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
	struct box *b = svc_file_box(r, d, q->vm_id, q->path);
	struct download *x;

	if (!b)
		return;
	x = xcalloc(1, sizeof *x);
	x->stream = stream;
	x->piece = rpc_trusted(r) ? PIECE : STRANGER_PIECE;
	svc_file_open(&x->f, r, d, b, &download_ops,
	    json_pack("{ssss}", "op", "get", "path", q->path), on_answer, x);
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
