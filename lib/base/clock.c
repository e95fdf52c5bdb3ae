/* clock.c - see clock.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include "clock.h"

int64_t
bindu_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
bindu_clock_ms(void)
{
	return bindu_clock_us() / 1000;
}

int64_t
bindu_clock_wall(void)
{
	return time(NULL);
}

int64_t
bindu_clock_deadline(int64_t ms)
{
	int64_t at;

	if (ms < 0 || __builtin_add_overflow(bindu_clock_ms(), ms, &at))
		return INT64_MAX;
	return at;
}

int
bindu_clock_left(int64_t deadline)
{
	int64_t left;

	if (deadline == INT64_MAX)
		return -1;
	left = deadline - bindu_clock_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

void
bindu_clock_sleep(int64_t ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000 };

	while (ms > 0 && nanosleep(&t, &t) == -1 && errno == EINTR)
		;
}

/* Two clients started together must not come back together: the low bits of
 * the clock are random enough for that and need no seed. */
int64_t
bindu_clock_backoff(unsigned try, int64_t first_ms, int64_t cap_ms)
{
	int64_t ms = first_ms;
	struct timespec t;

	while (try-- > 0 && ms < cap_ms)
		ms *= 2;
	if (ms > cap_ms)
		ms = cap_ms;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return ms * (800 + t.tv_nsec / 7 % 401) / 1000;
}
