/* service_upload.c - UploadFile and UploadFileStream.
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
#define FILE_MODE 0644

struct upload {
	struct boxd *d;
	struct rpc *rpc;
	char *box_id;
	struct ask *ask;
	int fd; /* -1: before the start, after the end */
	struct loop_src *src;
	char *rest; /* what is not in the pipe yet */
	size_t off, len;
	uint64_t total, got; /* promised (0: not said), received */
	bool stream, all; /* all: the client has sent everything */
};

static void
free_upload(struct upload *u)
{
	struct box *b = box_find(u->d, u->box_id);

	if (b)
		box_use(b, -1);
	loop_unwatch(&u->src);
	if (u->fd != -1)
		close(u->fd);
	ask_close(&u->ask);
	free(u->rest);
	free(u->box_id);
	free(u);
}

static void
fail(struct upload *u, enum bindu_errc code, const char *text)
{
	struct bindu_err err = { 0 };

	bindu_err_set(&err, code, "%s", text);
	svc_fail(u->rpc, &err);
	free_upload(u);
}

/* Closing the pipe tells the monitor that the file is whole. */
static void
finish(struct upload *u)
{
	if (u->stream && u->total && u->got != u->total) {
		AUTO_FREE char *why = xasprintf("upload ended after %llu of "
						"%llu bytes",
		    (unsigned long long)u->got, (unsigned long long)u->total);

		fail(u, BINDU_E_DATA, why);
		return;
	}
	loop_unwatch(&u->src);
	close(bindu_steal_fd(&u->fd));
}

static void feed(struct upload *u);

static void
on_room(void *arg, uint32_t events)
{
	(void)events;
	feed(arg);
}

static void
feed(struct upload *u)
{
	while (u->off < u->len) {
		ssize_t n = write(u->fd, u->rest + u->off, u->len - u->off);

		if (n == -1 && errno == EAGAIN) {
			if (!u->src)
				u->src = loop_watch(u->d->loop, u->fd, EPOLLOUT,
				    on_room, u);
			else
				loop_events(u->src, EPOLLOUT);
			return;
		}
		if (n == -1) { /* the monitor will say why */
			u->off = u->len;
			break;
		}
		u->off += (size_t)n;
	}
	if (u->src)
		loop_events(u->src, 0);
	free(u->rest);
	u->rest = NULL;
	u->off = u->len = 0;
	if (u->all)
		finish(u);
	else
		rpc_recv(u->rpc);
}

static void
take(struct upload *u, const uint8_t *p, size_t n)
{
	u->got += n;
	u->rest = n ? xmemdup(p, n) : NULL;
	u->len = n;
}

static void
on_answer(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct upload *u = ctx;
	PB(UploadFileResponse)
	m;
	int64_t bytes;

	(void)a;
	if (err) {
		svc_fail(u->rpc, err);
		free_upload(u);
		return;
	}
	if (!bindu_json_str(msg, "event")) {
		u->fd = fds[0];
		bindu_fd_nonblock(u->fd, true);
		feed(u);
		return;
	}
	bytes = bindu_json_int(msg, "bytes", -1);
	if (!u->all || u->fd != -1 || bytes != (int64_t)u->got) {
		AUTO_FREE char *why = xasprintf("%lld of %llu bytes arrived "
						"in the box",
		    (long long)bytes, (unsigned long long)u->got);

		fail(u, BINDU_E_IO, why);
		return;
	}
	boxd__api__v1__upload_file_response__init(&m);
	m.bytes_written = u->got;
	svc_reply(u->rpc, &m.base);
	free_upload(u);
}

static void
on_gone(struct rpc *r)
{
	free_upload(rpc_data(r));
}

static void
on_chunk(struct rpc *r, const uint8_t *p, size_t n)
{
	struct upload *u = rpc_data(r);
	const uint8_t *end = p + n;
	struct pb_field f, data = { 0 };
	int got;

	if (!p) {
		u->all = true;
		finish(u);
		return;
	}
	while ((got = pb_next(&p, end, &f)) == 1)
		if (f.number == 4)
			data = f;
	if (got == -1) {
		fail(u, BINDU_E_DATA, "a chunk is malformed");
		return;
	}
	take(u, data.p, data.n);
	feed(u);
}

static const struct rpc_ops upload_ops = { on_chunk, svc_nothing, on_gone };

/* NULL: refused, and the call has been ended. */
static struct upload *
begin(struct rpc *r, struct boxd *d, const char *vm, const char *path,
    uint64_t size)
{
	AUTO_JSON json_t *utf8 = json_string(path);
	struct box *b = svc_box(r, d, vm);
	AUTO_FREE char *sock = NULL;
	struct bindu_err err = { 0 };
	struct upload *u;

	if (!b)
		return NULL;
	if (box_need_running(b, &err) == -1) {
		svc_fail(r, &err);
		return NULL;
	}
	if (!utf8 || !*path) {
		rpc_finish(r, RPC_INVALID_ARGUMENT, "no path was given");
		return NULL;
	}
	u = xcalloc(1, sizeof *u);
	u->d = d;
	u->rpc = r;
	u->box_id = xstrdup(b->id);
	u->fd = -1;
	u->total = size;
	box_use(b, 1);
	rpc_set(r, &upload_ops, u);
	sock = box_monitor(b);
	u->ask = ask_open(d->loop, sock,
	    json_pack("{sssssisI}", "op", "put", "path", path, "mode",
		FILE_MODE, "size", (json_int_t)size),
	    START_MS, on_answer, u);
	return u;
}

void
svc_upload_file(struct rpc *r, struct boxd *d, const void *req)
{
	const PB(UploadFileRequest) *q = req;
	struct upload *u = begin(r, d, q->vm_id, q->path, q->data.len);

	if (!u)
		return;
	u->all = true;
	take(u, q->data.data, q->data.len);
}

static void
on_first(struct rpc *r, const uint8_t *p, size_t n)
{
	PB(UploadFileChunk) *q =
	    p ? boxd__api__v1__upload_file_chunk__unpack(NULL, n, p) : NULL;
	struct upload *u;

	rpc_set(r, &svc_no_ops, NULL);
	if (!q) {
		rpc_finish(r, RPC_INVALID_ARGUMENT,
		    "the first chunk must name a box and a path");
		return;
	}
	u = begin(r, rpc_ctx(r), q->vm_id, q->path, q->total_size);
	if (u) {
		u->stream = true;
		take(u, q->data.data, q->data.len);
	}
	boxd__api__v1__upload_file_chunk__free_unpacked(q, NULL);
}

static const struct rpc_ops first_ops = { on_first, svc_nothing, svc_nothing };

void
svc_upload_stream(struct rpc *r, struct boxd *d)
{
	(void)d;
	rpc_set(r, &first_ops, NULL);
	rpc_recv(r);
}
