/* web_priv.h - one connection, shared by web.c, http.c and proxy.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_WEB_PRIV_H
#define BOXD_WEB_PRIV_H

#include <sys/types.h>
#include "lib/base/buf.h"
#include "message.h"
#include "web.h"

#define HEAD_MAX (32 << 10)
#define FIRST_MS 10000 /* for the whole head of a request */

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
	char *door; /* the id of the box by whose own port it came, or NULL */
	int fd[2]; /* the client, the box (-1: none) */
	struct loop_src *src[2];
	struct loop_timer *timer;
	struct bindu_buf head; /* what the client sent and nobody took */
	/* A request that is handed into a box: */
	char *box_id;
	char route[BOX_NAME_MAX + 1];
	uint16_t port; /* of fd[1], or being connected to */
	struct ask *ask; /* asks the monitor for the box's side */
	struct message req, res;
	size_t taken; /* of head: the request under way */
	bool reused; /* fd[1] served a request before */
	bool idle; /* between two requests */
	struct pending pending[2]; /* [i]: came from side i */
	bool eof[2];
	bool deaf; /* the box takes no more of the request */
	int64_t used_ms; /* when the box was last marked as used */
};

void conn_close(struct conn *);
void conn_deadline(struct conn *, int64_t ms); /* then it is closed */
bool web_crowded(const struct web *); /* no more ways into boxes now */

/* http.c: wait for a request, or take the one that is in head already. */
void http_begin(struct conn *);
/* Send what is pending to the client, then close. */
void http_bye(struct conn *);
/* Answer and close.  extra: more header lines, each with CRLF, or "". */
void http_reply(struct conn *, int status, const char *type, const char *extra,
    const char *body);
/* The value of a header in the head, copied; NULL when absent or doubled. */
char *http_header(const struct conn *, const char *name);

/* proxy.c: hand the request in head to this box's route. */
void proxy_begin(struct conn *, struct box *, const char *route);
/* No byte of an answer came and the way in may lead elsewhere now: once more,
 * when that cannot do harm. */
bool proxy_again(struct conn *);
/* Leave the box's side. */
void proxy_hang_up(struct conn *);

/* relay.c: both sides are there: the request in head, its answer. */
void relay_begin(struct conn *);
#endif
