/* ask.h - one request to the hub or to a box's monitor (boxd/wire.h),
 * answered through the loop.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_ASK_H
#define BOXD_ASK_H

#include <stdint.h>
#include "boxd/wire.h"
#include "loop.h"

struct ask;

/* Called for each message that is no error (fds: the receiver's, -1 where
 * none, err NULL), or once with err: the answer was no (msg holds it), came too
 * late or the connection broke (msg NULL); no call comes after that.  The
 * function may close the ask, and must do so sooner or later. */
typedef void ask_fn(void *ctx, struct ask *, const json_t *msg, int *fds,
    const struct bindu_err *err);

/* request is consumed, also on failure.  timeout_ms: until the first message
 * (0: no limit); passing it is AGAIN with detail ETIMEDOUT.  fn is never
 * called before this returns; nobody at path is an error like others. */
struct ask *ask_open(struct loop *, const char *path, json_t *request,
    int64_t timeout_ms, ask_fn *, void *ctx);
/* The same, but NULL and err when there is nobody at path. */
struct ask *ask_try(struct loop *, const char *path, json_t *request,
    int64_t timeout_ms, ask_fn *, void *ctx, struct bindu_err *);
/* A later message (a signal, a window size); one that does not fit into the
 * socket now is dropped. */
void ask_tell(struct ask *, json_t *message);
void ask_close(struct ask **); /* cancels what it began; NULL is fine */
#endif
