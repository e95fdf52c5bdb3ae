/* unpack.c - see unpack.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "unpack_end.h"

struct unpack {
	struct archive *a;
	int dirfd;
	uint64_t bytes, max_bytes;
	uint64_t files, max_files;
};

static int
refuse(const char *path, const char *why, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 17);

	bindu_str_visible(&b, path, strlen(path), NULL);
	return bindu_err_set(err, BINDU_E_DATA, "archive: %.700s %s",
	    b.p != NULL ? b.p : "", why);
}

static int
fail_read(struct unpack *u, struct bindu_err *err)
{
	const char *why = archive_error_string(u->a);

	return bindu_err_set(err, BINDU_E_DATA, "cannot read the archive: %s",
	    why != NULL ? why : "unknown error");
}

/* The directory of path, made if need be; *base is the last component. */
static int
open_parent(struct unpack *u, const char *path, const char **base,
    struct bindu_err *err)
{
	AUTO_FREE char *dir = bindu_path_dir(path);
	AUTO_CLOSE int at = dup(u->dirfd);
	char *p = dir, *slash;

	*base = bindu_path_base(path);
	if (strcmp(dir, ".") == 0)
		return bindu_steal_fd(&at);
	do {
		int next;

		slash = strchr(p, '/');
		if (slash != NULL)
			*slash = '\0';
		if (mkdirat(at, p, 0755) == -1 && errno != EEXIST)
			return bindu_err_sys(err, "cannot make %s", path);
		next = openat(at, p,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		bindu_cleanup_close(&at);
		at = next;
		if (at == -1)
			return refuse(path, "goes through what is no directory",
			    err);
		p = slash + 1;
	} while (slash != NULL);
	return bindu_steal_fd(&at);
}

static int
put_file(struct unpack *u, int at, const char *base, const char *path,
    mode_t mode, struct bindu_err *err)
{
	AUTO_CLOSE int fd = -1;
	la_int64_t where;
	const void *p;
	size_t n;
	int r;

	fd = openat(at, base,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    mode & 0111 ? 0755 : 0644);
	if (fd == -1 && errno == EEXIST)
		return refuse(path, "comes twice", err);
	if (fd == -1)
		return bindu_err_sys(err, "cannot make %s", path);
	while (
	    (r = archive_read_data_block(u->a, &p, &n, &where)) == ARCHIVE_OK) {
		if (n > u->max_bytes - u->bytes)
			return refuse(path, "makes it too large", err);
		u->bytes += n;
		if (lseek(fd, where, SEEK_SET) == -1 ||
		    bindu_fd_write(fd, p, n) == -1)
			return bindu_err_sys(err, "cannot write %s", path);
	}
	if (r != ARCHIVE_EOF)
		return fail_read(u, err);
	/* The end of a sparse file may be a hole. */
	if (lseek(fd, 0, SEEK_END) < where &&
	    where <= (la_int64_t)u->max_bytes && ftruncate(fd, where) == -1)
		return bindu_err_sys(err, "cannot write %s", path);
	return 0;
}

static int
put_entry(struct unpack *u, struct archive_entry *e, const char *path,
    struct bindu_err *err)
{
	AUTO_CLOSE int at = -1;
	const char *base;

	at = open_parent(u, path, &base, err);
	if (at == -1)
		return -1;
	if (archive_entry_hardlink(e) != NULL)
		return refuse(path, "is a hard link", err);
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return put_file(u, at, base, path, archive_entry_perm(e), err);
	case AE_IFDIR:
		if (mkdirat(at, base, 0755) == -1 && errno != EEXIST)
			return bindu_err_sys(err, "cannot make %s", path);
		return 0;
	case AE_IFLNK:
		if (archive_entry_symlink(e) == NULL)
			return refuse(path, "is a link without target", err);
		if (symlinkat(archive_entry_symlink(e), at, base) == 0)
			return 0;
		if (errno == EEXIST)
			return refuse(path, "comes twice", err);
		return bindu_err_sys(err, "cannot make %s", path);
	default:
		return refuse(path, "is no file, directory or link", err);
	}
}

static int
take_entry(struct unpack *u, struct archive_entry *e, struct bindu_err *err)
{
	AUTO_FREE char *path = NULL;
	const char *raw = archive_entry_pathname(e);
	size_t n;

	if (raw == NULL)
		return refuse("an entry", "has no name", err);
	if (++u->files > u->max_files)
		return refuse(raw, "is one entry too many", err);
	while (strncmp(raw, "./", 2) == 0)
		raw += 2 + strspn(raw + 2, "/");
	path = xstrdup(raw);
	n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		path[--n] = '\0';
	/* "./" itself */
	if (n == 0 || strcmp(path, ".") == 0)
		return 0;
	if (!bindu_path_is_inside(path))
		return refuse(path, "is not a name inside the archive", err);
	return put_entry(u, e, path, err);
}

int
bindu_unpack(int fd, int dirfd, uint64_t max_bytes, uint64_t max_files,
    struct bindu_err *err)
{
	struct unpack u = {
		.a = archive_read_new(),
		.dirfd = dirfd,
		.max_bytes = max_bytes,
		.max_files = max_files,
	};
	struct archive_entry *e;
	int64_t at = 0;
	int bad = 0, r;

	archive_read_support_format_tar(u.a);
	archive_read_support_format_empty(u.a);
	archive_read_support_filter_gzip(u.a);
	archive_read_support_filter_zstd(u.a);
	if (archive_read_open_fd(u.a, fd, 1 << 16) != ARCHIVE_OK)
		bad = fail_read(&u, err);
	while (!bad && (r = archive_read_next_header(u.a, &e)) != ARCHIVE_EOF) {
		/* A warning is about metadata we do not use. */
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			bad = fail_read(&u, err);
		else
			bad = take_entry(&u, e, err);
		if (!bad && archive_read_data_skip(u.a) < ARCHIVE_WARN)
			bad = fail_read(&u, err);
		at = archive_filter_bytes(u.a, 0);
	}
	if (!bad)
		bad = unpack_check_end(u.a, at, err);
	if (!bad && u.files == 0)
		bad = bindu_err_set(err, BINDU_E_DATA, "the archive is empty");
	archive_read_free(u.a);
	return bad;
}
