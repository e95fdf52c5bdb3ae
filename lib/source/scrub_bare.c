/* scrub_bare.c - private keys without armour: DER as it is, and DER as
 * base64 or hex in the strings of source text.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

/* The literal stands 2 to 4 bytes behind the start of its SEQUENCE. */
static void
judge_der(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	bool encrypted;
	const char *kind;

	if (t->p[at] == 'o') {
		kind = scrub_der_key(t->p + at, t->n - at, &encrypted);
		if (kind)
			scrub_add(s, t, at, at + 15, kind,
			    encrypted ? BINDU_SCRUB_WARN : BINDU_SCRUB_BLOCK,
			    PRIO_KEY);
		return;
	}
	for (size_t back = 2; back <= 4 && back <= at; back++) {
		const uint8_t *p = t->p + at - back;
		size_t head = p[1] & 0x80 ? 2 + (p[1] & 0x7fu) : 2, size;

		if (p[0] != 0x30 || head != back)
			continue;
		size = scrub_der_size(p);
		if (size > t->n - (at - back))
			continue;
		kind = scrub_der_key(p, size, &encrypted);
		if (!kind)
			continue;
		scrub_add(s, t, at - back, at - back + size, kind,
		    BINDU_SCRUB_BLOCK, PRIO_KEY);
		return;
	}
}

/* A keystore: PKCS #12 with a bag for a key, a Java keystore whose first entry
 * is one.  Its passphrase seldom stands far away. */
static void
judge_bundle(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t start = at, end = at + 11;

	if (t->p[at] == 0xfe) {
		end = at + 16;
		if (t->n < end || t->p[at + 8] ||
		    memcmp(t->p + at + 12, "\0\0\0\1", 4))
			return;
	} else if (at < 2 || t->p[at - 2] != 0x06 || t->p[at - 1] != 0x0b) {
		return;
	}
	scrub_add(s, t, start, end, "private-key/keystore", BINDU_SCRUB_BLOCK,
	    PRIO_KEY);
}

/* All of it must be there: documentation shows how keys begin. */
static void
add_whole(struct scrub_scan *s, const struct scrub_text *t, size_t start,
    const struct scrub_key_body *b)
{
	bool encrypted;
	const char *kind;

	if (b->len < 40 || b->len < scrub_der_size(b->raw))
		return;
	kind = scrub_der_key(b->raw, b->len, &encrypted);
	if (kind && !encrypted)
		scrub_add(s, t, start, b->end, kind, BINDU_SCRUB_BLOCK,
		    PRIO_KEY);
}

/* The literal stands 0, 4 or 6 characters behind the first one. */
static void
judge_base64(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t back = t->p[at] == 'M' ? 0 : t->p[at] == 'A' ? 4 : 6;
	struct scrub_key_body b = { .bare = true };

	if (at < back || t->p[at - back] != 'M' ||
	    (at > back && scrub_class[t->p[at - back - 1]] & CH_B64))
		return;
	scrub_read_key(t, at - back, &b);
	add_whole(s, t, at - back, &b);
}

/* "3082..." + "0201...": hex digits, quotes, joiners and line ends. */
static void
read_hex(const struct scrub_text *t, size_t i, struct scrub_key_body *b)
{
	int high = -1, digit;

	b->len = 0;
	for (; i < t->n && b->len < sizeof b->raw; i++) {
		if (b->len > 4 && b->len >= scrub_der_size(b->raw))
			break;
		digit = scrub_digits16[t->p[i]];
		if (digit < 0) {
			if (!isspace(t->p[i]) && !strchr("\"'`+\\", t->p[i]))
				break;
			continue;
		}
		if (high < 0) {
			high = digit;
			continue;
		}
		b->raw[b->len++] = (uint8_t)(high << 4 | digit);
		high = -1;
	}
	b->end = i;
}

/* The literal is what follows the SEQUENCE's head: 30 82 xx xx, 30 81 xx or
 * 30 xx. */
static void
judge_hex(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	static const char *const heads[] = { "3082", "3081", "30" };
	struct scrub_key_body b = { .bare = true };

	for (size_t i = 0; i < 3; i++) {
		size_t back = 8 - 2 * i;

		if (at < back ||
		    memcmp(t->p + at - back, heads[i], strlen(heads[i])) ||
		    (at > back && scrub_class[t->p[at - back - 1]] & CH_WORD))
			continue;
		read_hex(t, at - back, &b);
		add_whole(s, t, at - back, &b);
		return;
	}
}

void
scrub_judge_bare(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    enum scrub_trigger trig)
{
	if (trig == TRIG_BUNDLE)
		judge_bundle(s, t, at);
	else if (trig == TRIG_DER64)
		judge_base64(s, t, at);
	else if (trig == TRIG_DERHEX)
		judge_hex(s, t, at);
	else
		judge_der(s, t, at);
}
