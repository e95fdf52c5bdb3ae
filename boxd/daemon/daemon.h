/* daemon.h - where an instance lives, and running it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_DAEMON_H
#define BOXD_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>
#include "lib/base/err.h"
#include "lib/base/json.h"

#define DAEMON_PORT 7373 /* or the next free one */

struct place {
	char *state; /* absolute */
	char *socket;
	int state_fd;
};

/* state and socket as given on the command line, or NULL: the settings'
 * (config.h).  Makes the directories, 0700. */
int place_open(struct place *, const char *state, const char *socket,
    struct bindu_err *);
void place_close(struct place *);
/* The pid of the daemon that holds this place, 0: none does. */
pid_t place_holder(const struct place *);
/* What the daemon wrote when it was ready; NULL: none is. */
json_t *place_facts(const struct place *);

/* Serve until SIGTERM or SIGINT.  listen: "ADDR:PORT" or NULL.  A newline is
 * written to ready_fd (-1: none) once clients are served, and in the same write
 * why no box can start, if so. */
int daemon_run(struct place *, const char *listen, int ready_fd,
    struct bindu_err *);
#endif
