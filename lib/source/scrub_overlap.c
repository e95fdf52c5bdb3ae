/* scrub_overlap.c - of findings that overlap the strongest one stays.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "scrub_priv.h"

/* Stronger first: by kind, then length, then place, then name. */
static int
by_strength(const void *a, const void *b)
{
	const struct scrub_cand *x = a, *y = b;
	uint64_t xl = x->end - x->start, yl = y->end - y->start;

	if (x->prio != y->prio)
		return x->prio > y->prio ? -1 : 1;
	if (xl != yl)
		return xl > yl ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->level != y->level)
		return x->level > y->level ? -1 : 1;
	return strcmp(x->rule, y->rule);
}

static int
by_place(const void *a, const void *b)
{
	const struct scrub_cand *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Insert into the sorted spans unless it overlaps one of them. */
static bool
claim(uint64_t (*span)[2], size_t *n, uint64_t start, uint64_t end)
{
	size_t lo = 0, hi = *n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (span[mid][0] < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	if ((lo < *n && span[lo][0] < end) || (lo && span[lo - 1][1] > start))
		return false;
	memmove(span + lo + 1, span + lo, (*n - lo) * sizeof *span);
	span[lo][0] = start;
	span[lo][1] = end;
	++*n;
	return true;
}

size_t
scrub_settle(struct scrub_cand *cand, size_t n)
{
	uint64_t(*span)[2] = xmalloc(n * sizeof *span);
	size_t keep = 0, spans = 0;

	qsort(cand, n, sizeof *cand, by_strength);
	for (size_t i = 0; i < n; i++)
		if (claim(span, &spans, cand[i].start, cand[i].end))
			cand[keep++] = cand[i];
		else
			free(cand[i].pragma);
	free(span);
	qsort(cand, keep, sizeof *cand, by_place);
	return keep;
}
