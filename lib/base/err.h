/* err.h - one error, owned by the caller, carried up to main().
 *
 * Contract: 0 or a pointer means success and *err is untouched; -1 or NULL
 * means *err was set exactly once.  The library never prints, never exits.
 * Passing NULL for err is allowed everywhere: the caller does not care why.
 *
 * The codes are the rows of the exit table; bindu_err_exit() is the only
 * place that knows the numbers (man pages: EXIT STATUS).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_ERR_H
#define BINDU_ERR_H

enum bindu_errc {
	BINDU_E_NONE, /*  0 no error */
	BINDU_E_NO, /*  1 an honest no: unhealthy, secrets found */
	BINDU_E_USAGE, /*  2 the command line is wrong */
	BINDU_E_DATA, /* 65 bytes handed to us are malformed, too big */
	BINDU_E_NOINPUT, /* 66 a file, box or object is not there */
	BINDU_E_UNAVAILABLE, /* 69 a service or ability is not there at all */
	BINDU_E_BUG, /* 70 this program is wrong */
	BINDU_E_SYSTEM, /* 71 the operating system refused (fork, fds) */
	BINDU_E_EXISTS, /* 73 the thing exists already, or is locked */
	BINDU_E_IO, /* 74 reading or writing failed */
	BINDU_E_AGAIN, /* 75 the same call may succeed later */
	BINDU_E_PROTOCOL, /* 76 the far side does not keep the protocol */
	BINDU_E_AUTH, /* 77 the far side does not accept who we are */
	BINDU_E_CONFIG, /* 78 settings contradict or are not safe */
	BINDU_E_SIGNAL, /* 128+detail: ended by signal number detail */
};

struct bindu_err {
	enum bindu_errc code; /* decides the exit status and nothing else */
	int detail; /* errno, HTTP or gRPC status, signal; else 0 */
	char msg[1000]; /* complete phrase, no newline, no full stop */
};

/* All return -1 so that a caller can `return` them. */
int bindu_err_set(struct bindu_err *, enum bindu_errc, const char *, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds ": strerror(errno)"; the class follows errno (ENOENT, EISDIR: NOINPUT,
 * EACCES/EPERM: AUTH, EEXIST: EXISTS, ENOSPC/EIO/EPIPE: IO, else SYSTEM). */
int bindu_err_sys(struct bindu_err *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
/* "context: old message"; code and detail stay. */
int bindu_err_wrap(struct bindu_err *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
int bindu_err_exit(const struct bindu_err *);
#endif
