/* abilities.h - what this machine and user can do for boxes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_ABILITIES_H
#define BOXD_ABILITIES_H

#include <stdbool.h>
#include "lib/base/json.h"

struct hub;

/* What an ordinary user's boxes cannot, and the cure. */
#define NO_SUSPEND \
	"suspend needs root (no cgroup freezer); use the tools with sudo"

struct ability {
	bool ok;
	char why[400]; /* when not: the reason and the cure */
};

struct abilities {
	struct ability boxes, limits, pause, network, disk;
	struct ability host_image, debian_image;
};

/* Fill in all but network. */
void abilities_probe(struct hub *);
void ability_no(struct ability *, const char *why, ...)
    __attribute__((format(printf, 2, 3)));
/* {"limits":bool,...,"why":{...}} */
json_t *abilities_json(const struct abilities *);
#endif
