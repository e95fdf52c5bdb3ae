/* err.c - see err.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "err.h"

static const int exits[] = {
	[BINDU_E_NONE] = 0,
	[BINDU_E_NO] = 1,
	[BINDU_E_USAGE] = 2,
	[BINDU_E_DATA] = 65,
	[BINDU_E_NOINPUT] = 66,
	[BINDU_E_UNAVAILABLE] = 69,
	[BINDU_E_BUG] = 70,
	[BINDU_E_SYSTEM] = 71,
	[BINDU_E_EXISTS] = 73,
	[BINDU_E_IO] = 74,
	[BINDU_E_AGAIN] = 75,
	[BINDU_E_PROTOCOL] = 76,
	[BINDU_E_AUTH] = 77,
	[BINDU_E_CONFIG] = 78,
};

/* A message is one line: what others chose may hold newlines. */
static void
fold_lines(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && s[n - 1] == '\n')
		s[--n] = '\0';
	for (; *s != '\0'; s++) {
		if (*s == '\n' || *s == '\r')
			*s = ' ';
	}
}

int
bindu_err_set(struct bindu_err *err, enum bindu_errc code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	err->code = code;
	err->detail = 0;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	fold_lines(err->msg);
	return -1;
}

static enum bindu_errc
class_of(int e)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
		return BINDU_E_NOINPUT;
	case EACCES:
	case EPERM:
		return BINDU_E_AUTH;
	case EEXIST:
		return BINDU_E_EXISTS;
	case ENOSPC:
	case EDQUOT:
	case EIO:
	case EBADF: /* a standard stream that came closed */
	case EBADMSG: /* of a file system: a sum is wrong, */
	case EUCLEAN: /* its structure is */
	case EPIPE:
	case EROFS:
		return BINDU_E_IO;
	default:
		return BINDU_E_SYSTEM;
	}
}

int
bindu_err_sys(struct bindu_err *err, const char *fmt, ...)
{
	int saved = errno;
	size_t n;
	va_list ap;

	if (err == NULL)
		return -1;
	err->code = class_of(saved);
	err->detail = saved;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	snprintf(err->msg + n, sizeof err->msg - n, ": %s", strerror(saved));
	fold_lines(err->msg);
	errno = saved;
	return -1;
}

int
bindu_err_wrap(struct bindu_err *err, const char *fmt, ...)
{
	char old[sizeof err->msg];
	size_t n;
	va_list ap;

	if (err == NULL)
		return -1;
	memcpy(old, err->msg, sizeof old);
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	snprintf(err->msg + n, sizeof err->msg - n, ": %.*s",
	    (int)sizeof old - 1, old);
	fold_lines(err->msg);
	return -1;
}

int
bindu_err_exit(const struct bindu_err *err)
{
	if (err->code == BINDU_E_SIGNAL)
		return 128 + (err->detail & 127);
	if (err->code < 0 || err->code > BINDU_E_SIGNAL)
		return 70;
	return exits[err->code];
}
