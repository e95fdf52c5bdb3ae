/* loop.h - descriptors and timers, served by the one thread that owns all
 * state.
 *
 * A second thread sits in epoll_wait and does nothing but say "something is
 * ready"; it then sleeps until loop_dispatch() has served that batch.  So no
 * object of the daemon is ever touched by two threads, and there are no locks.
 * Every function here is for the owner thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_LOOP_H
#define BOXD_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>
#include "lib/base/err.h"

struct loop;
struct loop_src;
struct loop_timer;

/* wake(ctx) is called on the second thread; it must make the owner thread
 * call loop_dispatch() soon. */
struct loop *loop_new(void (*wake)(void *), void *ctx, struct bindu_err *);
void loop_start(struct loop *); /* starts the second thread */
void loop_stop(struct loop *); /* ends it; no wake comes after */
void loop_free(struct loop *);
void loop_dispatch(struct loop *);
/* Runs what is due; milliseconds until the next timer, -1 for none. */
int64_t loop_run_timers(struct loop *);

/* fn is called while any of events (EPOLLIN, EPOLLOUT, EPOLLET...) holds;
 * errors and hang-ups always.  fd stays the caller's: unwatch, then close. */
struct loop_src *loop_watch(struct loop *, int fd, uint32_t events,
    void (*fn)(void *arg, uint32_t events), void *arg);
void loop_events(struct loop_src *, uint32_t events); /* 0 pauses */
void loop_unwatch(struct loop_src **); /* NULL inside is fine; sets NULL */

struct loop_timer *
loop_after(struct loop *, int64_t ms, void (*fn)(void *), void *arg);
void loop_cancel(struct loop_timer **); /* fired ones: set NULL in fn */
#endif
