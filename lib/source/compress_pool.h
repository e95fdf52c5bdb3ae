/* compress_pool.h - threads that turn numbered slices into bytes, in order.
 *
 * Internal to compress.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_COMPRESS_POOL_H
#define BINDU_COMPRESS_POOL_H

#include <stddef.h>

struct bindu_pool;

struct bindu_slice {
	char *in, *out; /* of the sizes given to bindu_pool_new */
	size_t nin, nout;
};

/* work runs in a thread, state is what start returned in that thread. */
struct bindu_pool_ops {
	void *(*start)(int level);
	void (*work)(void *state, struct bindu_slice *);
	void (*stop)(void *state);
};

struct bindu_pool *bindu_pool_new(const struct bindu_pool_ops *, int level,
    unsigned threads, size_t in_size, size_t out_size);
/* A slice to fill, NULL when all are under way: take a done one first. */
struct bindu_slice *bindu_pool_free_slice(struct bindu_pool *);
void bindu_pool_submit(struct bindu_pool *, struct bindu_slice *);
/* Wait for the oldest slice submitted; NULL when none is under way.  It is
 * free again at the next call of this function. */
struct bindu_slice *bindu_pool_take(struct bindu_pool *);
void bindu_pool_free(struct bindu_pool *);
#endif
