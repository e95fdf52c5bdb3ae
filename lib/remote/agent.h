/* agent.h - the agent process inside a box: share/remote/agent.sh and
 * deps.sh, driven over one exec each.
 *
 * Layout in a box (HOME is the box user's):
 *   HOME/app            the live tree (a release's files and the agent's own)
 *   HOME/.bindu/        ours: state, logs, releases, environments
 * held, everywhere: the caller has a session on the tree (transfer_session.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_AGENT_H
#define BINDU_AGENT_H

#include "box.h"

#define BINDU_APP_DIR "app" /* below the box user's home */
#define BINDU_AGENT_PORT 3773
/* A digest, and "+VERSION" where a bindu was asked for; with its NUL. */
#define BINDU_AGENT_KEY 132

struct bindu_agent_deps {
	const char *script; /* its header may name dependencies; may be NULL */
	const char *python; /* specifier, may be NULL or "" */
	const char
	    *bindu_version; /* NULL: any; "local": HOME/.bindu/src/bindu */
	bool held;
};
struct bindu_agent_env {
	bool skipped; /* nothing had to be done */
	char tool[16]; /* "uv", "pip", "none" */
	char python[256]; /* the interpreter in the box */
};

struct bindu_agent_start {
	const char *script; /* relative to the app directory */
	uint32_t port; /* the first that may be taken; 0: 3773 */
	const char *public_url;
	const struct bindu_strv *env; /* KEY=VALUE, secrets too; may be NULL */
	bool same; /* key, environment, and what is NULL or 0: as the live
		    * run was started */
	bool held;
};
struct bindu_agent_status {
	unsigned run; /* which one this is about; 0: none */
	char state[16]; /* none running restarting stopped exited lost */
	bool running;
	int pid; /* 0: not known */
	int exit_code; /* of the last one, -1: not known */
	int64_t started_at;
	unsigned restarts;
	uint32_t port; /* where it listens, or shall */
	bool healthy; /* confirmed */
	char release[65];
	char script[256];
	char key[BINDU_AGENT_KEY]; /* was the same asked for? */
	char boot[16]; /* who starts it after a reboot; "none": a deploy */
	uint32_t beside; /* the port of the live run that this is not, or 0 */
	bool others; /* runs that are neither live nor told to end */
	/* From ready only: */
	bool ready;
	char cause[200]; /* why not */
	uint32_t ignores; /* it was told this port and listens elsewhere; 0 */
	int64_t gap_ms; /* nobody served for so long before it did; or -1 */
	char log_tail[16384]; /* last lines, for a red result */
};

/* Install dependencies; output of the installer goes to the report as notes
 * (BINDU_INFO).  What the installer says last is in err. */
int bindu_agent_deps(struct bindu_remote *, const char *box,
    const struct bindu_agent_deps *, struct bindu_agent_env *,
    const struct bindu_report *, struct bindu_err *);
/* Wait in the box until it answers there.  0: st->ready is the answer. */
int bindu_agent_ready(struct bindu_remote *, const char *box, unsigned run,
    int64_t timeout_ms, struct bindu_agent_status *, struct bindu_err *);
/* It is the agent: restarted when it crashes and after a reboot; other runs
 * end with their connections, at the latest after grace_s. */
int bindu_agent_live(struct bindu_remote *, const char *box, unsigned run,
    unsigned grace_s, struct bindu_err *);
/* It will not be: end it.  The live run, if that is another, stays. */
int bindu_agent_drop(struct bindu_remote *, const char *box, unsigned run,
    struct bindu_err *);
int bindu_agent_stop(struct bindu_remote *, const char *box, unsigned grace_s,
    struct bindu_err *);
/* lines: of the log, 0: none. */
int bindu_agent_status(struct bindu_remote *, const char *box, unsigned lines,
    struct bindu_agent_status *, struct bindu_err *);
/* The same, its log without the requests for path and /health, which were our
 * own. */
int bindu_agent_words(struct bindu_remote *, const char *box, unsigned lines,
    const char *path, struct bindu_agent_status *, struct bindu_err *);
/* The log to fd; follow: until a signal or the box ends. */
int bindu_agent_logs(struct bindu_remote *, const char *box, bool follow,
    unsigned last, int fd, struct bindu_err *);

/* Notice the end of the process that runs now, without asking again and
 * again. */
struct bindu_agent_watch;
struct bindu_agent_watch *
bindu_agent_watch(struct bindu_remote *, const char *box, struct bindu_err *);
bool bindu_agent_watch_ended(struct bindu_agent_watch *);
void bindu_agent_watch_free(struct bindu_agent_watch *);
#endif
