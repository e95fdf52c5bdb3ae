/* life_watch.c - boxes that end by themselves, were found again, or idle.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "life_priv.h"
#include "room.h"

#define STAT_MS 5000
/* A box that ends sooner than this after its start is not started again. */
#define RESTART_MIN_MS 10000

/* The box ended and nobody here had asked for it. */
static void
ended(struct box *b, const char *why)
{
	bool again = b->want == WANT_RUNNING &&
	    strcmp(b->restart_policy, "never") &&
	    strcmp(b->restart_policy, "no") &&
	    (!b->started_ms ||
		bindu_clock_ms() - b->started_ms > RESTART_MIN_MS);

	struct bindu_err err = { 0 };

	ask_close(&b->watch);
	if (b->life)
		return;
	life_set_state(b, BOX_STOPPED, why);
	if (again && room_check(b->d, VERB_START, &err) == -1)
		bindu_log(BINDU_WARN, "box %s is not started again: %s",
		    b->name, err.msg);
	else if (again)
		life_begin(b, VERB_START);
}

static void
on_watch(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct box *b = ctx;
	const char *why = msg ? bindu_json_str(msg, "reason") : NULL;
	const char *event = msg ? bindu_json_str(msg, "event") : NULL;

	(void)a;
	(void)fds;
	if (!err && !event)
		return; /* {"ok":true}: it watches */
	ask_close(&b->watch);
	if (event)
		ended(b, why ? why : "it ended by itself");
	else if (!b->life)
		life_adopt(b);
}

void
life_watch(struct box *b)
{
	if (!b->watch)
		b->watch = life_ask(b, json_pack("{ss}", "op", "watch"), 0,
		    on_watch, b);
}

/* It should be watched, and is not: its monitor ended in the middle of
 * another operation, or was too busy to say how the box is. */
static void
look_again(struct box *b)
{
	if (!b->life && !b->watch &&
	    (b->state == BOX_RUNNING || b->state == BOX_SUSPENDED))
		life_adopt(b);
}

/* What is left to do once the truth is known. */
static void
settle(struct box *b, bool up)
{
	if (b->life)
		return;
	if (up && b->want == WANT_STOPPED)
		life_begin(b, VERB_STOP);
	else if (!up && b->state == BOX_STARTING)
		life_begin(b, VERB_START);
	else if (!up && (b->state == BOX_RUNNING || b->state == BOX_SUSPENDED))
		ended(b, "it ended while nobody watched");
	else
		look_again(b);
}

static void
on_stat(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct life *l = ctx;
	struct box *b = l->box;
	const char *state = err ? NULL : bindu_json_str(msg, "state");
	bool up = state || (err && life_is_late(err));

	(void)a;
	(void)fds;
	if (state) {
		b->announced = true;
		life_set_state(b,
		    !strcmp(state, "suspended") ? BOX_SUSPENDED : BOX_RUNNING,
		    NULL);
		life_watch(b);
	}
	l->destroy_next |= b->want == WANT_GONE ||
	    (!up && b->state == BOX_STARTING && !b->announced);
	life_end(l, 0, NULL);
	settle(b, up);
}

void
life_adopt(struct box *b)
{
	struct life *l = life_new(b, VERB_START);

	l->adopting = true;
	b->d->adopting++;
	l->ask =
	    life_ask(b, json_pack("{ss}", "op", "stat"), STAT_MS, on_stat, l);
}

void
life_fail(struct life *l, const struct bindu_err *err)
{
	struct box *b = l->box;

	life_end(l, 0, err);
	look_again(b);
}

void
life_sweep(struct boxd *d)
{
	int64_t now = bindu_clock_ms();

	for (struct box *b = d->boxes; b; b = b->next)
		if (b->auto_suspend_secs && b->state == BOX_RUNNING &&
		    !b->life && !b->uses &&
		    now - b->active_ms >= (int64_t)b->auto_suspend_secs * 1000)
			life_do(b, VERB_SUSPEND, NULL, NULL, NULL, NULL);
}
