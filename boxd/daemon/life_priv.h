/* life_priv.h - one operation on a box, shared by life*.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_LIFE_PRIV_H
#define BOXD_LIFE_PRIV_H

#include "life.h"

struct hub_req;

struct life_wait {
	struct life_wait *next;
	life_fn *fn;
	void *ctx;
};

struct life {
	struct box *box;
	enum box_verb verb;
	bool creating, adopting;
	bool building, built; /* the image: now, in this operation */
	struct hub_req *hub;
	struct ask *ask;
	struct life_wait *waits;
	struct life_wait *after; /* who waits for the destroy to come */
	bool destroy_next;
};

/* life.c */
struct life *life_new(struct box *, enum box_verb);
void life_begin(struct box *, enum box_verb);
/* The operation is over and freed; after a destroy the box is too. */
void life_end(struct life *, uint64_t us, const struct bindu_err *);
/* The same where the box should be as before: what is, is asked for if its
 * monitor was lost meanwhile. */
void life_fail(struct life *, const struct bindu_err *);
/* Those who wait hear now; more may come to wait. */
void life_tell(struct life *, const struct bindu_err *);
/* On disk as well; why may be NULL. */
void life_set_state(struct box *, enum box_state, const char *why);
struct ask *
life_ask(struct box *, json_t *request, int64_t ms, ask_fn *, void *ctx);
bool life_is_late(const struct bindu_err *); /* nobody said no */

/* life_step.c: begin what the verb does; ends in life_end(). */
void life_stop_box(struct life *);
void life_start_box(struct life *);
void life_freeze_box(struct life *);

/* life_watch.c: hear of it when the box ends by itself. */
void life_watch(struct box *);
#endif
