/* fd.c - see fd.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "fd.h"
#include "mem.h"
#include "path.h"

ssize_t
bindu_fd_read(int fd, void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = read(fd, (char *)p + done, n - done);

		if (r == 0)
			break;
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

int
bindu_fd_write(int fd, const void *p, size_t n)
{
	const char *s = p;

	while (n > 0) {
		ssize_t r = write(fd, s, n);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		s += r;
		n -= (size_t)r;
	}
	return 0;
}

int
bindu_fd_read_all(int fd, size_t max, char **out, size_t *len,
    struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(SIZE_MAX - 2);
	size_t want = 4096;
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uint64_t)st.st_size <= max)
		want = (size_t)st.st_size + 1;
	for (;;) {
		char *to = bindu_buf_room(&b, want, err);
		ssize_t r;

		if (to == NULL)
			return -1;
		r = bindu_fd_read(fd, to, want);
		if (r == -1)
			return bindu_err_sys(err, "cannot read");
		b.len += (size_t)r;
		if (b.len > max)
			return bindu_err_set(err, BINDU_E_DATA,
			    "more than %zu bytes", max);
		if ((size_t)r < want)
			break;
		want = b.len < 1 << 20 ? 65536 : 1 << 20;
	}
	if (len != NULL)
		*len = b.len;
	*out = bindu_buf_steal(&b);
	return 0;
}

int
bindu_fd_read_file(int dirfd, const char *name, size_t max, char **out,
    size_t *len, struct bindu_err *err)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO must not hang us before fstat names it. */
	fd = openat(dirfd, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return bindu_err_sys(err, "cannot open %s", name);
	if (fstat(fd, &st) == -1)
		return bindu_err_sys(err, "cannot stat %s", name);
	if (!S_ISREG(st.st_mode))
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s is not a regular file", name);
	if (bindu_fd_read_all(fd, max, out, len, err) == -1)
		return bindu_err_wrap(err, "%s", name);
	return 0;
}

char *
bindu_fd_last_line(int dirfd, const char *name, off_t from)
{
	AUTO_CLOSE int fd = openat(dirfd, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	char end[4096];
	const char *line;
	off_t size = fd != -1 ? lseek(fd, 0, SEEK_END) : -1;
	ssize_t n;

	if (size - from > (off_t)sizeof end)
		from = size - (off_t)sizeof end;
	n = fd != -1 ? pread(fd, end, sizeof end, from) : -1;
	while (n > 0 && end[n - 1] == '\n')
		n--;
	if (n <= 0)
		return NULL;
	line = memrchr(end, '\n', (size_t)n);
	line = line != NULL ? line + 1 : end;
	return xstrndup(line, (size_t)(end + n - line));
}

int
bindu_fd_read_named(const char *path, size_t max, char **out, size_t *len,
    struct bindu_err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd == -1)
		return bindu_err_sys(err, "cannot open %s", path);
	if (bindu_fd_read_all(fd, max, out, len, err) == -1)
		return bindu_err_wrap(err, "%s", path);
	return 0;
}

int64_t
bindu_fd_copy(int in, int out, struct bindu_err *err)
{
	AUTO_FREE char *p = xmalloc(1 << 17);
	int64_t total = 0;

	for (;;) {
		ssize_t r = read(in, p, 1 << 17);

		if (r == 0)
			return total;
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return bindu_err_sys(err, "cannot read");
		if (bindu_fd_write(out, p, (size_t)r) == -1)
			return bindu_err_sys(err, "cannot write");
		total += r;
	}
}

/* One component after another with O_NOFOLLOW, for kernels and sandboxes
 * without openat2. */
static int
walk_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	AUTO_FREE char *clean = bindu_path_clean(path);
	AUTO_CLOSE int at = -1;
	char *p = clean, *slash;

	if (strcmp(clean, ".") != 0 && !bindu_path_is_inside(clean)) {
		errno = EXDEV;
		return -1;
	}
	while ((slash = strchr(p, '/')) != NULL) {
		int next;

		*slash = '\0';
		next = openat(at == -1 ? dirfd : at, p,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		bindu_cleanup_close(&at);
		at = next;
		if (at == -1)
			return -1;
		p = slash + 1;
	}
	return openat(at == -1 ? dirfd : at, p, flags | O_NOFOLLOW | O_CLOEXEC,
	    mode);
}

int
bindu_fd_open_beneath(int dirfd, const char *path, int flags, mode_t mode,
    bool follow)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode & 07777 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
		    (follow ? 0 : RESOLVE_NO_SYMLINKS),
	};
	int fd, tries = 0;

	/* EAGAIN: a rename beside us made the kernel unsure; it asks back. */
	do
		fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
	while (fd == -1 && (errno == EAGAIN || errno == EINTR) && ++tries < 64);
	if (fd == -1 && (errno == ENOSYS || errno == EPERM) && !follow)
		return walk_beneath(dirfd, path, flags, mode);
	return fd;
}

int
bindu_fd_replace(int dirfd, const char *name, mode_t mode, const void *p,
    size_t n, struct bindu_err *err)
{
	AUTO_FREE char *dir = bindu_path_dir(name);
	AUTO_FREE char *tmp = bindu_path_temp(name);
	AUTO_CLOSE int fd = -1;
	AUTO_CLOSE int dfd = -1;

	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 && errno == EEXIST) {
		/* Left by a killed process that had our number. */
		unlinkat(dirfd, tmp, 0);
		fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	}
	if (fd == -1)
		return bindu_err_sys(err, "cannot create %s", tmp);
	if (bindu_fd_write(fd, p, n) == -1 || fchmod(fd, mode) == -1 ||
	    fsync(fd) == -1 || renameat(dirfd, tmp, dirfd, name) == -1) {
		bindu_err_sys(err, "cannot write %s", name);
		unlinkat(dirfd, tmp, 0);
		return -1;
	}
	dfd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dfd != -1)
		fsync(dfd);
	return 0;
}

int
bindu_fd_mkdirs(const char *path, mode_t mode, struct bindu_err *err)
{
	AUTO_FREE char *p = bindu_path_clean(path);
	struct stat st;

	if (stat(p, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	for (char *s = p + 1;; s++) {
		char c = *s;

		if (c != '/' && c != '\0')
			continue;
		*s = '\0';
		if (mkdir(p, mode) == -1 && errno != EEXIST)
			return bindu_err_sys(err, "cannot make directory %s",
			    p);
		*s = c;
		if (c == '\0')
			break;
	}
	if (stat(p, &st) == -1)
		return bindu_err_sys(err, "cannot make directory %s", p);
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return bindu_err_sys(err, "cannot make directory %s", p);
	}
	return 0;
}

int
bindu_fd_private_dir(const char *path, struct bindu_err *err)
{
	AUTO_FREE char *dir = bindu_path_dir(path);
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (bindu_fd_mkdirs(dir, 0755, err) == -1)
		return -1;
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return bindu_err_sys(err, "cannot make directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		return bindu_err_sys(err, "cannot open directory %s", path);
	if (st.st_uid != geteuid())
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "%s belongs to user %u, not to us", path,
		    (unsigned)st.st_uid);
	if (st.st_mode & 077)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "%s is open to others (mode %03o): chmod 700 it", path,
		    (unsigned)st.st_mode & 0777);
	return bindu_steal_fd(&fd);
}

int
bindu_fd_cloexec(int fd, bool on)
{
	int f = fcntl(fd, F_GETFD);

	if (f == -1)
		return -1;
	return fcntl(fd, F_SETFD, on ? f | FD_CLOEXEC : f & ~FD_CLOEXEC);
}

int
bindu_fd_nonblock(int fd, bool on)
{
	int f = fcntl(fd, F_GETFL);

	if (f == -1)
		return -1;
	return fcntl(fd, F_SETFL, on ? f | O_NONBLOCK : f & ~O_NONBLOCK);
}
