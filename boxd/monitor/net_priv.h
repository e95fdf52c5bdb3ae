/* net_priv.h - what the hub and the files of net share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_NET_PRIV_H
#define BOXD_NET_PRIV_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include "lib/base/err.h"

#define NET_BRIDGE "br0"
#define NET_GATEWAY "10.88.0.1"
#define NET_PREFIX 16
#define NET_TAP "tap0"
#define NET_HOSTS_MAX 256

/* 10.88.0.0/16 without the gateway, the network and the broadcast address. */
bool net_is_box_address(struct in_addr);
/* 0..65535, different for any two addresses of boxes. */
unsigned net_index(struct in_addr);

/* The addresses of the machine itself, which boxes may not reach: watched
 * through sockets that stay in the network namespace they were opened in. */
struct net_hosts {
	int events; /* readable: something changed */
	int dump;
	struct in_addr v[NET_HOSTS_MAX];
	size_t n;
};
int net_hosts_open(struct net_hosts *, struct bindu_err *);
void net_hosts_close(struct net_hosts *);
/* Drain events and read the list again. */
int net_hosts_read(struct net_hosts *, struct bindu_err *);

/* In the hub's network namespace: bridge, forwarding, rules. */
int net_make(const char *nft, const struct net_hosts *, struct bindu_err *);
/* The rules alone, replaced in one step. */
int net_rules(const char *nft, const struct net_hosts *, struct bindu_err *);
#endif
