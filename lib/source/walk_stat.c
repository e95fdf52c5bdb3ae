/* walk_stat.c - chunks of entries, each thread with a cursor of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "walk_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "walk_dir.h"

#define CHUNK 128
#define THREADS_MAX 4

struct job {
	struct bindu_tree *tree;
	bindu_walk_stat_fn *fn;
	void *ctx;
	atomic_size_t next, failed_at;
	atomic_int failure; /* errno at failed_at */
};

static int
stat_entry(struct job *j, struct bindu_walk_dir *dirs, struct bindu_entry *e)
{
	const char *name;
	struct stat st;
	int at;

	if (e->mode != 0)
		return 0;
	at = bindu_walk_dir_parent(dirs, e->path, &name);

	if (at != -1 && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		j->fn(j->ctx, e, &st);
	else if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR)
		j->fn(j->ctx, e, NULL);
	else
		return -1;
	return 0;
}

static void *
run_stats(void *arg)
{
	struct job *j = arg;
	struct bindu_walk_dir *dirs = bindu_walk_dir_new(j->tree->rootfd);

	while (j->failure == 0) {
		size_t i = atomic_fetch_add(&j->next, CHUNK), end = i + CHUNK;

		if (i >= j->tree->n)
			break;
		for (; i < end && i < j->tree->n; i++)
			if (stat_entry(j, dirs, &j->tree->entry[i]) == -1) {
				int none = 0;

				if (atomic_compare_exchange_strong(&j->failure,
					&none, errno))
					j->failed_at = i;
				break;
			}
	}
	bindu_walk_dir_free(dirs);
	return NULL;
}

int
bindu_walk_stat(struct bindu_tree *t, size_t first, bindu_walk_stat_fn *fn,
    void *ctx, struct bindu_err *err)
{
	struct job j = { .tree = t, .fn = fn, .ctx = ctx, .next = first };
	AUTO_FREE char *shown = NULL;
	pthread_t thread[THREADS_MAX];
	int started = 0, want = 1;
	sigset_t all, old;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		want = CPU_COUNT(&set);
	want = want > THREADS_MAX ? THREADS_MAX : want;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (started + 1 < want &&
	    pthread_create(&thread[started], NULL, run_stats, &j) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	run_stats(&j);
	while (started > 0)
		pthread_join(thread[--started], NULL);
	if (j.failure == 0)
		return 0;
	shown = bindu_str_shown(t->entry[j.failed_at].path);
	errno = j.failure;
	bindu_err_sys(err, "cannot stat %s", shown);
	if (err != NULL)
		err->code = BINDU_E_NOINPUT;
	return -1;
}
