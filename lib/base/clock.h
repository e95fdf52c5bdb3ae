/* clock.h - monotonic time, deadlines, backoff.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_CLOCK_H
#define BINDU_CLOCK_H

#include <stdint.h>

int64_t bindu_clock_ms(void); /* CLOCK_MONOTONIC */
int64_t bindu_clock_us(void);
int64_t bindu_clock_wall(void); /* seconds since 1970 */
/* now + ms; ms < 0 gives INT64_MAX, "never". */
int64_t bindu_clock_deadline(int64_t ms);
/* Milliseconds left, >= 0; capped to INT_MAX for poll(2), -1 for never. */
int bindu_clock_left(int64_t deadline);
void bindu_clock_sleep(int64_t ms);
/* try is 0,1,2..: first*2^try, at most cap, +-20 % jitter. */
int64_t bindu_clock_backoff(unsigned try, int64_t first_ms, int64_t cap_ms);
#endif
