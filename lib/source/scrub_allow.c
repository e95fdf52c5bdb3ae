/* scrub_allow.c - .binduscrub, comments and baselines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "scrub_allow.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

enum { FILE_MAX_BYTES = 4 << 20, BASELINE_MAX = 256 << 20 };
enum kind { ALLOW_SECRET, ALLOW_FILE, ALLOW_PATH };

struct entry {
	enum kind kind;
	char *name; /* rule id, path, or glob */
	char *rule; /* of ALLOW_PATH */
	uint8_t sha256[BINDU_SHA256];
	char *from; /* ".binduscrub:12", "baseline" */
	bool expired, used, quiet; /* quiet: unused is no news */
};

struct scrub_allow {
	struct entry *e;
	size_t n, cap;
};

static struct entry *
add(struct scrub_allow *a)
{
	bindu_grow(&a->e, &a->cap, a->n + 1, sizeof *a->e);
	a->e[a->n] = (struct entry){ 0 };
	return &a->e[a->n++];
}

/* "sha256:HEX"; -1 when it is not. */
static int
parse_digest(const char *s, uint8_t out[BINDU_SHA256])
{
	if (!s || strncmp(s, "sha256:", 7) || strlen(s) != 7 + 64)
		return -1;
	return bindu_str_unhex(s + 7, out, BINDU_SHA256);
}

/* until=YYYY-MM-DD: past it?  -1 when it is no date. */
static int
is_past(const char *date)
{
	struct tm tm = { 0 };
	const char *end = strptime(date, "%Y-%m-%d", &tm);

	if (!end || *end)
		return -1;
	return timegm(&tm) + 86400 <= bindu_clock_wall();
}

/* "secret RULE sha256:.. [until=DATE] # reason" and its kin; the reason is
 * wanted.  -1 with *why. */
static int
parse_line(struct scrub_allow *a, char *line, const char **why)
{
	char *reason = strchr(line, '#'), *save = NULL, *word[5] = { NULL };
	struct entry *e;
	int n = 0, past;

	*why = "a reason is missing: end the line with # and why";
	if (!reason || !reason[1 + strspn(reason + 1, " \t")])
		return -1;
	*reason = '\0';
	for (char *w = strtok_r(line, " \t", &save); w && n < 5;
	     w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	*why = "it is not secret RULE sha256:..., file PATH sha256:... or "
	       "path GLOB RULE";
	if (n < 3)
		return -1;
	e = add(a);
	e->name = xstrdup(word[1]);
	if (n == 4) {
		past = strncmp(word[3], "until=", 6) ? -1 :
						       is_past(word[3] + 6);
		*why = "the fourth word is not until=YYYY-MM-DD";
		if (past < 0)
			return -1;
		e->expired = past;
	}
	if (!strcmp(word[0], "path")) {
		e->kind = ALLOW_PATH;
		e->rule = xstrdup(word[2]);
		return n == 5 ? -1 : 0;
	}
	e->kind = strcmp(word[0], "file") ? ALLOW_SECRET : ALLOW_FILE;
	if (strcmp(word[0], "file") && strcmp(word[0], "secret"))
		return -1;
	return n == 5 ? -1 : parse_digest(word[2], e->sha256);
}

static int
parse_file(struct scrub_allow *a, char *text, const char *name,
    struct bindu_err *err)
{
	unsigned number = 0;
	const char *why;

	for (char *line = text, *next; line; line = next) {
		size_t before = a->n;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		line += strspn(line, " \t\r");
		line[strcspn(line, "\r")] = '\0';
		if (!*line || *line == '#')
			continue;
		if (parse_line(a, line, &why) == -1)
			return bindu_err_set(err, BINDU_E_CONFIG,
			    "%s line %u: %s", name, number, why);
		a->e[before].from = xasprintf("%s:%u", name, number);
	}
	return 0;
}

/* Every finding of an older report carries the line that allows it. */
static int
load_baseline(struct scrub_allow *a, const char *name, struct bindu_err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_JSON json_t *report = NULL;
	json_t *list, *f;
	size_t len, i;

	if (bindu_fd_read_named(name, BASELINE_MAX, &text, &len, err) == -1)
		return bindu_err_wrap(err, "baseline");
	report = bindu_json_parse(text, len, BASELINE_MAX, name, err);
	if (!report)
		return -1;
	list = json_object_get(report, "findings");
	if (!json_is_array(list))
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "baseline %s is not "
		    "a report of bindu-scrub --json",
		    name);
	json_array_foreach(list, i, f)
	{
		const char *line = bindu_json_str(f, "allow");
		char rule[80], hex[80];
		struct entry *e;
		uint8_t sum[BINDU_SHA256];

		if (!line || sscanf(line, "secret %79s %79s", rule, hex) != 2 ||
		    parse_digest(hex, sum) == -1)
			continue;
		e = add(a);
		e->kind = ALLOW_SECRET;
		e->name = xstrdup(rule);
		memcpy(e->sha256, sum, sizeof sum);
		e->from = xstrdup("baseline");
		e->quiet = true;
	}
	return 0;
}

static int
load(struct scrub_allow *a, int dirfd, const char *file, const char *baseline,
    struct bindu_err *err)
{
	const char *name = file ? file : ".binduscrub";
	AUTO_FREE char *text = NULL;
	struct bindu_err mine = { 0 };
	size_t len;
	/* What the user names may be a link or a pipe, the tree's own not. */
	int bad = file ?
	    bindu_fd_read_named(file, FILE_MAX_BYTES, &text, &len, &mine) :
	    bindu_fd_read_file(dirfd, name, FILE_MAX_BYTES, &text, &len, &mine);

	if (bad) {
		if (file || mine.code != BINDU_E_NOINPUT) {
			if (err)
				*err = mine;
			return -1;
		}
	} else if (parse_file(a, text, name, err) == -1) {
		return -1;
	}
	return baseline ? load_baseline(a, baseline, err) : 0;
}

struct scrub_allow *
scrub_allow_load(int dirfd, const char *file, const char *baseline,
    struct bindu_err *err)
{
	struct scrub_allow *a = xcalloc(1, sizeof *a);

	if (load(a, dirfd, file, baseline, err) == 0)
		return a;
	scrub_allow_free(a);
	return NULL;
}

void
scrub_allow_free(struct scrub_allow *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++) {
		free(a->e[i].name);
		free(a->e[i].rule);
		free(a->e[i].from);
	}
	free(a->e);
	free(a);
}

/* "RULE reason" of a comment: the rule, or * for any, and a reason. */
static bool
pragma_allows(const char *pragma, const char *rule)
{
	size_t len = strlen(rule);
	const char *why;

	if (!strncmp(pragma, rule, len) && pragma[len] == ' ')
		why = pragma + len;
	else if (!strncmp(pragma, "* ", 2))
		why = pragma + 1;
	else
		return false;
	while (*why && !isalnum((unsigned char)*why))
		why++;
	return *why != '\0';
}

char *
scrub_allow_secret(struct scrub_allow *a, const char *path, const char *rule,
    const uint8_t sha256[BINDU_SHA256], const char *pragma)
{
	if (pragma && pragma_allows(pragma, rule))
		return xstrdup("comment");
	for (size_t i = 0; i < a->n; i++) {
		struct entry *e = &a->e[i];

		if (e->expired)
			continue;
		if (e->kind == ALLOW_SECRET ?
			strcmp(e->name, rule) ||
			    memcmp(e->sha256, sha256, BINDU_SHA256) :
			e->kind != ALLOW_PATH || fnmatch(e->name, path, 0) ||
			    fnmatch(e->rule, rule, 0))
			continue;
		e->used = true;
		return xstrdup(e->from);
	}
	return NULL;
}

char *
scrub_allow_unread(struct scrub_allow *a, const char *path)
{
	for (size_t i = 0; i < a->n; i++) {
		struct entry *e = &a->e[i];

		if (e->expired || e->kind != ALLOW_PATH ||
		    strcmp(e->rule, "unread") || fnmatch(e->name, path, 0))
			continue;
		e->used = true;
		return xstrdup(e->from);
	}
	return NULL;
}

bool
scrub_allow_wants_digest(const struct scrub_allow *a, const char *path)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->e[i].kind == ALLOW_FILE && !strcmp(a->e[i].name, path))
			return true;
	return false;
}

char *
scrub_allow_file(struct scrub_allow *a, const char *path,
    const uint8_t sha256[BINDU_SHA256])
{
	for (size_t i = 0; i < a->n; i++) {
		struct entry *e = &a->e[i];

		if (e->kind != ALLOW_FILE || e->expired ||
		    strcmp(e->name, path) ||
		    memcmp(e->sha256, sha256, BINDU_SHA256))
			continue;
		e->used = true;
		return xstrdup(e->from);
	}
	return NULL;
}

void
scrub_allow_stale(const struct scrub_allow *a, struct bindu_strv *out)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct entry *e = &a->e[i];

		if (e->expired)
			bindu_strv_addf(out, "%s is past its date", e->from);
		else if (!e->used && !e->quiet)
			bindu_strv_addf(out, "%s allows nothing that is here",
			    e->from);
	}
}

char *
scrub_allow_line(const char *rule, const uint8_t sha256[BINDU_SHA256])
{
	char hex[2 * BINDU_SHA256 + 1];

	return xasprintf("secret %s sha256:%s # why it may ship", rule,
	    bindu_str_hex(sha256, BINDU_SHA256, hex));
}
