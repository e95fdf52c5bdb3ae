/* transfer.h - make a box hold exactly one release.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_TRANSFER_H
#define BINDU_TRANSFER_H

#include "box.h"
#include "lib/source/tree.h"

/* How many releases a box keeps, the live one among them. */
enum { BINDU_KEEP = 5, BINDU_KEEP_MAX = 100 };

struct bindu_transfer_stats {
	uint64_t sent_bytes, files_sent, files_deleted;
	bool unchanged;
};
struct bindu_transfer_opts {
	const char *dir; /* of the box; NULL: the app directory */
	unsigned keep; /* releases; 0: 5 */
	const char *note; /* KEY=VALUE lines kept with a new release, or NULL */
};
/* tar on fd -> the release in the box's directory; id gets the release id (64
 * hex + NUL). */
int bindu_transfer_tar(struct bindu_remote *, const char *box,
    const struct bindu_transfer_opts *, int fd, char id[65],
    struct bindu_transfer_stats *, const struct bindu_report *,
    struct bindu_err *);
/* A loaded, scrubbed tree instead of a tar. */
int bindu_transfer_tree(struct bindu_remote *, const char *box,
    const struct bindu_transfer_opts *, struct bindu_tree *, char id[65],
    struct bindu_transfer_stats *, const struct bindu_report *,
    struct bindu_err *);
#endif
