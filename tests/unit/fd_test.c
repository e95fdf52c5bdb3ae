/* fd: caps, replacing, staying beneath, removing, sockets.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "tap.h"

static char root[] = "/tmp/bindu-fd-test-XXXXXX";
static int dir;

/* inside/file, and links: up (..), abs (/etc), in (inside). */
static const struct {
	const char *what, *path;
	bool follow;
	int works;
} opens[] = {
	{ "a file beneath opens", "inside/file", false, 1 },
	{ ".. does not", "../etc/passwd", false, 0 },
	{ ".. in the middle, leaving, does not", "inside/../../etc/passwd",
	    false, 0 },
	{ "an absolute name does not", "/etc/passwd", false, 0 },
	{ "a link up does not", "up/etc/passwd", true, 0 },
	{ "an absolute link does not", "abs/passwd", true, 0 },
	{ "a link inside does not unless followed", "in/file", false, 0 },
	{ "a link inside does when followed", "in/file", true, 1 },
};

static void
whole_files(void)
{
	struct bindu_err e = { 0 };
	char *s = NULL;
	size_t n = 0;

	ok(bindu_fd_replace(dir, "f", 0640, "hello", 5, &e) == 0,
	    "a file is written");
	ok(bindu_fd_replace(dir, "f", 0600, "other", 5, &e) == 0 &&
		bindu_fd_read_file(dir, "f", 5, &s, &n, &e) == 0 && n == 5 &&
		!strcmp(s, "other"),
	    "and replaced");
	free(s);
	ok(bindu_fd_read_file(dir, "f", 4, &s, &n, &e) == -1 &&
		e.code == BINDU_E_DATA,
	    "one byte over the cap is bad data");
	ok(bindu_fd_read_file(dir, "up", 4, &s, &n, &e) == -1,
	    "a symlink is not read");
	ok(mkfifoat(dir, "fifo", 0600) == 0 &&
		bindu_fd_read_file(dir, "fifo", 4, &s, &n, &e) == -1 &&
		e.code == BINDU_E_DATA,
	    "a FIFO is refused, without waiting");
	ok(bindu_fd_replace(dir, "none/f", 0600, "x", 1, &e) == -1 &&
		e.code == BINDU_E_NOINPUT,
	    "no directory, no file");
}

static bool
last_is(const char *text, size_t n, off_t from, const char *want)
{
	AUTO_FREE char *line = NULL;

	bindu_fd_replace(dir, "log", 0600, text, n, NULL);
	line = bindu_fd_last_line(dir, "log", from);
	return line == NULL || want == NULL ? line == want :
					      !strcmp(line, want);
}

static void
last_lines(void)
{
	static char large[10000];

	memset(large, 'x', sizeof large);
	memcpy(large + sizeof large - 5, "\nend\n", 5);
	ok(last_is("a\nb\n\n", 5, 0, "b") && last_is("a", 1, 0, "a") &&
		last_is(large, sizeof large, 0, "end"),
	    "the last line of a log, short and long");
	ok(last_is("", 0, 0, NULL) && last_is("\n\n", 2, 0, NULL) &&
		last_is("old\n", 4, 4, NULL) && last_is("old\n", 4, 9, NULL) &&
		bindu_fd_last_line(dir, "none", 0) == NULL,
	    "none where nothing was said, or nothing new");
}

static void
private_dirs(void)
{
	AUTO_FREE char *p = xasprintf("%s/deep/er/private", root);
	struct bindu_err e = { 0 };
	struct stat st;
	int fd = bindu_fd_private_dir(p, &e);

	ok(fd != -1 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0700,
	    "a private directory is made 0700");
	close(fd);
	chmod(p, 0755);
	ok(bindu_fd_private_dir(p, &e) == -1 && e.code == BINDU_E_CONFIG,
	    "one open to others is refused");
}

static void
trees(void)
{
	struct bindu_err e = { 0 };
	struct stat st;
	int at = dir, next;

	ok(bindu_fd_rmtree(dir, "absent", &e) == 0,
	    "nothing to remove is fine");
	ok(symlinkat("../inside", dir, "deep/link") == 0 &&
		bindu_fd_rmtree(dir, "deep", &e) == 0 &&
		fstatat(dir, "deep", &st, 0) == -1,
	    "a tree is removed");
	ok(fstatat(dir, "inside/file", &st, 0) == 0,
	    "what a link in it named is not");
	for (int i = 0; i < 5000; i++) {
		if (mkdirat(at, ".deep-0", 0700) == -1)
			break;
		next = openat(at, ".deep-0", O_RDONLY | O_DIRECTORY);
		if (at != dir)
			close(at);
		at = next;
		if (i % 500 == 9)
			fchmod(at, 0300);
	}
	close(at);
	ok(bindu_fd_rmtree(dir, ".deep-0", &e) == 0 &&
		fstatat(dir, ".deep-0", &st, 0) == -1,
	    "a tree deeper than any stack is");
}

static void
sockets(void)
{
	AUTO_FREE char *deep = xasprintf("%s/%0120d", root, 0);
	AUTO_FREE char *p = xasprintf("%s/sock", deep);
	struct bindu_err e = { 0 };
	struct stat st;
	int l, c;

	bindu_fd_mkdirs(deep, 0700, &e);
	l = bindu_fd_unix_listen(p, SOCK_STREAM, 0600, &e);
	ok(l != -1 && stat(p, &st) == 0 && (st.st_mode & 0777) == 0600,
	    "a socket with a long name, mode 0600");
	c = bindu_fd_unix_connect(p, SOCK_STREAM, &e);
	ok(c != -1, "and it is reached");
	ok(bindu_fd_unix_listen(p, SOCK_STREAM, 0600, &e) == -1 &&
		e.code == BINDU_E_EXISTS,
	    "a second listener is refused");
	close(c);
	close(l);
	l = bindu_fd_unix_listen(p, SOCK_STREAM, 0600, &e);
	ok(l != -1, "a dead one's socket is taken over");
	close(l);
}

int
main(void)
{
	struct bindu_err e = { 0 };
	int fd;

	dir = mkdtemp(root) != NULL ? open(root, O_RDONLY) : -1;
	if (dir == -1)
		return 1;
	if (mkdirat(dir, "inside", 0755) == -1 ||
	    symlinkat("..", dir, "up") == -1 ||
	    symlinkat("/etc", dir, "abs") == -1 ||
	    symlinkat("inside", dir, "in") == -1)
		return 1;
	bindu_fd_replace(dir, "inside/file", 0644, "x", 1, &e);
	for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
		fd = bindu_fd_open_beneath(dir, opens[i].path, O_RDONLY, 0,
		    opens[i].follow);
		ok((fd != -1) == opens[i].works, "%s", opens[i].what);
		if (fd != -1)
			close(fd);
	}
	whole_files();
	last_lines();
	private_dirs();
	trees();
	sockets();
	close(dir);
	bindu_fd_rmtree(AT_FDCWD, root, &e);
	return done();
}
