/* mount.h - a box's root file system: layers, its own files, seeds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_MOUNT_H
#define BOXD_MOUNT_H

#include "lib/base/err.h"
#include "lib/base/json.h"
#include "monitor.h"

/* Mounts of other boxes: a hub that was started again lives in a copy of the
 * mount namespace of some box, and its children get it from there. */
void mount_forget(const struct monitor_env *);

/* Is boxd-init there, for the root of a box of rootful's, who is another user? */
int mount_check_init(const char *path, bool rootful, struct bindu_err *);
/* The state directory is closed to the box's ids, and crun works with them: a
 * small file system over a directory that anyone may pass, seen by nobody
 * else, holds root/ and init (boxd-init).  A constant string, or NULL. */
const char *
mount_stage(const struct monitor_env *, const char *dir, struct bindu_err *);
/* Mount STAGE/root from the start request's image over DIR/disk (disk.h).
 * Works in the calling process's mount namespace with DIR as its working
 * directory. */
int mount_root(const struct monitor_env *, const json_t *start,
    const char *stage, struct bindu_err *);
/* Forget the stage and all below it. */
void mount_undo(const char *stage);

/* Before the mount: an empty /tmp and /etc/hosts, hostname and resolv.conf in
 * upper.  What the
 * box made of them is kept when it still names the box. */
int mount_seed(const json_t *start, bool network, struct bindu_err *);
#endif
