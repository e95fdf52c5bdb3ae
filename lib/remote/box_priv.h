/* box_priv.h - what a client of one service provides to box.c and stream.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_BOX_PRIV_H
#define BINDU_BOX_PRIV_H

#include "box.h"

struct bindu_remote {
	const struct bindu_client *client;
	void *conn; /* the client's own */
	enum bindu_runtime runtime;
	int64_t timeout_ms; /* of one unary call */
	const struct bindu_report *report;
};

/* What an exec stream gave. */
enum bindu_frame_kind {
	BINDU_FRAME_OUT,
	BINDU_FRAME_ERR,
	BINDU_FRAME_EXIT,
	BINDU_FRAME_SENT,
	BINDU_FRAME_NOTHING
};
struct bindu_frame {
	enum bindu_frame_kind kind;
	const char *p; /* OUT, ERR: until the next recv */
	size_t n;
	int code; /* EXIT */
};
struct bindu_client_exec; /* each client defines its own */

struct bindu_client {
	void (*close)(struct bindu_remote *);
	/* Exactly one attempt; an outcome that is not known is looked up. */
	int (*create)(struct bindu_remote *, const struct bindu_box_config *,
	    struct bindu_box_info *, struct bindu_err *);
	int (*get)(struct bindu_remote *, const char *box,
	    struct bindu_box_info *, struct bindu_err *);
	int (*list)(struct bindu_remote *, struct bindu_box_info **, size_t *n,
	    struct bindu_err *);
	int (*act)(struct bindu_remote *, const char *box, enum bindu_box_verb,
	    struct bindu_err *);
	int (*set_port)(struct bindu_remote *, const char *box, uint32_t port,
	    struct bindu_err *);
	int (*set_auto_suspend)(struct bindu_remote *, const char *box,
	    uint32_t secs, struct bindu_err *);
	int (*logs)(struct bindu_remote *, const char *box, bool follow, int fd,
	    struct bindu_err *);

	/* cols 0: no tty. */
	struct bindu_client_exec *(*exec_open)(struct bindu_remote *,
	    const char *box, const char *line, bool tty, uint32_t cols,
	    uint32_t rows, struct bindu_err *);
	/* One at a time: SENT comes when it was taken. */
	void (*exec_send)(struct bindu_client_exec *, const void *, size_t);
	bool (*exec_sending)(const struct bindu_client_exec *);
	void (*exec_eof)(struct bindu_client_exec *);
	void (*exec_winsize)(struct bindu_client_exec *, uint32_t cols,
	    uint32_t rows);
	/* hold: give no output now.  -1: the stream broke. */
	int (*exec_recv)(struct bindu_client_exec *, int64_t timeout_ms,
	    bool hold, struct bindu_frame *, struct bindu_err *);
	/* May the command have begun? */
	bool (*exec_started)(const struct bindu_client_exec *);
	void (*exec_wakeable)(struct bindu_client_exec *);
	void (*exec_wake)(struct bindu_client_exec *); /* any thread */
	void (*exec_close)(struct bindu_client_exec *);
};

/* The boxd API, at an endpoint: the service's, or the local daemon's. */
int bindu_boxd_client_open(struct bindu_remote *, struct bindu_err *);

/* Sleep; -1 as bindu_tool_interrupted. */
int bindu_pause(int64_t ms, struct bindu_err *);
#endif
