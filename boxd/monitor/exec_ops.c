/* exec_ops.c - the requests that start and steer a command.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#include "exec.h"
#include "lib/base/mem.h"

/* ours[] are handed to the daemon, theirs[] become the command's. */
static int
make_pipes(int ours[3], int theirs[3], struct bindu_err *err)
{
	for (int i = 0; i < 3; i++) {
		int p[2];

		if (pipe2(p, O_CLOEXEC) == -1)
			return bindu_err_sys(err, "cannot make a pipe");
		ours[i] = p[i == 0];
		theirs[i] = p[i != 0];
	}
	return 0;
}

static void
close_all(int v[3])
{
	for (int i = 0; i < 3; i++) {
		if (v[i] != -1)
			close(v[i]);
		v[i] = -1;
	}
}

static void
refuse(struct monitor *m, struct conn *c, const struct bindu_err *e)
{
	json_t *o = boxd_wire_error(e);

	bindu_json_set_int(o, "exit", 125);
	conn_send(c, o, NULL, 0);
	conn_drop(m, c);
}

static bool
is_strings(const json_t *list)
{
	const json_t *v;
	size_t i;

	if (list && !json_is_array(list))
		return false;
	json_array_foreach(list, i, v) if (!json_is_string(v)) return false;
	return true;
}

void
exec_start(struct monitor *m, struct conn *c, const json_t *req)
{
	bool tty = bindu_json_bool(req, "tty", 0);
	int ours[3] = { -1, -1, -1 }, theirs[3] = { -1, -1, -1 };
	struct bindu_err e = { 0 };
	struct exec *x;

	if (!is_strings(json_object_get(req, "argv")) ||
	    !is_strings(json_object_get(req, "env"))) {
		bindu_err_set(&e, BINDU_E_DATA,
		    "argv and env of an exec are lists of strings");
		refuse(m, c, &e);
		return;
	}
	if (!tty && make_pipes(ours, theirs, &e) == -1) {
		close_all(ours);
		close_all(theirs);
		refuse(m, c, &e);
		return;
	}
	x = exec_spawn(m, c, theirs, exec_child, req, &e);
	if (!x) {
		close_all(ours);
		refuse(m, c, &e);
		return;
	}
	if (!tty) {
		memcpy(x->give, ours, sizeof ours);
		x->ngive = 3;
	}
}

static void
resize(struct exec *x, const json_t *req)
{
	struct winsize ws = {
		.ws_col = (unsigned short)bindu_json_int(req, "cols", 80),
		.ws_row = (unsigned short)bindu_json_int(req, "rows", 24),
	};

	if (x->pty != -1)
		ioctl(x->pty, TIOCSWINSZ, &ws);
}

/* What a transfer was not told at its beginning. */
static void
tell_size(const struct exec *x, const json_t *req)
{
	struct exec_note note = { .kind = NOTE_DONE,
		.bytes = bindu_json_int(req, "size", -1) };

	if (x->status.fd != -1)
		send(x->status.fd, &note, sizeof note, MSG_NOSIGNAL);
}

void
exec_control(struct monitor *m, struct exec *x, const json_t *req)
{
	int64_t sig = bindu_json_int(req, "signal", 0);

	if (x->file) {
		tell_size(x, req);
		return;
	}
	if (json_object_get(req, "cols"))
		resize(x, req);
	if (sig <= 0 || sig >= NSIG || x->pid == 0)
		return;
	if (!m->cg.execs)
		exec_tree_signal(x->pid, (int)sig);
	else if (sig == SIGKILL)
		cgroup_signal(&m->cg, x->id, SIGKILL);
	else
		kill(-x->pid, (int)sig); /* its session's first group */
}
