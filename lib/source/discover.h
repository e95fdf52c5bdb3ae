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
	char *root; /* absolute */
	char *script; /* relative to root */
	char *name; /* as written in the config */
	char *name_from; /* "literal", "flag", "run" */
	char *box; /* the name as a label: what its box is called */
	struct bindu_strv deps; /* relative to root, in order of use */
	char *python; /* specifier asked for, "" if none */
	unsigned port; /* 3773 unless the config says another */
	bool calls_bindufy; /* false: a plain server script */
	struct bindu_strv modules; /* the tree's files that running the
				 * script reads, itself first; not all of
				 * them when it imports by computed names */
};

struct bindu_discover_opts {
	const char *script; /* NULL: look for one */
	const char *name; /* --name: overrides */
	bool run; /* ask the script itself */
	int64_t run_timeout_ms; /* 30000 */
};

/* The nearest directory from the script's upward with pyproject.toml,
 * setup.py, requirements.txt or .git; never a home directory or /.  Without
 * a script the tree below dir is searched: the one that stands out is taken
 * and named with the others in a note; when none does, the error lists them.
 * Errors: NOINPUT no such script, DATA no agent in it or a name that cannot
 * be known, CONFIG no safe root. */
int bindu_discover(const char *dir, const struct bindu_discover_opts *,
    const struct bindu_report *, struct bindu_agent_info *, struct bindu_err *);
void bindu_agent_info_fini(struct bindu_agent_info *);
#endif
