/* agent_up.c - see agent_up.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "agent_up.h"

#include <stdlib.h>
#include <string.h>
#include "agent_priv.h"
#include "agent_script.h"
#include "lib/base/mem.h"
#include "lib/source/digest.h"

struct bindu_agent_up {
	struct bindu_remote *remote;
	char *box;
	struct bindu_script *up, *prove;
	const struct bindu_agent_start *start;
	bool deps; /* they come first */
	bool waits; /* prove, for the word live */
	unsigned run, grace_s;
};

/* The box adds the bindu its environment was made for. */
static void
make_key(const struct bindu_agent_start *s, const char *box, char *hex)
{
	uint32_t port = s->port != 0 ? s->port : BINDU_AGENT_PORT;
	AUTO_FREE char *head =
	    xasprintf("%s\n%u\n%s\n", s->script, (unsigned)port, box);
	struct bindu_digest *d = bindu_digest_new();
	uint8_t sum[BINDU_SHA256];

	bindu_digest_add(d, head, strlen(head) + 1);
	for (size_t i = 0; s->env != NULL && i < s->env->n; i++)
		bindu_digest_add(d, s->env->v[i], strlen(s->env->v[i]) + 1);
	bindu_digest_end(d, sum);
	bindu_digest_free(d);
	bindu_str_hex(sum, BINDU_SHA256, hex);
}

bool
bindu_agent_is_asked(const struct bindu_agent_status *st, const char *box,
    const struct bindu_agent_start *s, const char *version)
{
	char key[BINDU_SHA256 * 2 + 1];
	AUTO_FREE char *want = NULL;

	make_key(s, box, key);
	want = xasprintf("%s%s%s", key, version != NULL ? "+" : "",
	    version != NULL ? version : "");
	return strcmp(st->key, want) == 0;
}

static struct bindu_script *
open_up(struct bindu_agent_up *u, const struct bindu_agent_deps *deps,
    const struct bindu_report *report, struct bindu_err *err)
{
	const struct bindu_agent_start *s = u->start;
	char key[BINDU_SHA256 * 2 + 1] = "";
	uint32_t first = s->port != 0 || s->same ? s->port : BINDU_AGENT_PORT;
	AUTO_FREE char *port = first != 0 ? xasprintf("%u", (unsigned)first) :
					    xstrdup("-");
	const char *argv[] = { "agent.sh", deps != NULL ? "up" : "start",
		bindu_or_dash(s->script), port, bindu_or_dash(s->public_url),
		key, s->same ? "same" : "new", NULL, NULL };
	struct bindu_script_opts o = {
		.argv = argv,
		.held = s->held,
		.sure = s->held,
		.report = report,
		.tell = deps != NULL,
		.phase = deps != NULL ? "deps" : NULL,
	};

	if (!s->same)
		make_key(s, u->box, key);
	if (deps != NULL) {
		argv[6] = bindu_or_dash(deps->bindu_version);
		argv[7] = bindu_or_dash(deps->python);
	}
	return bindu_script_open(u->remote, u->box, &o, err);
}

struct bindu_agent_up *
bindu_agent_up_open(struct bindu_remote *remote, const char *box,
    const struct bindu_agent_deps *deps, const struct bindu_agent_start *start,
    const struct bindu_report *report, struct bindu_err *err)
{
	const char *argv[] = { "agent.sh", "prove", NULL };
	struct bindu_script_opts o = { .argv = argv,
		.held = start->held,
		.sure = true,
		.report = report,
		.phase = "health" };
	struct bindu_agent_up *u = xcalloc(1, sizeof *u);

	u->remote = remote;
	u->box = xstrdup(box);
	u->start = start;
	u->deps = deps != NULL;
	u->up = open_up(u, deps, report, err);
	if (u->up != NULL)
		u->prove = bindu_script_open(remote, box, &o, err);
	if (u->prove != NULL)
		return u;
	bindu_agent_up_free(u);
	return NULL;
}

/* What it waits for; then it goes its way. */
static int
tell(struct bindu_agent_up *u, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf index = BINDU_BUF_INIT(BINDU_AGENT_TEXT_MAX);
	AUTO_BUF struct bindu_buf in = BINDU_BUF_INIT(BINDU_AGENT_TEXT_MAX);
	int bad = 0;

	if (u->deps)
		bad = bindu_agent_index(u->remote, &index, err) == -1 ||
			bindu_buf_addf(&in, err, "%zu\n", index.len) == -1 ||
			bindu_buf_add(&in, index.p != NULL ? index.p : "",
			    index.len, err) == -1 ?
		    -1 :
		    0;
	if (!bad)
		bad = bindu_agent_quote(&in, u->start->env, err);
	if (!bad && in.len != 0)
		bad = bindu_script_send(u->up, in.p, in.len, err);
	if (!bad)
		bad = bindu_script_eof(u->up, err);
	if (in.p != NULL)
		explicit_bzero(in.p, in.len);
	return bad;
}

int
bindu_agent_up_deps(struct bindu_agent_up *u, struct bindu_agent_env *got,
    struct bindu_err *err)
{
	struct bindu_err why = { 0 };
	char *line;
	int code;

	memset(got, 0, sizeof *got);
	if (tell(u, err) == -1)
		return -1;
	while (got->python[0] == '\0') {
		line = bindu_script_line(u->up, BINDU_AGENT_DEPS_MS, &why);
		if (line == NULL)
			break;
		bindu_agent_env_take(line, got);
	}
	if (got->python[0] != '\0')
		return 0;
	/* It ended: its status says more. */
	if (bindu_script_ended(u->up) &&
	    bindu_script_end(u->up, 0, NULL, &code, &why) == 0)
		bindu_err_wrap(&why, "dependencies");
	if (err != NULL)
		*err = why;
	return -1;
}

int
bindu_agent_up_start(struct bindu_agent_up *u, struct bindu_agent_status *st,
    struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf out = BINDU_BUF_INIT(BINDU_AGENT_TEXT_MAX);
	int code;

	if ((!u->deps && tell(u, err) == -1) ||
	    bindu_script_end(u->up, BINDU_AGENT_QUICK_MS, &out, &code, err) ==
		-1 ||
	    code != 0)
		return -1;
	bindu_agent_parse(&out, st);
	return 0;
}

/* Lines to the empty one.  After that it waits for the word, or the log's end
 * follows and it is over; it is over, too, when none came. */
static int
read_answer(struct bindu_agent_up *u, int64_t timeout_ms, struct bindu_buf *out,
    struct bindu_err *err)
{
	bool empty = false, ready = false;
	char *line;
	int code;

	while (!empty) {
		line = bindu_script_line(u->prove, timeout_ms, err);
		if (line == NULL && !bindu_script_ended(u->prove))
			return -1;
		if (line == NULL)
			break;
		ready = ready || strcmp(line, "ready=1") == 0;
		empty = *line == '\0';
		if (bindu_buf_addf(out, err, "%s\n", line) == -1)
			return -1;
	}
	u->waits = empty && ready;
	if (u->waits)
		return 0;
	if (bindu_script_end(u->prove, timeout_ms, out, &code, err) == -1)
		return -1;
	return code == 0 ? 0 : -1;
}

int
bindu_agent_up_ready(struct bindu_agent_up *u, unsigned run, int64_t timeout_ms,
    unsigned grace_s, struct bindu_agent_status *st, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf out = BINDU_BUF_INIT(BINDU_AGENT_TEXT_MAX);
	AUTO_FREE char *ask =
	    xasprintf("%u %lld %u\n", run, (long long)timeout_ms, grace_s);

	u->run = run;
	u->grace_s = grace_s;
	if (bindu_script_send(u->prove, ask, strlen(ask), err) == -1 ||
	    read_answer(u, timeout_ms + BINDU_AGENT_QUICK_MS, &out, err) == -1)
		return -1;
	bindu_agent_parse(&out, st);
	return 0;
}

int
bindu_agent_up_live(struct bindu_agent_up *u, struct bindu_err *err)
{
	int code;

	if (!u->waits)
		return bindu_agent_live(u->remote, u->box, u->run, u->grace_s,
		    err);
	if (bindu_script_send(u->prove, "live\n", 5, err) == -1 ||
	    bindu_script_eof(u->prove, err) == -1 ||
	    bindu_script_end(u->prove, BINDU_AGENT_QUICK_MS, NULL, &code,
		err) == -1)
		return -1;
	return code == 0 ? 0 : -1;
}

void
bindu_agent_up_free(struct bindu_agent_up *u)
{
	if (u == NULL)
		return;
	bindu_script_close(u->up);
	bindu_script_close(u->prove);
	free(u->box);
	free(u);
}
