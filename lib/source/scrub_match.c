/* scrub_match.c - the small pattern language of the rules, and borders.
 *
 * A pattern is a row of characters that stand for themselves and classes
 * (\w ...; scrub_priv.h), each with an optional {m} or {m,n}.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "scrub_priv.h"

/* Bit i of a byte: member of class 1 << i. */
const uint32_t scrub_class[256] = {
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x18000,
	0x18000,
	0x00000,
	0x00000,
	0x08000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x00000,
	0x18000,
	0x08000,
	0x18000,
	0x08000,
	0x08000,
	0x08800,
	0x18000,
	0x18000,
	0x18000,
	0x08000,
	0x08000,
	0x0c880,
	0x18000,
	0x3d940,
	0x29100,
	0x0c880,
	0x2d9ff,
	0x2f9ff,
	0x2fbff,
	0x2fbff,
	0x2fbff,
	0x2fbff,
	0x2fbff,
	0x2fbff,
	0x2f9ff,
	0x2f9ff,
	0x18000,
	0x18000,
	0x18000,
	0x38000,
	0x18000,
	0x08000,
	0x08000,
	0x2ffd9,
	0x2ffd9,
	0x2ffd9,
	0x2ffd9,
	0x2ffd9,
	0x2ffd9,
	0x2ffd1,
	0x2ffd1,
	0x2dfd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2dfd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x2ffd1,
	0x08000,
	0x18000,
	0x08000,
	0x08000,
	0x2d940,
	0x18000,
	0x2fded,
	0x2fded,
	0x2fded,
	0x2fded,
	0x2fded,
	0x2fded,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2dde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x2fde1,
	0x08000,
	0x18000,
	0x08000,
	0x28900,
	0x00000,
};

struct element {
	uint32_t class; /* 0: the character ch */
	uint8_t ch;
	size_t min, max;
};

static const struct {
	char name;
	uint32_t class;
} names[] = {
	{ 'w', CH_WORD },
	{ 'd', CH_DIGIT },
	{ 'h', CH_HEX },
	{ 'H', CH_XHEX },
	{ 'u', CH_UPPER },
	{ 'l', CH_LOWER },
	{ 'b', CH_B64URL },
	{ 'B', CH_B64 },
	{ 's', CH_DOTTED },
	{ '2', CH_B32 },
	{ 'a', CH_ALPHA },
	{ '5', CH_B58 },
	{ 'q', CH_PADDED },
	{ 'r', CH_RUN },
};

static const char *
parse_number(const char *s, size_t *v)
{
	for (*v = 0; *s >= '0' && *s <= '9'; s++)
		*v = *v * 10 + (size_t)(*s - '0');
	return s;
}

/* One element; returns what follows it. */
static const char *
parse_element(const char *s, struct element *e)
{
	e->class = 0;
	e->min = e->max = 1;
	if (*s == '\\') {
		s++;
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (names[i].name == *s)
				e->class = names[i].class;
	}
	e->ch = (uint8_t)*s++;
	if (*s == '{') {
		s = parse_number(s + 1, &e->min);
		e->max = e->min;
		if (*s == ',')
			s = parse_number(s + 1, &e->max);
		s++;
	}
	return s;
}

static bool
is_member(const struct element *e, uint8_t c)
{
	return e->class ? scrub_class[c] & e->class : c == e->ch;
}

/* End of the longest match of s at p[at..), or 0. */
static size_t
match_from(const char *s, const uint8_t *p, size_t n, size_t at)
{
	struct element e;
	size_t k = 0, end;

	if (!*s)
		return at;
	s = parse_element(s, &e);
	while (k < e.max && at + k < n && is_member(&e, p[at + k]))
		k++;
	if (k < e.min)
		return 0;
	if (e.min == e.max)
		return match_from(s, p, n, at + k);
	for (;; k--) {
		end = match_from(s, p, n, at + k);
		if (end || k == e.min)
			return end;
	}
}

size_t
scrub_match(const char *pat, const uint8_t *p, size_t n, size_t at)
{
	size_t end = match_from(pat, p, n, at);

	return end ? end - at : 0;
}

size_t
scrub_match_max(const char *pat)
{
	struct element e;
	size_t max = 0;

	while (*pat) {
		pat = parse_element(pat, &e);
		max += e.max;
	}
	return max;
}

/* Is p[at) the start of a word?  The end of an escape (\n, %3D, \u003d) is a
 * border though it is made of letters. */
bool
scrub_border_left(const uint8_t *p, size_t at)
{
	uint8_t c;

	if (!at)
		return true;
	c = p[at - 1];
	if (!(scrub_class[c] & CH_WORD) && c != '_')
		return true;
	if (at >= 2 && p[at - 2] == '\\' && memchr("nrtbfv0", c, 7))
		return true;
	/* A terminal's colour: ESC [1m */
	if (c == 'm' &&
	    memrchr(p + (at > 8 ? at - 8 : 0), '\x1b', at > 8 ? 8 : at))
		return true;
	if (!(scrub_class[c] & CH_XHEX))
		return false;
	if (at >= 3 && scrub_class[p[at - 2]] & CH_XHEX && p[at - 3] == '%')
		return true;
	return at >= 6 && p[at - 6] == '\\' && (p[at - 5] | 0x20) == 'u';
}

bool
scrub_border_right(const uint8_t *p, size_t n, size_t end)
{
	return end >= n || (!(scrub_class[p[end]] & CH_WORD) && p[end] != '_');
}

bool
scrub_borders(const struct scrub_text *t, size_t start, size_t end)
{
	return (scrub_border_left(t->p, start) &&
		   scrub_border_right(t->p, t->n, end)) ||
	    scrub_binary_near(t->p, t->n, start, end);
}

/* Control bytes near by: a record of a binary format, whose strings have no
 * borders. */
bool
scrub_binary_near(const uint8_t *p, size_t n, size_t at, size_t end)
{
	size_t from = at > 128 ? at - 128 : 0;
	size_t to = n - end > 128 ? end + 128 : n;

	for (size_t i = from; i < to; i++)
		if (p[i] < 9)
			return true;
	return false;
}
