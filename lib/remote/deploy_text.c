/* deploy_text.c - see deploy_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"

static const char *const ways[] = {
	[BINDU_EXIT_SUSPEND] = "suspend",
	[BINDU_EXIT_DESTROY] = "destroy",
	[BINDU_EXIT_DETACH] = "detach",
};

/* "  label:       value" */
__attribute__((format(printf, 3, 4))) static void
row(struct bindu_buf *b, const char *label, const char *fmt, ...)
{
	AUTO_FREE char *value = NULL;
	AUTO_FREE char *head = xasprintf("%s:", label);
	va_list ap;

	va_start(ap, fmt);
	value = xvasprintf(fmt, ap);
	va_end(ap);
	bindu_buf_addf(b, NULL, "  %-14s ", head);
	bindu_str_visible(b, value, strlen(value), NULL);
	bindu_buf_addc(b, '\n', NULL);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names alone, sorted, each once. */
static void
env_keys(const struct bindu_strv *env, struct bindu_strv *keys)
{
	for (size_t i = 0; env != NULL && i < env->n; i++) {
		char *key = xstrndup(env->v[i], strcspn(env->v[i], "="));

		if (bindu_strv_has(keys, key))
			free(key);
		else
			bindu_strv_take(keys, key);
	}
	if (keys->n != 0)
		qsort(keys->v, keys->n, sizeof *keys->v, compare);
}

static void
add_env(struct bindu_buf *b, const struct bindu_strv *env)
{
	AUTO_BUF struct bindu_buf list = BINDU_BUF_INIT(1 << 16);
	AUTO_STRV struct bindu_strv keys = { 0 };

	env_keys(env, &keys);
	for (size_t i = 0; i < keys.n; i++)
		bindu_buf_addf(&list, NULL, "%s'%s'", i != 0 ? ", " : "",
		    keys.v[i]);
	if (keys.n != 0)
		row(b, "env keys", "[%s]  (values hidden)", list.p);
}

static const char *
size_or(uint64_t bytes, const char *unset, char out[32])
{
	return bytes != 0 ? bindu_str_human(bytes, out, 32) : unset;
}

static void
add_machine(const struct bindu_deploy_opts *o, struct bindu_buf *b)
{
	char mem[32], disk[32];

	if (o->image != NULL)
		row(b, "image (A1)", "%s", o->image);
	row(b, "vcpu / memory", "%u / %s",
	    (unsigned)(o->vcpu != 0 ? o->vcpu : 2),
	    size_or(o->memory_bytes, "4G", mem));
	row(b, "disk", "%s", size_or(o->disk_bytes, "20G", disk));
	row(b, "auto_suspend", "%us", (unsigned)o->auto_suspend_secs);
	row(b, "on_exit", "%s", ways[o->on_exit]);
	if (o->bindu_version != NULL && o->image == NULL)
		row(b, "bindu_version", "%s", o->bindu_version);
}

static void
add_drops(const struct bindu_plan *p, struct bindu_buf *b)
{
	if (p->scrub.ndrop == 0)
		return;
	bindu_buf_addf(b, NULL,
	    "\n  WARNING: %zu sensitive file(s) would be DROPPED from the"
	    " tarball.\n"
	    "  The agent will not see them; pass what it needs with\n"
	    "  --env KEY=VALUE:\n",
	    p->scrub.ndrop);
	for (size_t i = 0; i < p->scrub.ndrop; i++) {
		const char *path = p->scrub.drop[i].path;

		bindu_buf_adds(b, "    - ", NULL);
		bindu_str_visible(b, path, strlen(path), NULL);
		bindu_buf_addf(b, NULL, "  (%s)\n", p->scrub.drop[i].rule);
	}
}

int
bindu_deploy_plan_text(const struct bindu_deploy_opts *o,
    const struct bindu_plan *p, struct bindu_buf *b, struct bindu_err *err)
{
	enum bindu_runtime runtime;

	if (bindu_config_runtime(o->runtime, &runtime, NULL, err) == -1 ||
	    bindu_buf_adds(b, "DRY RUN — nothing will be deployed.\n\n", err) ==
		-1)
		return -1;
	row(b, "agent name", "%s", p->agent.name);
	if (strcmp(p->agent.name, p->label) != 0)
		row(b, "box", "%s", p->label);
	row(b, "source root", "%s", p->agent.root);
	row(b, "entry script", "%s", p->agent.script);
	row(b, "provider", "%s", bindu_runtime_name(runtime));
	add_machine(o, b);
	add_env(b, o->env);
	if (p->tree != NULL)
		row(b, "tarball", "%zu file%s, %llu.%llu KB compressed",
		    p->tree->n, bindu_str_s(p->tree->n),
		    (unsigned long long)p->packed_bytes / 1024,
		    (unsigned long long)p->packed_bytes % 1024 * 10 / 1024);
	add_drops(p, b);
	return 0;
}

json_t *
bindu_deploy_plan_json(const struct bindu_deploy_opts *o,
    const struct bindu_plan *p)
{
	AUTO_STRV struct bindu_strv keys = { 0 };
	json_t *j = json_object(), *env = json_array(), *drop = json_array();

	bindu_json_set_str(j, "name", p->agent.name);
	bindu_json_set_str(j, "box", p->label);
	bindu_json_set_str(j, "root", p->agent.root);
	bindu_json_set_str(j, "script", p->agent.script);
	bindu_json_set_int(j, "port", p->port);
	bindu_json_set_str(j, "image", o->image);
	bindu_json_set_str(j, "on_exit", ways[o->on_exit]);
	env_keys(o->env, &keys);
	for (size_t i = 0; i < keys.n; i++)
		json_array_append_new(env, json_string(keys.v[i]));
	json_object_set_new(j, "env_keys", env);
	if (p->tree != NULL) {
		bindu_json_set_int(j, "files", (int64_t)p->tree->n);
		bindu_json_set_int(j, "bytes", (int64_t)p->packed_bytes);
	}
	for (size_t i = 0; i < p->scrub.ndrop; i++) {
		json_t *d = json_object();

		bindu_json_set_str(d, "path", p->scrub.drop[i].path);
		bindu_json_set_str(d, "rule", p->scrub.drop[i].rule);
		json_array_append_new(drop, d);
	}
	json_object_set_new(j, "dropped", drop);
	return j;
}

/* What was proven, and by whom it was: the box's own probe and the one from
 * here are two things. */
static json_t *
health_json(const struct bindu_deployed *d)
{
	const struct bindu_agent_served *s = &d->served;
	json_t *j = json_object();

	if (!d->unchanged)
		json_object_set_new(j, "inside", json_boolean(s->inside));
	json_object_set_new(j, "public", json_boolean(s->health.healthy));
	bindu_json_set_int(j, "status", s->health.status);
	if (!s->health.healthy)
		bindu_json_set_str(j, "cause",
		    s->health.cause[0] != '\0' ? s->health.cause : s->st.cause);
	if (s->health.uptime > 0)
		json_object_set_new(j, "uptime_seconds",
		    json_real(s->health.uptime));
	if (s->st.pid != 0)
		bindu_json_set_int(j, "pid", s->st.pid);
	if (s->st.port != 0)
		bindu_json_set_int(j, "port", s->st.port);
	if (s->st.release[0] != '\0')
		bindu_json_set_str(j, "release", s->st.release);
	if (s->st.gap_ms > 0)
		bindu_json_set_int(j, "gap_ms", s->st.gap_ms);
	return j;
}

json_t *
bindu_deployed_json(const struct bindu_deployed *d, const struct bindu_plan *p)
{
	json_t *j = json_object();

	bindu_json_set_str(j, "name", p->agent.name);
	bindu_json_set_str(j, "box", d->name);
	bindu_json_set_str(j, "vm_id", d->vm_id);
	bindu_json_set_str(j, "url", d->url);
	bindu_json_set_str(j, "local_url", d->local_url);
	if (d->release[0] != '\0')
		bindu_json_set_str(j, "release", d->release);
	json_object_set_new(j, "created", json_boolean(d->created));
	json_object_set_new(j, "unchanged", json_boolean(d->unchanged));
	if (d->rolled_back)
		json_object_set_new(j, "rolled_back", json_true());
	json_object_set_new(j, "health", health_json(d));
	return j;
}
