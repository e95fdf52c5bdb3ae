/* monitor_priv.h - what the files of one box's monitor share.
 *
 * The monitor is one thread around epoll.  Nothing in it blocks for longer
 * than a crun call at start and the freezer's turn; timers are deadlines
 * that the loop looks at.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_MONITOR_PRIV_H
#define BOXD_MONITOR_PRIV_H

#include <stdbool.h>
#include <linux/filter.h>
#include <stdint.h>
#include <sys/types.h>
#include "boxd/wire.h"
#include "cgroup.h"
#include "monitor.h"

struct monitor;
struct conn;
struct exec;

/* A descriptor in the loop; fn runs for one event at a time. */
struct watch {
	int fd;
	void (*fn)(struct monitor *, struct watch *);
};

struct monitor {
	const struct monitor_env *env;
	const char *id, *name, *dir; /* of the start request */
	int dirfd, lock; /* lock: see hold.h */
	struct cgroup cg; /* the box's; empty when not rootful */
	pid_t init; /* 0: none, or reaped */
	int init_pidfd;
	int init_stdin; /* its closing tells init we are gone */
	int home_pidns, home_netns; /* the monitor's own */
	int64_t started_at;
	bool suspended;
	bool disk; /* what is to be undone */
	const char *ip; /* likewise; NULL: no network */
	const char *stage; /* likewise; see mount.h */
	int epfd;
	struct watch signals, listener, console;
	int console_log;
	off_t console_len;
	struct conn *conns;
	struct exec *execs;
	unsigned exec_serial, nexecs, nconns;
	struct sock_fprog filter; /* of execs */
	json_t *box_env; /* of the start request */
	/* How it ends. */
	bool stopping; /* somebody asked for it */
	int64_t kill_at; /* then: deadline of the grace */
	bool ended;
	int end_code;
	const char *end_reason;
};

/* One connection, one request. */
struct conn {
	struct watch w;
	struct conn *next;
	struct exec *exec; /* exec, put, get: its process */
	bool watching, stopping; /* op watch, op stop: told the end */
	bool asked; /* its request has come */
	bool dead; /* freed after the event */
	/* op connect that has not been answered yet */
	struct watch dial;
	int64_t dial_until;
	uint16_t dial_port;
	bool dial_v6;
};

/* monitor_loop.c */
int loop_open(struct monitor *, struct bindu_err *);
void loop_run(struct monitor *); /* until ended */
void loop_close(struct monitor *);
void loop_reap(struct monitor *); /* children that ended */
int loop_add(struct monitor *, struct watch *, bool out, struct bindu_err *);
void loop_del(struct monitor *, struct watch *); /* closes fd too */
void conn_send(struct conn *, json_t *, const int *fds, int nfds);
void conn_fail(struct conn *, const struct bindu_err *);
void conn_drop(struct monitor *, struct conn *);

/* monitor_ops.c */
void ops_dispatch(struct monitor *, struct conn *, const json_t *request);
void ops_stop(struct monitor *, int64_t grace_ms);
int ops_tick(struct monitor *); /* ms to the next deadline, or -1 */
#endif
