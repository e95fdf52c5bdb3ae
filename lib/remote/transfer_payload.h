/* transfer_payload.h - what a box lacks: the bytes of receive.sh's PUT.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_TRANSFER_PAYLOAD_H
#define BINDU_TRANSFER_PAYLOAD_H

#include "lib/source/tree.h"

struct bindu_payload {
	int fd; /* all of it; the caller closes */
	uint64_t size, list_size; /* the list of changes is at its head */
	char sha256[65];
	uint64_t files_sent, files_deleted;
};

/* From base (a parsed manifest; NULL: nothing is there) to the hashed tree.
 * The same two give the same bytes: a broken upload goes on where it ended. */
int bindu_payload_make(struct bindu_tree *, const struct bindu_tree *base,
    struct bindu_payload *, struct bindu_err *);
#endif
