/* walk_link.h - does a symbolic link stay inside its tree?
 *
 * Internal to the walk.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_WALK_LINK_H
#define BINDU_WALK_LINK_H

#include "tree.h"

/* Check every link of a sorted tree.  One that is absolute, climbs above the
 * root or climbs back through another link is BINDU_E_DATA. */
int bindu_walk_check_links(const struct bindu_tree *, struct bindu_err *);
#endif
