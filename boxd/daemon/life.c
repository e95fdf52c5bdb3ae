/* life.c - the operations on a box that take time, one at a time a box.
 * SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "hub.h"
#include "image.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "web.h"

#define STOP_GRACE_MS 5000
#define DESTROY_GRACE_MS 500
#define STAT_MS 5000
#define ASK_MS 30000
/* A box that ends sooner than this after its start is not started again. */
#define RESTART_MIN_MS 10000
#define PIDS 4096

struct life_wait {
	struct life_wait *next;
	life_fn *fn;
	void *ctx;
};

struct life {
	struct box *box;
	enum box_verb verb;
	bool creating, building, adopting;
	struct hub_req *hub;
	struct ask *ask;
	struct life_wait *waits;
	struct life_wait *after; /* who waits for the destroy to come */
	bool destroy_next;
};

static void watch(struct box *);
static void begin(struct box *, enum box_verb);
static void send_start(struct life *);
static ask_fn on_started;

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

static void
set_state(struct box *b, enum box_state state, const char *why)
{
	if (state != b->state)
		bindu_log(BINDU_INFO, "box %s (%s): %s%s%s", b->name, b->id,
		    box_state_name(state), why ? ": " : "", why ? why : "");
	b->state = state;
	set_reason(b, why);
	if (state == BOX_RUNNING)
		watch(b);
	else if (state != BOX_SUSPENDED)
		ask_close(&b->watch);
	save(b);
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
static void
end(struct life *l, uint64_t us, const struct bindu_err *err)
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
		set_state(b, BOX_FAILED, err->msg);
	tell(&l->waits, b, us, err);
	if (gone) {
		tell(&l->after, b, us, NULL);
		box_free(b);
	} else if (l->destroy_next || failed_create) {
		b->want = WANT_GONE;
		save(b);
		begin(b, VERB_DESTROY);
		b->life->waits = bindu_steal(&l->after);
	}
	free(l);
}

static struct ask *
ask_monitor(struct box *b, json_t *request, int64_t ms, ask_fn *fn, void *ctx)
{
	AUTO_FREE char *path = box_monitor(b);

	return ask_open(b->d->loop, path, request, ms, fn, ctx);
}

static void
on_removed(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	(void)a;
	(void)msg;
	(void)fds;
	end(ctx, 0, err);
}

static void
remove_rest(struct life *l)
{
	AUTO_FREE char *dir = box_dir(l->box);

	l->hub = hub_ask(l->box->d->hub,
	    json_pack("{ssssss}", "op", "remove", "id", l->box->id, "dir", dir),
	    on_removed, l);
}

/* After a stop, or when there was nothing left to stop. */
static void
stopped(struct life *l)
{
	struct box *b = l->box;

	ask_close(&l->ask);
	if (l->verb == VERB_DESTROY) {
		ask_close(&b->watch);
		remove_rest(l);
		return;
	}
	if (l->verb == VERB_REBOOT) {
		set_state(b, BOX_STARTING, NULL);
		send_start(l);
		return;
	}
	set_state(b, BOX_STOPPED, NULL);
	end(l, 0, NULL);
}

static bool
is_late(const struct bindu_err *err)
{
	return err->detail == ETIMEDOUT;
}

static void
on_stopped(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct life *l = ctx;

	(void)a;
	(void)fds;
	/* No monitor, or one that ended meanwhile: nothing runs there.  A
	 * destroy goes on in any case, the hub removes by force. */
	if (err && l->verb != VERB_DESTROY && (msg || is_late(err)))
		end(l, 0, err);
	else
		stopped(l);
}

static void
send_stop(struct life *l)
{
	int grace = l->verb == VERB_DESTROY ? DESTROY_GRACE_MS : STOP_GRACE_MS;

	l->ask = ask_monitor(l->box,
	    json_pack("{sssi}", "op", "stop", "grace_ms", grace),
	    ASK_MS + grace, on_stopped, l);
}

static void
send_start(struct life *l)
{
	struct box *b = l->box;
	AUTO_FREE char *dir = box_dir(b);
	json_t *env = json_array(), *cmd = json_array(), *req;

	for (size_t i = 0; i < b->env.n; i++)
		json_array_append_new(env, json_string(b->env.v[i]));
	for (size_t i = 0; i < b->cmd.n; i++)
		json_array_append_new(cmd, json_string(b->cmd.v[i]));
	req = json_pack("{sssssssssosssIsIsIsisssoso}", "op", "start", "id",
	    b->id, "dir", dir, "name", b->name, "image", image_json(b->image),
	    "hostname", b->name, "vcpu", (json_int_t)b->vcpu, "memory_bytes",
	    (json_int_t)b->memory_bytes, "disk_bytes",
	    (json_int_t)b->disk_bytes, "pids", PIDS, "ip", b->ip, "cmd", cmd,
	    "env", env);
	hub_drop(&l->hub);
	l->hub = hub_ask(b->d->hub, req, on_started, l);
}

static void
on_built(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct life *l = ctx;
	const char *text = msg ? bindu_json_str(msg, "text") : NULL;

	(void)a;
	(void)fds;
	if (!err && bindu_json_str(msg, "event")) {
		box_log(l->box, "%s", text ? text : "");
		bindu_log(BINDU_INFO, "image %s: %s", l->box->image,
		    text ? text : "");
		return;
	}
	l->building = false;
	if (!err) {
		send_start(l);
		return;
	}
	box_log(l->box, "image %s: %s", l->box->image, err->msg);
	set_state(l->box, BOX_FAILED, err->msg);
	end(l, 0, err);
}

/* The image takes minutes: whoever waits hears that the box exists. */
static void
build(struct life *l)
{
	struct box *b = l->box;

	b->announced = true;
	l->building = true;
	box_log(b, "building image %s; this is done once", b->image);
	save(b);
	tell(&l->waits, b, 0, NULL);
	hub_drop(&l->hub);
	l->hub = hub_ask(b->d->hub,
	    json_pack("{ssso}", "op", "build", "image", image_json(b->image)),
	    on_built, l);
}

static void
on_started(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct life *l = ctx;
	struct box *b = l->box;

	(void)a;
	(void)fds;
	if (err && err->code == BINDU_E_NOINPUT && msg &&
	    image_is_built(b->image)) {
		build(l);
		return;
	}
	if (err) {
		set_state(b, BOX_FAILED, err->msg);
		end(l, 0, err);
		return;
	}
	b->boot_ms =
	    (uint32_t)((bindu_json_int(msg, "boot_us", 0) + 999) / 1000);
	b->started_ms = bindu_clock_ms();
	b->announced = true;
	box_use(b, 0);
	set_state(b, BOX_RUNNING, NULL);
	end(l, 0, NULL);
}

static void
on_frozen(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct life *l = ctx;
	int64_t us = msg ? bindu_json_int(msg, "us", 1) : 0;

	(void)a;
	(void)fds;
	if (!err) {
		box_use(l->box, 0);
		set_state(l->box,
		    l->verb == VERB_SUSPEND ? BOX_SUSPENDED : BOX_RUNNING,
		    NULL);
	}
	end(l, us > 0 ? (uint64_t)us : 1, err);
}

static void
send_freeze(struct life *l)
{
	l->ask = ask_monitor(l->box,
	    json_pack("{ss}", "op", box_verb_name(l->verb)), ASK_MS, on_frozen,
	    l);
}

static struct life *
new_life(struct box *b, enum box_verb verb)
{
	struct life *l = xcalloc(1, sizeof *l);

	l->box = b;
	l->verb = verb;
	b->life = l;
	return l;
}

static void
begin(struct box *b, enum box_verb verb)
{
	struct life *l = new_life(b, verb);

	switch (verb) {
	case VERB_START:
		set_state(b, BOX_STARTING, NULL);
		send_start(l);
		break;
	case VERB_STOP:
	case VERB_REBOOT:
	case VERB_DESTROY:
		send_stop(l);
		break;
	case VERB_SUSPEND:
	case VERB_RESUME:
		send_freeze(l);
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
	b->want = old;
	return -1;
}

/* Another operation holds the box. */
static int
join(struct box *b, enum box_verb verb, life_fn *fn, void *ctx,
    struct life_wait **handle, struct bindu_err *err)
{
	struct life *l = b->life;

	if (l->verb == verb && !l->destroy_next) {
		if (l->building)
			return 1;
		add_wait(&l->waits, fn, ctx, handle);
		return 0;
	}
	if (verb != VERB_DESTROY)
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "box %s is busy: %s is under way", b->name,
		    box_verb_name(l->destroy_next ? VERB_DESTROY : l->verb));
	if (keep_want(b, verb, err) == -1)
		return -1;
	l->destroy_next = true;
	add_wait(&l->after, fn, ctx, handle);
	if (l->building) {
		struct bindu_err e = { 0 };

		bindu_err_set(&e, BINDU_E_AGAIN, "destroyed meanwhile");
		end(l, 0, &e);
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
	if (move == MOVE_NO)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "cannot %s box %s: it is %s, %s", box_verb_name(verb),
		    b->name, box_state_name(b->state), box_cure(b->state));
	if (keep_want(b, verb, err) == -1)
		return -1;
	if (move == MOVE_THERE)
		return 1;
	begin(b, verb);
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
	begin(b, VERB_START);
	b->life->creating = true;
	add_wait(&b->life->waits, fn, ctx, handle);
	return 0;
}

/* The box ended and nobody here had asked for it. */
static void
ended(struct box *b, const char *why)
{
	bool again = b->want == WANT_RUNNING &&
	    strcmp(b->restart_policy, "never") &&
	    strcmp(b->restart_policy, "no") &&
	    (!b->started_ms ||
		bindu_clock_ms() - b->started_ms > RESTART_MIN_MS);

	ask_close(&b->watch);
	if (b->life)
		return;
	set_state(b, BOX_STOPPED, why);
	if (again)
		begin(b, VERB_START);
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

static void
watch(struct box *b)
{
	if (!b->watch)
		b->watch = ask_monitor(b, json_pack("{ss}", "op", "watch"), 0,
		    on_watch, b);
}

/* What is left to do once the truth is known. */
static void
settle(struct box *b, bool up)
{
	if (b->life)
		return;
	if (up && b->want == WANT_STOPPED)
		begin(b, VERB_STOP);
	else if (!up && b->state == BOX_STARTING)
		begin(b, VERB_START);
	else if (!up && (b->state == BOX_RUNNING || b->state == BOX_SUSPENDED))
		ended(b, "it ended while nobody watched");
}

static void
on_stat(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct life *l = ctx;
	struct box *b = l->box;
	const char *state = err ? NULL : bindu_json_str(msg, "state");
	bool up = state || (err && is_late(err));

	(void)a;
	(void)fds;
	if (state) {
		b->announced = true;
		set_state(b,
		    !strcmp(state, "suspended") ? BOX_SUSPENDED : BOX_RUNNING,
		    NULL);
		watch(b);
	}
	l->destroy_next |= b->want == WANT_GONE ||
	    (!up && b->state == BOX_STARTING && !b->announced);
	end(l, 0, NULL);
	settle(b, up);
}

void
life_adopt(struct box *b)
{
	struct life *l = new_life(b, VERB_START);

	l->adopting = true;
	b->d->adopting++;
	l->ask = ask_monitor(b, json_pack("{ss}", "op", "stat"), STAT_MS,
	    on_stat, l);
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
