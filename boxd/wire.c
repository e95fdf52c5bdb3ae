/* wire.c - one JSON object a message, descriptors beside it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/base/mem.h"

/* Room for more descriptors than allowed, so that a peer that sends too many
 * is noticed and its extra ones are closed. */
#define FDS_ROOM 8

static const char *const code_names[] = {
	[BINDU_E_NONE] = "none",
	[BINDU_E_NO] = "no",
	[BINDU_E_USAGE] = "usage",
	[BINDU_E_DATA] = "data",
	[BINDU_E_NOINPUT] = "noinput",
	[BINDU_E_UNAVAILABLE] = "unavailable",
	[BINDU_E_BUG] = "bug",
	[BINDU_E_SYSTEM] = "system",
	[BINDU_E_EXISTS] = "exists",
	[BINDU_E_IO] = "io",
	[BINDU_E_AGAIN] = "again",
	[BINDU_E_PROTOCOL] = "protocol",
	[BINDU_E_AUTH] = "auth",
	[BINDU_E_CONFIG] = "config",
	[BINDU_E_SIGNAL] = "signal",
};
#define NCODES (sizeof code_names / sizeof *code_names)

int
boxd_wire_send(int sock, const json_t *msg, const int *fds, int nfds,
    struct bindu_err *err)
{
	AUTO_FREE char *text = bindu_json_text(msg);
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(BOXD_WIRE_FDS * sizeof(int))];
	} ctl = { 0 };
	struct iovec iov = { .iov_base = text, .iov_len = strlen(text) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (nfds < 0 || nfds > BOXD_WIRE_FDS)
		return bindu_err_set(err, BINDU_E_BUG,
		    "cannot send %d descriptors in one message", nfds);
	if (iov.iov_len > BOXD_WIRE_MAX)
		return bindu_err_set(err, BINDU_E_DATA,
		    "message of %zu bytes is over the limit of %d", iov.iov_len,
		    BOXD_WIRE_MAX);
	if (nfds > 0) {
		mh.msg_control = ctl.room;
		mh.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, (size_t)nfds * sizeof(int));
	}
	while (sendmsg(sock, &mh, MSG_NOSIGNAL) == -1)
		if (errno != EINTR)
			return bindu_err_sys(err, "cannot send a message");
	return 0;
}

/* Descriptors of a received message; more than fit are closed. */
static int
take_fds(struct msghdr *mh, int fds[BOXD_WIRE_FDS])
{
	int n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t count, i;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++, n++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (n < BOXD_WIRE_FDS)
				fds[n] = fd;
			else
				close(fd);
		}
	}
	return n;
}

static void
drop_fds(int fds[BOXD_WIRE_FDS])
{
	for (int i = 0; i < BOXD_WIRE_FDS; i++) {
		if (fds[i] != -1)
			close(fds[i]);
		fds[i] = -1;
	}
}

static int
recv_failed(struct bindu_err *err)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK) {
		bindu_err_set(err, BINDU_E_AGAIN, "no message has come yet");
		if (err)
			err->detail = EAGAIN;
		return -1;
	}
	return bindu_err_sys(err, "cannot receive a message");
}

/* A peer that closed with something of ours unread is told of as an error,
 * once, and before what it had sent: that is still there to be read. */
static bool
try_again(ssize_t n)
{
	return n == -1 && (errno == EINTR || errno == ECONNRESET);
}

int
boxd_wire_recv(int sock, json_t **out, int fds[BOXD_WIRE_FDS],
    struct bindu_err *err)
{
	AUTO_FREE char *text = NULL;
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(FDS_ROOM * sizeof(int))];
	} ctl;
	struct iovec iov = { 0 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	*out = NULL;
	for (int i = 0; i < BOXD_WIRE_FDS; i++)
		fds[i] = -1;
	do
		n = recv(sock, NULL, 0, MSG_PEEK | MSG_TRUNC);
	while (try_again(n));
	if (n == -1)
		return recv_failed(err);
	if (n == 0)
		return 0;
	if (n > BOXD_WIRE_MAX)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "message of %zd bytes is over the limit of %d", n,
		    BOXD_WIRE_MAX);
	iov.iov_base = text = xmalloc((size_t)n);
	iov.iov_len = (size_t)n;
	mh.msg_control = ctl.room;
	mh.msg_controllen = sizeof ctl.room;
	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (try_again(n));
	if (n == -1)
		return recv_failed(err);
	if (n == 0)
		return 0;
	if (take_fds(&mh, fds) > BOXD_WIRE_FDS ||
	    mh.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
		drop_fds(fds);
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "message with too many descriptors");
	}
	*out = bindu_json_parse(text, (size_t)n, BOXD_WIRE_MAX, "message", err);
	if (*out && json_is_object(*out))
		return 1;
	drop_fds(fds);
	if (!*out)
		return -1;
	json_decref(*out);
	*out = NULL;
	return bindu_err_set(err, BINDU_E_PROTOCOL,
	    "message is not a JSON object");
}

json_t *
boxd_wire_error(const struct bindu_err *err)
{
	json_t *o = json_object();

	json_object_set_new(o, "ok", json_false());
	bindu_json_set_str(o, "code",
	    (size_t)err->code < NCODES ? code_names[err->code] : "bug");
	bindu_json_set_str(o, "error", err->msg);
	return o;
}

int
boxd_wire_check(const json_t *answer, struct bindu_err *err)
{
	const char *code, *text;
	size_t i;

	if (bindu_json_bool(answer, "ok", 0))
		return 0;
	code = bindu_json_str(answer, "code");
	text = bindu_json_str(answer, "error");
	for (i = 1; code && i < NCODES; i++)
		if (!strcmp(code, code_names[i]))
			return bindu_err_set(err, (enum bindu_errc)i, "%s",
			    text ? text : "refused without a reason");
	return bindu_err_set(err, BINDU_E_PROTOCOL,
	    "answer is neither success nor a known error");
}
