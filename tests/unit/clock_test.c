/* clock: deadlines and backoff.
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include "lib/base/clock.h"
#include "tap.h"

static const struct {
	unsigned try;
	int64_t want;
} steps[] = {
	{ 0, 100 },
	{ 1, 200 },
	{ 2, 400 },
	{ 3, 800 },
	{ 4, 1000 },
	{ 5, 1000 },
	{ 4000000000u, 1000 },
};

int
main(void)
{
	int64_t a = bindu_clock_ms(), left;

	bindu_clock_sleep(20);
	ok(bindu_clock_ms() - a >= 20, "a sleep is at least as long as asked");
	ok(bindu_clock_left(bindu_clock_deadline(-1)) == -1,
	    "never is -1 for poll");
	ok(bindu_clock_left(bindu_clock_ms() - 5) == 0, "the past is 0");
	left = bindu_clock_left(bindu_clock_deadline(1000));
	ok(left > 900 && left <= 1000, "a second ahead");
	ok(bindu_clock_left(bindu_clock_deadline((int64_t)INT_MAX * 4)) ==
		INT_MAX,
	    "far ahead is capped for poll");
	ok(bindu_clock_deadline(INT64_MAX) == INT64_MAX,
	    "a deadline does not overflow");
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int64_t ms = bindu_clock_backoff(steps[i].try, 100, 1000);

		ok(ms >= steps[i].want * 8 / 10 &&
			ms <= steps[i].want * 12 / 10,
		    "try %u waits about %lld ms", steps[i].try,
		    (long long)steps[i].want);
	}
	return done();
}
