/* buf.h - growing bytes with a cap given at birth.
 *
 * A buffer always has a NUL after its last byte once anything was added, so
 * p may be read as a string.  bindu_buf_add* return 0, or -1 and set err
 * (BINDU_E_DATA) when the cap would be passed; the content is then as it was.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_BUF_H
#define BINDU_BUF_H

#include <stddef.h>
#include "err.h"

struct bindu_buf {
	char *p; /* NULL while nothing was added */
	size_t len;
	size_t cap;
	size_t max; /* len never passes this */
};

#define BINDU_BUF_INIT(limit) \
	{ \
		.max = (limit) \
	}
#define AUTO_BUF __attribute__((cleanup(bindu_buf_fini)))

void bindu_buf_fini(struct bindu_buf *); /* frees, zeroes p/len/cap */
void bindu_buf_reset(struct bindu_buf *); /* len = 0, keeps memory */
int bindu_buf_add(struct bindu_buf *, const void *, size_t, struct bindu_err *);
int bindu_buf_adds(struct bindu_buf *, const char *, struct bindu_err *);
int bindu_buf_addc(struct bindu_buf *, char, struct bindu_err *);
int bindu_buf_addf(struct bindu_buf *, struct bindu_err *, const char *, ...)
    __attribute__((format(printf, 3, 4)));
/* Room for n more bytes; returns where to write, the caller then adds to len. */
char *bindu_buf_room(struct bindu_buf *, size_t n, struct bindu_err *);
void bindu_buf_cut_front(struct bindu_buf *, size_t n);
/* The string, now the caller's to free; never NULL ("" when empty). */
char *bindu_buf_steal(struct bindu_buf *);
#endif
