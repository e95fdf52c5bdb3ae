/* ignore.c - the stack of ignore files that hold for the directory at hand.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ignore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ignore_repo.h"
#include "ignore_rules.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

/* Caches, environments and run-time data that every agent tree has, and what a
 * killed one of us left of a file it wrote.  Lowest of all: any ignore file can
 * take them back with "!". */
static const char defaults[] =
    "__pycache__/\n*.pyc\n*.pyo\n.venv/\nvenv/\nnode_modules/\n"
    ".pytest_cache/\n.mypy_cache/\n.ruff_cache/\n.tox/\n.nox/\n"
    ".ipynb_checkpoints/\n.hg/\n.svn/\n.bindu/\n*.log\n*.sqlite\n*.db\n"
    ".DS_Store\n.*.[0-9]*~\n";

/* One file's rules; its directory ends at base of the full path. */
struct layer {
	struct bindu_rules *rules;
	size_t base;
};

struct stack {
	struct layer *v;
	size_t n, cap;
};

/* A repository on the way down; level 0 is the one around root. */
struct level {
	struct bindu_repo repo;
	struct bindu_index *index; /* NULL until asked */
	size_t base;
	size_t depth; /* frames when it was entered */
};

struct frame {
	size_t nbindu, ngit, ninfo;
};

/* Paths here are "full": relative to the top of level 0's work tree. */
struct bindu_ignore {
	const struct bindu_report *report;
	char *root;
	char *full; /* prefix, then the path judged */
	size_t prefix, fullcap;
	struct stack bindu, git, info;
	struct layer global, builtin;
	struct frame *frame;
	size_t nframe, framecap;
	struct level *level;
	size_t nlevel, levelcap;
	bool fold;
};

static void
push_layer(struct stack *s, struct bindu_rules *rules, size_t base)
{
	bindu_grow(&s->v, &s->cap, s->n + 1, sizeof *s->v);
	s->v[s->n++] = (struct layer){ rules, base };
}

static void
pop_layers(struct stack *s, size_t n)
{
	while (s->n > n)
		bindu_rules_free(s->v[--s->n].rules);
}

/* The rules in an open file; takes the descriptor.  NULL and no error: not a
 * regular file, so no rules. */
static int
read_rules(const struct bindu_ignore *g, int fd_, const char *source,
    struct bindu_rules **out, struct bindu_err *err)
{
	AUTO_CLOSE int fd = fd_;
	struct stat st;
	char *text;
	size_t n;

	*out = NULL;
	if (fstat(fd, &st) == -1)
		return bindu_err_sys(err, "cannot stat %s", source);
	if (!S_ISREG(st.st_mode)) {
		if (!S_ISDIR(st.st_mode))
			bindu_note(g->report, BINDU_WARN,
			    "%s is not a regular "
			    "file; no rules are read from it",
			    source);
		return 0;
	}
	if (bindu_fd_read_all(fd, BINDU_IGNORE_FILE_MAX, &text, &n, err) == -1)
		return bindu_err_wrap(err, "ignore file %s", source);
	*out = bindu_rules_new(text, n, source, g->fold);
	return 0;
}

/* Read name in a directory of the tree.  A link is refused, as by git: rules
 * could come from outside the tree. */
static int
push_file(struct bindu_ignore *g, struct stack *s, int dirfd, const char *dir,
    const char *name, size_t base, struct bindu_err *err)
{
	AUTO_FREE char *source = *dir ? bindu_path_join(dir, name) :
					xstrdup(name);
	struct bindu_rules *rules;
	int fd;

	fd =
	    openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1 && (errno == ENOENT || errno == ENXIO))
		return 0;
	if (fd == -1 && errno == ELOOP) {
		bindu_note(g->report, BINDU_WARN,
		    "%s is a symbolic link; like "
		    "git, no rules are read from it",
		    source);
		return 0;
	}
	if (fd == -1) {
		bindu_err_sys(err, "cannot open ignore file %s", source);
		if (err != NULL)
			err->code = BINDU_E_NOINPUT;
		return -1;
	}
	if (read_rules(g, fd, source, &rules, err) == -1)
		return -1;
	if (rules != NULL)
		push_layer(s, rules, base);
	return 0;
}

/* Exclude files outside the tree; links are followed, absence is fine. */
static int
load_outside(const struct bindu_ignore *g, const char *path,
    struct bindu_rules **out, struct bindu_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*out = NULL;
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR || errno == ENXIO))
		return 0;
	if (fd == -1) {
		bindu_note(g->report, BINDU_WARN,
		    "cannot open %s: %s; its "
		    "ignore rules do not apply",
		    path, strerror(errno));
		return 0;
	}
	return read_rules(g, fd, path, out, err);
}

static int
push_info(struct bindu_ignore *g, const char *common_dir, size_t base,
    struct bindu_err *err)
{
	AUTO_FREE char *path = bindu_path_join(common_dir, "info/exclude");
	struct bindu_rules *rules;

	if (load_outside(g, path, &rules, err) == -1)
		return -1;
	if (rules != NULL)
		push_layer(&g->info, rules, base);
	return 0;
}

/* Rules in the directories from the work tree's top down to root's parent. */
static int
push_parents(struct bindu_ignore *g, const char *top, struct bindu_err *err)
{
	for (size_t at = 0; at < g->prefix;) {
		AUTO_FREE char *dir = xstrndup(g->full, at);
		AUTO_FREE char *path = bindu_path_join(top, dir);
		AUTO_CLOSE int fd =
		    open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		const char *slash = memchr(g->full + at, '/', g->prefix - at);

		if (fd == -1)
			return bindu_err_sys(err, "cannot open %s", path);
		if (push_file(g, &g->git, fd, path, ".gitignore", at, err) ==
			-1 ||
		    push_file(g, &g->bindu, fd, path, ".binduignore", at,
			err) == -1)
			return -1;
		at = (size_t)(slash - g->full) + 1;
	}
	return 0;
}

static void test_full(struct bindu_ignore *, size_t n, size_t base, bool is_dir,
    struct bindu_verdict *);

/* Root was named on purpose, so it is walked even when a rule above ignores
 * it; but say so, since such a rule may also hit everything below. */
static void
warn_ignored_root(struct bindu_ignore *g)
{
	for (size_t at = 0; at < g->prefix;) {
		const char *slash = memchr(g->full + at, '/', g->prefix - at);
		size_t end = (size_t)(slash - g->full);
		struct bindu_verdict v;

		test_full(g, end, at, true, &v);
		if (v.ignored) {
			bindu_note(g->report, BINDU_WARN,
			    "%s is ignored itself "
			    "by %s:%u:%s",
			    g->root, v.source, v.line, v.pattern);
			return;
		}
		at = end + 1;
	}
}

static int
load_base(struct bindu_ignore *g, bool no_defaults, struct bindu_err *err)
{
	const struct bindu_repo *r = &g->level[0].repo;

	if (!no_defaults)
		g->builtin.rules = bindu_rules_new(xstrdup(defaults),
		    sizeof defaults - 1, "(default)", g->fold);
	g->builtin.base = g->prefix;
	if (r->excludes_file != NULL &&
	    load_outside(g, r->excludes_file, &g->global.rules, err) == -1)
		return -1;
	if (r->common_dir != NULL && push_info(g, r->common_dir, 0, err) == -1)
		return -1;
	if (r->top != NULL && push_parents(g, r->top, err) == -1)
		return -1;
	warn_ignored_root(g);
	return 0;
}

struct bindu_ignore *
bindu_ignore_new(const char *root, bool no_defaults,
    const struct bindu_report *report, struct bindu_err *err)
{
	struct bindu_ignore *g = xcalloc(1, sizeof *g);
	const char *below = NULL;
	struct level *l;

	g->report = report;
	g->root = xstrdup(root);
	bindu_grow(&g->level, &g->levelcap, 1, sizeof *g->level);
	l = &g->level[g->nlevel++];
	*l = (struct level){ 0 };
	bindu_repo_find(root, &l->repo, report);
	g->fold = l->repo.ignore_case;
	if (l->repo.top != NULL)
		below = bindu_path_below(l->repo.top, root);
	if (below != NULL && *below != '\0')
		g->full = xasprintf("%s/", below);
	else
		g->full = xstrdup("");
	g->prefix = strlen(g->full);
	g->fullcap = g->prefix + 1;
	if (load_base(g, no_defaults, err) == -1) {
		bindu_ignore_free(g);
		return NULL;
	}
	return g;
}

static void
pop_level(struct bindu_ignore *g)
{
	struct level *l = &g->level[--g->nlevel];

	bindu_index_free(l->index);
	bindu_repo_fini(&l->repo);
}

void
bindu_ignore_free(struct bindu_ignore *g)
{
	if (g == NULL)
		return;
	pop_layers(&g->bindu, 0);
	pop_layers(&g->git, 0);
	pop_layers(&g->info, 0);
	bindu_rules_free(g->global.rules);
	bindu_rules_free(g->builtin.rules);
	while (g->nlevel > 0)
		pop_level(g);
	free(g->bindu.v);
	free(g->git.v);
	free(g->info.v);
	free(g->level);
	free(g->frame);
	free(g->full);
	free(g->root);
	free(g);
}

bool
bindu_ignore_is_git(const struct bindu_ignore *g, const char *name)
{
	return name[0] == '.' &&
	    (strcmp(name, ".git") == 0 ||
		(g->fold && strcasecmp(name, ".git") == 0));
}

/* A repository inside the tree: its own exclude file and index count for
 * what lies in it, beside the rules from outside. */
static int
enter_repo(struct bindu_ignore *g, const char *dir, size_t base,
    struct bindu_err *err)
{
	AUTO_FREE char *path = bindu_path_join(g->root, dir);
	struct level l = { .base = base, .depth = g->nframe };

	if (!bindu_repo_at(path, &l.repo.git_dir, &l.repo.common_dir))
		return 0;
	l.repo.top = bindu_steal(&path);
	l.repo.hash_len = bindu_repo_hash_len(l.repo.common_dir);
	bindu_grow(&g->level, &g->levelcap, g->nlevel + 1, sizeof *g->level);
	g->level[g->nlevel++] = l;
	return push_info(g, l.repo.common_dir, base, err);
}

int
bindu_ignore_enter(struct bindu_ignore *g, int dirfd, const char *dir,
    unsigned has, struct bindu_err *err)
{
	size_t n = strlen(dir), base = g->prefix + (n ? n + 1 : 0);

	bindu_grow(&g->frame, &g->framecap, g->nframe + 1, sizeof *g->frame);
	g->frame[g->nframe++] =
	    (struct frame){ g->bindu.n, g->git.n, g->info.n };
	if (has & BINDU_HAS_GIT && n > 0 && enter_repo(g, dir, base, err) == -1)
		return -1;
	if (has & BINDU_HAS_GITIGNORE &&
	    push_file(g, &g->git, dirfd, dir, ".gitignore", base, err) == -1)
		return -1;
	if (has & BINDU_HAS_BINDUIGNORE &&
	    push_file(g, &g->bindu, dirfd, dir, ".binduignore", base, err) ==
		-1)
		return -1;
	return 0;
}

void
bindu_ignore_leave(struct bindu_ignore *g)
{
	const struct frame *f = &g->frame[--g->nframe];

	pop_layers(&g->bindu, f->nbindu);
	pop_layers(&g->git, f->ngit);
	pop_layers(&g->info, f->ninfo);
	while (g->nlevel > 1 && g->level[g->nlevel - 1].depth > g->nframe)
		pop_level(g);
}

static bool
try_layer(const struct bindu_ignore *g, const struct layer *l, size_t n,
    size_t base, bool is_dir, struct bindu_verdict *v)
{
	struct bindu_rule rule;

	if (l->rules == NULL || l->base >= n ||
	    !bindu_rules_find(l->rules, g->full + l->base, n - l->base,
		base - l->base, is_dir, &rule))
		return false;
	v->ignored = !rule.negated;
	v->source = bindu_rules_source(l->rules);
	v->line = rule.line;
	v->pattern = rule.text;
	return true;
}

static bool
try_stack(const struct bindu_ignore *g, const struct stack *s, size_t n,
    size_t base, bool is_dir, struct bindu_verdict *v)
{
	for (size_t i = s->n; i-- > 0;)
		if (try_layer(g, &s->v[i], n, base, is_dir, v))
			return true;
	return false;
}

static void
test_full(struct bindu_ignore *g, size_t n, size_t base, bool is_dir,
    struct bindu_verdict *v)
{
	*v = (struct bindu_verdict){ 0 };
	v->ours = try_stack(g, &g->bindu, n, base, is_dir, v);
	if (!v->ours && !try_stack(g, &g->git, n, base, is_dir, v) &&
	    !try_stack(g, &g->info, n, base, is_dir, v) &&
	    !try_layer(g, &g->global, n, base, is_dir, v) &&
	    g->builtin.base <= base)
		try_layer(g, &g->builtin, n, base, is_dir, v);
}

static void
set_full(struct bindu_ignore *g, const char *path, size_t n)
{
	bindu_grow(&g->full, &g->fullcap, g->prefix + n + 1, 1);
	memcpy(g->full + g->prefix, path, n);
	g->full[g->prefix + n] = '\0';
}

void
bindu_ignore_test(struct bindu_ignore *g, const char *path, size_t n,
    size_t base, bool is_dir, struct bindu_verdict *v)
{
	set_full(g, path, n);
	test_full(g, g->prefix + n, g->prefix + base, is_dir, v);
}

/* A damaged index only means that nothing counts as tracked: less ships. */
static const struct bindu_index *
need_index(struct bindu_ignore *g)
{
	struct level *l = &g->level[g->nlevel - 1];
	struct bindu_err err = { 0 };
	static const struct bindu_repo none;

	if (l->index == NULL)
		l->index = bindu_index_load(&l->repo, &err);
	if (l->index == NULL) {
		bindu_note(g->report, BINDU_WARN,
		    "%s; files that git tracks "
		    "and a rule ignores do not ship",
		    err.msg);
		l->index = bindu_index_load(&none, NULL);
	}
	return l->index;
}

bool
bindu_ignore_tracked(struct bindu_ignore *g, const char *path, size_t n,
    bool is_dir)
{
	size_t base = g->level[g->nlevel - 1].base, len;
	const struct bindu_index *x = need_index(g);
	const char *key, *hit;

	set_full(g, path, n);
	key = g->full + base;
	n = g->prefix + n - base;
	hit = bindu_index_path(x, bindu_index_seek(x, key, n), &len);
	if (!is_dir)
		return hit != NULL && len == n && memcmp(hit, key, n) == 0;
	g->full[base + n] = '/';
	hit = bindu_index_path(x, bindu_index_seek(x, key, n + 1), &len);
	return hit != NULL && len > n && memcmp(hit, key, n + 1) == 0;
}

bool
bindu_ignore_tracked_next(struct bindu_ignore *g, const char *path, size_t n,
    size_t *at, const char **name, size_t *len)
{
	size_t base = g->level[g->nlevel - 1].base, total;
	const struct bindu_index *x = need_index(g);
	const char *key, *hit, *slash;

	set_full(g, path, n);
	g->full[g->prefix + n] = '/';
	key = g->full + base;
	n = g->prefix + n + 1 - base;
	if (*at == 0)
		*at = bindu_index_seek(x, key, n);
	hit = bindu_index_path(x, *at, &total);
	if (hit == NULL || total <= n || memcmp(hit, key, n) != 0)
		return false;
	*name = hit + n;
	slash = memchr(hit + n, '/', total - n);
	*len = slash ? (size_t)(slash - *name) : total - n;
	/* Past everything that begins with this name. */
	do
		hit = bindu_index_path(x, ++*at, &total);
	while (hit != NULL && total > n + *len && slash != NULL &&
	    memcmp(hit, key, n) == 0 && memcmp(hit + n, *name, *len) == 0 &&
	    hit[n + *len] == '/');
	return true;
}
