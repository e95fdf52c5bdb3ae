/* ignore_index.c - the paths in git's index (gitformat-index(5)).
 *
 * Versions 2 to 4 are read here: starting git costs ten times as much.  An
 * index that is split or sparse is left to git.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ignore_repo.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/proc.h"

#define INDEX_MAX (512u << 20)
#define TEXT_MAX INDEX_MAX /* of its paths; version 4 shortens them */
#define STAT_LEN 40 /* times, device, mode, owner, size */
#define MODE_AT 24
#define GITLINK 0xe000u /* a submodule: no file of this tree */
#define EXTENDED 0x4000u

struct bindu_index {
	char *text; /* the paths, each NUL-terminated */
	uint32_t *at; /* sorted by bytes */
	size_t n, cap;
};

struct reader {
	const uint8_t *p, *end;
	unsigned hash_len, version;
};

static uint32_t
get_be(const uint8_t *p, int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* A path below the work tree, outside git's own directory.  git takes no
 * other into an index, and no other may be believed: the walk opens what it
 * finds here. */
static bool
is_tree_path(const char *p)
{
	for (;;) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.') ||
		    (n == 4 && strncasecmp(p, ".git", 4) == 0))
			return false;
		if (p[n] == '\0')
			return true;
		p += n + 1;
	}
}

/* -1: no path, or there is no room for it. */
static int
add_path(struct bindu_index *x, struct bindu_buf *text, const char *path)
{
	size_t at = text->len;

	if (!is_tree_path(path) ||
	    bindu_buf_add(text, path, strlen(path) + 1, NULL) == -1)
		return -1;
	bindu_grow(&x->at, &x->cap, x->n + 1, sizeof *x->at);
	x->at[x->n++] = (uint32_t)at;
	return 0;
}

/* As above, in git's order; a path in conflict is there up to three times. */
static int
add_next(struct bindu_index *x, struct bindu_buf *text, const char *path)
{
	int c = x->n ? strcmp(text->p + x->at[x->n - 1], path) : -1;

	return c > 0 ? -1 : c < 0 ? add_path(x, text, path) : 0;
}

/* Version 4 stores how much of the previous path to cut, then the rest. */
static int
cut_prefix(struct reader *r, struct bindu_buf *prev)
{
	uint64_t cut = 0;
	uint8_t c;

	do {
		if (r->p == r->end || cut > INDEX_MAX)
			return -1;
		c = *r->p++;
		cut = (cut << 7) + (c & 127);
		cut += c >> 7;
	} while (c & 128);
	if (cut > prev->len)
		return -1;
	prev->len -= cut;
	return 0;
}

/* One entry; its path goes to prev, its mode to *mode. */
static int
read_entry(struct reader *r, struct bindu_buf *prev, uint32_t *mode)
{
	const uint8_t *begin = r->p, *nul;
	size_t fixed = STAT_LEN + r->hash_len + 2, total;

	if ((size_t)(r->end - r->p) < fixed + 2)
		return -1;
	*mode = get_be(r->p + MODE_AT, 4);
	if (get_be(r->p + fixed - 2, 2) & EXTENDED)
		fixed += 2;
	r->p += fixed;
	if (r->version == 4) {
		if (cut_prefix(r, prev) == -1)
			return -1;
	} else {
		prev->len = 0;
	}
	nul = memchr(r->p, '\0', (size_t)(r->end - r->p));
	if (nul == NULL ||
	    bindu_buf_add(prev, r->p, (size_t)(nul - r->p), NULL) == -1)
		return -1;
	r->p = nul + 1;
	if (r->version < 4) {
		/* Padded with NULs to a multiple of eight. */
		total = ((size_t)(nul - begin) + 8) & ~(size_t)7;
		if ((size_t)(r->end - begin) < total)
			return -1;
		r->p = begin + total;
	}
	return 0;
}

/* Does an extension make the entries not the whole truth? */
static bool
has_foreign_entries(const struct reader *r)
{
	const uint8_t *p = r->p;

	while ((size_t)(r->end - p) >= 8 + r->hash_len) {
		uint32_t len = get_be(p + 4, 4);

		if (memcmp(p, "link", 4) == 0 || memcmp(p, "sdir", 4) == 0)
			return true;
		if (len > (size_t)(r->end - p) - 8)
			return false;
		p += 8 + len;
	}
	return false;
}

/* 0: read; 1: ask git; -1: damaged. */
static int
parse_index(struct bindu_index *x, struct bindu_buf *text, const char *bytes,
    size_t n, unsigned hash_len)
{
	struct reader r = { .p = (const uint8_t *)bytes, .hash_len = hash_len };
	AUTO_BUF struct bindu_buf prev = BINDU_BUF_INIT(1 << 20);
	uint32_t count, mode;
	bool odd = false;

	r.end = r.p + n;
	if (n < 12 + hash_len || memcmp(bytes, "DIRC", 4) != 0)
		return -1;
	r.version = get_be(r.p + 4, 4);
	count = get_be(r.p + 8, 4);
	if (r.version < 2 || r.version > 4)
		return 1;
	r.p += 12;
	for (uint32_t i = 0; i < count; i++) {
		if (read_entry(&r, &prev, &mode) == -1)
			return -1;
		if ((mode & 0xf000) != GITLINK)
			odd |= add_next(x, text, prev.p) == -1;
	}
	if (has_foreign_entries(&r))
		return 1;
	return odd ? -1 : 0;
}

static int
list_by_git(const char *top, char **out, size_t *n, struct bindu_err *err)
{
	/* No command that the repository's settings name may run. */
	const char *argv[] = { "git", "-c", "core.fsmonitor=false", "-C", top,
		"ls-files", "-z", NULL };
	AUTO_FREE const char **env = bindu_repo_git_env();
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	AUTO_CLOSE int fd = memfd_create("index", MFD_CLOEXEC);
	int status;
	pid_t pid;

	if (fd == -1)
		return bindu_err_sys(err, "cannot make a memory file");
	o.argv = argv;
	o.env = env;
	o.out = fd;
	pid = bindu_proc_spawn(&o, err);
	if (pid == -1)
		return -1;
	switch (bindu_proc_wait(pid, 60000, &status, err)) {
	case 0:
		break;
	case 1:
		bindu_proc_stop(pid, false, 1000);
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "git ls-files did not end in 60 s");
	default:
		return -1;
	}
	if (status != 0)
		return bindu_err_set(err, BINDU_E_DATA,
		    "git ls-files failed with status %d",
		    bindu_proc_exit(status));
	if (lseek(fd, 0, SEEK_SET) == -1)
		return bindu_err_sys(err, "cannot read git's list");
	return bindu_fd_read_all(fd, INDEX_MAX, out, n, err);
}

static int
compare_at(const void *a, const void *b, void *text)
{
	return strcmp((char *)text + *(const uint32_t *)a,
	    (char *)text + *(const uint32_t *)b);
}

static int
load_index(struct bindu_index *x, const struct bindu_repo *repo,
    struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf text = BINDU_BUF_INIT(TEXT_MAX);
	AUTO_FREE char *path = bindu_path_join(repo->git_dir, "index");
	AUTO_FREE char *bytes = NULL, *list = NULL;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t n = 0;
	int rc;

	if (fd == -1 && errno == ENOENT)
		return 0; /* nothing was ever added */
	if (fd == -1)
		return bindu_err_sys(err, "cannot open %s", path);
	if (bindu_fd_read_all(fd, INDEX_MAX, &bytes, &n, err) == -1)
		return bindu_err_wrap(err, "%s", path);
	rc = parse_index(x, &text, bytes, n, repo->hash_len);
	if (rc == -1)
		return bindu_err_set(err, BINDU_E_DATA, "%s is damaged", path);
	if (rc == 1) {
		if (list_by_git(repo->top, &list, &n, err) == -1)
			return bindu_err_wrap(err,
			    "%s is split or sparse, "
			    "which only git can read",
			    path);
		x->n = text.len = 0;
		for (size_t at = 0; at < n; at += strlen(list + at) + 1)
			if (add_path(x, &text, list + at) == -1)
				return bindu_err_set(err, BINDU_E_DATA,
				    "git's list of %s is damaged", path);
	}
	x->text = bindu_buf_steal(&text);
	/* Sorted already, unless git was asked about an odd index. */
	if (rc == 1 && x->n > 1)
		qsort_r(x->at, x->n, sizeof *x->at, compare_at, x->text);
	return 0;
}

struct bindu_index *
bindu_index_load(const struct bindu_repo *repo, struct bindu_err *err)
{
	struct bindu_index *x = xcalloc(1, sizeof *x);

	if (repo->git_dir != NULL && load_index(x, repo, err) == -1) {
		bindu_index_free(x);
		return NULL;
	}
	return x;
}

void
bindu_index_free(struct bindu_index *x)
{
	if (x == NULL)
		return;
	free(x->text);
	free(x->at);
	free(x);
}

size_t
bindu_index_seek(const struct bindu_index *x, const char *key, size_t n)
{
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strncmp(x->text + x->at[mid], key, n) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const char *
bindu_index_path(const struct bindu_index *x, size_t i, size_t *len)
{
	if (i >= x->n)
		return NULL;
	*len = strlen(x->text + x->at[i]);
	return x->text + x->at[i];
}
