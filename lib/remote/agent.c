/* agent.c - see agent.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent_priv.h"
#include "agent_script.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "stream.h"

enum {
	DEPS_MS = BINDU_AGENT_DEPS_MS,
	QUICK_MS = BINDU_AGENT_QUICK_MS,
	TEXT_MAX = BINDU_AGENT_TEXT_MAX,
};

/* The value of "key=value" when line begins so, else NULL. */
static const char *
value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 && line[n] == '=' ? line + n + 1 :
							      NULL;
}

static void
copy(char *to, size_t n, const char *v)
{
	snprintf(to, n, "%s", v);
}

static void
take_text(const char *line, struct bindu_agent_status *st)
{
	const char *v;

	if ((v = value_of(line, "state")) != NULL)
		copy(st->state, sizeof st->state, v);
	else if ((v = value_of(line, "release")) != NULL)
		copy(st->release, sizeof st->release, v);
	else if ((v = value_of(line, "script")) != NULL)
		copy(st->script, sizeof st->script, v);
	else if ((v = value_of(line, "key")) != NULL)
		copy(st->key, sizeof st->key, v);
	else if ((v = value_of(line, "boot")) != NULL)
		copy(st->boot, sizeof st->boot, v);
	else if ((v = value_of(line, "cause")) != NULL)
		copy(st->cause, sizeof st->cause, v);
}

static void
take_number(const char *line, struct bindu_agent_status *st)
{
	const char *v;

	if ((v = value_of(line, "pid")) != NULL)
		st->pid = atoi(v);
	else if ((v = value_of(line, "run")) != NULL)
		st->run = (unsigned)atoi(v);
	else if ((v = value_of(line, "exit_code")) != NULL)
		st->exit_code = atoi(v);
	else if ((v = value_of(line, "started")) != NULL)
		st->started_at = atoll(v);
	else if ((v = value_of(line, "restarts")) != NULL)
		st->restarts = (unsigned)atoi(v);
	else if ((v = value_of(line, "port")) != NULL)
		st->port = (uint32_t)atoi(v);
	else if ((v = value_of(line, "healthy")) != NULL)
		st->healthy = *v == '1';
	else if ((v = value_of(line, "beside")) != NULL)
		st->beside = (uint32_t)atoi(v);
	else if ((v = value_of(line, "others")) != NULL)
		st->others = *v == '1';
	else if ((v = value_of(line, "ready")) != NULL)
		st->ready = *v == '1';
	else if ((v = value_of(line, "ignores")) != NULL)
		st->ignores = (uint32_t)atoi(v);
	else if ((v = value_of(line, "gap_ms")) != NULL)
		st->gap_ms = atoll(v);
}

void
bindu_agent_parse(struct bindu_buf *out, struct bindu_agent_status *st)
{
	char *rest = out->p, *line;
	size_t n;

	memset(st, 0, sizeof *st);
	st->exit_code = -1;
	st->gap_ms = -1;
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0')
			break;
		take_text(line, st);
		take_number(line, st);
	}
	st->running = strcmp(st->state, "running") == 0;
	if (rest == NULL)
		return;
	n = strlen(rest);
	if (n >= sizeof st->log_tail)
		rest += n - sizeof st->log_tail + 1;
	snprintf(st->log_tail, sizeof st->log_tail, "%s", rest);
}

/* Run agent.sh with argv and read the status it prints. */
static int
run_for_status(struct bindu_remote *remote, const char *box,
    const struct bindu_script_opts *o, const struct bindu_buf *input,
    int64_t timeout_ms, struct bindu_agent_status *st, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf out = BINDU_BUF_INIT(TEXT_MAX);
	int code;

	if (bindu_script_run(remote, box, o, input != NULL ? input->p : NULL,
		input != NULL ? input->len : 0, timeout_ms, &out, &code,
		err) == -1)
		return -1;
	if (code != 0)
		return -1;
	bindu_agent_parse(&out, st);
	return 0;
}

int
bindu_agent_quote(struct bindu_buf *b, const struct bindu_strv *env,
    struct bindu_err *err)
{
	for (size_t i = 0; env != NULL && i < env->n; i++) {
		const char *eq = strchr(env->v[i], '=');

		if (eq == NULL)
			continue;
		if (bindu_buf_add(b, env->v[i], (size_t)(eq - env->v[i]) + 1,
			err) == -1 ||
		    bindu_str_shquote(b, eq + 1, err) == -1 ||
		    bindu_buf_addc(b, '\n', err) == -1)
			return bindu_err_wrap(err, "environment");
	}
	return 0;
}

/* A local box has the host's installer settings in its image already. */
int
bindu_agent_index(struct bindu_remote *remote, struct bindu_buf *b,
    struct bindu_err *err)
{
	static const char *const keys[] = { "PIP_INDEX_URL",
		"PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "UV_DEFAULT_INDEX",
		"UV_INDEX", NULL };

	AUTO_STRV struct bindu_strv env = { 0 };

	if (bindu_remote_runtime(remote) == BINDU_LOCAL)
		return 0;
	for (size_t i = 0; keys[i] != NULL; i++) {
		const char *v = bindu_config_env(keys[i]);

		if (v != NULL)
			bindu_strv_addf(&env, "%s=%s", keys[i], v);
	}
	return bindu_agent_quote(b, &env, err);
}

void
bindu_agent_env_take(const char *line, struct bindu_agent_env *got)
{
	const char *v;

	if ((v = value_of(line, "skipped")) != NULL)
		got->skipped = *v == '1';
	else if ((v = value_of(line, "tool")) != NULL)
		copy(got->tool, sizeof got->tool, v);
	else if ((v = value_of(line, "python")) != NULL)
		copy(got->python, sizeof got->python, v);
}

const char *
bindu_or_dash(const char *s)
{
	return s != NULL && *s != '\0' ? s : "-";
}

int
bindu_agent_deps(struct bindu_remote *remote, const char *box,
    const struct bindu_agent_deps *want, struct bindu_agent_env *got,
    const struct bindu_report *report, struct bindu_err *err)
{
	const char *argv[] = { "deps.sh", bindu_or_dash(want->script),
		bindu_or_dash(want->bindu_version), bindu_or_dash(want->python),
		NULL };
	struct bindu_script_opts o = {
		.argv = argv,
		.held = want->held,
		.sure = want->held,
		.report = report,
		.tell = true,
		.phase = "deps",
	};
	AUTO_BUF struct bindu_buf in = BINDU_BUF_INIT(TEXT_MAX);
	AUTO_BUF struct bindu_buf out = BINDU_BUF_INIT(TEXT_MAX);
	char *rest, *line;
	int code;

	memset(got, 0, sizeof *got);
	if (bindu_agent_index(remote, &in, err) == -1 ||
	    bindu_script_run(remote, box, &o, in.p, in.len, DEPS_MS, &out,
		&code, err) == -1)
		return -1;
	if (code != 0)
		return bindu_err_wrap(err, "dependencies");
	rest = out.p;
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL)
		bindu_agent_env_take(line, got);
	return 0;
}

int
bindu_agent_ready(struct bindu_remote *remote, const char *box, unsigned run,
    int64_t timeout_ms, struct bindu_agent_status *st, struct bindu_err *err)
{
	AUTO_FREE char *n = xasprintf("%u", run);
	AUTO_FREE char *ms = xasprintf("%lld", (long long)timeout_ms);
	const char *argv[] = { "agent.sh", "ready", n, ms, NULL };
	struct bindu_script_opts o = { .argv = argv, .sure = true };

	return run_for_status(remote, box, &o, NULL, timeout_ms + QUICK_MS, st,
	    err);
}

/* agent.sh VERB A B; what it prints is not asked for. */
static int
run_verb(struct bindu_remote *remote, const char *box, const char *verb,
    unsigned a, const unsigned *b, int64_t timeout_ms, struct bindu_err *err)
{
	AUTO_FREE char *first = xasprintf("%u", a);
	AUTO_FREE char *second = b != NULL ? xasprintf("%u", *b) : NULL;
	const char *argv[] = { "agent.sh", verb, first, second, NULL };
	struct bindu_script_opts o = { .argv = argv };
	int code;

	if (bindu_script_run(remote, box, &o, NULL, 0, timeout_ms, NULL, &code,
		err) == -1)
		return -1;
	return code == 0 ? 0 : -1;
}

int
bindu_agent_live(struct bindu_remote *remote, const char *box, unsigned run,
    unsigned grace_s, struct bindu_err *err)
{
	return run_verb(remote, box, "live", run, &grace_s, QUICK_MS, err);
}

int
bindu_agent_drop(struct bindu_remote *remote, const char *box, unsigned run,
    struct bindu_err *err)
{
	return run_verb(remote, box, "drop", run, NULL, QUICK_MS, err);
}

int
bindu_agent_stop(struct bindu_remote *remote, const char *box, unsigned grace_s,
    struct bindu_err *err)
{
	return run_verb(remote, box, "stop", grace_s, NULL,
	    QUICK_MS + (int64_t)grace_s * 1000, err);
}

int
bindu_agent_status(struct bindu_remote *remote, const char *box, unsigned lines,
    struct bindu_agent_status *st, struct bindu_err *err)
{
	AUTO_FREE char *n = xasprintf("%u", lines);
	const char *argv[] = { "agent.sh", "status", n, NULL };
	struct bindu_script_opts o = { .argv = argv };

	return run_for_status(remote, box, &o, NULL, QUICK_MS, st, err);
}

int
bindu_agent_words(struct bindu_remote *remote, const char *box, unsigned lines,
    const char *path, struct bindu_agent_status *st, struct bindu_err *err)
{
	AUTO_FREE char *n = xasprintf("%u", lines);
	AUTO_FREE char *asked =
	    xasprintf("GET %s%s ", *path == '/' ? "" : "/", path);
	const char *argv[] = { "agent.sh", "words", n, asked, NULL };
	struct bindu_script_opts o = { .argv = argv };

	return run_for_status(remote, box, &o, NULL, QUICK_MS, st, err);
}

int
bindu_agent_logs(struct bindu_remote *remote, const char *box, bool follow,
    unsigned last, int fd, struct bindu_err *err)
{
	/* GNU tail takes an overlay for a remote file system, polls it once a
	 * second, and would open the next run's log five seconds late. */
	AUTO_FREE char *line = xasprintf("f=.bindu/agent/logs/agent.log; cd; "
					 "[ -e $f ] || exit 66; n='-n %u'; %s"
					 "exec tail $n $f",
	    last,
	    follow ? "s='-s 0.2 --max-unchanged-stats=1'; "
		     "tail $s /dev/null 2>/dev/null || s=; "
		     "n=\"$n $s -F\"; " :
		     "");
	const char *argv[] = { "sh", "-c", line, NULL };
	struct bindu_exec_opts o = { .argv = argv, .for_reader = true };
	struct bindu_exec_end end = { 125, false };

	if (bindu_exec_run(remote, box, &o, -1, fd, 2, &end, err) == -1)
		return -1;
	if (end.code == 66)
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "no agent has been started in %s", box);
	/* Following ends by a signal: ours, the end of the box, or of who
	 * reads. */
	if (end.code != 0 && end.code < 128)
		return bindu_err_set(err, BINDU_E_IO,
		    "the log in %s cannot be read (exit %d)", box, end.code);
	return 0;
}

struct bindu_agent_watch {
	struct bindu_script *script;
};

struct bindu_agent_watch *
bindu_agent_watch(struct bindu_remote *remote, const char *box,
    struct bindu_err *err)
{
	const char *argv[] = { "agent.sh", "watch", NULL };
	struct bindu_script_opts o = { .argv = argv, .sure = true };
	struct bindu_script *s = bindu_script_open(remote, box, &o, err);
	struct bindu_agent_watch *w;

	if (s == NULL)
		return NULL;
	w = xcalloc(1, sizeof *w);
	w->script = s;
	return w;
}

bool
bindu_agent_watch_ended(struct bindu_agent_watch *w)
{
	return bindu_script_ended(w->script);
}

void
bindu_agent_watch_free(struct bindu_agent_watch *w)
{
	if (w == NULL)
		return;
	bindu_script_close(w->script);
	free(w);
}
