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
 * 'ab' + 'cd', "ab" .. "cd", ["ab", "cd"] where something joins them, and ab\
 * at the end of a shell's line.  0: it ends here. */
static size_t
skip_joint(const struct scrub_text *t, size_t i, bool *comma)
{
	size_t start = i;
	uint8_t quote, sign = 0;

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
		if (!strchr("+.&\\,", t->p[i]) ||
		    (sign && (sign != '.' || t->p[i] != '.')))
			break;
		sign = t->p[i];
	}
	if (i >= t->n || t->p[i] != quote || i == start + 1)
		return 0;
	*comma |= sign == ',';
	return i + 1;
}

/* "".join([...]) and [...].join(""), the pieces from text[at) to text[end). */
static bool
is_joined(const struct scrub_text *t, size_t at, size_t end)
{
	size_t lo = at > 16 ? at - 16 : 0,
	       hi = t->n - end > 16 ? 16 : t->n - end;

	return memmem(t->p + lo, at - lo, "join(", 5) ||
	    memmem(t->p + end, hi, ".join(", 6);
}

/* Is it the rule's token, by what stands behind its literal and by its proof?
 * pre: what of it stands before the literal. */
static enum scrub_verdict
weigh_token(const struct scrub_rule *r, const uint8_t *token, size_t n,
    size_t pre)
{
	size_t lit = pre + strlen(r->lit);

	if (r->flags & (RULE_RANDOM | RULE_SURE) &&
	    scrub_randomness(token + lit, n - lit) <
		(r->flags & RULE_SURE ? 0.7 : 0.3))
		return SCRUB_NO;
	return r->check ? r->check(token, n) : SCRUB_GOOD;
}

uint8_t
scrub_format_prio(const char *rule)
{
	return strncmp(rule, "private-key/", 12) ? PRIO_PROVIDER : PRIO_KEY;
}

static enum bindu_scrub_level
token_level(const struct scrub_rule *r, enum scrub_verdict v)
{
	return v == SCRUB_FAILED || r->flags & RULE_WARN ? BINDU_SCRUB_WARN :
							   BINDU_SCRUB_BLOCK;
}

/* A token that source text holds in pieces. */
int
scrub_judge_pieces(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    const struct scrub_rule *r)
{
	size_t lit = strlen(r->lit), n = 0, i = at, next, pieces = 0, len;
	enum scrub_verdict v;
	uint8_t token[1024];
	bool comma = false;

	if (r->pre || !strcmp(r->id, "provider/aws-access-key-id"))
		return 0;
	do {
		while (i < t->n && n < sizeof token &&
		    scrub_class[t->p[i]] & (CH_PADDED | CH_ANYB64))
			token[n++] = t->p[i++];
		next = skip_joint(t, i, &comma);
		i = next ? next : i;
	} while (next && ++pieces < 16 && n < sizeof token);
	len = pieces ? scrub_match(r->pat, token, n, 0) : 0;
	if (!len || (comma && !is_joined(t, at, i)) ||
	    !scrub_border_right(token, n, len) ||
	    (r->flags & RULE_LEFT && !scrub_border_left(t->p, at)) ||
	    scrub_is_placeholder(token + lit, len - lit))
		return 0;
	v = weigh_token(r, token, len, 0);
	if (v == SCRUB_NO)
		return 0;
	scrub_add(s, t, at, i, r->id, token_level(r, v), PRIO_PROVIDER);
	return 1;
}

/* 1: judged, do not try the rows that follow. */
static int
judge_row(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    const struct scrub_rule *r)
{
	size_t len = scrub_match(r->pat, t->p, t->n, at), start = at, end;
	size_t lit = strlen(r->lit);
	enum scrub_verdict v;

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
		len > lit ? len - lit : len) ||
	    (start < at && scrub_is_placeholder(t->p + start, at - start)))
		return 1;
	v = weigh_token(r, t->p + start, end - start, at - start);
	if (v == SCRUB_NO)
		return 0;
	if (!strcmp(r->id, "provider/aws-access-key-id"))
		judge_aws(s, t, start, end, r);
	else
		scrub_add(s, t, start, end, r->id, token_level(r, v),
		    scrub_format_prio(r->id));
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

static void
add_start(struct scrub_starts *x, const struct scrub_rule *r)
{
	uint8_t c = (uint8_t)r->lit[0];

	if (!(r->flags & RULE_RUN) || x->n == SCRUB_STARTS)
		return;
	x->rule[x->n] = r;
	x->next[x->n] = x->first[c];
	x->first[c] = (uint8_t)++x->n;
}

void
scrub_starts_init(struct scrub_starts *x)
{
	memset(x, 0, sizeof *x);
	for (size_t i = scrub_nrun_rules; i-- > 0;)
		add_start(x, &scrub_run_rules[i]);
	for (size_t i = scrub_nrules; i-- > 0;)
		add_start(x, &scrub_rules[i]);
}

static bool
judge_from(struct scrub_scan *s, const struct scrub_starts *x,
    const struct scrub_text *t, size_t at)
{
	for (uint8_t i = x->first[t->p[at]]; i; i = x->next[i - 1]) {
		const struct scrub_rule *r = x->rule[i - 1];

		if (t->p[at + 1] == (uint8_t)r->lit[1] &&
		    !memcmp(t->p + at, r->lit, strlen(r->lit)) &&
		    judge_row(s, t, at, r))
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

/* Rust ends the name of a symbol so: 17h, 16 hex digits, E. */
static bool
is_mangled(const struct scrub_text *t, size_t at, size_t end)
{
	for (size_t i = at; i + 20 <= end; i++)
		if (scrub_match("17h\\h{16}E", t->p, end, i) == 20)
			return true;
	return false;
}

/* Where the string in front of this one begins, if something joins the two:
 * "hf_" + "VALUE".  It is too short for a run of its own. */
static size_t
previous_piece(const struct scrub_text *t, size_t at)
{
	size_t i = at - 1, low = at > 100 ? at - 100 : 0, end;
	uint8_t quote = t->p[i];

	if (quote != '"' && quote != '\'' && quote != '`')
		return at;
	while (i > low && t->p[i - 1] && strchr(" \t\n\r+.&\\", t->p[i - 1]))
		i--;
	if (i == at - 1 || i == low || t->p[i - 1] != quote)
		return at;
	end = --i;
	while (i > low && end - i < 16 &&
	    scrub_class[t->p[i - 1]] & (CH_PADDED | CH_ANYB64))
		i--;
	return i > low && i < end && t->p[i - 1] == quote ? i : at;
}

/* A token in pieces, the first of them short. */
static bool
judge_from_pieces(struct scrub_scan *s, const struct scrub_starts *x,
    const struct scrub_text *t, size_t at)
{
	size_t before;

	for (int k = 0; k < 3 && at; k++, at = before) {
		before = previous_piece(t, at);
		if (before == at)
			return false;
		if (judge_from(s, x, t, before))
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
	at = skip_colour(t, at, end);
	if (judge_from(s, x, t, at) || !at || judge_from_pieces(s, x, t, at) ||
	    (t->p[at - 1] >= 32 && t->p[at - 1] < 0x80) ||
	    isspace(t->p[at - 1]) || !scrub_binary_near(t->p, t->n, at, at))
		return;
	/* In a record of a binary format other strings, and a byte of length,
	 * stand right before this one. */
	for (size_t i = 1; i < RECORD_MAX && at + i + 16 < end; i++)
		if (x->first[t->p[at + i]] && !is_mangled(t, at + i, end) &&
		    judge_from(s, x, t, at + i))
			return;
}
