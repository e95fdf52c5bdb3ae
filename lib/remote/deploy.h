/* deploy.h - the whole chain in one process over one connection.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_DEPLOY_H
#define BINDU_DEPLOY_H

#include "agent.h"
#include "box.h"
#include "lib/source/discover.h"

enum bindu_on_exit { BINDU_EXIT_SUSPEND, BINDU_EXIT_DESTROY, BINDU_EXIT_DETACH };

struct bindu_deploy_opts {
	const char *dir, *script, *name, *image, *bindu_version;
	uint32_t vcpu;
	uint64_t memory_bytes, disk_bytes, max_size;
	bool has_auto_suspend;
	uint32_t auto_suspend_secs;
	enum bindu_on_exit on_exit;
	const struct bindu_strv *env;
	bool dry_run, run_discover;
	int64_t health_timeout_ms;
};
struct bindu_deployed {
	char *name, *vm_id, *url, *local_url;
	char release[65];
	bool unchanged;
};
int bindu_deploy(struct bindu_remote *, const struct bindu_deploy_opts *,
	const struct bindu_report *, struct bindu_deployed *,
	struct bindu_err *);
void bindu_deployed_fini(struct bindu_deployed *);
#endif
