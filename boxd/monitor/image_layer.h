/* image_layer.h - directories that boxes are stacked on, made in one step.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_IMAGE_LAYER_H
#define BOXD_IMAGE_LAYER_H

#include <stdint.h>
#include <sys/types.h>
#include "lib/base/err.h"

#define BOXD_UID 1000

typedef int layer_make_fn(int dirfd, void *ctx, struct bindu_err *);

/* IMAGES/NAME, complete: found, or made by fn in NAME.tmp under the lock of
 * images and renamed.  Caller frees; NULL on error, nothing left. */
char *layer_get(const char *images, const char *name, layer_make_fn *,
    void *ctx, struct bindu_err *);
/* Delete the NAME.tmp that killed makers left, unless someone makes now. */
void layer_clean(const char *images);
/* Directory and file below to with exactly this mode and owner (uid and gid
 * alike); parents exist. */
int layer_dir(int to, const char *path, mode_t, uid_t, struct bindu_err *);
int layer_file(int to, const char *path, mode_t, uid_t, const char *text,
    struct bindu_err *);
/* etc/passwd, group, shadow, gshadow, sudoers: root, the host's system ids
 * (so that files of packages keep their names) and boxd. */
int layer_accounts(int to, struct bindu_err *);
/* Mix what layer_accounts would write into a hash. */
int layer_accounts_hash(uint64_t *, struct bindu_err *);
#endif
