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
#define UUID "\\H{8}-\\H{4}-\\H{4}-\\H{4}-\\H{12}"

static void
add_pair(struct scrub_scan *s, const struct scrub_text *t,
    const struct scrub_pair *a, enum bindu_scrub_level level)
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
		add_pair(s, t, a, (enum bindu_scrub_level)level);
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
		} else if (i == 0 && scrub_match(UUID, t->p, t->n, at) == 36 &&
		    end - at == 36) {
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

/* Discord: base64 of a number, a dot, six, a dot, 27 or more. */
static bool
judge_discord(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	uint8_t id[24];
	size_t len;

	if (!strchr("MNO", t->p[at]) || !scrub_border_left(t->p, at))
		return false;
	len = scrub_match("\\b{23,28}.\\b{6}.\\b{27,40}", t->p, t->n, at);
	if (!len)
		return false;
	if (scrub_base64(t->p + at, 24, id, 17, NULL) < 17)
		return false;
	for (int i = 0; i < 17; i++)
		if (!isdigit(id[i]))
			return false;
	if (scrub_is_placeholder(t->p + at + len - 27, 27))
		return false;
	scrub_add(s, t, at, at + len, "provider/discord-bot-token",
	    BINDU_SCRUB_BLOCK, PRIO_PROVIDER);
	return true;
}

/* SendGrid, Dropbox, Telegram, Salesforce: what stands before the run tells,
 * where a literal would be too short for the prefilter. */
static bool
judge_prefixed(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t n)
{
	static const struct {
		const char *id, *pat;
		size_t len, back;
	} rows[] = {
		{ "provider/sendgrid-key", "SG.\\b{22}.\\b{43}", 22, 3 },
		{ "provider/dropbox-token", "sl.\\b{130,1400}", 0, 3 },
		{ "provider/dropbox-token", "sl.\\a{1}.\\b{130,1400}", 0, 5 },
		{ "provider/infisical-token", "st.\\h{24}.\\h{32}.\\h{32}", 24,
		    3 },
		{ "provider/infisical-token", "st." UUID ".\\h{32}.\\h{32}", 36,
		    3 },
		{ "provider/bitwarden-token",
		    "0." UUID ".\\w{30}:\\B{22}==", 36, 2 },
		{ "provider/facebook-app-token", "\\d{15}|\\b{27}", 27, 16 },
		{ "provider/facebook-app-token", "\\d{16}|\\b{27}", 27, 17 },
		{ "provider/telegram-bot-token", "\\d{10}:AA\\b{33}", 35, 11 },
		{ "provider/telegram-bot-token", "\\d{9}:AA\\b{33}", 35, 10 },
		{ "provider/telegram-bot-token", "\\d{8}:AA\\b{33}", 35, 9 },
		{ "provider/salesforce-token", "00D\\w{12}!\\s{80,130}", 0,
		    16 },
		{ "provider/salesforce-token", "00D\\w{15}!\\s{80,130}", 0,
		    19 },
	};

	static const struct scrub_rule sendgrid = { "provider/sendgrid-key",
		"SG.", "SG.\\b{22}.\\b{43}", NULL, RULE_LEFT | RULE_RANDOM,
		NULL };

	if (n != 22 && n != 24 && n != 27 && n != 35 && n != 36 && n < 130 &&
	    t->p[at - 1] != '!')
		return false;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t start = at - rows[i].back, len;

		if (at < rows[i].back || (rows[i].len && n != rows[i].len))
			continue;
		len = scrub_match(rows[i].pat, t->p, t->n, start);
		if (len <= rows[i].back ||
		    !scrub_borders(t, start, start + len) ||
		    scrub_is_placeholder(t->p + at, n) ||
		    scrub_randomness(t->p + at, len - rows[i].back) < 0.3)
			continue;
		scrub_add(s, t, start, start + len, rows[i].id,
		    BINDU_SCRUB_BLOCK, PRIO_PROVIDER);
		return true;
	}
	return n == 22 && at > 3 && !memcmp(t->p + at - 3, "SG.", 3) &&
	    scrub_judge_pieces(s, t, at - 3, &sendgrid);
}

/* Azure AD client secrets: three characters, a digit, Q~, 31 to 34 more.
 * Dots cut them into runs; the first or a later one is at hand. */
static bool
judge_azure_secret(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t low = at > 24 ? at - 24 : 0, i, len;
	const uint8_t *tilde =
	    t->n - at > 6 ? memrchr(t->p + low, '~', at + 6 - low) : NULL;

	while (tilde && tilde - t->p > 4 && tilde[-1] != 'Q')
		tilde = memrchr(t->p + low, '~', (size_t)(tilde - t->p) - low);
	if (!tilde || tilde - t->p < 5)
		return false;
	i = (size_t)(tilde - t->p) + 1;
	len = scrub_match("\\s{3}\\d{1}Q~\\s{31,34}", t->p, t->n, i - 6);
	if (!len || scrub_is_placeholder(t->p + i, len - 6) ||
	    !(scrub_border_left(t->p, i - 6) ||
		scrub_binary_near(t->p, t->n, i - 6, i)))
		return false;
	scrub_add(s, t, i - 6, i - 6 + len, "provider/azure-client-secret",
	    BINDU_SCRUB_BLOCK, PRIO_PROVIDER);
	return true;
}

static bool
says_dropbox(const struct scrub_text *t, size_t at)
{
	size_t i = at > LOOK_BACK ? at - LOOK_BACK : 0;

	for (; i + 7 < at; i++)
		if (!strncasecmp((const char *)t->p + i, "dropbox", 7))
			return true;
	return false;
}

/* Convex: prod:NAME|VALUE, where NAME is made of words. */
static bool
judge_convex(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t end)
{
	size_t i = at - 1, start;

	while (i > 0 && at - i < 80 && scrub_class[t->p[i - 1]] & CH_B64URL)
		i--;
	if (end - at < 40 || at - i < 8 || i < 5 || t->p[i - 1] != ':')
		return false;
	start = !memcmp(t->p + i - 5, "prod", 4) ? i - 5 :
	    !memcmp(t->p + i - 4, "dev", 3)	 ? i - 4 :
						   i;
	if (start == i || !scrub_border_left(t->p, start) ||
	    scrub_is_placeholder(t->p + at, end - at) ||
	    scrub_randomness(t->p + at, end - at) < 0.3)
		return false;
	while (end < t->n && t->p[end] == '=')
		end++;
	scrub_add(s, t, start, end, "provider/convex-key", BINDU_SCRUB_BLOCK,
	    PRIO_PROVIDER);
	return true;
}

/* Twitter: zeros in base64, an id, zeros, and behind a %3D what is random. */
static bool
is_twitter(const struct scrub_text *t, size_t at, size_t end)
{
	const uint8_t *tail = t->p + end - 30;

	return end - at >= 90 && end - at <= 200 &&
	    !memcmp(t->p + at, "AAAAAAAAAAAAAAAAAAAA", 20) &&
	    memchr(t->p + at, '%', end - at) &&
	    !scrub_is_placeholder(tail, 30) && scrub_randomness(tail, 30) > 0.5;
}

static bool
judge_shape(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t end)
{
	size_t n = end - at;

	if ((n == 51 || n == 52) && strchr("5KL9c", t->p[at]) &&
	    scrub_check_wif(t->p + at, n) == SCRUB_GOOD)
		scrub_add(s, t, at, end, "private-key/bitcoin-wif",
		    BINDU_SCRUB_BLOCK, PRIO_KEY);
	else if (n == 56 && t->p[at] == 'S' &&
	    scrub_match("\\2{56}", t->p, t->n, at) == 56 &&
	    scrub_check_stellar(t->p + at, n) == SCRUB_GOOD)
		scrub_add(s, t, at, end, "private-key/stellar",
		    BINDU_SCRUB_BLOCK, PRIO_KEY);
	else if (n == 58 && t->p[at] == 'S' &&
	    scrub_match("S\\2{57}", t->p, t->n, at) == 58 &&
	    scrub_check_nats(t->p + at, n) == SCRUB_GOOD)
		scrub_add(s, t, at, end, "private-key/nats-seed",
		    BINDU_SCRUB_BLOCK, PRIO_KEY);
	else if ((n == 36 || n == 37) &&
	    scrub_match("\\h{32}-us\\d{1,2}", t->p, t->n, at) == n)
		scrub_add(s, t, at, end, "provider/mailchimp-key",
		    BINDU_SCRUB_BLOCK, PRIO_PROVIDER);
	else if (n == 50 &&
	    scrub_match("\\h{10}msh\\h{15}p1\\h{6}jsn\\h{12}", t->p, t->n,
		at) == n)
		scrub_add(s, t, at, end, "provider/rapidapi-key",
		    BINDU_SCRUB_BLOCK, PRIO_PROVIDER);
	else if (is_twitter(t, at, end))
		scrub_add(s, t, at, end, "provider/twitter-bearer-token",
		    BINDU_SCRUB_BLOCK, PRIO_PROVIDER);
	else if (n == 64 && says_dropbox(t, at) &&
	    scrub_match("\\w{11}AAAAAAAAAA\\b{43}", t->p, t->n, at) == n &&
	    scrub_randomness(t->p + at + 21, 43) > 0.5)
		scrub_add(s, t, at, end, "provider/dropbox-token",
		    BINDU_SCRUB_BLOCK, PRIO_PROVIDER);
	else
		return false;
	return true;
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
	scrub_add(s, t, at, end, "generic/password",
	    (enum bindu_scrub_level)level, PRIO_GENERIC);
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
		if (!judge_azure_secret(s, t, at) &&
		    !judge_shape(s, t, at, end) &&
		    (n < 23 || n > 28 || !judge_discord(s, t, at)))
			scrub_judge_tagged(s, t, at, end);
		return;
	}
	if (strchr(".:|!", t->p[at - 1]) && judge_prefixed(s, t, at, n))
		return;
	if ((t->p[at - 1] == '.' || t->p[at + 5] == '~') &&
	    judge_azure_secret(s, t, at))
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
	if (n >= 23 && n <= 28 && judge_discord(s, t, at))
		return;
	if (t->p[at - 1] == '|' && judge_convex(s, t, at, end))
		return;
	/* Fixed letters inside make these look less random. */
	if ((n == 50 || !memcmp(t->p + at, "AAAAAAAA", 8)) &&
	    judge_shape(s, t, at, end))
		return;
	if (!(scrub_class[t->p[at - 1]] & CH_BEFORE) ||
	    !may_be_random(t, at, end) ||
	    scrub_randomness(t->p + at, n > 64 ? 64 : n) < 0.2)
		return;
	if (judge_shape(s, t, at, end) || judge_header(s, t, at, end) ||
	    judge_second(s, t, at, end) || scrub_judge_tagged(s, t, at, end))
		return;
	judge_named(s, t, at, weak);
}
