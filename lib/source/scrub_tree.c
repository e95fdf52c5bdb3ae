/* scrub_tree.c - a loaded tree: names, links, contents, in the tree's order.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "scrub_file.h"
#include "statcache.h"
#include "walk_dir.h"

/* Inodes of files a name rule dropped: another name of them is no escape. */
struct inodes {
	struct {
		uint64_t dev, ino;
	} * v;
	size_t n, cap;
};

struct tree_scan {
	struct bindu_tree *t;
	struct bindu_walk_dir *dirs;
	struct scrub_job job;
	struct bindu_statcache *cache; /* or NULL */
	struct bindu_digest *digest;
	struct inodes dropped;
};

static void
remember_inode(struct inodes *l, const struct stat *st)
{
	if (st->st_nlink < 2)
		return;
	bindu_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v);
	l->v[l->n].dev = st->st_dev;
	l->v[l->n++].ino = st->st_ino;
}

static bool
is_dropped_inode(const struct inodes *l, const struct bindu_entry *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].dev == e->dev && l->v[i].ino == e->ino)
			return true;
	return false;
}

/* What is read of a file, and its digest if it is read in order. */
struct reading {
	int fd;
	struct bindu_digest *digest;
	uint64_t n;
	bool sought;
};

static ssize_t
read_fd(void *ctx, void *p, size_t n, struct bindu_err *err)
{
	struct reading *r = ctx;
	ssize_t got;

	do {
		if (bindu_tool_pending())
			return bindu_err_set(err, BINDU_E_SIGNAL,
			    "interrupted");
		got = read(r->fd, p, n);
	} while (got == -1 && errno == EINTR);
	if (got == -1)
		return bindu_err_sys(err, "reading failed");
	if (r->digest && got > 0)
		bindu_digest_add(r->digest, p, (size_t)got);
	r->n += (uint64_t)got;
	return got;
}

static int64_t
seek_fd(void *ctx, int64_t to)
{
	struct reading *r = ctx;

	r->sought = true;
	return lseek(r->fd, to, SEEK_SET);
}

static int
open_entry(struct tree_scan *s, const struct bindu_entry *e, struct stat *st,
    struct bindu_err *err)
{
	const char *name;
	int at = bindu_walk_dir_parent(s->dirs, e->path, &name), fd;

	fd = at == -1 ?
	    -1 :
	    openat(at, name,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return bindu_err_sys(err, "opening failed");
	if (fstat(fd, st) == -1 || !S_ISREG(st->st_mode)) {
		close(fd);
		return bindu_err_set(err, BINDU_E_IO,
		    "it is no regular file any more");
	}
	return fd;
}

/* Is the whole file's digest one that an entry allows? */
static bool
is_allowed_file(struct tree_scan *s, const struct bindu_entry *e)
{
	AUTO_CLOSE int fd = -1;
	uint8_t sum[BINDU_SHA256];
	uint64_t size;
	struct stat st;

	if (!scrub_allow_wants_digest(s->job.allow, e->path))
		return false;
	fd = open_entry(s, e, &st, NULL);
	return fd != -1 && bindu_digest_fd(fd, sum, &size, NULL) == 0 &&
	    scrub_file_is_allowed(&s->job, e->path, sum);
}

/* All said so far of contents: does a file add to it? */
static size_t
count_said(const struct bindu_scrub_report *r)
{
	return r->n + r->nallowed + r->nunread + r->nkept;
}

/* Nothing was said of a file that was read once, in order: by its digest its
 * content is known as clean, whatever it is called.  A file that changed since
 * the walk is no longer the entry's. */
static void
learn(const struct tree_scan *s, struct bindu_entry *e, const struct reading *r,
    bool silent)
{
	uint8_t sum[BINDU_SHA256];
	struct stat st;

	bindu_digest_end(s->digest, sum);
	if (!silent || r->sought || s->job.packed || r->n != e->size ||
	    fstat(r->fd, &st) == -1 || !bindu_entry_is(e, &st))
		return;
	memcpy(e->sha256, sum, sizeof sum);
	e->hashed = e->clean = true;
}

/* Read the file; the rule by which its content drops it, or NULL.  A name
 * that content decides about is told of, so such a file is always read. */
static const char *
judge_content(struct tree_scan *s, struct bindu_entry *e,
    enum bindu_name_act act, const char *name_rule)
{
	bool may_know = s->cache && act != BINDU_NAME_SCAN;
	struct bindu_err why = { 0 };
	struct stat st;
	AUTO_CLOSE int fd = -1;
	struct reading reading = { .digest = may_know ? s->digest : NULL };
	struct bindu_source src = { read_fd, seek_fd, &reading, 0 };
	size_t said = count_said(s->job.r);
	int bad;

	if (may_know && e->clean) {
		s->job.r->files++;
		s->job.r->bytes += e->size;
		return NULL;
	}
	reading.fd = fd = open_entry(s, e, &st, &why);
	if (fd == -1) {
		scrub_report_unread(&s->job, e->path, why.msg);
		return NULL;
	}
	src.size = (uint64_t)st.st_size;
	bad = scrub_file(&s->job, e->path, src.size, act == BINDU_NAME_SCAN,
	    &src, &why);
	if (may_know)
		learn(s, e, &reading, !bad && count_said(s->job.r) == said);
	if (bad) {
		scrub_report_unread(&s->job, e->path, why.msg);
		return NULL;
	}
	return scrub_file_verdict(&s->job, act, name_rule);
}

static void
drop_entry(struct tree_scan *s, size_t i, const char *rule)
{
	struct stat st;
	const char *name;
	int at;

	scrub_report_drop(s->job.r, s->t->entry[i].path, rule);
	if (s->t->entry[i].type == BINDU_FILE) {
		at = bindu_walk_dir_parent(s->dirs, s->t->entry[i].path, &name);
		if (at != -1 &&
		    fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			remember_inode(&s->dropped, &st);
	}
	bindu_tree_drop(s->t, i, rule, true);
}

/* What the walk has dropped by name already; an allowed file comes back. */
static void
take_walk_drops(struct tree_scan *s)
{
	struct bindu_tree *t = s->t;
	struct stat st;
	const char *name;

	for (size_t i = 0; i < t->ndrop; i++) {
		int at = bindu_walk_dir_parent(s->dirs, t->drop[i].path, &name);

		if (at != -1 &&
		    fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			remember_inode(&s->dropped, &st);
		scrub_report_drop(s->job.r, t->drop[i].path, t->drop[i].rule);
	}
}

static int
scan_entries(struct tree_scan *s, struct bindu_err *err)
{
	const char *rule, *why;
	enum bindu_name_act act;

	for (size_t i = 0; i < s->t->n && !bindu_tool_pending();) {
		struct bindu_entry *e = &s->t->entry[i];

		bindu_progress(s->job.report, "scrub", s->job.r->bytes,
		    s->t->bytes, "bytes");
		why = scrub_name_verdict(e->path, e->type == BINDU_DIR, e->link,
		    &act, &rule);
		if (!why && e->type == BINDU_FILE &&
		    is_dropped_inode(&s->dropped, e))
			why = "name/hard-link-to-dropped";
		if (!why)
			scrub_path(&s->job, e->path, e->link);
		if ((why || act == BINDU_NAME_SCAN) && e->type == BINDU_FILE &&
		    is_allowed_file(s, e)) {
			i++;
			continue;
		}
		if (act == BINDU_NAME_WARN && e->type == BINDU_FILE)
			scrub_report_name(s->job.r, e->path, rule);
		if (why && s->job.o->all && e->type == BINDU_FILE)
			judge_content(s, e, BINDU_NAME_DROP, why);
		if (!why && e->type == BINDU_FILE)
			why = judge_content(s, e, act, rule);
		if (why)
			drop_entry(s, i, why);
		else
			i++;
	}
	return bindu_tool_interrupted(err);
}

/* What the cache knows; what is learned from here on is young. */
static void
open_cache(struct tree_scan *s)
{
	if (s->job.o->no_cache || s->job.o->all)
		return;
	s->cache = bindu_statcache_open(s->t->root);
	bindu_statcache_fill(s->cache, s->t);
	for (size_t i = 0; i < s->t->n; i++)
		if (s->t->entry[i].type == BINDU_FILE &&
		    !s->t->entry[i].clean) {
			bindu_statcache_begin(s->cache);
			return;
		}
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct bindu_drop *)a)->path,
	    ((const struct bindu_drop *)b)->path);
}

int
bindu_scrub_tree(struct bindu_tree *t, const struct bindu_scrub_opts *o,
    const struct bindu_report *report, struct bindu_scrub_report *r,
    struct bindu_err *err)
{
	struct tree_scan s = { .t = t, .job.report = report };
	int bad;

	memset(r, 0, sizeof *r);
	s.job.o = o;
	s.job.r = r;
	s.job.allow =
	    scrub_allow_load(t->rootfd, o->allow_file, o->baseline, err);
	if (!s.job.allow)
		return -1;
	s.dirs = bindu_walk_dir_new(t->rootfd);
	s.job.scan = scrub_scan_new();
	s.digest = bindu_digest_new();
	open_cache(&s);
	take_walk_drops(&s);
	bad = scan_entries(&s, err);
	if (s.cache && !bad)
		bindu_statcache_save(s.cache, t);
	bindu_statcache_free(s.cache);
	bindu_digest_free(s.digest);
	bindu_tree_sort_drops(t);
	if (r->ndrop > 1)
		qsort(r->drop, r->ndrop, sizeof *r->drop, by_path);
	scrub_allow_stale(s.job.allow, &r->stale);
	scrub_scan_free(s.job.scan);
	scrub_allow_free(s.job.allow);
	bindu_walk_dir_free(s.dirs);
	free(s.dropped.v);
	return bad;
}
