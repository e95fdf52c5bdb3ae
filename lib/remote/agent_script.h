/* agent_script.h - run one of share/remote/'s scripts in a box.
 *
 * The scripts lie in the box under HOME/.bindu/lib/DIGEST; the first run of a
 * version sends them ahead.  Caught signals (tool.h) end every wait with
 * BINDU_E_SIGNAL.  SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_AGENT_SCRIPT_H
#define BINDU_AGENT_SCRIPT_H

#include "box.h"
#include "lib/base/buf.h"

struct bindu_script;

struct bindu_script_opts {
	const char *const *argv; /* "agent.sh", "status", ..., NULL */
	bool held; /* we hold the tree's lock in another dialogue */
	bool sure; /* the scripts are there: do not wait to be asked */
	const struct bindu_report *report; /* its stderr, as BINDU_INFO */
	bool tell; /* and its last lines, as BINDU_ERROR, when it fails */
	const char *phase; /* progress of this, by the second, while we wait */
};

struct bindu_script *bindu_script_open(struct bindu_remote *, const char *box,
    const struct bindu_script_opts *, struct bindu_err *);
/* Cancels what still runs. */
void bindu_script_close(struct bindu_script *);
int bindu_script_send(struct bindu_script *, const void *, size_t,
    struct bindu_err *);
int bindu_script_eof(struct bindu_script *, struct bindu_err *);
/* The next line of its stdout, without newline; borrowed until the next call.
 * An end of output is BINDU_E_IO with the last line of its stderr. */
char *bindu_script_line(struct bindu_script *, int64_t timeout_ms,
    struct bindu_err *);
/* Exactly n bytes of its stdout, appended. */
int bindu_script_bytes(struct bindu_script *, size_t n, int64_t timeout_ms,
    struct bindu_buf *, struct bindu_err *);
/* Read to its end: the rest of stdout appended to out, the exit status.  A
 * status other than 0 sets err too (from the status and its last words) but
 * returns 0; -1: the end is not known. */
int bindu_script_end(struct bindu_script *, int64_t timeout_ms,
    struct bindu_buf *out, int *code, struct bindu_err *);
/* Has it ended?  Looks, does not wait. */
bool bindu_script_ended(struct bindu_script *);

/* open, input, eof, end. */
int bindu_script_run(struct bindu_remote *, const char *box,
    const struct bindu_script_opts *, const void *input, size_t n,
    int64_t timeout_ms, struct bindu_buf *out, int *code, struct bindu_err *);
#endif
