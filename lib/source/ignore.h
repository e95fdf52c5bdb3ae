/* ignore.h - git's ignore rules, and ours stacked on them.
 *
 * Source of every rule: gitignore(5) and packaging.md 1; stacking, highest
 * first: the deny list of secret names (scrub_names), .binduignore,
 * .gitignore, $GIT_DIR/info/exclude, core.excludesFile, built-in defaults.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_IGNORE_H
#define BINDU_IGNORE_H

#include <stdbool.h>
#include "lib/base/err.h"

struct bindu_ignore;			/* the rules of one walk */

struct bindu_verdict {
	bool ignored;
	/* The rule that decided; source NULL: no rule matched. */
	const char *source;	/* ".gitignore", "sub/.gitignore", "(default)" */
	unsigned line;
	const char *pattern;	/* as written, borrowed from the rules */
};
#endif
