/* proc.h - child processes by posix_spawn; never fork, never a shell unless
 * argv[0] is one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PROC_H
#define BINDU_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "err.h"

struct bindu_proc_opts {
	const char *const *argv; /* argv[0] looked up in PATH */
	const char *const *env; /* NULL: ours */
	const char *cwd; /* NULL: ours */
	int in, out, err; /* -1: /dev/null for in, ours for others */
	bool own_session; /* setsid */
	int keep_fd; /* one more fd kept as itself; -1 none */
};
#define BINDU_PROC_OPTS \
	{ \
		.in = -1, .out = -1, .err = -1, .keep_fd = -1 \
	}

/* The child's pid, or -1 (NOINPUT when the program is not there). */
pid_t bindu_proc_spawn(const struct bindu_proc_opts *, struct bindu_err *);
/* Wait at most timeout_ms (-1: no limit).  0 and *status as waitpid gives it;
 * 1 when time ran out and the child still runs. */
int bindu_proc_wait(pid_t, int64_t timeout_ms, int *status, struct bindu_err *);
/* 0..255, or 128+n for a signal. */
int bindu_proc_exit(int status);
/* TERM, grace_ms, KILL, reap; the process group when group is set. */
void bindu_proc_stop(pid_t, bool group, int64_t grace_ms);
/* Run to the end collecting stdout (at most max bytes); -1 also when it
 * exits non-zero (message holds the last line of its stderr). */
int bindu_proc_capture(const struct bindu_proc_opts *, int64_t timeout_ms,
    size_t max, char **out, struct bindu_err *);
#endif
