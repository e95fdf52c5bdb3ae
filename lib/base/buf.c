/* buf.c - see buf.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "buf.h"
#include "mem.h"

void
bindu_buf_fini(struct bindu_buf *b)
{
	free(b->p);
	b->p = NULL;
	b->len = b->cap = 0;
}

void
bindu_buf_reset(struct bindu_buf *b)
{
	b->len = 0;
	if (b->p != NULL)
		b->p[0] = '\0';
}

char *
bindu_buf_room(struct bindu_buf *b, size_t n, struct bindu_err *err)
{
	size_t want;
	char *p;

	if (n > b->max || b->len > b->max - n) {
		bindu_err_set(err, BINDU_E_DATA,
		    "too much data: more than %zu bytes", b->max);
		return NULL;
	}
	if (n == SIZE_MAX || b->len > SIZE_MAX - n - 1) {
		bindu_err_set(err, BINDU_E_DATA, "size overflow");
		return NULL;
	}
	want = b->len + n + 1;
	if (want <= b->cap)
		return b->p + b->len;
	if (want < 64)
		want = 64;
	if (b->cap <= SIZE_MAX / 2 && want < b->cap * 2)
		want = b->cap * 2;
	p = realloc(b->p, want);
	if (p == NULL) {
		bindu_err_set(err, BINDU_E_SYSTEM,
		    "out of memory: %zu bytes refused", want);
		return NULL;
	}
	b->p = p;
	b->cap = want;
	p[b->len] = '\0';
	return p + b->len;
}

int
bindu_buf_add(struct bindu_buf *b, const void *p, size_t n,
    struct bindu_err *err)
{
	char *to = bindu_buf_room(b, n, err);

	if (to == NULL)
		return -1;
	if (n != 0)
		memcpy(to, p, n);
	b->len += n;
	b->p[b->len] = '\0';
	return 0;
}

int
bindu_buf_adds(struct bindu_buf *b, const char *s, struct bindu_err *err)
{
	return bindu_buf_add(b, s, strlen(s), err);
}

int
bindu_buf_addc(struct bindu_buf *b, char c, struct bindu_err *err)
{
	return bindu_buf_add(b, &c, 1, err);
}

int
bindu_buf_addf(struct bindu_buf *b, struct bindu_err *err, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return bindu_err_sys(err, "cannot format text");
	if (bindu_buf_room(b, (size_t)n, err) == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void
bindu_buf_cut_front(struct bindu_buf *b, size_t n)
{
	if (n == 0 || b->p == NULL)
		return;
	if (n > b->len)
		n = b->len;
	memmove(b->p, b->p + n, b->len - n + 1);
	b->len -= n;
}

char *
bindu_buf_steal(struct bindu_buf *b)
{
	char *p = b->p != NULL ? b->p : xstrdup("");

	p[b->len] = '\0';
	b->p = NULL;
	b->len = b->cap = 0;
	return p;
}
