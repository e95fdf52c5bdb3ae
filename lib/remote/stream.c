/* stream.c - commands in a box: the dialogue and the collected answer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "stream_line.h"
#include "stream_priv.h"

#define PIECE (256 << 10)

/* A terminal would echo the head and cut its lines: put it into a file that
 * only its owner can read; the command line removes it. */
static char *
send_head_file(struct bindu_remote *r, const char *box,
    const struct bindu_buf *head, struct bindu_err *err)
{
	struct bindu_exec_opts opts = {
		.timeout_ms = 30000,
		.command =
		    "umask 077; f=$(mktemp) && cat >\"$f\" && printf %s \"$f\""
	};
	AUTO_BUF struct bindu_buf out = BINDU_BUF_INIT(4096);
	AUTO_BUF struct bindu_buf errout = BINDU_BUF_INIT(4096);
	struct bindu_exec_end end = { 0 };

	if (bindu_exec_capture(r, box, &opts, head->p, head->len, &out, &errout,
		&end, err) == -1)
		return NULL;
	if (end.code != 0 || out.len == 0 || *out.p != '/') {
		bindu_err_set(err, BINDU_E_IO,
		    "box %s: cannot make a temporary file for the environment",
		    box);
		return NULL;
	}
	return bindu_buf_steal(&out);
}

static int
build(struct bindu_remote *r, const char *box, const struct bindu_exec_opts *o,
    const char *marker, struct bindu_exec_line *line, struct bindu_err *err)
{
	AUTO_FREE char *file = NULL;

	if (bindu_exec_line_build(o, marker, NULL, line, err) == -1)
		return -1;
	if (!o->tty || line->head.len == 0)
		return 0;
	file = send_head_file(r, box, &line->head, err);
	bindu_exec_line_fini(line);
	if (file == NULL ||
	    bindu_exec_line_build(o, marker, file, line, err) == -1)
		return -1;
	explicit_bzero(line->head.p, line->head.len);
	bindu_buf_reset(&line->head);
	return 0;
}

struct bindu_exec *
bindu_exec_open_marked(struct bindu_remote *r, const char *box,
    const struct bindu_exec_opts *o, const char *marker, struct bindu_err *err)
{
	struct bindu_exec_line line;
	struct bindu_exec *e;
	int rc;

	if (build(r, box, o, marker, &line, err) == -1)
		return NULL;
	e = xcalloc(1, sizeof(*e));
	e->remote = r;
	e->client = r->client;
	e->deadline = bindu_clock_deadline(
	    o->timeout_ms != 0 ? o->timeout_ms : -1);
	e->x = e->client->exec_open(r, box, line.line.p, o->tty, o->cols,
	    o->rows, err);
	rc = e->x == NULL ? -1 : 0;
	if (rc == 0 && line.head.len != 0)
		rc = bindu_exec_send(e, line.head.p, line.head.len, err);
	bindu_exec_line_fini(&line);
	if (rc == 0)
		return e;
	bindu_exec_close(e);
	return NULL;
}

struct bindu_exec *
bindu_exec_open(struct bindu_remote *r, const char *box,
    const struct bindu_exec_opts *o, struct bindu_err *err)
{
	return bindu_exec_open_marked(r, box, o, NULL, err);
}

/* Until what was sent is taken.  A stream that ends meanwhile is no error
 * here: what is sent to a command that is gone is lost, and recv tells how it
 * ended. */
static int
await_sent(struct bindu_exec *e, struct bindu_err *err)
{
	struct bindu_frame f;

	while (!e->ended && e->client->exec_sending(e->x)) {
		if (bindu_clock_left(e->deadline) == 0)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "the command takes no input in its time");
		if (e->client->exec_recv(e->x, 100, true, &f, err) == -1)
			return -1;
		if (bindu_tool_interrupted(err) == -1)
			return -1;
	}
	return 0;
}

int
bindu_exec_send(struct bindu_exec *e, const void *data, size_t n,
    struct bindu_err *err)
{
	const char *p = data;

	while (n > 0 && !e->ended) {
		size_t piece = n < PIECE ? n : PIECE;

		if (await_sent(e, err) == -1)
			return -1;
		e->client->exec_send(e->x, p, piece);
		p += piece;
		n -= piece;
	}
	return await_sent(e, err);
}

int
bindu_exec_eof(struct bindu_exec *e, struct bindu_err *err)
{
	(void)err;
	if (!e->eof_sent && !e->ended)
		e->client->exec_eof(e->x);
	e->eof_sent = true;
	return 0;
}

void
bindu_exec_lost(const struct bindu_exec *e, const struct bindu_err *why,
    struct bindu_exec_end *end)
{
	if (end == NULL)
		return;
	end->started = e->client->exec_started(e->x);
	if (why->code == BINDU_E_PROTOCOL && end->started && why->detail == 0)
		end->code = 76;
	else
		end->code = end->started ? 255 : 125;
}

int
bindu_exec_timed_out(const struct bindu_exec_opts *o,
    struct bindu_exec_end *end, struct bindu_err *err)
{
	end->started = true;
	end->code = 124;
	return bindu_err_set(err, BINDU_E_AGAIN,
	    "the command did not end in %.3g s and was killed",
	    (double)o->timeout_ms / 1000);
}

int
bindu_exec_recv(struct bindu_exec *e, int64_t timeout_ms,
    enum bindu_exec_event *event, const char **p, size_t *n,
    struct bindu_exec_end *end, struct bindu_err *err)
{
	int64_t until = bindu_clock_deadline(timeout_ms);
	struct bindu_err why = { 0 };
	struct bindu_frame f;

	for (;;) {
		int64_t stop = until < e->deadline ? until : e->deadline;

		if (e->client->exec_recv(e->x, bindu_clock_left(stop), false,
			&f, &why) == -1) {
			bindu_exec_lost(e, &why, end);
			e->ended = true;
			if (err != NULL)
				*err = why;
			return -1;
		}
		if (f.kind != BINDU_FRAME_SENT)
			break;
	}
	*p = f.p;
	*n = f.n;
	switch (f.kind) {
	case BINDU_FRAME_OUT:
		*event = BINDU_EXEC_OUT;
		break;
	case BINDU_FRAME_ERR:
		*event = BINDU_EXEC_ERR;
		break;
	case BINDU_FRAME_EXIT:
		*event = BINDU_EXEC_END;
		e->ended = true;
		if (end != NULL)
			*end = (struct bindu_exec_end){ f.code, true };
		break;
	default:
		*event = BINDU_EXEC_NOTHING;
		if (bindu_clock_left(e->deadline) == 0) {
			if (end != NULL)
				*end = (struct bindu_exec_end){ 124, true };
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "the command did not end in its time");
		}
		break;
	}
	return 0;
}

void
bindu_exec_wake(struct bindu_exec *e)
{
	e->client->exec_wake(e->x);
}

void
bindu_exec_close(struct bindu_exec *e)
{
	if (e == NULL)
		return;
	e->client->exec_close(e->x);
	free(e);
}

struct capture {
	const char *input;
	size_t left;
	struct bindu_buf *out, *errout;
};

/* Send what may be sent now; both directions must move, or a command that
 * answers while it reads would stop. */
static void
feed(struct bindu_exec *e, struct capture *c)
{
	size_t piece = c->left < PIECE ? c->left : PIECE;

	if (e->client->exec_sending(e->x) || e->eof_sent)
		return;
	if (c->left == 0) {
		bindu_exec_eof(e, NULL);
		return;
	}
	e->client->exec_send(e->x, c->input, piece);
	c->input += piece;
	c->left -= piece;
}

/* 1: it ended; 0: go on; -1. */
static int
step(struct bindu_exec *e, struct capture *c, struct bindu_exec_end *end,
    struct bindu_err *err)
{
	struct bindu_frame f;

	if (e->client->exec_recv(e->x, bindu_clock_left(e->deadline), false, &f,
		err) == -1)
		return -1;
	if (f.kind == BINDU_FRAME_EXIT) {
		*end = (struct bindu_exec_end){ f.code, true };
		return 1;
	}
	if (f.kind == BINDU_FRAME_OUT && c->out != NULL)
		return bindu_buf_add(c->out, f.p, f.n, err);
	if (f.kind == BINDU_FRAME_ERR && c->errout != NULL)
		return bindu_buf_add(c->errout, f.p, f.n, err);
	return 0;
}

int
bindu_exec_capture(struct bindu_remote *r, const char *box,
    const struct bindu_exec_opts *o, const void *input, size_t inlen,
    struct bindu_buf *out, struct bindu_buf *errout, struct bindu_exec_end *end,
    struct bindu_err *err)
{
	struct capture c = { input, inlen, out, errout };
	struct bindu_err why = { 0 };
	struct bindu_exec *e;
	int rc = 0;

	*end = (struct bindu_exec_end){ 125, false };
	e = bindu_exec_open(r, box, o, err);
	if (e == NULL)
		return -1;
	while (rc == 0) {
		feed(e, &c);
		rc = step(e, &c, end, &why);
		if (rc == 0)
			rc = bindu_tool_interrupted(&why);
		if (rc == 0 && bindu_clock_left(e->deadline) == 0)
			rc = bindu_exec_timed_out(o, end, &why);
	}
	if (rc == -1 && end->code != 124)
		bindu_exec_lost(e, &why, end);
	bindu_exec_close(e);
	if (rc == -1 && err != NULL)
		*err = why;
	return rc == -1 ? -1 : 0;
}
