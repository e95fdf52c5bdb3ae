/* walk_dir.c - the chain of open directories from root to where we are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "walk_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/mem.h"

/* Descriptors kept open: the deepest ones, and a few of the others at even
 * distances, or climbing back up a deep tree would start at the root again
 * every WINDOW levels. */
#define WINDOW 32
#define MARKS 14

struct step {
	size_t end; /* where its path ends */
	int fd; /* -1: outside the window */
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

/* How far apart the marks of a path of n steps are: a power of two. */
static size_t
mark_distance(size_t n)
{
	size_t distance = WINDOW;

	while (n / distance > MARKS)
		distance *= 2;
	return distance;
}

/* Step i leaves the window, and the marks of a shorter path that are none of
 * this one's leave with it. */
static void
leave_window(struct bindu_walk_dir *d, size_t i)
{
	size_t distance = mark_distance(i), old = mark_distance(i - 1);

	if (i % distance != 0)
		close_step(&d->step[i]);
	for (size_t k = old; old != distance && k < i; k += old)
		if (k % distance != 0)
			close_step(&d->step[k]);
}

/* Open step i below step i - 1, which is open.  Names are components of
 * d->path, NUL-terminated for the call. */
static int
open_step(struct bindu_walk_dir *d, size_t i)
{
	size_t from = i ? d->step[i - 1].end + 1 : 0, end = d->step[i].end;
	char saved = d->path[end];
	int at = i ? d->step[i - 1].fd : d->rootfd, fd;

	d->path[end] = '\0';
	fd = openat(at, d->path + from,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d->path[end] = saved;
	if (fd == -1)
		return -1;
	d->step[i].fd = fd;
	if (i > WINDOW)
		leave_window(d, i - WINDOW);
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

	pop_to(d, keep);
	bindu_grow(&d->path, &d->pathcap, n + 1, 1);
	at = keep ? d->step[keep - 1].end : 0;
	memcpy(d->path + at, path + at, n - at);
	d->path[n] = '\0';
	for (at += keep > 0; at < n;) {
		const char *slash = memchr(path + at, '/', n - at);
		size_t end = slash ? (size_t)(slash - path) : n;

		bindu_grow(&d->step, &d->cap, d->n + 1, sizeof *d->step);
		d->step[d->n++] = (struct step){ end, -1 };
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
