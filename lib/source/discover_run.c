/* discover_run.c - let the script say its agent's name.
 *
 * The script runs in a python3 of its own with BINDU_DEPLOY_CAPTURE naming a
 * file, as the Python command does: bindufy() then writes {"agent_name",
 * "caller_dir"} there and returns.  A few lines of Python around it tell how
 * it ended, which an exit status alone does not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "discover_priv.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/proc.h"
#include "lib/base/tool.h"

enum { CAPTURE_MAX = 64 << 10, POLL_MS = 50, AFTER_MS = 300, GRACE_MS = 500 };

extern char **environ;

static const char runner[] =
    "import os, runpy, sys, traceback\n"
    "script, verdict = sys.argv[1:3]\n"
    "sys.argv = [script]\n"
    "sys.path[0] = os.path.dirname(script)\n"
    "how = 'ended'\n"
    "try:\n"
    "    runpy.run_path(script, run_name='__main__')\n"
    "except SystemExit as e:\n"
    "    code = e.code\n"
    "    if code is not None and not isinstance(code, int):\n"
    "        print(code, file=sys.stderr)\n"
    "        code = 1\n"
    "    how = 'exited %d' % (code or 0)\n"
    "except BaseException as e:\n"
    "    traceback.print_exc()\n"
    "    how = 'raised %s: %s' % (type(e).__name__, e)\n"
    "with open(verdict, 'w', encoding='utf-8', errors='replace') as f:\n"
    "    f.write(how)\n"
    "sys.stdout.flush()\n"
    "sys.stderr.flush()\n"
    "os._exit(0)\n";

struct run {
	char *dir, *capture, *verdict;
	const char *script;
	int64_t timeout_ms;
};

static void
run_fini(struct run *r)
{
	if (r->dir) {
		bindu_fd_rmtree(AT_FDCWD, r->dir, NULL);
		free(r->dir);
	}
	free(r->capture);
	free(r->verdict);
}

static int
run_init(struct run *r, struct bindu_err *err)
{
	const char *tmp = bindu_config_env("TMPDIR");
	char *dir = xasprintf("%s/bindu-discover.XXXXXX", tmp ? tmp : "/tmp");

	if (!mkdtemp(dir)) {
		bindu_err_sys(err, "cannot make %s", dir);
		free(dir);
		return -1;
	}
	r->dir = dir;
	r->capture = bindu_path_join(dir, "capture.json");
	r->verdict = bindu_path_join(dir, "verdict");
	return 0;
}

/* The project's own interpreter where it has one: it has what the script
 * imports. */
static char *
python_of(const char *root)
{
	const char *set = bindu_config_env("BINDU_PYTHON");
	char *venv;

	if (set)
		return xstrdup(set);
	if (!bindu_config_env("VIRTUAL_ENV")) {
		venv = bindu_path_join(root, ".venv/bin/python3");
		if (access(venv, X_OK) == 0)
			return venv;
		free(venv);
	}
	return xstrdup("python3");
}

static pid_t
start(const struct run *r, const char *root, const char *python,
    struct bindu_err *err)
{
	AUTO_STRV struct bindu_strv env = { 0 };
	AUTO_FREE char *full = bindu_path_join(root, r->script);
	const char *argv[] = { python, "-c", runner, full, r->verdict, NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	char **e;

	for (e = environ; *e; e++)
		if (strncmp(*e, "BINDU_DEPLOY_CAPTURE=", 21) != 0)
			bindu_strv_add(&env, *e);
	bindu_strv_addf(&env, "BINDU_DEPLOY_CAPTURE=%s", r->capture);
	o.argv = argv;
	o.env = (const char *const *)env.v;
	o.cwd = root;
	o.out = STDERR_FILENO;
	o.own_session = true;
	return bindu_proc_spawn(&o, err);
}

static char *
text_of(const char *path)
{
	char *text = NULL;
	size_t n;

	if (bindu_fd_read_file(AT_FDCWD, path, CAPTURE_MAX, &text, &n, NULL) ==
	    -1)
		return NULL;
	return text;
}

/* The captured object once bindufy() has written all of it, or NULL. */
static json_t *
captured(const struct run *r)
{
	AUTO_FREE char *text = text_of(r->capture);

	return text && *text ? bindu_json_parse(text, strlen(text), CAPTURE_MAX,
				   r->capture, NULL) :
			       NULL;
}

/* Until the script ends, or has named itself and goes on regardless, or time
 * is up.  1: time is up. */
static int
wait_for(const struct run *r, pid_t pid, int *status, struct bindu_err *err)
{
	int64_t end = bindu_clock_deadline(r->timeout_ms);

	for (;;) {
		AUTO_JSON json_t *j = NULL;
		int rc = bindu_proc_wait(pid, POLL_MS, status, err);

		if (rc <= 0)
			return rc;
		if (bindu_tool_interrupted(err) == -1) {
			bindu_proc_stop(pid, true, GRACE_MS);
			return -1;
		}
		if ((j = captured(r))) {
			rc = bindu_proc_wait(pid, AFTER_MS, status, err);
			if (rc == 1)
				bindu_proc_stop(pid, true, GRACE_MS);
			*status = 0;
			return rc < 0 ? -1 : 0;
		}
		if (bindu_clock_left(end) == 0) {
			bindu_proc_stop(pid, true, GRACE_MS);
			return 1;
		}
	}
}

static int
explain(const struct run *r, int status, struct bindu_err *err)
{
	AUTO_FREE char *how = text_of(r->verdict);
	const char *hint = "";
	bool signal;

	if (how && strncmp(how, "raised ", 7) == 0) {
		how[strcspn(how, "\r\n")] = '\0';
		if (strstr(how, "No module named"))
			hint = "; install what it needs for this python3, or "
			       "do without --run";
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s raised an error "
		    "before it called bindufy(): %.300s%s",
		    r->script, how + 7, hint);
	}
	if (how && strncmp(how, "exited ", 7) == 0)
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s ended itself with "
		    "status %s before it called bindufy()",
		    r->script, how + 7);
	if (how)
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s ran to its end and "
		    "never called bindufy(): nothing to deploy",
		    r->script);
	signal = bindu_proc_exit(status) > 128;
	return bindu_err_set(err, BINDU_E_DATA,
	    "%s was ended by %s %d before it called bindufy()", r->script,
	    signal ? "signal" : "status",
	    bindu_proc_exit(status) - (signal ? 128 : 0));
}

static char *
name_from(const struct run *r, const char *root, const json_t *j,
    const struct bindu_report *report, struct bindu_err *err)
{
	const char *name = bindu_json_str(j, "agent_name");
	const char *from = bindu_json_str(j, "caller_dir");
	AUTO_FREE char *real = from ? realpath(from, NULL) : NULL;

	if (!name || !*name) {
		bindu_err_set(err, BINDU_E_DATA,
		    "%s called bindufy() without "
		    "a name: give one with --name",
		    r->script);
		return NULL;
	}
	if (real && strcmp(real, root) != 0 && !bindu_path_below(root, real))
		bindu_note(report, BINDU_WARN,
		    "bindufy() was called from %s, "
		    "outside the source root %s: that file will not be "
		    "shipped",
		    real, root);
	return xstrdup(name);
}

char *
bindu_discover_run(const char *root, const char *script, int64_t timeout_ms,
    const struct bindu_report *report, struct bindu_err *err)
{
	__attribute__((cleanup(run_fini))) struct run r = { .script = script,
		.timeout_ms = timeout_ms };
	AUTO_FREE char *python = python_of(root);
	AUTO_JSON json_t *j = NULL;
	int status = 0, rc;
	pid_t pid;

	if (run_init(&r, err) == -1)
		return NULL;
	pid = start(&r, root, python, err);
	if (pid == -1) {
		bindu_err_wrap(err, "cannot run %s", script);
		return NULL;
	}
	rc = wait_for(&r, pid, &status, err);
	if (rc == -1)
		return NULL;
	if (rc == 1) {
		bindu_err_set(err, BINDU_E_DATA,
		    "%s did not call bindufy() "
		    "within %g s and was ended: give the name with --name",
		    script, (double)timeout_ms / 1000);
		return NULL;
	}
	if (!(j = captured(&r))) {
		explain(&r, status, err);
		return NULL;
	}
	return name_from(&r, root, j, report, err);
}
