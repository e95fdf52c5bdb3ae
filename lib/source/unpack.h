/* unpack.h - an archive becomes a directory; every entry is hostile.
 *
 * tar, plain or compressed.  Only files, directories and symbolic links; only
 * names inside the directory; nothing is ever written through a link.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_UNPACK_H
#define BINDU_UNPACK_H

#include <stdint.h>
#include "lib/base/err.h"

/* Read the archive on fd into the empty directory dirfd.  More than max_bytes
 * of content or max_files entries is BINDU_E_DATA. */
int bindu_unpack(int fd, int dirfd, uint64_t max_bytes, uint64_t max_files,
    struct bindu_err *);
#endif
