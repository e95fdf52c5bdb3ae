/* scrub_escape.c - text in escapes: \u0073\x6b&#45; and a token in which
 * only a mark is written so (\u002b).
 *
 * One hit stands for a stretch, from a blank or quote to the next; the first
 * escape in it decodes it, and in a long one the first in every SEGMENT.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_priv.h"

/* What is decoded at once is a segment and the longest token. */
enum { BACK = 200, SHORTEST = 20, SEGMENT = 8192, STRETCH_MAX = 24000 };

static bool
ends_stretch(uint8_t c)
{
	return c <= ' ' || c >= 0x7f || strchr("\"'`<>", c);
}

static int
hex_digit(uint8_t c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* &#115; or &#x73; at p[i): its length, 0 if it is none. */
static size_t
read_entity(const uint8_t *p, size_t n, size_t i, uint8_t *c)
{
	bool hex = i + 2 < n && (p[i + 2] | 0x20) == 'x';
	size_t start = i + 2 + hex, j = start;
	unsigned v = 0;

	while (
	    j < n && j - start < 4 && (hex ? isxdigit(p[j]) : isdigit(p[j]))) {
		v = v * (hex ? 16 : 10) + (unsigned)hex_digit(p[j]);
		j++;
	}
	*c = (uint8_t)v;
	return j > start && j < n && p[j] == ';' && v < 0x7f ? j + 1 - i : 0;
}

/* An escape at p[i) that stands for an ASCII character. */
static size_t
read_escape(const uint8_t *p, size_t n, size_t i, uint8_t *c)
{
	size_t digits = i;

	if (n - i < 4)
		return 0;
	if (p[i] == '&' && p[i + 1] == '#')
		return read_entity(p, n, i, c);
	if (p[i] != '\\')
		return 0;
	/* JSON inside of JSON has two backslashes. */
	if (p[i + 1] == '\\')
		digits++;
	if ((p[digits + 1] | 0x20) == 'x')
		digits += 2;
	else if (n - digits >= 6 && !memcmp(p + digits + 1, "u00", 3))
		digits += 4;
	else
		return 0;
	if (n - digits < 2 || !isxdigit(p[digits]) || !isxdigit(p[digits + 1]))
		return 0;
	*c = (uint8_t)(hex_digit(p[digits]) << 4 | hex_digit(p[digits + 1]));
	return *c < 0x7f ? digits + 2 - i : 0;
}

/* Does a literal of the prefilter stand at text[at)? */
static bool
is_trigger(const struct scrub_text *t, size_t at)
{
	for (size_t i = scrub_nrules; i < scrub_literal_count(); i++) {
		const struct scrub_literal *l =
		    &scrub_literals[i - scrub_nrules];

		if (l->trig == TRIG_ESCAPE && t->n - at >= strlen(l->lit) &&
		    !strncasecmp((const char *)t->p + at, l->lit,
			strlen(l->lit)))
			return true;
	}
	return false;
}

/* Where the stretch begins; false when an escape before this one has it. */
static bool
find_start(const struct scrub_text *t, size_t at, size_t *start)
{
	size_t i = at;
	uint8_t c;

	while (i > 0 && at - i < BACK && (t->abs + i) % SEGMENT &&
	    !ends_stretch(t->p[i - 1])) {
		i--;
		if (strchr("\\&", t->p[i]) && is_trigger(t, i) &&
		    read_escape(t->p, t->n, i, &c))
			return false;
	}
	*start = i;
	return true;
}

void
scrub_judge_escape(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	struct scrub_mapped m; /* large: not cleared */
	size_t start, i, len;
	uint8_t c;

	if (scrub_scan_deep(s) || !read_escape(t->p, t->n, at, &c) ||
	    !find_start(t, at, &start))
		return;
	m.n = 0;
	for (i = start;
	     i < t->n && m.n < sizeof m.byte && i - start < STRETCH_MAX;
	     i += len) {
		len = read_escape(t->p, t->n, i, &c);
		if (!len && ends_stretch(t->p[i]))
			break;
		m.from[m.n] = (uint16_t)(i - start);
		m.byte[m.n++] = len ? c : t->p[i];
		len = len ? len : 1;
	}
	m.from[m.n] = (uint16_t)(i - start);
	if (m.n >= SHORTEST)
		scrub_scan_mapped(s, scrub_scan_decoder(s, 2), &m,
		    t->abs + start);
}
