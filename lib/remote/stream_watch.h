/* stream_watch.h - a helper thread that watches descriptors while the main
 * thread waits inside gRPC, and wakes it.
 *
 * It only polls and wakes; all reading, writing and deciding stays with the
 * main thread.  Started at the first arm: a command that neither waits for
 * input nor for a slow reader never pays for it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_STREAM_WATCH_H
#define BINDU_STREAM_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
	BINDU_WATCH_IN,
	BINDU_WATCH_OUT,
	BINDU_WATCH_READER,
	BINDU_WATCH_SIGNAL,
	BINDU_WATCH_SIZE,
	BINDU_WATCH_COUNT
};

struct bindu_watch {
	int fd[BINDU_WATCH_COUNT];
	atomic_bool armed[BINDU_WATCH_COUNT]; /* cleared when it fired */
	void (*wake)(void *);
	void *arg;
	pthread_t thread;
	bool running;
	atomic_bool stop;
	int control; /* eventfd: look again */
};

void bindu_watch_init(struct bindu_watch *, void (*wake)(void *), void *arg);
/* Wake once when fd is ready (writable for OUT, without a reader for READER,
 * else readable). */
void bindu_watch_arm(struct bindu_watch *, int which, int fd);
void bindu_watch_fini(struct bindu_watch *);
#endif
