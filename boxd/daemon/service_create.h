/* service_create.h - a CreateVm request made into a box.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_SERVICE_CREATE_H
#define BOXD_SERVICE_CREATE_H

#include "service.h"

/* Checked in full before anything is made; the box is in the list and has
 * its port, but is not on disk yet.  NULL and err otherwise. */
struct box *
create_box(struct boxd *, const PB(CreateVmRequest) *, struct bindu_err *);
#endif
