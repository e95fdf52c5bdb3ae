/* rpc_server.h - gRPC calls as plain objects; the only room of <grpc/ here.
 *
 * One thread runs rpc_server_run() and owns everything.  A call lives until
 * the handler ends it (rpc_reply, rpc_finish) or until ops->gone() told that
 * the client is no more there; after either the pointer must not be used.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_RPC_SERVER_H
#define BOXD_RPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/err.h"
#include "loop.h"

enum rpc_status {
	RPC_OK = 0,
	RPC_INVALID_ARGUMENT = 3,
	RPC_NOT_FOUND = 5,
	RPC_ALREADY_EXISTS = 6,
	RPC_PERMISSION_DENIED = 7,
	RPC_RESOURCE_EXHAUSTED = 8,
	RPC_FAILED_PRECONDITION = 9,
	RPC_ABORTED = 10,
	RPC_UNIMPLEMENTED = 12,
	RPC_INTERNAL = 13,
	RPC_UNAVAILABLE = 14,
	RPC_DATA_LOSS = 15,
	RPC_UNAUTHENTICATED = 16
};

struct rpc;
struct rpc_server;

struct rpc_ops {
	/* A message the handler asked for; bytes are valid during the call
	 * only.  NULL: the client has closed its side. */
	void (*message)(struct rpc *, const uint8_t *, size_t);
	/* The last rpc_send() has been taken by flow control. */
	void (*sent)(struct rpc *);
	/* Cancelled, or the client is dead.  Forget the call. */
	void (*gone)(struct rpc *);
};

/* new_call is told of every call, whatever its method; it sets ops (and data)
 * and asks for the first message.  trusted: it came over the unix socket from
 * the owner. */
struct rpc_server *rpc_server_new(void (*new_call)(struct rpc *, void *),
    void *ctx, struct bindu_err *);
struct loop *rpc_server_loop(struct rpc_server *);
/* Serve the connection fd (owned now) that began with the HTTP/2 preface. */
void rpc_server_adopt(struct rpc_server *, int fd, bool trusted);
/* Until rpc_server_quit(); at most 2 s more for the calls that are open. */
void rpc_server_run(struct rpc_server *);
void rpc_server_quit(struct rpc_server *);
void rpc_server_free(struct rpc_server *);

const char *rpc_method(const struct rpc *); /* "/package.Service/Name" */
void *rpc_ctx(const struct rpc *); /* rpc_server_new's */
bool rpc_trusted(const struct rpc *);
const char *rpc_bearer(const struct rpc *); /* NULL: none was sent */
/* Who calls may: its connection is not closed to make room for others. */
void rpc_known(struct rpc *);
void rpc_set(struct rpc *, const struct rpc_ops *, void *data);
void *rpc_data(const struct rpc *);

void rpc_recv(struct rpc *); /* ask for one message */
/* Send the initial metadata now and not with the first message. */
void rpc_accept(struct rpc *);
/* n bytes to write the next message into; then send len of them from off, or
 * drop them.  One message may be under way at a time. */
uint8_t *rpc_room(struct rpc *, size_t n);
void rpc_send(struct rpc *, size_t off, size_t len);
bool rpc_sending(const struct rpc *);
/* The call keeps n bytes (0: no more) of what one side sent and the other has
 * not taken; messages that are being sent count by themselves.  All calls of
 * the TCP port may keep so much together: the call that asks for more is told
 * RESOURCE_EXHAUSTED, its ops->gone() comes, and false says to do no more. */
bool rpc_hold(struct rpc *, size_t n);
/* The same as the last message, with status OK. */
void rpc_reply(struct rpc *, size_t off, size_t len);
void rpc_finish(struct rpc *, enum rpc_status, const char *text);
#endif
