/* message.h - where one HTTP/1.1 message ends, told from its bytes as they
 * pass (RFC 9112, 6 and 7).  Nothing is kept but a line.
 *
 * A request that could be read in two ways is BAD: what comes after it might
 * be taken for another.  A response that cannot be read lasts until its
 * connection closes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_MESSAGE_H
#define BOXD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum message_state {
	MESSAGE_START, /* its first line */
	MESSAGE_FIELDS,
	MESSAGE_SIZED, /* `left` more bytes */
	MESSAGE_CHUNK, /* the line before a chunk */
	MESSAGE_DATA, /* a chunk and its line end: `left` more bytes */
	MESSAGE_TRAILER,
	MESSAGE_TO_EOF,
	MESSAGE_TUNNEL, /* 101: the connection is no HTTP any more */
	MESSAGE_DONE,
	MESSAGE_BAD,
};

struct message {
	enum message_state state;
	bool request;
	bool bare; /* a response to HEAD: no body whatever it says */
	bool close; /* the connection ends with it */
	bool head; /* of a request: it is HEAD */
	bool again; /* of a request: GET or HEAD without a body, harmless to
		     * send twice */
	bool any; /* at least a byte came */
	int status;
	/* private */
	bool chunked, odd, sized, old;
	uint64_t left;
	size_t n;
	char line[512];
};

void message_init(struct message *, bool request);
/* How many of the n bytes belong to it; the rest comes after it. */
size_t message_feed(struct message *, const char *, size_t n);
/* May its connection close now without anything being lost? */
bool message_may_end(const struct message *);
#endif
