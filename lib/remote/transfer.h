/* transfer.h - make a box hold exactly one release.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_TRANSFER_H
#define BINDU_TRANSFER_H

#include "box.h"
#include "lib/source/tree.h"

struct bindu_transfer_stats {
	uint64_t sent_bytes, files_sent, files_deleted;
	bool unchanged;
};
/* tar on fd -> the release in the box's app directory; id gets the release
 * id (64 hex + NUL). */
int bindu_transfer_tar(struct bindu_remote *, const char *box, const char *dir,
    int fd, char id[65], struct bindu_transfer_stats *,
    const struct bindu_report *, struct bindu_err *);
/* A loaded, scrubbed tree instead of a tar. */
int bindu_transfer_tree(struct bindu_remote *, const char *box, const char *dir,
    struct bindu_tree *, char id[65], struct bindu_transfer_stats *,
    const struct bindu_report *, struct bindu_err *);
#endif
