/* walk.c - read the tree: names by getdents64, rules, then lstat of what is
 * left, so that an ignored directory costs one name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ignore.h"
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "lib/base/tool.h"
#include "scrub.h"
#include "tree.h"
#include "walk_dir.h"
#include "walk_link.h"
#include "walk_stat.h"

#define LISTING (64 * 1024)
/* Files from this number on are looked at in the end, by several threads. */
#define STAT_LATER 1000
#define SPECIAL_NAMED 5 /* special files named one by one */

/* Work left: a directory to read, or one to leave again. */
struct todo {
	char *path; /* NULL: leave the innermost ignore frame */
	bool tracked_only; /* ignored, but git tracks files in it */
};

struct walk {
	struct bindu_tree *tree;
	const struct bindu_walk_opts *o;
	const struct bindu_report *report;
	struct bindu_ignore *ignore;
	struct bindu_walk_dir *dirs;
	struct todo *todo;
	size_t ntodo, todocap;
	char *listing; /* whole getdents64 records of one directory */
	size_t listed, listcap;
	char *path; /* directory, slash, name at hand */
	size_t dirlen, pathcap; /* dirlen with the slash */
	char *own[2]; /* our cache and state, relative, or NULL */
	dev_t dev;
	bool other_fs; /* said so already */
};

static const char *
visible(struct bindu_buf *b, const char *path)
{
	bindu_buf_reset(b);
	bindu_str_visible(b, path, strlen(path), NULL);
	return b->p ? b->p : "";
}

static void
push_todo(struct walk *w, char *path, bool tracked_only)
{
	bindu_grow(&w->todo, &w->todocap, w->ntodo + 1, sizeof *w->todo);
	w->todo[w->ntodo++] = (struct todo){ path, tracked_only };
}

static void
add_drop(struct bindu_tree *t, const char *path, const char *rule)
{
	bindu_grow(&t->drop, &t->dropcap, t->ndrop + 1, sizeof *t->drop);
	t->drop[t->ndrop++] = (struct bindu_drop){ .path = xstrdup(path),
		.rule = xstrdup(rule),
		.secret = true };
}

/* st NULL: not looked at yet, mode stays 0. */
static struct bindu_entry *
add_entry(struct walk *w, const struct stat *st, enum bindu_entry_type type)
{
	struct bindu_tree *t = w->tree;
	struct bindu_entry *e;

	bindu_grow(&t->entry, &t->cap, t->n + 1, sizeof *t->entry);
	e = &t->entry[t->n++];
	*e = (struct bindu_entry){ .path = xstrdup(w->path), .type = type };
	if (st != NULL)
		bindu_entry_stat(e, st);
	return e;
}

static int
add_link(struct walk *w, int dirfd, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof target);
	struct bindu_entry *e;

	if (n == -1 && errno == EINVAL)
		return 0; /* no link any more */
	if (n == -1)
		return -1;
	e = add_entry(w, st, BINDU_LINK);
	e->link = xstrndup(target, (size_t)n);
	e->size = (uint64_t)n;
	e->mode = 0777;
	return 0;
}

static void
count_special(struct walk *w)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 17);

	if (w->tree->special++ < SPECIAL_NAMED)
		bindu_note(w->report, BINDU_WARN,
		    "%s is no file, directory "
		    "or link; it is left out",
		    visible(&b, w->path));
}

static bool
is_output(const struct bindu_walk_opts *o, const struct stat *st)
{
	for (size_t i = 0; i < sizeof o->skip / sizeof *o->skip; i++)
		if (o->skip[i].ino == st->st_ino &&
		    o->skip[i].dev == st->st_dev)
			return true;
	return false;
}

/* A name in the tree that no rule is against: w->path. */
static int
add_survivor(struct walk *w, int dirfd, const char *name, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 17);
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno == ENOENT)
			return 0; /* vanished since it was listed */
		bindu_err_sys(err, "cannot stat %s", visible(&b, w->path));
		if (err != NULL)
			err->code = BINDU_E_NOINPUT;
		return -1;
	}
	if (S_ISREG(st.st_mode)) {
		if (is_output(w->o, &st))
			return 0;
		add_entry(w, &st, BINDU_FILE)->mode = st.st_mode & 0111 ? 0755 :
									  0644;
		w->tree->bytes += (uint64_t)st.st_size;
	} else if (S_ISLNK(st.st_mode)) {
		if (add_link(w, dirfd, name, &st) == -1)
			return bindu_err_sys(err, "cannot read link %s",
			    visible(&b, w->path));
	} else if (!S_ISDIR(st.st_mode)) {
		count_special(w);
	}
	return 0;
}

/* Python trusts a .pyc whose recorded time and size fit its source; with
 * the fixed times of an archive a stale one would fit. */
static bool
is_bytecode(const char *name, size_t n)
{
	return n == 11 && memcmp(name, "__pycache__", 11) == 0;
}

/* No name rule looks at more components than these; the ones before were
 * judged on the way down, and in a deep tree they are many. */
#define NAME_DEPTH 8

static const char *
denied_by(const struct walk *w, size_t n, bool is_dir)
{
	const char *at = w->path + n, *rule;

	if (w->o->no_deny)
		return NULL;
	for (int left = NAME_DEPTH; at > w->path; at--)
		if (at[-1] == '/' && --left == 0)
			break;
	return bindu_scrub_name(at, is_dir, &rule) == BINDU_NAME_DROP ? rule :
									NULL;
}

enum fate { KEEP, LEAVE_OUT, KEEP_TRACKED };

/* What the rules say of w->path, n bytes long. */
static enum fate
judge(struct walk *w, const char *name, size_t n, bool is_dir)
{
	const struct bindu_walk_opts *o = w->o;
	enum fate fate = KEEP;
	struct bindu_verdict v;
	const char *rule;

	for (int i = 0; i < 2; i++)
		if (w->own[i] != NULL && strcmp(w->own[i], w->path) == 0)
			return LEAVE_OUT;
	if (o->all) {
		if (is_dir && !o->keep_pyc && is_bytecode(name, strlen(name)))
			return LEAVE_OUT;
	} else {
		bindu_ignore_test(w->ignore, w->path, n, w->dirlen, is_dir, &v);
		if (v.ignored &&
		    (is_bytecode(name, strlen(name)) ||
			!bindu_ignore_tracked(w->ignore, w->path, n, is_dir))) {
			w->tree->ignored++;
			return LEAVE_OUT;
		}
		if (v.ignored)
			fate = KEEP_TRACKED;
	}
	rule = denied_by(w, n, is_dir);
	if (rule == NULL)
		return fate;
	add_drop(w->tree, w->path, rule);
	return LEAVE_OUT;
}

static size_t
set_name(struct walk *w, const char *name, size_t len)
{
	bindu_grow(&w->path, &w->pathcap, w->dirlen + len + 1, 1);
	memcpy(w->path + w->dirlen, name, len);
	w->path[w->dirlen + len] = '\0';
	return w->dirlen + len;
}

static int
take_name(struct walk *w, int dirfd, const char *name, unsigned char type,
    struct bindu_err *err)
{
	size_t n = set_name(w, name, strlen(name));
	enum fate fate;

	if (type == DT_UNKNOWN) {
		struct stat st;

		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			return 0;
		type = IFTODT(st.st_mode);
	}
	fate = judge(w, name, n, type == DT_DIR);
	if (fate == LEAVE_OUT)
		return 0;
	if (type == DT_DIR) {
		push_todo(w, xstrdup(w->path), fate == KEEP_TRACKED);
		return 0;
	}
	w->tree->kept += fate == KEEP_TRACKED;
	if (type == DT_REG && w->tree->n >= STAT_LATER) {
		add_entry(w, NULL, BINDU_FILE);
		return 0;
	}
	return add_survivor(w, dirfd, name, err);
}

/* A file that was left for later, in a thread: mode 0 stays when it is gone
 * or ours, 1 says that it is no file any more. */
static void
take_stat(void *ctx, struct bindu_entry *e, const struct stat *st)
{
	const struct walk *w = ctx;

	if (st == NULL || is_output(w->o, st))
		return;
	bindu_entry_stat(e, st);
	e->mode = !S_ISREG(st->st_mode) ? 1 : st->st_mode & 0111 ? 0755 : 0644;
}

static int
stat_later(struct walk *w, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 17);
	struct bindu_tree *t = w->tree;
	size_t kept = STAT_LATER;

	if (t->n <= STAT_LATER)
		return 0;
	if (bindu_walk_stat(t, STAT_LATER, take_stat, w, err) == -1)
		return -1;
	t->bytes = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct bindu_entry *e = &t->entry[i];

		if (e->mode == 1)
			bindu_note(w->report, BINDU_WARN,
			    "%s changed its kind "
			    "while the tree was read; it is left out",
			    visible(&b, e->path));
		if (e->mode <= 1) {
			free(e->path);
			continue;
		}
		t->bytes += e->type == BINDU_FILE ? e->size : 0;
		if (i >= STAT_LATER)
			t->entry[kept++] = *e;
	}
	t->n = kept;
	return 0;
}

/* Everything getdents64 says of the directory, into w->listing; the number
 * of names but "." and ".." goes to *names, what to read to *has. */
static int
read_listing(struct walk *w, int fd, size_t *names, unsigned *has)
{
	*names = 0;
	*has = 0;
	w->listed = 0;
	for (;;) {
		ssize_t r;

		bindu_grow(&w->listing, &w->listcap, w->listed + LISTING, 1);
		r = getdents64(fd, w->listing + w->listed,
		    w->listcap - w->listed);
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		w->listed += (size_t)r;
	}
	for (size_t at = 0; at < w->listed;) {
		const struct dirent64 *d = (void *)(w->listing + at);

		at += d->d_reclen;
		++*names;
		if (d->d_name[0] != '.')
			continue;
		if (strcmp(d->d_name, ".gitignore") == 0)
			*has |= BINDU_HAS_GITIGNORE;
		else if (strcmp(d->d_name, ".binduignore") == 0)
			*has |= BINDU_HAS_BINDUIGNORE;
		else if (strcmp(d->d_name, ".git") == 0)
			*has |= BINDU_HAS_GIT;
		else if (d->d_name[1] == '\0' ||
		    (d->d_name[1] == '.' && d->d_name[2] == '\0'))
			--*names;
	}
	return 0;
}

/* The names git tracks below a directory that a rule ignores. */
static int
walk_tracked(struct walk *w, int fd, const char *dir, struct bindu_err *err)
{
	size_t at = 0, len, n;
	const char *name, *rule;

	while (bindu_ignore_tracked_next(w->ignore, dir, strlen(dir), &at,
	    &name, &len)) {
		struct stat st;

		n = set_name(w, name, len);
		if (fstatat(fd, w->path + w->dirlen, &st,
			AT_SYMLINK_NOFOLLOW) == -1 ||
		    !bindu_ignore_tracked(w->ignore, w->path, n,
			S_ISDIR(st.st_mode)) ||
		    is_bytecode(name, len))
			continue;
		rule = denied_by(w, n, S_ISDIR(st.st_mode));
		if (rule != NULL) {
			add_drop(w->tree, w->path, rule);
		} else if (S_ISDIR(st.st_mode)) {
			push_todo(w, xstrdup(w->path), true);
		} else {
			w->tree->kept++;
			if (add_survivor(w, fd, w->path + w->dirlen, err) == -1)
				return -1;
		}
	}
	return 0;
}

static void
warn_other_fs(struct walk *w, const struct stat *st, const char *dir)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 17);

	if (w->other_fs || st->st_dev == w->dev)
		return;
	w->other_fs = true;
	bindu_note(w->report, BINDU_WARN,
	    "%s is on another file system; what "
	    "is mounted in the tree is packed as well",
	    visible(&b, dir));
}

/* A directory that cannot be entered: gone is fine, turned into something
 * else is worth a word, not allowed is the end. */
static int
fail_directory(struct walk *w, const char *dir, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 17);

	if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR) {
		if (w->o->strict)
			return bindu_err_set(err, BINDU_E_DATA,
			    "directory %s "
			    "changed while the tree was read",
			    visible(&b, dir));
		bindu_note(w->report, BINDU_WARN,
		    "directory %s changed while "
		    "the tree was read; it is left out",
		    visible(&b, dir));
		return 0;
	}
	bindu_err_sys(err, "cannot read directory %s", visible(&b, dir));
	if (err != NULL)
		err->code = BINDU_E_NOINPUT;
	return -1;
}

static void
set_dir(struct walk *w, const char *dir)
{
	size_t n = strlen(dir);

	bindu_grow(&w->path, &w->pathcap, n + 2, 1);
	memcpy(w->path, dir, n + 1);
	w->dirlen = n;
	if (n > 0) {
		w->path[w->dirlen++] = '/';
		w->path[w->dirlen] = '\0';
	}
}

static int
add_empty(struct walk *w, const struct stat *st, const char *dir)
{
	if (*dir != '\0') {
		w->path[w->dirlen - 1] = '\0';
		add_entry(w, st, BINDU_DIR)->mode = 0755;
		w->tree->entry[w->tree->n - 1].size = 0;
	}
	return 0;
}

static int
walk_directory(struct walk *w, const char *dir, bool tracked_only,
    struct bindu_err *err)
{
	int fd = bindu_walk_dir_open(w->dirs, dir, strlen(dir));
	size_t names;
	unsigned has;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return fail_directory(w, dir, err);
	warn_other_fs(w, &st, dir);
	set_dir(w, dir);
	if (tracked_only)
		return walk_tracked(w, fd, dir, err);
	if (read_listing(w, fd, &names, &has) == -1)
		return fail_directory(w, dir, err);
	if (names == 0)
		return add_empty(w, &st, dir);
	if (has != 0 && !w->o->all) {
		push_todo(w, NULL, false);
		if (bindu_ignore_enter(w->ignore, fd, dir, has, err) == -1)
			return -1;
	}
	for (size_t at = 0; at < w->listed;) {
		const struct dirent64 *d = (void *)(w->listing + at);
		const char *name = d->d_name;

		at += d->d_reclen;
		if (name[0] == '.' &&
		    (name[1] == '\0' || (name[1] == '.' && name[2] == '\0') ||
			bindu_ignore_is_git(w->ignore, name)))
			continue;
		if (take_name(w, fd, name, d->d_type, err) == -1)
			return -1;
	}
	return 0;
}

static int
walk_all(struct walk *w, struct bindu_err *err)
{
	push_todo(w, xstrdup(""), false);
	while (w->ntodo > 0) {
		struct todo t = w->todo[--w->ntodo];
		AUTO_FREE char *dir = t.path;

		if (bindu_tool_interrupted(err) == -1)
			return -1;
		if (dir == NULL)
			bindu_ignore_leave(w->ignore);
		else if (walk_directory(w, dir, t.tracked_only, err) == -1)
			return -1;
	}
	return 0;
}

static int
compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct bindu_entry *)a)->path,
	    ((const struct bindu_entry *)b)->path);
}

/* Where our own cache and state lie, when that is inside the tree. */
static char *
own_directory(const char *root, char *dir)
{
	AUTO_FREE char *d = dir;
	const char *rel = d ? bindu_path_below(root, d) : NULL;

	return rel && *rel ? xstrdup(rel) : NULL;
}

static void
fini_walk(struct walk *w)
{
	bindu_ignore_free(w->ignore);
	bindu_walk_dir_free(w->dirs);
	while (w->ntodo > 0)
		free(w->todo[--w->ntodo].path);
	free(w->todo);
	free(w->listing);
	free(w->path);
	free(w->own[0]);
	free(w->own[1]);
}

static int
open_root(struct bindu_tree *t, const char *root, struct stat *st,
    struct bindu_err *err)
{
	t->rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t->root = realpath(root, NULL);
	if (t->rootfd == -1 || t->root == NULL || fstat(t->rootfd, st) == -1)
		return bindu_err_sys(err, "cannot open directory %s", root);
	return 0;
}

static int
load_tree(struct walk *w, const char *root, struct bindu_err *err)
{
	struct bindu_tree *t = w->tree;
	struct stat st;

	if (open_root(t, root, &st, err) == -1)
		return -1;
	w->dev = st.st_dev;
	w->own[0] = own_directory(t->root, bindu_config_cache_dir());
	w->own[1] = own_directory(t->root, bindu_config_state_dir());
	w->dirs = bindu_walk_dir_new(t->rootfd);
	w->ignore =
	    bindu_ignore_new(t->root, w->o->no_defaults, w->report, err);
	if (w->ignore == NULL || walk_all(w, err) == -1 ||
	    stat_later(w, err) == -1)
		return -1;
	if (t->special > SPECIAL_NAMED)
		bindu_note(w->report, BINDU_WARN,
		    "%llu special files in all "
		    "are left out",
		    (unsigned long long)t->special);
	if (t->n > 1)
		qsort(t->entry, t->n, sizeof *t->entry, compare_entries);
	bindu_tree_sort_drops(t);
	return w->o->any_link ? 0 : bindu_walk_check_links(t, err);
}

int
bindu_tree_load(const char *root, const struct bindu_walk_opts *o,
    const struct bindu_report *report, struct bindu_tree **out,
    struct bindu_err *err)
{
	static const struct bindu_walk_opts none;
	struct walk w = { .o = o ? o : &none, .report = report };
	int rc;

	w.tree = xcalloc(1, sizeof *w.tree);
	w.tree->rootfd = -1;
	rc = load_tree(&w, root, err);
	fini_walk(&w);
	if (rc == -1)
		bindu_tree_free(w.tree);
	else
		*out = w.tree;
	return rc;
}
