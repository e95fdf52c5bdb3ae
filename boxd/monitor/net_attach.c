/* net_attach.c - a box's veth: one end on the hub's bridge, one in the box.
 *
 * The bridge learns nothing from boxes: the address pair of each is fixed
 * here, so that no box can take over another's traffic by ARP.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/mem.h"
#include "net_link.h"
#include "net_priv.h"

#define HOST_MTU 65520 /* that of the relay: no fragments on the way */

/* Interface names hold 15 bytes and ids more: 48 bits of a hash. */
static void
veth_name(const char *id, char out[IFNAMSIZ])
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *id != '\0'; id++)
		h = (h ^ (unsigned char)*id) * 0x100000001b3u;
	snprintf(out, IFNAMSIZ, "h%012llx",
	    (unsigned long long)(h ^ h >> 48) & 0xffffffffffffu);
}

/* Locally administered, the address in its last four bytes. */
static void
mac_of(struct in_addr ip, uint8_t mac[6])
{
	mac[0] = 0x02;
	mac[1] = 0xbd;
	memcpy(mac + 2, &ip, 4);
}

static int
veth_make(struct nl *nl, const char *name, pid_t pid, struct in_addr ip,
    struct bindu_err *err)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	uint8_t mac[6];
	size_t info, data, peer;

	mac_of(ip, mac);
	nl_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof ifi);
	nl_put_str(nl, IFLA_IFNAME, name);
	nl_put_u32(nl, IFLA_MTU, HOST_MTU);
	info = nl_nest(nl, IFLA_LINKINFO);
	nl_put_str(nl, IFLA_INFO_KIND, "veth");
	data = nl_nest(nl, IFLA_INFO_DATA);
	peer = nl_nest(nl, VETH_INFO_PEER);
	nl_raw(nl, &ifi, sizeof ifi);
	nl_put_str(nl, IFLA_IFNAME, "eth0");
	nl_put(nl, IFLA_ADDRESS, mac, sizeof mac);
	nl_put_u32(nl, IFLA_MTU, HOST_MTU);
	nl_put_u32(nl, IFLA_NET_NS_PID, (uint32_t)pid);
	nl_end(nl, peer);
	nl_end(nl, data);
	nl_end(nl, info);
	return nl_talk(nl, "make the box's network interface", err);
}

static int
link_set(struct nl *nl, const struct ifinfomsg *ifi, unsigned master,
    struct bindu_err *err)
{
	nl_begin(nl, RTM_NEWLINK, 0, ifi, sizeof *ifi);
	if (master != 0)
		nl_put_u32(nl, IFLA_MASTER, master);
	return nl_talk(nl, "set up the box's network interface", err);
}

/* Isolated: passes nothing to other isolated ports, which all boxes are.
 * Locked: takes only frames from the hardware address bound to it. */
static int
port_set(struct nl *nl, int index, struct bindu_err *err)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_BRIDGE,
		.ifi_index = index };
	size_t port;

	nl_begin(nl, RTM_SETLINK, 0, &ifi, sizeof ifi);
	port = nl_nest(nl, IFLA_PROTINFO);
	nl_put_u8(nl, IFLA_BRPORT_ISOLATED, 1);
	nl_put_u8(nl, IFLA_BRPORT_LEARNING, 0);
	nl_put_u8(nl, IFLA_BRPORT_LOCKED, 1);
	nl_put_u8(nl, IFLA_BRPORT_UNICAST_FLOOD, 0);
	nl_end(nl, port);
	return nl_talk(nl, "isolate the box's network interface", err);
}

/* The bridge's own tables: which port has this MAC, which MAC this address. */
static int
neighbour_set(struct nl *nl, int index, int bridge, struct in_addr ip,
    struct bindu_err *err)
{
	struct ndmsg nd = { .ndm_family = AF_BRIDGE,
		.ndm_ifindex = index,
		.ndm_state = NUD_NOARP,
		.ndm_flags = NTF_MASTER };
	uint8_t mac[6];

	mac_of(ip, mac);
	nl_begin(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &nd,
	    sizeof nd);
	nl_put(nl, NDA_LLADDR, mac, sizeof mac);
	if (nl_talk(nl, "bind the box's hardware address", err) == -1)
		return -1;
	nd.ndm_family = AF_INET;
	nd.ndm_state = NUD_PERMANENT;
	nd.ndm_ifindex = bridge;
	nd.ndm_flags = 0;
	nl_begin(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &nd,
	    sizeof nd);
	nl_put(nl, NDA_DST, &ip, sizeof ip);
	nl_put(nl, NDA_LLADDR, mac, sizeof mac);
	return nl_talk(nl, "bind the box's address", err);
}

static int
hub_side(pid_t pid, struct in_addr ip, const char *name, struct bindu_err *err)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl nl;
	int bridge = (int)if_nametoindex(NET_BRIDGE);
	int rc;

	if (bridge == 0)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "this hub has no network");
	if (nl_open(&nl, err) == -1)
		return -1;
	rc = veth_make(&nl, name, pid, ip, err);
	ifi.ifi_index = rc == 0 ? (int)if_nametoindex(name) : 0;
	if (rc == 0)
		rc = link_set(&nl, &ifi, (unsigned)bridge, err);
	if (rc == 0)
		rc = port_set(&nl, ifi.ifi_index, err);
	if (rc == 0)
		rc = neighbour_set(&nl, ifi.ifi_index, bridge, ip, err);
	ifi.ifi_change = ifi.ifi_flags = IFF_UP;
	if (rc == 0)
		rc = link_set(&nl, &ifi, 0, err);
	nl_close(&nl);
	return rc;
}

/* In the box's namespace: address, up, default route. */
static int
box_side(struct in_addr ip, struct bindu_err *err)
{
	struct ifinfomsg ifi = { .ifi_change = IFF_UP, .ifi_flags = IFF_UP };
	struct ifaddrmsg ifa = { .ifa_family = AF_INET,
		.ifa_prefixlen = NET_PREFIX };
	const struct rtmsg rt = { .rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST };
	struct in_addr gateway;
	struct nl nl;
	int rc, lo = 1;

	if (nl_open(&nl, err) == -1)
		return -1;
	inet_pton(AF_INET, NET_GATEWAY, &gateway);
	ifi.ifi_index = lo;
	rc = link_set(&nl, &ifi, 0, err);
	ifi.ifi_index = (int)if_nametoindex("eth0");
	ifa.ifa_index = (unsigned)ifi.ifi_index;
	if (rc == 0) {
		nl_begin(&nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &ifa,
		    sizeof ifa);
		nl_put(&nl, IFA_LOCAL, &ip, sizeof ip);
		nl_put(&nl, IFA_ADDRESS, &ip, sizeof ip);
		rc = nl_talk(&nl, "give the box its address", err);
	}
	if (rc == 0)
		rc = link_set(&nl, &ifi, 0, err);
	if (rc == 0) {
		nl_begin(&nl, RTM_NEWROUTE, NLM_F_CREATE, &rt, sizeof rt);
		nl_put(&nl, RTA_GATEWAY, &gateway, sizeof gateway);
		rc = nl_talk(&nl, "give the box its route", err);
	}
	nl_close(&nl);
	return rc;
}

static int
open_netns(pid_t pid, struct bindu_err *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return bindu_err_sys(err, "cannot open %s", path);
	return fd;
}

int
net_attach(pid_t init_pid, const char *ip, const char *id,
    struct bindu_err *err)
{
	AUTO_CLOSE int home = -1, box = -1;
	char name[IFNAMSIZ];
	struct in_addr addr;
	int rc;

	if (inet_pton(AF_INET, ip, &addr) != 1 || !net_is_box_address(addr))
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s is not a box's address: 10.88.0.2 to 10.88.255.254 are",
		    ip);
	home = open_netns(getpid(), err);
	box = home == -1 ? -1 : open_netns(init_pid, err);
	if (box == -1)
		return -1;
	veth_name(id, name);
	net_detach(id, NULL, NULL); /* of a box that was killed a moment ago */
	if (hub_side(init_pid, addr, name, err) == -1)
		return -1;
	if (setns(box, CLONE_NEWNET) == -1) {
		bindu_err_sys(err, "cannot enter the box's network");
		net_detach(id, NULL, NULL);
		return -1;
	}
	rc = box_side(addr, err);
	if (setns(home, CLONE_NEWNET) == -1)
		return bindu_err_sys(rc == 0 ? err : NULL,
		    "cannot return from the box's network");
	if (rc == -1)
		net_detach(id, NULL, NULL);
	return rc;
}

/* It is the bridge's, and does not go with the veth. */
static void
neighbour_drop(struct nl *nl, const char *ip)
{
	const struct ndmsg nd = { .ndm_family = AF_INET,
		.ndm_ifindex = (int)if_nametoindex(NET_BRIDGE) };
	struct in_addr addr;

	if (ip == NULL || inet_pton(AF_INET, ip, &addr) != 1)
		return;
	nl_begin(nl, RTM_DELNEIGH, 0, &nd, sizeof nd);
	nl_put(nl, NDA_DST, &addr, sizeof addr);
	nl_talk(nl, "forget the box's address", NULL);
}

int
net_detach(const char *id, const char *ip, struct bindu_err *err)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	char name[IFNAMSIZ];
	struct nl nl;
	int rc = 0;

	veth_name(id, name);
	ifi.ifi_index = (int)if_nametoindex(name);
	if (ifi.ifi_index == 0 && ip == NULL)
		return 0;
	if (nl_open(&nl, err) == -1)
		return -1;
	if (ifi.ifi_index != 0) {
		nl_begin(&nl, RTM_DELLINK, 0, &ifi, sizeof ifi);
		rc = nl_talk(&nl, "delete the box's network interface", err);
	}
	neighbour_drop(&nl, ip);
	nl_close(&nl);
	return rc == -1 && if_nametoindex(name) == 0 ? 0 : rc;
}
