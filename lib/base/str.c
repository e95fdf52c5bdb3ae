/* str.c - see str.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "str.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Digits at *s up to the first other byte; -1 on overflow or no digit. */
static int
scan_u64(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;

	if (!is_digit(*p))
		return -1;
	for (; is_digit(*p); p++) {
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -1;
	}
	*s = p;
	*out = v;
	return 0;
}

int
bindu_str_u64(const char *s, uint64_t *out, struct bindu_err *err)
{
	const char *p = s;
	uint64_t v;

	if (scan_u64(&p, &v) == -1 || *p != '\0')
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.60s\" is not a whole number", s);
	*out = v;
	return 0;
}

int
bindu_str_u32(const char *s, uint32_t *out, struct bindu_err *err)
{
	uint64_t v = 0;

	if (bindu_str_u64(s, &v, err) == -1)
		return -1;
	if (v > UINT32_MAX)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.60s\" is too large", s);
	*out = (uint32_t)v;
	return 0;
}

/* The shift of a unit "", K, KB, KiB ... in any case; -1 when unknown. */
static int
unit_shift(const char *s)
{
	static const char units[] = "kmgt";
	const char *u;
	int shift = 0;

	if (*s != '\0' && (u = strchr(units, lower(*s))) != NULL) {
		shift = (int)(u - units + 1) * 10;
		s++;
	}
	if (lower(s[0]) == 'i' && lower(s[1]) == 'b')
		s += 2;
	else if (lower(s[0]) == 'b')
		s++;
	return *s == '\0' ? shift : -1;
}

int
bindu_str_size(const char *s, uint64_t *bytes, struct bindu_err *err)
{
	const char *p = s;
	uint64_t v;
	int shift;

	if (scan_u64(&p, &v) == -1 || (shift = unit_shift(p)) == -1)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.60s\" is not a size such as 512M or 8GB", s);
	if (shift != 0 && v > UINT64_MAX >> shift)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.60s\" is too large", s);
	*bytes = v << shift;
	return 0;
}

/* ".250" at *s: the fraction in millionths, 0 without one; -1 when bad. */
static int64_t
scan_fraction(const char **s)
{
	int64_t part = 0, weight = 100000;
	const char *p = *s;

	if (*p != '.')
		return 0;
	if (!is_digit(*++p))
		return -1;
	for (; is_digit(*p); p++, weight /= 10)
		part += (*p - '0') * weight;
	*s = p;
	return part;
}

int
bindu_str_msec(const char *s, int64_t *msec, struct bindu_err *err)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{ "", 1000 },
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60000 },
		{ "h", 3600000 },
	};
	const char *p = s;
	uint64_t whole;
	int64_t part;

	if (scan_u64(&p, &whole) == 0 && whole < INT64_MAX / 3600000 &&
	    (part = scan_fraction(&p)) != -1) {
		for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
			if (strcmp(p, units[i].unit) != 0)
				continue;
			*msec = (int64_t)whole * units[i].ms +
			    part * units[i].ms / 1000000;
			return 0;
		}
	}
	return bindu_err_set(err, BINDU_E_USAGE,
	    "\"%.60s\" is not a time such as 500ms, 30s or 5m", s);
}

char *
bindu_str_human(uint64_t bytes, char *out, size_t outsz)
{
	static const char units[] = "KMGTPE";
	double v = (double)bytes;
	int u = -1;

	if (bytes < 1024) {
		snprintf(out, outsz, "%d B", (int)bytes);
		return out;
	}
	/* 1023.96 KB would print as 1024.0 KB: step on to the next unit. */
	while (v >= 1023.95 && u < 5) {
		v /= 1024;
		u++;
	}
	if (u < 0) {
		v /= 1024;
		u = 0;
	}
	/* No printf %f: its decimal sign follows the locale. */
	snprintf(out, outsz, "%d.%d %cB", (int)((int64_t)(v * 10 + 0.5) / 10),
	    (int)((int64_t)(v * 10 + 0.5) % 10), units[u]);
	return out;
}

const char *
bindu_str_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

bool
bindu_str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
bindu_str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

int
bindu_str_icmp(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return (unsigned char)lower(*a) - (unsigned char)lower(*b);
}

int
bindu_str_shquote(struct bindu_buf *b, const char *s, struct bindu_err *err)
{
	static const char bare[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789_@%+=:,./-";
	size_t n = strlen(s), start = b->len;
	int bad;

	if (n > 0 && strspn(s, bare) == n)
		return bindu_buf_add(b, s, n, err);
	bad = bindu_buf_addc(b, '\'', err);
	while (!bad && *s != '\0') {
		n = strcspn(s, "'");
		bad = bindu_buf_add(b, s, n, err);
		s += n;
		if (!bad && *s == '\'') {
			bad = bindu_buf_adds(b, "'\\''", err);
			s++;
		}
	}
	if (!bad)
		bad = bindu_buf_addc(b, '\'', err);
	if (bad && b->p != NULL) {
		b->len = start;
		b->p[start] = '\0';
	}
	return bad;
}

size_t
bindu_str_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* Length of the UTF-8 sequence at p (n bytes left) when it is well formed
 * and printable; 0 when the byte must be escaped. */
static size_t
printable(const unsigned char *p, size_t n)
{
	unsigned long c;
	size_t len, i;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2, c = p[0] & 0x1f;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3, c = p[0] & 0x0f;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4, c = p[0] & 0x07;
	else
		return 0;
	if (len > n)
		return 0;
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((len == 2 && c < 0xa0) || (len == 3 && c < 0x800) ||
	    (len == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	/* Line and paragraph separators, and what reorders the text shown. */
	if (c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069))
		return 0;
	return len;
}

int
bindu_str_visible(struct bindu_buf *b, const char *s, size_t n,
    struct bindu_err *err)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t start = b->len, len;
	int bad = 0;

	while (!bad && n > 0) {
		len = printable(p, n);
		if (len != 0)
			bad = bindu_buf_add(b, p, len, err);
		else
			bad = bindu_buf_addf(b, err, "\\x%02x", *p);
		len = len != 0 ? len : 1;
		p += len;
		n -= len;
	}
	if (bad && b->p != NULL) {
		b->len = start;
		b->p[start] = '\0';
	}
	return bad;
}

char *
bindu_str_shown(const char *s)
{
	enum { WHOLE = 600, END = 250 };
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(4 * WHOLE + 4);
	size_t n = strlen(s);
	int saved = errno;
	char *shown;

	bindu_str_visible(&b, s, n > WHOLE ? END : n, NULL);
	if (n > WHOLE) {
		bindu_buf_adds(&b, "...", NULL);
		bindu_str_visible(&b, s + n - END, END, NULL);
	}
	shown = xstrndup(b.p ? b.p : "", b.len < 700 ? b.len : 700);
	errno = saved;
	return shown;
}

void
bindu_strv_fini(struct bindu_strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	memset(l, 0, sizeof *l);
}

void
bindu_strv_take(struct bindu_strv *l, char *s)
{
	bindu_grow(&l->v, &l->cap, l->n + 2, sizeof *l->v);
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void
bindu_strv_add(struct bindu_strv *l, const char *s)
{
	bindu_strv_take(l, xstrdup(s));
}

void
bindu_strv_addf(struct bindu_strv *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bindu_strv_take(l, xvasprintf(fmt, ap));
	va_end(ap);
}

bool
bindu_strv_has(const struct bindu_strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i], s) == 0)
			return true;
	}
	return false;
}

char *
bindu_str_hex(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
	return out;
}

static int
nibble(char c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
bindu_str_unhex(const char *s, uint8_t *out, size_t n)
{
	if (strlen(s) != 2 * n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int hi = nibble(s[2 * i]), lo = nibble(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to change, add, drop or swap with the next to come from a
 * (n bytes) to b; both shorter than 64. */
static size_t
distance(const char *a, size_t n, const char *b)
{
	size_t rows[3][64], m = strlen(b);

	for (size_t i = 0; i <= n; i++) {
		size_t *row = rows[i % 3];
		const size_t *last = rows[(i + 2) % 3];
		const size_t *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = row[j - 1] + 1;
			if (i == 0)
				continue;
			row[j] = least(row[j], last[j] + 1);
			row[j] =
			    least(row[j], last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

/* Unfinished words are the commonest mistake: --time for --timeout. */
static size_t
strangeness(const char *given, size_t n, const char *name)
{
	return strncmp(given, name, n) == 0 ? 0 : distance(given, n, name);
}

const char *
bindu_str_nearer(const char *given, size_t n, const char *best,
    const char *name)
{
	size_t limit = n < 5 ? 1 : (n + 1) / 3, d;

	if (n == 0 || n > 60 || strlen(name) > 60)
		return best;
	d = strangeness(given, n, name);
	if (d > limit || (best != NULL && d >= strangeness(given, n, best)))
		return best;
	return name;
}
