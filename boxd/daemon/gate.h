/* gate.h - what a stranger's HTTP/2 connection passes before gRPC sees it.
 *
 * gRPC keeps whatever a peer sends of a header block that never ends, and a
 * call for each stream that is opened and reset.  Connections of the TCP port
 * come through here: frames are counted, none is changed, and one that asks
 * too much of us is closed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_GATE_H
#define BOXD_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "loop.h"

#define GATES_MAX 256 /* connections at once */
#define GATE_BLOCK_MAX (64 << 10) /* of one header block */
/* Resets, pings, settings and frames without use: so many at once, then so
 * many a second. */
#define GATE_BURST 1000
#define GATE_RATE 100
/* Calls that went in and that gRPC has not given to us yet: it keeps them all,
 * 12 kB each, while we have no time.  Beyond so many nobody is listened to;
 * what does not come for so long is none. */
#define GATES_AHEAD 250
#define GATES_STUCK_MS 500

/* The counting, apart from any socket. */
struct gate_count {
	size_t preface; /* bytes of it seen */
	uint8_t head[9]; /* of a frame */
	size_t nhead;
	size_t left; /* of the frame's payload */
	size_t block; /* bytes of the header block that is open */
	unsigned heads; /* that began; the caller sets it back */
	int64_t tokens, at; /* thousandths; ms */
};
void gate_count_init(struct gate_count *, int64_t now_ms);
/* 0: pass them on; -1: close. */
int gate_count(struct gate_count *, const uint8_t *, size_t n, int64_t now_ms);

struct gates;
struct gates *gates_new(struct loop *);
void gates_free(struct gates *); /* closes all */
/* Takes fd; the descriptor for gRPC, or -1 when there is no room.  The oldest
 * connection that has not shown a token yet makes room. */
int gates_open(struct gates *, int fd);
/* One of the calls came out of gRPC. */
void gates_begun(struct gates *);
/* A call with a token came by the connection that gRPC has as fd. */
void gates_known(struct gates *, int fd);
/* Close that connection. */
void gates_shut(struct gates *, int fd);
#endif
