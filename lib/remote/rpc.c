/* rpc.c - calls on a channel: unary, streams, one queue for all of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "rpc_priv.h"

#define SLICE_MS 100 /* how often a wait looks for a signal */

enum op { OP_SEND, OP_CLOSE, OP_META, OP_RECV, OP_STATUS, OP_COUNT };

struct tag {
	struct bindu_rpc_call *call;
	enum op op;
};

struct bindu_rpc_call {
	struct bindu_rpc *rpc;
	grpc_call *call;
	char *method;
	struct tag tags[OP_COUNT];
	bool busy[OP_COUNT]; /* its batch has not come back */
	bool failed; /* a send came back without success */
	bool sent; /* a send came back; not told yet */
	bool taken; /* the first message left */
	bool ended; /* the status is here */
	bool drained; /* the last message was read */
	bool held; /* give no message now */
	int64_t began;
	int signal; /* the last one that recv told of */
	grpc_byte_buffer *in; /* RECV's result */
	bool has_in;
	grpc_slice text; /* what recv lends */
	grpc_metadata_array head, tail;
	grpc_status_code status;
	grpc_slice details;
};

static void
start(struct bindu_rpc_call *c, enum op op, const grpc_op *ops, size_t n)
{
	c->busy[op] = true;
	if (grpc_call_start_batch(c->call, ops, n, &c->tags[op], NULL) !=
	    GRPC_CALL_OK) {
		/* Only a mistake of ours leads here; the call is useless. */
		c->busy[op] = false;
		c->failed = true;
		c->drained = c->drained || op == OP_RECV;
		grpc_call_cancel(c->call, NULL);
	}
}

static void
finish(struct bindu_rpc_call *c, enum op op, bool success)
{
	c->busy[op] = false;
	switch (op) {
	case OP_SEND:
		c->sent = true;
		c->taken = c->taken || success;
		/* fallthrough */
	case OP_CLOSE:
		c->failed = c->failed || !success;
		break;
	case OP_RECV:
		c->has_in = c->in != NULL;
		c->drained = c->in == NULL;
		break;
	case OP_STATUS:
		c->ended = true;
		break;
	default:
		break;
	}
}

static gpr_timespec
timespec_in(int64_t ms)
{
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
	    gpr_time_from_millis(ms, GPR_TIMESPAN));
}

/* One event of any call: 1; none until the deadline or the next look at
 * signals: 0. */
static int
pump(struct bindu_rpc *rpc, int64_t deadline)
{
	int left = bindu_clock_left(deadline);
	struct tag *tag;
	grpc_event e;

	if (left < 0 || left > SLICE_MS)
		left = SLICE_MS;
	e = grpc_completion_queue_next(rpc->cq, timespec_in(left), NULL);
	if (e.type != GRPC_OP_COMPLETE)
		return 0;
	if (e.tag == rpc) {
		rpc->woken = true;
		return 1;
	}
	tag = e.tag;
	finish(tag->call, tag->op, e.success);
	return 1;
}

static struct bindu_rpc_call *
make_call(struct bindu_rpc *rpc, const char *method, int64_t timeout_ms)
{
	struct bindu_rpc_call *c = xcalloc(1, sizeof(*c));
	grpc_slice name;

	c->rpc = rpc;
	c->method = xstrdup(method);
	c->began = bindu_clock_ms();
	c->signal = bindu_tool_pending() ? 0 : bindu_tool_signal();
	for (int i = 0; i < OP_COUNT; i++)
		c->tags[i] = (struct tag){ c, (enum op)i };
	grpc_metadata_array_init(&c->head);
	grpc_metadata_array_init(&c->tail);
	c->details = grpc_empty_slice();
	c->text = grpc_empty_slice();
	name = grpc_slice_from_copied_string(method);
	c->call = grpc_channel_create_call(rpc->channel, NULL,
	    GRPC_PROPAGATE_DEFAULTS, rpc->cq, name, NULL,
	    timeout_ms < 0 ? gpr_inf_future(GPR_CLOCK_MONOTONIC) :
			     timespec_in(timeout_ms),
	    NULL);
	grpc_slice_unref(name);
	return c;
}

/* The request's head, which the far side needs before anything else, and
 * the two batches that wait for its answers. */
static void
begin(struct bindu_rpc_call *c, grpc_op *ops, size_t n)
{
	struct bindu_rpc *rpc = c->rpc;
	grpc_metadata auth = { .key = grpc_slice_from_static_string(
				   "authorization") };
	grpc_op head = { .op = GRPC_OP_RECV_INITIAL_METADATA };
	grpc_op status = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	if (rpc->auth != NULL) {
		auth.value = grpc_slice_from_copied_string(rpc->auth);
		ops[0].data.send_initial_metadata.count = 1;
		ops[0].data.send_initial_metadata.metadata = &auth;
	}
	start(c, OP_SEND, ops, n);
	if (rpc->auth != NULL)
		grpc_slice_unref(auth.value);
	head.data.recv_initial_metadata.recv_initial_metadata = &c->head;
	start(c, OP_META, &head, 1);
	status.data.recv_status_on_client.trailing_metadata = &c->tail;
	status.data.recv_status_on_client.status = &c->status;
	status.data.recv_status_on_client.status_details = &c->details;
	start(c, OP_STATUS, &status, 1);
}

static void
want_message(struct bindu_rpc_call *c)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (c->busy[OP_RECV] || c->has_in || c->drained)
		return;
	op.data.recv_message.recv_message = &c->in;
	start(c, OP_RECV, &op, 1);
}

/* The next message as one run of bytes, lent until the next call. */
static void
lend(struct bindu_rpc_call *c, const char **p, size_t *n)
{
	grpc_byte_buffer_reader reader;

	grpc_slice_unref(c->text);
	c->text = grpc_empty_slice();
	if (grpc_byte_buffer_reader_init(&reader, c->in)) {
		c->text = grpc_byte_buffer_reader_readall(&reader);
		grpc_byte_buffer_reader_destroy(&reader);
	}
	grpc_byte_buffer_destroy(bindu_steal(&c->in));
	c->has_in = false;
	*p = (const char *)GRPC_SLICE_START_PTR(c->text);
	*n = GRPC_SLICE_LENGTH(c->text);
}

static grpc_byte_buffer *
join(const struct iovec *v, int n)
{
	grpc_byte_buffer *whole;
	size_t total = 0;
	grpc_slice slice;
	uint8_t *to;

	for (int i = 0; i < n; i++)
		total += v[i].iov_len;
	slice = grpc_slice_malloc(total);
	to = GRPC_SLICE_START_PTR(slice);
	for (int i = 0; i < n; i++) {
		if (v[i].iov_len != 0)
			memcpy(to, v[i].iov_base, v[i].iov_len);
		to += v[i].iov_len;
	}
	whole = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return whole;
}

static struct bindu_rpc_call *
open_call(struct bindu_rpc *rpc, const char *method, int64_t timeout_ms,
    const struct iovec *v, int n, bool last)
{
	struct bindu_rpc_call *c = make_call(rpc, method, timeout_ms);
	grpc_byte_buffer *out = join(v, n);
	grpc_op ops[3] = { 0 };

	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = out;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	begin(c, ops, last ? 3 : 2);
	grpc_byte_buffer_destroy(out);
	return c;
}

struct bindu_rpc_call *
bindu_rpc_start(struct bindu_rpc *rpc, const char *method, int64_t timeout_ms,
    const struct iovec *v, int n)
{
	return open_call(rpc, method, timeout_ms, v, n, false);
}

struct bindu_rpc_call *
bindu_rpc_ask(struct bindu_rpc *rpc, const char *method, int64_t timeout_ms,
    const void *req, size_t n)
{
	struct iovec v = { (void *)req, n };

	return open_call(rpc, method, timeout_ms, &v, 1, true);
}

void
bindu_rpc_send(struct bindu_rpc_call *c, const struct iovec *v, int n)
{
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };

	op.data.send_message.send_message = join(v, n);
	start(c, OP_SEND, &op, 1);
	grpc_byte_buffer_destroy(op.data.send_message.send_message);
}

void
bindu_rpc_hold(struct bindu_rpc_call *c, bool hold)
{
	c->held = hold;
}

bool
bindu_rpc_sending(const struct bindu_rpc_call *c)
{
	return c->busy[OP_SEND];
}

bool
bindu_rpc_may_have_acted(const struct bindu_rpc_call *c, int status)
{
	if (!c->busy[OP_META] && c->head.count != 0)
		return true;
	/* Any other status is the server's considered refusal. */
	return c->taken &&
	    (status == GRPC_STATUS_UNAVAILABLE ||
		status == GRPC_STATUS_CANCELLED ||
		status == GRPC_STATUS_UNKNOWN ||
		status == GRPC_STATUS_INTERNAL ||
		status == GRPC_STATUS_DEADLINE_EXCEEDED);
}

void
bindu_rpc_half_close(struct bindu_rpc_call *c)
{
	grpc_op op = { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT };

	if (!c->failed)
		start(c, OP_CLOSE, &op, 1);
}

/* The status is here and every message was read. */
static int
conclude(struct bindu_rpc_call *c, enum bindu_rpc_event *event,
    struct bindu_err *err)
{
	*event = BINDU_RPC_END;
	if (c->status == GRPC_STATUS_OK)
		return 0;
	return bindu_rpc_status(c->rpc, c->method, (int)c->status,
	    (const char *)GRPC_SLICE_START_PTR(c->details),
	    GRPC_SLICE_LENGTH(c->details), err);
}

int
bindu_rpc_recv(struct bindu_rpc_call *c, int64_t timeout_ms,
    enum bindu_rpc_event *event, const char **p, size_t *n,
    struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(timeout_ms);

	for (;;) {
		if (!c->held)
			want_message(c);
		if (c->has_in && !c->held) {
			*event = BINDU_RPC_MESSAGE;
			lend(c, p, n);
			return 0;
		}
		if (c->ended && c->drained && !c->has_in)
			return conclude(c, event, err);
		if (c->sent) {
			c->sent = false;
			*event = BINDU_RPC_SENT;
			return 0;
		}
		if (c->rpc->woken || c->signal != bindu_tool_signal()) {
			c->rpc->woken = false;
			c->signal = bindu_tool_signal();
			*event = BINDU_RPC_WOKEN;
			return 0;
		}
		if (pump(c->rpc, deadline) == 0 &&
		    bindu_clock_left(deadline) == 0) {
			*event = BINDU_RPC_NOTHING;
			return 0;
		}
	}
}

void
bindu_rpc_end(struct bindu_rpc_call *c)
{
	bool busy = true;

	if (c == NULL)
		return;
	if (!c->ended)
		grpc_call_cancel(c->call, NULL);
	while (busy) {
		busy = false;
		for (int i = 0; i < OP_COUNT; i++)
			busy = busy || c->busy[i];
		if (busy)
			pump(c->rpc, INT64_MAX);
	}
	bindu_note(c->rpc->report, BINDU_DEBUG, "call %s %lld ms",
	    strrchr(c->method, '/') + 1,
	    (long long)(bindu_clock_ms() - c->began));
	if (c->has_in)
		grpc_byte_buffer_destroy(c->in);
	grpc_slice_unref(c->text);
	grpc_slice_unref(c->details);
	grpc_metadata_array_destroy(&c->head);
	grpc_metadata_array_destroy(&c->tail);
	grpc_call_unref(c->call);
	free(c->method);
	free(c);
}

int
bindu_rpc_unary(struct bindu_rpc *rpc, const char *method, const void *req,
    size_t n, int64_t timeout_ms, struct bindu_buf *reply,
    struct bindu_err *err)
{
	struct bindu_rpc_call *c;
	enum bindu_rpc_event event = BINDU_RPC_NOTHING;
	const char *p;
	size_t len;
	int rc = 0, messages = 0;

	bindu_buf_reset(reply);
	c = bindu_rpc_ask(rpc, method, timeout_ms, req, n);
	while (rc == 0 && event != BINDU_RPC_END) {
		rc = bindu_rpc_recv(c, -1, &event, &p, &len, err);
		if (rc == 0 && event == BINDU_RPC_WOKEN)
			rc = bindu_tool_interrupted(err);
		if (rc == 0 && event == BINDU_RPC_MESSAGE) {
			messages++;
			rc = bindu_buf_add(reply, p, len, err);
		}
	}
	if (rc == 0 && messages != 1)
		rc = bindu_err_set(err, BINDU_E_PROTOCOL,
		    "%s: %d answers where one was due", method, messages);
	bindu_rpc_end(c);
	return rc;
}
