/* rpc_server.c - gRPC calls as plain objects, over the C core.
 * SPDX-License-Identifier: Apache-2.0 */
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gate.h"
#include "lib/base/mem.h"
#include "rpc_server.h"
#include "rpc_server_priv.h"

#define POSTED 16 /* calls asked for in advance, per trust class */
#define GRACE_MS 2000
/* Of the TCP port, whose clients need no leave to connect. */
#define STRANGER_CALLS 1000 /* all of them, some 12 kB each */
#define STRANGER_REFUSED 250 /* whose refusal is not sent yet */
#define STRANGER_HELD (20 << 20) /* all that wait for someone to take them */

enum tag_kind {
	TAG_NEW,
	TAG_CLOSE,
	TAG_RECV,
	TAG_SEND,
	TAG_META,
	TAG_END,
	TAG_KINDS
};
struct tag {
	struct rpc *rpc;
	enum tag_kind kind;
};

struct rpc {
	struct rpc_server *server;
	bool trusted;
	int refs; /* tags that will still come back */
	bool ended; /* finished or gone: no more ops */
	bool meta_sent, receiving, sending;
	int cancelled;
	grpc_call *call;
	grpc_call_details details;
	grpc_metadata_array meta;
	char *method, *bearer;
	grpc_byte_buffer *in;
	grpc_slice room;
	bool has_room;
	size_t held, sent; /* see rpc_hold(); the message under way */
	const struct rpc_ops *ops;
	void *data;
	struct tag tags[TAG_KINDS];
};

struct rpc_server {
	grpc_completion_queue *cq;
	grpc_server *servers[2]; /* [trusted] */
	grpc_server_credentials *creds;
	/* A call on a channel that leads nowhere: an empty batch on it comes
	 * back at once, which is how the second thread wakes this one. */
	grpc_channel *nowhere;
	grpc_call *bell;
	struct loop *loop;
	void (*new_call)(struct rpc *, void *);
	void *ctx;
	bool quitting;
	int shutdowns; /* servers that have shut down */
	struct gates *gates; /* what strangers come through */
	unsigned strange; /* their calls that are open */
	size_t held; /* by them */
};

static char wake_tag, shutdown_tag;

static void
wake(void *arg)
{
	struct rpc_server *s = arg;

	grpc_call_start_batch(s->bell, NULL, 0, &wake_tag, NULL);
}

static void
post_call(struct rpc_server *s, bool trusted)
{
	struct rpc *r = xcalloc(1, sizeof *r);

	r->server = s;
	r->trusted = trusted;
	for (int i = 0; i < TAG_KINDS; i++)
		r->tags[i] = (struct tag){ r, i };
	grpc_call_details_init(&r->details);
	grpc_metadata_array_init(&r->meta);
	r->refs = 1;
	if (grpc_server_request_call(s->servers[trusted], &r->call, &r->details,
		&r->meta, s->cq, s->cq, &r->tags[TAG_NEW]))
		abort(); /* a bug: the queue is registered */
}

static void
count_held(struct rpc *r, size_t *what, size_t n)
{
	if (!r->trusted)
		r->server->held += n - *what;
	*what = n;
}

static void
unref(struct rpc *r)
{
	if (--r->refs)
		return;
	count_held(r, &r->held, 0);
	count_held(r, &r->sent, 0);
	if (!r->trusted && r->method)
		r->server->strange--;
	if (r->has_room)
		grpc_slice_unref(r->room);
	if (r->in)
		grpc_byte_buffer_destroy(r->in);
	if (r->call)
		grpc_call_unref(r->call);
	grpc_call_details_destroy(&r->details);
	grpc_metadata_array_destroy(&r->meta);
	free(r->method);
	bindu_free_secret(r->bearer);
	free(r);
}

/* A batch that cannot start means the ops are wrong: a bug in this file. */
static void
start(struct rpc *r, const grpc_op *ops, size_t n, enum tag_kind kind)
{
	r->refs++;
	if (grpc_call_start_batch(r->call, ops, n, &r->tags[kind], NULL))
		abort();
}

static size_t
add_meta(struct rpc *r, grpc_op *op)
{
	if (r->meta_sent)
		return 0;
	r->meta_sent = true;
	op->op = GRPC_OP_SEND_INITIAL_METADATA;
	return 1;
}

const char *
rpc_method(const struct rpc *r)
{
	return r->method;
}

void *
rpc_ctx(const struct rpc *r)
{
	return r->server->ctx;
}

bool
rpc_trusted(const struct rpc *r)
{
	return r->trusted;
}

const char *
rpc_bearer(const struct rpc *r)
{
	return r->bearer;
}

/* The connection of a stranger's call as its gate knows it, or -1. */
static int
gate_of(const struct rpc *r)
{
	char *peer = r->trusted ? NULL : grpc_call_get_peer(r->call);
	int fd;

	if (!peer || sscanf(peer, "fd:%d", &fd) != 1)
		fd = -1;
	gpr_free(peer);
	return fd;
}

void
rpc_known(struct rpc *r)
{
	gates_known(r->server->gates, gate_of(r));
}

void
rpc_set(struct rpc *r, const struct rpc_ops *ops, void *data)
{
	r->ops = ops;
	r->data = data;
}

void *
rpc_data(const struct rpc *r)
{
	return r->data;
}

void
rpc_recv(struct rpc *r)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (r->receiving || r->ended)
		return;
	r->receiving = true;
	op.data.recv_message.recv_message = &r->in;
	start(r, &op, 1, TAG_RECV);
}

void
rpc_accept(struct rpc *r)
{
	grpc_op op = { 0 };

	if (!r->ended && add_meta(r, &op))
		start(r, &op, 1, TAG_META);
}

uint8_t *
rpc_room(struct rpc *r, size_t n)
{
	if (r->has_room && GRPC_SLICE_LENGTH(r->room) >= n)
		return GRPC_SLICE_START_PTR(r->room);
	if (r->has_room)
		grpc_slice_unref(r->room);
	r->room = grpc_slice_malloc(n);
	r->has_room = true;
	return GRPC_SLICE_START_PTR(r->room);
}

/* Before a batch that it is to undo. */
static bool
check_held(struct rpc *r)
{
	if (r->trusted || r->server->held <= STRANGER_HELD)
		return true;
	grpc_call_cancel_with_status(r->call, GRPC_STATUS_RESOURCE_EXHAUSTED,
	    "too much waits for boxes and clients that do not read", NULL);
	return false;
}

bool
rpc_hold(struct rpc *r, size_t n)
{
	count_held(r, &r->held, n);
	return n == 0 || check_held(r);
}

/* The message of len bytes from off in the room, which is empty after. */
static grpc_byte_buffer *
take_room(struct rpc *r, size_t off, size_t len)
{
	grpc_slice s = grpc_slice_sub(r->room, off, off + len);
	grpc_byte_buffer *b = grpc_raw_byte_buffer_create(&s, 1);

	grpc_slice_unref(s);
	grpc_slice_unref(r->room);
	r->has_room = false;
	count_held(r, &r->sent, len);
	check_held(r);
	return b;
}

void
rpc_send(struct rpc *r, size_t off, size_t len)
{
	grpc_op ops[2] = { { 0 }, { 0 } };
	size_t n = add_meta(r, ops);
	grpc_byte_buffer *b = take_room(r, off, len);

	ops[n].op = GRPC_OP_SEND_MESSAGE;
	ops[n++].data.send_message.send_message = b;
	r->sending = true;
	start(r, ops, n, TAG_SEND);
	grpc_byte_buffer_destroy(b);
}

bool
rpc_sending(const struct rpc *r)
{
	return r->sending;
}

static void
finish(struct rpc *r, grpc_byte_buffer *last, enum rpc_status status,
    const char *text)
{
	grpc_op ops[3] = { { 0 }, { 0 }, { 0 } };
	grpc_slice details = grpc_slice_from_copied_string(text);
	size_t n = add_meta(r, ops);

	if (last) {
		ops[n].op = GRPC_OP_SEND_MESSAGE;
		ops[n++].data.send_message.send_message = last;
	}
	ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	ops[n].data.send_status_from_server.status = (grpc_status_code)status;
	ops[n++].data.send_status_from_server.status_details = &details;
	r->ended = true;
	start(r, ops, n, TAG_END);
	grpc_slice_unref(details);
}

void
rpc_reply(struct rpc *r, size_t off, size_t len)
{
	grpc_byte_buffer *b;

	count_held(r, &r->held, 0);
	b = take_room(r, off, len);
	finish(r, b, RPC_OK, "");
	grpc_byte_buffer_destroy(b);
}

void
rpc_finish(struct rpc *r, enum rpc_status status, const char *text)
{
	count_held(r, &r->held, 0);
	finish(r, NULL, status, text);
}

/* "authorization: Bearer X"; anything else is no credential. */
static void
keep_bearer(struct rpc *r)
{
	for (size_t i = 0; i < r->meta.count; i++) {
		grpc_slice v = r->meta.metadata[i].value;
		const char *p = (const char *)GRPC_SLICE_START_PTR(v);

		if (r->bearer || GRPC_SLICE_LENGTH(v) < 8 ||
		    grpc_slice_str_cmp(r->meta.metadata[i].key,
			"authorization") ||
		    strncmp(p, "Bearer ", 7))
			continue;
		r->bearer = xstrndup(p + 7, GRPC_SLICE_LENGTH(v) - 7);
	}
}

static void
begin(struct rpc *r)
{
	struct rpc_server *s = r->server;
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	post_call(s, r->trusted);
	r->method =
	    xstrndup((const char *)GRPC_SLICE_START_PTR(r->details.method),
		GRPC_SLICE_LENGTH(r->details.method));
	keep_bearer(r);
	if (!r->trusted)
		gates_begun(s->gates);
	op.data.recv_close_on_server.cancelled = &r->cancelled;
	start(r, &op, 1, TAG_CLOSE);
	if (r->trusted || ++s->strange <= STRANGER_CALLS) {
		s->new_call(r, s->ctx);
		return;
	}
	rpc_finish(r, RPC_RESOURCE_EXHAUSTED,
	    "too many calls are open on the TCP port");
	if (s->strange > STRANGER_CALLS + STRANGER_REFUSED)
		gates_shut(s->gates, gate_of(r));
}

static void
deliver(struct rpc *r)
{
	grpc_byte_buffer *b = r->in;
	grpc_byte_buffer_reader reader;
	grpc_slice whole;

	r->in = NULL;
	r->receiving = false;
	if (r->ended) {
		if (b)
			grpc_byte_buffer_destroy(b);
		return;
	}
	if (!b) {
		/* A client that is gone has not closed its side: that comes
		 * as gone(), perhaps only after this. */
		if (!grpc_call_failed_before_recv_message(r->call))
			r->ops->message(r, NULL, 0);
		return;
	}
	grpc_byte_buffer_reader_init(&reader, b);
	whole = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(b);
	r->ops->message(r, GRPC_SLICE_START_PTR(whole),
	    GRPC_SLICE_LENGTH(whole));
	grpc_slice_unref(whole);
}

static void
handle(struct tag *t, bool success)
{
	struct rpc *r = t->rpc;

	switch (t->kind) {
	case TAG_NEW:
		if (success && !r->server->quitting)
			begin(r);
		break;
	case TAG_CLOSE:
		if (r->cancelled && !r->ended) {
			r->ended = true;
			r->ops->gone(r);
		}
		break;
	case TAG_RECV:
		deliver(r);
		break;
	case TAG_SEND:
		r->sending = false;
		count_held(r, &r->sent, 0);
		if (!r->ended && success)
			r->ops->sent(r);
		break;
	case TAG_META:
	case TAG_END:
	case TAG_KINDS:
		break;
	}
	unref(r);
}

struct rpc_server *
rpc_server_new(void (*new_call)(struct rpc *, void *), void *ctx,
    struct bindu_err *err)
{
	struct rpc_server *s = xcalloc(1, sizeof *s);

	grpc_init();
	s->new_call = new_call;
	s->ctx = ctx;
	s->cq = grpc_completion_queue_create_for_next(NULL);
	s->creds = grpc_insecure_server_credentials_create();
	s->nowhere =
	    grpc_lame_client_channel_create("x", GRPC_STATUS_UNAVAILABLE, "x");
	s->bell = grpc_channel_create_call(s->nowhere, NULL,
	    GRPC_PROPAGATE_DEFAULTS, s->cq,
	    grpc_slice_from_static_string("/bell"), NULL,
	    gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	s->loop = loop_new(wake, s, err);
	if (!s->loop) {
		rpc_server_free(s);
		return NULL;
	}
	s->gates = gates_new(s->loop);
	for (int i = 0; i < 2; i++) {
		s->servers[i] = rpc_server_make(i);
		grpc_server_register_completion_queue(s->servers[i], s->cq,
		    NULL);
		grpc_server_start(s->servers[i]);
		for (int n = 0; n < POSTED; n++)
			post_call(s, i);
	}
	return s;
}

struct loop *
rpc_server_loop(struct rpc_server *s)
{
	return s->loop;
}

void
rpc_server_adopt(struct rpc_server *s, int fd, bool trusted)
{
	if (!trusted)
		fd = gates_open(s->gates, fd);
	if (fd != -1)
		grpc_server_add_channel_from_fd(s->servers[trusted], fd,
		    s->creds);
}

static void
cancel_rest(void *arg)
{
	struct rpc_server *s = arg;

	for (int i = 0; i < 2; i++)
		grpc_server_cancel_all_calls(s->servers[i]);
}

void
rpc_server_quit(struct rpc_server *s)
{
	if (s->quitting)
		return;
	s->quitting = true;
	for (int i = 0; i < 2; i++)
		grpc_server_shutdown_and_notify(s->servers[i], s->cq,
		    &shutdown_tag);
	loop_after(s->loop, GRACE_MS, cancel_rest, s);
}

void
rpc_server_run(struct rpc_server *s)
{
	loop_start(s->loop);
	while (s->shutdowns < 2) {
		int64_t ms = loop_run_timers(s->loop);
		gpr_timespec when = ms < 0 ?
		    gpr_inf_future(GPR_CLOCK_MONOTONIC) :
		    gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
			gpr_time_from_millis(ms, GPR_TIMESPAN));
		grpc_event ev = grpc_completion_queue_next(s->cq, when, NULL);

		if (ev.type != GRPC_OP_COMPLETE)
			continue;
		if (ev.tag == &wake_tag)
			loop_dispatch(s->loop);
		else if (ev.tag == &shutdown_tag)
			s->shutdowns++;
		else
			handle(ev.tag, ev.success);
	}
	loop_stop(s->loop);
}

static void
drain(struct rpc_server *s)
{
	grpc_event ev;

	grpc_completion_queue_shutdown(s->cq);
	do {
		ev = grpc_completion_queue_next(s->cq,
		    gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		if (ev.type == GRPC_OP_COMPLETE && ev.tag != &wake_tag &&
		    ev.tag != &shutdown_tag)
			unref(((struct tag *)ev.tag)->rpc);
	} while (ev.type != GRPC_QUEUE_SHUTDOWN);
	grpc_completion_queue_destroy(s->cq);
}

void
rpc_server_free(struct rpc_server *s)
{
	if (!s)
		return;
	for (int i = 0; i < 2; i++)
		if (s->servers[i])
			grpc_server_destroy(s->servers[i]);
	grpc_call_unref(s->bell);
	grpc_channel_destroy(s->nowhere);
	drain(s);
	gates_free(s->gates);
	loop_free(s->loop);
	grpc_server_credentials_release(s->creds);
	grpc_shutdown();
	free(s);
}
