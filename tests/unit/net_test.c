/* Addresses of boxes; netlink messages byte by byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include "boxd/monitor/net_link.h"
#include "boxd/monitor/net_priv.h"
#include "tap.h"

static const struct {
	const char *ip;
	bool box;
	unsigned index;
} rows[] = {
	{ "10.88.0.2", true, 2 },
	{ "10.88.255.254", true, 65534 },
	{ "10.88.1.0", true, 256 },
	{ "10.88.0.1", false, 1 },
	{ "10.88.0.0", false, 0 },
	{ "10.88.255.255", false, 65535 },
	{ "10.89.0.2", false, 2 },
	{ "192.168.0.2", false, 2 },
};

int
main(void)
{
	const struct rtmsg rt = { .rtm_family = AF_INET };
	struct nl nl = { .fd = -1 };
	const struct nlattr *a;
	size_t nest;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct in_addr ip;

		inet_pton(AF_INET, rows[i].ip, &ip);
		ok(net_is_box_address(ip) == rows[i].box &&
			net_index(ip) == rows[i].index,
		    "%s is %s box's", rows[i].ip, rows[i].box ? "a" : "no");
	}
	nl_begin(&nl, RTM_NEWROUTE, NLM_F_CREATE, &rt, sizeof rt);
	ok(nl.m.head.nlmsg_len == NLMSG_LENGTH(sizeof rt) &&
		nl.m.head.nlmsg_flags ==
		    (NLM_F_CREATE | NLM_F_REQUEST | NLM_F_ACK),
	    "a message begins with header and fixed part");
	nest = nl_nest(&nl, RTA_METRICS);
	nl_put_u8(&nl, 1, 7);
	nl_put_str(&nl, 2, "abc");
	nl_end(&nl, nest);
	a = (const void *)(nl.m.bytes + nest);
	ok(a->nla_len == NLA_HDRLEN + 2 * (NLA_HDRLEN + 4) &&
		a->nla_type == (RTA_METRICS | NLA_F_NESTED),
	    "a nest is as long as what is in it, each part padded");
	ok(nl.m.head.nlmsg_len == nest + a->nla_len,
	    "the message ends with its last attribute");
	a = (const void *)(nl.m.bytes + nest + 2 * NLA_HDRLEN + 4);
	ok(a->nla_len == NLA_HDRLEN + 4 && memcmp(a + 1, "abc", 4) == 0,
	    "a string keeps its NUL");
	return done();
}
