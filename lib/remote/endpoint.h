/* endpoint.h - where a boxd server is and whether we may talk to it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_ENDPOINT_H
#define BINDU_ENDPOINT_H

#include <stdbool.h>
#include "lib/base/err.h"

/* After "the name cannot be resolved". */
#define BINDU_DNS_CURE \
	"check how it is spelled, and the network and DNS of this machine"

struct bindu_endpoint {
	char *unix_path; /* a socket; all others are then NULL */
	char *host; /* as the user wrote it, brackets off */
	char *port;
	char *address; /* plaintext: the numeric loopback address that
				 * the check accepted and that is dialled */
	bool tls;
	bool upgraded; /* http:// was turned into https:// */
};
#define AUTO_ENDPOINT __attribute__((cleanup(bindu_endpoint_fini)))

/* Parse "https://H:P", "http://H:P", "unix:/path" or "H:P" (TLS, except
 * localhost and 127.*).  Plaintext to an address that is not this machine's
 * loopback is BINDU_E_CONFIG, found by resolving before any packet is sent;
 * the old default http://boxd.sh:9443 is upgraded. */
int bindu_endpoint_parse(const char *url, struct bindu_endpoint *,
    struct bindu_err *);
/* BOXD_BASE_URL, else BOXD_API_URL, else the default. */
const char *bindu_endpoint_url(void);
/* Where an API key is exchanged: BOXD_EXCHANGE_URL, else derived.  A key goes
 * over TLS or to loopback only.  Caller frees. */
char *
bindu_endpoint_exchange(const struct bindu_endpoint *, struct bindu_err *);
void bindu_endpoint_fini(struct bindu_endpoint *);
#endif
