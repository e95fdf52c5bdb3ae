/* image.h - the images a box can be made of.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_DAEMON_IMAGE_H
#define BOXD_DAEMON_IMAGE_H

#include <stdbool.h>
#include "boxd.h"

/* The image this machine gives when none is named; borrowed. */
const char *image_default(const struct boxd *);
/* ref, the default for "" and for the published clients' own default
 * ("ubuntu:latest"), or NULL and DATA with what there is. */
const char *
image_choose(const struct boxd *, const char *ref, struct bindu_err *);
json_t *image_json(const char *ref); /* as the hub wants it */
bool image_is_built(const char *ref); /* made here, on first use */
#endif
