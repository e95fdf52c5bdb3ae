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

#define WINDOW 48 /* descriptors kept open, the deepest ones */

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
	if (i >= WINDOW)
		close_step(&d->step[i - WINDOW]);
	return 0;
}

/* The steps d shares with path; a step's end must be a component's end. */
static size_t
shared_steps(const struct bindu_walk_dir *d, const char *path, size_t n)
{
	size_t same = 0, i = 0, have = d->n ? d->step[d->n - 1].end : 0;

	while (same < n && same < have && path[same] == d->path[same])
		same++;
	while (i < d->n && d->step[i].end <= same &&
	    (d->step[i].end == n || path[d->step[i].end] == '/'))
		i++;
	return i;
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
	memcpy(d->path, path, n);
	d->path[n] = '\0';
	for (at = keep ? d->step[keep - 1].end + 1 : 0; at < n;) {
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
