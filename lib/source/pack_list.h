/* pack_list.h - what ships and why, as text for people and pipes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PACK_LIST_H
#define BINDU_PACK_LIST_H

#include "lib/base/buf.h"
#include "tree.h"

enum bindu_list_form { BINDU_LIST_TEXT, BINDU_LIST_NUL, BINDU_LIST_JSON };

/* Write the list to fd.  TEXT: "SIZE TAB PATH", names made visible; NUL: paths
 * as they are. */
int bindu_pack_list(const struct bindu_tree *, enum bindu_list_form, int fd,
    struct bindu_err *);
/* Files and bytes per top directory, largest first, and in all. */
int bindu_pack_totals(const struct bindu_tree *, struct bindu_buf *,
    struct bindu_err *);
/* "VERDICT TAB RULE TAB PATH", or an object.  True when it ships. */
bool bindu_pack_verdict(const struct bindu_explain *, const char *path,
    enum bindu_list_form, struct bindu_buf *);
#endif
