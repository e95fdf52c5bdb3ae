/* rmtree.c - bindu_fd_rmtree, see fd.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fd.h"

/* A bound on recursion and on open directories: what is deeper is moved up
 * to the top of the tree, and removed from there. */
#define MAX_DEPTH 64

struct tree {
	int top; /* its own directory; -1: not one, or not open yet */
	unsigned serial;
	bool moved; /* look at the top again */
};

static int remove_entry(struct tree *, int dirfd, const char *name, int depth,
    struct bindu_err *);

static int
open_dir(int dirfd, const char *name)
{
	const int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, name, how);

	if (fd == -1 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
		fd = openat(dirfd, name, how);
	return fd;
}

static int
remove_children(struct tree *t, int dirfd, const char *name, int depth,
    struct bindu_err *err)
{
	struct dirent *e;
	int fd = open_dir(dirfd, name), bad = 0;
	DIR *d;

	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1)
		return bindu_err_sys(err, "cannot open directory %s", name);
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return bindu_err_sys(err, "cannot read directory %s", name);
	}
	if (depth == 0)
		t->top = fd;
	do {
		if (depth == 0)
			t->moved = false;
		while (!bad && (e = readdir(d)) != NULL) {
			if (strcmp(e->d_name, ".") != 0 &&
			    strcmp(e->d_name, "..") != 0)
				bad = remove_entry(t, fd, e->d_name, depth + 1,
				    err);
		}
		rewinddir(d);
	} while (!bad && depth == 0 && t->moved);
	closedir(d);
	return bad;
}

/* A directory's own mode must let its ".." be changed. */
static int
move_up(struct tree *t, int dirfd, const char *name, struct bindu_err *err)
{
	char to[32];
	int rc;

	do {
		snprintf(to, sizeof to, ".deep-%u", t->serial++);
		rc = renameat2(dirfd, name, t->top, to, RENAME_NOREPLACE);
		if (rc == -1 && errno == EACCES &&
		    fchmodat(dirfd, name, 0700, 0) == 0)
			rc = renameat2(dirfd, name, t->top, to,
			    RENAME_NOREPLACE);
	} while (rc == -1 && errno == EEXIST);
	if (rc == -1)
		return bindu_err_sys(err, "cannot move directory %s", name);
	t->moved = true;
	return 0;
}

/* unlink says EISDIR (Linux) or EPERM for a directory, EACCES when our own
 * directory is not writable: then it is opened for us and tried again. */
static int
remove_entry(struct tree *t, int dirfd, const char *name, int depth,
    struct bindu_err *err)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EACCES) {
		fchmod(dirfd, 0700);
		if (unlinkat(dirfd, name, 0) == 0)
			return 0;
	}
	if (errno != EISDIR && errno != EPERM)
		return bindu_err_sys(err, "cannot remove %s", name);
	if (depth > MAX_DEPTH)
		return move_up(t, dirfd, name, err);
	if (remove_children(t, dirfd, name, depth, err) == -1)
		return -1;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return bindu_err_sys(err, "cannot remove directory %s", name);
}

int
bindu_fd_rmtree(int dirfd, const char *name, struct bindu_err *err)
{
	struct tree t = { .top = -1 };

	return remove_entry(&t, dirfd, name, 0, err);
}
