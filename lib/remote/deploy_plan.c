/* deploy_plan.c - the half of a deploy that stays on this machine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "deploy.h"
#include "deploy_local.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/source/manifest.h"
#include "lib/source/pack.h"
#include "transfer.h"

static int
bad_option(const char *name, const char *why, struct bindu_err *err)
{
	return bindu_err_set(err, BINDU_E_USAGE, "option --%s: %s", name, why);
}

/* A version goes into pip's command: nothing but a version. */
static bool
is_version(const char *s)
{
	return *s != '\0' && strlen(s) <= 64 &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.!+") == strlen(s);
}

int
bindu_deploy_check(const struct bindu_deploy_opts *o, struct bindu_err *err)
{
	if (o->name != NULL && *o->name == '\0')
		return bad_option("name", "is empty", err);
	if (o->image != NULL && *o->image == '\0')
		return bad_option("image", "is empty", err);
	if (o->keep == 0 || o->keep > BINDU_KEEP_MAX)
		return bad_option("keep", "must be 1 to 100", err);
	if (o->bindu_version != NULL && !is_version(o->bindu_version))
		return bad_option("bindu-version", "is no version", err);
	if (o->health_timeout_ms == 0)
		return bad_option("health-timeout", "must be more than 0", err);
	return 0;
}

static int
find_agent(const struct bindu_deploy_opts *o, struct bindu_plan *p,
    const struct bindu_report *report, struct bindu_err *err)
{
	struct bindu_discover_opts d = {
		.script = o->script,
		.name = o->name,
		.run = o->run_discover,
		.run_timeout_ms = 30000,
	};
	int64_t began = bindu_clock_ms();

	if (bindu_discover(o->dir, &d, report, &p->agent, err) == -1)
		return -1;
	p->label = bindu_name_to_label(p->agent.name);
	if (p->label == NULL)
		return bindu_err_set(err, BINDU_E_DATA,
		    "the name \"%.60s\" has no letter or digit: use --name",
		    p->agent.name);
	p->port = o->port != 0 ? o->port : p->agent.port;
	if (p->port == 0)
		p->port = BINDU_AGENT_PORT;
	bindu_phase(report, "discover", bindu_clock_ms() - began, "%s %s",
	    p->agent.name, p->agent.script);
	return 0;
}

/* Every drop and every finding is named, the drops here unless a plan lists
 * them; a finding that blocks ends it. */
static int
judge(struct bindu_plan *p, bool name_drops, const struct bindu_report *report,
    struct bindu_err *err)
{
	const struct bindu_scrub_report *r = &p->scrub;

	for (size_t i = 0; name_drops && i < r->ndrop; i++)
		bindu_note(report, BINDU_WARN, "%s is left out by %s",
		    r->drop[i].path, r->drop[i].rule);
	for (size_t i = 0; i < r->n; i++)
		bindu_scrub_say(&r->finding[i], report);
	for (size_t i = 0; i < r->nunread; i++)
		bindu_note(report, BINDU_ERROR, "%s could not be checked: %s",
		    r->unread[i].path, r->unread[i].rule);
	for (size_t i = 0; i < r->stale.n; i++)
		bindu_note(report, BINDU_WARN, "%s", r->stale.v[i]);
	if (r->block != 0)
		return bindu_err_set(err, BINDU_E_NO,
		    "%u secret%s in what would ship; nothing was sent: take "
		    "out what must not ship, or name its file in .binduignore",
		    r->block, bindu_str_s(r->block));
	if (r->nunread != 0)
		return bindu_err_set(err, BINDU_E_IO,
		    "%zu file%s could not be checked for secrets; "
		    "nothing was sent",
		    r->nunread, bindu_str_s(r->nunread));
	return 0;
}

static int
scrub(const struct bindu_deploy_opts *o, struct bindu_plan *p,
    const struct bindu_report *report, struct bindu_err *err)
{
	struct bindu_scrub_opts so = { 0 };
	int64_t began = bindu_clock_ms();

	if (bindu_scrub_tree(p->tree, &so, report, &p->scrub, err) == -1)
		return -1;
	bindu_tree_sort_drops(p->tree);
	if (judge(p, !o->plan_only, report, err) == -1)
		return -1;
	bindu_phase(report, "scrub", bindu_clock_ms() - began,
	    p->scrub.ndrop != 0 ? "%zu file%s left out" : "clean",
	    p->scrub.ndrop, bindu_str_s(p->scrub.ndrop));
	return 0;
}

/* Compressed, it is smaller than the sum of its files plus their headers;
 * only when that is too much must it be tried. */
static int
measure(const struct bindu_deploy_opts *o, struct bindu_plan *p,
    const struct bindu_report *report, struct bindu_err *err)
{
	struct bindu_pack_opts po = {
		.compress = BINDU_GZIP,
		.max_size = o->max_size,
	};
	struct bindu_pack_stats st = { 0 };
	AUTO_CLOSE int fd = -1;

	if (!o->plan_only &&
	    (o->max_size == 0 ||
		p->tree->bytes + p->tree->n * 1536 < o->max_size))
		return 0;
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return bindu_err_sys(err, "cannot open /dev/null");
	if (bindu_pack_write(p->tree, fd, &po, &st, report, err) == -1)
		return bindu_err_wrap(err, "the source");
	p->packed_bytes = st.out_bytes;
	return 0;
}

static int
check_names(const struct bindu_tree *t, struct bindu_err *err)
{
	for (size_t i = 0; i < t->n; i++)
		if (strchr(t->entry[i].path, '\n') != NULL)
			return bindu_err_set(err, BINDU_E_DATA,
			    "%s: " BINDU_NO_NEWLINE, t->entry[i].path);
	return 0;
}

static int
load(const struct bindu_deploy_opts *o, struct bindu_plan *p,
    const struct bindu_report *report, struct bindu_err *err)
{
	struct bindu_walk_opts walk = { 0 };
	int64_t began = bindu_clock_ms();
	char size[32];

	if (bindu_tree_load(p->agent.root, &walk, report, &p->tree, err) ==
		-1 ||
	    check_names(p->tree, err) == -1 || scrub(o, p, report, err) == -1)
		return -1;
	if (bindu_tree_find(p->tree, p->agent.script) == -1)
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s would not ship: an ignore rule leaves it out; "
		    "see bindu-pack --explain %s",
		    p->agent.script, p->agent.script);
	if (bindu_manifest_hash(p->tree, false, 0, report, err) == -1 ||
	    measure(o, p, report, err) == -1)
		return -1;
	bindu_phase(report, "pack", bindu_clock_ms() - began, "%zu file%s %s",
	    p->tree->n, bindu_str_s(p->tree->n),
	    bindu_str_human(p->tree->bytes, size, sizeof size));
	return 0;
}

int
bindu_deploy_plan(const struct bindu_deploy_opts *o,
    const struct bindu_report *report, struct bindu_plan *p,
    struct bindu_err *err)
{
	memset(p, 0, sizeof *p);
	if (find_agent(o, p, report, err) == -1)
		return -1;
	if (o->image != NULL && o->bindu_version != NULL)
		bindu_note(report, BINDU_WARN,
		    "--bindu-version changes nothing: with --image nothing is "
		    "installed");
	if (o->image != NULL)
		return 0;
	if (o->bindu_version != NULL &&
	    strcmp(o->bindu_version, "local") == 0 &&
	    bindu_deploy_local(&p->bindu, report, err) == -1)
		return -1;
	return load(o, p, report, err);
}

void
bindu_plan_fini(struct bindu_plan *p)
{
	bindu_agent_info_fini(&p->agent);
	bindu_scrub_report_fini(&p->scrub);
	bindu_tree_free(p->tree);
	bindu_tree_free(p->bindu);
	free(p->label);
	memset(p, 0, sizeof *p);
}
