/* agent.h - the agent process inside a box: share/remote/agent.sh and
 * deps.sh, driven over one exec each.
 *
 * Layout in a box (HOME is the box user's):
 *   HOME/app            the live tree (a release's files and the agent's own)
 *   HOME/.bindu/        ours: state, logs, releases, environments
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_AGENT_H
#define BINDU_AGENT_H

#include "box.h"

#define BINDU_APP_DIR "app"		/* below the box user's home */
#define BINDU_AGENT_PORT 3773

struct bindu_agent_start {
	const char *script;		/* relative to the app directory */
	const char *python;		/* specifier, may be NULL */
	uint32_t port;
	const char *public_url;
	const struct bindu_strv *env;	/* KEY=VALUE, secrets too */
};
struct bindu_agent_status {
	bool running;
	int pid;
	int exit_code;			/* of the last one, -1: not known */
	int64_t started_at;
	char release[65];
	char log_tail[16384];		/* last lines, for a red result */
};

/* Install dependencies; output of the installer goes to the report as notes
 * (BINDU_INFO); unchanged: 0 and *skipped. */
int bindu_agent_deps(struct bindu_remote *, const char *box,
	const char *bindu_version, bool *skipped, const struct bindu_report *,
	struct bindu_err *);
int bindu_agent_start(struct bindu_remote *, const char *box,
	const struct bindu_agent_start *, struct bindu_agent_status *,
	struct bindu_err *);
int bindu_agent_stop(struct bindu_remote *, const char *box,
	struct bindu_err *);
int bindu_agent_status(struct bindu_remote *, const char *box,
	struct bindu_agent_status *, struct bindu_err *);
int bindu_agent_logs(struct bindu_remote *, const char *box, bool follow,
	unsigned last, int fd, struct bindu_err *);
#endif
