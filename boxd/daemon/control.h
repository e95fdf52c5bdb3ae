/* control.h - the verbs that look at or steer an instance from outside.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_CONTROL_H
#define BOXD_CONTROL_H

#include "daemon.h"

/* Start in the background and wait until it serves; fine when it does. */
int control_start(const struct place *, const char *listen, struct bindu_err *);
int control_stop(const struct place *, struct bindu_err *);
/* {"running","pid","socket","address","state","boxes":[...],"images":[...]} */
json_t *control_status(const struct place *);
json_t *control_images(const struct place *);
/* The hub's words on this machine, from the running hub or one started for it;
 * {"rootful","abilities":{...},"default_image"}. */
json_t *control_doctor(const struct place *, struct bindu_err *);
#endif
