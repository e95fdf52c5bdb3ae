/* discover.h - find the agent in a tree without running its code.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_DISCOVER_H
#define BINDU_DISCOVER_H

#include <stdbool.h>
#include "lib/base/err.h"
#include "lib/base/progress.h"
#include "lib/base/str.h"

struct bindu_agent_info {
	char *root;		/* absolute */
	char *script;		/* relative to root */
	char *name;		/* as written in the config */
	char *name_from;	/* "literal", "flag", "run" */
	struct bindu_strv deps;	/* relative to root, in order of use */
	char *python;		/* specifier asked for, "" if none */
	unsigned port;		/* 3773 unless the config says another */
	bool calls_bindufy;	/* false: a plain server script */
};

struct bindu_discover_opts {
	const char *script;	/* NULL: look for one */
	const char *name;	/* --name: overrides */
	bool run;		/* ask the script itself */
	int64_t run_timeout_ms;	/* 30000 */
};

int bindu_discover(const char *dir, const struct bindu_discover_opts *,
	const struct bindu_report *, struct bindu_agent_info *,
	struct bindu_err *);
void bindu_agent_info_fini(struct bindu_agent_info *);
#endif
