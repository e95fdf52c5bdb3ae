/* toml.h - read TOML 1.0 text (pyproject.toml, uv.lock, PEP 723 blocks).
 *
 * Tables become objects, arrays arrays; dates and times stay strings.  The
 * text is hostile: size, depth and number of values are bounded.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_TOML_H
#define BINDU_TOML_H

#include "lib/base/json.h"

/* what names the source in the message, "WHAT:LINE: ..."; json_decref it. */
json_t *bindu_toml_parse(const char *text, size_t n, const char *what,
    struct bindu_err *);
#endif
