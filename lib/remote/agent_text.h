/* agent_text.h - an agent's state in words and as JSON; the tools print them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_AGENT_TEXT_H
#define BINDU_AGENT_TEXT_H

#include "agent.h"

/* Lines key=value of what is known, without the log; caller frees. */
char *bindu_agent_status_text(const struct bindu_agent_status *);
json_t *bindu_agent_status_json(const struct bindu_agent_status *);
#endif
