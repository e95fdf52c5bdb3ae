/* transfer_session.c - see transfer_session.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transfer_session.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent_script.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/source/manifest.h"
#include "transfer_cache.h"
#include "transfer_payload.h"

enum {
	HELLO_MS = 60000,
	BYE_MS = 2000, /* what it does then is no part of the deploy */
	ANSWER_MS = 300000, /* unpacking a large release on a slow disk */
	EDITED_SAID = 20, /* by name */
};

struct bindu_session {
	struct bindu_script *script;
	const struct bindu_report *report;
	char *box;
	char current[65];
	char part[65]; /* a payload that arrived in part */
	uint64_t part_size;
	uint64_t edited; /* files of it that were changed in the box */
	struct bindu_strv kept;
	char before[65]; /* the release to go back to */
	void (*on_change)(void *);
	void *arg;
	bool changed; /* it has something to do in the end */
};

static bool
is_id(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

/* Fields of a line, cut at blanks in place; missing ones are "". */
static size_t
split(char *line, char **field, size_t max)
{
	char *save = NULL, *w;
	size_t n = 0;

	for (w = strtok_r(line, " ", &save); w != NULL && n < max;
	     w = strtok_r(NULL, " ", &save))
		field[n++] = w;
	for (size_t i = n; i < max; i++)
		field[i] = line + strlen(line);
	return n;
}

/* The way back ("ID?" when it was not seen healthy), ".", what else is kept. */
static void
take_kept(struct bindu_session *s, char **field, size_t n)
{
	bool way = true, proven = false;

	for (size_t i = 0; i < n; i++) {
		char *mark = strchr(field[i], '?');

		if (mark != NULL)
			*mark = '\0';
		way = way && strcmp(field[i], ".") != 0;
		if (!is_id(field[i]))
			continue;
		bindu_strv_add(&s->kept, field[i]);
		if (!way || proven || strcmp(field[i], s->current) == 0 ||
		    (s->before[0] != '\0' && mark != NULL))
			continue;
		memcpy(s->before, field[i], 65);
		proven = mark == NULL;
	}
}

/* HELLO 2 CURRENT|- PART|- BYTES EDITED KEPT... */
static int
take_hello(struct bindu_session *s, char *line, struct bindu_err *err)
{
	char *f[BINDU_KEEP_MAX + 8];
	size_t n;

	if (strncmp(line, "BUSY ", 5) == 0)
		return bindu_err_set(err, BINDU_E_EXISTS,
		    "another deploy is at work in %s: %s; run this again when "
		    "it has ended",
		    s->box, line + 5);
	if (strncmp(line, "FAIL ", 5) == 0)
		return bindu_err_set(err, BINDU_E_IO, "%s: %s", s->box,
		    line + 5);
	n = split(line, f, BINDU_KEEP_MAX + 8);
	if (n < 6 || strcmp(f[0], "HELLO") != 0 || strcmp(f[1], "2") != 0 ||
	    bindu_str_u64(f[4], &s->part_size, NULL) == -1 ||
	    bindu_str_u64(f[5], &s->edited, NULL) == -1)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "the receiver in %s says \"%.60s\"", s->box, line);
	if (is_id(f[2]))
		memcpy(s->current, f[2], 65);
	if (is_id(f[3]))
		memcpy(s->part, f[3], 65);
	take_kept(s, f + 6, n - 6);
	return 0;
}

static char *
who_are_we(void)
{
	const char *user = bindu_config_env("USER");
	const struct passwd *pw;
	char host[65] = "";

	if (user == NULL)
		user = bindu_config_env("LOGNAME");
	if (user == NULL && (pw = getpwuid(getuid())) != NULL)
		user = pw->pw_name;
	gethostname(host, sizeof host - 1);
	return xasprintf("%s@%s", user != NULL ? user : "someone", host);
}

struct bindu_session *
bindu_session_open(struct bindu_remote *remote, const char *box,
    const char *dir, unsigned keep, const struct bindu_report *report,
    struct bindu_err *err)
{
	AUTO_FREE char *who = who_are_we();
	AUTO_FREE char *count = xasprintf("%u", keep != 0 ? keep : BINDU_KEEP);
	const char *argv[] = { "receive.sh", dir, count, who, NULL };
	struct bindu_script_opts o = { .argv = argv, .report = report };
	struct bindu_session *s = xcalloc(1, sizeof *s);
	char *line = NULL;

	s->report = report;
	s->box = xstrdup(box);
	s->script = bindu_script_open(remote, box, &o, err);
	if (s->script != NULL)
		line = bindu_script_line(s->script, HELLO_MS, err);
	if (line != NULL && take_hello(s, line, err) == 0)
		return s;
	bindu_session_close(s);
	return NULL;
}

void
bindu_session_on_change(struct bindu_session *s, void (*f)(void *), void *arg)
{
	s->on_change = f;
	s->arg = arg;
}

const char *
bindu_session_current(const struct bindu_session *s)
{
	return s->current;
}

const char *
bindu_session_before(const struct bindu_session *s)
{
	return s->before;
}

int
bindu_session_find(const struct bindu_session *s, const char *prefix,
    char id[65], struct bindu_err *err)
{
	const char *found = NULL;

	for (size_t i = 0; i < s->kept.n; i++) {
		if (!bindu_str_starts(s->kept.v[i], prefix))
			continue;
		if (found != NULL)
			return bindu_err_set(err, BINDU_E_USAGE,
			    "%s begins more than one release of %s", prefix,
			    s->box);
		found = s->kept.v[i];
	}
	if (found == NULL)
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "%s keeps no release %.64s: see bindu-agent releases %s",
		    s->box, prefix, s->box);
	memcpy(id, found, 65);
	return 0;
}

/* The manifest of the release the box has; NULL with err untouched when it
 * has none. */
static int
fetch_manifest(struct bindu_session *s, struct bindu_tree **out,
    struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf text = BINDU_BUF_INIT(BINDU_MANIFEST_MAX);
	AUTO_FREE char *ask = xasprintf("GET %s\n", s->current);
	uint64_t n = 0;
	char *line;

	if (bindu_script_send(s->script, ask, strlen(ask), err) == -1)
		return -1;
	line = bindu_script_line(s->script, HELLO_MS, err);
	if (line == NULL)
		return -1;
	if (strcmp(line, "NONE") == 0)
		return 0;
	if (strncmp(line, "MANIFEST ", 9) != 0 ||
	    bindu_str_u64(line + 9, &n, NULL) == -1 || n > BINDU_MANIFEST_MAX)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "the receiver in %s says \"%.60s\"", s->box, line);
	if (bindu_script_bytes(s->script, n, ANSWER_MS, &text, err) == -1)
		return -1;
	return bindu_manifest_parse(text.p != NULL ? text.p : "", text.len, out,
	    err);
}

/* The next line that is no "EDITED PATH"; those are told. */
static char *
next_line(struct bindu_session *s, int64_t timeout_ms, struct bindu_err *err)
{
	unsigned n = 0;
	char *line;

	while ((line = bindu_script_line(s->script, timeout_ms, err)) != NULL &&
	    strncmp(line, "EDITED ", 7) == 0) {
		if (n++ < EDITED_SAID)
			bindu_note(s->report, BINDU_WARN,
			    "%s was changed in the box: it is put right, what "
			    "it held is in ~/.bindu/trees/*/displaced/%.12s*",
			    line + 7, s->current);
	}
	if (n > EDITED_SAID)
		bindu_note(s->report, BINDU_WARN, "and so were %u more file%s",
		    n - EDITED_SAID, bindu_str_s(n - EDITED_SAID));
	return line;
}

/* The answer to PUT, USE and BACK: 0 and the release that is live, or
 * why not. */
static int
take_answer(struct bindu_session *s, int64_t timeout_ms, struct bindu_err *err)
{
	char *line = next_line(s, timeout_ms, err), *f[3];
	uint64_t moved = 0;

	if (line == NULL)
		return bindu_err_wrap(err, "%s", s->box);
	if (strncmp(line, "FAIL ", 5) == 0) {
		bool damaged = strncmp(line + 5, "payload", 7) == 0;

		return bindu_err_set(err, damaged ? BINDU_E_AGAIN : BINDU_E_IO,
		    "%s: %s", s->box, line + 5);
	}
	if (strncmp(line, "STALE ", 6) == 0)
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "%s holds another release than it said", s->box);
	if (split(line, f, 3) < 2 || strcmp(f[0], "OK") != 0)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "the receiver in %s says \"%.60s\"", s->box, line);
	if (is_id(f[1]))
		memcpy(s->current, f[1], 65);
	if (bindu_str_u64(f[2], &moved, NULL) == 0 && moved != 0)
		bindu_note(s->report, BINDU_WARN,
		    "%llu file%s of the agent stood in the way; moved to "
		    "~/.bindu/trees/*/displaced/%.12s of the box",
		    (unsigned long long)moved, bindu_str_s(moved), s->current);
	return 0;
}

/* To a release that is kept. */
static int
go(struct bindu_session *s, const char *how, const char *id,
    struct bindu_err *err)
{
	AUTO_FREE char *ask = xasprintf("%s %s\n", how, id);

	if (bindu_script_send(s->script, ask, strlen(ask), err) == -1)
		return -1;
	return take_answer(s, ANSWER_MS, err);
}

static int
send_payload(struct bindu_session *s, const struct bindu_payload *p,
    uint64_t from, struct bindu_err *err)
{
	AUTO_FREE char *block = xmalloc(1 << 18);
	uint64_t at = from;

	while (at < p->size) {
		ssize_t n = pread(p->fd, block, 1 << 18, (off_t)at);

		if (n <= 0)
			return bindu_err_sys(err, "cannot read the payload");
		if (bindu_script_send(s->script, block, (size_t)n, err) == -1)
			return -1;
		at += (uint64_t)n;
		bindu_progress(s->report, "upload", at, p->size, "bytes");
	}
	return 0;
}

/* One attempt.  What arrived of this payload before is not sent again. */
static int
put_payload(struct bindu_session *s, const struct bindu_payload *p,
    const char *base, const char *id, struct bindu_transfer_stats *stats,
    struct bindu_err *err)
{
	AUTO_FREE char *head = NULL;
	uint64_t from = 0;

	if (strcmp(s->part, p->sha256) == 0 && s->part_size < p->size)
		from = s->part_size;
	s->part[0] = '\0';
	head = xasprintf("PUT %s %s %llu %llu %s %llu\n", base, id,
	    (unsigned long long)p->list_size, (unsigned long long)p->size,
	    p->sha256, (unsigned long long)from);
	stats->sent_bytes += strlen(head) + p->size - from;
	if (bindu_script_send(s->script, head, strlen(head), err) == -1)
		return -1;
	/* A receiver that stopped reading has said why. */
	if (send_payload(s, p, from, err) == -1 &&
	    (bindu_tool_signal() != 0 || !bindu_script_ended(s->script)))
		return -1;
	return take_answer(s, ANSWER_MS, err);
}

/* Some servers lose bytes of what is sent and say nothing: the digest tells,
 * and it is sent again. */
static int
put_delta(struct bindu_session *s, struct bindu_tree *t,
    const struct bindu_tree *base, const char *id,
    struct bindu_transfer_stats *stats, struct bindu_err *err)
{
	struct bindu_payload p;
	int bad = 0;

	if (bindu_payload_make(t, base, &p, err) == -1)
		return -1;
	for (int try = 0; try < 5; try++) {
		bad = put_payload(s, &p, base != NULL ? s->current : "-", id,
		    stats, err);
		if (!bad || err == NULL || err->code != BINDU_E_AGAIN ||
		    strstr(err->msg, "payload") == NULL)
			break;
		bindu_note(s->report, BINDU_WARN, "%s; sending it again",
		    err->msg);
	}
	stats->files_sent = p.files_sent;
	stats->files_deleted = p.files_deleted;
	close(p.fd);
	return bad;
}

int
bindu_session_put(struct bindu_session *s, struct bindu_tree *t, char id[65],
    struct bindu_transfer_stats *stats, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf text = BINDU_BUF_INIT(BINDU_MANIFEST_MAX);
	struct bindu_err why = { 0 };
	struct bindu_tree *base = NULL;
	int bad = 0;

	if (err == NULL)
		err = &why;
	memset(stats, 0, sizeof *stats);
	if (bindu_manifest_write(t, &text, id, err) == -1)
		return -1;
	if (strcmp(id, s->current) == 0 && s->edited == 0) {
		stats->unchanged = true;
		return 0;
	}
	s->changed = true;
	if (s->on_change != NULL)
		s->on_change(s->arg);
	if (bindu_strv_has(&s->kept, id))
		return go(s, "USE", id, err);
	if (s->current[0] != '\0') {
		base = bindu_manifest_cached(s->current);
		if (base == NULL)
			bad = fetch_manifest(s, &base, err);
	}
	if (!bad)
		bad = put_delta(s, t, base, id, stats, err);
	bindu_tree_free(base);
	if (!bad)
		bindu_manifest_remember(id, &text);
	return bad;
}

int
bindu_session_use(struct bindu_session *s, const char *id,
    struct bindu_err *err)
{
	s->changed = true;
	return go(s, "BACK", id, err);
}

int
bindu_session_note(struct bindu_session *s, const char *text,
    struct bindu_err *err)
{
	AUTO_FREE char *ask = xasprintf("NOTE %zu\n%s", strlen(text), text);

	s->changed = true;
	return bindu_script_send(s->script, ask, strlen(ask), err);
}

void
bindu_session_close(struct bindu_session *s)
{
	int code;

	if (s == NULL)
		return;
	if (s->script != NULL) {
		/* It keeps the note and drops what is too old, or ends because
		 * we leave; the next one waits a moment for that. */
		if (bindu_script_send(s->script, "BYE\n", 4, NULL) == 0 &&
		    bindu_script_eof(s->script, NULL) == 0 && s->changed)
			bindu_script_end(s->script, BYE_MS, NULL, &code, NULL);
		bindu_script_close(s->script);
	}
	bindu_strv_fini(&s->kept);
	free(s->box);
	free(s);
}
