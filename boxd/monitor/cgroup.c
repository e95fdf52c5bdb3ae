/* cgroup.c - see cgroup.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

#define TEXT_MAX (4 << 20) /* cgroup.procs of a box at its pids limit */
#define FREEZE_MS 2000
#define KILL_FREEZE_MS 50 /* else killed unfrozen; the caller repeats */
#define ADOPT_MAX 64 /* moves of one call: each takes a while */
#define REMOVE_MS 2000

int
cgroup_write(const char *dir, const char *name, const char *text)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	return bindu_fd_write(fd, text, strlen(text));
}

/* NULL when the file cannot be read.  Caller frees. */
static char *
read_file(const char *dir, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	size_t n;

	if (fd == -1 || bindu_fd_read_all(fd, TEXT_MAX, &text, &n, NULL) == -1)
		return NULL;
	return text;
}

/* One line of mountinfo: "id parent maj:min root target opts... - type src
 * super".  Cgroup file systems mounted whole are taken. */
static void
take_mount(struct cgroup *cg, char *line, const char *below)
{
	char *dash = strstr(line, " - "), *save, *root, *target, *type, *super;

	if (!dash)
		return;
	*dash = '\0';
	strtok_r(line, " ", &save);
	strtok_r(NULL, " ", &save);
	strtok_r(NULL, " ", &save);
	root = strtok_r(NULL, " ", &save);
	target = strtok_r(NULL, " ", &save);
	type = strtok_r(dash + 3, " ", &save);
	strtok_r(NULL, " ", &save);
	super = strtok_r(NULL, " ", &save);
	if (!root || !target || !type || !super || strcmp(root, "/") != 0)
		return;
	if (strcmp(type, "cgroup") != 0 && strcmp(type, "cgroup2") != 0)
		return;
	bindu_strv_addf(&cg->dirs, "%s/%s", target, below);
	if (!strcmp(type, "cgroup2")) {
		if (!cg->execs) {
			cg->v2 = true;
			cg->execs = cg->dirs.v[cg->dirs.n - 1];
		}
		if (!cg->memory)
			cg->memory = cg->dirs.v[cg->dirs.n - 1];
	} else if (strstr(super, "freezer")) {
		cg->v2 = false;
		cg->execs = cg->dirs.v[cg->dirs.n - 1];
	} else if (strstr(super, "memory")) {
		cg->memory = cg->dirs.v[cg->dirs.n - 1];
	}
}

int
cgroup_init(struct cgroup *cg, const char *parent, const char *id,
    struct bindu_err *err)
{
	AUTO_FREE char *below = xasprintf("%s/%s", parent, id);
	AUTO_FREE char *text = read_file("/proc/self", "mountinfo");
	char *save, *line;

	memset(cg, 0, sizeof *cg);
	if (!text)
		return bindu_err_sys(err, "cannot read /proc/self/mountinfo");
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		take_mount(cg, line, below);
	if (!cg->execs)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "no cgroup freezer is mounted below /sys/fs/cgroup");
	return 0;
}

void
cgroup_fini(struct cgroup *cg)
{
	bindu_strv_fini(&cg->dirs);
	cg->execs = cg->memory = NULL;
}

void
cgroup_settle(struct cgroup *cg)
{
	size_t kept = 0;

	for (size_t i = 0; i < cg->dirs.n; i++) {
		char *dir = cg->dirs.v[i];

		if (access(dir, F_OK) == 0 || dir == cg->execs) {
			cg->dirs.v[kept++] = dir;
			continue;
		}
		if (dir == cg->memory)
			cg->memory = NULL;
		free(dir);
	}
	cg->dirs.n = kept;
	if (cg->dirs.v != NULL)
		cg->dirs.v[kept] = NULL;
}

static char *
exec_dir(const struct cgroup *cg, unsigned exec)
{
	return exec ? xasprintf("%s/exec-%u", cg->execs, exec) :
		      xstrdup(cg->execs);
}

int
cgroup_exec_make(const struct cgroup *cg, unsigned exec, struct bindu_err *err)
{
	AUTO_FREE char *dir = exec_dir(cg, exec);

	if (mkdir(dir, 0755) == -1)
		return bindu_err_sys(err, "cannot make cgroup %s", dir);
	return 0;
}

int
cgroup_exec_open(const struct cgroup *cg, unsigned exec)
{
	AUTO_FREE char *dir = NULL;

	if (!cg->v2 || cg->dirs.n != 1)
		return -1;
	dir = exec_dir(cg, exec);
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
cgroup_join(const struct cgroup *cg, unsigned exec)
{
	AUTO_FREE char *own = exec_dir(cg, exec);

	for (size_t i = 0; i < cg->dirs.n; i++) {
		const char *dir = cg->dirs.v[i];

		if (cgroup_write(dir == cg->execs ? own : dir, "cgroup.procs",
			"0") == -1)
			return -1;
	}
	return 0;
}

/* Call fn with the processes of the group, at most max. */
static void
each_proc(const char *dir, size_t max, void (*fn)(pid_t, const void *),
    const void *arg)
{
	AUTO_FREE char *text = read_file(dir, "cgroup.procs");
	char *save, *s;

	for (s = text ? strtok_r(text, "\n", &save) : NULL; s && max > 0;
	     s = strtok_r(NULL, "\n", &save), max--)
		if (atoi(s) > 0)
			fn((pid_t)atoi(s), arg);
}

static void
signal_proc(pid_t pid, const void *sig)
{
	kill(pid, *(const int *)sig);
}

static void
move_proc(pid_t pid, const void *dir)
{
	char text[16];

	snprintf(text, sizeof text, "%d", (int)pid);
	cgroup_write(dir, "cgroup.procs", text);
}

/* v1: nothing forks or moves while frozen, and the kill takes effect at the
 * thaw. */
static int
write_freeze(const char *dir, bool v2, bool freeze)
{
	if (v2)
		return cgroup_write(dir, "cgroup.freeze", freeze ? "1" : "0");
	return cgroup_write(dir, "freezer.state", freeze ? "FROZEN" : "THAWED");
}

static bool
is_frozen(const char *dir, bool v2)
{
	AUTO_FREE char *text =
	    read_file(dir, v2 ? "cgroup.events" : "freezer.state");

	return text && strstr(text, v2 ? "frozen 1" : "FROZEN") != NULL;
}

static int
freeze_wait(const char *dir, bool v2, int64_t ms)
{
	int64_t until = bindu_clock_deadline(ms);

	if (write_freeze(dir, v2, true) == -1)
		return -1;
	while (!is_frozen(dir, v2)) {
		if (bindu_clock_left(until) == 0) {
			write_freeze(dir, v2, false);
			errno = ETIMEDOUT;
			return -1;
		}
		usleep(100);
		/* v1: a task that was busy when asked is asked again. */
		if (!v2)
			write_freeze(dir, v2, true);
	}
	return 0;
}

void
cgroup_signal(const struct cgroup *cg, unsigned exec, int sig)
{
	AUTO_FREE char *dir = exec_dir(cg, exec);

	if (sig != SIGKILL) {
		each_proc(dir, SIZE_MAX, signal_proc, &sig);
		return;
	}
	if (cg->v2 && cgroup_write(dir, "cgroup.kill", "1") == 0)
		return;
	freeze_wait(dir, cg->v2, KILL_FREEZE_MS);
	each_proc(dir, SIZE_MAX, signal_proc, &sig);
	write_freeze(dir, cg->v2, false);
}

void
cgroup_exec_adopt(const struct cgroup *cg, unsigned exec)
{
	AUTO_FREE char *dir = exec_dir(cg, exec);

	each_proc(dir, ADOPT_MAX, move_proc, cg->execs);
}

bool
cgroup_exec_gone(const struct cgroup *cg, unsigned exec)
{
	AUTO_FREE char *dir = exec_dir(cg, exec);

	return rmdir(dir) == 0 || errno == ENOENT;
}

int
cgroup_freeze(const struct cgroup *cg, bool freeze, struct bindu_err *err)
{
	if (!freeze) {
		if (write_freeze(cg->execs, cg->v2, false) == -1)
			return bindu_err_sys(err, "cannot thaw the box");
		return 0;
	}
	if (freeze_wait(cg->execs, cg->v2, FREEZE_MS) == -1)
		return bindu_err_sys(err, "cannot freeze the box");
	return 0;
}

int64_t
cgroup_memory(const struct cgroup *cg)
{
	AUTO_FREE char *text = NULL;

	if (!cg->memory)
		return -1;
	text = read_file(cg->memory, "memory.current");
	if (!text)
		text = read_file(cg->memory, "memory.usage_in_bytes");
	return text ? strtoll(text, NULL, 10) : -1;
}

bool
cgroup_oom(const struct cgroup *cg)
{
	AUTO_FREE char *text = NULL;
	const char *at;

	if (!cg->memory)
		return false;
	text = read_file(cg->memory, "memory.events");
	if (!text)
		text = read_file(cg->memory, "memory.oom_control");
	at = text ? strstr(text, "oom_kill ") : NULL;
	return at && atoi(at + strlen("oom_kill ")) > 0;
}

/* Kill and remove the exec groups; how many could not be removed yet. */
static unsigned
remove_execs(const struct cgroup *cg)
{
	DIR *d = opendir(cg->execs);
	struct dirent *e;
	unsigned n, left = 0;

	if (!d)
		return 0;
	while ((e = readdir(d)) != NULL) {
		if (sscanf(e->d_name, "exec-%u", &n) != 1 || n == 0)
			continue;
		if (!cgroup_exec_gone(cg, n)) {
			cgroup_signal(cg, n, SIGKILL);
			left++;
		}
	}
	closedir(d);
	return left;
}

/* The groups of the box itself: false while one stays. */
static bool
remove_dirs(const struct cgroup *cg)
{
	bool gone = true;

	for (size_t i = 0; i < cg->dirs.n; i++)
		if (rmdir(cg->dirs.v[i]) == -1 && errno != ENOENT)
			gone = false;
	return gone;
}

static void
remove_parents(const struct cgroup *cg)
{
	for (size_t i = 0; i < cg->dirs.n; i++) {
		AUTO_FREE char *dir = bindu_path_dir(cg->dirs.v[i]);

		rmdir(dir);
	}
}

int
cgroup_remove(const struct cgroup *cg, struct bindu_err *err)
{
	int64_t until = bindu_clock_deadline(REMOVE_MS);

	if (cg->dirs.n == 0)
		return 0;
	write_freeze(cg->execs, cg->v2, false);
	while (remove_execs(cg) > 0 || !remove_dirs(cg)) {
		if (bindu_clock_left(until) == 0)
			return bindu_err_set(err, BINDU_E_SYSTEM,
			    "cannot empty cgroup %s", cg->execs);
		cgroup_signal(cg, 0, SIGKILL);
		usleep(500);
	}
	remove_parents(cg);
	return 0;
}
