/* mem.h - memory whose size WE choose: running out ends the process.
 * Sizes chosen by others (files, frames, headers) are capped first and go
 * through bindu_buf, which fails with an ordinary error.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_MEM_H
#define BINDU_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t);
void *xcalloc(size_t, size_t);
void *xreallocarray(void *, size_t, size_t);
char *xstrdup(const char *);
char *xstrndup(const char *, size_t);
void *xmemdup(const void *, size_t);
char *xasprintf(const char *, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *, va_list) __attribute__((format(printf, 1, 0)));

/* Grow *pp so that it holds at least want elements of size sz; *cap is the
 * number it holds now.  Doubles, so a loop of pushes is linear. */
void bindu_grow(void *pp, size_t *cap, size_t want, size_t sz);

/* Cleanup attributes for locals; functions that use them do not use goto. */
void bindu_cleanup_free(void *); /* void ** */
void bindu_cleanup_close(int *); /* keeps errno; -1 is fine */
#define AUTO_FREE __attribute__((cleanup(bindu_cleanup_free)))
#define AUTO_CLOSE __attribute__((cleanup(bindu_cleanup_close)))

/* Hand over ownership: returns *pp and sets it to NULL. */
#define bindu_steal(pp) \
	({ \
		__auto_type _v = *(pp); \
		*(pp) = NULL; \
		_v; \
	})
static inline int
bindu_steal_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

/* Wipe and free a secret; NULL is fine. */
void bindu_free_secret(char *);
#endif
