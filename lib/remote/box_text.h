/* box_text.h - boxes in words; the tools print them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_BOX_TEXT_H
#define BINDU_BOX_TEXT_H

#include "box.h"

/* Lines "name value" of what is known, and a table; caller frees. */
char *bindu_box_text(const struct bindu_box_info *);
char *bindu_box_list_text(const struct bindu_box_info *, size_t n);
#endif
