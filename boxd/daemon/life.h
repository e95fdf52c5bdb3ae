/* life.h - start, stop, suspend, resume, destroy: what takes time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_LIFE_H
#define BOXD_LIFE_H

#include "boxd.h"

/* Called once.  us: microseconds of a suspend or resume.  After a destroy
 * the box is freed when this returns.  A start that has to build its image first
 * answers early, with the box still starting. */
typedef void
life_fn(void *ctx, struct box *, uint64_t us, const struct bindu_err *);
struct life_wait;

/* Do verb, or join the same operation when it is under way; a destroy
 * waits for whatever else is.  fn NULL: nobody waits.  *handle (may be NULL) is
 * for life_forget.  0: fn will be called, later; 1: already so, fn will not be
 * called; -1: refused. */
int life_do(struct box *, enum box_verb, life_fn *, void *ctx,
    struct life_wait **handle, struct bindu_err *);
void life_forget(struct life_wait *); /* fn is not called any more */
/* A new box's first start; when it fails the box is removed again. */
int life_create(struct box *, life_fn *, void *ctx, struct life_wait **,
    struct bindu_err *);
/* At start: find out what became of the box while nobody looked. */
void life_adopt(struct box *);
/* Suspend the boxes that were idle for their time; called every second. */
void life_sweep(struct boxd *);
/* The daemon ends: drop what is under way, the boxes go on. */
void life_abandon(struct box *);
#endif
