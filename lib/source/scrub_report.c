/* scrub_report.c - the report: what goes into it, and how it is told to people
 * and to machines, as JSON and SARIF 2.1.0.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "scrub_file.h"

static void
add_drop(struct bindu_drop **list, size_t *n, size_t *cap, const char *path,
    const char *rule)
{
	bindu_grow(list, cap, *n + 1, sizeof **list);
	(*list)[(*n)++] =
	    (struct bindu_drop){ xstrdup(path), xstrdup(rule), true };
}

void
scrub_report_drop(struct bindu_scrub_report *r, const char *path,
    const char *rule)
{
	add_drop(&r->drop, &r->ndrop, &r->dropcap, path, rule);
}

void
scrub_report_kept(struct bindu_scrub_report *r, const char *path,
    const char *rule)
{
	add_drop(&r->kept, &r->nkept, &r->keptcap, path, rule);
}

void
scrub_report_unread(struct scrub_job *j, const char *path, const char *why)
{
	struct bindu_scrub_report *r = j->r;
	AUTO_FREE char *by = scrub_allow_unread(j->allow, path);

	if (by)
		scrub_report_kept(r, path, why);
	else
		add_drop(&r->unread, &r->nunread, &r->unreadcap, path, why);
}

void
scrub_report_count(struct bindu_scrub_report *r, const struct bindu_finding *f)
{
	if (!f)
		return;
	if (f->level == BINDU_SCRUB_BLOCK)
		r->block++;
	else if (f->level == BINDU_SCRUB_WARN)
		r->warn++;
	else
		r->note++;
}

void
scrub_report_name(struct bindu_scrub_report *r, const char *path,
    const char *rule)
{
	struct bindu_finding *f;

	bindu_grow(&r->finding, &r->cap, r->n + 1, sizeof *r->finding);
	f = &r->finding[r->n++];
	*f = (struct bindu_finding){ .path = xstrdup(path),
		.rule = rule,
		.level = BINDU_SCRUB_WARN,
		.masked = xstrdup(""),
		.allow =
		    xasprintf("path %s %s # why it may ship", path, rule) };
	scrub_report_count(r, f);
}

struct bindu_finding *
scrub_report_found(struct scrub_job *j, const char *path, struct scrub_cand *c)
{
	struct bindu_scrub_report *r = j->r;
	struct bindu_finding f = { .path = xstrdup(path),
		.line = c->line,
		.col = c->col,
		.offset = c->start,
		.length = c->end - c->start,
		.rule = c->rule,
		.level = c->level,
		.masked = xstrdup(c->masked),
		.allow = scrub_allow_line(c->rule, c->sha256) };

	f.by = scrub_allow_secret(j->allow, path, f.rule, c->sha256, c->pragma);
	if (f.by) {
		bindu_grow(&r->allowed, &r->allowedcap, r->nallowed + 1,
		    sizeof *r->allowed);
		r->allowed[r->nallowed++] = f;
		return NULL;
	}
	bindu_grow(&r->finding, &r->cap, r->n + 1, sizeof *r->finding);
	r->finding[r->n++] = f;
	return &r->finding[r->n - 1];
}

static void
free_drops(struct bindu_drop *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(d[i].path);
		free(d[i].rule);
	}
	free(d);
}

static void
free_findings(struct bindu_finding *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(f[i].path);
		free(f[i].masked);
		free(f[i].allow);
		free(f[i].by);
	}
	free(f);
}

void
bindu_scrub_report_fini(struct bindu_scrub_report *r)
{
	free_findings(r->finding, r->n);
	free_findings(r->allowed, r->nallowed);
	free_drops(r->drop, r->ndrop);
	free_drops(r->unread, r->nunread);
	free_drops(r->kept, r->nkept);
	bindu_strv_fini(&r->stale);
	memset(r, 0, sizeof *r);
}

static const struct {
	const char *rule, *what;
} classes[] = {
	{ "private-key/encrypted", "a private key behind a passphrase" },
	{ "private-key/undecodable",
	    "a private key block that does not decode" },
	{ "private-key/seed-phrase", "a wallet's seed phrase" },
	{ "private-key/", "a private key" },
	{ "connection/", "a login inside an address or connection string" },
	{ "provider/jwt", "a signed JSON web token" },
	{ "provider/", "a credential in its provider's format" },
	{ "generic/password", "a password in a setting" },
	{ "generic/authorization", "a login in a request header" },
	{ "generic/", "a random value under a name that says secret" },
	{ "name/", "a file name that stands for secrets" },
};

const char *
bindu_scrub_what(const char *rule)
{
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (!strncmp(rule, classes[i].rule, strlen(classes[i].rule)))
			return classes[i].what;
	return "a secret";
}

const char *
bindu_scrub_level_name(enum bindu_scrub_level l)
{
	return l == BINDU_SCRUB_BLOCK ? "block" :
	    l == BINDU_SCRUB_WARN     ? "warn" :
					"note";
}

void
bindu_scrub_say(const struct bindu_finding *f,
    const struct bindu_report *report)
{
	bool block = f->level == BINDU_SCRUB_BLOCK && !f->dropped;
	enum bindu_level level = BINDU_WARN;
	char place[48] = "";

	if (block)
		level = BINDU_ERROR;
	else if (f->level == BINDU_SCRUB_NOTE)
		level = BINDU_INFO;
	if (f->line)
		snprintf(place, sizeof place, ":%u:%u", f->line, f->col);
	bindu_note(report, level, "%s%s: %s %s: %s%s%s", f->path, place,
	    bindu_scrub_level_name(f->level), f->rule,
	    bindu_scrub_what(f->rule), *f->masked ? " " : "", f->masked);
	if (block)
		bindu_note(report, BINDU_ERROR,
		    "  to ship it, add to .binduscrub: %s", f->allow);
}

static json_t *
finding_json(const struct bindu_finding *f)
{
	json_t *o = json_object();

	bindu_json_set_str(o, "path", f->path);
	bindu_json_set_int(o, "line", f->line);
	bindu_json_set_int(o, "col", f->col);
	bindu_json_set_int(o, "offset", (int64_t)f->offset);
	bindu_json_set_int(o, "length", (int64_t)f->length);
	bindu_json_set_str(o, "rule", f->rule);
	bindu_json_set_str(o, "level", bindu_scrub_level_name(f->level));
	bindu_json_set_str(o, "masked", f->masked);
	bindu_json_set_str(o, "allow", f->allow);
	if (f->dropped)
		json_object_set_new(o, "dropped", json_true());
	if (f->by)
		bindu_json_set_str(o, "allowed_by", f->by);
	return o;
}

static json_t *
findings_json(const struct bindu_finding *f, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, finding_json(&f[i]));
	return list;
}

static json_t *
drops_json(const struct bindu_drop *d, size_t n, const char *key)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		bindu_json_set_str(o, "path", d[i].path);
		bindu_json_set_str(o, key, d[i].rule);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *
bindu_scrub_json(const struct bindu_scrub_report *r, const char *root)
{
	json_t *o = json_object(), *t = json_object(), *stale = json_array();

	bindu_json_set_int(o, "schema", 1);
	bindu_json_set_str(o, "root", root);
	json_object_set_new(o, "findings", findings_json(r->finding, r->n));
	json_object_set_new(o, "dropped",
	    drops_json(r->drop, r->ndrop, "rule"));
	json_object_set_new(o, "unread",
	    drops_json(r->unread, r->nunread, "reason"));
	json_object_set_new(o, "kept", drops_json(r->kept, r->nkept, "rule"));
	json_object_set_new(o, "allowed",
	    findings_json(r->allowed, r->nallowed));
	for (size_t i = 0; i < r->stale.n; i++)
		json_array_append_new(stale, json_string(r->stale.v[i]));
	json_object_set_new(o, "stale", stale);
	bindu_json_set_int(t, "files", (int64_t)r->files);
	bindu_json_set_int(t, "bytes", (int64_t)r->bytes);
	bindu_json_set_int(t, "dropped", (int64_t)r->ndrop);
	bindu_json_set_int(t, "unread", (int64_t)r->nunread);
	bindu_json_set_int(t, "block", r->block);
	bindu_json_set_int(t, "warn", r->warn);
	bindu_json_set_int(t, "note", r->note);
	json_object_set_new(o, "totals", t);
	return o;
}

/* A path as a relative URI. */
static json_t *
uri(const char *path)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 17);

	for (const uint8_t *p = (const uint8_t *)path; *p; p++)
		if (*p < 0x80 &&
		    (scrub_class[*p] & CH_DOTTED || *p == '/' || *p == '!'))
			bindu_buf_addc(&b, (char)*p, NULL);
		else
			bindu_buf_addf(&b, NULL, "%%%02X", *p);
	return json_string(b.p ? b.p : "");
}

/* Of rule and secret's digest: the same wherever the secret stands. */
static json_t *
fingerprint(const struct bindu_finding *f)
{
	uint8_t sum[BINDU_SHA256];
	char hex[2 * BINDU_SHA256 + 1];

	bindu_digest_bytes(f->allow, strlen(f->allow), sum);
	return json_pack("{s:s}", "binduScrub/v1",
	    bindu_str_hex(sum, BINDU_SHA256, hex));
}

static json_t *
sarif_result(const struct bindu_finding *f)
{
	json_t *o = json_object(), *place, *region;

	place = json_pack("{s:{s:o}}", "artifactLocation", "uri", uri(f->path));
	if (f->line) {
		region = json_pack("{s:i, s:i}", "startLine", (int)f->line,
		    "startColumn", (int)f->col);
		json_object_set_new(place, "region", region);
	}
	bindu_json_set_str(o, "ruleId", f->rule);
	bindu_json_set_str(o, "level",
	    f->level == BINDU_SCRUB_BLOCK    ? "error" :
		f->level == BINDU_SCRUB_WARN ? "warning" :
					       "note");
	json_object_set_new(o, "message",
	    json_pack("{s:o}", "text",
		json_sprintf("%s %s", bindu_scrub_what(f->rule), f->masked)));
	json_object_set_new(o, "locations",
	    json_pack("[{s:o}]", "physicalLocation", place));
	json_object_set_new(o, "partialFingerprints", fingerprint(f));
	if (f->by)
		json_object_set_new(o, "suppressions",
		    json_pack("[{s:s, s:s}]", "kind",
			!strcmp(f->by, "comment") ? "inSource" : "external",
			"justification", f->by));
	return o;
}

static bool
has_rule(const json_t *list, const char *id)
{
	size_t i;
	json_t *o;

	json_array_foreach((json_t *)(uintptr_t)list, i,
	    o) if (!strcmp(bindu_json_str(o, "id"), id)) return true;
	return false;
}

static void
add_rule(json_t *list, const char *id)
{
	if (!has_rule(list, id))
		json_array_append_new(list,
		    json_pack("{s:s, s:{s:s}}", "id", id, "shortDescription",
			"text", bindu_scrub_what(id)));
}

/* All rules, also when nothing was found: old alerts close then. */
static json_t *
sarif_rules(const struct bindu_scrub_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < scrub_nrules; i++)
		add_rule(list, scrub_rules[i].id);
	for (size_t i = 0; i < scrub_nrun_rules; i++)
		add_rule(list, scrub_run_rules[i].id);
	for (size_t i = 0; i < r->n; i++)
		add_rule(list, r->finding[i].rule);
	for (size_t i = 0; i < r->nallowed; i++)
		add_rule(list, r->allowed[i].rule);
	return list;
}

json_t *
bindu_scrub_sarif(const struct bindu_scrub_report *r)
{
	json_t *results = json_array(), *driver, *run;

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(results, sarif_result(&r->finding[i]));
	for (size_t i = 0; i < r->nallowed; i++)
		json_array_append_new(results, sarif_result(&r->allowed[i]));
	driver = json_pack("{s:s, s:s, s:o}", "name", "bindu-scrub", "version",
	    BINDU_VERSION, "rules", sarif_rules(r));
	run = json_pack("{s:{s:o}, s:o, s:s}", "tool", "driver", driver,
	    "results", results, "columnKind", "unicodeCodePoints");
	return json_pack("{s:s, s:s, s:[o]}", "$schema",
	    "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
	    "runs", run);
}
