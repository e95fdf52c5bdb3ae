/* scrub_mkdb - compile the scrubber's literals into a vectorscan database:
 * scrub_mkdb FILE.  Runs at build time only.
 * SPDX-License-Identifier: Apache-2.0 */
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include "lib/source/scrub_priv.h"

/* The rules name their checks; none is called here. */
#define NEVER(name) \
	enum scrub_verdict name(const uint8_t *p, size_t n) \
	{ \
		(void)p, (void)n; \
		abort(); \
	}
NEVER(scrub_check_github)
NEVER(scrub_check_gitlab)
NEVER(scrub_check_grafana)
NEVER(scrub_check_npm)
NEVER(scrub_check_jwt)
NEVER(scrub_check_xprv)

int
main(int argc, char **argv)
{
	size_t count = scrub_literal_count(), n = 0, size;
	const char **lit = calloc(count, sizeof *lit);
	size_t *len = calloc(count, sizeof *len);
	unsigned *flags = calloc(count, sizeof *flags),
		 *id = calloc(count, sizeof *id);
	hs_database_t *db;
	hs_compile_error_t *e;
	/* Any machine of this architecture may run the result. */
	hs_platform_info_t plain = { .tune = HS_TUNE_FAMILY_GENERIC };
	char *bytes;
	FILE *f;
	bool caseless;

	for (size_t i = 0; i < count; i++) {
		lit[n] = scrub_literal_get(i, &len[n], &caseless);
		flags[n] = caseless ? HS_FLAG_CASELESS : 0;
		id[n] = (unsigned)i;
		n += lit[n] != NULL;
	}
	if (argc != 2 ||
	    hs_compile_lit_multi(lit, flags, id, len, (unsigned)n,
		HS_MODE_BLOCK, &plain, &db, &e) != HS_SUCCESS ||
	    hs_serialize_database(db, &bytes, &size) != HS_SUCCESS) {
		fprintf(stderr, "scrub_mkdb: cannot compile the literals\n");
		return 1;
	}
	f = fopen(argv[1], "wb");
	if (!f || fwrite(bytes, 1, size, f) != size || fclose(f)) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
