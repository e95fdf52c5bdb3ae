/* fixture.h - a small tree on disk for a test, made from a table.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_FIXTURE_H
#define BINDU_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"

struct item {
	char
	    kind; /* f file, x executable, l link, d directory, p FIFO; 0: end */
	const char *path, *text; /* what it holds, or where it leads */
};

static char fixture_root[] = "/tmp/bindu-unit.XXXXXX";

/* An empty directory, and no settings of whoever runs the test. */
static inline const char *
fixture_begin(void)
{
	if (mkdtemp(fixture_root) == NULL)
		abort();
	setenv("HOME", "/dev/null/none", 1);
	setenv("XDG_CACHE_HOME", "/dev/null/none", 1);
	setenv("XDG_CONFIG_HOME", "/dev/null/none", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	return fixture_root;
}

static inline void
fixture_end(void)
{
	bindu_fd_rmtree(AT_FDCWD, fixture_root, NULL);
}

static inline void
make_parents(int at, const char *path)
{
	char dir[4096];

	for (const char *p = path; (p = strchr(p, '/')) != NULL; p++) {
		snprintf(dir, sizeof dir, "%.*s", (int)(p - path), path);
		mkdirat(at, dir, 0755);
	}
}

static inline void
make_item(int at, const struct item *i)
{
	const char *text = i->text ? i->text : "";
	AUTO_CLOSE int fd = -1;

	make_parents(at, i->path);
	if (i->kind == 'd' && mkdirat(at, i->path, 0755) == 0)
		return;
	if (i->kind == 'l' && symlinkat(text, at, i->path) == 0)
		return;
	if (i->kind == 'p' && mkfifoat(at, i->path, 0644) == 0)
		return;
	fd =
	    openat(at, i->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 || bindu_fd_write(fd, text, strlen(text)) == -1 ||
	    fchmod(fd, i->kind == 'x' ? 0700 : 0640) == -1)
		abort();
}

/* A new tree below the root, gone again with the root. */
static inline const char *
fixture_tree(const struct item *items, size_t max)
{
	static char path[64];
	static int number;
	AUTO_CLOSE int at = -1;

	snprintf(path, sizeof path, "%s/t%d", fixture_root, number++);
	if (mkdir(path, 0755) == -1 ||
	    (at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		abort();
	for (size_t i = 0; i < max && items[i].kind != 0; i++)
		make_item(at, &items[i]);
	return path;
}
#endif
