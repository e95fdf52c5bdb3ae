/* release_commit.c - which commit a source tree is.
 *
 * git is asked, with all its means to run other programs off: a tree that was
 * only downloaded must not run what it brought.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"
#include "release.h"

enum {
	WAIT_MS = 2000, /* a tree so large goes without */
	LENGTH = 100,
};

void
bindu_commit_begin(struct bindu_commit *c, const char *dir)
{
	const char *argv[] = { "git", "-C", dir, "--no-optional-locks", "-c",
		"core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
		"describe", "--always", "--dirty", "--tags", "--abbrev=12",
		NULL };
	AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct bindu_proc_opts o = BINDU_PROC_OPTS;

	c->pid = 0;
	c->fd = memfd_create("bindu-commit", MFD_CLOEXEC);
	if (c->fd == -1 || null == -1)
		return;
	o.argv = argv;
	o.out = c->fd;
	o.err = null;
	c->pid = bindu_proc_spawn(&o, NULL);
	if (c->pid == -1)
		c->pid = 0;
}

char *
bindu_commit_end(struct bindu_commit *c)
{
	AUTO_CLOSE int fd = bindu_steal_fd(&c->fd);
	pid_t pid = c->pid;
	char text[LENGTH];
	int status = 0;
	ssize_t n;

	c->pid = 0;
	if (pid == 0)
		return xstrdup("");
	if (bindu_proc_wait(pid, WAIT_MS, &status, NULL) != 0) {
		bindu_proc_stop(pid, false, 0);
		return xstrdup("");
	}
	n = status == 0 ? pread(fd, text, sizeof text - 1, 0) : 0;
	for (ssize_t i = 0; i < n; i++) {
		if (!isgraph((unsigned char)text[i]))
			n = i;
	}
	return n > 0 ? xasprintf("commit=%.*s\n", (int)n, text) : xstrdup("");
}
