/* agent_priv.h - what the agent*.c files share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_AGENT_PRIV_H
#define BINDU_AGENT_PRIV_H

#include "agent.h"
#include "lib/base/buf.h"

#define BINDU_AGENT_QUICK_MS 60000 /* start waits 10 s for the old one's end */
#define BINDU_AGENT_DEPS_MS 1800000
#define BINDU_AGENT_TEXT_MAX (1 << 20)

/* key=value lines, an empty one, the log's end; cut in place. */
void bindu_agent_parse(struct bindu_buf *, struct bindu_agent_status *);
/* A line of what deps.sh says. */
void bindu_agent_env_take(const char *line, struct bindu_agent_env *);
/* NAME='VALUE' lines, as sh reads them. */
int bindu_agent_quote(struct bindu_buf *, const struct bindu_strv *env,
    struct bindu_err *);
/* The same of the installer settings that the box should have from here. */
int bindu_agent_index(struct bindu_remote *, struct bindu_buf *,
    struct bindu_err *);
const char *bindu_or_dash(const char *);
#endif
