/* scrub_shape.c - formats of credentials that a run of token characters shows:
 * by its length, by marks at fixed places, by what stands right before it.
 * Where a literal is long enough for the prefilter, a row of scrub_rules.c
 * says it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_priv.h"

enum { NAME_BACK = 120 };

/* Discord: base64 of a number, a dot, six, a dot, 27 or more. */
bool
scrub_judge_discord(struct scrub_scan *s, const struct scrub_text *t, size_t at)
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
bool
scrub_judge_prefixed(struct scrub_scan *s, const struct scrub_text *t,
    size_t at, size_t n)
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
		{ "provider/infisical-token",
		    "st." SCRUB_UUID_ANY ".\\h{32}.\\h{32}", 36, 3 },
		{ "provider/bitwarden-token",
		    "0." SCRUB_UUID_ANY ".\\w{30}:\\B{22}==", 36, 2 },
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
bool
scrub_judge_azure_secret(struct scrub_scan *s, const struct scrub_text *t,
    size_t at)
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
	size_t i = at > NAME_BACK ? at - NAME_BACK : 0;

	for (; i + 7 < at; i++)
		if (!strncasecmp((const char *)t->p + i, "dropbox", 7))
			return true;
	return false;
}

/* Convex: prod:NAME|VALUE, where NAME is made of words. */
bool
scrub_judge_convex(struct scrub_scan *s, const struct scrub_text *t, size_t at,
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

static const char *
find_shape(const struct scrub_text *t, size_t at, size_t end)
{
	size_t n = end - at;

	if ((n == 51 || n == 52) && strchr("5KL9c", t->p[at]) &&
	    scrub_check_wif(t->p + at, n) == SCRUB_GOOD)
		return "private-key/bitcoin-wif";
	if (n == 56 && t->p[at] == 'S' &&
	    scrub_match("\\2{56}", t->p, t->n, at) == 56 &&
	    scrub_check_stellar(t->p + at, n) == SCRUB_GOOD)
		return "private-key/stellar";
	if (n == 58 && t->p[at] == 'S' &&
	    scrub_match("S\\2{57}", t->p, t->n, at) == 58 &&
	    scrub_check_nats(t->p + at, n) == SCRUB_GOOD)
		return "private-key/nats-seed";
	if ((n == 36 || n == 37) &&
	    scrub_match("\\h{32}-us\\d{1,2}", t->p, t->n, at) == n)
		return "provider/mailchimp-key";
	if (n == 50 &&
	    scrub_match("\\h{10}msh\\h{15}p1\\h{6}jsn\\h{12}", t->p, t->n,
		at) == n)
		return "provider/rapidapi-key";
	if (is_twitter(t, at, end))
		return "provider/twitter-bearer-token";
	if (n == 64 && says_dropbox(t, at) &&
	    scrub_match("\\w{11}AAAAAAAAAA\\b{43}", t->p, t->n, at) == n &&
	    scrub_randomness(t->p + at + 21, 43) > 0.5)
		return "provider/dropbox-token";
	return NULL;
}

bool
scrub_judge_shape(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t end)
{
	const char *id = find_shape(t, at, end);

	if (id)
		scrub_add(s, t, at, end, id, BINDU_SCRUB_BLOCK,
		    scrub_format_prio(id));
	return id != NULL;
}
