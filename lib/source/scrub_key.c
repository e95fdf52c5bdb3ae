/* scrub_key.c - private keys in text: PEM and its kin, however indented,
 * escaped or quoted they stand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

/* The dashes and BEGIN before a label that ends in PRIVATE KEY at `at`. */
static size_t
find_begin(const struct scrub_text *t, size_t at)
{
	size_t i = at, low = at > 40 ? at - 40 : 0;

	while (i > low &&
	    (isupper(t->p[i - 1]) || isdigit(t->p[i - 1]) ||
		t->p[i - 1] == ' '))
		i--;
	if (at - i < 6 || memcmp(t->p + i, "BEGIN ", 6) != 0) {
		/* "---- BEGIN SSH2": a blank stands before BEGIN. */
		if (at - i < 7 || memcmp(t->p + i, " BEGIN ", 7) != 0)
			return (size_t)-1;
		i++;
	}
	while (i > 0 && (t->p[i - 1] == '-' || t->p[i - 1] == ' '))
		i--;
	while (t->p[i] == ' ')
		i++;
	/* A diff takes lines out with a dash of its own. */
	if (t->p[i] == '-' && t->n - i > 6 && t->p[i + 5] == '-')
		i++;
	return t->p[i] == '-' ? i : (size_t)-1;
}

/* A token's worth of what may stand between base64 lines; 0: no. */
static size_t
skip_filler(const struct scrub_text *t, size_t i)
{
	uint8_t c = t->p[i];

	if (c == '\\') {
		size_t k = 1;

		while (i + k < t->n && t->p[i + k] == '\\' && k < 8)
			k++;
		if (i + k < t->n && strchr("nrt", t->p[i + k]))
			k++;
		return k;
	}
	if (c == '&' && i + 4 < t->n && t->p[i + 1] == '#') {
		const uint8_t *semi =
		    memchr(t->p + i, ';', t->n - i < 8 ? t->n - i : 8);

		return semi ? (size_t)(semi - t->p) - i + 1 : 0;
	}
	if (c == '<' && i + 3 < t->n && (t->p[i + 1] | 0x20) == 'b') {
		const uint8_t *gt =
		    memchr(t->p + i, '>', t->n - i < 8 ? t->n - i : 8);

		return gt ? (size_t)(gt - t->p) - i + 1 : 0;
	}
	return isspace(c) || strchr("\"'`,;.|*#()[]=", c) ? 1 : 0;
}

static bool
is_base64(uint8_t c)
{
	return scrub_class[c] & CH_B64;
}

/* A + that joins two strings: a quote or the line's end follows. */
static bool
is_plus(const struct scrub_text *t, size_t i)
{
	do {
		i++;
	} while (i < t->n && (t->p[i] == ' ' || t->p[i] == '\r'));
	return i < t->n && strchr("\"'`\n", t->p[i]);
}

/* "Proc-Type: 4,ENCRYPTED", "Version: ...": a header line of a PEM block. */
static size_t
skip_header(const struct scrub_text *t, size_t i, bool *encrypted)
{
	size_t j = i, eol;

	while (j < t->n && j - i < 24 && (isalpha(t->p[j]) || t->p[j] == '-'))
		j++;
	if (j + 1 >= t->n || j - i < 4 || t->p[j] != ':' || t->p[j + 1] != ' ')
		return 0;
	for (eol = j; eol < t->n && eol - j < 200 && t->p[eol] != '\n' &&
	     t->p[eol] != '\\';)
		eol++;
	if (memmem(t->p + j, eol - j, "ENCRYPTED", 9) ||
	    (!memcmp(t->p + i, "DEK-Info", 8)))
		*encrypted = true;
	return eol - i;
}

void
scrub_read_key(const struct scrub_text *t, size_t i, struct scrub_key_body *b)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	bool bol = !b->bare; /* headers stand at the start of a line */
	bool quote = false; /* a string just ended */
	bool fresh = false; /* a line just began */
	size_t k;

	b->len = b->chars = 0;
	b->encrypted = b->closed = false;
	while (i < t->n) {
		if (b->bare && b->len > 4 && b->len >= scrub_der_size(b->raw))
			break;
		if (fresh && b->mark && t->n - i > b->mark &&
		    !memcmp(t->p + i, t->p + b->line, b->mark)) {
			i += b->mark;
			fresh = false;
			continue;
		}
		fresh = false;
		if (t->p[i] == '-' && i + 3 < t->n && t->p[i + 1] == '-') {
			b->closed = true;
			break;
		}
		if (bol && isalpha(t->p[i]) &&
		    (k = skip_header(t, i, &b->encrypted))) {
			i += k;
			continue;
		}
		/* "..." + "...", and // at the start of a comment's line. */
		if (t->p[i] == '+' && quote && is_plus(t, i)) {
			i++;
			continue;
		}
		if (bol && t->n - i > 2 && !memcmp(t->p + i, "// ", 3)) {
			i += 3;
			continue;
		}
		if (is_base64(t->p[i])) {
			bol = quote = false;
			acc = acc << 6 | (uint32_t)scrub_digits64[t->p[i]];
			bits += 6;
			b->chars++;
			if (bits >= 8 && b->len < sizeof b->raw) {
				bits -= 8;
				b->raw[b->len++] = (uint8_t)(acc >> bits);
			}
			i++;
			continue;
		}
		if (b->bare && strchr(",;.|*#()[]=<&", t->p[i]))
			break;
		k = skip_filler(t, i);
		if (!k)
			break;
		fresh = t->p[i] == '\n';
		bol |= t->p[i] == '\n' || t->p[i] == '\\';
		quote = t->p[i] == '"' || t->p[i] == '\'' || t->p[i] == '`' ||
		    (quote && isspace(t->p[i]));
		i += k;
	}
	b->end = i;
}

/* What every line of the block begins with: the > of a quotation, the + of a
 * diff, the * of a comment. */
static void
find_mark(const struct scrub_text *t, size_t start, struct scrub_key_body *b)
{
	size_t bol = start;

	while (bol > 0 && start - bol < 12 && t->p[bol - 1] != '\n')
		bol--;
	b->line = bol;
	b->mark = start - bol;
	for (size_t i = bol; i < start; i++)
		if (!strchr(" \t>+-*#/;|%!", t->p[i]))
			b->mark = 0;
}

/* The END line's last dash. */
static size_t
skip_end_line(const struct scrub_text *t, size_t i)
{
	size_t start = i;

	while (i < t->n && i - start < 80 &&
	    (t->p[i] == '-' || isupper(t->p[i]) || isdigit(t->p[i]) ||
		t->p[i] == ' '))
		i++;
	while (i > start && t->p[i - 1] != '-')
		i--;
	return i;
}

static void
judge_pem(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t start = find_begin(t, at), i = at + 11;
	enum bindu_scrub_level level = BINDU_SCRUB_BLOCK;
	bool pgp, encrypted = false;
	const char *kind;
	struct scrub_key_body b = { .bare = false };

	if (start == (size_t)-1)
		return;
	pgp = t->n - i > 6 && !memcmp(t->p + i, " BLOCK", 6);
	if (pgp)
		i += 6;
	while (i < t->n && (t->p[i] == '-' || t->p[i] == ' '))
		i++;
	find_mark(t, start, &b);
	scrub_read_key(t, i, &b);
	if (b.chars < 40)
		return; /* code that looks for keys, or "..." */
	if (b.closed)
		b.end = skip_end_line(t, b.end);
	kind = scrub_der_key(b.raw, b.len, &encrypted);
	if (!kind && memmem(t->p + start, at - start, "SSH2", 4))
		kind = "private-key/ssh2";
	if (!kind && b.encrypted && b.len > 64) {
		kind = "private-key/encrypted";
		encrypted = true;
	}
	if (!kind) {
		/* Looks like one and does not decode: cut or masked. */
		if (!b.closed || b.chars < 100)
			return;
		kind = "private-key/undecodable";
		level = BINDU_SCRUB_WARN;
	}
	if (encrypted && !pgp)
		level = BINDU_SCRUB_WARN;
	scrub_add(s, t, start, b.end, kind, level, PRIO_KEY);
}

/* PuTTY: the private part follows, "Encryption: none" is in the head. */
static void
judge_putty(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t n = t->n - at > 8192 ? 8192 : t->n - at;
	const uint8_t *lines = memmem(t->p + at, n, "Private-Lines:", 14);
	bool none =
	    memmem(t->p + at, n < 300 ? n : 300, "Encryption: none", 16);
	size_t end;

	if (!lines)
		return;
	end = (size_t)(lines - t->p);
	while (end < t->n && end < at + 8192 && t->p[end] != '\n')
		end++;
	while (end + 1 < t->n && end < at + 8192 &&
	    (t->p[end] == '\n' || t->p[end] == '\r' || is_base64(t->p[end]) ||
		t->p[end] == '='))
		end++;
	scrub_add(s, t, at, end, "private-key/putty",
	    none ? BINDU_SCRUB_BLOCK : BINDU_SCRUB_WARN, PRIO_KEY);
}

/* A JSON web key with its private member: "d" beside "kty". */
static void
judge_jwk(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t lo = at > 3000 ? at - 3000 : 0;
	size_t hi = t->n - at > 3000 ? at + 3000 : t->n;
	const uint8_t *p;

	for (size_t i = at; i > lo; i--)
		if (t->p[i - 1] == '{') {
			lo = i;
			break;
		}
	for (size_t i = at; i < hi; i++)
		if (t->p[i] == '}')
			hi = i;
	for (p = t->p + lo;
	     (p = memmem(p, (size_t)(t->p + hi - p), "\"d\"", 3)); p += 3) {
		size_t v = (size_t)(p - t->p) + 3, len;

		while (v < hi && (isspace(t->p[v]) || t->p[v] == ':'))
			v++;
		if (v >= hi || t->p[v] != '"')
			continue;
		v++;
		len = scrub_match("\\b{40,2000}", t->p, hi, v);
		if (len && v + len < hi && t->p[v + len] == '"' &&
		    scrub_randomness(t->p + v, len > 200 ? 200 : len) > 0.5) {
			scrub_add(s, t, v, v + len, "private-key/jwk",
			    BINDU_SCRUB_BLOCK, PRIO_KEY);
			return;
		}
	}
}

void
scrub_judge_key(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    enum scrub_trigger trig)
{
	switch (trig) {
	case TRIG_PEM:
		judge_pem(s, t, at);
		break;
	case TRIG_PUTTY:
		judge_putty(s, t, at);
		break;
	case TRIG_JWK:
		judge_jwk(s, t, at);
		break;
	default:
		scrub_judge_bare(s, t, at, trig);
	}
}
