/* hold.h - one monitor a box: the one that has DIR/monitor.lock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_HOLD_H
#define BOXD_HOLD_H

#include "lib/base/err.h"

/* Be the box's monitor as long as the descriptor returned is open.  The one
 * before, which may be stuck or still at its start, is ended; -1 also when
 * the box's directory was removed. */
int hold_take(int dirfd, struct bindu_err *);
/* End the box's monitor, if any, and wait for that. */
int hold_end(int dirfd, struct bindu_err *);
#endif
