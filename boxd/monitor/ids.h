/* ids.h - the ids of a box on the host.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_IDS_H
#define BOXD_IDS_H

#include <sys/types.h>
#include "lib/base/err.h"

/* A user namespace of nobody else, made by the host's user base, where 0 is
 * base and 65536 ids are there.  It lives as long as the descriptor, or a
 * process or mount in it. */
int ids_userns(uid_t base, struct bindu_err *);
#endif
