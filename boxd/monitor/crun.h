/* crun.h - the two crun commands a box needs; all else is done by system
 * calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_CRUN_H
#define BOXD_CRUN_H

#include <sys/types.h>
#include "lib/base/err.h"
#include "monitor.h"

/* Create from DIR/config.json; init waits for crun_start.  in and out become
 * init's: regular files or pipes, crun changes their owner to the box's
 * root.  Init's pid: a child of the caller when that is a subreaper. */
pid_t crun_create(const struct monitor_env *, const char *id, const char *dir,
    int in, int out, struct bindu_err *);
int crun_start(const struct monitor_env *, const char *id, const char *dir,
    int in, int out, struct bindu_err *);
/* End what monitors that were killed in the middle of these two left: a crun,
 * or a first process that waits for a start that will not come. */
void crun_bury(const char *state);
#endif
