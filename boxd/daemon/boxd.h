/* boxd.h - the daemon's one object and the boxes in it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_BOXD_H
#define BOXD_BOXD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ask.h"
#include "instance.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "loop.h"

#define BOX_NAME_MAX 63 /* a DNS label */
#define BOX_ROUTES_MAX 16
#define BOX_PORT_DEFAULT 8000 /* of the default route until it is set */

struct auth;
struct hub;
struct web;
struct rpc_server;
struct life;

struct boxd {
	struct rpc_server *rpc;
	struct loop *loop;
	struct hub *hub;
	struct auth *auth;
	struct web *web;
	char *state; /* STATE, absolute */
	int state_fd, boxes_fd; /* STATE, STATE/boxes */
	char *socket;
	uint16_t port; /* of the shared TCP listener */
	struct box *boxes; /* in order of creation */
	unsigned adopting; /* who has not answered yet: boxes, the hub */
	void (*adopted)(struct boxd *); /* all have; called once */
	struct loop_timer *second;
	int room_told; /* room.c: what it has warned of */
	struct loop_src *signals;
	int ready_fd;
};

void boxd_answered(struct boxd *); /* one of d->adopting */

struct box_route {
	char name[BOX_NAME_MAX + 1]; /* "" is the default route, always [0] */
	uint16_t port;
};

struct box {
	struct box *next;
	struct boxd *d;
	/* What box.json holds (store.c). */
	char *id, *name, *image, *restart_policy, *ip;
	char *reason; /* why it failed or ended; NULL */
	uint32_t vcpu;
	uint64_t memory_bytes, disk_bytes;
	struct bindu_strv env, cmd;
	json_t *labels;
	uint32_t auto_suspend_secs; /* 0: never */
	int64_t created_at;
	uint32_t boot_ms;
	struct box_route routes[BOX_ROUTES_MAX];
	size_t nroutes;
	uint16_t local_port; /* http://127.0.0.1:PORT */
	enum box_state state;
	enum box_want want;
	bool announced; /* a client knows it exists */
	bool no_room; /* suspended until there is some: room.c */
	/* What only this process knows. */
	struct life *life; /* the operation under way, or NULL */
	struct ask *watch;
	struct web_door *door; /* its own TCP listener */
	int64_t started_ms; /* monotonic; 0: before this daemon */
	int64_t routed_ms; /* when a route last changed */
	int64_t active_ms; /* last use, for auto-suspend */
	unsigned uses; /* execs and transfers open now */
};

/* box.c: the list. */
struct box *box_new(struct boxd *); /* id, ip, times; not in the list */
void box_free(struct box *);
void box_link(struct box *);
void box_unlink(struct box *);
bool box_hidden(const struct box *);
struct box *box_find(struct boxd *, const char *id_or_name);
/* The name that was meant, perhaps; NULL. */
const char *box_near(struct boxd *, const char *name);
bool box_name_ok(const char *);
char *box_name_make(struct boxd *);
char *box_dir(const struct box *);
char *box_monitor(const struct box *); /* path of its socket */
struct box_route *box_route(struct box *, const char *name);
int box_set_route(struct box *, const char *name, uint16_t port,
    struct bindu_err *);
char *box_url(const struct box *, const char *route);
void box_log(const struct box *, const char *, ...) /* to build.log */
    __attribute__((format(printf, 2, 3)));
/* Running, or an error that says what to do. */
int box_need_running(const struct box *, struct bindu_err *);
void box_use(struct box *, int change); /* +1, -1, 0: just now */

/* store.c: one directory a box, STATE/boxes/ID/box.json by rename. */
int store_save(const struct box *, struct bindu_err *);
int store_load_all(struct boxd *, struct bindu_err *);
int store_remove(const struct box *, struct bindu_err *);
#endif
