/* walk_dir.c - the chain of open directories from root to where we are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "walk_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/mem.h"

/* Descriptors kept open: the deepest ones.  Further up a directory is found
 * again by "..", so that a deep tree costs one open for each level down and
 * one for each level up. */
#define WINDOW 32

struct step {
	size_t end; /* where its path ends */
	int fd; /* -1: above the window */
	dev_t dev; /* above the window: which directory it was */
	ino_t ino;
};

struct bindu_walk_dir {
	int rootfd;
	char *path;
	size_t pathcap;
	struct step *step;
	size_t n, cap;
};

struct bindu_walk_dir *
bindu_walk_dir_new(int rootfd)
{
	struct bindu_walk_dir *d = xcalloc(1, sizeof *d);

	d->rootfd = rootfd;
	return d;
}

static void
close_step(struct step *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

static void
pop_to(struct bindu_walk_dir *d, size_t n)
{
	while (d->n > n)
		close_step(&d->step[--d->n]);
}

void
bindu_walk_dir_free(struct bindu_walk_dir *d)
{
	if (d == NULL)
		return;
	pop_to(d, 0);
	free(d->step);
	free(d->path);
	free(d);
}

/* Step i leaves the window; what it was is kept, to know it again. */
static void
leave_window(struct step *s)
{
	struct stat st = { 0 }; /* which is no directory */

	if (s->fd == -1)
		return;
	(void)fstat(s->fd, &st);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	close_step(s);
}

/* Open step i below step i - 1, which is open.  Names are components of
 * d->path, NUL-terminated for the call.  None is "..": no directory has a
 * name like that, and a path from elsewhere is not to lead out. */
static int
open_step(struct bindu_walk_dir *d, size_t i)
{
	size_t end = d->step[i].end;
	char *name = d->path + (i ? d->step[i - 1].end + 1 : 0);
	int at = i ? d->step[i - 1].fd : d->rootfd, fd = -1;
	char saved = d->path[end];

	d->path[end] = '\0';
	if (strcmp(name, "..") == 0)
		errno = ENOTDIR;
	else
		fd = openat(at, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d->path[end] = saved;
	if (fd == -1)
		return -1;
	d->step[i].fd = fd;
	if (i >= WINDOW)
		leave_window(&d->step[i - WINDOW]);
	return 0;
}

/* The steps d shares with path; a step's end must be a component's end. */
static size_t
shared_steps(const struct bindu_walk_dir *d, const char *path, size_t n)
{
	size_t same = 0, lo = 0, hi = d->n;
	size_t most = d->n ? d->step[d->n - 1].end : 0;

	most = most < n ? most : n;
	while (
	    same + 16 <= most && memcmp(path + same, d->path + same, 16) == 0)
		same += 16;
	while (same < most && path[same] == d->path[same])
		same++;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2, end = d->step[mid].end;

		/* Before the first difference a component that ends in one
		 * path ends in the other. */
		if (end < same ||
		    (end == same && (end == n || path[end] == '/')))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Leave step i, which is open, for step i - 1: by "..", when that is not open
 * any more.  It counts only if it is the directory we came down through; the
 * child may have been moved since, and then step i - 1 stays closed. */
static void
climb_from(struct bindu_walk_dir *d, size_t i)
{
	struct step *up = &d->step[i - 1];
	struct stat st;
	int fd;

	if (up->fd == -1) {
		fd = openat(d->step[i].fd, "..",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd != -1 && fstat(fd, &st) == 0 && st.st_dev == up->dev &&
		    st.st_ino == up->ino)
			up->fd = fd;
		else if (fd != -1)
			close(fd);
	}
	pop_to(d, i);
}

/* Keep the first n steps: the nearer way back to the last of them, from
 * below or from root, is the one that stays open. */
static void
climb_to(struct bindu_walk_dir *d, size_t n)
{
	if (n > 0 && d->n - n < n)
		while (d->n > n && d->step[d->n - 1].fd != -1)
			climb_from(d, d->n - 1);
	pop_to(d, n);
}

static int
open_missing(struct bindu_walk_dir *d)
{
	size_t i = d->n;

	while (i > 0 && d->step[i - 1].fd == -1)
		i--;
	for (; i < d->n; i++)
		if (open_step(d, i) == -1) {
			int saved = errno;

			pop_to(d, i);
			errno = saved;
			return -1;
		}
	return 0;
}

int
bindu_walk_dir_open(struct bindu_walk_dir *d, const char *path, size_t n)
{
	size_t keep = shared_steps(d, path, n), at;

	climb_to(d, keep);
	bindu_grow(&d->path, &d->pathcap, n + 1, 1);
	at = keep ? d->step[keep - 1].end : 0;
	memcpy(d->path + at, path + at, n - at);
	d->path[n] = '\0';
	for (at += keep > 0; at < n;) {
		const char *slash = memchr(path + at, '/', n - at);
		size_t end = slash ? (size_t)(slash - path) : n;

		bindu_grow(&d->step, &d->cap, d->n + 1, sizeof *d->step);
		d->step[d->n++] = (struct step){ .end = end, .fd = -1 };
		at = end + 1;
	}
	if (open_missing(d) == -1)
		return -1;
	return d->n ? d->step[d->n - 1].fd : d->rootfd;
}

int
bindu_walk_dir_parent(struct bindu_walk_dir *d, const char *path,
    const char **name)
{
	const char *slash = strrchr(path, '/');

	*name = slash ? slash + 1 : path;
	return bindu_walk_dir_open(d, path, slash ? (size_t)(slash - path) : 0);
}
