/* walk_explain.c - what the walk would decide about one path, and why.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ignore.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "scrub.h"
#include "tree.h"
#include "walk_dir.h"
#include "walk_names.h"

static void
set_verdict(struct bindu_explain *x, enum bindu_explain_kind kind,
    const char *rule, const char *path, size_t n)
{
	bindu_explain_fini(x);
	x->kind = kind;
	x->rule = xstrdup(rule);
	x->at = xstrndup(path, n);
}

/* The rules in directory path[0..n), open as fd. */
static int
enter(struct bindu_ignore *g, int fd, const char *path, size_t n,
    struct bindu_err *err)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {
		{ ".gitignore", BINDU_HAS_GITIGNORE },
		{ ".binduignore", BINDU_HAS_BINDUIGNORE },
		{ ".git", BINDU_HAS_GIT },
	};
	AUTO_FREE char *dir = xstrndup(path, n);
	unsigned has = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (faccessat(fd, names[i].name, F_OK, AT_SYMLINK_NOFOLLOW) ==
		    0)
			has |= names[i].bit;
	return bindu_ignore_enter(g, fd, dir, has, err);
}

struct explain {
	const struct bindu_walk_opts *o;
	struct bindu_ignore *ignore;
	struct bindu_walk_dir *dirs;
	struct bindu_walk_own own;
	struct bindu_explain *x;
};

/* What the ignore rules say of part, whose name starts at base.  Below an
 * ignored directory with tracked files the rule that ignores it stands. */
static void
judge_rules(struct explain *e, const char *part, size_t base, bool is_dir,
    enum bindu_name_act act, const char *deny_rule)
{
	size_t n = strlen(part);
	bool stands = e->x->kind == BINDU_SHIPS_TRACKED;
	AUTO_FREE char *text = NULL;
	struct bindu_verdict v;

	bindu_ignore_test(e->ignore, part, n, base, is_dir, &v);
	text = v.source ? xasprintf("%s:%u:%s", v.source, v.line, v.pattern) :
			  xstrdup("");
	if (!stands && !v.ignored) {
		if (act == BINDU_NAME_SCAN)
			set_verdict(e->x, BINDU_SCRUBBED, deny_rule, part, n);
		else
			set_verdict(e->x, BINDU_SHIPS, text, part, n);
		return;
	}
	if (!stands || (v.ours && v.ignored))
		set_verdict(e->x, BINDU_IGNORED, text, part, n);
	e->x->kind = !(v.ours && v.ignored) &&
		bindu_ignore_tracked(e->ignore, part, n, is_dir) &&
		!bindu_walk_is_bytecode(part + base, n - base) ?
	    BINDU_SHIPS_TRACKED :
	    BINDU_IGNORED;
}

/* Judge path[0..end), whose name starts at base, in directory fd; -1: there
 * is none.  1: go on below it. */
static int
judge_component(struct explain *e, int fd, const char *path, size_t base,
    size_t end)
{
	AUTO_FREE char *part = xstrndup(path, end);
	bool last = path[end] == '\0', is_dir = !last, there;
	enum bindu_name_act act = BINDU_NAME_OK;
	const char *rule = "";
	struct stat st;

	there = fd != -1 &&
	    fstatat(fd, part + base, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (last && there)
		is_dir = S_ISDIR(st.st_mode);
	if (!e->o->no_deny)
		act = bindu_scrub_name(part, is_dir, &rule);
	if (bindu_ignore_is_git(e->ignore, part + base)) {
		set_verdict(e->x, BINDU_GIT, "", path, end);
		return 0;
	}
	if (bindu_walk_is_own(&e->own, part)) {
		set_verdict(e->x, BINDU_OWN, "", path, end);
		return 0;
	}
	if (act == BINDU_NAME_DROP) {
		set_verdict(e->x, BINDU_DENIED, rule, path, end);
		return 0;
	}
	judge_rules(e, part, base, is_dir, act, rule);
	if (e->x->kind == BINDU_IGNORED)
		return 0;
	if (!there || (!last && !S_ISDIR(st.st_mode))) {
		e->x->kind = BINDU_MISSING;
	} else if (last && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode) &&
	    !is_dir) {
		e->x->kind = BINDU_SPECIAL;
		return 0;
	}
	return 1;
}

static int
explain(struct explain *e, const char *path, struct bindu_err *err)
{
	size_t base = 0, end;

	for (;; base = end + 1) {
		size_t n = base ? base - 1 : 0;
		int fd = bindu_walk_dir_open(e->dirs, path, n);

		if (fd != -1 && enter(e->ignore, fd, path, n, err) == -1)
			return -1;
		end = base + strcspn(path + base, "/");
		if (!judge_component(e, fd, path, base, end) ||
		    path[end] == '\0')
			return 0;
	}
}

int
bindu_tree_explain(const char *root, const struct bindu_walk_opts *o,
    const char *path, const struct bindu_report *report,
    struct bindu_explain *x, struct bindu_err *err)
{
	static const struct bindu_walk_opts none;
	AUTO_FREE char *real = realpath(root, NULL);
	AUTO_FREE char *clean = bindu_path_clean(path);
	AUTO_CLOSE int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct explain e = { .o = o ? o : &none, .x = x };
	int rc = -1;

	*x = (struct bindu_explain){ 0 };
	if (real == NULL || fd == -1) {
		bindu_err_sys(err, "cannot open directory %s", root);
		if (err != NULL)
			err->code = BINDU_E_NOINPUT;
		return -1;
	}
	if (clean[0] == '/' || strcmp(clean, ".") == 0 ||
	    strcmp(clean, "..") == 0 || bindu_str_starts(clean, "../"))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "%s is not a path "
		    "below %s",
		    path, root);
	e.dirs = bindu_walk_dir_new(fd);
	e.ignore = bindu_ignore_new(real, e.o->no_defaults, report, err);
	bindu_walk_own_init(&e.own, real);
	if (e.ignore != NULL)
		rc = explain(&e, clean, err);
	bindu_walk_own_fini(&e.own);
	bindu_ignore_free(e.ignore);
	bindu_walk_dir_free(e.dirs);
	if (rc == -1)
		bindu_explain_fini(x);
	return rc;
}

void
bindu_explain_fini(struct bindu_explain *x)
{
	free(x->rule);
	free(x->at);
	*x = (struct bindu_explain){ 0 };
}
