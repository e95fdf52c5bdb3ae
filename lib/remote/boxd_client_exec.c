/* boxd_client_exec.c - the Exec stream: frames and exit rules.
 *
 * Data messages are written and read by hand: packing would copy each payload
 * twice more.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "boxd_client.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define KEEP_MAX (512 << 10) /* of input, until the server has answered */

struct bindu_client_exec {
	struct bindu_remote *remote;
	struct bindu_rpc_call *call;
	char *box;
	uint8_t *first; /* the opening message, to send again */
	size_t firstlen;
	bool keep; /* all that was sent after it is in kept, eof */
	bool eof;
	bool again; /* kept and eof are to be sent again, */
	size_t at; /* from here */
	struct bindu_buf kept;
	bool accepted; /* the stream ended with OK */
	bool any; /* a chunk came */
	bool exit_seen; /* the last chunk was an exit chunk */
	int code;
	int lost; /* the status that ended it */
	struct boxd_watch watch;
};

/* ExecChunk's fields we read and write by hand. */
enum { F_DATA = 1, F_STDIN = 2, F_EXIT = 6, F_STDERR = 10 };

static void
open_call(struct bindu_client_exec *x)
{
	struct iovec v = { x->first, x->firstlen };

	x->call = bindu_rpc_start(boxd_conn(x->remote)->rpc,
	    BOXD_METHOD("Exec"), -1, &v, 1);
}

struct bindu_client_exec *
boxd_exec_open(struct bindu_remote *r, const char *box, const char *line,
    bool tty, uint32_t cols, uint32_t rows, struct bindu_err *err)
{
	PB(ExecChunk)
	m = PB_INIT(EXEC_CHUNK);
	struct bindu_client_exec *x;

	if (boxd_authenticate(r, err) == -1)
		return NULL;
	x = xcalloc(1, sizeof(*x));
	x->remote = r;
	x->box = xstrdup(box);
	x->keep = boxd_conn(r)->token != NULL;
	x->kept.max = KEEP_MAX;
	boxd_watch_init(&x->watch, r, x->box);
	m.vm_id = (char *)box;
	m.command = (char *)line;
	m.tty = tty;
	m.cols = cols;
	m.rows = rows;
	x->first = boxd_pack(&m, &x->firstlen);
	open_call(x);
	return x;
}

/* The input may hold secrets. */
static void
drop_kept(struct bindu_client_exec *x)
{
	x->keep = false;
	if (x->kept.p != NULL)
		explicit_bzero(x->kept.p, x->kept.cap);
	bindu_buf_fini(&x->kept);
}

static void
send_data(struct bindu_client_exec *x, const void *p, size_t n)
{
	uint8_t head[12] = { F_DATA << 3 | 2 };
	uint8_t tail[2] = { F_STDIN << 3, 1 };
	size_t len = 1, left = n;
	struct iovec v[3];

	do
		head[len++] = (uint8_t)((left & 127) | (left > 127 ? 128 : 0));
	while ((left >>= 7) != 0);
	v[0] = (struct iovec){ head, len };
	v[1] = (struct iovec){ (void *)p, n };
	v[2] = (struct iovec){ tail, sizeof(tail) };
	bindu_rpc_send(x->call, v, 3);
}

void
boxd_exec_send(struct bindu_client_exec *x, const void *p, size_t n)
{
	if (x->keep && bindu_buf_add(&x->kept, p, n, NULL) == -1)
		drop_kept(x);
	send_data(x, p, n);
}

bool
boxd_exec_sending(const struct bindu_client_exec *x)
{
	return x->again || bindu_rpc_sending(x->call);
}

void
boxd_exec_eof(struct bindu_client_exec *x)
{
	x->eof = true;
	bindu_rpc_half_close(x->call);
}

/* What followed the opening message of a call that was refused; true: that
 * is done, and new input may be sent. */
static bool
send_again(struct bindu_client_exec *x)
{
	if (!x->again || bindu_rpc_sending(x->call))
		return false;
	if (x->at < x->kept.len) {
		send_data(x, x->kept.p, x->kept.len);
		x->at = x->kept.len;
		return false;
	}
	x->again = false;
	if (x->eof)
		bindu_rpc_half_close(x->call);
	if (!x->keep)
		drop_kept(x);
	return true;
}

void
boxd_exec_winsize(struct bindu_client_exec *x, uint32_t cols, uint32_t rows)
{
	PB(ExecChunk)
	m = PB_INIT(EXEC_CHUNK);
	AUTO_FREE uint8_t *p = NULL;
	struct iovec v;

	m.window_change = 1;
	m.cols = cols;
	m.rows = rows;
	p = boxd_pack(&m, &v.iov_len);
	v.iov_base = p;
	bindu_rpc_send(x->call, &v, 1);
}

static int
get_varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
	*v = 0;
	for (int shift = 0; shift < 64 && *p < end; shift += 7) {
		uint8_t b = *(*p)++;

		*v |= (uint64_t)(b & 127) << shift;
		if (!(b & 128))
			return 0;
	}
	return -1;
}

static int
skip_field(const uint8_t **p, const uint8_t *end, unsigned wire)
{
	uint64_t n = wire == 1 ? 8 : 4;

	if (wire == 0)
		return get_varint(p, end, &n);
	if (wire != 1 && wire != 2 && wire != 5)
		return -1;
	if (wire == 2 && get_varint(p, end, &n) == -1)
		return -1;
	if (n > (uint64_t)(end - *p))
		return -1;
	*p += n;
	return 0;
}

static int
parse_chunk(const char *msg, size_t n, struct bindu_frame *f)
{
	const uint8_t *p = (const uint8_t *)msg, *end = p + n;
	uint64_t key, v;

	*f = (struct bindu_frame){ .kind = BINDU_FRAME_OUT };
	while (p < end) {
		if (get_varint(&p, end, &key) == -1)
			return -1;
		if (key == (F_DATA << 3 | 2)) {
			if (get_varint(&p, end, &v) == -1 ||
			    v > (uint64_t)(end - p))
				return -1;
			f->p = (const char *)p;
			f->n = v;
			p += v;
		} else if (key == (F_EXIT << 3) || key == (F_STDERR << 3)) {
			if (get_varint(&p, end, &v) == -1)
				return -1;
			if (key == (F_EXIT << 3))
				f->code = (int)(int32_t)v;
			else if (v != 0)
				f->kind = BINDU_FRAME_ERR;
		} else if (skip_field(&p, end, key & 7) == -1)
			return -1;
	}
	return 0;
}

/* The rules for what may follow what: boxd-semantics, "What our tools
 * answer".  An exit chunk has no data or a code. */
static int
take_chunk(struct bindu_client_exec *x, const char *p, size_t n,
    struct bindu_frame *f, struct bindu_err *err)
{
	if (parse_chunk(p, n, f) == -1)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "exec in %s: a message that is no exec chunk", x->box);
	if (x->exit_seen && x->code != 0)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "exec in %s: %s after the exit code %d", x->box,
		    f->n != 0 ? "data" : "another exit code", x->code);
	x->any = true;
	x->keep = false;
	if (!x->again)
		drop_kept(x);
	x->exit_seen = f->n == 0 || f->code != 0;
	if (x->exit_seen)
		/* 128+n is the shell's way; some report -n. */
		x->code = f->code < 0 && f->code > -65 ? 128 - f->code :
							 f->code & 255;
	return 0;
}

static int
conclude(struct bindu_client_exec *x, struct bindu_frame *f,
    struct bindu_err *err)
{
	/* Ending in peace, the server says that it ran it. */
	x->accepted = true;
	if (!x->any || !x->exit_seen)
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "connection to %s lost: the stream ended without an exit "
		    "code",
		    x->box);
	*f = (struct bindu_frame){ .kind = BINDU_FRAME_EXIT, .code = x->code };
	return 0;
}

/* The server refused the token before it looked at the call. */
static bool
try_again(struct bindu_client_exec *x, const struct bindu_err *why)
{
	/* Anew in any case: the next tool finds a good one in the cache. */
	if (x->any || !boxd_renew(x->remote, why) ||
	    boxd_authenticate(x->remote, NULL) == -1 || !x->keep)
		return false;
	bindu_rpc_end(x->call);
	open_call(x);
	x->again = x->eof || x->kept.len != 0;
	x->at = 0;
	return true;
}

int
boxd_exec_recv(struct bindu_client_exec *x, int64_t timeout_ms, bool hold,
    struct bindu_frame *f, struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(timeout_ms);
	enum bindu_rpc_event event;
	struct bindu_err why = { 0 };
	const char *p;
	bool woken;
	size_t n;
	int left;

	bindu_rpc_hold(x->call, hold);
	for (;;) {
		if (send_again(x)) {
			f->kind = BINDU_FRAME_SENT;
			return 0;
		}
		if (boxd_watch(&x->watch, &woken, err) == -1) {
			x->lost = BINDU_RPC_UNAVAILABLE;
			return -1;
		}
		if (woken) {
			f->kind = BINDU_FRAME_NOTHING;
			return 0;
		}
		left = bindu_clock_left(deadline);
		if (bindu_rpc_recv(x->call,
			left < 0 || left > 1000 ? 1000 : left, &event, &p, &n,
			&why) == -1) {
			if (try_again(x, &why))
				continue;
			x->lost = why.detail;
			if (err != NULL)
				*err = why;
			return -1;
		}
		switch (event) {
		case BINDU_RPC_MESSAGE:
			if (take_chunk(x, p, n, f, err) == -1)
				return -1;
			if (f->n != 0)
				return 0;
			break;
		case BINDU_RPC_END:
			return conclude(x, f, err);
		case BINDU_RPC_SENT:
			f->kind = BINDU_FRAME_SENT;
			return 0;
		case BINDU_RPC_NOTHING:
			if (left < 0 || left > 1000)
				break;
			/* fallthrough */
		case BINDU_RPC_WOKEN:
			f->kind = BINDU_FRAME_NOTHING;
			return 0;
		}
	}
}

bool
boxd_exec_started(const struct bindu_client_exec *x)
{
	return x->any || x->accepted ||
	    bindu_rpc_may_have_acted(x->call, x->lost);
}

void
boxd_exec_wakeable(struct bindu_client_exec *x)
{
	bindu_rpc_wakeable(boxd_conn(x->remote)->rpc);
}

void
boxd_exec_wake(struct bindu_client_exec *x)
{
	bindu_rpc_wake(boxd_conn(x->remote)->rpc);
}

void
boxd_exec_close(struct bindu_client_exec *x)
{
	if (x == NULL)
		return;
	boxd_watch_fini(&x->watch);
	bindu_rpc_end(x->call);
	drop_kept(x);
	free(x->first);
	free(x->box);
	free(x);
}
