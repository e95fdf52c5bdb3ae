/* stream_run.c - a command in a box joined to local descriptors.
 *
 * One loop: local input goes out while no send is under way, output comes in
 * while the local reader takes it, and nothing is held but one piece of each.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "pty.h"
#include "stream_priv.h"
#include "stream_watch.h"

#define PIECE (256 << 10) /* of local input */
#define SMALL 4096 /* a pipe ready to write takes so much */
#define GRACE_MS 5000 /* after TERM or HUP was passed on */

struct run {
	struct bindu_remote *remote;
	const char *box;
	struct bindu_exec *e;
	struct bindu_watch watch;
	int in; /* -1: at its end */
	int out, err;
	char *buf;
	const char *pending; /* output the local reader has not taken */
	size_t left;
	int to; /* where pending goes */
	bool resize; /* to be sent when the way is free */
	int size_fd;
	char marker[33];
	int signal; /* last one passed on */
	int64_t give_up; /* after a signal that ends things */
};

static void
wake(void *arg)
{
	struct bindu_exec *e = arg;

	bindu_exec_wake(e);
}

/* Send sig to the process groups that carry our mark. */
static int
forward(struct run *r, int sig)
{
	AUTO_FREE char *line = xasprintf(
	    "l=$(grep -lzxF BINDU_EXEC=%s /proc/[0-9]*/environ 2>/dev/null);"
	    "[ -n \"$l\" ] || exit 1;"
	    "for f in $l; do f=${f#/proc/}; kill -%d -${f%%/environ};"
	    "done 2>/dev/null; :",
	    r->marker, sig);
	struct bindu_exec_opts o = { .command = line, .timeout_ms = GRACE_MS };
	struct bindu_exec_end end = { 0 };

	if (bindu_exec_capture(r->remote, r->box, &o, NULL, 0, NULL, NULL, &end,
		NULL) == -1)
		return -1;
	return end.code == 0 ? 0 : -1;
}

/* true: the command will not hear of it; stop here. */
static bool
heed_signal(struct run *r)
{
	int sig = bindu_tool_signal();

	if (sig != r->signal) {
		r->signal = sig;
		/* Answered by passing it on, which it must not stop. */
		bindu_tool_interrupted(NULL);
		if (forward(r, sig) == -1)
			return true;
		if (sig != SIGINT)
			r->give_up = bindu_clock_deadline(GRACE_MS);
	}
	return bindu_clock_left(r->give_up) == 0;
}

/* Write what the reader takes without waiting.  -1: errno. */
static int
flush(struct run *r)
{
	struct pollfd p = { r->to, POLLOUT, 0 };

	while (r->left > 0) {
		ssize_t n;

		if (poll(&p, 1, 0) == 0) {
			bindu_watch_arm(&r->watch, BINDU_WATCH_OUT, r->to);
			return 0;
		}
		n = write(r->to, r->pending, r->left < SMALL ? r->left : SMALL);
		if (n == -1 && errno == EAGAIN) {
			bindu_watch_arm(&r->watch, BINDU_WATCH_OUT, r->to);
			return 0;
		}
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0) {
			r->pending += n;
			r->left -= (size_t)n;
		}
	}
	return 0;
}

/* Local input that is there now. */
static int
feed(struct run *r, struct bindu_err *err)
{
	struct pollfd p = { r->in, POLLIN, 0 };
	ssize_t n;

	if (r->e->eof_sent || r->e->client->exec_sending(r->e->x))
		return 0;
	if (r->resize) {
		uint32_t cols, rows;

		r->resize = false;
		if (bindu_pty_size(r->size_fd, &cols, &rows) == 0) {
			r->e->client->exec_winsize(r->e->x, cols, rows);
			return 0;
		}
	}
	if (r->in == -1)
		return bindu_exec_eof(r->e, err);
	if (poll(&p, 1, 0) == 0) {
		bindu_watch_arm(&r->watch, BINDU_WATCH_IN, r->in);
		return 0;
	}
	n = read(r->in, r->buf, PIECE);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	/* A terminal that is gone reads as an error: the end, too. */
	if (n <= 0)
		return bindu_exec_eof(r->e, err);
	r->e->client->exec_send(r->e->x, r->buf, (size_t)n);
	return 0;
}

static void
heed_size(struct run *r)
{
	uint64_t n;
	int fd = bindu_pty_event_fd();

	if (fd == -1)
		return;
	if (read(fd, &n, sizeof(n)) == sizeof(n))
		r->resize = true;
	bindu_watch_arm(&r->watch, BINDU_WATCH_SIZE, fd);
}

/* true: nobody reads what would come. */
static bool
heed_reader(struct run *r)
{
	struct pollfd p = { r->out, 0, 0 };

	if (poll(&p, 1, 0) == 1)
		return true;
	bindu_watch_arm(&r->watch, BINDU_WATCH_READER, r->out);
	return false;
}

/* 1: it ended, end is set; 0: go on; -1. */
static int
step(struct run *r, bool for_reader, struct bindu_exec_end *end,
    struct bindu_err *err)
{
	struct bindu_frame f;

	heed_size(r);
	if (for_reader && heed_reader(r)) {
		*end = (struct bindu_exec_end){ 128 + SIGPIPE, true };
		return 1;
	}
	if (flush(r) == -1) {
		*end = (struct bindu_exec_end){ 74, true };
		return bindu_err_sys(err, "cannot write the command's output");
	}
	if (feed(r, err) == -1)
		return -1;
	if (r->watch.running && bindu_tool_signal() == 0)
		bindu_watch_arm(&r->watch, BINDU_WATCH_SIGNAL,
		    bindu_tool_wake_fd());
	if (r->e->client->exec_recv(r->e->x,
		bindu_clock_left(
		    r->e->deadline < r->give_up ? r->e->deadline : r->give_up),
		r->left > 0, &f, err) == -1)
		return -1;
	if (f.kind == BINDU_FRAME_EXIT) {
		*end = (struct bindu_exec_end){ f.code, true };
		return 1;
	}
	if (f.kind == BINDU_FRAME_OUT || f.kind == BINDU_FRAME_ERR) {
		r->to = f.kind == BINDU_FRAME_OUT ? r->out : r->err;
		r->pending = f.p;
		r->left = f.n;
	}
	return 0;
}

static int
loop(struct run *r, const struct bindu_exec_opts *o, struct bindu_exec_end *end,
    struct bindu_err *err)
{
	int rc;

	for (;;) {
		rc = step(r, o->for_reader, end, err);
		if (rc == -1 && end->code == 125)
			bindu_exec_lost(r->e, err, end);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
		if (bindu_clock_left(r->e->deadline) == 0)
			return bindu_exec_timed_out(o, end, err);
		if ((bindu_tool_signal() != r->signal ||
			r->give_up != INT64_MAX) &&
		    heed_signal(r)) {
			*end = (struct bindu_exec_end){ 128 + r->signal, true };
			return 0;
		}
	}
}

static void
make_marker(char out[33])
{
	uint8_t random[16];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		memset(random, 0, sizeof(random));
	bindu_str_hex(random, sizeof(random), out);
}

/* Local terminal -> size for the far one, raw mode. */
static int
take_terminal(struct run *r, struct bindu_exec_opts *o, struct bindu_err *err)
{
	r->size_fd = isatty(r->out) ? r->out : r->in;
	if (o->cols == 0 &&
	    (r->size_fd == -1 ||
		bindu_pty_size(r->size_fd, &o->cols, &o->rows) == -1)) {
		o->cols = 80;
		o->rows = 24;
	}
	return r->in != -1 && isatty(r->in) ? bindu_pty_raw(r->in, err) : 0;
}

int
bindu_exec_run(struct bindu_remote *remote, const char *box,
    const struct bindu_exec_opts *opts, int in, int out, int errfd,
    struct bindu_exec_end *end, struct bindu_err *err)
{
	struct bindu_exec_opts o = *opts;
	struct run r = { .remote = remote,
		.box = box,
		.in = in,
		.out = out,
		.err = errfd,
		.give_up = INT64_MAX };
	struct bindu_err why = { 0 };
	int rc;

	*end = (struct bindu_exec_end){ 125, false };
	make_marker(r.marker);
	if (o.tty && take_terminal(&r, &o, err) == -1)
		return -1;
	r.e = bindu_exec_open_marked(remote, box, &o, r.marker, &why);
	rc = r.e == NULL ? -1 : 0;
	if (rc == 0) {
		r.e->client->exec_wakeable(r.e->x);
		bindu_watch_init(&r.watch, wake, r.e);
		r.buf = xmalloc(PIECE);
		rc = loop(&r, &o, end, &why);
		bindu_watch_fini(&r.watch);
		free(r.buf);
	}
	bindu_exec_close(r.e);
	bindu_pty_restore();
	if (rc == -1 && err != NULL)
		*err = why;
	return rc;
}
