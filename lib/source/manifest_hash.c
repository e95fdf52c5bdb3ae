/* manifest_hash.c - the digest of every file, by several threads, none of it
 * read again while its stat says it is the same.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/tool.h"
#include "manifest.h"
#include "statcache.h"
#include "walk_dir.h"

#define CHUNK 32 /* entries a thread takes at a time */
#define READ_SIZE (128 * 1024)
#define TRIES 3
#define THREADS_MAX 4
#define FILES_PER_THREAD 64 /* fewer are not worth a thread */

struct job {
	struct bindu_tree *tree;
	atomic_size_t next;
	atomic_bool stop;
	pthread_mutex_t lock; /* guards what follows */
	size_t failed_at;
	struct bindu_err err;
};

struct hasher {
	struct bindu_walk_dir *dirs;
	struct bindu_digest *digest;
	char *buf;
};

/* Hash what fd reads.  1 when the file changed meanwhile, -1 sets errno. */
static int
hash_open(struct hasher *h, int fd, struct bindu_entry *e,
    const atomic_bool *stop)
{
	struct stat before, after;
	uint64_t total = 0;
	ssize_t r;

	if (fstat(fd, &before) == -1)
		return -1;
	if (!S_ISREG(before.st_mode))
		return 1;
	do {
		r = read(fd, h->buf, READ_SIZE);
		if (r == -1 && errno != EINTR)
			return -1;
		if (r > 0)
			bindu_digest_add(h->digest, h->buf, (size_t)r);
		total += r > 0 ? (uint64_t)r : 0;
		/* All of it, and the file says so: no need to meet the end. */
	} while ((r == -1 || r > 0) && total != (uint64_t)before.st_size &&
	    !*stop && !bindu_tool_pending());
	bindu_digest_end(h->digest, e->sha256);
	if (fstat(fd, &after) == -1)
		return -1;
	if (total != (uint64_t)before.st_size ||
	    !bindu_same_stat(&before, &after))
		return 1;
	bindu_entry_file(e, &after);
	e->hashed = true;
	return 0;
}

static int
fail_entry(const struct bindu_entry *e, const char *what, struct bindu_err *err)
{
	AUTO_FREE char *shown = bindu_str_shown(e->path);

	if (what != NULL)
		return bindu_err_set(err, BINDU_E_AGAIN, "%s %s; run again",
		    shown, what);
	bindu_err_sys(err, "cannot read %s", shown);
	err->code = BINDU_E_NOINPUT;
	return -1;
}

static int
hash_file(struct hasher *h, struct bindu_entry *e, const atomic_bool *stop,
    struct bindu_err *err)
{
	for (int try = 0; try < TRIES; try++) {
		const char *name;
		int at, rc;
		AUTO_CLOSE int fd = -1;

		at = bindu_walk_dir_parent(h->dirs, e->path, &name);
		if (at != -1)
			fd = openat(at, name,
			    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
				O_NOCTTY);
		if (fd == -1 &&
		    (errno == ENOENT || errno == ELOOP || errno == ENOTDIR))
			return fail_entry(e,
			    "vanished or changed its kind "
			    "while the tree was read",
			    err);
		if (fd == -1)
			return fail_entry(e, NULL, err);
		rc = hash_open(h, fd, e, stop);
		if (rc == -1)
			return fail_entry(e, NULL, err);
		if (rc == 0 || *stop || bindu_tool_pending())
			return 0;
		bindu_clock_sleep(try);
	}
	return fail_entry(e, "changes while it is read", err);
}

static int
hash_entry(struct hasher *h, struct bindu_entry *e, const atomic_bool *stop,
    struct bindu_err *err)
{
	if (e->hashed)
		return 0;
	if (e->type == BINDU_FILE)
		return hash_file(h, e, stop, err);
	/* A link is its target's text, an empty directory nothing. */
	bindu_digest_bytes(e->link ? e->link : "",
	    e->link ? strlen(e->link) : 0, e->sha256);
	e->hashed = true;
	return 0;
}

/* The error of the first path wins, whichever thread meets it. */
static void
record_failure(struct job *j, size_t i, const struct bindu_err *err)
{
	pthread_mutex_lock(&j->lock);
	if (i < j->failed_at) {
		j->failed_at = i;
		j->err = *err;
	}
	j->stop = true;
	pthread_mutex_unlock(&j->lock);
}

static void *
run_hasher(void *arg)
{
	struct job *j = arg;
	struct hasher h = { bindu_walk_dir_new(j->tree->rootfd),
		bindu_digest_new(), xmalloc(READ_SIZE) };
	struct bindu_err err = { 0 };

	while (!j->stop && !bindu_tool_pending()) {
		size_t i = atomic_fetch_add(&j->next, CHUNK), end = i + CHUNK;

		if (i >= j->tree->n)
			break;
		for (; i < end && i < j->tree->n; i++)
			if (hash_entry(&h, &j->tree->entry[i], &j->stop,
				&err) == -1) {
				record_failure(j, i, &err);
				break;
			}
	}
	bindu_walk_dir_free(h.dirs);
	bindu_digest_free(h.digest);
	free(h.buf);
	return NULL;
}

static unsigned
count_threads(unsigned wanted, size_t files)
{
	cpu_set_t set;
	unsigned n = wanted;

	if (n == 0)
		n = sched_getaffinity(0, sizeof set, &set) == 0 ?
		    (unsigned)CPU_COUNT(&set) :
		    1;
	if (wanted == 0 && n > files / FILES_PER_THREAD + 1)
		n = (unsigned)(files / FILES_PER_THREAD) + 1;
	return n > THREADS_MAX ? THREADS_MAX : n;
}

static int
run_job(struct job *j, unsigned threads, struct bindu_err *err)
{
	pthread_t thread[THREADS_MAX];
	unsigned started = 0;
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (started + 1 < threads &&
	    pthread_create(&thread[started], NULL, run_hasher, j) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	run_hasher(j);
	while (started > 0)
		pthread_join(thread[--started], NULL);
	if (bindu_tool_interrupted(err) == -1)
		return -1;
	if (j->failed_at == SIZE_MAX)
		return 0;
	if (err != NULL)
		*err = j->err;
	return -1;
}

static void
sum_bytes(struct bindu_tree *t)
{
	t->bytes = 0;
	for (size_t i = 0; i < t->n; i++)
		if (t->entry[i].type == BINDU_FILE)
			t->bytes += t->entry[i].size;
}

/* Files without a digest. */
static size_t
count_missing(const struct bindu_tree *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->entry[i].type == BINDU_FILE && !t->entry[i].hashed;
	return n;
}

int
bindu_manifest_hash(struct bindu_tree *t, bool no_cache, unsigned threads,
    const struct bindu_report *report, struct bindu_err *err)
{
	struct job j = { .tree = t, .failed_at = SIZE_MAX };
	struct bindu_statcache *cache = NULL;
	size_t missing;
	int rc;

	missing = count_missing(t);
	if (!no_cache && missing > 0) {
		cache = bindu_statcache_open(t->root);
		missing -= bindu_statcache_fill(cache, t);
	}
	if (cache != NULL && missing > 0)
		bindu_statcache_begin(cache);
	pthread_mutex_init(&j.lock, NULL);
	rc = run_job(&j, count_threads(threads, missing), err);
	pthread_mutex_destroy(&j.lock);
	sum_bytes(t);
	if (rc == 0 && cache != NULL)
		bindu_statcache_save(cache, t);
	bindu_statcache_free(cache);
	bindu_progress(report, "hash", t->n, t->n, "files");
	return rc;
}
