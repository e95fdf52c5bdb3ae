/* hub.h - one hub a state directory: namespaces, network, images, requests.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_HUB_H
#define BOXD_HUB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "abilities.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "net_priv.h"

#define HUB_MAKERS 16
#define HUB_CLIENTS 64

struct hub_client {
	int fd; /* -1: free */
	int64_t deadline;
};

struct hub {
	char *state; /* absolute */
	char *images; /* STATE/images: layers of this hub */
	char *debians; /* BINDU_IMAGE_DIR, else as images */
	char tag[9]; /* hash of state */
	bool rootful;
	char *crun, *init, *nft; /* nft: NULL when not installed */
	int lock, sock, sig;
	int outside; /* outside.h */
	int alive; /* the relay lives while anyone holds this */
	int64_t relay_began; /* 0: it was there before us */
	int64_t relay_due; /* to be started again; INT64_MAX: no need */
	int relay_falls; /* short lives in a row */
	struct net_hosts hosts;
	struct abilities can;
	pid_t makers[HUB_MAKERS]; /* of images; 0: free */
	pid_t outside_pid;
	unsigned children; /* without that one */
	struct hub_client clients[HUB_CLIENTS];
	int daemon; /* who attends; see wire.h */
	bool leaving; /* nobody does any more */
};

/* Serve STATE until told to stop; ready_fd (-1: none) gets a newline once
 * the socket answers; attend_fd (-1: none) is readable when the daemon that
 * started us is gone, and counts until one attends. */
int hub_run(const char *state, int ready_fd, int attend_fd, struct bindu_err *);

/* hub_ops.c: answer one request.  Takes client over; 1 when the hub is to
 * end. */
int hub_answer(struct hub *, const json_t *request, int client);
/* hub_ops.c, in a process of its own: clear what killed makers of images left
 * and, when no box runs, make this moment's layers. */
void hub_warm(struct hub *, bool joined);
/* hub_ops.c: end those who make images; nothing half made is left. */
void hub_end_makers(struct hub *);
/* hub_ops.c, in a process of its own: end what a monitor that failed or was
 * killed may have left. */
void hub_bury(struct hub *);
/* userns.c: put this process where boxes live: its mount and network
 * namespace and, not as root, its user namespace; those of a live box's
 * monitor when there is one (*joined). */
int hub_enter(struct hub *, bool *joined, struct bindu_err *);
/* A box runs, perhaps under a monitor that another hub made. */
bool hub_has_boxes(const struct hub *);
/* hub_net.c: bridge, rules and relay, or why not in can.network. */
void hub_network(struct hub *, bool joined);
/* The relay ended: start it again now or a little later (relay_due), or give
 * up. */
void hub_relay_lost(struct hub *);
void hub_relay_again(struct hub *);
/* A program in PATH or the sbin directories; caller frees; NULL if absent. */
char *hub_program(const char *name);
#endif
