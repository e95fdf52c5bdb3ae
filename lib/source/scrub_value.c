/* scrub_value.c - a name that says secret, an operator, a value.
 *
 * The value pass comes from both sides: a word like password looks forward
 * for its value; a run of random characters looks back for its name.  Both
 * end in judge_pair().
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

enum { LOOK_BACK = 120, HEAD = 40 };

static void
add_pair(struct scrub_scan *s, const struct scrub_text *t,
    const struct scrub_pair *a, int level)
{
	const char *rule = "generic/secret";
	uint8_t prio = PRIO_GENERIC;

	if (scrub_pair_is_connection(t, a)) {
		rule = "connection/password";
		prio = PRIO_CONN;
	} else if (a->kind == KEY_PASSWORD) {
		rule = "generic/password";
	} else if (a->kind == KEY_TOKEN) {
		rule = "generic/token";
	}
	scrub_add(s, t, a->value, a->vend, rule, level, prio);
}

/* A provider whose tokens have no prefix, named near the value. */
static bool
add_named(struct scrub_scan *s, const struct scrub_text *t,
    const struct scrub_pair *a)
{
	size_t from = a->value > LOOK_BACK ? a->value - LOOK_BACK : 0;
	const char *id;

	while (from < a->value && memchr(t->p + from, '\n', a->value - from))
		from++;
	if (a->key < from)
		from = a->key;
	id = scrub_named_provider(t->p + from, a->value - from, t->p + a->value,
	    a->vend - a->value);
	if (!id)
		return false;
	scrub_add(s, t, a->value, a->vend, id, BINDU_SCRUB_BLOCK, PRIO_SHAPE);
	return true;
}

/* Begins as a provider's token but is none by its rule: cut short, or a letter
 * is wrong.  The length of the beginning, or 0.  What is longer than any such
 * token is of a form not known here. */
static size_t
known_start(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < scrub_nrules; i++) {
		size_t lit = strlen(scrub_rules[i].lit);

		if (lit >= 4 && lit <= n && !scrub_rules[i].pre &&
		    !(scrub_rules[i].flags & RULE_RUN) &&
		    !memcmp(p, scrub_rules[i].lit, lit) &&
		    n <= scrub_match_max(scrub_rules[i].pat) + SCRUB_NEAR)
			return lit;
	}
	return 0;
}

/* A challenge of ACME (RFC 8555, 8.1): TOKEN.THUMBPRINT is shown to the
 * world.  The token alone counts when its authorization stands near by. */
static bool
is_challenge(const struct scrub_text *t, const struct scrub_pair *a)
{
	const uint8_t *v = t->p + a->value, *p, *end;
	size_t n = a->vend - a->value;

	if (n < 43 || scrub_match("\\b{43}", t->p, t->n, a->value) != 43)
		return false;
	if (n == 44 || n == 87)
		return v[43] == '.';
	p = a->value > 512 ? v - 512 : t->p;
	end = t->n - a->vend > 512 ? v + n + 512 : t->p + t->n;
	while (n == 43 && (p = memmem(p, (size_t)(end - p), v, n)) &&
	    p + n < end && p[n] != '.')
		p++;
	return n == 43 && p && p + n < end;
}

static bool
has_key_word(const struct scrub_text *t, const struct scrub_pair *a)
{
	for (size_t i = a->key; i + 3 <= a->kend; i++)
		if (!strncasecmp((const char *)t->p + i, "key", 3))
			return true;
	return false;
}

/* How sure is the pair's value, by what its name says? */
static int
pair_level(const struct scrub_text *t, const struct scrub_pair *a)
{
	const uint8_t *v = t->p + a->value;
	size_t n = a->vend - a->value;
	int level;

	if (a->kind == KEY_WEAK && isupper(t->p[a->kend - 1]) &&
	    scrub_tag_kind(v, n) != TAG_NONE)
		return BINDU_SCRUB_BLOCK; /* ACME_KEY=acme_... */
	if (a->kind != KEY_PASSWORD) {
		enum scrub_key kind = a->kind;

		/* A key or secret, and not some token. */
		if (n == 36 && kind == KEY_TOKEN && has_key_word(t, a))
			kind = KEY_SECRET;
		level = scrub_token_level(v, n, kind);
		if (kind != KEY_WEAK && scrub_tag_kind(v, n) != TAG_NONE)
			level = BINDU_SCRUB_BLOCK;
		return level > BINDU_SCRUB_WARN && is_challenge(t, a) ?
		    BINDU_SCRUB_WARN :
		    level;
	}
	level = scrub_password_level(v, n, a->quoted || a->element);
	/* Where a program takes it from, it is no word of a sentence. */
	if (level < BINDU_SCRUB_BLOCK && scrub_pair_is_connection(t, a))
		return scrub_login_level(v, n, v, 0, false);
	return level;
}

static void
judge_pair(struct scrub_scan *s, const struct scrub_text *t,
    struct scrub_pair *a, bool weak)
{
	size_t start, n;
	int level;

	if (!scrub_value_bounds(t, a))
		return;
	n = a->vend - a->value;
	if (scrub_value_is_reference(t->p + a->value, n, a->quoted) ||
	    scrub_wraps_reference(t->p + a->value, n))
		return;
	if (a->kind != KEY_NONE &&
	    !scrub_is_placeholder(t->p + a->value, a->vend - a->value) &&
	    add_named(s, t, a))
		return;
	level = pair_level(t, a);
	if (weak && a->kind != KEY_WEAK && level < BINDU_SCRUB_BLOCK &&
	    scrub_value_is_set(t->p + a->value, a->vend - a->value))
		level = BINDU_SCRUB_BLOCK;
	start = level > BINDU_SCRUB_WARN ? known_start(t->p + a->value, n) : 0;
	if (start)
		level = n - start < 8 ? -1 : BINDU_SCRUB_WARN;
	if (level >= BINDU_SCRUB_WARN)
		add_pair(s, t, a, level);
}

void
scrub_judge_word(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t len, bool weak)
{
	struct scrub_pair a;

	if (scrub_pair_forward(t, at, at + len, &a))
		judge_pair(s, t, &a, weak);
}

/* "Bearer VALUE", "Basic VALUE": the word in front of a run, after a blank. */
static bool
judge_header(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t end)
{
	static const char *const words[] = { "bearer", "basic", "token",
		"apikey" };
	uint8_t plain[256];
	size_t len, word = at - 1;

	if (at < 7 || t->p[at - 1] != ' ')
		return false;
	while (word > 0 && isalpha(t->p[word - 1]))
		word--;
	len = at - 1 - word;
	for (size_t i = 0; i < 4; i++) {
		if (len != strlen(words[i]) ||
		    (i > 1 && word && strchr("-_", t->p[word - 1])) ||
		    strncasecmp((const char *)t->p + word, words[i], len))
			continue;
		while (end < t->n &&
		    (scrub_class[t->p[end]] & CH_DOTTED || t->p[end] == '='))
			end++;
		if (scrub_is_placeholder(t->p + at, end - at))
			return true;
		if (i == 1) {
			len = scrub_base64(t->p + at, end - at, plain,
			    sizeof plain, NULL);
			if (!scrub_is_login(plain, len))
				return false;
		} else if (i == 0 && scrub_is_uuid(t->p + at, end - at)) {
			/* An id seldom stands behind Bearer. */
		} else if (scrub_token_level(t->p + at, end - at, KEY_TOKEN) <
			BINDU_SCRUB_BLOCK ||
		    (i > 1 && end - at < 20)) {
			return false;
		}
		scrub_add(s, t, at, end, "generic/authorization",
		    BINDU_SCRUB_BLOCK, PRIO_GENERIC);
		return true;
	}
	return false;
}

static bool
may_be_random(const struct scrub_text *t, size_t at, size_t end)
{
	size_t i = at, lower = 0, upper = 0, marks = 0;

	if (end - at > 80)
		end = at + 80;
	while (i < end && !(scrub_class[t->p[i]] & CH_DIGIT))
		i++;
	if (i < end)
		return true;
	/* A random value seldom has none; then it is long. */
	if (end - at < 16 ||
	    (!strchr("\"'=>`", t->p[at - 1]) &&
		(at < 2 || memcmp(t->p + at - 2, ": ", 2) != 0)))
		return false;
	for (i = at; i < end; i++) {
		marks += !(scrub_class[t->p[i]] & CH_ALPHA);
		lower += t->p[i] >= 'a';
		upper += t->p[i] < 'a';
	}
	/* Words in one case are put together with marks. */
	return (lower > 3 && upper > 3 && marks < 3) ||
	    (end - at >= 20 && !marks);
}

/* Is there an operator, or a blank after a name, before the value? */
static bool
follows_name(const struct scrub_text *t, size_t at, size_t *from)
{
	size_t i = at, low = at > LOOK_BACK ? at - LOOK_BACK : 0;

	*from = low;
	while (i > low && strchr(" \t\"'`\\([\n", t->p[i - 1])) {
		/* Names stand on the value's line; in YAML perhaps above. */
		if (t->p[i - 1] == '\n' && *from == low && i > low + 1)
			*from = i > low + 60 ? i - 60 : low;
		i--;
	}
	return i > low &&
	    (strchr("=:,>-|&;?@{}", t->p[i - 1]) ||
		scrub_class[t->p[i - 1]] & CH_WORD);
}

/* auth=("USER", "VALUE") and login("USER", "VALUE"). */
static bool
judge_second(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t end)
{
	size_t low = at > LOOK_BACK ? at - LOOK_BACK : 0, i = at - 1, name;
	uint8_t quote = t->p[i];
	int level;

	if (i < low + 8 || (quote != '"' && quote != '\'') ||
	    t->p[end] != quote)
		return false;
	while (i > low && strchr(" ,", t->p[i - 1]))
		i--;
	if (i == at - 1 || i < low + 3 || t->p[--i] != quote)
		return false;
	name = i;
	while (i > low && t->p[i - 1] != quote && t->p[i - 1] != '\n')
		i--;
	if (name - i < 2 || i < low + 6 || t->p[i - 1] != quote ||
	    t->p[i - 2] != '(')
		return false;
	level =
	    scrub_login_level(t->p + at, end - at, t->p + i, name - i, false);
	for (i -= 2; i > low && strchr("= ", t->p[i - 1]);)
		i--;
	if (i < low + 5 || level < BINDU_SCRUB_WARN ||
	    (strncasecmp((const char *)t->p + i - 4, "auth", 4) &&
		memcmp(t->p + i - 5, "login", 5)))
		return false;
	scrub_add(s, t, at, end, "generic/password", level, PRIO_GENERIC);
	return true;
}

/* Does the value that begins at text[from) go on to text[at)?  prod:NAME|...
 * and base64:... have a head before what is random. */
static bool
is_one_value(const struct scrub_text *t, size_t from, size_t at)
{
	if (from > at) /* ${NAME:-VALUE}: the dash looked like a part of it */
		return from == at + 1 && t->p[at] == '-';
	if (at - from <= 2)
		return true;
	for (size_t i = from; i < at; i++)
		if (!isalnum(t->p[i]) && !strchr("_-.:|*", t->p[i]))
			return false;
	return at - from <= HEAD;
}

/* The nearest name before it whose value begins at text[at). */
static void
judge_named(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    bool weak)
{
	struct scrub_pair a;
	size_t from;

	if (scrub_name_elsewhere(t, at, &a)) {
		judge_pair(s, t, &a, weak);
		return;
	}
	if (!follows_name(t, at, &from))
		return;
	for (size_t i = at; i-- > from;) {
		size_t len = scrub_key_word(t->p + i, at - i);

		/* Another line is of use only for what it ends with. */
		if (t->p[i] == '\n' && at - i > 48)
			return;
		if (!len || !scrub_pair_forward(t, i, i + len, &a))
			continue;
		if (is_one_value(t, a.value, at)) {
			judge_pair(s, t, &a, weak);
			return;
		}
	}
}

void
scrub_judge_run(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t end, bool weak)
{
	size_t n = end - at;

	if (!at) { /* the stream's first run has no name */
		if (!scrub_judge_azure_secret(s, t, at) &&
		    !scrub_judge_shape(s, t, at, end) &&
		    (n < 23 || n > 28 || !scrub_judge_discord(s, t, at)))
			scrub_judge_tagged(s, t, at, end);
		return;
	}
	if (strchr(".:|!", t->p[at - 1]) && scrub_judge_prefixed(s, t, at, n))
		return;
	if ((t->p[at - 1] == '.' || t->p[at + 5] == '~') &&
	    scrub_judge_azure_secret(s, t, at))
		return;
	/* A line that a patch takes out. */
	if (t->p[at] == '-' && t->p[at - 1] == '\n' && n > 16) {
		scrub_judge_run(s, t, at + 1, end, weak);
		return;
	}
	/* s.Ab12..., v1.Ab12...: the value began before its first dot. */
	if (t->p[at - 1] == '.')
		while (
		    at > 1 && n < 64 && scrub_class[t->p[at - 1]] & CH_DOTTED)
			at--, n++;
	if (n >= 23 && n <= 28 && scrub_judge_discord(s, t, at))
		return;
	if (t->p[at - 1] == '|' && scrub_judge_convex(s, t, at, end))
		return;
	/* Fixed letters inside make these look less random. */
	if ((n == 50 || !memcmp(t->p + at, "AAAAAAAA", 8)) &&
	    scrub_judge_shape(s, t, at, end))
		return;
	if (!(scrub_class[t->p[at - 1]] & CH_BEFORE) ||
	    !may_be_random(t, at, end) ||
	    scrub_randomness(t->p + at, n > 64 ? 64 : n) < 0.2)
		return;
	if (scrub_judge_shape(s, t, at, end) || judge_header(s, t, at, end) ||
	    judge_second(s, t, at, end) || scrub_judge_tagged(s, t, at, end))
		return;
	judge_named(s, t, at, weak);
}
