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
#define SLICE (1u << 20)
#define ZSTD_JOB (2u << 20)
#define GZIP_LEVEL 6
#define ZSTD_LEVEL 3

struct bindu_compress_stream {
	enum bindu_compress kind;
	int fd;
	uint64_t out, max;
	struct bindu_pool *pool;	/* gzip */
	struct bindu_slice *slice;	/* being filled */
	ZSTD_CCtx *zstd;
	char *buf;			/* zstd's output */
	size_t bufsize;
};

/* gzip workers */

static void *
start_gzip(int level)
{
	return libdeflate_alloc_compressor(level);
}

static size_t
slice_bound(void)
{
	return libdeflate_gzip_compress_bound(NULL, SLICE);
}

static void
work_gzip(void *state, struct bindu_slice *s)
{
	/* 0 only without a compressor, that is without memory; the writer
	 * sees it. */
	s->nout = state ? libdeflate_gzip_compress(state, s->in, s->nin,
	    s->out, slice_bound()) : 0;
}

static void
stop_gzip(void *state)
{
	libdeflate_free_compressor(state);
}

static const struct bindu_pool_ops gzip_ops = {
	start_gzip, work_gzip, stop_gzip
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
		return bindu_err_set(err, BINDU_E_DATA, "the archive is over "
		    "its limit of %llu bytes", (unsigned long long)c->max);
	if (bindu_fd_write(c->fd, p, n) == -1)
		return bindu_err_sys(err, "cannot write the archive");
	c->out += n;
	return 0;
}

static int
open_gzip(struct bindu_compress_stream *c, int level, unsigned threads,
	struct bindu_err *err)
{
	if (level < 0 || level > 12)
		return bindu_err_set(err, BINDU_E_USAGE, "gzip level %d is "
		    "not between 1 and 12", level);
	c->pool = bindu_pool_new(&gzip_ops, level ? level : GZIP_LEVEL,
	    threads, SLICE, slice_bound());
	if (c->pool == NULL)
		return bindu_err_sys(err, "cannot start a thread");
	return 0;
}

static int
open_zstd(struct bindu_compress_stream *c, int level, unsigned threads,
	struct bindu_err *err)
{
	if (level < -7 || level > 19)
		return bindu_err_set(err, BINDU_E_USAGE, "zstd level %d is "
		    "not between -7 and 19", level);
	c->zstd = ZSTD_createCCtx();
	if (c->zstd == NULL || ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd,
	    ZSTD_c_nbWorkers, (int)threads)))
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "cannot start zstd with threads");
	ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel,
	    level ? level : ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_jobSize, ZSTD_JOB);
	ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_checksumFlag, 1);
	c->bufsize = ZSTD_CStreamOutSize();
	c->buf = xmalloc(c->bufsize);
	return 0;
}

struct bindu_compress_stream *
bindu_compress_new(int fd, const struct bindu_pack_opts *o,
	struct bindu_err *err)
{
	struct bindu_compress_stream *c = xcalloc(1, sizeof *c);
	unsigned threads = count_threads(o->threads);
	int rc = 0;

	c->kind = o->compress;
	c->fd = fd;
	c->max = o->max_size;
	if (c->kind == BINDU_GZIP)
		rc = open_gzip(c, o->level, threads, err);
	else if (c->kind == BINDU_ZSTD)
		rc = open_zstd(c, o->level, threads, err);
	if (rc == -1) {
		bindu_compress_free(c);
		return NULL;
	}
	return c;
}

static int
drain_one(struct bindu_compress_stream *c, struct bindu_err *err)
{
	struct bindu_slice *s = bindu_pool_take(c->pool);

	if (s->nout == 0)
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "no memory to compress");
	return write_out(c, s->out, s->nout, err);
}

static int
add_gzip(struct bindu_compress_stream *c, const char *p, size_t n,
	struct bindu_err *err)
{
	while (n > 0) {
		size_t room;

		while (c->slice == NULL) {
			c->slice = bindu_pool_free_slice(c->pool);
			if (c->slice == NULL && drain_one(c, err) == -1)
				return -1;
			if (c->slice != NULL)
				c->slice->nin = 0;
		}
		room = SLICE - c->slice->nin;
		room = room < n ? room : n;
		memcpy(c->slice->in + c->slice->nin, p, room);
		c->slice->nin += room;
		p += room;
		n -= room;
		if (c->slice->nin == SLICE) {
			bindu_pool_submit(c->pool, c->slice);
			c->slice = NULL;
		}
	}
	return 0;
}

static int
run_zstd(struct bindu_compress_stream *c, ZSTD_inBuffer *in,
	ZSTD_EndDirective end, struct bindu_err *err)
{
	size_t left;

	do {
		ZSTD_outBuffer out = { c->buf, c->bufsize, 0 };

		left = ZSTD_compressStream2(c->zstd, &out, in, end);
		if (ZSTD_isError(left))
			return bindu_err_set(err, BINDU_E_SYSTEM, "zstd: %s",
			    ZSTD_getErrorName(left));
		if (out.pos > 0 && write_out(c, c->buf, out.pos, err) == -1)
			return -1;
	} while (end == ZSTD_e_end ? left != 0 : in->pos < in->size);
	return 0;
}

int
bindu_compress_add(struct bindu_compress_stream *c, const void *p, size_t n,
	struct bindu_err *err)
{
	ZSTD_inBuffer in = { p, n, 0 };

	if (c->kind == BINDU_GZIP)
		return add_gzip(c, p, n, err);
	if (c->kind == BINDU_ZSTD)
		return run_zstd(c, &in, ZSTD_e_continue, err);
	return write_out(c, p, n, err);
}

int
bindu_compress_end(struct bindu_compress_stream *c, uint64_t *out,
	struct bindu_err *err)
{
	ZSTD_inBuffer in = { NULL, 0, 0 };

	if (c->kind == BINDU_ZSTD && run_zstd(c, &in, ZSTD_e_end, err) == -1)
		return -1;
	if (c->slice != NULL && c->slice->nin > 0)
		bindu_pool_submit(c->pool, c->slice);
	c->slice = NULL;
	while (c->kind == BINDU_GZIP) {
		struct bindu_slice *s = bindu_pool_take(c->pool);

		if (s == NULL)
			break;
		if (s->nout == 0)
			return bindu_err_set(err, BINDU_E_SYSTEM,
			    "no memory to compress");
		if (write_out(c, s->out, s->nout, err) == -1)
			return -1;
	}
	*out = c->out;
	return 0;
}

void
bindu_compress_free(struct bindu_compress_stream *c)
{
	if (c == NULL)
		return;
	bindu_pool_free(c->pool);
	ZSTD_freeCCtx(c->zstd);
	free(c->buf);
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
		size = ZSTD_compress(out, ZSTD_compressBound(n), p, n,
		    ZSTD_LEVEL);
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
