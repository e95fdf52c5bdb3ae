/* deploy_text.h - a deploy in words and as JSON; the tool prints them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_DEPLOY_TEXT_H
#define BINDU_DEPLOY_TEXT_H

#include "deploy.h"

/* What --dry-run says (reference-cli's labels). */
int bindu_deploy_plan_text(const struct bindu_deploy_opts *,
    const struct bindu_plan *, struct bindu_buf *, struct bindu_err *);
json_t *bindu_deploy_plan_json(const struct bindu_deploy_opts *,
    const struct bindu_plan *);
json_t *
bindu_deployed_json(const struct bindu_deployed *, const struct bindu_plan *);
#endif
