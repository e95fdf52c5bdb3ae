/* boxd_client_file.c - files up and down, console logs.
 *
 * Old servers cut uploads short and report success: every upload to a
 * server that is not our own daemon is verified there by digest.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "boxd_client.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/source/digest.h"
#include "stream.h"

#define PIECE (256 << 10)
#define PUT_TRIES 5
#define IDLE_MS 30000 /* no progress for so long is a failure */

static int
read_piece(int fd, void *buf, size_t n, uint64_t left, struct bindu_err *err)
{
	ssize_t got = bindu_fd_read(fd, buf, left < n ? (size_t)left : n);

	if (got == -1)
		return bindu_err_sys(err, "cannot read what to upload");
	if (got == 0 && left != 0)
		return bindu_err_set(err, BINDU_E_DATA,
		    "the file to upload became shorter");
	return (int)got;
}

/* Until the send under way was taken; an early end of the call shows. */
static int
await_sent(struct bindu_rpc_call *call, struct bindu_err *err)
{
	enum bindu_rpc_event event;
	const char *p;
	size_t n;

	while (bindu_rpc_sending(call)) {
		if (bindu_rpc_recv(call, IDLE_MS, &event, &p, &n, err) == -1)
			return -1;
		if (event == BINDU_RPC_NOTHING)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "upload: no progress for 30 s");
		if (event == BINDU_RPC_WOKEN &&
		    bindu_tool_interrupted(err) == -1)
			return -1;
		if (event == BINDU_RPC_MESSAGE || event == BINDU_RPC_END)
			return bindu_err_set(err, BINDU_E_PROTOCOL,
			    "upload: answered before all was sent");
	}
	return 0;
}

static int
await_reply(struct bindu_rpc_call *call, uint64_t size, struct bindu_err *err)
{
	AUTO_PB PB(UploadFileResponse) *reply = NULL;
	enum bindu_rpc_event event = BINDU_RPC_NOTHING;
	const char *p;
	size_t n;

	while (event != BINDU_RPC_END) {
		if (bindu_rpc_recv(call, IDLE_MS, &event, &p, &n, err) == -1)
			return -1;
		if (event == BINDU_RPC_NOTHING)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "upload: no answer for 30 s");
		if (event == BINDU_RPC_WOKEN && bindu_pause(0, err) == -1)
			return -1;
		if (event == BINDU_RPC_MESSAGE && reply == NULL)
			reply =
			    boxd__api__v1__upload_file_response__unpack(NULL, n,
				(const uint8_t *)p);
	}
	if (reply == NULL)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "upload: no answer");
	if (reply->bytes_written != 0 && reply->bytes_written != size)
		return bindu_err_set(err, BINDU_E_DATA,
		    "upload: the server wrote %llu of %llu bytes",
		    (unsigned long long)reply->bytes_written,
		    (unsigned long long)size);
	return 0;
}

struct upload {
	const char *box, *path;
	int fd;
	uint64_t size;
	struct bindu_digest *digest;
	const struct bindu_report *report;
};

static int
send_pieces(struct bindu_remote *r, const struct upload *u,
    struct bindu_rpc_call **call, struct bindu_err *err)
{
	PB(UploadFileChunk)
	m = PB_INIT(UPLOAD_FILE_CHUNK);
	AUTO_FREE char *buf = xmalloc(PIECE);
	uint64_t done = 0;

	m.vm_id = (char *)u->box;
	m.path = (char *)u->path;
	m.total_size = u->size;
	/* An empty file still sends its first chunk. */
	do {
		AUTO_FREE uint8_t *msg = NULL;
		struct iovec v;
		int n = read_piece(u->fd, buf, PIECE, u->size - done, err);

		if (n == -1)
			return -1;
		bindu_digest_add(u->digest, buf, (size_t)n);
		m.data = (ProtobufCBinaryData){ (size_t)n, (uint8_t *)buf };
		msg = boxd_pack(&m, &v.iov_len);
		v.iov_base = msg;
		if (*call == NULL)
			*call = bindu_rpc_start(boxd_conn(r)->rpc,
			    BOXD_METHOD("UploadFileStream"), -1, &v, 1);
		else
			bindu_rpc_send(*call, &v, 1);
		if (await_sent(*call, err) == -1)
			return -1;
		done += (uint64_t)n;
		bindu_progress(u->report, "upload", done, u->size, "bytes");
		m = (PB(UploadFileChunk))PB_INIT(UPLOAD_FILE_CHUNK);
	} while (done < u->size);
	return 0;
}

static int
put_stream(struct bindu_remote *r, const struct upload *u,
    struct bindu_err *err)
{
	struct bindu_rpc_call *call = NULL;
	int rc = boxd_authenticate(r, err);

	if (rc == 0)
		rc = send_pieces(r, u, &call, err);
	if (rc == 0) {
		bindu_rpc_half_close(call);
		rc = await_reply(call, u->size, err);
	}
	bindu_rpc_end(call);
	return rc;
}

static int
put_message(struct bindu_remote *r, const struct upload *u,
    struct bindu_err *err)
{
	PB(UploadFileRequest)
	req = PB_INIT(UPLOAD_FILE_REQUEST);
	AUTO_PB ProtobufCMessage *reply = NULL;
	AUTO_FREE char *buf = xmalloc((size_t)u->size + 1);
	ssize_t n = bindu_fd_read(u->fd, buf, (size_t)u->size);

	if (n == -1)
		return bindu_err_sys(err, "cannot read what to upload");
	if ((uint64_t)n != u->size)
		return bindu_err_set(err, BINDU_E_DATA,
		    "the file to upload became shorter");
	bindu_digest_add(u->digest, buf, (size_t)n);
	req.vm_id = (char *)u->box;
	req.path = (char *)u->path;
	req.data = (ProtobufCBinaryData){ (size_t)n, (uint8_t *)buf };
	return boxd_call(r, BOXD_METHOD("UploadFile"), &req,
	    &boxd__api__v1__upload_file_response__descriptor, BOXD_SAFE,
	    r->timeout_ms, &reply, err);
}

/* For servers without the stream, and files too big for their messages. */
static int
put_exec(struct bindu_remote *r, const struct upload *u, struct bindu_err *err)
{
	const char *argv[] = { "sh", "-c",
		"mkdir -p \"$(dirname \"$1\")\" && cat >\"$1\"", "put", u->path,
		NULL };
	struct bindu_exec_opts opts = { .argv = argv };
	AUTO_FREE char *buf = xmalloc(PIECE);
	struct bindu_exec_end end = { 0 };
	enum bindu_exec_event event = BINDU_EXEC_NOTHING;
	struct bindu_exec *x = bindu_exec_open(r, u->box, &opts, err);
	uint64_t done = 0;
	const char *p;
	size_t len;
	int n = 0, rc = x == NULL ? -1 : 0;

	while (rc == 0 && done < u->size) {
		n = read_piece(u->fd, buf, PIECE, u->size - done, err);
		if (n == -1)
			rc = -1;
		else {
			bindu_digest_add(u->digest, buf, (size_t)n);
			rc = bindu_exec_send(x, buf, (size_t)n, err);
			done += (uint64_t)n;
		}
		bindu_progress(u->report, "upload", done, u->size, "bytes");
	}
	if (rc == 0)
		rc = bindu_exec_eof(x, err);
	while (rc == 0 && event != BINDU_EXEC_END) {
		rc = bindu_exec_recv(x, IDLE_MS, &event, &p, &len, &end, err);
		if (rc == 0 && event == BINDU_EXEC_NOTHING)
			rc = bindu_pause(0, err);
		if (rc == 0 && event == BINDU_EXEC_NOTHING)
			rc = bindu_err_set(err, BINDU_E_AGAIN,
			    "upload: no answer for 30 s");
	}
	bindu_exec_close(x);
	if (rc == 0 && end.code != 0)
		rc = bindu_err_set(err, BINDU_E_IO,
		    "upload to %s: cannot write there", u->path);
	return rc;
}

/* Ask the box what it holds; 0 equal, 1 not, -1 cannot tell. */
static int
verify(struct bindu_remote *r, const struct upload *u, const char *want,
    char *got, struct bindu_err *err)
{
	const char *argv[] = { "sha256sum", "--", u->path, NULL };
	struct bindu_exec_opts opts = { .argv = argv, .timeout_ms = 120000 };
	AUTO_BUF struct bindu_buf out = BINDU_BUF_INIT(65536);
	AUTO_BUF struct bindu_buf errout = BINDU_BUF_INIT(65536);
	struct bindu_exec_end end = { 0 };

	if (bindu_exec_capture(r, u->box, &opts, NULL, 0, &out, &errout, &end,
		err) == -1)
		return -1;
	if (end.code != 0 || out.len < 64)
		return bindu_err_set(err, BINDU_E_DATA,
		    "upload to %s: the box cannot tell its digest", u->path);
	/* A leading backslash marks an escaped name. */
	memcpy(got, out.p + (*out.p == '\\'), 64);
	got[64] = '\0';
	return strcmp(got, want) != 0;
}

static int
put_once(struct bindu_remote *r, const struct upload *u, struct bindu_err *err)
{
	struct boxd_conn *c = boxd_conn(r);
	struct bindu_err why = { 0 };

	if (!c->no_upload_stream) {
		int rc = put_stream(r, u, &why);

		if (rc == -1 && boxd_renew(r, &why) &&
		    lseek(u->fd, 0, SEEK_SET) == 0) {
			bindu_digest_end(u->digest,
			    (uint8_t[BINDU_SHA256]){ 0 });
			rc = put_stream(r, u, &why);
		}
		if (rc == 0)
			return 0;
		if (why.detail != BINDU_RPC_UNIMPLEMENTED) {
			if (err != NULL)
				*err = why;
			return -1;
		}
		c->no_upload_stream = true;
		if (lseek(u->fd, 0, SEEK_SET) == -1)
			return bindu_err_set(err, BINDU_E_UNAVAILABLE,
			    "this server takes whole files only: upload from "
			    "a file, not from a pipe");
		bindu_digest_end(u->digest, (uint8_t[BINDU_SHA256]){ 0 });
	}
	return u->size <= BINDU_RPC_PIECE ? put_message(r, u, err) :
					    put_exec(r, u, err);
}

static int
put_verified(struct bindu_remote *r, const struct upload *u,
    struct bindu_err *err)
{
	uint8_t sum[BINDU_SHA256];
	char want[65], got[65];

	for (int try = 0; try < PUT_TRIES; try++) {
		int differs;

		if (try != 0 && lseek(u->fd, 0, SEEK_SET) == -1)
			break;
		if (put_once(r, u, err) == -1)
			return -1;
		bindu_digest_end(u->digest, sum);
		if (r->runtime == BINDU_LOCAL)
			return 0;
		bindu_str_hex(sum, sizeof(sum), want);
		differs = verify(r, u, want, got, err);
		if (differs <= 0)
			return differs;
	}
	return bindu_err_set(err, BINDU_E_DATA,
	    "upload to %s: the box holds other bytes after %d tries: sent "
	    "sha256 %s, found %s",
	    u->path, PUT_TRIES, want, got);
}

int
boxd_put(struct bindu_remote *r, const char *box, const char *path, int fd,
    uint64_t size, const struct bindu_report *report, struct bindu_err *err)
{
	struct upload u = { box, path, fd, size, bindu_digest_new(), report };
	int rc = put_verified(r, &u, err);

	bindu_digest_free(u.digest);
	return rc;
}

/* 0.1 servers: the file in one message. */
static int
fetch_message(struct bindu_remote *r, const PB(DownloadFileRequest) * req,
    int fd, struct bindu_err *err)
{
	AUTO_PB PB(DownloadFileResponse) *reply = NULL;

	if (boxd_call(r, BOXD_METHOD("DownloadFile"), req,
		&boxd__api__v1__download_file_response__descriptor, BOXD_SAFE,
		r->timeout_ms, &reply, err) == -1)
		return -1;
	if (bindu_fd_write(fd, reply->data.data, reply->data.len) == -1)
		return bindu_err_sys(err, "cannot write the download");
	return 0;
}

struct download {
	const char *path;
	int fd;
	uint64_t total, done;
	const struct bindu_report *report;
};

static int
take_piece(struct download *d, const char *p, size_t n, struct bindu_err *err)
{
	AUTO_PB PB(DownloadFileChunk) *m =
	    boxd__api__v1__download_file_chunk__unpack(NULL, n,
		(const uint8_t *)p);

	if (m == NULL)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "download: a message that is no file chunk");
	if (m->total_size != 0)
		d->total = m->total_size;
	if (bindu_fd_write(d->fd, m->data.data, m->data.len) == -1)
		return bindu_err_sys(err, "cannot write the download");
	d->done += m->data.len;
	bindu_progress(d->report, "download", d->done, d->total, "bytes");
	return 0;
}

static int
fetch_pieces(struct bindu_rpc_call *call, struct download *d,
    struct bindu_err *err)
{
	enum bindu_rpc_event event = BINDU_RPC_NOTHING;
	const char *p;
	size_t n;

	while (event != BINDU_RPC_END) {
		if (bindu_rpc_recv(call, IDLE_MS, &event, &p, &n, err) == -1)
			return -1;
		if (event == BINDU_RPC_NOTHING)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "download: no progress for 30 s");
		if (event == BINDU_RPC_WOKEN &&
		    bindu_tool_interrupted(err) == -1)
			return -1;
		if (event == BINDU_RPC_MESSAGE &&
		    take_piece(d, p, n, err) == -1)
			return -1;
	}
	if (d->done != d->total)
		return bindu_err_set(err, BINDU_E_DATA,
		    "download of %s: %llu of %llu bytes came", d->path,
		    (unsigned long long)d->done, (unsigned long long)d->total);
	return 0;
}

int
boxd_fetch(struct bindu_remote *r, const char *box, const char *path, int fd,
    const struct bindu_report *report, struct bindu_err *err)
{
	PB(DownloadFileRequest)
	req = PB_INIT(DOWNLOAD_FILE_REQUEST);
	struct download d = { .path = path, .fd = fd, .report = report };
	AUTO_FREE uint8_t *msg = NULL;
	struct bindu_err why = { 0 };
	struct bindu_rpc_call *call;
	size_t n;
	int rc;

	req.vm_id = (char *)box;
	req.path = (char *)path;
	msg = boxd_pack(&req, &n);
	do {
		if (boxd_authenticate(r, err) == -1)
			return -1;
		call = bindu_rpc_ask(boxd_conn(r)->rpc,
		    BOXD_METHOD("DownloadFileStream"), -1, msg, n);
		rc = fetch_pieces(call, &d, &why);
		bindu_rpc_end(call);
	} while (rc == -1 && d.done == 0 && boxd_renew(r, &why));
	if (rc == -1 && why.detail == BINDU_RPC_UNIMPLEMENTED && d.done == 0)
		return fetch_message(r, &req, fd, err);
	if (rc == -1 && err != NULL)
		*err = why;
	return rc;
}

static int
take_logs(int fd, const char *p, size_t n, struct bindu_err *err)
{
	AUTO_PB PB(LogChunk) *m =
	    boxd__api__v1__log_chunk__unpack(NULL, n, (const uint8_t *)p);

	if (m == NULL)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "logs: a message that is no log chunk");
	return bindu_fd_write(fd, m->data.data, m->data.len) == 0 ?
	    0 :
	    bindu_err_sys(err, "cannot write logs");
}

/* To the end, or until a signal comes: that is how following ends. */
static int
copy_logs(struct bindu_rpc_call *call, struct boxd_watch *watch, int fd,
    bool *any, struct bindu_err *err)
{
	enum bindu_rpc_event event = BINDU_RPC_NOTHING;
	bool woken = false;
	const char *p;
	size_t n;

	while (event != BINDU_RPC_END && event != BINDU_RPC_WOKEN) {
		if (bindu_rpc_recv(call, 1000, &event, &p, &n, err) == -1)
			return -1;
		if (event == BINDU_RPC_MESSAGE) {
			*any = true;
			if (take_logs(fd, p, n, err) == -1)
				return -1;
		}
		if (event != BINDU_RPC_END &&
		    boxd_watch(watch, &woken, err) == -1)
			return -1;
		if (woken)
			break;
	}
	return 0;
}

int
boxd_logs(struct bindu_remote *r, const char *box, bool follow, int fd,
    struct bindu_err *err)
{
	PB(StreamLogsRequest)
	req = PB_INIT(STREAM_LOGS_REQUEST);
	AUTO_FREE uint8_t *msg = NULL;
	struct bindu_err why = { 0 };
	struct bindu_rpc_call *call;
	struct boxd_watch watch;
	bool any = false;
	size_t n;
	int rc;

	req.vm_id = (char *)box;
	req.follow = follow;
	msg = boxd_pack(&req, &n);
	do {
		if (boxd_authenticate(r, err) == -1)
			return -1;
		call = bindu_rpc_ask(boxd_conn(r)->rpc,
		    BOXD_METHOD("StreamLogs"), follow ? -1 : r->timeout_ms, msg,
		    n);
		boxd_watch_init(&watch, r, box);
		rc = copy_logs(call, &watch, fd, &any, &why);
		boxd_watch_fini(&watch);
		bindu_rpc_end(call);
	} while (rc == -1 && !any && boxd_renew(r, &why));
	if (rc == -1 && err != NULL)
		*err = why;
	return rc;
}
