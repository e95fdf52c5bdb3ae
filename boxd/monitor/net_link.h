/* net_link.h - rtnetlink messages, one at a time, each acknowledged.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_NET_LINK_H
#define BOXD_NET_LINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/err.h"

struct nl {
	int fd;
	uint32_t seq;
	union {
		struct nlmsghdr head;
		char bytes[2048];
	} m;
};

/* A socket in the network namespace the caller is in now. */
int nl_open(struct nl *, struct bindu_err *);
void nl_close(struct nl *);
/* Start a message: the fixed part of its family follows the header. */
void nl_begin(struct nl *, uint16_t type, uint16_t flags, const void *fixed,
    size_t n);
/* Attributes.  All we send fits by far; one that would not is a bug and
 * ends the process. */
void nl_put(struct nl *, uint16_t type, const void *, size_t);
void nl_put_u8(struct nl *, uint16_t type, uint8_t);
void nl_put_u32(struct nl *, uint16_t type, uint32_t);
void nl_put_str(struct nl *, uint16_t type, const char *);
/* A nested attribute: nl_end closes the one that nl_nest returned. */
size_t nl_nest(struct nl *, uint16_t type);
void nl_end(struct nl *, size_t nest);
/* Bytes without an attribute header (the ifinfomsg of VETH_INFO_PEER). */
void nl_raw(struct nl *, const void *, size_t);
/* Send it and wait for the kernel's answer: 0, or -1 with errno in err.detail
 * ("cannot WHAT: ..."). */
int nl_talk(struct nl *, const char *what, struct bindu_err *);
#endif
