/* scrub_escape.c - text in escapes: \u0073\x6b\055&#45;%2d, a token in which
 * only a mark is written so (\u002b), and quoted-printable.
 *
 * One escape decodes its whole stretch, from a blank or quote to the next; a
 * long one goes on at the first escape behind what was decoded.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>
#include "scrub_priv.h"

/* What is decoded at once is a step and the longest token. */
enum { BACK = 200, SHORTEST = 20, STEP = 22000, STRETCH_MAX = 30000 };

static inline bool
ends_stretch(uint8_t c)
{
	return c <= ' ' || c >= 0x7f || c == '"' || c == '\'' || c == '`' ||
	    c == '<' || c == '>';
}

/* &#115; or &#x73; at p[i): its length, 0 if it is none. */
static inline size_t
read_entity(const uint8_t *p, size_t n, size_t i, uint8_t *c)
{
	bool hex = i + 2 < n && (p[i + 2] | 0x20) == 'x';
	const int base = hex ? 16 : 10;
	size_t start = i + 2 + hex, j = start, end = start + 4;
	int v = 0, digit;

	for (end = end < n ? end : n; j < end; j++) {
		digit = scrub_digits16[p[j]];
		if (digit < 0 || digit >= base)
			break;
		v = v * base + digit;
	}
	*c = (uint8_t)v;
	return j > start && j < n && p[j] == ';' && v < 0x7f ? j + 1 - i : 0;
}

static bool
is_octal(const uint8_t *p)
{
	return p[0] >= '0' && p[0] <= '1' && p[1] >= '0' && p[1] <= '7' &&
	    p[2] >= '0' && p[2] <= '7';
}

/* An escape at p[i), where \, & or % stands, for an ASCII character. */
static inline __attribute__((always_inline)) size_t
read_escape(const uint8_t *p, size_t n, size_t i, uint8_t *c)
{
	size_t digits = i;
	int v;

	if (p[i] == '%') {
		if (n - i < 3 || (v = scrub_hex(p + i + 1)) < 0)
			return 0;
		*c = (uint8_t)v;
		return 3;
	}
	if (n - i < 4)
		return 0;
	if (p[i + 1] == '/' && p[i] == '\\') { /* of JSON */
		*c = '/';
		return 2;
	}
	if (p[i] == '&')
		return p[i + 1] == '#' ? read_entity(p, n, i, c) : 0;
	if (p[i + 1] <= '1' && is_octal(p + i + 1)) {
		*c = (uint8_t)((p[i + 1] - '0') << 6 | (p[i + 2] - '0') << 3 |
		    (p[i + 3] - '0'));
		return *c < 0x7f ? 4 : 0;
	}
	/* JSON inside of JSON has two backslashes. */
	if (p[i + 1] == '\\')
		digits++;
	if ((p[digits + 1] | 0x20) == 'x')
		digits += 2;
	else if (n - digits >= 6 && !memcmp(p + digits + 1, "u00", 3))
		digits += 4;
	else
		return 0;
	if (n - digits < 2 || (v = scrub_hex(p + digits)) < 0)
		return 0;
	*c = (uint8_t)v;
	return *c < 0x7f ? digits + 2 - i : 0;
}

/* Is the escape at p[i) a reason to decode?  Not \n, \0 or &#10;: those of
 * \u00 and %, and of the others the marks and letters that most tokens have. */
static bool
is_trigger(const uint8_t *p, size_t n, size_t i)
{
	uint8_t c = 0;

	if (i + 4 > n || !read_escape(p, n, i, &c))
		return false;
	return p[i] == '%' || (p[i] == '\\' && p[i + 1] == 'u') || c == '/' ||
	    c == '-' || c == '_' || memchr("acefiknoprst", c | 0x20, 12);
}

/* In a form's data the blanks of BEGIN RSA PRIVATE KEY. */
static inline bool
is_blank_plus(const struct scrub_mapped *m)
{
	return m->n > 5 && !memcmp(m->byte + m->n - 5, "BEGIN", 5) &&
	    memchr(m->byte, '-', m->n);
}

/* A row of escapes that begin with head, two digits behind it, each below max:
 * what read_escape() says of them, sooner.  Where the row ends. */
static inline __attribute__((always_inline)) size_t
decode_row(const uint8_t *p, size_t i, size_t end, size_t start,
    const char *head, size_t len, int max, struct scrub_mapped *m)
{
	size_t k = m->n; /* apart: a store of a byte might change m->n */

	for (; i + len + 2 <= end && !memcmp(p + i, head, len); i += len + 2) {
		int c = scrub_hex(p + i + len);

		if (c < 0 || c >= max)
			break;
		m->byte[k] = (uint8_t)c;
		m->from[k++] = (uint16_t)(i - start);
	}
	m->n = k;
	return i;
}

/* Rows of the three forms that texts are in throughout. */
static size_t
decode_rows(const uint8_t *p, size_t i, size_t end, size_t start,
    struct scrub_mapped *m)
{
	if (p[i] == '%')
		return decode_row(p, i, end, start, "%", 1, 256, m);
	if (p[i] == '\\' && i + 1 < end && p[i + 1] == 'x')
		return decode_row(p, i, end, start, "\\x", 2, 0x7f, m);
	if (p[i] == '\\')
		return decode_row(p, i, end, start, "\\u00", 4, 0x7f, m);
	return i;
}

/* Decode from p[start) to the stretch's end, or as much as is taken at once:
 * where it stopped.  *next: the first escape or character behind a step. */
static size_t
decode_stretch(const struct scrub_view *v, size_t start, struct scrub_mapped *m,
    size_t *next)
{
	const uint8_t *p = v->p;
	size_t i = start, n = v->n, len;
	uint8_t c;

	m->n = 0;
	*next = 0;
	if (n - start > STRETCH_MAX)
		n = start + STRETCH_MAX;
	for (; i < n; i += len) {
		size_t end = i - start < STEP ? start + STEP : n;
		uint8_t *out;

		i = decode_rows(p, i, end < n ? end : n, start, m);
		if (i >= n)
			break;
		out = m->byte + m->n;
		len = 0;
		*out = p[i];
		if (p[i] == '\\' || p[i] == '%' || p[i] == '&') {
			len = read_escape(p, v->n, i, &c);
			*out = len ? c : p[i];
		} else if (ends_stretch(p[i])) {
			break;
		} else if (p[i] == '+' && is_blank_plus(m)) {
			*out = ' ';
		}
		if (!*next && i - start >= STEP)
			*next = i;
		m->from[m->n++] = (uint16_t)(i - start);
		len = len ? len : 1;
	}
	m->from[m->n] = (uint16_t)(i - start);
	return i;
}

/* Apart, for its frame is large and most marks begin no escape. */
static __attribute__((noinline)) void
decode_around(struct scrub_scan *s, struct scrub_decoder *d,
    const struct scrub_view *v, size_t at)
{
	struct scrub_mapped m; /* large: not cleared */
	size_t start = at, low = at > BACK ? at - BACK : 0, end, next;

	if (v->abs + low < d->next)
		low = (size_t)(d->next - v->abs);
	while (start > low && !ends_stretch(v->p[start - 1]))
		start--;
	end = decode_stretch(v, start, &m, &next);
	if (m.n >= SHORTEST)
		scrub_scan_mapped(s, d, &m, v->abs + start);
	d->next = v->abs + (end - start < STRETCH_MAX ? end : next);
}

void
scrub_decode_escape(struct scrub_scan *s, const struct scrub_view *v, size_t at)
{
	struct scrub_decoder *d = scrub_scan_decoder(s, 2);

	if (v->abs + at >= d->next && is_trigger(v->p, v->n, at))
		decode_around(s, d, v, at);
}

/* Content-Transfer-Encoding: quoted-printable; ENCODING=QUOTED-PRINTABLE. */
static bool
is_announced(const uint8_t *p, size_t at)
{
	while (at && p[at - 1] == ' ')
		at--;
	return at && (p[at - 1] == ':' || p[at - 1] == '=');
}

/* A letter's text: =2B, and lines that end in = and go on.  Up to the next
 * one, which has its own hit. */
void
scrub_judge_quoted(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	static const char name[] = "quoted-printable";
	const uint8_t *p = t->p;
	struct scrub_mapped m; /* large: not cleared */
	size_t i = at + strlen(name), n = t->n, escapes = 0;
	int c;

	if (scrub_scan_deep(s) || !is_announced(p, at))
		return;
	m.n = 0;
	if (n - at > STRETCH_MAX)
		n = at + STRETCH_MAX;
	for (; i < n; i++) {
		size_t left = n - i;

		if ((p[i] | 0x20) == 'q' && left >= strlen(name) &&
		    !strncasecmp((const char *)p + i, name, strlen(name)))
			break;
		m.from[m.n] = (uint16_t)(i - at);
		m.byte[m.n] = p[i];
		if (p[i] != '=') {
			m.n++;
		} else if (left > 1 && p[i + 1] == '\n') {
			escapes++, i++;
		} else if (left > 2 && p[i + 1] == '\r' && p[i + 2] == '\n') {
			escapes++, i += 2;
		} else if (left > 2 && (c = scrub_hex(p + i + 1)) >= 0) {
			m.byte[m.n++] = (uint8_t)c;
			escapes++, i += 2;
		} else {
			m.n++;
		}
	}
	m.from[m.n] = (uint16_t)(i - at);
	if (escapes)
		scrub_scan_mapped(s, scrub_scan_decoder(s, 3), &m, t->abs + at);
}
