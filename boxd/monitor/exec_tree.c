/* exec_tree.c - all that an exec started, without cgroups.
 *
 * The monitor's child stays as a keeper and adopts the command's orphans (a
 * subreaper), so that everything the command starts, whatever session it
 * makes, has the keeper as an ancestor.  The keeper leaves with the command's
 * status; what is left then belongs to the box's init.  SIGUSR1 makes it stay
 * until nothing is left: the monitor is about to end it all.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "exec.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

#define STAT_MAX 4096

static volatile sig_atomic_t draining;

static void
drain(int sig)
{
	(void)sig;
	draining = 1;
}

static _Noreturn void
keep(pid_t command)
{
	int st, code = 0;
	bool over = false;

	for (int fd = 0; fd <= EXEC_STATUS_FD; fd++)
		close(fd);
	while (!over || draining) {
		pid_t pid = waitpid(-1, &st, 0);

		if (pid == -1 && errno == EINTR)
			continue;
		if (pid == -1)
			break;
		if (pid != command)
			continue;
		over = true;
		code = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	}
	_exit(code);
}

void
exec_tree_hold(void)
{
	struct sigaction sa = { .sa_handler = drain };
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigaction(SIGUSR1, &sa, NULL);
	pid = fork();
	if (pid == -1)
		exec_die(BINDU_E_SYSTEM, 125, "cannot fork in the box: %s",
		    strerror(errno));
	if (pid > 0)
		keep(pid);
	signal(SIGUSR1, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

struct proc {
	pid_t pid, parent;
	bool ours;
};

/* The parent's pid: the second field after the name's last ')'. */
static pid_t
parent_of(int procfd, const char *pid)
{
	AUTO_FREE char *name = xasprintf("%s/stat", pid);
	AUTO_CLOSE int fd = openat(procfd, name, O_RDONLY | O_CLOEXEC);
	char text[STAT_MAX + 1], *at;
	ssize_t n;
	int parent;

	if (fd == -1)
		return -1;
	n = bindu_fd_read(fd, text, STAT_MAX);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %*c %d", &parent) != 1)
		return -1;
	return (pid_t)parent;
}

static size_t
list_procs(struct proc **out)
{
	DIR *d = opendir("/proc");
	size_t n = 0, cap = 0;
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		pid_t parent;

		if (*e->d_name < '1' || *e->d_name > '9')
			continue;
		parent = parent_of(dirfd(d), e->d_name);
		if (parent <= 0)
			continue;
		bindu_grow(out, &cap, n + 1, sizeof **out);
		(*out)[n++] =
		    (struct proc){ (pid_t)atoi(e->d_name), parent, false };
	}
	if (d)
		closedir(d);
	return n;
}

static bool
is_ours(const struct proc *v, size_t n, pid_t parent, pid_t root)
{
	if (parent == root)
		return true;
	for (size_t i = 0; i < n; i++)
		if (v[i].ours && v[i].pid == parent)
			return true;
	return false;
}

void
exec_tree_signal(pid_t root, int sig)
{
	AUTO_FREE struct proc *v = NULL;
	size_t n = list_procs(&v);
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < n; i++)
			if (!v[i].ours && is_ours(v, n, v[i].parent, root))
				v[i].ours = more = true;
	}
	for (size_t i = 0; i < n; i++)
		if (v[i].ours)
			kill(v[i].pid, sig);
}
