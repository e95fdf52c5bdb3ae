/* crun.c - see crun.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "crun.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"

#define CRUN_MS 30000
#define LOG_MAX (64 * 1024)
#define ARGS_MAX 20

/* The last line crun logged, as the reason. */
static int
fail(const char *verb, const char *log, int status, struct bindu_err *err)
{
	AUTO_FREE char *text = NULL;
	size_t n;
	char *line;

	if (bindu_fd_read_file(AT_FDCWD, log, LOG_MAX, &text, &n, NULL) == -1)
		n = 0;
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	if (n == 0)
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "crun %s failed with status %d and said nothing", verb,
		    status);
	line = strrchr(text, '\n');
	return bindu_err_set(err, BINDU_E_SYSTEM, "crun %s: %s", verb,
	    line ? line + 1 : text);
}

static int
run(const struct monitor_env *env, const char *dir, const char *const *verb,
    int in, int out, struct bindu_err *err)
{
	AUTO_FREE char *root = xasprintf("%s/crun", dir);
	AUTO_FREE char *log = xasprintf("%s/crun.log", dir);
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	const char *argv[ARGS_MAX] = { env->crun, "--root", root, "--log", log,
		"--cgroup-manager", env->rootful ? "cgroupfs" : "disabled" };
	size_t n = 7;
	int status;
	pid_t pid;

	for (size_t i = 0; verb[i] && n < ARGS_MAX - 1; i++)
		argv[n++] = verb[i];
	unlink(log);
	o.argv = argv;
	o.in = in;
	o.out = o.err = out;
	pid = bindu_proc_spawn(&o, err);
	if (pid == -1)
		return -1;
	switch (bindu_proc_wait(pid, CRUN_MS, &status, err)) {
	case 0:
		break;
	case 1:
		bindu_proc_stop(pid, false, 0);
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "crun %s did not end within %d s", verb[0], CRUN_MS / 1000);
	default:
		return -1;
	}
	if (status != 0)
		return fail(verb[0], log, bindu_proc_exit(status), err);
	return 0;
}

pid_t
crun_create(const struct monitor_env *env, const char *id, const char *dir,
    int in, int out, struct bindu_err *err)
{
	AUTO_FREE char *pidfile = xasprintf("%s/init.pid", dir);
	const char *verb[] = { "create", "--bundle", dir, "--pid-file", pidfile,
		id, NULL };
	AUTO_FREE char *text = NULL;
	size_t n;

	unlink(pidfile);
	if (run(env, dir, verb, in, out, err) == -1)
		return -1;
	if (bindu_fd_read_file(AT_FDCWD, pidfile, 32, &text, &n, err) == -1)
		return -1;
	if (atoi(text) <= 1)
		return (pid_t)bindu_err_set(err, BINDU_E_SYSTEM,
		    "crun wrote no pid to %s", pidfile);
	return (pid_t)atoi(text);
}

int
crun_start(const struct monitor_env *env, const char *id, const char *dir,
    int in, int out, struct bindu_err *err)
{
	const char *verb[] = { "start", id, NULL };

	return run(env, dir, verb, in, out, err);
}
