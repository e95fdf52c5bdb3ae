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
		if (t->n - i > k + 5 &&
		    (!memcmp(t->p + i + k, "u000", 4) ||
			!memcmp(t->p + i + k, "u003d", 5)))
			return k + 5;
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
	} while (i < t->n && strchr(" \r\\", t->p[i]));
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

/* Where a body is being read. */
struct reader {
	uint32_t acc;
	unsigned bits;
	bool bol; /* headers stand at the start of a line */
	bool quote; /* a string just ended */
	bool fresh; /* a line just began */
};

static void
add_digit(struct reader *r, struct scrub_key_body *b, uint8_t c)
{
	r->bol = r->quote = false;
	r->acc = r->acc << 6 | (uint32_t)scrub_digits64[c];
	r->bits += 6;
	b->chars++;
	if (r->bits >= 8 && b->len < sizeof b->raw) {
		r->bits -= 8;
		b->raw[b->len++] = (uint8_t)(r->acc >> r->bits);
	}
}

/* What belongs to the text around the base64 at t->p[i); 0: the body ends. */
static size_t
skip_around(const struct scrub_text *t, size_t i, struct scrub_key_body *b,
    struct reader *r)
{
	uint8_t c = t->p[i];
	size_t k;

	if (b->bare && strchr(",;.|*#()[]=<&", c))
		return 0;
	k = skip_filler(t, i);
	if (!k)
		return 0;
	r->fresh = c == '\n';
	r->bol |= c == '\n' || c == '\\';
	r->quote = c == '"' || c == '\'' || c == '`' ||
	    (r->quote && isspace(c));
	return k;
}

/* What a line of the block begins with, a header line, the + between two
 * strings, // at the start of a comment: its length, or 0. */
static size_t
skip_lead(const struct scrub_text *t, size_t i, struct scrub_key_body *b,
    struct reader *r)
{
	bool fresh = r->fresh;
	size_t k;

	r->fresh = false;
	if (fresh && b->mark && t->n - i > b->mark &&
	    !memcmp(t->p + i, t->p + b->line, b->mark))
		return b->mark;
	if (r->bol && isalpha(t->p[i]) &&
	    (k = skip_header(t, i, &b->encrypted)))
		return k;
	if (t->p[i] == '+' && r->quote && is_plus(t, i))
		return 1;
	if (t->p[i] == 'b' && r->quote && t->n - i > 1 &&
	    strchr("\"'", t->p[i + 1]))
		return 1; /* b"..." b"..." */
	return r->bol && t->n - i > 2 && !memcmp(t->p + i, "// ", 3) ? 3 : 0;
}

void
scrub_read_key(const struct scrub_text *t, size_t i, struct scrub_key_body *b)
{
	struct reader r = { .bol = !b->bare };
	size_t k;

	b->len = b->chars = 0;
	b->encrypted = b->closed = false;
	while (i < t->n) {
		if (b->bare && b->len > 4 && b->len >= scrub_der_size(b->raw))
			break;
		k = skip_lead(t, i, b, &r);
		if (k) {
			i += k;
			continue;
		}
		if (t->p[i] == '-' && i + 3 < t->n && t->p[i + 1] == '-') {
			b->closed = true;
			break;
		}
		if (is_base64(t->p[i])) {
			add_digit(&r, b, t->p[i++]);
			continue;
		}
		k = skip_around(t, i, b, &r);
		if (!k)
			break;
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
	    (isspace(t->p[end]) || is_base64(t->p[end]) || t->p[end] == '='))
		end++;
	scrub_add(s, t, at, end, "private-key/putty",
	    none ? BINDU_SCRUB_BLOCK : BINDU_SCRUB_WARN, PRIO_KEY);
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
	case TRIG_OPENVPN:
	case TRIG_KEYPAIR:
		scrub_judge_raw_key(s, t, at, trig);
		break;
	default:
		scrub_judge_bare(s, t, at, trig);
	}
}
