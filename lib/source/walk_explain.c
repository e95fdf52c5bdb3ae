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

/* Judge path[0..end), whose name starts at base.  1: go on below it. */
static int
judge_component(struct bindu_ignore *g, const struct bindu_walk_opts *o, int fd,
    const char *path, size_t base, size_t end, struct bindu_explain *x)
{
	AUTO_FREE char *part = xstrndup(path, end);
	bool last = path[end] == '\0', is_dir = !last;
	AUTO_FREE char *text = NULL;
	enum bindu_name_act act = BINDU_NAME_OK;
	struct bindu_verdict v = { 0 };
	const char *rule = "";
	struct stat st;
	bool there;

	there = fd != -1 &&
	    fstatat(fd, part + base, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (last && there)
		is_dir = S_ISDIR(st.st_mode);
	if (bindu_ignore_is_git(g, part + base)) {
		set_verdict(x, BINDU_GIT, "", path, end);
		return 0;
	}
	if (!o->no_deny)
		act = bindu_scrub_name(part, is_dir, &rule);
	if (act == BINDU_NAME_DROP) {
		set_verdict(x, BINDU_DENIED, rule, path, end);
		return 0;
	}
	bindu_ignore_test(g, part, end, base, is_dir, &v);
	text = v.source ? xasprintf("%s:%u:%s", v.source, v.line, v.pattern) :
			  xstrdup("");
	if (x->kind == BINDU_SHIPS_TRACKED)
		; /* below an ignored directory: that rule stands */
	else if (v.ignored)
		set_verdict(x,
		    bindu_ignore_tracked(g, part, end, is_dir) ?
			BINDU_SHIPS_TRACKED :
			BINDU_IGNORED,
		    text, path, end);
	else
		set_verdict(x,
		    act == BINDU_NAME_SCAN ? BINDU_SCRUBBED : BINDU_SHIPS,
		    act == BINDU_NAME_SCAN ? rule : text, path, end);
	if (x->kind == BINDU_SHIPS_TRACKED && last &&
	    !bindu_ignore_tracked(g, part, end, is_dir))
		x->kind = BINDU_IGNORED;
	if (x->kind == BINDU_IGNORED)
		return 0;
	if (!there || (!last && !S_ISDIR(st.st_mode))) {
		x->kind = BINDU_MISSING;
	} else if (last && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode) &&
	    !is_dir) {
		x->kind = BINDU_SPECIAL;
		return 0;
	}
	return 1;
}

static int
explain(struct bindu_ignore *g, struct bindu_walk_dir *dirs,
    const struct bindu_walk_opts *o, const char *path, struct bindu_explain *x,
    struct bindu_err *err)
{
	size_t base = 0, end;

	for (;; base = end + 1) {
		int fd = bindu_walk_dir_open(dirs, path, base ? base - 1 : 0);

		if (fd != -1 &&
		    enter(g, fd, path, base ? base - 1 : 0, err) == -1)
			return -1;
		end = base + strcspn(path + base, "/");
		if (!judge_component(g, o, fd, path, base, end, x) ||
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
	struct bindu_walk_dir *dirs;
	struct bindu_ignore *g;
	int rc = -1;

	*x = (struct bindu_explain){ 0 };
	if (real == NULL || fd == -1)
		return bindu_err_sys(err, "cannot open directory %s", root);
	if (clean[0] == '/' || strcmp(clean, ".") == 0 ||
	    strcmp(clean, "..") == 0 || bindu_str_starts(clean, "../"))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "%s is not a path "
		    "below %s",
		    path, root);
	o = o ? o : &none;
	dirs = bindu_walk_dir_new(fd);
	g = bindu_ignore_new(real, o->no_defaults, report, err);
	if (g != NULL)
		rc = explain(g, dirs, o, clean, x, err);
	bindu_ignore_free(g);
	bindu_walk_dir_free(dirs);
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
