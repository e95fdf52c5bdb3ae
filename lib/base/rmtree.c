/* rmtree.c - bindu_fd_rmtree, see fd.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fd.h"

/* Deeper than any sane tree; a bound on recursion and on open directories. */
#define MAX_DEPTH 256

static int
remove_entry(int dirfd, const char *name, int depth, struct bindu_err *);

static int
remove_children(int dirfd, const char *name, int depth, struct bindu_err *err)
{
	struct dirent *e;
	int fd, bad = 0;
	DIR *d;

	fd = openat(dirfd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
		fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1)
		return bindu_err_sys(err, "cannot open directory %s", name);
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return bindu_err_sys(err, "cannot read directory %s", name);
	}
	while (!bad && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			bad = remove_entry(fd, e->d_name, depth + 1, err);
	}
	closedir(d);
	return bad;
}

/* unlink says EISDIR (Linux) or EPERM for a directory, EACCES when our own
 * directory is not writable: then it is opened for us and tried again. */
static int
remove_entry(int dirfd, const char *name, int depth, struct bindu_err *err)
{
	if (depth > MAX_DEPTH)
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s: directories nested more than %d deep", name,
		    MAX_DEPTH);
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EACCES) {
		fchmod(dirfd, 0700);
		if (unlinkat(dirfd, name, 0) == 0)
			return 0;
	}
	if (errno != EISDIR && errno != EPERM)
		return bindu_err_sys(err, "cannot remove %s", name);
	if (remove_children(dirfd, name, depth, err) == -1)
		return -1;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return bindu_err_sys(err, "cannot remove directory %s", name);
}

int
bindu_fd_rmtree(int dirfd, const char *name, struct bindu_err *err)
{
	return remove_entry(dirfd, name, 0, err);
}
