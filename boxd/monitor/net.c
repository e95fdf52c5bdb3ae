/* net.c - the hub's network namespace: bridge, forwarding, rules.
 *
 * What a box may reach: the world through the relay's tap, and the relay's
 * DNS.  Not: other boxes, the hub, the relay's other addresses (they stand for
 * the machine itself), the machine's own addresses on any interface, and
 * link-local ones (metadata services).  IPv6 has no way out at all.  A box
 * speaks in its own name only: before conntrack sees a packet, the last four
 * bytes of its hardware address, which the bridge binds to the port
 * (net_attach.c), must be its source address.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"
#include "net.h"
#include "net_link.h"
#include "net_priv.h"

#define NFT_LIMIT_MS 10000

bool
net_is_box_address(struct in_addr ip)
{
	uint32_t a = ntohl(ip.s_addr);

	return a >> 16 == (10u << 8 | 88) && (a & 0xffff) > 1 &&
	    (a & 0xffff) != 0xffff;
}

unsigned
net_index(struct in_addr ip)
{
	return ntohl(ip.s_addr) & 0xffff;
}

/* Two registers cannot be compared, but a pair be looked up. */
static int
add_same(struct bindu_buf *b, struct bindu_err *err)
{
	if (bindu_buf_adds(b,
		" set same { typeof @ll,80,8 . @nh,112,8\n"
		"  elements = { 0 . 0",
		err) == -1)
		return -1;
	for (int i = 1; i < 256; i++)
		if (bindu_buf_addf(b, err, ", %d . %d", i, i) == -1)
			return -1;
	return bindu_buf_adds(b, " }\n }\n", err);
}

static int
rules_text(struct bindu_buf *b, const struct net_hosts *hosts,
    struct bindu_err *err)
{
	static const char head[] = "add table ip boxd\ndelete table ip boxd\n"
				   "add table ip6 boxd\ndelete table ip6 boxd\n"
				   "table ip boxd {\n";
	static const char own[] = " set own { type ipv4_addr\n";
	static const char rest[] =
	    " }\n"
	    " chain pre { type filter hook prerouting priority -300\n"
	    "  iifname \"" NET_BRIDGE "\" jump names\n"
	    " }\n"
	    " chain names {\n"
	    "  ether saddr & ff:ff:ff:ff:00:00 != 02:bd:0a:58:00:00 drop\n"
	    "  ip saddr != 10.88.0.0/16 drop\n"
	    "  @ll,80,8 . @nh,112,8 != @same drop\n"
	    "  @ll,88,8 . @nh,120,8 != @same drop\n"
	    " }\n"
	    " chain egress {\n"
	    "  ip daddr " NET_DNS " udp dport 53 accept\n"
	    "  ip daddr " NET_DNS " tcp dport 53 accept\n"
	    "  ip daddr @own reject with icmp type admin-prohibited\n"
	    "  ip daddr { 0.0.0.0/8, 10.0.2.0/24, 127.0.0.0/8, "
	    "169.254.0.0/16, 224.0.0.0/4, 240.0.0.0/4 } "
	    "reject with icmp type admin-prohibited\n"
	    "  accept\n"
	    " }\n"
	    " chain post { type nat hook postrouting priority 100\n"
	    "  ip saddr 10.88.0.0/16 oifname \"" NET_TAP "\" masquerade\n"
	    " }\n"
	    " chain forw { type filter hook forward priority 0\n"
	    "  policy drop\n"
	    "  ct state established,related accept\n"
	    "  ip saddr 10.88.0.0/16 iifname \"" NET_BRIDGE
	    "\" oifname \"" NET_TAP "\" jump egress\n"
	    " }\n"
	    " chain inp { type filter hook input priority 0\n"
	    "  iifname \"" NET_BRIDGE "\" drop\n"
	    " }\n"
	    "}\n"
	    "table ip6 boxd {\n"
	    " chain forw { type filter hook forward priority 0\n"
	    "  policy drop\n"
	    " }\n"
	    " chain inp { type filter hook input priority 0\n"
	    "  iifname \"" NET_BRIDGE "\" drop\n"
	    " }\n"
	    "}\n";

	if (bindu_buf_adds(b, head, err) == -1 || add_same(b, err) == -1 ||
	    bindu_buf_adds(b, own, err) == -1)
		return -1;
	for (size_t i = 0; i < hosts->n; i++) {
		char a[INET_ADDRSTRLEN];

		inet_ntop(AF_INET, &hosts->v[i], a, sizeof a);
		if (bindu_buf_addf(b, err, "%s%s",
			i == 0 ? "  elements = { " : ", ", a) == -1)
			return -1;
	}
	if (hosts->n > 0 && bindu_buf_adds(b, " }\n", err) == -1)
		return -1;
	return bindu_buf_adds(b, rest, err);
}

int
net_rules(const char *nft, const struct net_hosts *hosts, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf text = BINDU_BUF_INIT(64 * 1024);
	AUTO_CLOSE int in = -1;
	AUTO_FREE char *out = NULL;
	const char *const argv[] = { nft, "-f", "-", NULL };
	struct bindu_proc_opts po = BINDU_PROC_OPTS;

	if (rules_text(&text, hosts, err) == -1)
		return -1;
	in = memfd_create("rules", MFD_CLOEXEC);
	if (in == -1 || bindu_fd_write(in, text.p, text.len) == -1 ||
	    lseek(in, 0, SEEK_SET) == -1)
		return bindu_err_sys(err, "cannot hold the network rules");
	po.argv = argv;
	po.in = in;
	if (bindu_proc_capture(&po, NFT_LIMIT_MS, 64 * 1024, &out, err) == -1)
		return bindu_err_wrap(err, "cannot set the network rules");
	return 0;
}

static int
forwarding_on(struct bindu_err *err)
{
	static const char path[] = "/proc/sys/net/ipv4/ip_forward";
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd == -1 || bindu_fd_write(fd, "1", 1) == -1)
		return bindu_err_sys(err, "cannot write %s", path);
	return 0;
}

static int
link_up(struct nl *nl, unsigned index, struct bindu_err *err)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC,
		.ifi_index = (int)index,
		.ifi_change = IFF_UP,
		.ifi_flags = IFF_UP };

	nl_begin(nl, RTM_NEWLINK, 0, &ifi, sizeof ifi);
	return nl_talk(nl, "bring the hub's network up", err);
}

static int
bridge_make(struct nl *nl, struct bindu_err *err)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct ifaddrmsg ifa = { .ifa_family = AF_INET,
		.ifa_prefixlen = NET_PREFIX };
	const uint8_t mac[6] = { 0x02, 0xbd, 10, 88, 0, 1 };
	struct in_addr ip;
	size_t info;

	nl_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof ifi);
	nl_put_str(nl, IFLA_IFNAME, NET_BRIDGE);
	/* Fixed: by default it changes with the ports, and boxes remember it. */
	nl_put(nl, IFLA_ADDRESS, mac, sizeof mac);
	info = nl_nest(nl, IFLA_LINKINFO);
	nl_put_str(nl, IFLA_INFO_KIND, "bridge");
	nl_end(nl, info);
	if (nl_talk(nl, "make the bridge: module bridge missing", err) == -1)
		return -1;
	inet_pton(AF_INET, NET_GATEWAY, &ip);
	ifa.ifa_index = if_nametoindex(NET_BRIDGE);
	nl_begin(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &ifa,
	    sizeof ifa);
	nl_put(nl, IFA_LOCAL, &ip, sizeof ip);
	nl_put(nl, IFA_ADDRESS, &ip, sizeof ip);
	if (nl_talk(nl, "give the bridge its address", err) == -1)
		return -1;
	return link_up(nl, ifa.ifa_index, err);
}

int
net_make(const char *nft, const struct net_hosts *hosts, struct bindu_err *err)
{
	struct nl nl;
	int rc;

	/* Rules first: there is no moment without them. */
	if (net_rules(nft, hosts, err) == -1 || forwarding_on(err) == -1)
		return -1;
	if (nl_open(&nl, err) == -1)
		return -1;
	rc = link_up(&nl, if_nametoindex("lo"), err);
	if (rc == 0)
		rc = bridge_make(&nl, err);
	nl_close(&nl);
	return rc;
}
