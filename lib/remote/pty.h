/* pty.h - the local terminal made raw, and always put back.
 *
 * One terminal at a time.  It is restored by bindu_pty_restore, at exit, when
 * a deadly signal arrives, and while the process is stopped; after SIGCONT it
 * is raw again and the size is worth sending.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PTY_H
#define BINDU_PTY_H

#include <stdint.h>
#include "lib/base/err.h"

int bindu_pty_raw(int fd, struct bindu_err *);
void bindu_pty_restore(void);
/* -1 when fd is no terminal or says no size. */
int bindu_pty_size(int fd, uint32_t *cols, uint32_t *rows);
/* Readable (read it empty) when the size may have changed; -1 before raw. */
int bindu_pty_event_fd(void);
#endif
