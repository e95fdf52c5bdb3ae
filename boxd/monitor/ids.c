/* ids.c - see ids.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ids.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"

/* The kernel counts queued signals, inotify instances and the like of a user
 * namespace against its maker too: were that root, a box could use up what
 * the host's own services need. */
static int
become(uid_t id)
{
	return setresgid(id, id, id) == -1 || setresuid(id, id, id) == -1 ? -1 :
									    0;
}

static int
write_map(pid_t pid, const char *name, uid_t base, struct bindu_err *err)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/%s", (int)pid, name);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[48];

	snprintf(text, sizeof text, "0 %u 65536", (unsigned)base);
	if (fd == -1 || bindu_fd_write(fd, text, strlen(text)) == -1)
		return bindu_err_sys(err, "cannot write %s", path);
	return 0;
}

static int
map_ids(pid_t pid, uid_t base, struct bindu_err *err)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/ns/user", (int)pid);
	int fd;

	if (write_map(pid, "uid_map", base, err) == -1 ||
	    write_map(pid, "gid_map", base, err) == -1)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return bindu_err_sys(err, "cannot open %s", path);
	return fd;
}

int
ids_userns(uid_t base, struct bindu_err *err)
{
	int ready[2], fd = -1;
	char c = 0;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) == -1)
		return bindu_err_sys(err, "cannot make a pipe");
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		c = become(base) == 0 && unshare(CLONE_NEWUSER) == 0 ? 1 : 0;
		/* Who waits for us may be killed: before or after this. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(ready[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (pid == -1)
		bindu_err_sys(err, "cannot fork");
	else if (bindu_fd_read(ready[0], &c, 1) != 1 || c != 1)
		bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "this kernel lets no user namespace be made");
	else
		fd = map_ids(pid, base, err);
	close(ready[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return fd;
}
