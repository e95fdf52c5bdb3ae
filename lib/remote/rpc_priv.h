/* rpc_priv.h - what the rpc*.c files share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_RPC_PRIV_H
#define BINDU_RPC_PRIV_H

#include <grpc/grpc.h>
#include "rpc.h"

struct bindu_rpc {
	grpc_channel *channel;
	grpc_completion_queue *cq;
	grpc_channel *lame; /* carries wakes: a call that does nothing */
	grpc_call *waker;
	bool woken;
	int dir; /* the way to a socket of a long path goes through it; -1 */
	bool local; /* the far side is our own daemon */
	const struct bindu_report *report; /* told of each call that ended */
	char *where; /* for messages: "boxd.sh:9443" */
	char *auth; /* "Bearer ..."; wiped when freed */
};

/* Set err from a status; details is the server's text, not trusted. */
int bindu_rpc_status(const struct bindu_rpc *, const char *method, int code,
    const char *details, size_t n, struct bindu_err *);
#endif
