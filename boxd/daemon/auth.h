/* auth.h - the key of clients that come over TCP, and their tokens.
 *
 * STATE/key is what `bindu-boxd key` prints; it buys tokens that are good for
 * an hour.  A token is signed (HMAC-SHA256) with STATE/secret and not stored.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_AUTH_H
#define BOXD_AUTH_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/err.h"

#define AUTH_USER "local"
#define AUTH_TOKEN_SECS 3600

struct auth;

struct auth *auth_open(int state_fd, struct bindu_err *); /* makes both */
void auth_close(struct auth *);
/* The key; the caller wipes it with bindu_free_secret. */
char *auth_key(int state_fd, struct bindu_err *);
/* A token for the right key; NULL: wrong (AUTH), or too many wrong ones (AGAIN,
 * detail: seconds to wait). */
char *auth_exchange(struct auth *, const char *key, int64_t *expires,
    struct bindu_err *);
bool auth_token_ok(const struct auth *, const char *token);
#endif
