/* unpack.h - an archive becomes a tree; every entry is hostile.
 *
 * tar, plain or compressed.  Only files, directories and symbolic links; only
 * names inside the archive, each once, none below what is no directory; no
 * link that leads out.  Nothing of it gets a name on this machine.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_UNPACK_H
#define BINDU_UNPACK_H

#include "tree.h"

/* Read the archive on fd.  The tree is the caller's, sorted and with digests;
 * its contents are in a nameless file of TMPDIR (tree->spooled).  git's own
 * directories are no part of it.  More than max_bytes of content or max_files
 * entries is BINDU_E_DATA. */
int bindu_unpack(int fd, uint64_t max_bytes, uint64_t max_files,
    struct bindu_tree **, struct bindu_err *);
#endif
