/* service_upload.c - UploadFile and UploadFileStream.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "pbscan.h"
#include "service_file.h"

#define FILE_MODE 0644

struct upload {
	struct svc_file f;
	char *rest; /* what is not in the pipe yet */
	size_t off, len;
	uint64_t total, got; /* promised (0: not said), received */
	bool stream, all; /* all: the client has sent everything */
};

static void
free_upload(struct upload *u)
{
	svc_file_fini(&u->f);
	free(u->rest);
	free(u);
}

static void
fail(struct upload *u, enum bindu_errc code, const char *text)
{
	svc_fail_text(u->f.rpc, code, text);
	free_upload(u);
}

/* The monitor compares the size with what came. */
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
	if (!u->total)
		ask_tell(u->f.ask,
		    json_pack("{sI}", "size", (json_int_t)u->got));
	svc_file_end(&u->f);
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
		ssize_t n = write(u->f.fd, u->rest + u->off, u->len - u->off);

		if (n == -1 && errno == EAGAIN) {
			if (!u->f.src)
				u->f.src = loop_watch(u->f.d->loop, u->f.fd,
				    EPOLLOUT, on_room, u);
			else
				loop_events(u->f.src, EPOLLOUT);
			return;
		}
		if (n == -1) { /* the monitor will say why */
			u->off = u->len;
			break;
		}
		u->off += (size_t)n;
	}
	if (u->f.src)
		loop_events(u->f.src, 0);
	free(bindu_steal(&u->rest));
	u->off = u->len = 0;
	rpc_hold(u->f.rpc, 0);
	if (u->all)
		finish(u);
	else
		rpc_recv(u->f.rpc);
}

/* false: no room, and the call ends. */
static bool
take(struct upload *u, const uint8_t *p, size_t n)
{
	if (!rpc_hold(u->f.rpc, n))
		return false;
	u->got += n;
	u->rest = n ? xmemdup(p, n) : NULL;
	u->len = n;
	return true;
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
		svc_fail(u->f.rpc, err);
		free_upload(u);
		return;
	}
	if (!bindu_json_str(msg, "event")) {
		u->f.fd = fds[0];
		bindu_fd_nonblock(u->f.fd, true);
		feed(u);
		return;
	}
	bytes = bindu_json_int(msg, "bytes", -1);
	if (!u->all || u->f.fd != -1 || bytes != (int64_t)u->got) {
		AUTO_FREE char *why = xasprintf("%lld of %llu bytes arrived "
						"in the box",
		    (long long)bytes, (unsigned long long)u->got);

		fail(u, BINDU_E_IO, why);
		return;
	}
	boxd__api__v1__upload_file_response__init(&m);
	m.bytes_written = u->got;
	svc_reply(u->f.rpc, &m.base);
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
	if (take(u, data.p, data.n))
		feed(u);
}

static const struct rpc_ops upload_ops = { on_chunk, svc_nothing, on_gone };

/* NULL: refused, and the call has been ended.  n bytes came already. */
static struct upload *
begin(struct rpc *r, struct boxd *d, const char *vm, const char *path,
    uint64_t size, size_t n)
{
	struct box *b = svc_file_box(r, d, vm, path);
	struct upload *u;

	if (!b || !rpc_hold(r, n))
		return NULL;
	u = xcalloc(1, sizeof *u);
	u->total = size;
	svc_file_open(&u->f, r, d, b, &upload_ops,
	    json_pack("{sssssisI}", "op", "put", "path", path, "mode",
		FILE_MODE, "size", size != 0 ? (json_int_t)size : -1),
	    on_answer, u);
	return u;
}

void
svc_upload_file(struct rpc *r, struct boxd *d, const void *req)
{
	const PB(UploadFileRequest) *q = req;
	struct upload *u =
	    begin(r, d, q->vm_id, q->path, q->data.len, q->data.len);

	if (u) {
		u->all = true;
		take(u, q->data.data, q->data.len);
	}
}

static void
on_first(struct rpc *r, const uint8_t *p, size_t n)
{
	PB(UploadFileChunk) *q = p ?
	    svc_unpack(&boxd__api__v1__upload_file_chunk__descriptor, p, n) :
	    NULL;
	struct upload *u;

	rpc_set(r, &svc_no_ops, NULL);
	if (!q) {
		rpc_finish(r, RPC_INVALID_ARGUMENT,
		    "the first chunk must name a box and a path");
		return;
	}
	u = begin(r, rpc_ctx(r), q->vm_id, q->path, q->total_size, q->data.len);
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
