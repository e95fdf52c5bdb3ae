/* scrub_tag.c - tokens of providers that no rule knows: a tag of words says
 * what it is, acme_sk_live_..., and something long and random follows.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

enum { PARTS = 4, PART_MAX = 12, BODY_MIN = 24 };

static bool
is_word(const uint8_t *p, size_t n, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == n &&
		    !strncasecmp((const char *)p, *words, n))
			return true;
	return false;
}

/* The length of a part of the tag at p: letters of one case, perhaps a digit
 * or two behind them (v1, e2b), and a mark.  0: the rest is no tag. */
static size_t
part_length(const uint8_t *p, size_t n)
{
	size_t i = 0, upper = 0, digits = 0;

	for (; i < n && i <= PART_MAX && isalnum(p[i]); i++) {
		upper += isupper(p[i]) != 0;
		digits += isdigit(p[i]) != 0;
	}
	if (!i || i >= n || i > PART_MAX || (p[i] != '_' && p[i] != '-') ||
	    digits > 2 || !isalpha(p[0]) || (upper && upper + digits != i))
		return 0;
	return i;
}

enum scrub_tag
scrub_tag_kind(const uint8_t *p, size_t n)
{
	static const char *const secret[] = { "sk", "rk", "secret", "token",
		"pat", "apikey", "api", "live", "prod", "production", "access",
		"svc", "oat", "private", "priv", NULL };
	static const char *const alone[] = { "sk", "rk", "pat", "apikey",
		NULL };
	static const char *const open[] = { "pk", "pub", "public", "key",
		"publishable", "site", "client", "id", "test", "sandbox",
		"example", "hash", "commit", "build", "cache", "page", "next",
		"req", "request", "session", "node", "chunk", NULL };
	size_t i = 0, parts = 0, len, body;
	bool tells = false, is_open = false, says_alone = false;

	for (; parts < PARTS && (len = part_length(p + i, n - i));
	     i += len + 1) {
		tells |= is_word(p + i, len, secret);
		says_alone |= islower(p[i]) && is_word(p + i, len, alone);
		is_open |= is_word(p + i, len, open);
		parts++;
	}
	body = n - i;
	if (!parts || body < BODY_MIN || body > 400 ||
	    scrub_match("\\b{24,400}", p, n, i) != body ||
	    scrub_is_placeholder(p + i, body))
		return TAG_NONE;
	/* Hex has few letters: there it takes more of them. */
	if (scrub_match("\\H{24,400}", p, n, i) == body ?
		body < 32 || scrub_entropy(p + i, body) < 3.2 :
		scrub_randomness(p + i, body) < 1 ||
		    scrub_entropy(p + i, body) < 3.9)
		return TAG_NONE;
	if (is_open || scrub_match("\\d{1,400}", p, n, i) == body)
		return TAG_NONE;
	return tells && (parts > 1 || says_alone) ? TAG_SECRET : TAG_OTHER;
}

/* Is it about as long as a token that begins so?  Then the rule has decided,
 * for the rows of the table's both parts. */
static bool
is_near_known(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < scrub_nrules + scrub_nrun_rules; i++) {
		const struct scrub_rule *r = i < scrub_nrules ?
		    &scrub_rules[i] :
		    &scrub_run_rules[i - scrub_nrules];
		size_t lit = strlen(r->lit), max;

		if (r->pre || lit > n || memcmp(p, r->lit, lit) != 0)
			continue;
		max = scrub_match_max(r->pat);
		if (n <= max + SCRUB_NEAR && (lit > 4 || n + SCRUB_NEAR >= max))
			return true;
	}
	return false;
}

/* sha256=... or sha512-..., whose base64 begins as chance has it. */
static bool
follows_sum(const struct scrub_text *t, size_t at)
{
	size_t lo = at > 8 ? at - 8 : 0;

	return memmem(t->p + lo, at - lo, "sha", 3) != NULL;
}

/* acme_sk_live_... needs no name.  A file's name goes on behind a dot. */
bool
scrub_judge_tagged(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t end)
{
	if (scrub_tag_kind(t->p + at, end - at) != TAG_SECRET ||
	    !scrub_borders(t, at, end) || follows_sum(t, at) ||
	    is_near_known(t->p + at, end - at) ||
	    (end + 1 < t->n && t->p[end] == '.' && isalpha(t->p[end + 1])))
		return false;
	scrub_add(s, t, at, end, "provider/tagged-token", BINDU_SCRUB_BLOCK,
	    PRIO_GENERIC);
	return true;
}
