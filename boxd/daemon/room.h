/* room.h - room for boxes on the file system of the state.
 *
 * A box's disk is a sparse image there: the box is promised more than there
 * is, and a write that finds no room damages the file system in it.  So no box
 * is made or started below one bound, and below a lower one boxes with such
 * disks stand still until there is room again, as a virtual machine does whose
 * host is full: nothing they have written is lost.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_ROOM_H
#define BOXD_ROOM_H

#include "boxd.h"

/* IO with detail ENOSPC when verb may not be begun on any box. */
int room_check(const struct boxd *, enum box_verb, struct bindu_err *);
/* Every second: warn, and suspend what writes. */
void room_watch(struct boxd *);
#endif
