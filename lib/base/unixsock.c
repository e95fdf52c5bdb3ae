/* unixsock.c - bindu_fd_unix_*, see fd.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "fd.h"
#include "mem.h"
#include "path.h"

char *
bindu_fd_unix_path(const char *path, int *dirfd, struct bindu_err *err)
{
	AUTO_FREE char *dir = NULL;

	if (strlen(path) < sizeof((struct sockaddr_un *)NULL)->sun_path)
		return xstrdup(path);
	dir = bindu_path_dir(path);
	*dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dirfd != -1)
		return xasprintf("/proc/self/fd/%d/%s", *dirfd,
		    bindu_path_base(path));
	bindu_err_sys(err, "cannot open directory %s", dir);
	return NULL;
}

static int
fill_address(const char *path, struct sockaddr_un *sa, int *dirfd,
    struct bindu_err *err)
{
	AUTO_FREE char *reach = bindu_fd_unix_path(path, dirfd, err);

	if (reach == NULL)
		return -1;
	memset(sa, 0, sizeof *sa);
	sa->sun_family = AF_UNIX;
	if (strlen(reach) >= sizeof sa->sun_path)
		return bindu_err_set(err, BINDU_E_DATA,
		    "socket name %s is too long", bindu_path_base(path));
	memcpy(sa->sun_path, reach, strlen(reach) + 1);
	return 0;
}

int
bindu_fd_unix_connect(const char *path, int type, struct bindu_err *err)
{
	AUTO_CLOSE int fd = -1;
	AUTO_CLOSE int dirfd = -1;
	struct sockaddr_un sa;

	if (fill_address(path, &sa, &dirfd, err) == -1)
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return bindu_err_sys(err, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == -1)
		return bindu_err_sys(err, "cannot connect to %s", path);
	return bindu_steal_fd(&fd);
}

/* A socket whose owner died refuses connections and may be replaced; one
 * that answers, or another kind of file, is in use. */
static int
clear_stale(const struct sockaddr_un *sa, int type)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (lstat(sa->sun_path, &st) == -1)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0 ||
	    errno != ECONNREFUSED) {
		errno = EADDRINUSE;
		return -1;
	}
	return unlink(sa->sun_path);
}

int
bindu_fd_unix_listen(const char *path, int type, mode_t mode,
    struct bindu_err *err)
{
	AUTO_CLOSE int fd = -1;
	AUTO_CLOSE int dirfd = -1;
	struct sockaddr_un sa;

	if (fill_address(path, &sa, &dirfd, err) == -1)
		return -1;
	if (clear_stale(&sa, type) == -1) {
		bindu_err_sys(err, "cannot listen on %s", path);
		if (err != NULL)
			err->code = BINDU_E_EXISTS;
		return -1;
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return bindu_err_sys(err, "cannot make a socket");
	/* Linux gives the file the mode of the socket, less the umask. */
	if (fchmod(fd, mode) == -1 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof sa) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		return bindu_err_sys(err, "cannot listen on %s", path);
	return bindu_steal_fd(&fd);
}
