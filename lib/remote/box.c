/* box.c - open a connection to a runtime; what is the same on all of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "box_build.h"
#include "box_priv.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/tool.h"
#include "local.h"
#include "stream.h"

#define UNARY_MS 30000
#define PROBE_MS 10000
#define BUILD_TRIES 2 /* looks before the log is asked why */

int
bindu_remote_open(const struct bindu_remote_opts *opts,
    const struct bindu_report *report, struct bindu_remote **out,
    struct bindu_err *err)
{
	AUTO_FREE struct bindu_remote *r = xcalloc(1, sizeof(*r));
	const char *why;

	if (bindu_config_runtime(opts->runtime, &r->runtime, &why, err) == -1)
		return -1;
	bindu_note(report, BINDU_NOTE, "runtime %s (%s)",
	    bindu_runtime_name(r->runtime), why);
	r->timeout_ms = opts->timeout_ms != 0 ? opts->timeout_ms : UNARY_MS;
	r->report = report;
	if (r->runtime == BINDU_BOXLITE)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "runtime boxlite: this version of the tools cannot use it");
	if (r->runtime == BINDU_LOCAL &&
	    bindu_local_ensure(!opts->no_start, report, err) == -1)
		return -1;
	if (bindu_boxd_client_open(r, err) == -1)
		return -1;
	if (bindu_tool_interrupted(err) == -1) {
		r->client->close(r);
		return -1;
	}
	*out = bindu_steal(&r);
	return 0;
}

void
bindu_remote_close(struct bindu_remote *r)
{
	if (r == NULL)
		return;
	r->client->close(r);
	free(r);
}

void
bindu_remote_cleanup(struct bindu_remote **r)
{
	bindu_remote_close(*r);
}

enum bindu_runtime
bindu_remote_runtime(const struct bindu_remote *r)
{
	return r->runtime;
}

void
bindu_box_info_fini(struct bindu_box_info *i)
{
	free(i->vm_id);
	free(i->name);
	free(i->status);
	free(i->image_ref);
	free(i->url);
	free(i->local_url);
	free(i->restart_policy);
	memset(i, 0, sizeof(*i));
}

json_t *
bindu_box_info_json(const struct bindu_box_info *i)
{
	json_t *o = json_object();

	bindu_json_set_str(o, "vm_id", i->vm_id);
	bindu_json_set_str(o, "name", i->name);
	bindu_json_set_str(o, "status", i->status);
	bindu_json_set_str(o, "image_ref", i->image_ref);
	bindu_json_set_str(o, "url", i->url);
	bindu_json_set_str(o, "local_url", i->local_url);
	bindu_json_set_str(o, "restart_policy", i->restart_policy);
	bindu_json_set_int(o, "vcpu", i->vcpu);
	bindu_json_set_int(o, "memory_bytes", (int64_t)i->memory_bytes);
	bindu_json_set_int(o, "disk_bytes", (int64_t)i->disk_bytes);
	bindu_json_set_int(o, "auto_suspend_timeout_secs",
	    i->auto_suspend_timeout_secs);
	bindu_json_set_int(o, "created_at", i->created_at);
	bindu_json_set_int(o, "boot_time_ms", i->boot_time_ms);
	return o;
}

int
bindu_box_check(const struct bindu_box_config *c, struct bindu_err *err)
{
	if (c->name == NULL || bindu_name_is_label(c->name))
		return 0;
	return bindu_err_set(err, BINDU_E_USAGE,
	    "\"%.80s\" is no name for a box: lower case letters, digits and - "
	    "only, at most 63",
	    c->name);
}

int
bindu_box_create(struct bindu_remote *r, const struct bindu_box_config *want,
    struct bindu_box_info *info, struct bindu_err *err)
{
	memset(info, 0, sizeof(*info));
	return r->client->create(r, want, info, err);
}

int
bindu_box_get(struct bindu_remote *r, const char *box,
    struct bindu_box_info *info, struct bindu_err *err)
{
	memset(info, 0, sizeof(*info));
	return r->client->get(r, box, info, err);
}

int
bindu_box_list(struct bindu_remote *r, struct bindu_box_info **list, size_t *n,
    struct bindu_err *err)
{
	return r->client->list(r, list, n, err);
}

int
bindu_box_set_port(struct bindu_remote *r, const char *box, uint32_t port,
    struct bindu_err *err)
{
	return r->client->set_port(r, box, port, err);
}

int
bindu_box_set_auto_suspend(struct bindu_remote *r, const char *box,
    uint32_t secs, struct bindu_err *err)
{
	return r->client->set_auto_suspend(r, box, secs, err);
}

int
bindu_box_logs(struct bindu_remote *r, const char *box, bool follow, int fd,
    struct bindu_err *err)
{
	return r->client->logs(r, box, follow, fd, err);
}

/* The state each verb leads to; NULL: the verb is an event, not a state. */
static const char *const targets[] = {
	[BINDU_BOX_START] = "running",
	[BINDU_BOX_STOP] = "stopped",
	[BINDU_BOX_REBOOT] = NULL,
	[BINDU_BOX_SUSPEND] = "suspended",
	[BINDU_BOX_RESUME] = "running",
	[BINDU_BOX_DESTROY] = NULL,
	[BINDU_BOX_HIBERNATE] = "hibernated",
	[BINDU_BOX_WAKE] = "running",
};

static bool
status_is(const struct bindu_box_info *i, const char *want)
{
	/* The newer word for suspended. */
	return strcmp(i->status, want) == 0 ||
	    (strcmp(want, "suspended") == 0 &&
		strcmp(i->status, "standby") == 0);
}

/* An attempt may have worked although its answer was lost. */
static int
destroy(struct bindu_remote *r, const char *id, struct bindu_err *err)
{
	struct bindu_err why = { 0 };
	bool tried = false;

	for (int try = 0; try < 3; try++) {
		if (try != 0 && bindu_pause(500 * try, err) == -1)
			return -1;
		why = (struct bindu_err){ 0 };
		if (r->client->act(r, id, BINDU_BOX_DESTROY, &why) == 0)
			return 0;
		if (tried && why.code == BINDU_E_NOINPUT)
			return 0;
		if (why.code != BINDU_E_AGAIN)
			break;
		tried = true;
	}
	if (err != NULL)
		*err = why;
	return -1;
}

/* Some servers said yes to a suspend and went on running. */
static int
check_reached(struct bindu_remote *r, const char *id, const char *want,
    struct bindu_err *err)
{

	for (int i = 0;; i++) {
		struct bindu_box_info info;
		bool reached;

		if (bindu_box_get(r, id, &info, err) == -1)
			return -1;
		reached = status_is(&info, want);
		if (!reached && i == 5)
			bindu_err_set(err, BINDU_E_AGAIN,
			    "box %s: the server agreed, but it is still %s",
			    info.name, info.status);
		bindu_box_info_fini(&info);
		if (reached || i == 5)
			return reached ? 0 : -1;
		if (bindu_pause(100 << i, err) == -1)
			return -1;
	}
}

int
bindu_box_act(struct bindu_remote *r, const char *box, enum bindu_box_verb verb,
    struct bindu_err *err)
{
	AUTO_FREE char *id = NULL;
	struct bindu_box_info info;
	bool reached;

	if (bindu_box_get(r, box, &info, err) == -1)
		return -1;
	reached = targets[verb] != NULL && status_is(&info, targets[verb]);
	id = bindu_steal(&info.vm_id);
	bindu_box_info_fini(&info);
	if (reached)
		return 0;
	if (verb == BINDU_BOX_DESTROY)
		return destroy(r, id, err);
	if (r->client->act(r, id, verb, err) == -1)
		return -1;
	if (verb == BINDU_BOX_SUSPEND)
		return check_reached(r, id, "suspended", err);
	return 0;
}

static int
probe(struct bindu_remote *r, const char *box, struct bindu_err *err)
{
	struct bindu_exec_opts opts = { .command = "true",
		.timeout_ms = PROBE_MS };
	AUTO_BUF struct bindu_buf out = BINDU_BUF_INIT(65536);
	AUTO_BUF struct bindu_buf errout = BINDU_BUF_INIT(65536);
	struct bindu_exec_end end = { 0 };

	if (bindu_exec_capture(r, box, &opts, NULL, 0, &out, &errout, &end,
		err) == -1)
		return -1;
	return end.code == 0 ?
	    0 :
	    bindu_err_set(err, BINDU_E_AGAIN, "box %s: a probe of it exits %d",
		box, end.code);
}

enum help { HELP_NONE, HELP_WANTED, HELP_GIVEN };

/* 1: usable; 0: not yet; -1: never without help, or an error. */
static int
look(struct bindu_remote *r, const char *box, enum help *help,
    struct bindu_err *last, struct bindu_err *err)
{
	struct bindu_box_info info;
	enum bindu_box_verb verb = BINDU_BOX_START;
	bool running, starting, failed, lost;

	if (bindu_box_get(r, box, &info, err) == -1)
		return -1;
	running = status_is(&info, "running");
	starting = status_is(&info, "starting");
	if (starting && *help == HELP_WANTED)
		*help = HELP_GIVEN;
	failed = status_is(&info, "failed") && *help != HELP_WANTED;
	lost = status_is(&info, "destroyed") ||
	    (!failed && !running && !starting && *help == HELP_NONE);
	if (status_is(&info, "suspended"))
		verb = BINDU_BOX_RESUME;
	else if (status_is(&info, "hibernated"))
		verb = BINDU_BOX_WAKE;
	if (lost)
		bindu_err_set(err, BINDU_E_UNAVAILABLE, "box %s is %s",
		    info.name, info.status);
	else if (!running)
		bindu_err_set(last, BINDU_E_AGAIN, "box %s is %s", info.name,
		    info.status);
	bindu_box_info_fini(&info);
	if (lost)
		return -1;
	if (running)
		return probe(r, box, last) == 0;
	if (failed) /* how it refuses says why */
		return probe(r, box, err) == 0 ? 1 : -1;
	if (!starting && *help == HELP_WANTED) {
		*help = HELP_GIVEN;
		if (r->client->act(r, box, verb, err) == -1)
			return -1;
	}
	return 0;
}

static int
wait_for(struct bindu_remote *r, const char *box, bool bring_up,
    int64_t timeout_ms, struct bindu_box_build *build, struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(timeout_ms);
	enum help help = bring_up ? HELP_WANTED : HELP_NONE;
	struct bindu_err last = { 0 };

	for (unsigned try = 0;; try++) {
		int rc = look(r, box, &help, &last, err);

		if (rc != 0)
			return rc == 1 ? 0 : -1;
		if (try >= BUILD_TRIES)
			bindu_box_build_tell(r, box, build);
		if (last.code == BINDU_E_SIGNAL ||
		    bindu_clock_left(deadline) == 0)
			break;
		if (bindu_pause(bindu_clock_backoff(try, 50, 500), err) == -1)
			return -1;
	}
	if (err != NULL)
		*err = last;
	return last.code == BINDU_E_SIGNAL ?
	    -1 :
	    bindu_err_wrap(err, "box %s is not ready", box);
}

int
bindu_box_wait(struct bindu_remote *r, const char *box, bool bring_up,
    int64_t timeout_ms, struct bindu_err *err)
{
	struct bindu_box_build build = { 0 };
	int rc = wait_for(r, box, bring_up, timeout_ms, &build, err);

	/* Its last words: at least why it failed. */
	if (build.began != 0 || rc == -1)
		bindu_box_build_tell(r, box, &build);
	bindu_box_build_end(r, &build, rc == 0);
	return rc;
}
