/* net_link.c - see net_link.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "lib/base/mem.h"

int
nl_open(struct nl *nl, struct bindu_err *err)
{
	const struct timeval limit = { .tv_sec = 5 };

	memset(nl, 0, sizeof *nl);
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (nl->fd == -1)
		return bindu_err_sys(err, "cannot open a netlink socket");
	setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return 0;
}

void
nl_close(struct nl *nl)
{
	bindu_cleanup_close(&nl->fd);
	nl->fd = -1;
}

void
nl_raw(struct nl *nl, const void *p, size_t n)
{
	size_t at = NLMSG_ALIGN(nl->m.head.nlmsg_len);

	if (n > sizeof nl->m || at + NLMSG_ALIGN(n) > sizeof nl->m)
		abort();
	if (n > 0)
		memcpy(nl->m.bytes + at, p, n);
	memset(nl->m.bytes + at + n, 0, NLMSG_ALIGN(n) - n);
	nl->m.head.nlmsg_len = (uint32_t)(at + n);
}

void
nl_begin(struct nl *nl, uint16_t type, uint16_t flags, const void *fixed,
    size_t n)
{
	memset(&nl->m.head, 0, sizeof nl->m.head);
	nl->m.head.nlmsg_len = NLMSG_LENGTH(0);
	nl->m.head.nlmsg_type = type;
	nl->m.head.nlmsg_flags = flags | NLM_F_REQUEST | NLM_F_ACK;
	nl->m.head.nlmsg_seq = ++nl->seq;
	nl_raw(nl, fixed, n);
}

void
nl_put(struct nl *nl, uint16_t type, const void *p, size_t n)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + n),
		.nla_type = type };

	nl_raw(nl, &a, sizeof a);
	nl_raw(nl, p, n);
}

void
nl_put_u8(struct nl *nl, uint16_t type, uint8_t v)
{
	nl_put(nl, type, &v, sizeof v);
}

void
nl_put_u32(struct nl *nl, uint16_t type, uint32_t v)
{
	nl_put(nl, type, &v, sizeof v);
}

void
nl_put_str(struct nl *nl, uint16_t type, const char *s)
{
	nl_put(nl, type, s, strlen(s) + 1);
}

size_t
nl_nest(struct nl *nl, uint16_t type)
{
	size_t at = NLMSG_ALIGN(nl->m.head.nlmsg_len);

	nl_put(nl, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void
nl_end(struct nl *nl, size_t nest)
{
	struct nlattr *a = (void *)(nl->m.bytes + nest);

	a->nla_len = (uint16_t)(nl->m.head.nlmsg_len - nest);
}

int
nl_talk(struct nl *nl, const char *what, struct bindu_err *err)
{
	union {
		struct nlmsghdr head;
		char bytes[8192];
	} in;

	if (send(nl->fd, &nl->m, nl->m.head.nlmsg_len, 0) == -1)
		return bindu_err_sys(err, "cannot %s", what);
	for (;;) {
		ssize_t n = recv(nl->fd, &in, sizeof in, 0);
		const struct nlmsgerr *e = NLMSG_DATA(&in.head);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return bindu_err_sys(err, "cannot %s", what);
		if (!NLMSG_OK(&in.head, (unsigned)n) ||
		    in.head.nlmsg_seq != nl->seq ||
		    in.head.nlmsg_type != NLMSG_ERROR)
			continue;
		if (e->error == 0)
			return 0;
		errno = -e->error;
		return bindu_err_sys(err, "cannot %s", what);
	}
}
