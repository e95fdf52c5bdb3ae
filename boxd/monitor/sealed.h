/* sealed.h - run from a copy of our program that no one can write.
 *
 * A box may be asked to run a script whose interpreter is /proc/self/exe: the
 * monitor's own program then runs in the box, and through its /proc/PID/exe
 * the box holds the file of the host.  An ordinary user's box has that user's
 * rights; only a kernel that refuses to write running programs would stand
 * between it and the monitor, and 6.11 and 6.12 do not.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_SEALED_H
#define BOXD_SEALED_H

#include "lib/base/err.h"

/* Run the program anew, with the same arguments, from a sealed file in memory;
 * returns 0 at once when that is what runs, else only on failure. */
int sealed_exec(char **argv, struct bindu_err *);
/* In a child that a box sees: a command line without the host's paths. */
void sealed_blank(void);
#endif
