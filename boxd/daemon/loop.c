/* loop.c - descriptors and timers, served by one thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "loop.h"

#define BATCH 64

struct loop_src {
	struct loop *loop;
	int fd;
	uint32_t events;
	bool added; /* epoll knows it */
	void (*fn)(void *, uint32_t); /* NULL: dead */
	void *arg;
	struct loop_src *next_dead;
};

struct loop_timer {
	int64_t at;
	void (*fn)(void *);
	void *arg;
	struct loop_timer *next, *prev;
	struct loop *loop;
};

struct loop {
	int ep, quit_fd;
	void (*wake)(void *);
	void *ctx;
	pthread_t thread;
	bool started;
	sem_t served;
	struct epoll_event batch[BATCH];
	/* Its change hands the batch over: how the one who wakes synchronizes
	 * is its own affair. */
	atomic_int nbatch;
	/* Freed after the next batch only: the batch the second thread holds
	 * may still name them. */
	struct loop_src *dead;
	struct loop_timer *first, *last; /* by time */
};

static void *
listen_thread(void *arg)
{
	struct loop *l = arg;

	for (;;) {
		int n = epoll_wait(l->ep, l->batch, BATCH, -1);

		if (n < 0)
			continue; /* EINTR: the only one that can be */
		l->nbatch = n;
		for (int i = 0; i < n; i++)
			if (!l->batch[i].data.ptr)
				return NULL;
		l->wake(l->ctx);
		while (sem_wait(&l->served) == -1 && errno == EINTR)
			;
	}
}

struct loop *
loop_new(void (*wake)(void *), void *ctx, struct bindu_err *err)
{
	struct loop *l = xcalloc(1, sizeof *l);
	struct epoll_event ev = { .events = EPOLLIN };

	l->wake = wake;
	l->ctx = ctx;
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	l->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sem_init(&l->served, 0, 0);
	if (l->ep == -1 || l->quit_fd == -1 ||
	    epoll_ctl(l->ep, EPOLL_CTL_ADD, l->quit_fd, &ev) == -1) {
		bindu_err_sys(err, "cannot make an event loop");
		loop_free(l);
		return NULL;
	}
	return l;
}

void
loop_start(struct loop *l)
{
	l->started = pthread_create(&l->thread, NULL, listen_thread, l) == 0;
}

void
loop_stop(struct loop *l)
{
	uint64_t one = 1;

	if (!l->started)
		return;
	(void)!write(l->quit_fd, &one, sizeof one);
	sem_post(&l->served); /* in case a batch is being waited for */
	pthread_join(l->thread, NULL);
	l->started = false;
}

static void
bury(struct loop *l)
{
	while (l->dead) {
		struct loop_src *s = l->dead;

		l->dead = s->next_dead;
		free(s);
	}
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	bury(l);
	while (l->first) {
		struct loop_timer *t = l->first;

		loop_cancel(&t);
	}
	if (l->ep != -1)
		close(l->ep);
	if (l->quit_fd != -1)
		close(l->quit_fd);
	sem_destroy(&l->served);
	free(l);
}

void
loop_dispatch(struct loop *l)
{
	for (int i = 0; i < l->nbatch; i++) {
		struct loop_src *s = l->batch[i].data.ptr;

		if (s->fn)
			s->fn(s->arg, l->batch[i].events);
	}
	l->nbatch = 0;
	bury(l);
	sem_post(&l->served);
}

struct loop_src *
loop_watch(struct loop *l, int fd, uint32_t events,
    void (*fn)(void *, uint32_t), void *arg)
{
	struct loop_src *s = xcalloc(1, sizeof *s);

	s->loop = l;
	s->fd = fd;
	s->fn = fn;
	s->arg = arg;
	loop_events(s, events);
	return s;
}

/* A paused source leaves epoll altogether: hang-ups are reported whatever the
 * mask says, and would spin. */
void
loop_events(struct loop_src *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };
	int op = !events ? EPOLL_CTL_DEL :
	    s->added	 ? EPOLL_CTL_MOD :
			   EPOLL_CTL_ADD;

	if (s->events == events && (s->added || !events))
		return;
	s->events = events;
	if (!events && !s->added)
		return;
	epoll_ctl(s->loop->ep, op, s->fd, &ev);
	s->added = events != 0;
}

void
loop_unwatch(struct loop_src **sp)
{
	struct loop_src *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	loop_events(s, 0);
	s->fn = NULL;
	s->next_dead = s->loop->dead;
	s->loop->dead = s;
}

struct loop_timer *
loop_after(struct loop *l, int64_t ms, void (*fn)(void *), void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof *t), *after = l->last;

	t->at = bindu_clock_ms() + ms;
	t->fn = fn;
	t->arg = arg;
	t->loop = l;
	/* From the end: most timers are deadlines later than all others. */
	while (after && after->at > t->at)
		after = after->prev;
	t->prev = after;
	t->next = after ? after->next : l->first;
	*(t->next ? &t->next->prev : &l->last) = t;
	*(after ? &after->next : &l->first) = t;
	return t;
}

void
loop_cancel(struct loop_timer **tp)
{
	struct loop_timer *t = *tp;

	*tp = NULL;
	if (!t)
		return;
	*(t->prev ? &t->prev->next : &t->loop->first) = t->next;
	*(t->next ? &t->next->prev : &t->loop->last) = t->prev;
	free(t);
}

int64_t
loop_run_timers(struct loop *l)
{
	while (l->first) {
		struct loop_timer *t = l->first;
		int64_t left = t->at - bindu_clock_ms();
		void (*fn)(void *) = t->fn;
		void *arg = t->arg;

		if (left > 0)
			return left;
		loop_cancel(&t);
		fn(arg);
	}
	return -1;
}
