/* image_pip.h - the package index pip would use on this machine.
 *
 * By pip's order: variables over the user's file over the machine's files;
 * of the sections, [install] over [global].  Only what concerns reaching an
 * index is taken.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_IMAGE_PIP_H
#define BOXD_IMAGE_PIP_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/buf.h"
#include "lib/base/err.h"

struct pip_row {
	const char *key; /* "index-url" */
	char *value; /* words separated by one blank */
	bool is_url; /* every word is one */
};

#define PIP_KEYS 7
struct pip {
	struct pip_row rows[PIP_KEYS];
	size_t n;
	char *cert; /* file of certificates, or NULL */
};

int pip_read(struct pip *, struct bindu_err *);
void pip_fini(struct pip *);
/* "key = value" as pip.conf wants it, and what uv.toml calls it (nothing for
 * what uv has no word for). */
int
pip_add_line(struct bindu_buf *, const struct pip_row *, struct bindu_err *);
int pip_add_uv(struct bindu_buf *, const struct pip_row *, struct bindu_err *);
#endif
