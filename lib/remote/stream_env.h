/* stream_env.h - KEY=VALUE lists as users write them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_STREAM_ENV_H
#define BINDU_STREAM_ENV_H

#include "lib/base/err.h"
#include "lib/base/str.h"

/* "KEY=VALUE", or "KEY": the value it has here (nothing when unset). */
int bindu_env_add(struct bindu_strv *, const char *, struct bindu_err *);
/* One such item a line; blank lines and lines that begin with # are skipped,
 * a value is taken literally to the end of its line. */
int bindu_env_file(struct bindu_strv *, const char *path, struct bindu_err *);
#endif
