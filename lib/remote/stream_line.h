/* stream_line.h - a command vector becomes the one string that boxd's Exec
 * takes, without secrets in it.
 *
 * The far side runs the string with sh -c, where `ps` shows it.  Environment
 * values, and vectors too long for one argument or not UTF-8, are sent as one line at the
 * head of standard input instead, which the string reads with `read` (every
 * sh reads that line byte by byte, so nothing behind it is lost).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_STREAM_LINE_H
#define BINDU_STREAM_LINE_H

#include "lib/base/buf.h"
#include "stream.h"

struct bindu_exec_line {
	struct bindu_buf line; /* for sh -c */
	struct bindu_buf head; /* to send first, with its newline; or empty */
};
void bindu_exec_line_fini(struct bindu_exec_line *);

/* marker (may be NULL): value of BINDU_EXEC in the command's environment, by
 * which bindu_exec_run finds its processes again.  head_file (may be NULL): a
 * file in the box that holds the head; it is read and removed. */
int bindu_exec_line_build(const struct bindu_exec_opts *, const char *marker,
    const char *head_file, struct bindu_exec_line *, struct bindu_err *);
#endif
