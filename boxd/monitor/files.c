/* files.c - see files.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "exec.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"

#define HOME "/home/boxd"
#define OWNER 1000
#define BLOCK (256 * 1024)

static volatile sig_atomic_t cancelled;

static void
on_term(int sig)
{
	(void)sig;
	cancelled = 1;
}

static _Noreturn void
die(const char *what, const char *path)
{
	enum bindu_errc code = errno == ENOENT || errno == ENOTDIR ?
	    BINDU_E_NOINPUT :
	    errno == EACCES || errno == EPERM ? BINDU_E_AUTH :
	    errno == EISDIR || errno == ENAMETOOLONG || errno == ELOOP ?
						BINDU_E_DATA :
						BINDU_E_IO;

	exec_die(code, 125, "cannot %s %s in the box: %s", what, path,
	    strerror(errno));
}

/* The absolute name; an existing link is followed once, here. */
static char *
target_of(const json_t *req)
{
	const char *path = bindu_json_str(req, "path");
	char *full, *real;

	if (!path || !*path)
		exec_die(BINDU_E_DATA, 125, "a file needs a path");
	if (!strcmp(path, "~") || bindu_str_starts(path, "~/"))
		full = bindu_path_join(HOME, path[1] ? path + 2 : ".");
	else
		full = bindu_path_join(HOME, path);
	real = realpath(full, NULL);
	if (!real)
		return full;
	free(full);
	return real;
}

/* mkdir -p; what is made here belongs to boxd. */
static void
make_parents(const char *path)
{
	AUTO_FREE char *p = xstrdup(path);

	for (char *s = strchr(p + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		if (mkdir(p, 0755) == 0) {
			if (chown(p, OWNER, OWNER) == -1)
				die("own", p);
		} else if (errno != EEXIST) {
			die("make directory", p);
		}
		*s = '/';
	}
}

/* Bytes from stdin; -1 when the monitor wants the end of it. */
static int64_t
receive(int out, const char *tmp)
{
	AUTO_FREE char *block = xmalloc(BLOCK);
	int64_t total = 0;

	for (;;) {
		ssize_t n = read(0, block, BLOCK);

		if (cancelled)
			return -1;
		if (n == 0)
			return total;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || bindu_fd_write(out, block, (size_t)n) == -1) {
			int saved = errno;

			unlink(tmp);
			errno = saved;
			die("write", tmp);
		}
		total += n;
	}
}

/* All bytes, told after them; -1: nobody will tell. */
static int64_t
await_size(void)
{
	struct pollfd p = { EXEC_STATUS_FD, POLLIN, 0 };
	struct exec_note note;

	while (!cancelled && poll(&p, 1, -1) == -1 && errno == EINTR)
		;
	return recv(EXEC_STATUS_FD, &note, sizeof note, MSG_DONTWAIT) ==
		(ssize_t)sizeof note ?
	    note.bytes :
	    -1;
}

/* mode of the request, else of the file that is replaced, else 0644. */
static mode_t
mode_of(const json_t *req, const char *path)
{
	int64_t mode = bindu_json_int(req, "mode", 0);
	struct stat st;

	if (mode > 0)
		return (mode_t)mode & 07777;
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		return st.st_mode & 0777;
	return 0644;
}

static void
finish(int fd, const char *tmp, const char *path, mode_t mode)
{
	struct stat st;
	int rc = 0;

	/* chown clears setuid bits, so the mode comes second */
	if (fchown(fd, OWNER, OWNER) == -1 || fchmod(fd, mode) == -1)
		rc = -1;
	if (rc == 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		rc = -1;
	}
	if (rc == -1 || rename(tmp, path) == -1) {
		int saved = errno;

		unlink(tmp);
		errno = saved;
		die("write", path);
	}
}

static void
put_child(const struct monitor *m, const void *request)
{
	const json_t *req = request;
	AUTO_FREE char *path = target_of(req), *tmp = NULL;
	int64_t want = bindu_json_int(req, "size", -1), got;
	struct exec_note note = { .kind = NOTE_READY, .bytes = -1 };
	struct sigaction sa = { .sa_handler = on_term };
	struct stat st;
	int fd;

	(void)m;
	umask(022);
	sigaction(SIGTERM, &sa, NULL);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		die("write", path);
	}
	make_parents(path);
	tmp = xasprintf("%s.boxd-%d", path, (int)getpid());
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		die("write", path);
	exec_note(&note, -1);
	got = receive(fd, tmp);
	if (got != -1 && want < 0)
		want = await_size();
	if (got == -1 || got != want) {
		unlink(tmp);
		exec_die(BINDU_E_IO, 125, "%s: %lld bytes of %lld came", path,
		    (long long)got, (long long)want);
	}
	finish(fd, tmp, path, mode_of(req, path));
	note.kind = NOTE_DONE;
	note.bytes = got;
	exec_note(&note, -1);
	_exit(0);
}

static void
get_child(const struct monitor *m, const void *request)
{
	AUTO_FREE char *path = target_of(request);
	struct exec_note note = { .kind = NOTE_READY };
	struct bindu_err e = { 0 };
	struct statfs fs;
	struct stat st;
	int64_t sent;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	(void)m;
	if (fd == -1 || fstat(fd, &st) == -1 || fstatfs(fd, &fs) == -1)
		die("read", path);
	/* /proc/self would be this process, which came from the host. */
	if (!S_ISREG(st.st_mode) || fs.f_type == PROC_SUPER_MAGIC)
		exec_die(BINDU_E_DATA, 125, "%s in the box is no regular file",
		    path);
	note.bytes = st.st_size;
	exec_note(&note, -1);
	signal(SIGPIPE, SIG_IGN);
	sent = bindu_fd_copy(fd, 1, &e);
	if (sent == -1)
		exec_die(e.code, 125, "%s: %s", path, e.msg);
	note.kind = NOTE_DONE;
	note.bytes = sent;
	exec_note(&note, -1);
	_exit(0);
}

static void
refuse(struct monitor *m, struct conn *c, const struct bindu_err *e)
{
	conn_fail(c, e);
	conn_drop(m, c);
}

/* One pipe between the daemon and a process of the box; end: which of the
 * child's streams it is. */
static void
transfer(struct monitor *m, struct conn *c, const json_t *req, int end,
    void (*fn)(const struct monitor *, const void *))
{
	int p[2], io[3] = { -1, -1, -1 };
	struct bindu_err e = { 0 };
	struct exec *x;

	if (pipe2(p, O_CLOEXEC) == -1) {
		bindu_err_sys(&e, "cannot make a pipe");
		refuse(m, c, &e);
		return;
	}
	io[end] = p[end];
	x = exec_spawn(m, c, io, fn, req, &e);
	if (!x) {
		close(p[!end]);
		refuse(m, c, &e);
		return;
	}
	x->file = true;
	x->give[0] = p[!end];
	x->ngive = 1;
}

void
files_put(struct monitor *m, struct conn *c, const json_t *req)
{
	transfer(m, c, req, 0, put_child);
}

void
files_get(struct monitor *m, struct conn *c, const json_t *req)
{
	transfer(m, c, req, 1, get_child);
}
