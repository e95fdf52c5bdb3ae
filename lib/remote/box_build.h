/* box_build.h - tell whoever waits for a box what its image's build does.
 *
 * The local runtime makes an image on its first use, which takes minutes; the
 * box is "starting" meanwhile and its log (StreamLogs) says how far it is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_BOX_BUILD_H
#define BINDU_BOX_BUILD_H

#include "box.h"

struct bindu_box_build {
	size_t told; /* bytes of the log */
	int64_t began; /* 0: none was seen */
};

/* What is new in the log, as notes and as progress of the phase "image". */
void bindu_box_build_tell(struct bindu_remote *, const char *box,
    struct bindu_box_build *);
/* The wait is over: the phase, if there was one. */
void bindu_box_build_end(struct bindu_remote *, const struct bindu_box_build *,
    bool built);
#endif
