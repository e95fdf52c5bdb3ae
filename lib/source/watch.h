/* watch.h - wait until what ships of a tree changes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_WATCH_H
#define BINDU_WATCH_H

#include <stdint.h>
#include "lib/base/err.h"
#include "lib/base/progress.h"

struct bindu_watch_opts {
	const char *manifest; /* what is known already: its bytes; NULL: what
				 * the tree is now */
	size_t manifest_len;
	int64_t settle_ms; /* quiet for so long before it is looked at */
	int64_t timeout_ms; /* -1: none */
	int wake_fd; /* readable: give up; -1: none */
};

/* 0: the tree's manifest is another one; 1: time ran out, or wake_fd.  Needs
 * no polling: the kernel tells (inotify).  A tree that cannot be read (a file
 * vanished meanwhile) counts as one that still changes. */
int bindu_watch(const char *root, const struct bindu_watch_opts *,
    const struct bindu_report *, struct bindu_err *);
#endif
