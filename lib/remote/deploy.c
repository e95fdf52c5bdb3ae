/* deploy.c - the half of a deploy that happens in the box.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "deploy_local.h"
#include "deploy_run.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"

enum {
	READY_MS = 60000,
	CREATE_MS = 600000, /* a first image is built */
};

void
bindu_run_phase(struct bindu_run *r, const char *phase, int64_t began,
    const char *detail, ...)
{
	int64_t ms = bindu_clock_ms() - began;
	AUTO_FREE char *text = NULL;
	size_t n = strlen(r->times);
	va_list ap;

	va_start(ap, detail);
	text = xvasprintf(detail, ap);
	va_end(ap);
	bindu_phase(r->report, phase, ms, "%s", text);
	snprintf(r->times + n, sizeof r->times - n, "%s_ms=%lld\n", phase,
	    (long long)ms);
}

static void
take_box(struct bindu_run *r)
{
	struct bindu_deployed *d = r->d;

	d->name = xstrdup(r->box.name);
	d->vm_id = xstrdup(r->box.vm_id);
	d->url = r->box.url != NULL ? xstrdup(r->box.url) : NULL;
	d->local_url = r->box.local_url != NULL ? xstrdup(r->box.local_url) :
						  NULL;
}

static int
create_box(struct bindu_run *r, struct bindu_err *err)
{
	const struct bindu_deploy_opts *o = r->o;
	struct bindu_box_config c = {
		.name = r->plan->label,
		.image = o->image,
		.vcpu = o->vcpu,
		.memory_bytes = o->memory_bytes,
		.disk_bytes = o->disk_bytes,
		.has_auto_suspend = true,
		.auto_suspend_secs = o->auto_suspend_secs,
		.proxy_port = r->plan->port,
		.env = o->image != NULL ? o->env : NULL,
	};

	r->may_exist = true;
	if (bindu_box_create(r->remote, &c, &r->box, err) == -1)
		return -1;
	r->d->created = true;
	take_box(r);
	return bindu_box_wait(r->remote, r->box.name, true, CREATE_MS, err);
}

/* Its size stays as it is: say so when another was asked for. */
static void
compare_sizes(struct bindu_run *r)
{
	const struct bindu_deploy_opts *o = r->o;

	if ((o->vcpu != 0 && o->vcpu != r->box.vcpu) ||
	    (o->memory_bytes != 0 && o->memory_bytes != r->box.memory_bytes) ||
	    (o->disk_bytes != 0 && r->box.disk_bytes != 0 &&
		o->disk_bytes != r->box.disk_bytes))
		bindu_note(r->report, BINDU_WARN,
		    "box %s exists and keeps its size; for another one destroy "
		    "it first: bindu-box destroy %s",
		    r->box.name, r->box.name);
}

static int
reuse_box(struct bindu_run *r, struct bindu_err *err)
{
	take_box(r);
	compare_sizes(r);
	if (strcmp(r->box.status, "running") != 0 &&
	    bindu_box_wait(r->remote, r->box.name, true, READY_MS, err) == -1)
		return -1;
	if (r->o->has_auto_suspend &&
	    r->o->auto_suspend_secs != r->box.auto_suspend_timeout_secs &&
	    bindu_box_set_auto_suspend(r->remote, r->box.name,
		r->o->auto_suspend_secs, err) == -1)
		return -1;
	/* An agent of ours is led to when it answers. */
	return r->plan->tree != NULL ?
	    0 :
	    bindu_box_set_port(r->remote, r->box.name, r->plan->port, err);
}

static int
note_box(struct bindu_run *r, int64_t began)
{
	bindu_run_phase(r, "box", began, "%s %s", r->d->name,
	    r->d->created ? "created" : "reused");
	return 0;
}

static int
open_box(struct bindu_run *r, struct bindu_err *err)
{
	int64_t began = bindu_clock_ms();
	struct bindu_err why = { 0 };
	int bad;

	bad = bindu_box_get(r->remote, r->plan->label, &r->box, &why);
	if (bad && why.code == BINDU_E_NOINPUT) {
		if (create_box(r, &why) == 0)
			return note_box(r, began);
		/* Another deploy was faster; which one goes first is for
		 * the lock of the release to say. */
		r->may_exist &= why.code != BINDU_E_EXISTS;
		if (why.code == BINDU_E_EXISTS)
			bad = bindu_box_get(r->remote, r->plan->label, &r->box,
			    &why);
	}
	if (!bad)
		bad = reuse_box(r, &why);
	if (!bad)
		return note_box(r, began);
	if (err != NULL)
		*err = why;
	return -1;
}

/* The box is at work on our files: time to begin what comes next. */
static void
open_up(void *arg)
{
	bindu_run_up(arg, NULL);
}

static int
upload(struct bindu_run *r, bool *unchanged, struct bindu_err *err)
{
	int64_t began = bindu_clock_ms();
	struct bindu_transfer_stats st;
	char size[32];

	r->session = bindu_session_open(r->remote, r->box.name, BINDU_APP_DIR,
	    r->o->keep, r->report, err);
	if (r->session == NULL)
		return -1;
	bindu_session_on_change(r->session, open_up, r);
	snprintf(r->before, sizeof r->before, "%s",
	    bindu_session_current(r->session));
	if (bindu_session_put(r->session, r->plan->tree, r->d->release, &st,
		err) == -1)
		return -1;
	*unchanged = st.unchanged;
	if (st.unchanged)
		bindu_run_phase(r, "upload", began, "unchanged");
	else
		bindu_run_phase(r, "upload", began, "%llu file%s %s",
		    (unsigned long long)st.files_sent,
		    bindu_str_s(st.files_sent),
		    bindu_str_human(st.sent_bytes, size, sizeof size));
	return 0;
}

/* Does the agent that runs answer to exactly what is asked for now? */
static bool
serves_already(struct bindu_run *r)
{
	struct bindu_agent_status *st = &r->served.st;
	struct bindu_agent_start want = {
		.script = r->plan->agent.script,
		.port = r->plan->port,
		.env = r->o->env,
	};

	return bindu_agent_status(r->remote, r->box.name, 0, st, NULL) == 0 &&
	    st->running && st->healthy &&
	    strcmp(st->release, r->d->release) == 0 &&
	    bindu_agent_is_asked(st, r->box.name, &want, r->o->bindu_version);
}

/* A deploy that was killed may have left the route anywhere, and a run that
 * nobody wants. */
static int
check(struct bindu_run *r, struct bindu_err *err)
{
	const struct bindu_agent_status *st = &r->served.st;

	r->d->unchanged = true;
	if (bindu_box_set_port(r->remote, r->box.name, st->port, err) == -1 ||
	    (st->others &&
		bindu_agent_live(r->remote, r->box.name, st->run,
		    BINDU_AGENT_GRACE_S, err) == -1))
		return -1;
	return bindu_run_health(r, r->o->health_timeout_ms, err);
}

static int
deps(struct bindu_run *r, struct bindu_err *err)
{
	int64_t began = bindu_clock_ms();
	struct bindu_agent_env got;

	if (bindu_run_up(r, err) == -1 ||
	    bindu_agent_up_deps(r->up, &got, err) == -1)
		return -1;
	bindu_run_phase(r, "deps", began, "%s",
	    strcmp(got.tool, "none") == 0 ? "none" :
		got.skipped		  ? "cached" :
					    got.tool);
	return 0;
}

/* Who, when and how long: read back by a list of releases. */
static void
note_release(struct bindu_run *r)
{
	AUTO_FREE char *commit = bindu_commit_end(&r->commit);
	AUTO_FREE char *text = xasprintf("name=%s\ntime=%lld\nscript=%s\n%s%s",
	    r->plan->agent.name, (long long)bindu_clock_wall(),
	    r->plan->agent.script, commit, r->times);

	bindu_session_note(r->session, text, NULL);
}

static int
upload_bindu(struct bindu_run *r, struct bindu_err *err)
{
	int64_t began = bindu_clock_ms();
	struct bindu_transfer_opts to = { .dir = BINDU_LOCAL_DIR };
	struct bindu_transfer_stats st;
	char id[65];

	if (bindu_transfer_tree(r->remote, r->box.name, &to, r->plan->bindu, id,
		&st, r->report, err) == -1)
		return bindu_err_wrap(err, "bindu");
	bindu_run_phase(r, "bindu", began,
	    st.unchanged ? "unchanged" : "%llu file%s",
	    (unsigned long long)st.files_sent, bindu_str_s(st.files_sent));
	return 0;
}

static int
ship(struct bindu_run *r, struct bindu_err *err)
{
	bool unchanged;

	if (upload(r, &unchanged, err) == -1)
		return -1;
	if (r->plan->bindu != NULL && upload_bindu(r, err) == -1)
		return -1;
	if (unchanged && r->plan->bindu == NULL && serves_already(r))
		return check(r, err);
	bindu_commit_begin(&r->commit, r->plan->agent.root);
	if (bindu_tool_signalled(err) == -1 || deps(r, err) == -1 ||
	    bindu_tool_signalled(err) == -1 ||
	    bindu_run_serve(r, r->o->health_timeout_ms, err) == -1)
		return -1;
	note_release(r);
	return 0;
}

int
bindu_deploy(const struct bindu_deploy_opts *o, struct bindu_plan *plan,
    const struct bindu_report *report, struct bindu_deployed *d,
    struct bindu_err *err)
{
	struct bindu_remote_opts where = { .runtime = o->runtime };
	struct bindu_run r = { .o = o,
		.plan = plan,
		.report = report,
		.d = d,
		.commit.fd = -1 };
	struct bindu_err why = { 0 };
	int bad;

	memset(d, 0, sizeof *d);
	bad = bindu_remote_open(&where, report, &d->remote, &why);
	r.remote = d->remote;
	if (!bad)
		bad = open_box(&r, &why);
	if (!bad)
		bad = plan->tree != NULL ?
		    ship(&r, &why) :
		    bindu_run_health(&r, o->health_timeout_ms, &why);
	if (bad && d->remote != NULL)
		bindu_run_undo(&r, &why);
	bindu_agent_up_free(r.up);
	free(bindu_commit_end(&r.commit));
	d->served = r.served;
	bindu_session_close(r.session);
	bindu_box_info_fini(&r.box);
	if (bad && err != NULL)
		*err = why;
	return bad;
}

int
bindu_deploy_attach(const struct bindu_deployed *d, int fd,
    struct bindu_err *err)
{
	struct bindu_err why = { 0 };
	int bad = bindu_agent_logs(d->remote, d->vm_id, true, 50, fd, &why);

	if (bindu_tool_signalled(err) == -1)
		return -1;
	if (bad && err != NULL)
		*err = why;
	return bad;
}

void
bindu_deployed_fini(struct bindu_deployed *d)
{
	bindu_remote_close(d->remote);
	free(d->name);
	free(d->vm_id);
	free(d->url);
	free(d->local_url);
	memset(d, 0, sizeof *d);
}
