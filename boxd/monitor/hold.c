/* hold.c - see hold.h.
 *
 * A lock of fcntl(2) is the process's own, gone with it in whatever way, and
 * the kernel tells whose it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hold.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define TERM_MS 5000 /* its box goes first */
#define KILL_MS 5000
#define STEP_MS 5

static pid_t
holder(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) == -1 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

static int
end_holder(int fd, struct bindu_err *err)
{
	int64_t hard = bindu_clock_deadline(TERM_MS);
	int64_t until = bindu_clock_deadline(TERM_MS + KILL_MS);
	pid_t told = 0, pid;

	while ((pid = holder(fd)) > 0) {
		if (bindu_clock_left(until) == 0)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "the box's monitor (pid %d) does not end",
			    (int)pid);
		if (bindu_clock_left(hard) == 0)
			kill(pid, SIGKILL);
		else if (pid != told)
			kill(pid, SIGTERM);
		told = pid;
		bindu_clock_sleep(STEP_MS);
	}
	return 0;
}

static int
open_lock(int dirfd, struct bindu_err *err)
{
	int fd = openat(dirfd, "monitor.lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd == -1 ? bindu_err_sys(err, "cannot open monitor.lock") : fd;
}

int
hold_take(int dirfd, struct bindu_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	AUTO_CLOSE int fd = open_lock(dirfd, err);
	struct stat st;

	if (fd == -1)
		return -1;
	do {
		if (end_holder(fd, err) == -1)
			return -1;
	} while (fcntl(fd, F_SETLK, &lock) == -1);
	if (fstat(dirfd, &st) == -1 || st.st_nlink == 0)
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "the box was removed");
	return bindu_steal_fd(&fd);
}

int
hold_end(int dirfd, struct bindu_err *err)
{
	AUTO_CLOSE int fd = open_lock(dirfd, err);

	return fd == -1 ? -1 : end_holder(fd, err);
}
