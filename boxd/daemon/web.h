/* web.h - connections: the shared port, the unix socket, a box's own port.
 *
 * The first bytes decide: the HTTP/2 preface goes to gRPC, anything else is
 * HTTP/1.1, which is the key exchange or, when the Host names a box
 * (NAME.localhost, ROUTE.NAME.localhost), is handed into that box.  Each
 * request of a connection finds its own way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_WEB_H
#define BOXD_WEB_H

#include "boxd.h"

/* Listen on the socket and on addr:port (port 0: any; d->port gets it).
 * Nothing is accepted before web_open(). */
struct web *web_new(struct boxd *, const char *addr, uint16_t port, bool next,
    struct bindu_err *);
void web_open(struct web *);
void web_free(struct web *);

/* A route of the box leads elsewhere now: connections that are not in use are
 * not used again; those in use end as they began. */
void web_route_changed(struct box *);

/* The box's own 127.0.0.1 port: the one it had, else a free one. */
int web_open_door(struct box *, struct bindu_err *);
void web_close_door(struct box *);
#endif
