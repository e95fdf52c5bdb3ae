/* discover_check.c - does what the agent needs ship?
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "discover_priv.h"
#include "tree.h"

enum { CHECK_MAX = 100, WARN_MAX = 5 };

/* Warn when a rule keeps the script, or a file of the tree it imports, from
 * being shipped. */
void
bindu_discover_check(const struct bindu_agent_info *info,
    const struct bindu_report *r)
{
	unsigned said = 0;
	size_t i;

	for (i = 0; i < info->modules.n && i < CHECK_MAX && said < WARN_MAX;
	     i++) {
		const char *path = info->modules.v[i];
		struct bindu_explain x;

		if (bindu_tree_explain(info->root, NULL, path, NULL, &x,
			NULL) == -1)
			continue;
		if (x.kind == BINDU_IGNORED || x.kind == BINDU_DENIED) {
			bindu_note(r, BINDU_WARN,
			    "%s, which the agent %s, would not ship (%s)%s",
			    path, i == 0 ? "is" : "imports", x.rule,
			    x.kind == BINDU_DENIED ?
				": give it another name" :
				": put it back with ! in .binduignore");
			said++;
		}
		bindu_explain_fini(&x);
	}
}
