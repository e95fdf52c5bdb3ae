/* scrub_raw_key.c - private keys that are no PEM: JSON web keys, OpenVPN's
 * static keys, Solana's arrays of numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

enum { JWK_MAX = 3000, KEYPAIR = 64, OPENVPN_LINES = 16 };

/* A member called c at p[i): where its value begins, or 0.  "d":"VALUE", also
 * with quotes of JavaScript, escaped or, as in YAML, without any. */
static size_t
member_value(const struct scrub_text *t, size_t i, size_t hi, uint8_t c)
{
	if (t->p[i] != c || !i || !strchr("\"' \t\n{,", t->p[i - 1]))
		return 0;
	for (i++; i < hi && strchr("\\\"' \t", t->p[i]); i++)
		;
	if (i >= hi || (t->p[i] != ':' && t->p[i] != '='))
		return 0;
	for (i++; i < hi && strchr("\\\"' \t\n", t->p[i]); i++)
		;
	return i < hi ? i : 0;
}

/* A JSON web key with its private member: "d" beside "kty", "k" of "oct". */
static void
judge_jwk(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t lo = at > JWK_MAX ? at - JWK_MAX : 0;
	size_t hi = t->n - at > JWK_MAX ? at + JWK_MAX : t->n;
	size_t near = t->n - at > 20 ? 20 : t->n - at;
	bool oct = memmem(t->p + at, near, "oct", 3) != NULL;

	for (size_t i = at; i > lo; i--)
		if (t->p[i - 1] == '{' || !memcmp(t->p + i - 1, "\n\n", 2))
			lo = i;
	for (size_t i = at; i < hi; i++)
		if (t->p[i] == '}' || !memcmp(t->p + i, "\n\n", 2))
			hi = i;
	for (size_t i = lo; i < hi; i++) {
		size_t v = member_value(t, i, hi, oct ? 'k' : 'd'), len;

		if (!v)
			continue;
		len = scrub_match(oct ? "\\b{32,2000}" : "\\b{40,2000}", t->p,
		    hi, v);
		if (!len || !scrub_border_right(t->p, t->n, v + len) ||
		    scrub_is_placeholder(t->p + v, len) ||
		    scrub_randomness(t->p + v, len > 200 ? 200 : len) <= 0.5)
			continue;
		scrub_add(s, t, v, v + len, "private-key/jwk",
		    BINDU_SCRUB_BLOCK, PRIO_KEY);
		return;
	}
}

/* -----BEGIN OpenVPN Static key V1-----, lines of 32 hex digits. */
static void
judge_openvpn(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t i = at + strlen("OpenVPN Static key V1"), digits = 0;

	if (at < 11 || memcmp(t->p + at - 11, "-----BEGIN ", 11) != 0)
		return;
	for (; i < t->n && digits < OPENVPN_LINES * 32; i++) {
		if (scrub_class[t->p[i]] & CH_XHEX)
			digits++;
		else if (t->p[i] == '\\')
			i += i + 1 < t->n && strchr("nr", t->p[i + 1]);
		else if (!isspace(t->p[i]) && !strchr("-\"'+,", t->p[i]))
			return;
	}
	if (digits == OPENVPN_LINES * 32 &&
	    !scrub_is_placeholder(t->p + i - 32, 32))
		scrub_add(s, t, at - 11, i, "private-key/openvpn",
		    BINDU_SCRUB_BLOCK, PRIO_KEY);
}

/* [174,47,...]: the 64 bytes of an Ed25519 key and its public half. */
static void
judge_keypair(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t i = at, start, numbers = 0, kinds = 0;
	bool seen[256] = { false };

	while (i < t->n && i - at < 60 && t->p[i] != '[' && t->p[i] != '\n')
		i++;
	if (i >= t->n || t->p[i] != '[')
		return;
	for (start = i++; i < t->n && numbers <= KEYPAIR;) {
		unsigned v = 0;
		size_t digits = i;

		while (i < t->n && isspace(t->p[i]))
			digits = ++i;
		while (i < t->n && isdigit(t->p[i]) && i - digits < 3)
			v = v * 10 + (unsigned)(t->p[i++] - '0');
		if (i == digits || v > 255)
			return;
		numbers++;
		kinds += !seen[v];
		seen[v] = true;
		while (i < t->n && isspace(t->p[i]))
			i++;
		if (i >= t->n || (t->p[i] != ',' && t->p[i] != ']'))
			return;
		if (t->p[i++] == ']')
			break;
	}
	if (numbers == KEYPAIR && kinds > 40 && t->p[i - 1] == ']')
		scrub_add(s, t, start, i, "private-key/solana",
		    BINDU_SCRUB_BLOCK, PRIO_KEY);
}

void
scrub_judge_raw_key(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    enum scrub_trigger trig)
{
	if (trig == TRIG_JWK)
		judge_jwk(s, t, at);
	else if (trig == TRIG_OPENVPN)
		judge_openvpn(s, t, at);
	else
		judge_keypair(s, t, at);
}
