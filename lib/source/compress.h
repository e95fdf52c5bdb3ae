/* compress.h - bytes in, a tar, gzip or zstd stream on a descriptor; the one
 * room of libdeflate and libzstd.
 *
 * Work is cut into slices of fixed size, so the output depends on the input
 * and the level, never on the number of threads.  Each slice is a gzip member
 * or a zstd frame of its own; readers of either join them.  Internal to pack.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_COMPRESS_H
#define BINDU_COMPRESS_H

#include "pack.h"

struct bindu_compress_stream;

/* Level as in bindu_pack_opts; out of the format's range is BINDU_E_USAGE. */
struct bindu_compress_stream *
bindu_compress_new(int fd, const struct bindu_pack_opts *, struct bindu_err *);
int bindu_compress_add(struct bindu_compress_stream *, const void *, size_t,
    struct bindu_err *);
/* Flush everything; *out gets the bytes written. */
int bindu_compress_end(struct bindu_compress_stream *, uint64_t *out,
    struct bindu_err *);
void bindu_compress_free(struct bindu_compress_stream *);

/* Compressed size of n bytes at the format's default level, for estimates. */
size_t bindu_compress_sample(enum bindu_compress, const void *, size_t n);
/* CRC-32 of n bytes. */
uint32_t bindu_compress_crc(const void *, size_t n);
#endif
