/* monitor.h - one process a box: what the hub hands over, what it may call.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_MONITOR_H
#define BOXD_MONITOR_H

#include <stdbool.h>
#include <sys/types.h>
#include "lib/base/err.h"
#include "lib/base/json.h"

struct monitor_env {
	bool rootful; /* false: inside the outer user namespace */
	const char *state; /* STATE, absolute */
	const char *tag; /* of this STATE, [0-9a-f]{8}: names cgroups */
	const char *init_path; /* boxd-init, absolute */
	const char *crun; /* absolute */
	uid_t uid_base; /* rootful: first host id of this box's 65536 */
	int userns; /* rootful: with these ids (ids.h); else -1 */
	bool limits, pause, network, disk; /* what works here */
};

/* The whole life of one box, in a process the hub forked for it: mount, start,
 * send the answer of the start request on reply_sock (owned), serve
 * STATE/boxes/ID/monitor.sock until the box is gone.  Returns the process's
 * exit status.  start is validated JSON from the daemon, not yet by field.
 * The process is a session leader, SIGCHLD at its default, nothing blocked;
 * every other inherited descriptor but env's is harmless and must be left
 * open (one of them keeps the network alive while a box needs it). */
int
monitor_run(const struct monitor_env *, const json_t *start, int reply_sock);

/* Delete all a stopped (or killed) box left: processes in its cgroups, crun's
 * state, mounts below dir in this namespace, cgroups, its interface and
 * address (ip may be NULL), dir itself.  Runs in a process of its own.  Fine
 * when nothing is there. */
int monitor_remove(const struct monitor_env *, const char *id, const char *dir,
    const char *ip, struct bindu_err *);
#endif
