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
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "lib/base/tool.h"
#include "scrub.h"
#include "tree.h"
#include "walk_dir.h"
#include "walk_link.h"
#include "walk_names.h"
#include "walk_stat.h"

/* Files from this number on are looked at in the end, by several threads;
 * not those of a directory with few names, which is hardly worth another
 * open. */
#define STAT_LATER 1000
#define STAT_FEW 8
#define SPECIAL_NAMED 5 /* special files named one by one */

/* Work left: a directory to read, or one to leave again.  Until a directory's
 * turn comes only its siblings and what is below them are walked, so the
 * bytes before its name in walk.path stay. */
struct todo {
	char *name; /* NULL: leave the innermost ignore frame */
	size_t base; /* where it goes in the path */
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
	struct bindu_walk_names names; /* in the directory at hand */
	char *path; /* directory, slash, name at hand */
	size_t dirlen, pathcap; /* dirlen with the slash */
	struct bindu_walk_own own;
	dev_t dev;
	bool other_fs; /* said so already */
};

static void
push_todo(struct walk *w, char *name, bool tracked_only)
{
	bindu_grow(&w->todo, &w->todocap, w->ntodo + 1, sizeof *w->todo);
	w->todo[w->ntodo++] = (struct todo){ name, w->dirlen, tracked_only };
}

static void
add_drop(struct bindu_tree *t, const char *path, const char *rule)
{
	bindu_grow(&t->drop, &t->dropcap, t->ndrop + 1, sizeof *t->drop);
	t->drop[t->ndrop++] = (struct bindu_drop){ .path = xstrdup(path),
		.rule = xstrdup(rule),
		.secret = true };
}

/* What the listing said is not so any more. */
static int
complain(const struct walk *w, const char *what, const char *path,
    struct bindu_err *err)
{
	AUTO_FREE char *shown = bindu_str_shown(path);

	if (w->o->strict)
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s%s changed while the tree was read", what, shown);
	bindu_note(w->report, BINDU_WARN,
	    "%s%s changed while the tree was read; it is left out", what,
	    shown);
	return 0;
}

static int
fail_path(const struct walk *w, const char *verb, struct bindu_err *err)
{
	AUTO_FREE char *shown = bindu_str_shown(w->path);

	bindu_err_sys(err, "cannot %s %s", verb, shown);
	if (err != NULL)
		err->code = BINDU_E_NOINPUT;
	return -1;
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
add_link(struct walk *w, int dirfd, const char *name, const struct stat *st,
    struct bindu_err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof target);
	struct bindu_entry *e;

	if (n == -1 && (errno == EINVAL || errno == ENOENT))
		return complain(w, "", w->path, err);
	if (n == -1)
		return fail_path(w, "read link", err);
	e = add_entry(w, st, BINDU_LINK);
	e->link = xstrndup(target, (size_t)n);
	e->size = (uint64_t)n;
	e->mode = 0777;
	return 0;
}

static void
count_special(struct walk *w)
{
	AUTO_FREE char *shown = bindu_str_shown(w->path);

	if (w->tree->special++ < SPECIAL_NAMED)
		bindu_note(w->report, BINDU_WARN,
		    "%s is no file, directory "
		    "or link; it is left out",
		    shown);
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
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? complain(w, "", w->path, err) :
					 fail_path(w, "stat", err);
	if (S_ISLNK(st.st_mode))
		return add_link(w, dirfd, name, &st, err);
	if (S_ISDIR(st.st_mode))
		return complain(w, "", w->path, err);
	if (!S_ISREG(st.st_mode)) {
		count_special(w);
	} else if (!is_output(w->o, &st)) {
		bindu_entry_file(add_entry(w, NULL, BINDU_FILE), &st);
		w->tree->bytes += (uint64_t)st.st_size;
	}
	return 0;
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

	if (bindu_walk_is_own(&w->own, w->path))
		return LEAVE_OUT;
	if (o->all) {
		if (is_dir && !o->keep_pyc &&
		    bindu_walk_is_bytecode(name, strlen(name)))
			return LEAVE_OUT;
	} else {
		bindu_ignore_test(w->ignore, w->path, n, w->dirlen, is_dir, &v);
		if (v.ignored &&
		    (v.ours || bindu_walk_is_bytecode(name, strlen(name)) ||
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
			return add_survivor(w, dirfd, name, err);
		type = IFTODT(st.st_mode);
	}
	fate = judge(w, name, n, type == DT_DIR);
	if (fate == LEAVE_OUT)
		return 0;
	if (type == DT_DIR) {
		push_todo(w, xstrdup(name), fate == KEEP_TRACKED);
		return 0;
	}
	w->tree->kept += fate == KEEP_TRACKED;
	if (type == DT_REG && w->tree->n >= STAT_LATER &&
	    w->names.n >= STAT_FEW) {
		add_entry(w, NULL, BINDU_FILE);
		return 0;
	}
	return add_survivor(w, dirfd, name, err);
}

/* A file that was left for later, in a thread: mode 0 stays when it is ours,
 * 1 says that it is no file any more. */
static void
take_stat(void *ctx, struct bindu_entry *e, const struct stat *st)
{
	const struct walk *w = ctx;

	if (st == NULL || !S_ISREG(st->st_mode))
		e->mode = 1;
	else if (!is_output(w->o, st))
		bindu_entry_file(e, st);
}

static int
stat_later(struct walk *w, struct bindu_err *err)
{
	struct bindu_tree *t = w->tree;
	size_t kept = STAT_LATER;
	int rc = 0;

	if (t->n <= STAT_LATER)
		return 0;
	if (bindu_walk_stat(t, STAT_LATER, take_stat, w, err) == -1)
		return -1;
	t->bytes = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct bindu_entry *e = &t->entry[i];

		if (e->mode == 1 && rc == 0)
			rc = complain(w, "", e->path, err);
		if (e->mode <= 1) {
			free(e->path);
			continue;
		}
		t->bytes += e->type == BINDU_FILE ? e->size : 0;
		if (i >= STAT_LATER)
			t->entry[kept++] = *e;
	}
	t->n = kept;
	return rc;
}

/* The names git tracks below a directory that a rule ignores. */
static int
walk_tracked(struct walk *w, int fd, struct bindu_err *err)
{
	size_t at = 0, len, n;
	const char *name, *rule;

	while (bindu_ignore_tracked_next(w->ignore, w->path, w->dirlen - 1, &at,
	    &name, &len)) {
		struct bindu_verdict v;
		struct stat st;

		n = set_name(w, name, len);
		if (fstatat(fd, w->path + w->dirlen, &st,
			AT_SYMLINK_NOFOLLOW) == -1 ||
		    !bindu_ignore_tracked(w->ignore, w->path, n,
			S_ISDIR(st.st_mode)) ||
		    bindu_walk_is_bytecode(name, len))
			continue;
		bindu_ignore_test(w->ignore, w->path, n, w->dirlen,
		    S_ISDIR(st.st_mode), &v);
		if (v.ours && v.ignored) {
			w->tree->ignored++;
			continue;
		}
		rule = denied_by(w, n, S_ISDIR(st.st_mode));
		if (rule != NULL) {
			add_drop(w->tree, w->path, rule);
		} else if (S_ISDIR(st.st_mode)) {
			push_todo(w, xstrndup(name, len), true);
		} else {
			w->tree->kept++;
			if (add_survivor(w, fd, w->path + w->dirlen, err) == -1)
				return -1;
		}
	}
	return 0;
}

static void
warn_other_fs(struct walk *w, const struct stat *st)
{
	AUTO_FREE char *shown = bindu_str_shown(w->path);

	if (w->other_fs || st->st_dev == w->dev)
		return;
	w->other_fs = true;
	bindu_note(w->report, BINDU_WARN,
	    "%s is on another file system; what "
	    "is mounted in the tree is packed as well",
	    shown);
}

/* A directory that cannot be entered: gone or turned into something else is
 * worth a word, not allowed is the end. */
static int
fail_directory(const struct walk *w, struct bindu_err *err)
{
	if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR)
		return complain(w, "directory ", w->path, err);
	return fail_path(w, "read directory", err);
}

static int
add_empty(struct walk *w, const struct stat *st)
{
	if (*w->path != '\0') {
		add_entry(w, st, BINDU_DIR)->mode = 0755;
		w->tree->entry[w->tree->n - 1].size = 0;
	}
	return 0;
}

/* Names from now on are names in this directory, n bytes long. */
static void
begin_names(struct walk *w, size_t n)
{
	bindu_grow(&w->path, &w->pathcap, n + 2, 1);
	w->dirlen = n;
	if (n > 0)
		w->path[w->dirlen++] = '/';
}

static int
take_names(struct walk *w, int fd, struct bindu_err *err)
{
	const char *name;
	unsigned char type;

	for (size_t at = 0;
	     (name = bindu_walk_names_next(&w->names, &at, &type)) != NULL;)
		if (!bindu_ignore_is_git(w->ignore, name) &&
		    take_name(w, fd, name, type, err) == -1)
			return -1;
	return 0;
}

static int
walk_directory(struct walk *w, const struct todo *t, struct bindu_err *err)
{
	struct stat st;
	size_t n;
	int fd;

	w->dirlen = t->base;
	n = set_name(w, t->name, strlen(t->name));
	fd = bindu_walk_dir_open(w->dirs, w->path, n);
	if (fd == -1 || fstat(fd, &st) == -1)
		return fail_directory(w, err);
	warn_other_fs(w, &st);
	if (t->tracked_only) {
		begin_names(w, n);
		return walk_tracked(w, fd, err);
	}
	if (bindu_walk_names_read(&w->names, fd) == -1)
		return fail_directory(w, err);
	if (w->names.n == 0)
		return add_empty(w, &st);
	if (w->names.has != 0 && !w->o->all) {
		push_todo(w, NULL, false);
		if (bindu_ignore_enter(w->ignore, fd, w->path, w->names.has,
			err) == -1)
			return -1;
	}
	begin_names(w, n);
	return take_names(w, fd, err);
}

static int
walk_all(struct walk *w, struct bindu_err *err)
{
	push_todo(w, xstrdup(""), false);
	while (w->ntodo > 0) {
		struct todo t = w->todo[--w->ntodo];
		AUTO_FREE char *name = t.name;

		if (bindu_tool_interrupted(err) == -1)
			return -1;
		if (name == NULL)
			bindu_ignore_leave(w->ignore);
		else if (walk_directory(w, &t, err) == -1)
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

static void
fini_walk(struct walk *w)
{
	bindu_ignore_free(w->ignore);
	bindu_walk_dir_free(w->dirs);
	while (w->ntodo > 0)
		free(w->todo[--w->ntodo].name);
	free(w->todo);
	free(w->names.p);
	free(w->path);
	bindu_walk_own_fini(&w->own);
}

static int
open_root(struct bindu_tree *t, const char *root, struct stat *st,
    struct bindu_err *err)
{
	t->rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->rootfd != -1)
		t->root = realpath(root, NULL);
	if (t->root != NULL && fstat(t->rootfd, st) == 0)
		return 0;
	bindu_err_sys(err, "cannot open directory %s", root);
	if (err != NULL)
		err->code = BINDU_E_NOINPUT;
	return -1;
}

static int
load_tree(struct walk *w, const char *root, struct bindu_err *err)
{
	struct bindu_tree *t = w->tree;
	struct stat st;

	if (open_root(t, root, &st, err) == -1)
		return -1;
	w->dev = st.st_dev;
	bindu_walk_own_init(&w->own, t->root);
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
