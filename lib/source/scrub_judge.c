/* scrub_judge.c - a provider's literal was seen: is it the whole token?
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "scrub_priv.h"

/* Where the text in front of the literal begins that belongs to the token;
 * (size_t)-1 if it is not there. */
static size_t
match_before(const char *pre, const struct scrub_text *t, size_t at)
{
	for (size_t back = at < 128 ? at : 128; back > 0; back--)
		if (scrub_match(pre, t->p, at, at - back) == back)
			return at - back;
	return (size_t)-1;
}

static bool
has_borders(const struct scrub_rule *r, const struct scrub_text *t,
    size_t start, size_t end)
{
	/* A long prefix of its own needs no border: ids are glued to it. */
	if (!(r->flags & RULE_LEFT) && !r->pre &&
	    scrub_border_right(t->p, t->n, end))
		return true;
	return scrub_borders(t, start, end);
}

/* An AWS key id is half a credential: the other half is 40 characters of
 * base64 within five lines. */
static bool
find_aws_secret(const struct scrub_text *t, size_t at, size_t end,
    size_t *start)
{
	size_t lo = at, hi = end, run = 0;

	for (int lines = 0; lo > 0 && at - lo < 1200 && lines < 6; lo--)
		lines += t->p[lo - 1] == '\n';
	for (int lines = 0; hi < t->n && hi - end < 1200 && lines < 6; hi++)
		lines += t->p[hi] == '\n';
	for (size_t i = lo; i <= hi; i++) {
		if (i < hi && scrub_class[t->p[i]] & CH_B64) {
			run++;
			continue;
		}
		*start = i - run;
		if (run == 41 && t->p[*start] == '/') /* a path before it? */
			run = 0;
		if (run == 40 && scrub_randomness(t->p + *start, 40) > 0.5 &&
		    scrub_entropy(t->p + *start, 40) > 3.9 &&
		    !scrub_is_placeholder(t->p + *start, 40))
			return true;
		run = 0;
	}
	return false;
}

static void
judge_aws(struct scrub_scan *s, const struct scrub_text *t, size_t start,
    size_t end, const struct scrub_rule *r)
{
	size_t secret;
	bool pair = find_aws_secret(t, start, end, &secret);

	scrub_add(s, t, start, end, r->id,
	    pair ? BINDU_SCRUB_BLOCK : BINDU_SCRUB_WARN, PRIO_PROVIDER);
	if (pair)
		scrub_add(s, t, secret, secret + 40,
		    "provider/aws-secret-access-key", BINDU_SCRUB_BLOCK,
		    PRIO_PROVIDER);
}

/* 1: judged, do not try the rows that follow. */
static int
judge_row(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    const struct scrub_rule *r)
{
	size_t len = scrub_match(r->pat, t->p, t->n, at), start = at, end;
	enum bindu_scrub_level level = BINDU_SCRUB_BLOCK;
	size_t lit = strlen(r->lit);
	enum scrub_verdict v = SCRUB_GOOD;

	if (!len)
		return 0;
	end = at + len;
	if (r->pre)
		start = match_before(r->pre, t, at);
	if (start == (size_t)-1 || !has_borders(r, t, start, end))
		return 0;
	/* Cut short by whoever wrote it down. */
	if (t->n - end > 2 &&
	    (!memcmp(t->p + end, "...", 3) ||
		!memcmp(t->p + end, "\xe2\x80\xa6", 3)))
		return 1;
	if (scrub_is_placeholder(t->p + at + (len > lit ? lit : 0),
		len > lit ? len - lit : len))
		return 1;
	if (r->flags & RULE_RANDOM &&
	    scrub_randomness(t->p + at + lit, len - lit) < 0.3)
		return 0;
	if (r->check)
		v = r->check(t->p + start, end - start);
	if (v == SCRUB_NO)
		return 0;
	if (v == SCRUB_FAILED || r->flags & RULE_WARN)
		level = BINDU_SCRUB_WARN;
	if (!strcmp(r->id, "provider/aws-access-key-id"))
		judge_aws(s, t, start, end, r);
	else
		scrub_add(s, t, start, end, r->id, level,
		    r->id[1] == 'r' && r->id[2] == 'i' ? PRIO_KEY :
							 PRIO_PROVIDER);
	return 1;
}

void
scrub_judge_rule(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    const struct scrub_rule *r)
{
	const char *lit = r->lit;

	for (; r < scrub_rules + scrub_nrules && !strcmp(r->lit, lit); r++)
		if (judge_row(s, t, at, r))
			return;
}

void
scrub_starts_init(struct scrub_starts *x)
{
	memset(x, 0, sizeof *x);
	for (size_t i = scrub_nrules; i-- > 0;) {
		const struct scrub_rule *r = &scrub_rules[i];
		uint8_t c = (uint8_t)r->lit[0];

		if (!(r->flags & RULE_RUN) || x->n == SCRUB_STARTS)
			continue;
		x->rule[x->n] = r;
		x->next[x->n] = x->first[c];
		x->first[c] = (uint8_t)++x->n;
	}
}

static bool
judge_from(struct scrub_scan *s, const struct scrub_starts *x,
    const struct scrub_text *t, size_t at)
{
	for (uint8_t i = x->first[t->p[at]]; i; i = x->next[i - 1]) {
		const struct scrub_rule *r = x->rule[i - 1];
		size_t lit = strlen(r->lit);

		if (!memcmp(t->p + at, r->lit, lit) && judge_row(s, t, at, r))
			return true;
	}
	return false;
}

void
scrub_judge_start(struct scrub_scan *s, const struct scrub_starts *x,
    const struct scrub_text *t, size_t at, size_t end)
{
	/* What follows a backslash is the rest of an escape. */
	if (at && t->p[at - 1] == '\\' && end - at > 16)
		at++;
	else if (t->p[at] == '-' && (!at || t->p[at - 1] == '\n'))
		at++; /* a line that a patch takes out */
	/* In binary formats a byte of length stands before a string. */
	if (!judge_from(s, x, t, at) && at && t->p[at - 1] < 9)
		judge_from(s, x, t, at + 1);
}
