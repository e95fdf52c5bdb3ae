/* discover_priv.h - shared by discover*.c only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_DISCOVER_PRIV_H
#define BINDU_DISCOVER_PRIV_H

#include "discover.h"
#include "py.h"

/* discover_root.c: the root of a script in dir (absolute, real). */
char *bindu_discover_root(const char *dir, struct bindu_err *);

/* discover_deps.c */
void bindu_discover_deps(int rootfd, const char *script,
    const struct bindu_report *, struct bindu_strv *deps);
/* "" when nothing asks for one.  Caller frees. */
char *bindu_discover_python(int rootfd, const char *root, const char *script,
    const struct bindu_report *);

/* discover_search.c: the absolute path of the script that stands out below
 * dir.  Caller frees. */
char *bindu_discover_search(const char *dir, const struct bindu_report *,
    struct bindu_err *);

/* discover_run.c: the name the script gives itself when it runs. */
char *bindu_discover_run(const char *root, const char *script,
    int64_t timeout_ms, const struct bindu_report *, struct bindu_err *);

/* discover_check.c */
void bindu_discover_check(const struct bindu_agent_info *,
    const struct bindu_report *);

/* discover.c: want[0] name, [1] id, [2] the url of bindufy's config. */
extern const struct bindu_py_query bindu_discover_query;
#endif
