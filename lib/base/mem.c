/* mem.c - see mem.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mem.h"

/* The one place in lib/ that ends the process: nothing can be reported
 * upward when there is no memory to do it with. */
static void *
checked(void *p)
{
	static const char msg[] = "out of memory\n";

	if (p == NULL) {
		if (write(STDERR_FILENO, msg, sizeof msg - 1) == -1)
			abort();
		_exit(71);
	}
	return p;
}

void *
xmalloc(size_t n)
{
	return checked(malloc(n != 0 ? n : 1));
}

void *
xcalloc(size_t n, size_t sz)
{
	return checked(calloc(n != 0 ? n : 1, sz != 0 ? sz : 1));
}

void *
xreallocarray(void *p, size_t n, size_t sz)
{
	return checked(reallocarray(p, n != 0 ? n : 1, sz != 0 ? sz : 1));
}

char *
xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *
xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

void *
xmemdup(const void *p, size_t n)
{
	void *q = xmalloc(n);

	if (n != 0)
		memcpy(q, p, n);
	return q;
}

char *
xvasprintf(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) == -1)
		s = NULL;
	return checked(s);
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

void
bindu_grow(void *pp, size_t *cap, size_t want, size_t sz)
{
	void **p = pp;
	size_t n = *cap;

	if (want <= n)
		return;
	if (n == 0)
		n = 8;
	while (n < want)
		n = n > SIZE_MAX / 2 ? want : n * 2;
	*p = xreallocarray(*p, n, sz);
	*cap = n;
}

void
bindu_cleanup_free(void *pp)
{
	free(*(void **)pp);
}

void
bindu_cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

void
bindu_free_secret(char *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, strlen(s));
	free(s);
}
