/* statcache.c - path, device, inode, size, times and mode to SHA-256, and
 * whether the scrubber found nothing in it.
 *
 * A file written in the same clock tick as its digest was taken could change
 * again without its times changing (git's "racy" problem).  So only files
 * clearly older than the start of the hashing are remembered; the time is
 * that of a file made then in the cache's own directory, or the kernel's
 * coarse clock less two seconds where the tree is on another file system.
 *
 * Roots come and go: a file no one has used for a month, and the oldest ones
 * over a bound of number and size, leave when another is written.
 * SPDX-License-Identifier: Apache-2.0 */
#include "statcache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "compress.h"
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "scrub_id.h"

#define CACHE_MAX (256u << 20)
#define MARGIN_NS 20000000u /* five jiffies at the slowest usual tick */
#define SECOND_NS 1000000000u

#define FILES_MAX 64
#define BYTES_MAX (256u << 20) /* of all files together */
#define DAY 86400
#define AGE_MAX (30 * DAY)

static const char magic[8] = "bindust2";

/* On disk after the head: record, then the path without a NUL. */
struct record {
	uint64_t dev, ino, size, mtime_ns, ctime_ns;
	uint16_t mode, clean;
	uint32_t path_len;
	uint8_t sha256[BINDU_SHA256];
};

struct head {
	char magic[8];
	uint32_t crc; /* of all that follows the head */
	uint32_t count;
	uint64_t rules; /* by which files are clean: BINDU_SCRUB_ID */
};

struct bindu_statcache {
	int dirfd; /* -1: no cache */
	char name[2 * BINDU_SHA256 + 1];
	char temp[2 * BINDU_SHA256 + 32];
	int fd; /* the new file, from begin on */
	dev_t dev; /* of the cache directory */
	uint64_t now_ns; /* when hashing began, by the file's clock */
	char *text;
	size_t len;
	bool same_rules;
};

/* The file's time says when it was last of use, to the day. */
static void
keep_young(const struct bindu_statcache *c)
{
	struct stat st;

	if (fstatat(c->dirfd, c->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_mtim.tv_sec + DAY < time(NULL))
		utimensat(c->dirfd, c->name, NULL, AT_SYMLINK_NOFOLLOW);
}

struct bindu_statcache *
bindu_statcache_open(const char *root)
{
	struct bindu_statcache *c = xcalloc(1, sizeof *c);
	AUTO_FREE char *cache = bindu_config_cache_dir();
	AUTO_FREE char *dir = cache ? bindu_path_join(cache, "stat") : NULL;
	uint8_t sum[BINDU_SHA256];
	struct head h;

	c->fd = c->dirfd = -1;
	if (dir == NULL || bindu_config_make_cache(cache, NULL) == -1)
		return c;
	c->dirfd = bindu_fd_private_dir(dir, NULL);
	if (c->dirfd == -1)
		return c;
	bindu_digest_bytes(root, strlen(root), sum);
	bindu_str_hex(sum, 16, c->name);
	if (bindu_fd_read_file(c->dirfd, c->name, CACHE_MAX, &c->text, &c->len,
		NULL) == -1)
		return c;
	if (c->len >= sizeof h)
		memcpy(&h, c->text, sizeof h);
	if (c->len < sizeof h || memcmp(h.magic, magic, sizeof magic) != 0 ||
	    h.crc != bindu_compress_crc(c->text + sizeof h, c->len - sizeof h))
		c->len = 0;
	c->same_rules = c->len != 0 && h.rules == BINDU_SCRUB_ID;
	keep_young(c);
	return c;
}

void
bindu_statcache_free(struct bindu_statcache *c)
{
	if (c == NULL)
		return;
	if (c->fd != -1) {
		unlinkat(c->dirfd, c->temp, 0);
		close(c->fd);
	}
	if (c->dirfd != -1)
		close(c->dirfd);
	free(c->text);
	free(c);
}

/* The record at *at and its path; false at the end. */
static bool
next_record(const struct bindu_statcache *c, size_t *at, struct record *r,
    const char **path)
{
	if (c->len < *at || c->len - *at < sizeof *r)
		return false;
	memcpy(r, c->text + *at, sizeof *r);
	*at += sizeof *r;
	if (r->path_len > c->len - *at)
		return false;
	*path = c->text + *at;
	*at += r->path_len;
	return true;
}

static int
compare_path(const struct bindu_entry *e, const char *path, size_t n)
{
	int c = strncmp(e->path, path, n);

	return c != 0 ? c : e->path[n] != '\0';
}

/* Both are sorted by path: one pass. */
size_t
bindu_statcache_fill(const struct bindu_statcache *c, struct bindu_tree *t)
{
	size_t at = sizeof(struct head), i = 0, filled = 0;
	const char *path;
	struct record r;

	while (i < t->n && next_record(c, &at, &r, &path)) {
		struct bindu_entry *e;

		while (i < t->n &&
		    compare_path(&t->entry[i], path, r.path_len) < 0)
			i++;
		if (i == t->n)
			break;
		e = &t->entry[i];
		if (e->type != BINDU_FILE || e->hashed ||
		    compare_path(e, path, r.path_len) != 0 || e->dev != r.dev ||
		    e->ino != r.ino || e->size != r.size ||
		    e->mtime_ns != r.mtime_ns || e->ctime_ns != r.ctime_ns ||
		    e->mode != r.mode)
			continue;
		memcpy(e->sha256, r.sha256, sizeof r.sha256);
		e->hashed = true;
		e->clean = r.clean != 0 && c->same_rules;
		filled++;
	}
	return filled;
}

void
bindu_statcache_begin(struct bindu_statcache *c)
{
	struct timespec ts;
	struct stat st;

	if (c->dirfd == -1 || c->fd != -1)
		return;
	snprintf(c->temp, sizeof c->temp, "%s.%ld", c->name, (long)getpid());
	unlinkat(c->dirfd, c->temp, 0);
	c->fd = openat(c->dirfd, c->temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->fd == -1 || fstat(c->fd, &st) == -1)
		return;
	c->dev = st.st_dev;
	c->now_ns = (uint64_t)st.st_mtim.tv_sec * SECOND_NS +
	    (uint64_t)st.st_mtim.tv_nsec;
	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	if ((uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec < c->now_ns)
		c->now_ns = (uint64_t)ts.tv_sec * SECOND_NS +
		    (uint64_t)ts.tv_nsec;
}

static bool
is_old_enough(const struct bindu_statcache *c, const struct bindu_entry *e)
{
	uint64_t young = e->mtime_ns > e->ctime_ns ? e->mtime_ns : e->ctime_ns;
	bool coarse = e->dev != c->dev || e->mtime_ns % SECOND_NS == 0 ||
	    e->ctime_ns % SECOND_NS == 0;

	return young + (coarse ? 2ull * SECOND_NS : MARGIN_NS) < c->now_ns;
}

struct file {
	char name[2 * BINDU_SHA256 + 32];
	time_t used;
	uint64_t size;
};

static int
compare_used(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return (x->used < y->used) - (x->used > y->used);
}

/* The regular files of the cache's directory, the youngest first. */
static struct file *
list_files(const struct bindu_statcache *c, size_t *n)
{
	int fd = openat(c->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct file *files = NULL;
	const struct dirent *e;
	size_t cap = 0;
	struct stat st;

	*n = 0;
	if (d == NULL && fd != -1)
		close(fd);
	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len >= sizeof files->name ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(st.st_mode))
			continue;
		bindu_grow(&files, &cap, *n + 1, sizeof *files);
		memcpy(files[*n].name, e->d_name, len + 1);
		files[*n].used = st.st_mtim.tv_sec;
		files[(*n)++].size = (uint64_t)st.st_size;
	}
	if (d != NULL)
		closedir(d);
	if (*n > 1)
		qsort(files, *n, sizeof *files, compare_used);
	return files;
}

static void
prune(const struct bindu_statcache *c)
{
	time_t now = time(NULL);
	uint64_t bytes = 0;
	size_t n;
	AUTO_FREE struct file *files = list_files(c, &n);

	for (size_t i = 0; i < n; i++) {
		bytes += files[i].size;
		if ((i >= FILES_MAX || bytes > BYTES_MAX ||
			files[i].used + AGE_MAX < now) &&
		    strcmp(files[i].name, c->name) != 0)
			unlinkat(c->dirfd, files[i].name, 0);
	}
}

void
bindu_statcache_save(struct bindu_statcache *c, const struct bindu_tree *t)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(CACHE_MAX);
	struct head h = { .rules = BINDU_SCRUB_ID };

	if (c->fd == -1)
		return;
	memcpy(h.magic, magic, sizeof magic);
	if (bindu_buf_add(&b, &h, sizeof h, NULL) == -1)
		return;
	for (size_t i = 0; i < t->n; i++) {
		const struct bindu_entry *e = &t->entry[i];
		struct record r = { .dev = e->dev,
			.ino = e->ino,
			.size = e->size,
			.mtime_ns = e->mtime_ns,
			.ctime_ns = e->ctime_ns,
			.mode = (uint16_t)e->mode,
			.clean = e->clean,
			.path_len = (uint32_t)strlen(e->path) };

		if (e->type != BINDU_FILE || !e->hashed || !is_old_enough(c, e))
			continue;
		memcpy(r.sha256, e->sha256, sizeof r.sha256);
		if (bindu_buf_add(&b, &r, sizeof r, NULL) == -1 ||
		    bindu_buf_add(&b, e->path, r.path_len, NULL) == -1)
			return;
		h.count++;
	}
	h.crc = bindu_compress_crc(b.p + sizeof h, b.len - sizeof h);
	memcpy(b.p, &h, sizeof h);
	/* Not synced: a torn file fails its sum and is read as empty. */
	if (bindu_fd_write(c->fd, b.p, b.len) == -1 ||
	    renameat(c->dirfd, c->temp, c->dirfd, c->name) == -1)
		return;
	close(c->fd);
	c->fd = -1;
	prune(c);
}
