/* stream_watch.c - see stream_watch.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream_watch.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* That the reader of a pipe is gone is told without being asked for. */
static const short events[BINDU_WATCH_COUNT] = {
	[BINDU_WATCH_IN] = POLLIN,
	[BINDU_WATCH_OUT] = POLLOUT,
	[BINDU_WATCH_READER] = 0,
	[BINDU_WATCH_SIGNAL] = POLLIN,
	[BINDU_WATCH_SIZE] = POLLIN,
};

static void *
run(void *arg)
{
	struct bindu_watch *w = arg;
	struct pollfd p[BINDU_WATCH_COUNT + 1];
	uint64_t n;

	while (!atomic_load(&w->stop)) {
		bool fired = false;

		for (int i = 0; i < BINDU_WATCH_COUNT; i++) {
			bool armed = atomic_load(&w->armed[i]);

			p[i] = (struct pollfd){ armed ? w->fd[i] : -1,
				events[i], 0 };
		}
		p[BINDU_WATCH_COUNT] = (struct pollfd){ w->control, POLLIN, 0 };
		if (poll(p, BINDU_WATCH_COUNT + 1, -1) <= 0)
			continue;
		if (p[BINDU_WATCH_COUNT].revents != 0)
			(void)!read(w->control, &n, sizeof(n));
		for (int i = 0; i < BINDU_WATCH_COUNT; i++) {
			if (p[i].revents == 0)
				continue;
			atomic_store(&w->armed[i], false);
			fired = true;
		}
		if (fired)
			w->wake(w->arg);
	}
	return NULL;
}

void
bindu_watch_init(struct bindu_watch *w, void (*wake)(void *), void *arg)
{
	memset(w, 0, sizeof(*w));
	w->wake = wake;
	w->arg = arg;
	w->control = -1;
}

/* Signals stay with the main thread, whose waits they shall end. */
static bool
start(struct bindu_watch *w)
{
	sigset_t all, old;

	w->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	w->running = pthread_create(&w->thread, NULL, run, w) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return w->running;
}

void
bindu_watch_arm(struct bindu_watch *w, int which, int fd)
{
	uint64_t one = 1;

	if (fd == -1 || atomic_load(&w->armed[which]))
		return;
	w->fd[which] = fd;
	atomic_store(&w->armed[which], true);
	/* Without a thread the caller's own short waits have to do. */
	if (!w->running && !start(w))
		return;
	(void)!write(w->control, &one, sizeof(one));
}

void
bindu_watch_fini(struct bindu_watch *w)
{
	uint64_t one = 1;

	if (w->running) {
		atomic_store(&w->stop, true);
		(void)!write(w->control, &one, sizeof(one));
		pthread_join(w->thread, NULL);
	}
	if (w->control != -1)
		close(w->control);
}
