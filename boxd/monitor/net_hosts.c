/* net_hosts.c - the machine's own IPv4 addresses, as they come and go.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "lib/base/mem.h"
#include "net_priv.h"

int
net_hosts_open(struct net_hosts *h, struct bindu_err *err)
{
	const struct sockaddr_nl sa = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR };
	const struct timeval limit = { .tv_sec = 5 };

	h->n = 0;
	h->events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
	h->dump = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (h->events == -1 || h->dump == -1 ||
	    bind(h->events, (const struct sockaddr *)&sa, sizeof sa) == -1)
		return bindu_err_sys(err, "cannot watch addresses");
	setsockopt(h->dump, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return net_hosts_read(h, err);
}

void
net_hosts_close(struct net_hosts *h)
{
	bindu_cleanup_close(&h->events);
	bindu_cleanup_close(&h->dump);
	h->events = h->dump = -1;
}

/* The address of one RTM_NEWADDR, each only once. */
static int
take(struct net_hosts *h, const struct nlmsghdr *m, struct bindu_err *err)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(m);
	int left = (int)IFA_PAYLOAD(m);
	struct in_addr ip = { 0 };

	if (ifa->ifa_family != AF_INET)
		return 0;
	for (const struct rtattr *a = IFA_RTA(ifa); RTA_OK(a, left);
	     a = RTA_NEXT(a, left))
		if (a->rta_type == IFA_LOCAL ||
		    (a->rta_type == IFA_ADDRESS && ip.s_addr == 0))
			memcpy(&ip, RTA_DATA(a), sizeof ip);
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].s_addr == ip.s_addr)
			return 0;
	if (h->n == NET_HOSTS_MAX)
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "this machine has "
		    "more than %d addresses",
		    NET_HOSTS_MAX);
	h->v[h->n++] = ip;
	return 0;
}

/* One datagram of the dump: 1 more to come, 0 done. */
static int
take_all(struct net_hosts *h, const struct nlmsghdr *m, ssize_t n,
    struct bindu_err *err)
{
	unsigned left = (unsigned)n;

	for (; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
		if (m->nlmsg_type == NLMSG_DONE)
			return 0;
		if (m->nlmsg_type == NLMSG_ERROR)
			return bindu_err_set(err, BINDU_E_SYSTEM,
			    "cannot list addresses");
		if (m->nlmsg_type == RTM_NEWADDR && take(h, m, err) == -1)
			return -1;
	}
	return 1;
}

int
net_hosts_read(struct net_hosts *h, struct bindu_err *err)
{
	const struct {
		struct nlmsghdr head;
		struct ifaddrmsg ifa;
	} ask = { { .nlmsg_len = sizeof ask,
		      .nlmsg_type = RTM_GETADDR,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		{ .ifa_family = AF_INET } };
	union {
		struct nlmsghdr head;
		char bytes[32768];
	} in;
	int more = 1;

	while (recv(h->events, &in, sizeof in, 0) > 0)
		;
	h->n = 0;
	if (send(h->dump, &ask, sizeof ask, 0) == -1)
		return bindu_err_sys(err, "cannot list addresses");
	while (more == 1) {
		ssize_t n = recv(h->dump, &in, sizeof in, 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return bindu_err_sys(err, "cannot list addresses");
		more = take_all(h, &in.head, n, err);
	}
	return more;
}
