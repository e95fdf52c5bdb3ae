/* discover_search.c - which script of a tree is the agent.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "discover_priv.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

enum {
	DIRS_MAX = 5000,
	SCRIPTS_MAX = 5000,
	DEPTH_MAX = 12,
	SCRIPT_BYTES = 1 << 20,
	FOLLOW_MAX = 300, /* scripts followed in one search */
};

struct found {
	char *path; /* relative to the directory searched */
	char *name; /* NULL when it is not known */
	bool reached;
	unsigned rank; /* smaller stands out more */
};

struct search {
	const char *dir;
	int fd;
	struct bindu_strv mention, rest; /* scripts with "bindufy", others
						 * with a __main__ */
	struct found *f;
	size_t n, cap;
	unsigned followed;
};

static bool
is_skipped(int fd, const char *name)
{
	static const char *const names[] = { "node_modules", "__pycache__",
		"site-packages", "venv", "env", "build", "dist" };
	AUTO_FREE char *cfg = NULL;
	struct stat st;
	size_t i;

	if (name[0] == '.')
		return true;
	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	cfg = xasprintf("%s/pyvenv.cfg", name);
	return fstatat(fd, cfg, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
sort_script(struct search *s, const char *rel)
{
	char *text = NULL;
	size_t n;

	if (s->mention.n + s->rest.n >= SCRIPTS_MAX)
		return;
	if (bindu_fd_read_file(s->fd, rel, SCRIPT_BYTES, &text, &n, NULL) == -1)
		return;
	if (memmem(text, n, "bindufy", 7))
		bindu_strv_add(&s->mention, rel);
	else if (memmem(text, n, "__main__", 8))
		bindu_strv_add(&s->rest, rel);
	free(text);
}

static unsigned
depth_of(const char *rel)
{
	unsigned d = 0;

	for (; *rel; rel++)
		d += *rel == '/';
	return d;
}

/* One directory: its scripts, and its directories to the queue. */
static void
read_dir(struct search *s, const char *rel, struct bindu_strv *queue)
{
	int fd = bindu_fd_open_beneath(s->fd, *rel ? rel : ".",
	    O_RDONLY | O_DIRECTORY, 0, false);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');
		AUTO_FREE char *path =
		    xasprintf("%s%s%s", rel, *rel ? "/" : "", e->d_name);

		if (e->d_name[0] == '.' ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		if (S_ISREG(st.st_mode) && dot && strcmp(dot, ".py") == 0)
			sort_script(s, path);
		else if (S_ISDIR(st.st_mode) && queue->n < DIRS_MAX &&
		    depth_of(path) < DEPTH_MAX && !is_skipped(fd, e->d_name))
			bindu_strv_add(queue, path);
	}
	if (d)
		closedir(d);
}

static unsigned
rank_of(const char *rel)
{
	static const char *const names[] = { "agent.py", "main.py", "app.py",
		"__main__.py" };
	static const char *const aside[] = { "test", "tests", "example",
		"examples", "doc", "docs", "benchmarks", "scripts" };
	const char *base = bindu_path_base(rel), *at;
	unsigned rank = 9, i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(base, names[i]) == 0)
			rank = i;
	rank += 10 * depth_of(rel);
	if (strncmp(base, "test_", 5) == 0 || strcmp(base, "conftest.py") == 0)
		rank += 1000;
	for (at = rel; (at = strchr(at, '/') ? at : NULL);
	     at = strchr(at, '/') + 1)
		for (i = 0; i < sizeof aside / sizeof *aside; i++)
			if (strncmp(at, aside[i], strlen(aside[i])) == 0 &&
			    at[strlen(aside[i])] == '/')
				rank += 1000;
	return rank;
}

/* Follow one script; it is found when it calls bindufy(). */
static void
follow(struct search *s, const char *rel, bool reached_only)
{
	AUTO_FREE char *full = bindu_path_join(s->dir, rel);
	AUTO_FREE char *dir = bindu_path_dir(full);
	AUTO_FREE char *root = bindu_discover_root(dir, NULL);
	AUTO_CLOSE int rootfd = -1;
	const struct bindu_py_call *c;
	const struct bindu_py_answer *a;
	struct bindu_py *py;

	if (!root || s->followed++ >= FOLLOW_MAX)
		return;
	rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rootfd == -1 ||
	    bindu_py_follow(rootfd, root, bindu_path_below(root, full),
		&bindu_discover_query, &py, NULL) == -1)
		return;
	c = bindu_py_calls(py) ? bindu_py_call(py, 0) : NULL;
	if (c && (c->reached || !reached_only)) {
		a = c->answer[0].known == BINDU_PY_MISSING ? &c->answer[1] :
							     &c->answer[0];
		bindu_grow(&s->f, &s->cap, s->n + 1, sizeof *s->f);
		s->f[s->n++] = (struct found){ xstrdup(rel),
			a->known == BINDU_PY_KNOWN ? xstrdup(a->text) : NULL,
			c->reached, rank_of(rel) };
	}
	bindu_py_free(py);
}

static int
by_rank(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* "a.py (x), b.py (name not known)" and so on, the first few. */
static char *
list_of(const struct search *s)
{
	struct bindu_buf b = BINDU_BUF_INIT(600);
	size_t i;

	for (i = 0; i < s->n; i++) {
		size_t before = b.len;

		if (bindu_buf_addf(&b, NULL, "%s%s (%s)", i ? ", " : "",
			s->f[i].path,
			s->f[i].name ? s->f[i].name : "name not known") == -1 ||
		    b.len > 500) {
			b.len = before;
			if (b.p)
				b.p[before] = '\0';
			bindu_buf_addf(&b, NULL, " and %zu more", s->n - i);
			break;
		}
	}
	return bindu_buf_steal(&b);
}

/* Why the first stands out from the second; NULL when it does not. */
static const char *
reason(const struct found *a, const struct found *b)
{
	if (a->rank == b->rank)
		return NULL;
	if (a->rank / 1000 != b->rank / 1000)
		return "the others are tests or examples";
	if (a->rank / 10 != b->rank / 10)
		return "it is nearest to the top";
	return "of its usual name";
}

static void
search_all(struct search *s)
{
	AUTO_STRV struct bindu_strv queue = { 0 };
	bool any = false;
	size_t i;

	bindu_strv_add(&queue, "");
	for (i = 0; i < queue.n; i++)
		read_dir(s, queue.v[i], &queue);
	for (i = 0; i < s->mention.n; i++)
		follow(s, s->mention.v[i], false);
	for (i = 0; i < s->n; i++)
		any |= s->f[i].reached;
	/* Only helpers call it: look for the script that uses them. */
	for (i = 0; !any && s->n > 0 && i < s->rest.n; i++)
		follow(s, s->rest.v[i], true);
	for (i = 0; i < s->n; i++)
		any |= s->f[i].reached;
	for (i = 0; any && i < s->n;) {
		if (s->f[i].reached) {
			i++;
			continue;
		}
		free(s->f[i].path);
		free(s->f[i].name);
		s->f[i] = s->f[--s->n];
	}
	if (s->n)
		qsort(s->f, s->n, sizeof *s->f, by_rank);
}

static char *
choose(const struct search *s, const struct bindu_report *r,
    struct bindu_err *err)
{
	AUTO_FREE char *list = list_of(s);
	const char *why;

	if (s->n == 0) {
		bindu_err_set(err, BINDU_E_NOINPUT,
		    s->mention.n ? "no script below %s is seen to call "
				   "bindufy(), though %s has the word: name "
				   "the agent's script, and the agent with "
				   "--name or --run" :
				   "no script below %s calls bindufy(): name "
				   "the agent's script",
		    s->dir, s->mention.n ? s->mention.v[0] : "");
		return NULL;
	}
	if (s->n > 1) {
		why = reason(&s->f[0], &s->f[1]);
		if (!why) {
			bindu_err_set(err, BINDU_E_DATA,
			    "%zu scripts below %s "
			    "call bindufy() and none stands out: %s; name the "
			    "one you mean",
			    s->n, s->dir, list);
			return NULL;
		}
		bindu_note(r, BINDU_NOTE,
		    "%zu scripts call bindufy(): %s; "
		    "taking %s, %s",
		    s->n, list, s->f[0].path, why);
	}
	return bindu_path_join(s->dir, s->f[0].path);
}

char *
bindu_discover_search(const char *dir, const struct bindu_report *r,
    struct bindu_err *err)
{
	struct search s = { .dir = dir };
	char *path = NULL;
	size_t i;

	s.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.fd == -1) {
		bindu_err_sys(err, "cannot open directory %s", dir);
		return NULL;
	}
	search_all(&s);
	path = choose(&s, r, err);
	for (i = 0; i < s.n; i++) {
		free(s.f[i].path);
		free(s.f[i].name);
	}
	free(s.f);
	bindu_strv_fini(&s.mention);
	bindu_strv_fini(&s.rest);
	close(s.fd);
	return path;
}
