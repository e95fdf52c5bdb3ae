/* compress_pool.c - a ring of slices: filled in order, worked on by whoever
 * is free, taken out in order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "compress_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include "lib/base/mem.h"

/* Slices ahead of the threads: whoever fills them shares the cores with
 * these, and may have to wait for one while they empty the ring. */
#define AHEAD 6

struct bindu_pool {
	const struct bindu_pool_ops *ops;
	int level;
	pthread_t *thread;
	unsigned nthread;
	struct bindu_slice *slice;
	bool *done;
	size_t n; /* slices in the ring */
	/* Running numbers; slice number i is slice[i % n]. */
	size_t filled, claimed, taken;
	pthread_mutex_t lock;
	pthread_cond_t work, ready;
	bool quit;
};

static void *
run_worker(void *arg)
{
	struct bindu_pool *p = arg;
	void *state = p->ops->start(p->level);

	pthread_mutex_lock(&p->lock);
	for (;;) {
		size_t i;

		while (!p->quit && p->claimed == p->filled)
			pthread_cond_wait(&p->work, &p->lock);
		if (p->quit)
			break;
		i = p->claimed++ % p->n;
		pthread_mutex_unlock(&p->lock);
		p->ops->work(state, &p->slice[i]);
		pthread_mutex_lock(&p->lock);
		p->done[i] = true;
		pthread_cond_signal(&p->ready);
	}
	pthread_mutex_unlock(&p->lock);
	p->ops->stop(state);
	return NULL;
}

/* Signals are the main thread's. */
static void
start_threads(struct bindu_pool *p, unsigned threads)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (p->nthread < threads &&
	    pthread_create(&p->thread[p->nthread], NULL, run_worker, p) == 0)
		p->nthread++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct bindu_pool *
bindu_pool_new(const struct bindu_pool_ops *ops, int level, unsigned threads,
    size_t in_size, size_t out_size)
{
	struct bindu_pool *p = xcalloc(1, sizeof *p);

	p->ops = ops;
	p->level = level;
	p->n = threads + AHEAD;
	p->slice = xcalloc(p->n, sizeof *p->slice);
	p->done = xcalloc(p->n, sizeof *p->done);
	p->thread = xcalloc(threads, sizeof *p->thread);
	for (size_t i = 0; i < p->n; i++) {
		p->slice[i].in = xmalloc(in_size);
		p->slice[i].out = xmalloc(out_size);
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->ready, NULL);
	start_threads(p, threads);
	if (p->nthread == 0) {
		bindu_pool_free(p);
		return NULL;
	}
	return p;
}

struct bindu_slice *
bindu_pool_free_slice(struct bindu_pool *p)
{
	return p->filled - p->taken < p->n ? &p->slice[p->filled % p->n] : NULL;
}

void
bindu_pool_submit(struct bindu_pool *p, struct bindu_slice *s)
{
	pthread_mutex_lock(&p->lock);
	p->done[s - p->slice] = false;
	p->filled++;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

struct bindu_slice *
bindu_pool_take(struct bindu_pool *p)
{
	size_t i = p->taken % p->n;

	if (p->taken == p->filled)
		return NULL;
	pthread_mutex_lock(&p->lock);
	while (!p->done[i])
		pthread_cond_wait(&p->ready, &p->lock);
	pthread_mutex_unlock(&p->lock);
	p->taken++;
	return &p->slice[i];
}

void
bindu_pool_free(struct bindu_pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->quit = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->nthread; i++)
		pthread_join(p->thread[i], NULL);
	for (size_t i = 0; i < p->n; i++) {
		free(p->slice[i].in);
		free(p->slice[i].out);
	}
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->ready);
	free(p->slice);
	free(p->done);
	free(p->thread);
	free(p);
}
