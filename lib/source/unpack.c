/* unpack.c - see unpack.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "lib/base/tool.h"
#include "unpack_end.h"
#include "walk_link.h"

#define HOLD (256 * 1024) /* gathered for one write */
#define BLOCK (64 * 1024) /* read at once */

struct unpack {
	struct archive *a;
	int fd;
	char *block;
	struct bindu_tree *t;
	struct bindu_digest *digest;
	char *buf;
	size_t held; /* in buf, not yet in the spool */
	uint64_t written, max_bytes;
	uint64_t files, max_files;
};

static int
refuse(const char *path, const char *why, struct bindu_err *err)
{
	AUTO_FREE char *shown = bindu_str_shown(path);

	return bindu_err_set(err, BINDU_E_DATA, "archive: %s %s", shown, why);
}

static int
fail_read(struct unpack *u, struct bindu_err *err)
{
	const char *why = archive_error_string(u->a);

	if (bindu_tool_interrupted(err) == -1)
		return -1;
	return bindu_err_set(err, BINDU_E_DATA, "cannot read the archive: %s",
	    why != NULL ? why : "unknown error");
}

/* What writes the archive may take its time, or never end: a signal is
 * answered while we wait for it.  After one its end means nothing. */
static la_ssize_t
read_block(struct archive *a, void *ctx, const void **out)
{
	struct unpack *u = ctx;
	struct pollfd p[] = { { .fd = u->fd, .events = POLLIN },
		{ .fd = bindu_tool_wake_fd(), .events = POLLIN } };
	ssize_t n = 0;

	do {
		if (!bindu_tool_pending())
			poll(p, 2, -1);
		if (!bindu_tool_pending())
			n = read(u->fd, u->block, BLOCK);
	} while (n == -1 && errno == EINTR && !bindu_tool_pending());
	*out = u->block;
	if (n > 0 || (n == 0 && !bindu_tool_pending()))
		return n;
	archive_set_error(a, errno, "%s",
	    n == 0 ? "interrupted" : strerror(errno));
	return -1;
}

#define NAMES_ANOTHER "(TMPDIR names another place)"

static const char *
spool_dir(void)
{
	const char *dir = bindu_config_env("TMPDIR");

	return dir != NULL ? dir : "/tmp";
}

static int
cannot_hold(struct bindu_err *err)
{
	return bindu_err_sys(err,
	    "cannot hold the archive's files in %s " NAMES_ANOTHER,
	    spool_dir());
}

static int
open_spool(struct bindu_err *err)
{
	const char *tmp = spool_dir();
	int fd;

	fd = open(tmp, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	/* Not every file system has files without a name. */
	if (fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		AUTO_FREE char *name = xasprintf("%s/bindu-XXXXXX", tmp);

		fd = mkostemp(name, O_CLOEXEC);
		if (fd != -1)
			unlink(name);
	}
	if (fd == -1)
		bindu_err_sys(err, "cannot make a file in %s " NAMES_ANOTHER,
		    tmp);
	return fd;
}

static int
flush(struct unpack *u, struct bindu_err *err)
{
	if (bindu_fd_write(u->t->rootfd, u->buf, u->held) == -1)
		return cannot_hold(err);
	u->written += u->held;
	u->held = 0;
	return 0;
}

static int
put_data(struct unpack *u, const char *p, size_t n, struct bindu_err *err)
{
	bindu_digest_add(u->digest, p, n);
	while (n > 0) {
		size_t part = n < HOLD - u->held ? n : HOLD - u->held;

		memcpy(u->buf + u->held, p, part);
		u->held += part;
		p += part;
		n -= part;
		if (u->held == HOLD && flush(u, err) == -1)
			return -1;
	}
	return 0;
}

/* A hole of a sparse file is one here. */
static int
put_hole(struct unpack *u, uint64_t n, struct bindu_err *err)
{
	static const char zeros[1 << 16];

	if (n == 0)
		return 0;
	if (flush(u, err) == -1)
		return -1;
	u->written += n;
	for (; n > sizeof zeros; n -= sizeof zeros)
		bindu_digest_add(u->digest, zeros, sizeof zeros);
	bindu_digest_add(u->digest, zeros, (size_t)n);
	if (lseek(u->t->rootfd, (off_t)u->written, SEEK_SET) == -1)
		return cannot_hold(err);
	return 0;
}

static int
put_file(struct unpack *u, struct bindu_entry *e, struct bindu_err *err)
{
	la_int64_t where;
	const void *p;
	size_t n;
	int r;

	e->at = u->written + u->held;
	/* The last one says where the file ends, perhaps in a hole. */
	do {
		uint64_t left = u->max_bytes - u->written - u->held, hole;

		n = 0;
		where = (la_int64_t)e->size;
		r = archive_read_data_block(u->a, &p, &n, &where);
		if (r != ARCHIVE_OK && r != ARCHIVE_EOF)
			return fail_read(u, err);
		hole = (uint64_t)where - e->size;
		if (where < 0 || (uint64_t)where < e->size)
			return refuse(e->path, "is not in order", err);
		if (hole > left || n > left - hole)
			return refuse(e->path, "makes it too large", err);
		if (put_hole(u, hole, err) == -1 ||
		    put_data(u, p, n, err) == -1)
			return -1;
		e->size = (uint64_t)where + n;
	} while (r == ARCHIVE_OK);
	bindu_digest_end(u->digest, e->sha256);
	u->t->bytes += e->size;
	return 0;
}

static int
put_entry(struct unpack *u, struct archive_entry *ae, struct bindu_entry *e,
    struct bindu_err *err)
{
	const char *target = archive_entry_symlink(ae);

	e->hashed = true;
	if (archive_entry_hardlink(ae) != NULL)
		return refuse(e->path, "is a hard link", err);
	switch (archive_entry_filetype(ae)) {
	case AE_IFREG:
		e->type = BINDU_FILE;
		e->mode = archive_entry_perm(ae) & 0111 ? 0755 : 0644;
		return put_file(u, e, err);
	case AE_IFDIR:
		e->type = BINDU_DIR;
		e->mode = 0755;
		bindu_digest_bytes("", 0, e->sha256);
		return 0;
	case AE_IFLNK:
		if (target == NULL || *target == '\0')
			return refuse(e->path, "is a link without target", err);
		e->type = BINDU_LINK;
		e->mode = 0777;
		e->link = xstrdup(target);
		e->size = strlen(target);
		bindu_digest_bytes(target, e->size, e->sha256);
		return 0;
	default:
		return refuse(e->path, "is no file, directory or link", err);
	}
}

static bool
is_gits(const char *path)
{
	for (; path != NULL; path = strchr(path, '/')) {
		path += *path == '/';
		if (strncmp(path, ".git", 4) == 0 &&
		    (path[4] == '/' || path[4] == '\0'))
			return true;
	}
	return false;
}

static int
take_entry(struct unpack *u, struct archive_entry *ae, struct bindu_err *err)
{
	const char *raw = archive_entry_pathname(ae);
	struct bindu_tree *t = u->t;
	AUTO_FREE char *path = NULL;
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
	if (is_gits(path))
		return 0;
	bindu_grow(&t->entry, &t->cap, t->n + 1, sizeof *t->entry);
	t->entry[t->n] = (struct bindu_entry){ .path = bindu_steal(&path) };
	return put_entry(u, ae, &t->entry[t->n++], err);
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct bindu_entry *)a)->path,
	    ((const struct bindu_entry *)b)->path);
}

/* Is path's parent, and theirs, a directory, or not told of? */
static int
check_parents(struct bindu_tree *t, const char *path, struct bindu_err *err)
{
	AUTO_FREE char *dir = xstrdup(path);

	for (char *slash; (slash = strrchr(dir, '/')) != NULL;) {
		ssize_t i;

		*slash = '\0';
		i = bindu_tree_find(t, dir);
		if (i == -1)
			continue;
		if (t->entry[i].type != BINDU_DIR)
			return refuse(path, "goes through what is no directory",
			    err);
		/* Not empty: it is no entry of a tree. */
		t->entry[i].mode = 0;
	}
	return 0;
}

static bool
same_parent(const char *a, const char *b)
{
	const char *x = strrchr(a, '/'), *y = strrchr(b, '/');
	size_t n = x != NULL ? (size_t)(x - a) : 0;

	return n == (y != NULL ? (size_t)(y - b) : 0) && memcmp(a, b, n) == 0;
}

/* Sorted, each name once, directories only where they are empty. */
static int
make_tree(struct bindu_tree *t, struct bindu_err *err)
{
	size_t kept = 0;

	if (t->n > 1)
		qsort(t->entry, t->n, sizeof *t->entry, compare_paths);
	for (size_t i = 0; i < t->n; i++) {
		const struct bindu_entry *e = &t->entry[i];
		const struct bindu_entry *last = &t->entry[i > 0 ? i - 1 : 0];

		if (i > 0 && strcmp(e->path, last->path) == 0 &&
		    (e->type != BINDU_DIR || last->type != BINDU_DIR))
			return refuse(e->path, "comes twice", err);
		if ((i == 0 || !same_parent(e->path, last->path)) &&
		    check_parents(t, e->path, err) == -1)
			return -1;
	}
	for (size_t i = 0; i < t->n; i++) {
		struct bindu_entry *e = &t->entry[i];

		if (e->mode != 0 &&
		    (i + 1 == t->n || strcmp(e->path, e[1].path) != 0))
			t->entry[kept++] = *e;
		else
			free(e->path);
	}
	t->n = kept;
	return bindu_walk_check_links(t, err);
}

static int
read_entries(struct unpack *u, struct bindu_err *err)
{
	struct archive_entry *e;
	int64_t at = 0;
	int r;

	archive_read_support_format_tar(u->a);
	archive_read_support_format_empty(u->a);
	archive_read_support_filter_gzip(u->a);
	archive_read_support_filter_zstd(u->a);
	if (archive_read_open(u->a, u, NULL, read_block, NULL) != ARCHIVE_OK)
		return fail_read(u, err);
	while ((r = archive_read_next_header(u->a, &e)) != ARCHIVE_EOF) {
		/* A warning is about metadata we do not use. */
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return fail_read(u, err);
		if (take_entry(u, e, err) == -1)
			return -1;
		if (archive_read_data_skip(u->a) < ARCHIVE_WARN)
			return fail_read(u, err);
		at = archive_filter_bytes(u->a, 0);
	}
	if (unpack_check_end(u->a, at, err) == -1)
		return -1;
	if (u->files == 0)
		return bindu_err_set(err, BINDU_E_DATA, "the archive is empty");
	if (flush(u, err) == -1)
		return -1;
	/* The last file may end in a hole. */
	if (ftruncate(u->t->rootfd, (off_t)u->written) == -1)
		return cannot_hold(err);
	return 0;
}

int
bindu_unpack(int fd, uint64_t max_bytes, uint64_t max_files,
    struct bindu_tree **out, struct bindu_err *err)
{
	struct unpack u = {
		.fd = fd,
		.t = xcalloc(1, sizeof *u.t),
		.max_bytes = max_bytes,
		.max_files = max_files,
	};
	int bad;

	u.t->spooled = true;
	u.t->rootfd = open_spool(err);
	if (u.t->rootfd == -1) {
		bindu_tree_free(u.t);
		return -1;
	}
	u.a = archive_read_new();
	u.digest = bindu_digest_new();
	u.buf = xmalloc(HOLD);
	u.block = xmalloc(BLOCK);
	bad = read_entries(&u, err);
	if (!bad)
		bad = make_tree(u.t, err);
	archive_read_free(u.a);
	bindu_digest_free(u.digest);
	free(u.buf);
	free(u.block);
	if (bad)
		bindu_tree_free(u.t);
	else
		*out = u.t;
	return bad;
}
