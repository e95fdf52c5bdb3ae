/* image_priv.h - what the hub and the files of image share.
 *
 * On disk: STATE/images/NAME/ is a complete layer or not there; .lock in
 * images is held by whoever makes one; NAME.tmp is being made.  debian-SUITE
 * may be elsewhere (BINDU_IMAGE_DIR), shared by several states.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_IMAGE_PRIV_H
#define BOXD_IMAGE_PRIV_H

#include <stdbool.h>
#include "image.h"
#include "lib/base/json.h"

struct hub;

/* "host" or "debian:trixie", by what this machine has. */
const char *image_default(const struct hub *);
/* ["host","debian:trixie",...]: what a box can start from at once. */
json_t *image_list(const struct hub *);
/* Put "lower" (and "over") into start's image, variables into its env; the
 * host's image is made on the way. */
int image_resolve(struct hub *, json_t *start, struct bindu_err *);
/* Make the image unless it is there; progress events go to client. */
int
image_build(struct hub *, const json_t *image, int client, struct bindu_err *);

/* In a maker's process: SIGTERM ends a build, which then clears up; the other
 * layers are done in no time. */
void image_on_term(void);

/* Can boxes have the host's programs at all? */
int image_host_check(bool rootful, const char *images, struct bindu_err *);
/* The skeleton for them, made or found; caller frees.  NULL on error. */
char *image_host_layer(const struct hub *, struct bindu_err *);
/* The file system part of a start, done ahead: make the layers of this
 * moment, delete those of earlier ones.  For a process of its own, while no
 * box runs. */
void image_warm(struct hub *);
/* Index, proxy and CA settings of this machine as a layer; variables go into
 * start's env.  Caller frees; NULL on error. */
char *
image_settings_layer(const struct hub *, json_t *start, struct bindu_err *);
/* "debian-SUITE", checked; caller frees; NULL on error. */
char *image_debian_name(const char *suite, struct bindu_err *);
int image_debian_build(struct hub *, const char *suite, int client,
    struct bindu_err *);
#endif
