/* crun.c - see crun.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "crun.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"

#define CRUN_MS 30000
#define ARGS_MAX 20
#define BURY_MS 5000
#define BURY_STEP_MS 10

/* The last line crun logged, as the reason. */
static int
fail(const char *verb, const char *log, int status, struct bindu_err *err)
{
	AUTO_FREE char *line = bindu_fd_last_line(AT_FDCWD, log, 0);

	if (line == NULL)
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "crun %s failed with status %d and said nothing", verb,
		    status);
	return bindu_err_set(err, BINDU_E_SYSTEM, "crun %s: %s", verb, line);
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

/* A file of /proc/PID; "" when the process is gone. */
static size_t
proc_text(int procfs, const char *pid, const char *file, char *text, size_t max)
{
	AUTO_FREE char *path = xasprintf("%s/%s", pid, file);
	AUTO_CLOSE int fd = openat(procfs, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, text, max - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* "--root BELOW..." among its words: until it runs the box's program, a
 * container's first process has the words of its crun. */
static bool
is_crun(int procfs, const char *pid, const char *below)
{
	char text[4096];
	size_t n = proc_text(procfs, pid, "cmdline", text, sizeof text);

	for (const char *s = text; s < text + n; s += strlen(s) + 1)
		if (strcmp(s, "--root") == 0)
			return bindu_str_starts(s + sizeof "--root", below);
	return false;
}

/* Neither its monitor nor the crun that made it is there. */
static bool
is_orphan(int procfs, const char *pid, const char *below)
{
	char text[512], parent[16], *end;

	proc_text(procfs, pid, "stat", text, sizeof text);
	end = strrchr(text, ')');
	if (end == NULL || sscanf(end, ") %*c %15s", parent) != 1 ||
	    is_crun(procfs, parent, below))
		return false;
	proc_text(procfs, parent, "comm", text, sizeof text);
	return strcmp(text, "boxd-monitor\n") != 0;
}

/* How many orphans there were. */
static int
kill_orphans(const char *below)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int killed = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		AUTO_CLOSE int pidfd = -1;

		if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
		    !is_crun(dirfd(d), e->d_name, below))
			continue;
		/* Looked at again: from here on its number is its own. */
		pidfd = (int)syscall(SYS_pidfd_open, atoi(e->d_name), 0);
		if (pidfd == -1 || !is_crun(dirfd(d), e->d_name, below) ||
		    !is_orphan(dirfd(d), e->d_name, below))
			continue;
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		killed++;
	}
	if (d != NULL)
		closedir(d);
	return killed;
}

void
crun_bury(const char *state)
{
	AUTO_FREE char *below = xasprintf("%s/boxes/", state);
	int64_t until = bindu_clock_deadline(BURY_MS);
	int quiet = 0;

	/* A crun that is killed leaves its container's process behind. */
	while (quiet < 2 && bindu_clock_left(until) > 0) {
		quiet = kill_orphans(below) == 0 ? quiet + 1 : 0;
		bindu_clock_sleep(BURY_STEP_MS);
	}
}
