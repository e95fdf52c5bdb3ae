/* disk.h - where a box's own files are: DIR/disk/{upper,work}.
 *
 * With a limit they lie in DIR/disk.img, a sparse ext4 file system of that
 * size mounted at DIR/disk; else DIR/disk is a plain directory.  Which of the
 * two was decided when the box was made stays.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_DISK_H
#define BOXD_DISK_H

#include <stdint.h>
#include "lib/base/err.h"

/* bytes 0: no limit.  dir is the box's, absolute. */
int disk_open(const char *dir, uint64_t bytes, struct bindu_err *);
void disk_close(const char *dir);
#endif
