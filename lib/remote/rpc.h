/* rpc.h - gRPC calls by method name and message bytes; with the other rpc*
 * files the only room of <grpc/ on the client side.
 *
 * One thread uses a connection; it does I/O only while it waits here, so
 * several calls share one wait: every function that waits also moves the
 * others.  Waits end early when a signal is caught (tool.h) that had not been
 * there when the call began: BINDU_E_SIGNAL.  No call is ever repeated here.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_RPC_H
#define BINDU_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "endpoint.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/progress.h"

#define BINDU_RPC_MAX (64 << 20) /* of one received message */

/* gRPC's status numbers, for bindu_err.detail; the rest is not told apart. */
enum {
	BINDU_RPC_DEADLINE = 4,
	BINDU_RPC_NOT_FOUND = 5,
	BINDU_RPC_ABORTED = 10,
	BINDU_RPC_UNAVAILABLE = 14,
	BINDU_RPC_UNAUTHENTICATED = 16,
};

struct bindu_rpc;
/* Does not connect yet: the first call does.  Each call that ended, and how
 * long it took, goes to the report (BINDU_DEBUG). */
struct bindu_rpc *bindu_rpc_open(const struct bindu_endpoint *,
    const struct bindu_report *, struct bindu_err *);
void bindu_rpc_close(struct bindu_rpc *);
/* Sent as "authorization: Bearer TOKEN" with every later call; NULL: none. */
int bindu_rpc_set_token(struct bindu_rpc *, const char *, struct bindu_err *);

/* method is "/package.Service/Name".  reply is reset first.  On failure
 * err->detail is the gRPC status (0: ended by a signal). */
int bindu_rpc_unary(struct bindu_rpc *, const char *method, const void *req,
    size_t n, int64_t timeout_ms, struct bindu_buf *reply, struct bindu_err *);

/* One streaming call, begun with its first message (the pieces, copied).
 * timeout_ms -1: no limit.  Never fails: recv tells. */
struct bindu_rpc_call;
struct bindu_rpc_call *bindu_rpc_start(struct bindu_rpc *, const char *method,
    int64_t timeout_ms, const struct iovec *, int n);
/* The same with a half-close: for calls that ask once. */
struct bindu_rpc_call *bindu_rpc_ask(struct bindu_rpc *, const char *method,
    int64_t timeout_ms, const void *req, size_t n);
/* Take the pieces (copied) as one message.  Only while not sending. */
void bindu_rpc_send(struct bindu_rpc_call *, const struct iovec *, int n);
/* A message is on its way and flow control has not taken it yet. */
bool bindu_rpc_sending(const struct bindu_rpc_call *);
/* While held, recv does not give messages: nobody can take their bytes. */
void bindu_rpc_hold(struct bindu_rpc_call *, bool);
/* No more messages from us.  Only while not sending. */
void bindu_rpc_half_close(struct bindu_rpc_call *);

enum bindu_rpc_event {
	BINDU_RPC_MESSAGE, /* *p, *n: borrowed until the next recv */
	BINDU_RPC_END, /* the far side ended the call with OK */
	BINDU_RPC_SENT, /* the send under way was taken */
	BINDU_RPC_NOTHING, /* time is up */
	BINDU_RPC_WOKEN /* a wake, or a signal was caught */
};
/* -1: the call ended with another status (err->detail). */
int bindu_rpc_recv(struct bindu_rpc_call *, int64_t timeout_ms,
    enum bindu_rpc_event *, const char **p, size_t *n, struct bindu_err *);
/* May the far side have acted on a call that failed with this status? */
bool bindu_rpc_may_have_acted(const struct bindu_rpc_call *, int status);
/* Cancels what has not ended. */
void bindu_rpc_end(struct bindu_rpc_call *);

/* Call before another thread may wake. */
void bindu_rpc_wakeable(struct bindu_rpc *);
/* From any thread: the recv under way, or else the next, gives WOKEN. */
void bindu_rpc_wake(struct bindu_rpc *);
#endif
