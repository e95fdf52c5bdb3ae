/* unpack_end.h - whether a tar that was read to its end has its end mark.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_UNPACK_END_H
#define BINDU_UNPACK_END_H

#include <stdint.h>
#include "lib/base/err.h"

struct archive;
/* After ARCHIVE_EOF; at: archive_filter_bytes(a, 0) where the last member
 * ended.  0, or -1 with BINDU_E_DATA. */
int unpack_check_end(struct archive *, int64_t at, struct bindu_err *);
#endif
