/* fuzz_scrub.c - any bytes through both engines and two block sizes: no
 * crash, and the same findings.
 *
 *   clang -fsanitize=fuzzer,address -I. tests/fuzz/fuzz_scrub.c \
 *       lib/source/scrub_*.c ... (make fuzz-scrub)
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/source/scrub_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t
scan(struct scrub_scan *s, const uint8_t *p, size_t n, int engine,
    struct scrub_cand **c)
{
	size_t count;

	scrub_engine = engine;
	scrub_scan_begin(s, n & 1);
	scrub_scan_add(s, p, n);
	scrub_scan_end(s);
	*c = scrub_scan_found(s, &count);
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct scrub_scan *large, *small;
	struct scrub_cand *a, *b;
	size_t na, nb;

	if (!large) {
		large = scrub_scan_new();
		small = scrub_scan_new();
		scrub_scan_block(large, 65536);
		scrub_scan_block(small, 7);
	}
	na = scan(large, p, n, 0, &a);
	nb = scan(small, p, n, 1, &b);
	if (na != nb)
		abort();
	for (size_t i = 0; i < na; i++)
		if (a[i].start != b[i].start || a[i].end != b[i].end ||
		    strcmp(a[i].rule, b[i].rule) != 0 ||
		    a[i].line != b[i].line || a[i].col != b[i].col)
			abort();
	return 0;
}
