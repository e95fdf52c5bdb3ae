/* stream.h - run a command in a box; both ways, as ssh would.
 *
 * Two levels.  bindu_exec_run() joins it to local descriptors (the tools);
 * the open/send/recv calls hold a dialogue (upload, agent scripts).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_STREAM_H
#define BINDU_STREAM_H

#include "box.h"
#include "lib/base/buf.h"

struct bindu_exec_opts {
	const char *const *argv; /* exact vector, NULL-terminated; */
	const char *command; /* or one sh command line */
	const char *const *env; /* KEY=VALUE; travels as a message, never
					 * in a command line a `ps` could show */
	const char *cwd; /* NULL: the box user's home */
	bool tty;
	bool for_reader; /* run: end it (128 + SIGPIPE) when out's
				 * reader is gone, though nothing is written */
	uint32_t cols, rows;
	int64_t timeout_ms; /* 0: none */
};

/* How the command ended. */
struct bindu_exec_end {
	int code; /* 0..255, 128+n for a signal, as
				 * bindu-exec exits: 124 timeout, 125 never
				 * started, 255 connection lost after start,
				 * 74 its output cannot be written here */
	bool started;
};

/* Join to in/out/err (in -1: the command reads end of file at once).  With tty
 * the local terminal is made raw and always restored, size changes follow.
 * Caught signals (tool.h) are forwarded.  0: end is set; -1: never started or
 * lost (err says which; end->code is 125, 255 or 124). */
int bindu_exec_run(struct bindu_remote *, const char *box,
    const struct bindu_exec_opts *, int in, int out, int err,
    struct bindu_exec_end *, struct bindu_err *);
/* Collect output (each at most its buf's cap, over it is BINDU_E_DATA);
 * input may be NULL. */
int bindu_exec_capture(struct bindu_remote *, const char *box,
    const struct bindu_exec_opts *, const void *input, size_t inlen,
    struct bindu_buf *out, struct bindu_buf *errout, struct bindu_exec_end *,
    struct bindu_err *);

struct bindu_exec;
struct bindu_exec *bindu_exec_open(struct bindu_remote *, const char *box,
    const struct bindu_exec_opts *, struct bindu_err *);
/* Sends all n bytes (in pieces of at most 1 MiB), waits for flow control. */
int bindu_exec_send(struct bindu_exec *, const void *, size_t n,
    struct bindu_err *);
int bindu_exec_eof(struct bindu_exec *, struct bindu_err *);
enum bindu_exec_event {
	BINDU_EXEC_OUT,
	BINDU_EXEC_ERR,
	BINDU_EXEC_END,
	BINDU_EXEC_NOTHING
};
/* Next event within timeout_ms (-1: no limit; NOTHING when it ran out or a
 * caught signal or a bindu_exec_wake() arrived).  *p and *n borrow until the next
 * call.  -1: the stream broke. */
int bindu_exec_recv(struct bindu_exec *, int64_t timeout_ms,
    enum bindu_exec_event *, const char **p, size_t *n, struct bindu_exec_end *,
    struct bindu_err *);
/* From another thread: make recv return NOTHING now. */
void bindu_exec_wake(struct bindu_exec *);
/* Cancels when it has not ended: the far side kills the command. */
void bindu_exec_close(struct bindu_exec *);
#endif
