/* stream_env.h - KEY=VALUE lists as users write them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_STREAM_ENV_H
#define BINDU_STREAM_ENV_H

#include "lib/base/err.h"
#include "lib/base/progress.h"
#include "lib/base/str.h"

/* What --env-file and --env name, the files first, so that items win; files
 * may be NULL.  An item is "KEY=VALUE", or "KEY": the value it has here.  Unset,
 * it stays so there, and that is worth a warning.  A file has one such item a
 * line; blank lines and lines that begin with # are skipped, a value is taken
 * literally to the end of its line. */
int bindu_env_collect(struct bindu_strv *, const struct bindu_strv *files,
    const struct bindu_strv *items, const struct bindu_report *,
    struct bindu_err *);
#endif
