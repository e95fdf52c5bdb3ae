/* fake_box.h - exec in a box that is a directory: the command runs here, with
 * that directory as HOME.  Defines the functions of stream.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_FAKE_BOX_H
#define BINDU_FAKE_BOX_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"
#include "lib/remote/stream.h"

static char *fake_home;
static unsigned fake_execs; /* opened so far: round trips */
static int64_t fake_lose_after = -1; /* break a stream after so many bytes */
static bool fake_corrupt; /* flip one bit of what is sent, once */

struct bindu_exec {
	pid_t pid;
	int in, out, err;
	int64_t sent;
	char block[65536];
};

struct bindu_exec *
bindu_exec_open(struct bindu_remote *r, const char *box,
    const struct bindu_exec_opts *o, struct bindu_err *err)
{
	struct bindu_proc_opts po = BINDU_PROC_OPTS;
	AUTO_FREE char *home = xasprintf("HOME=%s", fake_home);
	const char *env[] = { home, "PATH=/usr/bin:/bin", NULL };
	struct bindu_exec *x = xcalloc(1, sizeof *x);
	int in[2], out[2], e[2];

	(void)r;
	(void)box;
	fake_execs++;
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(e, O_CLOEXEC))
		exit(1);
	po.argv = o->argv;
	po.env = env;
	po.in = in[0];
	po.out = out[1];
	po.err = e[1];
	po.own_session = true;
	x->pid = bindu_proc_spawn(&po, err);
	close(in[0]);
	close(out[1]);
	close(e[1]);
	x->in = in[1];
	x->out = out[0];
	x->err = e[0];
	return x;
}

int
bindu_exec_send(struct bindu_exec *x, const void *p, size_t n,
    struct bindu_err *err)
{
	AUTO_FREE char *copy = xmemdup(p, n);

	if (fake_lose_after >= 0 && x->sent + (int64_t)n > fake_lose_after) {
		n = (size_t)(fake_lose_after - x->sent);
		fake_lose_after = -1;
		if (bindu_fd_write(x->in, copy, n) == -1)
			exit(1);
		close(x->in);
		x->in = -1;
		/* What arrived is stored before the far side sees the end. */
		bindu_proc_wait(x->pid, 5000, NULL, NULL);
		return bindu_err_set(err, BINDU_E_IO, "connection lost");
	}
	if (fake_corrupt && n > 1000) {
		copy[n / 2] ^= 1;
		fake_corrupt = false;
	}
	x->sent += (int64_t)n;
	if (x->in == -1 || bindu_fd_write(x->in, copy, n) == -1)
		return bindu_err_set(err, BINDU_E_IO, "connection lost");
	return 0;
}

int
bindu_exec_eof(struct bindu_exec *x, struct bindu_err *err)
{
	(void)err;
	if (x->in != -1)
		close(x->in);
	x->in = -1;
	return 0;
}

int
bindu_exec_recv(struct bindu_exec *x, int64_t timeout_ms,
    enum bindu_exec_event *what, const char **p, size_t *n,
    struct bindu_exec_end *end, struct bindu_err *err)
{
	struct pollfd fds[2] = { { .fd = x->out, .events = POLLIN },
		{ .fd = x->err, .events = POLLIN } };
	int status;
	ssize_t r;

	while (x->out != -1 || x->err != -1) {
		fds[0].fd = x->out;
		fds[1].fd = x->err;
		*what = BINDU_EXEC_NOTHING;
		if (poll(fds, 2,
			timeout_ms > 30000 ? 30000 : (int)timeout_ms) <= 0)
			return 0;
		for (int i = 0; i < 2; i++) {
			int *fd = i == 0 ? &x->out : &x->err;

			if (fds[i].revents == 0)
				continue;
			r = read(*fd, x->block, sizeof x->block);
			if (r <= 0) {
				close(*fd);
				*fd = -1;
				continue;
			}
			*what = i == 0 ? BINDU_EXEC_OUT : BINDU_EXEC_ERR;
			*p = x->block;
			*n = (size_t)r;
			return 0;
		}
	}
	if (bindu_proc_wait(x->pid, 5000, &status, err) != 0)
		return -1;
	*what = BINDU_EXEC_END;
	*end = (struct bindu_exec_end){ bindu_proc_exit(status), true };
	return 0;
}

void
bindu_exec_close(struct bindu_exec *x)
{
	int status;

	bindu_exec_eof(x, NULL);
	if (x->out != -1)
		close(x->out);
	if (x->err != -1)
		close(x->err);
	if (bindu_proc_wait(x->pid, 200, &status, NULL) == 1)
		bindu_proc_stop(x->pid, true, 500);
	free(x);
}
#endif
