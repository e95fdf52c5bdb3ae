/* token.h - who we are to a boxd service.
 *
 * BOXD_TOKEN is used as it is and never renewed; BOXD_API_KEY is exchanged
 * for a short token that parallel tools share through a 0600 cache file (only
 * the token is written, never the key).  Secrets are wiped when freed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_TOKEN_H
#define BINDU_TOKEN_H

#include <stdbool.h>
#include "endpoint.h"
#include "lib/base/err.h"

struct bindu_token;
/* NULL and BINDU_E_CONFIG when neither variable is set. */
struct bindu_token *
bindu_token_new(const struct bindu_endpoint *, struct bindu_err *);
void bindu_token_free(struct bindu_token *);
/* The token to send now: from the cache, or exchanged.  Borrowed until the
 * next call. */
const char *bindu_token_get(struct bindu_token *, struct bindu_err *);
/* The server refused it: exchange once more.  false: there is nothing to
 * try (a token as it is, or a second refusal). */
bool bindu_token_renew(struct bindu_token *);
#endif
