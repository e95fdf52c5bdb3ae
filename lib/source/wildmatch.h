/* wildmatch.h - one glob of an ignore rule, compiled, matched in bounded time.
 *
 * Meaning is git's: bytes, ASCII classes, "**" special only between slashes
 * or at an end, escapes and brackets with all their quirks, core.ignorecase
 * folding.  A match costs at most length of pattern times length of text,
 * whatever the pattern (one retry point a segment, one a "**").
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_WILDMATCH_H
#define BINDU_WILDMATCH_H

#include <stdbool.h>
#include <stddef.h>

enum {
	BINDU_WILD_PATH = 1, /* slashes matter: anchored patterns */
	BINDU_WILD_FOLD = 2, /* core.ignorecase */
};

struct bindu_wild;

/* Compile n bytes.  Never fails: a malformed glob matches nothing. */
struct bindu_wild *bindu_wild_new(const char *, size_t n, unsigned flags);
void bindu_wild_free(struct bindu_wild *);
bool bindu_wild_match(const struct bindu_wild *, const char *text, size_t n);
/* The same, and *steps gets the comparisons it took: the bound as a number
 * that no busy machine changes. */
bool bindu_wild_count(const struct bindu_wild *, const char *text, size_t n,
    size_t *steps);
#endif
