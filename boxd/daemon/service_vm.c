/* service_vm.c - create, look at and change boxes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "life.h"
#include "service_create.h"
#include "web.h"

/* One call that waits for an operation. */
struct wait {
	struct rpc *rpc;
	struct life_wait *handle;
	void (*answer)(struct rpc *, struct box *, uint64_t us);
};

static void
on_gone(struct rpc *r)
{
	struct wait *w = rpc_data(r);

	life_forget(w->handle);
	free(w);
}

static const struct rpc_ops wait_ops = { svc_no_message, svc_nothing, on_gone };

static void
on_done(void *ctx, struct box *b, uint64_t us, const struct bindu_err *err)
{
	struct wait *w = ctx;

	if (err)
		svc_fail(w->rpc, err);
	else
		w->answer(w->rpc, b, us);
	free(w);
}

static void
act(struct rpc *r, struct boxd *d, const char *key, enum box_verb verb,
    void (*answer)(struct rpc *, struct box *, uint64_t))
{
	struct box *b = svc_box(r, d, key);
	struct bindu_err err = { 0 };
	struct wait *w;
	int done;

	if (!b)
		return;
	w = xcalloc(1, sizeof *w);
	w->rpc = r;
	w->answer = answer;
	done = life_do(b, verb, on_done, w, &w->handle, &err);
	if (done == 0) {
		rpc_set(r, &wait_ops, w);
		return;
	}
	free(w);
	if (done == 1)
		answer(r, b, 1);
	else
		svc_fail(r, &err);
}

/* Start, stop, reboot and destroy answer with a message without fields. */
static void
answer_empty(struct rpc *r, struct box *b, uint64_t us)
{
	PB(StartVmResponse)
	m;

	(void)b;
	(void)us;
	boxd__api__v1__start_vm_response__init(&m);
	svc_reply(r, &m.base);
}

static void
answer_suspend(struct rpc *r, struct box *b, uint64_t us)
{
	PB(SuspendVmResponse)
	m;

	(void)b;
	boxd__api__v1__suspend_vm_response__init(&m);
	m.suspend_us = us;
	svc_reply(r, &m.base);
}

static void
answer_resume(struct rpc *r, struct box *b, uint64_t us)
{
	PB(ResumeVmResponse)
	m;

	(void)b;
	boxd__api__v1__resume_vm_response__init(&m);
	m.resume_us = us;
	svc_reply(r, &m.base);
}

#define ACT(name, request, verb, answer) \
	void name(struct rpc *r, struct boxd *d, const void *req) \
	{ \
		const PB(request) *q = req; \
\
		act(r, d, q->vm_id, verb, answer); \
	}
ACT(svc_start_vm, StartVmRequest, VERB_START, answer_empty)
ACT(svc_stop_vm, StopVmRequest, VERB_STOP, answer_empty)
ACT(svc_reboot_vm, RebootVmRequest, VERB_REBOOT, answer_empty)
ACT(svc_suspend_vm, SuspendVmRequest, VERB_SUSPEND, answer_suspend)
ACT(svc_resume_vm, ResumeVmRequest, VERB_RESUME, answer_resume)
ACT(svc_destroy_vm, DestroyVmRequest, VERB_DESTROY, answer_empty)

void
svc_set_auto_suspend(struct rpc *r, struct boxd *d, const void *req)
{
	const PB(SetAutoSuspendTimeoutRequest) *q = req;
	struct box *b = svc_box(r, d, q->vm_id);
	struct bindu_err err = { 0 };

	if (!b)
		return;
	b->auto_suspend_secs = q->timeout_secs;
	box_use(b, 0);
	if (store_save(b, &err) == -1)
		svc_fail(r, &err);
	else
		answer_empty(r, b, 0);
}

static void
answer_create(struct rpc *r, struct box *b, uint64_t us)
{
	PB(CreateVmResponse)
	m;
	AUTO_FREE char *url = box_url(b, "");

	(void)us;
	boxd__api__v1__create_vm_response__init(&m);
	m.vm_id = b->id;
	m.name = b->name;
	m.url = url;
	m.image = b->image;
	m.public_ip = b->ip;
	m.status = (char *)box_state_name(b->state);
	m.boot_time_ms = b->boot_ms;
	svc_reply(r, &m.base);
}

void
svc_create_vm(struct rpc *r, struct boxd *d, const void *req)
{
	struct bindu_err err = { 0 };
	struct box *b = create_box(d, req, &err);
	struct wait *w;

	if (!b) {
		svc_fail(r, &err);
		return;
	}
	w = xcalloc(1, sizeof *w);
	w->rpc = r;
	w->answer = answer_create;
	if (life_create(b, on_done, w, &w->handle, &err) == 0) {
		rpc_set(r, &wait_ops, w);
		return;
	}
	free(w);
	store_remove(b, NULL);
	web_close_door(b);
	box_unlink(b);
	box_free(b);
	svc_fail(r, &err);
}

static void
fill_labels(PB(GetVmResponse) * m, const struct box *b)
{
	size_t n = 0, max = json_object_size(b->labels) + 1;
	const char *key;
	json_t *value;

	m->labels = xcalloc(max, sizeof *m->labels);
	json_object_foreach(b->labels, key, value)
	{
		m->labels[n] = xmalloc(sizeof **m->labels);
		boxd__api__v1__get_vm_response__labels_entry__init(
		    m->labels[n]);
		m->labels[n]->key = xstrdup(key);
		m->labels[n++]->value = xstrdup(json_string_value(value));
	}
	m->labels[n] = xmalloc(sizeof **m->labels);
	boxd__api__v1__get_vm_response__labels_entry__init(m->labels[n]);
	m->labels[n]->key = xstrdup(SVC_LOCAL_URL);
	m->labels[n++]->value = xasprintf("http://127.0.0.1:%u", b->local_port);
	m->n_labels = n;
}

/* Allocated as protobuf-c would, to be freed by it. */
static PB(GetVmResponse) * describe(const struct box *b)
{
	PB(GetVmResponse) *m = xmalloc(sizeof *m);

	boxd__api__v1__get_vm_response__init(m);
	m->vm_id = xstrdup(b->id);
	m->name = xstrdup(b->name);
	m->image_ref = xstrdup(b->image);
	m->public_ip = xstrdup(b->ip);
	m->status = xstrdup(box_state_name(b->state));
	m->restart_policy = xstrdup(b->restart_policy);
	m->disk_bytes = b->disk_bytes;
	m->auto_suspend_timeout_secs = b->auto_suspend_secs;
	m->access_domain = xasprintf("localhost:%u", b->d->port);
	m->vcpu = b->vcpu;
	m->memory_bytes = b->memory_bytes;
	m->created_at = b->created_at;
	m->boot_time_ms = b->boot_ms;
	fill_labels(m, b);
	return m;
}

void
svc_get_vm(struct rpc *r, struct boxd *d, const void *req)
{
	const PB(GetVmRequest) *q = req;
	struct box *b = svc_box(r, d, q->vm_id);
	PB(GetVmResponse) * m;

	if (!b)
		return;
	m = describe(b);
	svc_reply(r, &m->base);
	boxd__api__v1__get_vm_response__free_unpacked(m, NULL);
}

/* "key=value": equals; "key": has it. */
static bool
selected(const struct box *b, char *const *selector, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *eq = strchr(selector[i], '=');
		AUTO_FREE char *key = xstrndup(selector[i],
		    eq ? (size_t)(eq - selector[i]) : strlen(selector[i]));
		const char *value = bindu_json_str(b->labels, key);

		if (!value || (eq && strcmp(value, eq + 1)))
			return false;
	}
	return true;
}

void
svc_list_vms(struct rpc *r, struct boxd *d, const void *req)
{
	const PB(ListVmsRequest) *q = req;
	PB(ListVmsResponse) *m = xmalloc(sizeof *m);
	size_t cap = 0;

	boxd__api__v1__list_vms_response__init(m);
	for (struct box *b = d->boxes; b; b = b->next) {
		if (box_hidden(b) ||
		    !selected(b, q->label_selector, q->n_label_selector))
			continue;
		bindu_grow(&m->vms, &cap, m->n_vms + 1, sizeof *m->vms);
		m->vms[m->n_vms++] = describe(b);
	}
	svc_reply(r, &m->base);
	boxd__api__v1__list_vms_response__free_unpacked(m, NULL);
}
