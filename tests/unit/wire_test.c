/* Messages with descriptors, and what a peer can do wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "boxd/wire.h"
#include "lib/base/mem.h"
#include "tap.h"

static int pair[2];

static int
take(json_t **msg, int fds[BOXD_WIRE_FDS], struct bindu_err *e)
{
	memset(e, 0, sizeof *e);
	return boxd_wire_recv(pair[1], msg, fds, e);
}

static void
test_there_and_back(void)
{
	AUTO_JSON json_t *out = json_pack("{s:s,s:i}", "op", "exec", "n", 7);
	AUTO_JSON json_t *in = NULL;
	int p[2], fds[BOXD_WIRE_FDS];
	struct bindu_err e = { 0 };
	char c = 0;

	if (pipe(p) == -1)
		return;
	ok(boxd_wire_send(pair[0], out, p, 2, &e) == 0, "a message is sent");
	close(p[0]);
	close(p[1]);
	ok(take(&in, fds, &e) == 1 && json_equal(in, out),
	    "it arrives as it was");
	ok(fds[0] > 2 && fds[1] > 2 && fds[2] == -1,
	    "with its descriptors, and -1 for what is not there");
	ok(write(fds[1], "x", 1) == 1 && read(fds[0], &c, 1) == 1 && c == 'x',
	    "which are the same pipe");
	close(fds[0]);
	close(fds[1]);
}

static void
test_limits(void)
{
	AUTO_FREE char *big = xmalloc(BOXD_WIRE_MAX + 1);
	AUTO_JSON json_t *msg = NULL, *in = NULL;
	int fds[BOXD_WIRE_FDS];
	struct bindu_err e = { 0 };

	memset(big, 'x', BOXD_WIRE_MAX);
	big[BOXD_WIRE_MAX] = '\0';
	msg = json_pack("{s:s}", "big", big);
	ok(boxd_wire_send(pair[0], msg, NULL, 0, &e) == -1 &&
		e.code == BINDU_E_DATA,
	    "a message over the limit is not sent");
	big[BOXD_WIRE_MAX - 20] = '\0';
	json_object_set_new(msg, "big", json_string(big));
	ok(boxd_wire_send(pair[0], msg, NULL, 0, NULL) == 0 &&
		take(&in, fds, &e) == 1 && json_equal(in, msg),
	    "one at the limit arrives");
}

static void
test_bad_peer(void)
{
	static const struct {
		const char *what, *bytes;
		enum bindu_errc code;
	} rows[] = {
		{ "bytes that are no JSON", "{\"op\":", BINDU_E_DATA },
		{ "a list", "[1]", BINDU_E_PROTOCOL },
		{ "a key twice", "{\"a\":1,\"a\":2}", BINDU_E_DATA },
	};
	int fds[BOXD_WIRE_FDS], many[4] = { 0, 0, 0, 0 };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof many)];
	} ctl = { 0 };
	struct iovec iov = { .iov_base = (char[]){ "{}" }, .iov_len = 2 };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.room,
		.msg_controllen = sizeof ctl.room };
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
	struct bindu_err e = { 0 };
	json_t *in;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		send(pair[0], rows[i].bytes, strlen(rows[i].bytes), 0);
		ok(take(&in, fds, &e) == -1 && e.code == rows[i].code,
		    "%s is refused", rows[i].what);
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof many);
	memcpy(CMSG_DATA(c), many, sizeof many);
	sendmsg(pair[0], &mh, 0);
	ok(take(&in, fds, &e) == -1 && e.code == BINDU_E_PROTOCOL &&
		fds[0] == -1,
	    "more descriptors than three are refused and closed");
	ok(dup(0) < 16, "none of them is left open");
}

static void
test_errors(void)
{
	struct bindu_err e = { 0 }, back = { 0 };

	for (int code = BINDU_E_NO; code <= BINDU_E_SIGNAL; code++) {
		AUTO_JSON json_t *o = NULL;

		bindu_err_set(&e, (enum bindu_errc)code, "text %d", code);
		o = boxd_wire_error(&e);
		memset(&back, 0, sizeof back);
		ok(boxd_wire_check(o, &back) == -1 && back.code == e.code &&
			!strcmp(back.msg, e.msg),
		    "error class %d comes back as it was", code);
	}
}

static void
test_last_words(void)
{
	AUTO_JSON json_t *msg = json_pack("{s:i}", "code", 9), *in = NULL;
	int fds[BOXD_WIRE_FDS];
	struct bindu_err e = { 0 };

	boxd_wire_send(pair[0], msg, NULL, 0, NULL);
	boxd_wire_send(pair[1], msg, NULL, 0, NULL);
	close(pair[0]);
	ok(take(&in, fds, &e) == 1 && json_equal(in, msg),
	    "what a peer said last comes, though it did not read us to the end");
}

int
main(void)
{
	json_t *in;
	int fds[BOXD_WIRE_FDS];
	struct bindu_err e = { 0 };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1)
		return 1;
	test_there_and_back();
	test_limits();
	test_bad_peer();
	test_errors();
	test_last_words();
	ok(take(&in, fds, &e) == 0 && !in, "a closed connection is the end");
	return done();
}
