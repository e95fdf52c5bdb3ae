/* image.h - where boxes' files come from.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_IMAGE_H
#define BOXD_IMAGE_H

#include <sys/types.h>
#include "lib/base/err.h"

/* Mount at target (an existing directory) a read-only view of the host
 * directory src for one box: host ids 0..65535 appear as base..base+65535,
 * and the kernel refuses every file and directory the world may not read, to
 * the box's root as well.  userns_fd: a user namespace that maps 0 to base
 * (the one used for the box's other layers).  The view serves as the lower of
 * an overlay; it goes away with umount2(target, MNT_DETACH). */
int image_view_mount(const char *src, const char *target, int userns_fd,
    struct bindu_err *);
/* First contents of the (empty, else untouched) upper of that overlay: files
 * that programs in the box have to write although the host's own are not for
 * the world. */
int image_view_seed(const char *src, const char *upper, struct bindu_err *);
#endif
