/* local.h - the daemon of the local runtime: find it, start it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_LOCAL_H
#define BINDU_LOCAL_H

#include <stdbool.h>
#include "lib/base/err.h"
#include "lib/base/progress.h"

/* Its unix socket (config.h); caller frees. */
char *bindu_local_socket(void);
/* When nobody answers on the socket run `bindu-boxd start`, which returns
 * when the daemon is ready; start false: BINDU_E_UNAVAILABLE instead. */
int
bindu_local_ensure(bool start, const struct bindu_report *, struct bindu_err *);
#endif
