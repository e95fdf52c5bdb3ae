/* service_exec.c - Exec: a command in a box, both ways.
 *
 * One call, one exec.  At most one message is under way in each direction:
 * output is read only when the last piece went into flow control, and the next
 * input is asked for only when the last is in the pipe.  That is the whole
 * back-pressure; a stopped reader costs one piece of memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "pbscan.h"
#include "service.h"

#define PIECE (64 << 10)
#define PIPE_SIZE (256 << 10)
#define START_MS 30000
/* A child left behind may hold the pipes open after the command ended. */
#define GRACE_MS 100
#define CTRL_D 4

enum { FIELD_DATA = 1, FIELD_STDERR = 10 };

struct out {
	int fd; /* -1: at its end */
	struct loop_src *src;
	int64_t left; /* in the pipe when the command ended */
};

struct exec {
	struct boxd *d;
	struct rpc *rpc;
	char *box_id;
	struct ask *ask;
	bool started, tty, exited, grace_over, big;
	int code;
	int in; /* -1: closed */
	struct loop_src *in_src;
	char *rest; /* input the pipe had no room for */
	size_t rest_off, rest_len;
	bool eof_wanted; /* after rest */
	struct out out[2]; /* stdout or the terminal; stderr */
	int turn; /* which of them is asked first */
	struct loop_timer *grace;
};

static void pump(struct exec *);

static void
close_out(struct out *o)
{
	loop_unwatch(&o->src);
	if (o->fd != -1)
		close(o->fd);
	o->fd = -1;
}

static void
close_in(struct exec *x)
{
	loop_unwatch(&x->in_src);
	if (x->in != -1)
		close(x->in);
	x->in = -1;
	free(bindu_steal(&x->rest));
	x->rest_off = x->rest_len = 0;
}

static void
free_exec(struct exec *x)
{
	struct box *b = box_find(x->d, x->box_id);

	if (b)
		box_use(b, -1);
	ask_close(&x->ask);
	loop_cancel(&x->grace);
	close_in(x);
	close_out(&x->out[0]);
	close_out(&x->out[1]);
	free(x->box_id);
	free(x);
}

static void
fail(struct exec *x, const struct bindu_err *err)
{
	svc_fail(x->rpc, err);
	free_exec(x);
}

/* The last chunk: the exit code alone; 0 is an empty message. */
static void
send_exit(struct exec *x)
{
	PB(ExecChunk)
	m;

	boxd__api__v1__exec_chunk__init(&m);
	m.exit_code = x->code;
	svc_reply(x->rpc, &m.base);
	free_exec(x);
}

static void
send_piece(struct exec *x, int which, uint8_t *room, size_t n)
{
	uint8_t *data = room + PB_HEAD_MAX;
	uint8_t *start = pb_bytes_head(data, FIELD_DATA, n);

	if (which) {
		data[n++] = FIELD_STDERR << 3;
		data[n++] = 1;
	}
	rpc_send(x->rpc, (size_t)(start - room), (size_t)(data + n - start));
}

/* 1: a piece is on its way, 0: nothing to read now or ever. */
static int
try_out(struct exec *x, int which)
{
	struct out *o = &x->out[which];
	uint8_t *room;
	ssize_t n;

	if (o->fd == -1)
		return 0;
	room = rpc_room(x->rpc, PB_HEAD_MAX + PIECE + 2);
	n = read(o->fd, room + PB_HEAD_MAX, PIECE);
	if (n > 0) {
		o->left -= n;
		if (n == PIECE && !x->big && !x->tty) {
			x->big = true;
			fcntl(o->fd, F_SETPIPE_SZ, PIPE_SIZE);
		}
		if (o->src)
			loop_events(o->src, 0);
		send_piece(x, which, room, (size_t)n);
		return 1;
	}
	/* EIO: the terminal's other side is closed. */
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_out(o);
	return 0;
}

static void
on_out(void *arg, uint32_t events)
{
	(void)events;
	pump(arg);
}

static bool
still_open(const struct exec *x, const struct out *o)
{
	return o->fd != -1 && !(x->grace_over && o->left <= 0);
}

static void
pump(struct exec *x)
{
	if (rpc_sending(x->rpc))
		return;
	for (int i = 0; i < 2; i++) {
		int which = (x->turn + i) & 1;

		if (!x->exited || still_open(x, &x->out[which]))
			if (try_out(x, which)) {
				x->turn = !which;
				return;
			}
	}
	if (x->exited && !still_open(x, &x->out[0]) &&
	    !still_open(x, &x->out[1])) {
		send_exit(x);
		return;
	}
	for (int i = 0; i < 2; i++) {
		struct out *o = &x->out[i];

		if (o->fd != -1 && !o->src)
			o->src =
			    loop_watch(x->d->loop, o->fd, EPOLLIN, on_out, x);
		else if (o->fd != -1)
			loop_events(o->src, EPOLLIN);
	}
}

static void
on_grace(void *arg)
{
	struct exec *x = arg;

	x->grace = NULL;
	x->grace_over = true;
	pump(x);
}

static void
on_exit_event(struct exec *x, const json_t *msg)
{
	x->exited = true;
	x->code = (int)bindu_json_int(msg, "code", 255);
	for (int i = 0; i < 2; i++) {
		int n = 0;

		if (x->out[i].fd != -1 &&
		    ioctl(x->out[i].fd, FIONREAD, &n) == 0)
			x->out[i].left = n;
	}
	close_in(x);
	rpc_hold(x->rpc, 0);
	x->grace = loop_after(x->d->loop, GRACE_MS, on_grace, x);
	pump(x);
}

static void feed(struct exec *);

static void
on_room(void *arg, uint32_t events)
{
	(void)events;
	feed(arg);
}

static void
end_input(struct exec *x)
{
	char eof = CTRL_D;

	if (x->tty && x->in != -1)
		(void)!write(x->in, &eof, 1);
	close_in(x);
}

/* What is left of the input into the pipe, then ask for more. */
static void
feed(struct exec *x)
{
	while (x->in != -1 && x->rest_off < x->rest_len) {
		ssize_t n = write(x->in, x->rest + x->rest_off,
		    x->rest_len - x->rest_off);

		if (n == -1 && errno == EAGAIN) {
			if (!x->in_src)
				x->in_src = loop_watch(x->d->loop, x->in,
				    EPOLLOUT, on_room, x);
			else
				loop_events(x->in_src, EPOLLOUT);
			return;
		}
		if (n == -1) { /* nobody reads: drop the rest */
			close_in(x);
			break;
		}
		x->rest_off += (size_t)n;
	}
	if (x->in_src)
		loop_events(x->in_src, 0);
	free(bindu_steal(&x->rest));
	x->rest_off = x->rest_len = 0;
	rpc_hold(x->rpc, 0);
	if (x->eof_wanted)
		end_input(x);
	else
		rpc_recv(x->rpc);
}

/* Straight into the pipe; only what does not fit is copied. */
static void
take_input(struct exec *x, const uint8_t *p, size_t n)
{
	ssize_t done = 0;

	if (x->in != -1 && n) {
		done = write(x->in, p, n);
		if (done == -1 && errno != EAGAIN)
			close_in(x);
		if (done < 0)
			done = 0;
	}
	if (x->in != -1 && (size_t)done < n) {
		if (!rpc_hold(x->rpc, n - (size_t)done))
			return;
		x->rest_len = n - (size_t)done;
		x->rest = xmemdup(p + done, x->rest_len);
		if (n >= PIECE)
			fcntl(x->in, F_SETPIPE_SZ, PIPE_SIZE);
	}
	feed(x);
}

static void
resize(struct exec *x, uint64_t cols, uint64_t rows)
{
	if (x->tty && cols > 0 && rows > 0 && cols < 65536 && rows < 65536)
		ask_tell(x->ask,
		    json_pack("{sIsI}", "cols", (json_int_t)cols, "rows",
			(json_int_t)rows));
}

static void
on_chunk(struct rpc *r, const uint8_t *p, size_t n)
{
	struct exec *x = rpc_data(r);
	const uint8_t *end = p + n;
	uint64_t cols = 0, rows = 0;
	bool window = false;
	struct pb_field f, data = { 0 };
	int got;

	if (!p) {
		x->eof_wanted = true;
		feed(x);
		return;
	}
	while ((got = pb_next(&p, end, &f)) == 1) {
		if (f.number == FIELD_DATA)
			data = f;
		else if (f.number == 7)
			cols = f.value;
		else if (f.number == 8)
			rows = f.value;
		else if (f.number == 9)
			window = f.value != 0;
	}
	if (got == -1) {
		rpc_finish(r, RPC_INVALID_ARGUMENT, "a chunk is malformed");
		free_exec(x);
		return;
	}
	if (window)
		resize(x, cols, rows);
	take_input(x, data.p, data.n);
}

static void
on_sent(struct rpc *r)
{
	pump(rpc_data(r));
}

static void
on_gone(struct rpc *r)
{
	free_exec(rpc_data(r)); /* closing the ask kills the command */
}

static const struct rpc_ops running_ops = { on_chunk, on_sent, on_gone };
static const struct rpc_ops starting_ops = { svc_no_message, on_sent, on_gone };

/* Refused by the system inside the box, as a shell would say it. */
static void
cannot_start(struct exec *x, const json_t *msg, const struct bindu_err *err)
{
	int code = (int)bindu_json_int(msg, "exit", 0);
	size_t n = strlen(err->msg);
	uint8_t *room;

	if (code != 126 && code != 127) {
		fail(x, err);
		return;
	}
	x->exited = x->grace_over = true;
	x->code = code;
	room = rpc_room(x->rpc, PB_HEAD_MAX + n + 1 + 2);
	memcpy(room + PB_HEAD_MAX, err->msg, n);
	room[PB_HEAD_MAX + n] = '\n';
	send_piece(x, 1, room, n + 1);
}

static void
on_started(struct exec *x, int *fds)
{
	x->started = true;
	x->in = fds[0];
	if (x->tty) {
		/* One terminal, but each direction is watched by itself. */
		x->out[0].fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	} else {
		x->out[0].fd = fds[1];
		x->out[1].fd = fds[2];
	}
	for (int i = 0; i < 3; i++)
		if (fds[i] != -1)
			bindu_fd_nonblock(fds[i], true);
	rpc_set(x->rpc, &running_ops, x);
	rpc_accept(x->rpc);
	rpc_recv(x->rpc);
	pump(x);
}

static void
on_answer(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	struct exec *x = ctx;
	struct bindu_err e;

	(void)a;
	if (err && x->exited)
		return; /* nothing more comes, and need not */
	if (err && msg) {
		cannot_start(x, msg, err);
		return;
	}
	if (err) {
		e = *err;
		if (e.code == BINDU_E_AGAIN)
			bindu_err_wrap(&e,
			    e.detail == ETIMEDOUT ?
				"the box is too busy" :
				"the box ended or was stopped");
		fail(x, &e);
		return;
	}
	if (!x->started)
		on_started(x, fds);
	else if (!strcmp(bindu_json_str(msg, "event"), "exit"))
		on_exit_event(x, msg);
}

static void
start(struct rpc *r, struct boxd *d, const PB(ExecChunk) * q)
{
	struct box *b = svc_box(r, d, q->vm_id);
	AUTO_FREE char *path = NULL;
	struct bindu_err err = { 0 };
	struct exec *x;

	if (!b)
		return;
	if (box_need_running(b, &err) == -1) {
		svc_fail(r, &err);
		return;
	}
	x = xcalloc(1, sizeof *x);
	x->d = d;
	x->rpc = r;
	x->box_id = xstrdup(b->id);
	x->tty = q->tty;
	x->in = x->out[0].fd = x->out[1].fd = -1;
	box_use(b, 1);
	rpc_set(r, &starting_ops, x);
	path = box_monitor(b);
	x->ask = ask_open(d->loop, path,
	    json_pack("{sssssbsisi}", "op", "exec", "command", q->command,
		"tty", (int)q->tty, "cols", (int)q->cols, "rows", (int)q->rows),
	    START_MS, on_answer, x);
}

static void
on_first(struct rpc *r, const uint8_t *p, size_t n)
{
	PB(ExecChunk) *q =
	    p ? svc_unpack(&boxd__api__v1__exec_chunk__descriptor, p, n) : NULL;
	AUTO_JSON json_t *utf8 = q ? json_string(q->command) : NULL;

	rpc_set(r, &svc_no_ops, NULL);
	if (!utf8)
		rpc_finish(r, RPC_INVALID_ARGUMENT,
		    "the first chunk must name a box and a command");
	else
		start(r, rpc_ctx(r), q);
	if (q)
		boxd__api__v1__exec_chunk__free_unpacked(q, NULL);
}

static const struct rpc_ops first_ops = { on_first, svc_nothing, svc_nothing };

void
svc_exec(struct rpc *r, struct boxd *d)
{
	(void)d;
	rpc_set(r, &first_ops, NULL);
	rpc_recv(r);
}
