/* life_step.c - what each operation asks of the hub and the monitor.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "hub.h"
#include "image.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "life_priv.h"

#define STOP_GRACE_MS 5000
#define DESTROY_GRACE_MS 500
#define ASK_MS 30000
#define DESTROY_ASK_MS 10000 /* then the hub ends it by force */
#define PIDS 4096

static ask_fn on_started;

static void
on_removed(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	(void)a;
	(void)msg;
	(void)fds;
	life_end(ctx, 0, err);
}

static void
remove_rest(struct life *l)
{
	AUTO_FREE char *dir = box_dir(l->box);

	l->hub = hub_ask(l->box->d->hub,
	    json_pack("{ssssssss}", "op", "remove", "id", l->box->id, "dir",
		dir, "ip", l->box->ip),
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
		life_set_state(b, BOX_STARTING, NULL);
		life_start_box(l);
		return;
	}
	life_set_state(b, BOX_STOPPED, NULL);
	life_end(l, 0, NULL);
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
	if (err && l->verb != VERB_DESTROY && (msg || life_is_late(err)))
		life_fail(l, err);
	else
		stopped(l);
}

void
life_stop_box(struct life *l)
{
	bool force = l->verb == VERB_DESTROY;
	int grace = force ? DESTROY_GRACE_MS : STOP_GRACE_MS;
	int limit = grace + (force ? DESTROY_ASK_MS : ASK_MS);

	l->ask = life_ask(l->box,
	    json_pack("{sssi}", "op", "stop", "grace_ms", grace), limit,
	    on_stopped, l);
}

void
life_start_box(struct life *l)
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
	l->built = true;
	if (!err) {
		life_start_box(l);
		return;
	}
	box_log(l->box, "image %s: %s", l->box->image, err->msg);
	life_set_state(l->box, BOX_FAILED, err->msg);
	life_end(l, 0, err);
}

/* The image takes minutes: whoever waits hears that the box exists. */
static void
build(struct life *l)
{
	struct box *b = l->box;

	b->announced = true;
	l->building = true;
	box_log(b, "building image %s; this is done once", b->image);
	life_set_state(b, BOX_STARTING, NULL);
	life_tell(l, NULL);
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
	    image_is_built(b->image) && !l->built) {
		build(l);
		return;
	}
	if (err) {
		life_set_state(b, BOX_FAILED, err->msg);
		life_end(l, 0, err);
		return;
	}
	b->boot_ms =
	    (uint32_t)((bindu_json_int(msg, "boot_us", 0) + 999) / 1000);
	b->started_ms = bindu_clock_ms();
	b->announced = true;
	box_use(b, 0);
	life_set_state(b, BOX_RUNNING, NULL);
	life_end(l, 0, NULL);
}

static void
on_frozen(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct life *l = ctx;
	int64_t us = msg ? bindu_json_int(msg, "us", 1) : 0;

	(void)a;
	(void)fds;
	box_use(l->box, 0); /* a failed auto-suspend waits its time again */
	if (err) {
		life_fail(l, err);
		return;
	}
	life_set_state(l->box,
	    l->verb == VERB_SUSPEND ? BOX_SUSPENDED : BOX_RUNNING, NULL);
	life_end(l, us > 0 ? (uint64_t)us : 1, NULL);
}

void
life_freeze_box(struct life *l)
{
	l->ask = life_ask(l->box,
	    json_pack("{ss}", "op", box_verb_name(l->verb)), ASK_MS, on_frozen,
	    l);
}
