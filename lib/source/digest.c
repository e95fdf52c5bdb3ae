/* digest.c - SHA-256 by libcrypto.
 *
 * The low-level calls: the EVP ones look an algorithm up per context and read
 * OpenSSL's configuration at the first, which costs more than a small tree.
 * SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "digest.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/sha.h>
#include "lib/base/mem.h"

struct bindu_digest {
	SHA256_CTX ctx;
};

struct bindu_digest *
bindu_digest_new(void)
{
	struct bindu_digest *d = xmalloc(sizeof *d);

	SHA256_Init(&d->ctx);
	return d;
}

void
bindu_digest_free(struct bindu_digest *d)
{
	free(d);
}

void
bindu_digest_add(struct bindu_digest *d, const void *p, size_t n)
{
	SHA256_Update(&d->ctx, p, n);
}

void
bindu_digest_end(struct bindu_digest *d, uint8_t out[BINDU_SHA256])
{
	SHA256_Final(out, &d->ctx);
	SHA256_Init(&d->ctx);
}

void
bindu_digest_bytes(const void *p, size_t n, uint8_t out[BINDU_SHA256])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, p, n);
	SHA256_Final(out, &ctx);
}

int
bindu_digest_fd(int fd, uint8_t out[BINDU_SHA256], uint64_t *size,
    struct bindu_err *err)
{
	AUTO_FREE char *buf = xmalloc(1 << 17);
	uint64_t total = 0;
	SHA256_CTX ctx;
	ssize_t r;

	SHA256_Init(&ctx);
	while ((r = read(fd, buf, 1 << 17)) != 0) {
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return bindu_err_sys(err, "cannot read");
		SHA256_Update(&ctx, buf, (size_t)r);
		total += (uint64_t)r;
	}
	SHA256_Final(out, &ctx);
	if (size != NULL)
		*size = total;
	return 0;
}
