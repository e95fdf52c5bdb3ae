/* compress.c - the three kinds of stream an archive can leave as.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "compress.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <libdeflate.h>
#include <zstd.h>
#include "compress_pool.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

/* Fixed, or the bytes would change with the machine. */
#define GZIP_SLICE (1u << 20)
#define ZSTD_SLICE (2u << 20)
#define GZIP_LEVEL 7 /* as small as gzip -6; 6 is 7 % larger on some text */
#define ZSTD_LEVEL 1

struct bindu_compress_stream {
	int fd;
	uint64_t out, max;
	struct bindu_pool *pool; /* NULL: bytes go out as they are */
	struct bindu_slice *slice; /* being filled */
	size_t size; /* of a slice */
};

/* A slice without memory for its compressor has no output; the writer sees
 * it. */

static void *
start_gzip(int level)
{
	return libdeflate_alloc_compressor(level);
}

static void
work_gzip(void *state, struct bindu_slice *s)
{
	s->nout = state ?
	    libdeflate_gzip_compress(state, s->in, s->nin, s->out,
		libdeflate_gzip_compress_bound(NULL, GZIP_SLICE)) :
	    0;
}

static void
stop_gzip(void *state)
{
	libdeflate_free_compressor(state);
}

static void *
start_zstd(int level)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();

	if (z != NULL) {
		ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level);
		ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	}
	return z;
}

static void
work_zstd(void *state, struct bindu_slice *s)
{
	size_t n = state ? ZSTD_compress2(state, s->out,
			       ZSTD_compressBound(ZSTD_SLICE), s->in, s->nin) :
			   0;

	s->nout = ZSTD_isError(n) ? 0 : n;
}

static void
stop_zstd(void *state)
{
	ZSTD_freeCCtx(state);
}

static const struct format {
	const char *name;
	int min, max, level;
	size_t slice;
	struct bindu_pool_ops ops;
} formats[] = {
	[BINDU_GZIP] = { "gzip", 1, 12, GZIP_LEVEL, GZIP_SLICE,
	    { start_gzip, work_gzip, stop_gzip } },
	[BINDU_ZSTD] = { "zstd", -7, 19, ZSTD_LEVEL, ZSTD_SLICE,
	    { start_zstd, work_zstd, stop_zstd } },
};

static unsigned
count_threads(unsigned wanted)
{
	cpu_set_t set;
	int n;

	if (wanted > 0)
		return wanted < 64 ? wanted : 64;
	n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	return n < 1 ? 1 : n > 4 ? 4 : (unsigned)n;
}

static int
write_out(struct bindu_compress_stream *c, const void *p, size_t n,
    struct bindu_err *err)
{
	if (c->max != 0 && (n > c->max || c->out > c->max - n))
		return bindu_err_set(err, BINDU_E_DATA,
		    "the archive is over "
		    "its limit of %llu bytes",
		    (unsigned long long)c->max);
	if (bindu_fd_write(c->fd, p, n) == -1)
		return bindu_err_sys(err, "cannot write the archive");
	c->out += n;
	return 0;
}

static int
open_pool(struct bindu_compress_stream *c, const struct bindu_pack_opts *o,
    struct bindu_err *err)
{
	const struct format *f = &formats[o->compress];
	int level = o->level ? o->level : f->level;

	if (level < f->min || level > f->max)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "%s level %d is not "
		    "between %d and %d",
		    f->name, level, f->min, f->max);
	c->size = f->slice;
	c->pool = bindu_pool_new(&f->ops, level, count_threads(o->threads),
	    f->slice,
	    o->compress == BINDU_GZIP ?
		libdeflate_gzip_compress_bound(NULL, f->slice) :
		ZSTD_compressBound(f->slice));
	if (c->pool == NULL)
		return bindu_err_sys(err, "cannot start a thread");
	return 0;
}

struct bindu_compress_stream *
bindu_compress_new(int fd, const struct bindu_pack_opts *o,
    struct bindu_err *err)
{
	struct bindu_compress_stream *c = xcalloc(1, sizeof *c);

	c->fd = fd;
	c->max = o->max_size;
	if (o->compress != BINDU_TAR && open_pool(c, o, err) == -1) {
		bindu_compress_free(c);
		return NULL;
	}
	return c;
}

/* Write the oldest slice under way; 0 when there was none. */
static int
write_oldest(struct bindu_compress_stream *c, struct bindu_err *err)
{
	struct bindu_slice *s = bindu_pool_take(c->pool);

	if (s == NULL)
		return 0;
	if (s->nout == 0)
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "no memory to compress");
	return write_out(c, s->out, s->nout, err) == -1 ? -1 : 1;
}

int
bindu_compress_add(struct bindu_compress_stream *c, const void *p, size_t n,
    struct bindu_err *err)
{
	const char *from = p;

	if (c->pool == NULL)
		return write_out(c, p, n, err);
	while (n > 0) {
		size_t room;

		while (c->slice == NULL) {
			c->slice = bindu_pool_free_slice(c->pool);
			if (c->slice == NULL && write_oldest(c, err) == -1)
				return -1;
			if (c->slice != NULL)
				c->slice->nin = 0;
		}
		room = c->size - c->slice->nin;
		room = room < n ? room : n;
		memcpy(c->slice->in + c->slice->nin, from, room);
		c->slice->nin += room;
		from += room;
		n -= room;
		if (c->slice->nin == c->size) {
			bindu_pool_submit(c->pool, c->slice);
			c->slice = NULL;
		}
	}
	return 0;
}

int
bindu_compress_end(struct bindu_compress_stream *c, uint64_t *out,
    struct bindu_err *err)
{
	int rc = c->pool != NULL;

	if (c->slice != NULL && c->slice->nin > 0)
		bindu_pool_submit(c->pool, c->slice);
	c->slice = NULL;
	while (rc == 1)
		rc = write_oldest(c, err);
	*out = c->out;
	return rc;
}

void
bindu_compress_free(struct bindu_compress_stream *c)
{
	if (c == NULL)
		return;
	bindu_pool_free(c->pool);
	free(c);
}

size_t
bindu_compress_sample(enum bindu_compress kind, const void *p, size_t n)
{
	AUTO_FREE char *out = NULL;
	struct libdeflate_compressor *d;
	size_t size;

	if (kind == BINDU_TAR)
		return n;
	if (kind == BINDU_ZSTD) {
		out = xmalloc(ZSTD_compressBound(n));
		size =
		    ZSTD_compress(out, ZSTD_compressBound(n), p, n, ZSTD_LEVEL);
		return ZSTD_isError(size) ? n : size;
	}
	d = libdeflate_alloc_compressor(GZIP_LEVEL);
	if (d == NULL)
		return n;
	size = libdeflate_deflate_compress_bound(d, n);
	out = xmalloc(size);
	size = libdeflate_deflate_compress(d, p, n, out, size);
	libdeflate_free_compressor(d);
	return size ? size : n;
}

uint32_t
bindu_compress_crc(const void *p, size_t n)
{
	return libdeflate_crc32(0, p, n);
}
