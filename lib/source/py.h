/* py.h - what a Python script would pass to a function, without running it.
 *
 * A small abstract interpreter: it follows assignments, dicts, functions,
 * classes, conditions and the modules and JSON or TOML files of the tree, and
 * calls everything else unknown, with the reason.  It reads only beneath the
 * root given, never runs or imports anything, and stops at fixed limits of
 * steps, memory and depth whatever the text is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PY_H
#define BINDU_PY_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/err.h"

struct bindu_py;

/* What to look for: calls of callee, and there the strings at want[], each
 * like "config.deployment.url": the keyword's name (pos >= 0: also the pos-th
 * argument), then keys. */
enum { BINDU_PY_WANT_MAX = 4 };
struct bindu_py_query {
	const char *callee;
	int pos;
	const char *want[BINDU_PY_WANT_MAX];
};

enum bindu_py_known { BINDU_PY_MISSING, BINDU_PY_KNOWN, BINDU_PY_UNKNOWN };
struct bindu_py_answer {
	enum bindu_py_known known;
	const char *text; /* KNOWN: the string; UNKNOWN: why, a phrase */
	const char *env; /* the environment variable it comes from (its
				 * default there), or that decides; NULL: none */
};

/* One call.  Strings live as long as the py. */
struct bindu_py_call {
	const char *file; /* relative to the root */
	unsigned line;
	bool reached; /* running the script gets here; false: it
				 * stands in a function nothing was seen to
				 * call */
	struct bindu_py_answer answer[BINDU_PY_WANT_MAX];
};

/* Follow the script (relative to root, which rootfd is open on) as python3
 * would run it, looking for calls of a function named callee that is not
 * defined in the tree.  -1 when the script cannot be read. */
int bindu_py_follow(int rootfd, const char *root, const char *script,
    const struct bindu_py_query *, struct bindu_py **, struct bindu_err *);
size_t bindu_py_calls(const struct bindu_py *);
const struct bindu_py_call *bindu_py_call(const struct bindu_py *, size_t);
/* A limit was met: the text is too large or too deep to follow. */
bool bindu_py_gave_up(const struct bindu_py *);
/* The modules of the tree that were read, relative to the root: pass i from
 * 0 until NULL.  The script itself is the first. */
const char *bindu_py_module(const struct bindu_py *, size_t i);
void bindu_py_free(struct bindu_py *);
#endif
