/* store.c - one directory a box, STATE/boxes/ID/box.json by rename.
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "boxd.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define RECORD_MAX (1 << 20)

static json_t *
strings(const struct bindu_strv *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(a, json_string(v->v[i]));
	return a;
}

static void
strings_read(const json_t *a, struct bindu_strv *v)
{
	size_t i;
	json_t *s;

	json_array_foreach(a, i, s) if (json_is_string(s))
	    bindu_strv_add(v, json_string_value(s));
}

static json_t *
record(const struct box *b)
{
	json_t *o = json_object(), *routes = json_object();

	bindu_json_set_str(o, "id", b->id);
	bindu_json_set_str(o, "name", b->name);
	bindu_json_set_str(o, "image", b->image);
	bindu_json_set_str(o, "restart_policy", b->restart_policy);
	bindu_json_set_str(o, "ip", b->ip);
	bindu_json_set_str(o, "reason", b->reason);
	bindu_json_set_str(o, "state", box_state_name(b->state));
	bindu_json_set_str(o, "want", box_want_name(b->want));
	bindu_json_set_int(o, "vcpu", b->vcpu);
	bindu_json_set_int(o, "memory_bytes", (int64_t)b->memory_bytes);
	bindu_json_set_int(o, "disk_bytes", (int64_t)b->disk_bytes);
	bindu_json_set_int(o, "auto_suspend_secs", b->auto_suspend_secs);
	bindu_json_set_int(o, "created_at", b->created_at);
	bindu_json_set_int(o, "boot_ms", b->boot_ms);
	bindu_json_set_int(o, "local_port", b->local_port);
	json_object_set_new(o, "announced", json_boolean(b->announced));
	json_object_set_new(o, "no_room", json_boolean(b->no_room));
	json_object_set_new(o, "env", strings(&b->env));
	json_object_set_new(o, "cmd", strings(&b->cmd));
	json_object_set(o, "labels", b->labels);
	for (size_t i = 0; i < b->nroutes; i++)
		bindu_json_set_int(routes, b->routes[i].name,
		    b->routes[i].port);
	json_object_set_new(o, "routes", routes);
	return o;
}

int
store_save(const struct box *b, struct bindu_err *err)
{
	AUTO_JSON json_t *o = record(b);
	AUTO_FREE char *text = bindu_json_text(o);
	AUTO_CLOSE int dir = -1;

	if (mkdirat(b->d->boxes_fd, b->id, 0700) == -1 && errno != EEXIST)
		return bindu_err_sys(err, "cannot make boxes/%s", b->id);
	dir = openat(b->d->boxes_fd, b->id,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir == -1)
		return bindu_err_sys(err, "cannot open boxes/%s", b->id);
	if (bindu_fd_replace(dir, "box.json", 0600, text, strlen(text), err) ==
	    -1)
		return bindu_err_wrap(err, "%s/boxes/%s", b->d->state, b->id);
	return 0;
}

int
store_remove(const struct box *b, struct bindu_err *err)
{
	return bindu_fd_rmtree(b->d->boxes_fd, b->id, err);
}

static char *
copy(const json_t *o, const char *key)
{
	const char *s = bindu_json_str(o, key);

	return s ? xstrdup(s) : NULL;
}

static void
routes_read(const json_t *routes, struct box *b)
{
	const char *name;
	json_t *port;

	json_object_foreach((json_t *)routes, name, port)
	    box_set_route(b, name, (uint16_t)json_integer_value(port), NULL);
}

/* NULL when a field every record has is missing. */
static struct box *
from_record(struct boxd *d, const json_t *o)
{
	struct box *b = xcalloc(1, sizeof *b);
	int state = box_state_parse(bindu_json_str(o, "state"));
	int want = box_want_parse(bindu_json_str(o, "want"));

	b->d = d;
	b->id = copy(o, "id");
	b->name = copy(o, "name");
	b->image = copy(o, "image");
	b->restart_policy = copy(o, "restart_policy");
	b->ip = copy(o, "ip");
	b->reason = copy(o, "reason");
	b->vcpu = (uint32_t)bindu_json_int(o, "vcpu", 0);
	b->memory_bytes = (uint64_t)bindu_json_int(o, "memory_bytes", 0);
	b->disk_bytes = (uint64_t)bindu_json_int(o, "disk_bytes", 0);
	b->auto_suspend_secs =
	    (uint32_t)bindu_json_int(o, "auto_suspend_secs", 0);
	b->created_at = bindu_json_int(o, "created_at", 0);
	b->boot_ms = (uint32_t)bindu_json_int(o, "boot_ms", 0);
	b->local_port = (uint16_t)bindu_json_int(o, "local_port", 0);
	b->announced = bindu_json_bool(o, "announced", 1);
	b->no_room = bindu_json_bool(o, "no_room", 0);
	strings_read(json_object_get(o, "env"), &b->env);
	strings_read(json_object_get(o, "cmd"), &b->cmd);
	b->labels = json_object_get(o, "labels");
	b->labels = json_is_object(b->labels) ? json_incref(b->labels) :
						json_object();
	b->routes[0].port = BOX_PORT_DEFAULT;
	b->nroutes = 1;
	routes_read(json_object_get(o, "routes"), b);
	if (!b->id || !b->name || !b->image || !b->restart_policy || !b->ip ||
	    state < 0 || want < 0) {
		box_free(b);
		return NULL;
	}
	b->state = (enum box_state)state;
	b->want = (enum box_want)want;
	return b;
}

/* A directory without a record is what a killed create or destroy left:
 * nobody was told of it.  A record that cannot be read is left alone. */
static void
load_one(struct boxd *d, const char *id)
{
	AUTO_CLOSE int dir = openat(d->boxes_fd, id,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	AUTO_FREE char *text = NULL;
	AUTO_JSON json_t *o = NULL;
	struct bindu_err err = { 0 };
	struct box *b = NULL;
	size_t n;

	if (dir == -1)
		return;
	if (bindu_fd_read_file(dir, "box.json", RECORD_MAX, &text, &n, &err) ==
		0 &&
	    (o = bindu_json_parse(text, n, RECORD_MAX, id, &err)))
		b = from_record(d, o);
	if (b && !strcmp(b->id, id)) {
		box_link(b);
		return;
	}
	box_free(b);
	if (err.code == BINDU_E_NOINPUT) {
		b = box_new(d);
		free(b->id);
		b->id = xstrdup(id);
		b->name = xstrdup(id);
		b->image = xstrdup("host");
		b->restart_policy = xstrdup("never");
		b->want = WANT_GONE;
		b->state = BOX_FAILED;
		box_link(b);
		return;
	}
	bindu_log(BINDU_WARN, "cannot read boxes/%s/box.json: %s", id,
	    err.code ? err.msg : "a field is missing");
}

int
store_load_all(struct boxd *d, struct bindu_err *err)
{
	int fd = openat(d->boxes_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		if (fd != -1)
			close(fd);
		return bindu_err_sys(err, "cannot read %s/boxes", d->state);
	}
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			load_one(d, e->d_name);
	closedir(dir);
	return 0;
}
