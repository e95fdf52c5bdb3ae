/* stream_priv.h - what stream.c and stream_run.c share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_STREAM_PRIV_H
#define BINDU_STREAM_PRIV_H

#include "box_priv.h"
#include "stream.h"

struct bindu_exec {
	struct bindu_remote *remote;
	const struct bindu_client *client;
	struct bindu_client_exec *x;
	int64_t deadline; /* of the whole command; INT64_MAX: none */
	bool eof_sent;
	bool ended;
};

struct bindu_exec *
bindu_exec_open_marked(struct bindu_remote *, const char *box,
    const struct bindu_exec_opts *, const char *marker, struct bindu_err *);
/* Sets end for a stream that broke, from err's code. */
void bindu_exec_lost(const struct bindu_exec *, const struct bindu_err *,
    struct bindu_exec_end *);
int bindu_exec_timed_out(const struct bindu_exec_opts *,
    struct bindu_exec_end *, struct bindu_err *);
#endif
