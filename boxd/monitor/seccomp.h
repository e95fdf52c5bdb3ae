/* seccomp.h - which system calls a box may make; one table, two users: crun
 * gets it as JSON for the first process, execs get it as a loaded filter.
 *
 * Allowed is what ordinary programs need; what is known and refused gives
 * EPERM, what the table does not know gives ENOSYS, so that newer C
 * libraries fall back.  Other ABIs of the processor are unknown altogether.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_SECCOMP_H
#define BOXD_SECCOMP_H

#include <linux/filter.h>
#include "lib/base/err.h"
#include "lib/base/json.h"

/* The "seccomp" object of config.json. */
json_t *seccomp_json(void);
/* The same as a program; caller frees prog->filter. */
int seccomp_compile(struct sock_fprog *prog, struct bindu_err *);
/* For the calling process and its children.  -1 sets errno. */
int seccomp_install(const struct sock_fprog *);
#endif
