/* service_create.c - a CreateVm request made into a box.
 * SPDX-License-Identifier: Apache-2.0 */
#include "service_create.h"

#include <string.h>
#include "image.h"
#include "lib/base/mem.h"
#include "room.h"
#include "web.h"

#define VCPU_DEFAULT 2
#define VCPU_MAX 128
#define MEMORY_DEFAULT (4ULL << 30)
#define MEMORY_MIN (64ULL << 20)
#define MEMORY_MAX (1ULL << 40)
#define DISK_DEFAULT (20ULL << 30)
#define DISK_MIN (64ULL << 20)
#define DISK_MAX (16ULL << 40)
#define LABELS_MAX 64
#define LABELS_SIZE_MAX (16 << 10)
#define WORDS_MAX (96 << 10) /* env and cmd together: one message */

static int
check_name(struct boxd *d, const char *name, struct bindu_err *err)
{
	if (!*name)
		return 0;
	if (!box_name_ok(name))
		return bindu_err_set(err, BINDU_E_DATA,
		    "\"%.80s\" is no box name: use a-z, 0-9 and -, at most "
		    "%d of them",
		    name, BOX_NAME_MAX);
	if (box_find(d, name))
		return bindu_err_set(err, BINDU_E_EXISTS,
		    "a box named %s exists already", name);
	return 0;
}

static int
check_size(const char *what, uint64_t v, uint64_t min, uint64_t max,
    struct bindu_err *err)
{
	char is[16], least[16], most[16];

	if (v == 0 || (v >= min && v <= max))
		return 0;
	return bindu_err_set(err, BINDU_E_DATA,
	    "%s: %s is not between %s and %s", what,
	    bindu_str_human(v, is, sizeof is),
	    bindu_str_human(min, least, sizeof least),
	    bindu_str_human(max, most, sizeof most));
}

static int
check_config(const PB(VmConfig) * c, struct bindu_err *err)
{
	if (!c)
		return 0;
	if (c->vcpu > VCPU_MAX)
		return bindu_err_set(err, BINDU_E_DATA,
		    "vcpu %u is not between 1 and %u", c->vcpu,
		    (unsigned)VCPU_MAX);
	if (check_size("memory_bytes", c->memory_bytes, MEMORY_MIN, MEMORY_MAX,
		err) == -1 ||
	    check_size("disk_bytes", c->disk_bytes, DISK_MIN, DISK_MAX, err) ==
		-1)
		return -1;
	if (c->n_volumes)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "volumes are not there on the local runtime");
	if (c->srf && c->srf->auto_destroy_timeout_secs)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "auto-destroy is not there on the local runtime");
	return 0;
}

static bool
env_key_ok(const char *s)
{
	size_t n = strspn(s,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789_");

	return *s && !s[n] && !(s[0] >= '0' && s[0] <= '9');
}

static int
check_words(const PB(CreateVmRequest) * q, struct bindu_err *err)
{
	size_t total = 0;

	for (size_t i = 0; i < q->n_env; i++) {
		if (!env_key_ok(q->env[i]->key))
			return bindu_err_set(err, BINDU_E_DATA,
			    "\"%.80s\" is no name for a variable",
			    q->env[i]->key);
		total += strlen(q->env[i]->key) + strlen(q->env[i]->value);
	}
	for (size_t i = 0; i < q->n_cmd; i++)
		total += strlen(q->cmd[i]);
	if (total > WORDS_MAX)
		return bindu_err_set(err, BINDU_E_DATA,
		    "env and cmd of %zu bytes are over the limit of %d", total,
		    WORDS_MAX);
	return 0;
}

/* A list of boxes repeats them all. */
static int
check_labels(const PB(CreateVmRequest) * q, struct bindu_err *err)
{
	size_t total = 0;

	for (size_t i = 0; i < q->n_labels; i++) {
		AUTO_JSON json_t *o =
		    json_pack("{ss}", q->labels[i]->key, q->labels[i]->value);

		if (!o)
			return bindu_err_set(err, BINDU_E_DATA,
			    "labels must be UTF-8");
		total += strlen(q->labels[i]->key) +
		    strlen(q->labels[i]->value);
	}
	if (q->n_labels > LABELS_MAX || total > LABELS_SIZE_MAX)
		return bindu_err_set(err, BINDU_E_DATA,
		    "%zu labels of %zu bytes are over the limits of %d and %d",
		    q->n_labels, total, LABELS_MAX, LABELS_SIZE_MAX);
	return 0;
}

static int
check_rest(const PB(CreateVmRequest) * q, struct bindu_err *err)
{
	static const char *const policies[] = { "", "always", "on-failure",
		"never", "no" };
	bool known = false;

	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
		known |= !strcmp(q->restart_policy, policies[i]);
	if (!known)
		return bindu_err_set(err, BINDU_E_DATA,
		    "restart_policy "
		    "\"%.40s\" is not one of always, on-failure, never",
		    q->restart_policy);
	if (q->n_networks || q->spec)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "%s not there on the local runtime",
		    q->spec ? "machine specs are" : "networks are");
	return 0;
}

static void
fill_config(struct box *b, const PB(VmConfig) * c)
{
	if (c && c->vcpu)
		b->vcpu = c->vcpu;
	if (c && c->memory_bytes)
		b->memory_bytes = c->memory_bytes;
	if (c && c->disk_bytes)
		b->disk_bytes = c->disk_bytes;
	if (c && c->srf && c->srf->has_auto_suspend_timeout_secs_case)
		b->auto_suspend_secs = c->srf->auto_suspend_timeout_secs;
}

static int
fill_routes(struct box *b, const PB(VmConfig) * c, struct bindu_err *err)
{
	size_t n = c && c->network ? c->network->n_proxies : 0;

	for (size_t i = 0; i < n; i++) {
		const PB(ProxyEntry) *p = c->network->proxies[i];

		if (p->port == 0 || p->port > 65535)
			return bindu_err_set(err, BINDU_E_DATA, "%u is no port",
			    p->port);
		if (box_set_route(b, p->name, (uint16_t)p->port, err) == -1)
			return -1;
	}
	return 0;
}

/* What the client chose but a record cannot hold is refused. */
static int
fill_words(struct box *b, const PB(CreateVmRequest) * q, struct bindu_err *err)
{
	for (size_t i = 0; i < q->n_env; i++)
		bindu_strv_addf(&b->env, "%s=%s", q->env[i]->key,
		    q->env[i]->value);
	for (size_t i = 0; i < q->n_cmd; i++)
		bindu_strv_add(&b->cmd, q->cmd[i]);
	for (size_t i = 0; i < b->env.n + b->cmd.n; i++) {
		AUTO_JSON json_t *s = json_string(
		    i < b->env.n ? b->env.v[i] : b->cmd.v[i - b->env.n]);

		if (!s)
			return bindu_err_set(err, BINDU_E_DATA,
			    "env and cmd must be UTF-8");
	}
	for (size_t i = 0; i < q->n_labels; i++)
		bindu_json_set_str(b->labels, q->labels[i]->key,
		    q->labels[i]->value);
	json_object_del(b->labels, SVC_LOCAL_URL);
	return 0;
}

struct box *
create_box(struct boxd *d, const PB(CreateVmRequest) * q, struct bindu_err *err)
{
	const char *image = image_choose(d, q->image_ref, err);
	struct box *b;

	if (!image || check_name(d, q->name, err) == -1 ||
	    check_config(q->config, err) == -1 || check_words(q, err) == -1 ||
	    check_labels(q, err) == -1 || check_rest(q, err) == -1 ||
	    room_check(d, VERB_START, err) == -1)
		return NULL;
	b = box_new(d);
	b->name = *q->name ? xstrdup(q->name) : box_name_make(d);
	b->image = xstrdup(image);
	b->restart_policy = xstrdup(
	    *q->restart_policy ? q->restart_policy : "always");
	b->vcpu = VCPU_DEFAULT;
	b->memory_bytes = MEMORY_DEFAULT;
	b->disk_bytes = DISK_DEFAULT;
	fill_config(b, q->config);
	if (fill_routes(b, q->config, err) == -1 ||
	    fill_words(b, q, err) == -1 || web_open_door(b, err) == -1) {
		box_free(b);
		return NULL;
	}
	box_link(b);
	return b;
}
