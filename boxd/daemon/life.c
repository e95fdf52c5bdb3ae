/* life.c - one operation at a time on a box, and who waits for it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "life_priv.h"

#include <errno.h>
#include <stdlib.h>
#include "hub.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "room.h"
#include "web.h"

static void
tell(struct life_wait **list, struct box *b, uint64_t us,
    const struct bindu_err *err)
{
	while (*list) {
		struct life_wait *w = *list;

		*list = w->next;
		if (w->fn)
			w->fn(w->ctx, b, us, err);
		free(w);
	}
}

static void
set_reason(struct box *b, const char *why)
{
	free(b->reason);
	b->reason = why ? xstrdup(why) : NULL;
}

static void
save(struct box *b)
{
	struct bindu_err err = { 0 };

	if (store_save(b, &err) == -1)
		bindu_log(BINDU_ERROR, "box %s: %s", b->name, err.msg);
}

void
life_set_state(struct box *b, enum box_state state, const char *why)
{
	if (state != b->state)
		bindu_log(BINDU_INFO, "box %s (%s): %s%s%s", b->name, b->id,
		    box_state_name(state), why ? ": " : "", why ? why : "");
	b->state = state;
	set_reason(b, why);
	if (state == BOX_RUNNING)
		life_watch(b);
	else if (state != BOX_SUSPENDED)
		ask_close(&b->watch);
	save(b);
}

void
life_tell(struct life *l, const struct bindu_err *err)
{
	tell(&l->waits, l->box, 0, err);
}

static void
drop_box(struct box *b)
{
	struct bindu_err err = { 0 };

	if (store_remove(b, &err) == -1)
		bindu_log(BINDU_ERROR, "box %s: %s", b->name, err.msg);
	bindu_log(BINDU_INFO, "box %s (%s): gone", b->name, b->id);
	web_close_door(b);
	box_unlink(b);
}

/* The operation is over; what waited for it hears, a destroy comes next. */
void
life_end(struct life *l, uint64_t us, const struct bindu_err *err)
{
	struct box *b = l->box;
	bool gone = l->verb == VERB_DESTROY && !err;
	bool failed_create = l->creating && err && !b->announced;

	hub_drop(&l->hub);
	ask_close(&l->ask);
	b->life = NULL;
	if (l->adopting)
		boxd_answered(b->d);
	if (err)
		bindu_log(BINDU_WARN, "box %s: %s failed: %s", b->name,
		    box_verb_name(l->verb), err->msg);
	if (gone)
		drop_box(b);
	else if (l->verb == VERB_DESTROY)
		life_set_state(b, BOX_FAILED, err->msg);
	tell(&l->waits, b, us, err);
	if (gone) {
		tell(&l->after, b, us, NULL);
		box_free(b);
	} else if (l->destroy_next || failed_create) {
		b->want = WANT_GONE;
		save(b);
		life_begin(b, VERB_DESTROY);
		b->life->waits = bindu_steal(&l->after);
	}
	free(l);
}

struct ask *
life_ask(struct box *b, json_t *request, int64_t ms, ask_fn *fn, void *ctx)
{
	AUTO_FREE char *path = box_monitor(b);

	return ask_open(b->d->loop, path, request, ms, fn, ctx);
}

bool
life_is_late(const struct bindu_err *err)
{
	return err->detail == ETIMEDOUT;
}

struct life *
life_new(struct box *b, enum box_verb verb)
{
	struct life *l = xcalloc(1, sizeof *l);

	l->box = b;
	l->verb = verb;
	b->life = l;
	return l;
}

void
life_begin(struct box *b, enum box_verb verb)
{
	struct life *l = life_new(b, verb);

	switch (verb) {
	case VERB_START:
		life_set_state(b, BOX_STARTING, NULL);
		life_start_box(l);
		break;
	case VERB_STOP:
	case VERB_REBOOT:
	case VERB_DESTROY:
		life_stop_box(l);
		break;
	case VERB_SUSPEND:
	case VERB_RESUME:
		life_freeze_box(l);
		break;
	case BOX_VERBS:
		break;
	}
}

static void
add_wait(struct life_wait **list, life_fn *fn, void *ctx,
    struct life_wait **handle)
{
	struct life_wait *w = xcalloc(1, sizeof *w);

	w->fn = fn;
	w->ctx = ctx;
	w->next = *list;
	*list = w;
	if (handle)
		*handle = w;
}

void
life_forget(struct life_wait *w)
{
	w->fn = NULL;
}

static int
keep_want(struct box *b, enum box_verb verb, struct bindu_err *err)
{
	enum box_want old = b->want;

	if (verb == VERB_DESTROY)
		b->want = WANT_GONE;
	else if (verb == VERB_STOP)
		b->want = WANT_STOPPED;
	else
		b->want = WANT_RUNNING;
	if (b->want == old || store_save(b, err) == 0)
		return 0;
	/* A full disk must not keep us from making room. */
	if (verb == VERB_DESTROY || verb == VERB_STOP) {
		bindu_log(BINDU_WARN, "box %s: cannot write it down", b->name);
		return 0;
	}
	b->want = old;
	return -1;
}

/* Another operation holds the box. */
static int
join(struct box *b, enum box_verb verb, life_fn *fn, void *ctx,
    struct life_wait **handle, struct bindu_err *err)
{
	struct life *l = b->life;

	if (l->verb == verb && !l->adopting && !l->destroy_next) {
		if (l->building)
			return 1;
		add_wait(&l->waits, fn, ctx, handle);
		return 0;
	}
	if (verb != VERB_DESTROY) {
		bindu_err_set(err, BINDU_E_AGAIN,
		    "box %s is busy: %s is under way", b->name,
		    box_verb_name(l->destroy_next ? VERB_DESTROY : l->verb));
		err->detail = EBUSY;
		return -1;
	}
	if (keep_want(b, verb, err) == -1)
		return -1;
	l->destroy_next = true;
	add_wait(&l->after, fn, ctx, handle);
	if (l->building) {
		struct bindu_err e = { 0 };

		bindu_err_set(&e, BINDU_E_AGAIN, "destroyed meanwhile");
		life_end(l, 0, &e);
	}
	return 0;
}

int
life_do(struct box *b, enum box_verb verb, life_fn *fn, void *ctx,
    struct life_wait **handle, struct bindu_err *err)
{
	enum box_move move = box_move(b->state, verb);

	if (b->life)
		return join(b, verb, fn, ctx, handle, err);
	if (move == MOVE_NO) {
		AUTO_FREE char *cure = box_cure(b->state, b->name);

		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "cannot %s box %s: it is %s; %s", box_verb_name(verb),
		    b->name, box_state_name(b->state), cure);
	}
	if ((move != MOVE_THERE && room_check(b->d, verb, err) == -1) ||
	    keep_want(b, verb, err) == -1)
		return -1;
	if (move == MOVE_THERE)
		return 1;
	life_begin(b, verb);
	add_wait(&b->life->waits, fn, ctx, handle);
	return 0;
}

int
life_create(struct box *b, life_fn *fn, void *ctx, struct life_wait **handle,
    struct bindu_err *err)
{
	b->state = BOX_STARTING;
	b->want = WANT_RUNNING;
	if (store_save(b, err) == -1)
		return -1;
	life_begin(b, VERB_START);
	b->life->creating = true;
	add_wait(&b->life->waits, fn, ctx, handle);
	return 0;
}

void
life_abandon(struct box *b)
{
	struct life *l = b->life;

	ask_close(&b->watch);
	if (!l)
		return;
	b->life = NULL;
	hub_drop(&l->hub);
	ask_close(&l->ask);
	while (l->waits || l->after) {
		struct life_wait **list = l->waits ? &l->waits : &l->after;
		struct life_wait *w = *list;

		*list = w->next;
		free(w);
	}
	free(l);
}
