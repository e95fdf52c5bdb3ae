/* outside.h - a process that stays where the hub was started.
 *
 * The hub leaves the machine's network and, as an ordinary user, its user
 * namespace, and cannot come back.  What must run there (newuidmap, the
 * relay, the image builder) this small process starts on its behalf.  What
 * they mount and unmount is theirs alone.  It ends with the hub.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_OUTSIDE_H
#define BOXD_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/err.h"

/* Fork it; the descriptor that reaches it, or -1. */
int outside_start(pid_t *, struct bindu_err *);
/* Run argv there, env ("K=V", NULL: none) added to its environment,
 * descriptor fds[i] as number at[i] (-1: none), stdin empty.
 * Returns the job's descriptor, readable when it ended; closing it earlier
 * kills the job unless keep is set. */
int outside_run(int outside, const char *const *argv, const char *const *env,
    const int fds[2], const int at[2], bool keep, struct bindu_err *);
/* Wait for the job; its exit status (0..255, 128+n), or -1. */
int outside_wait(int job, int64_t timeout_ms, struct bindu_err *);
#endif
