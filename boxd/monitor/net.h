/* net.h - the hub's network: bridge, rules, relay; one veth a box.
 *
 * Box: eth0 10.88.x.y/16, gateway 10.88.0.1, DNS 10.0.2.3.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_NET_H
#define BOXD_NET_H

#include <sys/types.h>
#include "lib/base/err.h"

#define NET_DNS "10.0.2.3"

/* Called by a monitor in the hub's network namespace: give the network
 * namespace of init_pid its eth0 with this address.  The calling process is
 * single-threaded and is back in its own namespace afterwards. */
int
net_attach(pid_t init_pid, const char *ip, const char *id, struct bindu_err *);
/* The veth of a box that is gone and the hub's entry of its address (NULL:
 * not known); fine when there are none. */
int net_detach(const char *id, const char *ip, struct bindu_err *);
#endif
