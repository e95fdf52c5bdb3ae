/* scrub_judge.c - a provider's literal was seen: is it the whole token?
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_priv.h"

enum { RECORD_MAX = 64 };

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

/* From the end of one string to the next one of the same token: "ab" "cd",
 * 'ab' + 'cd', and ab\ at the end of a shell's line.  0: it ends here. */
static size_t
skip_joint(const struct scrub_text *t, size_t i)
{
	size_t start = i;
	bool sign = false;
	uint8_t quote;

	if (t->n - i < 4)
		return 0;
	if (t->p[i] == '\\' && t->p[i + 1] == '\n')
		return i + 2;
	quote = t->p[i];
	if (!quote || !strchr("\"'`", quote))
		return 0;
	for (i++; i < t->n && i - start < 80; i++) {
		if (isspace(t->p[i]))
			continue;
		if (sign || !strchr("+.&\\", t->p[i]))
			break;
		sign = true;
	}
	return i < t->n && t->p[i] == quote && i > start + 1 ? i + 1 : 0;
}

/* A token that source text holds in pieces. */
int
scrub_judge_pieces(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    const struct scrub_rule *r)
{
	size_t lit = strlen(r->lit), n = 0, i = at, next, pieces = 0, len;
	uint8_t token[1024];

	if (r->pre || !strcmp(r->id, "provider/aws-access-key-id"))
		return 0;
	do {
		while (i < t->n && n < sizeof token &&
		    scrub_class[t->p[i]] & (CH_PADDED | CH_ANYB64))
			token[n++] = t->p[i++];
		next = skip_joint(t, i);
		i = next ? next : i;
	} while (next && ++pieces < 16 && n < sizeof token);
	len = pieces ? scrub_match(r->pat, token, n, 0) : 0;
	if (!len || !scrub_border_right(token, n, len) ||
	    (r->flags & RULE_LEFT && !scrub_border_left(t->p, at)) ||
	    scrub_is_placeholder(token + lit, len - lit) ||
	    (r->flags & RULE_RANDOM &&
		scrub_randomness(token + lit, len - lit) < 0.3) ||
	    (r->check && r->check(token, len) != SCRUB_GOOD))
		return 0;
	scrub_add(s, t, at, i, r->id,
	    r->flags & RULE_WARN ? BINDU_SCRUB_WARN : BINDU_SCRUB_BLOCK,
	    PRIO_PROVIDER);
	return 1;
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
		return scrub_judge_pieces(s, t, at, r);
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

/* Behind the rest of a terminal's colour: ESC [1;32m */
static size_t
skip_colour(const struct scrub_text *t, size_t at, size_t end)
{
	size_t i = at, esc = at;

	while (esc > 0 && at - esc < 8 && strchr("[;0123456789", t->p[esc - 1]))
		esc--;
	if (esc == at || !esc || t->p[esc - 1] != '\x1b')
		return at;
	while (i < end && isdigit(t->p[i]))
		i++;
	return i + 1 < end && t->p[i] == 'm' ? i + 1 : at;
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
	at = skip_colour(t, at, end);
	if (judge_from(s, x, t, at) || !at ||
	    (t->p[at - 1] >= 32 && t->p[at - 1] < 0x80) ||
	    isspace(t->p[at - 1]) || !scrub_binary_near(t->p, t->n, at, at))
		return;
	/* In a record of a binary format other strings, and a byte of length,
	 * stand right before this one. */
	for (size_t i = 1; i < RECORD_MAX && at + i + 16 < end; i++)
		if (judge_from(s, x, t, at + i))
			return;
}
