/* web_priv.h - one connection, shared by web.c, http.c and proxy.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_WEB_PRIV_H
#define BOXD_WEB_PRIV_H

#include <sys/types.h>
#include "lib/base/buf.h"
#include "web.h"

#define HEAD_MAX (32 << 10)

/* Bytes read from one side and not yet taken by the other. */
struct pending {
	char *p;
	size_t off, len;
};

struct conn {
	struct conn *next, *prev;
	struct web *web;
	struct boxd *d;
	bool trusted; /* the unix socket's owner */
	char *box_id; /* came by this box's own port, or its proxy */
	int fd[2]; /* the client, the box (-1 before) */
	struct loop_src *src[2];
	struct loop_timer *timer;
	struct ask *ask; /* asks the monitor for the box's side */
	struct bindu_buf head; /* what the client sent until it is routed */
	uint16_t port; /* in the box */
	struct pending pending[2]; /* [i]: came from side i */
	bool eof[2];
	int64_t used_ms; /* when the box was last marked as used */
};

struct conn *conn_new(struct web *, int fd, bool trusted, const char *box_id);
void conn_close(struct conn *);
void conn_deadline(struct conn *, int64_t ms); /* then it is closed */

/* http.c: the first bytes are no HTTP/2. */
void http_begin(struct conn *);
/* Answer and close.  extra: more header lines, each with CRLF, or "". */
void http_reply(struct conn *, int status, const char *type, const char *extra,
    const char *body);
/* The value of a header in the head, copied; NULL when absent or doubled. */
char *http_header(const struct conn *, const char *name);

/* proxy.c: hand the request in head to this box's route. */
void proxy_begin(struct conn *, struct box *, const char *route);
#endif
