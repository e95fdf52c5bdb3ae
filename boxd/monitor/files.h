/* files.h - a file into or out of the box, by a process inside it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_FILES_H
#define BOXD_FILES_H

#include "monitor_priv.h"

/* Ops put and get of wire.h.  Relative names count from /home/boxd.  A file
 * that arrives takes its name in one step, when all its bytes are there. */
void files_put(struct monitor *, struct conn *, const json_t *request);
void files_get(struct monitor *, struct conn *, const json_t *request);
#endif
