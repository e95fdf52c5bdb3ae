/* deploy.h - the whole chain in one process over one connection.
 *
 * plan: discover, load, scrub, hash, measure; nothing leaves the machine.
 * run: box, upload, deps, start, health; on failure the way back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_DEPLOY_H
#define BINDU_DEPLOY_H

#include "agent_serve.h"
#include "box.h"
#include "lib/source/discover.h"
#include "lib/source/scrub.h"
#include "lib/source/tree.h"

enum bindu_on_exit {
	BINDU_EXIT_SUSPEND,
	BINDU_EXIT_DESTROY,
	BINDU_EXIT_DETACH
};

struct bindu_deploy_opts {
	const char *runtime, *dir, *script, *name, *image, *bindu_version;
	uint32_t vcpu; /* 0: not asked, as the sizes */
	uint64_t memory_bytes, disk_bytes;
	uint64_t max_size; /* of the compressed source; 0: no limit */
	bool has_auto_suspend;
	uint32_t auto_suspend_secs;
	enum bindu_on_exit on_exit; /* when it fails or is interrupted */
	const struct bindu_strv *env; /* KEY=VALUE */
	uint32_t port; /* 0: as the agent's source says */
	bool run_discover;
	bool plan_only; /* measure also what must fit; drops are listed later */
	int64_t health_timeout_ms;
	uint32_t keep; /* releases; 0: 5 */
};

/* Before anything is read or run: BINDU_E_USAGE when an option of
 * bindu-deploy has a value that makes no sense. */
int bindu_deploy_check(const struct bindu_deploy_opts *, struct bindu_err *);

/* What would be deployed. */
struct bindu_plan {
	struct bindu_agent_info agent;
	struct bindu_tree *tree; /* NULL with an image: no source ships */
	struct bindu_tree *bindu; /* its source, when its version is local */
	struct bindu_scrub_report scrub;
	char *label; /* the box's name */
	uint32_t port;
	uint64_t packed_bytes; /* 0: not measured */
};
/* Secrets in content are BINDU_E_NO; the plan is filled as far as it went
 * and must be freed also then. */
int bindu_deploy_plan(const struct bindu_deploy_opts *,
    const struct bindu_report *, struct bindu_plan *, struct bindu_err *);
void bindu_plan_fini(struct bindu_plan *);

struct bindu_deployed {
	struct bindu_remote *remote; /* open until _fini */
	char *name, *vm_id, *url, *local_url;
	char release[65];
	bool created; /* the box is new */
	bool unchanged; /* nothing was sent and nothing restarted */
	bool rolled_back; /* it failed, the release before serves again */
	struct bindu_agent_served served; /* how its health was proven */
};
/* On failure on_exit was applied (within 5 s), unless the old release serves
 * again. */
int bindu_deploy(const struct bindu_deploy_opts *, struct bindu_plan *,
    const struct bindu_report *, struct bindu_deployed *, struct bindu_err *);
/* The agent's log to fd until the box is gone or a signal
 * (BINDU_E_SIGNAL). */
int
bindu_deploy_attach(const struct bindu_deployed *, int fd, struct bindu_err *);
/* Suspend or destroy the box, or leave it. */
int bindu_deploy_leave(const struct bindu_deployed *, enum bindu_on_exit,
    const struct bindu_report *, struct bindu_err *);
void bindu_deployed_fini(struct bindu_deployed *);
#endif
