/* digest.h - SHA-256, the only room of <openssl/ on the source side.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_DIGEST_H
#define BINDU_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/err.h"

#define BINDU_SHA256 32
struct bindu_digest; /* one stream; not shared by threads */
struct bindu_digest *bindu_digest_new(void);
void bindu_digest_free(struct bindu_digest *);
void bindu_digest_add(struct bindu_digest *, const void *, size_t);
/* Ends the stream and starts a new one. */
void bindu_digest_end(struct bindu_digest *, uint8_t out[BINDU_SHA256]);
void bindu_digest_bytes(const void *, size_t, uint8_t out[BINDU_SHA256]);
int bindu_digest_fd(int fd, uint8_t out[BINDU_SHA256], uint64_t *size,
    struct bindu_err *);
#endif
