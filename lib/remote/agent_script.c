/* agent_script.c - see agent_script.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "agent_script.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/source/digest.h"
#include "stream.h"

enum {
	SCRIPTS = 9,
	SCRIPT_MAX = 1 << 18,
	PENDING_MAX = 64 << 20, /* stdout not yet asked for */
	WORDS = 4096,
	TAIL = 12, /* lines that explain a failure */
	START_MS = 30000,
	TICK_MS = 1000, /* so often a wait that takes long shows life */
};

/* bootstrap has the same list. */
static const char *const names[SCRIPTS] = { "receive.sh", "store.sh",
	"switch.sh", "deps.sh", "common.sh", "supervise.sh", "agent.sh",
	"probe.py", "needs.py" };

/* Arguments: digest, "held" or "-", script, its arguments.  Says HAVE or NEED
 * first; after NEED come, for each script, its length in a line and it. */
static const char bootstrap[] =
    "cd && d=.bindu/lib/$1 && t=$d.$$ || exit 71\n"
    "if [ -f $d/agent.sh ]; then echo HAVE; else echo NEED\n"
    "mkdir -p $t && chmod 700 .bindu || exit 74\n"
    "l='receive.sh store.sh switch.sh deps.sh common.sh supervise.sh agent.sh'\n"
    "l=\"$l probe.py needs.py\"\n"
    "for f in $l; do\n"
    "read -r n && head -c \"$n\" >$t/$f || exit 74; done\n"
    "s=$(cd $t && cat $l | sha256sum)\n"
    "if [ \"$s\" != \"$1  -\" ]; then rm -rf $t\n"
    "echo 'the scripts arrived damaged' >&2; exit 74; fi\n"
    "mv $t $d 2>/dev/null || rm -rf $t; fi\n"
    "[ $2 != held ] || export BINDU_HELD=1\n"
    "s=$d/$3; shift 3; exec sh $s \"$@\"";

struct bindu_script {
	struct bindu_exec *exec;
	const struct bindu_report *report;
	struct bindu_buf in; /* stdout that came and was not taken */
	size_t taken; /* of in: lent by bindu_script_line */
	struct bindu_buf line; /* of stderr, not ended yet */
	char words[WORDS]; /* the last ended line of it that is not empty */
	char *tail[TAIL]; /* those before it, a ring */
	size_t told; /* lines that went in */
	bool tell;
	const char *phase; /* may be NULL */
	int64_t waits; /* since when; 0: it was not waited for yet */
	bool skip_have; /* HAVE was not waited for: its line comes first */
	bool ended;
	bool broken; /* how it ended in the box is not known: why */
	struct bindu_err why;
	struct bindu_exec_end end;
};

struct scripts {
	char *text[SCRIPTS];
	size_t n[SCRIPTS];
	char digest[65];
};

static void
free_scripts(struct scripts *s)
{
	for (int i = 0; i < SCRIPTS; i++)
		free(s->text[i]);
}

static int
load_scripts(struct scripts *s, struct bindu_err *err)
{
	struct bindu_digest *d = bindu_digest_new();
	uint8_t sum[BINDU_SHA256];
	int bad = 0;

	for (int i = 0; i < SCRIPTS && !bad; i++) {
		AUTO_FREE char *name = xasprintf("remote/%s", names[i]);
		AUTO_FREE char *path = bindu_config_share_file(name);

		bad = bindu_fd_read_file(AT_FDCWD, path, SCRIPT_MAX,
		    &s->text[i], &s->n[i], err);
		if (!bad)
			bindu_digest_add(d, s->text[i], s->n[i]);
	}
	bindu_digest_end(d, sum);
	bindu_digest_free(d);
	bindu_str_hex(sum, BINDU_SHA256, s->digest);
	return bad;
}

static int
send_scripts(struct bindu_script *s, const struct scripts *all,
    struct bindu_err *err)
{
	for (int i = 0; i < SCRIPTS; i++) {
		char head[32];
		int n = snprintf(head, sizeof head, "%zu\n", all->n[i]);

		if (bindu_script_send(s, head, (size_t)n, err) == -1 ||
		    bindu_script_send(s, all->text[i], all->n[i], err) == -1)
			return -1;
	}
	return 0;
}

/* HAVE or NEED; sure: HAVE will come, something else is met later. */
static int
agree(struct bindu_script *s, const struct scripts *all, bool sure,
    struct bindu_err *err)
{
	const char *line;

	s->skip_have = sure;
	if (sure)
		return 0;
	line = bindu_script_line(s, START_MS, err);
	if (line == NULL)
		return -1;
	if (strcmp(line, "NEED") == 0)
		return send_scripts(s, all, err);
	if (strcmp(line, "HAVE") != 0)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "the box answered \"%.60s\" instead of HAVE or NEED", line);
	return 0;
}

struct bindu_script *
bindu_script_open(struct bindu_remote *remote, const char *box,
    const struct bindu_script_opts *o, struct bindu_err *err)
{
	struct bindu_script *s = xcalloc(1, sizeof *s);
	struct scripts all = { 0 };
	const char *argv[24] = { "sh", "-c", bootstrap, "bindu", all.digest,
		o->held ? "held" : "-" };
	struct bindu_exec_opts eo = { .argv = argv };
	int bad = load_scripts(&all, err);

	for (int i = 0; i < 17 && o->argv[i] != NULL; i++)
		argv[6 + i] = o->argv[i];
	s->report = o->report;
	s->tell = o->tell;
	s->phase = o->phase;
	s->in.max = PENDING_MAX;
	s->line.max = WORDS;
	if (!bad) {
		s->exec = bindu_exec_open(remote, box, &eo, err);
		bad = s->exec == NULL || agree(s, &all, o->sure, err) == -1;
	}
	free_scripts(&all);
	if (!bad)
		return s;
	bindu_script_close(s);
	return NULL;
}

void
bindu_script_close(struct bindu_script *s)
{
	if (s == NULL)
		return;
	if (s->exec != NULL)
		bindu_exec_close(s->exec);
	bindu_buf_fini(&s->in);
	bindu_buf_fini(&s->line);
	for (int i = 0; i < TAIL; i++)
		free(s->tail[i]);
	free(s);
}

int
bindu_script_send(struct bindu_script *s, const void *p, size_t n,
    struct bindu_err *err)
{
	return bindu_exec_send(s->exec, p, n, err);
}

int
bindu_script_eof(struct bindu_script *s, struct bindu_err *err)
{
	return bindu_exec_eof(s->exec, err);
}

static void
end_line(struct bindu_script *s)
{
	if (s->line.len == 0)
		return;
	if (s->tell && s->words[0] != '\0') {
		char **place = &s->tail[s->told++ % TAIL];

		free(*place);
		*place = xstrdup(s->words);
	}
	snprintf(s->words, sizeof s->words, "%s", s->line.p);
	bindu_note(s->report, BINDU_INFO, "%s", s->line.p);
	bindu_buf_reset(&s->line);
}

/* stderr, in lines; a bar that redraws itself counts as lines too. */
static void
take_err(struct bindu_script *s, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' || p[i] == '\r' ||
		    bindu_buf_addc(&s->line, p[i], NULL) == -1)
			end_line(s);
	}
}

static int
give_up(const struct bindu_script *s, struct bindu_err *err)
{
	if (err != NULL)
		*err = s->why;
	return -1;
}

/* One event: 1; 0 when timeout_ms passed without. */
static int
receive(struct bindu_script *s, int64_t timeout_ms, struct bindu_err *err)
{
	enum bindu_exec_event what;
	const char *p;
	size_t n;

	if (bindu_exec_recv(s->exec, timeout_ms, &what, &p, &n, &s->end,
		&s->why) == -1) {
		s->ended = s->broken = true;
		return give_up(s, err);
	}
	switch (what) {
	case BINDU_EXEC_OUT:
		return bindu_buf_add(&s->in, p, n, err) == -1 ? -1 : 1;
	case BINDU_EXEC_ERR:
		take_err(s, p, n);
		return 1;
	case BINDU_EXEC_END:
		end_line(s);
		s->ended = true;
		return 1;
	case BINDU_EXEC_NOTHING:
		break;
	}
	return 0;
}

/* As receive, until something came or the deadline passed. */
static int
wait_for_more(struct bindu_script *s, int64_t deadline, struct bindu_err *err)
{
	if (s->waits == 0)
		s->waits = bindu_clock_ms();
	for (;;) {
		int64_t tick = bindu_clock_ms() + TICK_MS;
		int r = receive(s,
		    bindu_clock_left(
			s->phase != NULL && tick < deadline ? tick : deadline),
		    err);

		if (r != 0)
			return r;
		if (bindu_tool_interrupted(err) == -1)
			return -1;
		if (s->phase != NULL)
			bindu_progress(s->report, s->phase,
			    (uint64_t)(bindu_clock_ms() - s->waits) / 1000, 0,
			    "s");
		if (bindu_clock_left(deadline) == 0)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "the box did not answer in time");
	}
}

static void
drop_taken(struct bindu_script *s)
{
	bindu_buf_cut_front(&s->in, s->taken);
	s->taken = 0;
}

static void
skip_have(struct bindu_script *s)
{
	if (!s->skip_have || s->in.len < 5)
		return;
	s->skip_have = false;
	if (memcmp(s->in.p, "HAVE\n", 5) == 0)
		bindu_buf_cut_front(&s->in, 5);
}

char *
bindu_script_line(struct bindu_script *s, int64_t timeout_ms,
    struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(timeout_ms);
	char *nl;

	drop_taken(s);
	for (;;) {
		skip_have(s);
		nl = s->in.len != 0 ? memchr(s->in.p, '\n', s->in.len) : NULL;
		if (nl != NULL && !s->skip_have)
			break;
		if (s->ended) {
			bindu_err_set(err, BINDU_E_IO, "%s",
			    s->words[0] != '\0' ? s->words :
						  "the box ended the dialogue");
			return NULL;
		}
		if (wait_for_more(s, deadline, err) == -1)
			return NULL;
	}
	*nl = '\0';
	s->taken = (size_t)(nl - s->in.p) + 1;
	return s->in.p;
}

int
bindu_script_bytes(struct bindu_script *s, size_t n, int64_t timeout_ms,
    struct bindu_buf *out, struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(timeout_ms);

	drop_taken(s);
	while (s->in.len < n) {
		if (s->ended)
			return bindu_err_set(err, BINDU_E_IO,
			    "the box ended the dialogue");
		if (wait_for_more(s, deadline, err) == -1)
			return -1;
	}
	if (bindu_buf_add(out, s->in.p, n, err) == -1)
		return -1;
	s->taken = n;
	return 0;
}

/* The scripts exit with the numbers of err.h. */
static enum bindu_errc
class_of(int code)
{
	switch (code) {
	case 66:
		return BINDU_E_NOINPUT;
	case 69:
		return BINDU_E_UNAVAILABLE;
	case 74:
		return BINDU_E_IO;
	case 75:
		return BINDU_E_AGAIN;
	case 65:
		return BINDU_E_DATA;
	case 76:
		return BINDU_E_PROTOCOL;
	default:
		return BINDU_E_NO;
	}
}

static void
tell_tail(const struct bindu_script *s)
{
	for (size_t i = 0; i < TAIL; i++) {
		const char *line = s->tail[(s->told + i) % TAIL];

		if (line != NULL)
			bindu_note(s->report, BINDU_ERROR, "| %s", line);
	}
}

int
bindu_script_end(struct bindu_script *s, int64_t timeout_ms,
    struct bindu_buf *out, int *code, struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(timeout_ms);

	while (!s->ended) {
		if (wait_for_more(s, deadline, err) == -1)
			return -1;
	}
	if (s->broken)
		return give_up(s, err);
	drop_taken(s);
	skip_have(s);
	*code = s->end.code;
	if (s->in.len != 0 && out != NULL &&
	    bindu_buf_add(out, s->in.p, s->in.len, err) == -1)
		return -1;
	s->taken = s->in.len;
	if (*code == 0)
		return 0;
	tell_tail(s);
	if (*code > 128)
		bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "it was killed in the box (signal %d): the box was "
		    "stopped or destroyed meanwhile, or has no memory left",
		    *code - 128);
	else
		bindu_err_set(err, class_of(*code), "%s",
		    s->words[0] != '\0' ? s->words : "it failed in the box");
	return 0;
}

bool
bindu_script_ended(struct bindu_script *s)
{
	while (!s->ended && receive(s, 0, NULL) == 1)
		;
	return s->ended;
}

int
bindu_script_run(struct bindu_remote *remote, const char *box,
    const struct bindu_script_opts *o, const void *input, size_t n,
    int64_t timeout_ms, struct bindu_buf *out, int *code, struct bindu_err *err)
{
	struct bindu_script *s = bindu_script_open(remote, box, o, err);
	int rc;

	if (s == NULL)
		return -1;
	rc = n != 0 ? bindu_script_send(s, input, n, err) : 0;
	if (rc == 0)
		rc = bindu_script_eof(s, err);
	if (rc == 0)
		rc = bindu_script_end(s, timeout_ms, out, code, err);
	bindu_script_close(s);
	return rc;
}
