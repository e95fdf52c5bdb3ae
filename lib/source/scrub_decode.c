/* scrub_decode.c - secrets in other clothes: base64, hex, percent, UTF-16.
 *
 * A run is decoded into a child stream and scanned there; what the child
 * finds is given the coordinates of the encoded text.  Long runs go on from
 * block to block.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_priv.h"

enum { KIND_BASE64, KIND_WIDE_LE, KIND_WIDE_BE, KIND_HEX, KIND_MAPPED };
enum { LONG_RUN = 256, WRAP_MIN = 40, GAP_MAX = 80, WIDE_MIN = 8 };

static void
begin(struct scrub_scan *s, struct scrub_decoder *d, int kind, uint64_t start)
{
	if (!d->child)
		d->child = scrub_scan_child(s);
	d->kind = kind;
	d->active = true;
	d->start = d->next = start;
	d->width = d->gap = 0;
	d->acc = d->bits = 0;
	scrub_scan_where(s, start, &d->line, &d->col);
	scrub_scan_begin(d->child, false);
}

/* The offset in the encoded text of byte n of the decoded one. */
static uint64_t
encoded(const struct scrub_decoder *d, uint64_t n, bool end)
{
	uint64_t chars;

	switch (d->kind) {
	case KIND_HEX:
		return n * 2;
	case KIND_WIDE_LE:
	case KIND_WIDE_BE:
		return n * 2;
	default:
		chars = end ? (n * 4 + 2) / 3 : n * 4 / 3;
		return d->width ? chars + chars / d->width * d->gap : chars;
	}
}

static void
adopt(struct scrub_scan *s, struct scrub_decoder *d, struct scrub_cand *c)
{
	uint64_t from = encoded(d, c->start, false);
	uint64_t to = encoded(d, c->end, true);
	uint32_t line = d->line, col;

	col = d->col + (uint32_t)from;
	if (d->kind == KIND_WIDE_LE || d->kind == KIND_WIDE_BE) {
		line += c->line - 1;
		col = c->line == 1 ? d->col + (c->col - 1) * 2 :
				     (c->col - 1) * 2 + 1;
	} else if (d->width) {
		uint64_t row = from / (d->width + d->gap);

		line += (uint32_t)row;
		if (row)
			col = (uint32_t)(from % (d->width + d->gap) + d->gap);
	}
	scrub_adopt(s, c, d->start + from, d->start + to, line, col);
}

/* gzip, bzip2, xz, zstd, zip, 7z; and zlib, which begins as it says how. */
static bool
looks_packed(const uint8_t *p)
{
	static const char magic[][5] = { "\x1f\x8b\x08", "BZh9",
		"\xfd"
		"7zX",
		"\x28\xb5\x2f\xfd", "PK\3\4", "7z\xbc\xaf" };

	if (!memchr("\x1f\xfd\x28"
		    "BP7x",
		p[0], 7))
		return false;
	for (size_t i = 0; i < sizeof magic / sizeof *magic; i++)
		if (!memcmp(p, magic[i], strlen(magic[i])))
			return true;
	return p[0] == 0x78 && (p[0] << 8 | p[1]) % 31 == 0;
}

/* zlib is gzip with another head and a shorter tail. */
static void
begin_packed(struct scrub_decoder *d, bool zlib)
{
	struct bindu_err err = { 0 };

	d->is_packed = true;
	d->skip = zlib ? 2 : 0;
	d->packed = (struct bindu_buf)BINDU_BUF_INIT(SCRUB_PACKED_MAX);
	if (zlib)
		(void)bindu_buf_add(&d->packed, "\x1f\x8b\x08\0\0\0\0\0\0\xff",
		    10, &err);
}

/* Decoded bytes: to the child, and to what is packed. */
static void
pass_on(struct scrub_decoder *d, const uint8_t *p, size_t n)
{
	struct bindu_err err = { 0 };
	size_t skip = d->skip < n ? d->skip : n;

	scrub_scan_add(d->child, p, n);
	if (!d->is_packed || !d->packed.max)
		return;
	d->skip -= skip;
	if (bindu_buf_add(&d->packed, p + skip, n - skip, &err) == -1) {
		bindu_buf_fini(&d->packed);
		d->packed.max = 0; /* too large: it is not opened */
	}
}

static void
keep_packed(struct scrub_scan *s, struct scrub_decoder *d)
{
	struct scrub_packed k = { d->line, NULL, 0 };
	struct bindu_err err = { 0 };

	d->is_packed = false;
	if (d->packed.max &&
	    bindu_buf_add(&d->packed, "\0\0\0", 4, &err) == 0) {
		k.n = d->packed.len;
		k.bytes = bindu_buf_steal(&d->packed);
	}
	bindu_buf_fini(&d->packed);
	scrub_keep_packed(s, &k);
}

static void
finish(struct scrub_scan *s, struct scrub_decoder *d)
{
	struct scrub_packed k;
	struct scrub_cand *c;
	size_t n;

	d->active = false;
	if (d->is_packed)
		keep_packed(s, d);
	scrub_scan_end(d->child);
	while (scrub_scan_packed(d->child, &k)) {
		k.line = d->line;
		scrub_keep_packed(s, &k);
	}
	c = scrub_scan_found(d->child, &n);
	for (size_t i = 0; i < n; i++)
		adopt(s, d, &c[i]);
}

/* Decode base64 characters from i on; returns where it stopped. */
static size_t
feed_base64(struct scrub_decoder *d, const uint8_t *p, size_t i, size_t limit)
{
	enum { CHARS = 4096 };
	uint8_t out[CHARS / 4 * 3 + 8];
	size_t n = 0;
	int v;

	while (i < limit) {
		/* Whole blocks as long as nothing foreign comes. */
		if (!d->bits && limit - i >= 32) {
			size_t left = (CHARS / 4 * 3 - n) / 24 * 32;
			size_t took = scrub_base64_blocks(p + i,
			    limit - i < left ? limit - i : left, out + n);

			i += took;
			n += took / 4 * 3;
		}
		if (n + 24 > CHARS / 4 * 3) {
			pass_on(d, out, n);
			n = 0;
			continue;
		}
		if (i >= limit || (v = scrub_digits64[p[i]]) < 0)
			break;
		i++;
		d->acc = d->acc << 6 | (uint32_t)v;
		d->bits += 6;
		if (d->bits >= 8) {
			d->bits -= 8;
			out[n++] = (uint8_t)(d->acc >> d->bits);
		}
	}
	pass_on(d, out, n);
	return i;
}

/* Line end and indentation between two lines of one base64 text; 0: none. */
static size_t
wrap_gap(const struct scrub_view *v, size_t i)
{
	size_t j = i;

	if (j < v->n && v->p[j] == '\r')
		j++;
	if (j >= v->n || v->p[j] != '\n')
		return 0;
	j++;
	while (
	    j < v->n && j - i < GAP_MAX && (v->p[j] == ' ' || v->p[j] == '\t'))
		j++;
	return j < v->n && scrub_digits64[v->p[j]] >= 0 ? j - i : 0;
}

static void
continue_base64(struct scrub_scan *s, struct scrub_decoder *d,
    const struct scrub_view *v)
{
	for (;;) {
		size_t i = (size_t)(d->next - v->abs), gap, row;

		i = feed_base64(d, v->p, i, v->limit);
		d->next = v->abs + i;
		if (i >= v->limit && !(v->final && i == v->n))
			return;
		row = d->width ? d->width : (size_t)(d->next - d->start);
		gap = wrap_gap(v, i);
		if (!gap || row < WRAP_MIN || (d->gap && gap != d->gap))
			break;
		d->width = row;
		d->gap = gap;
		d->next += gap;
	}
	finish(s, d);
}

/* UTF-16 units whose other byte is zero, and lone ones that are not ASCII. */
static bool
is_unit(const struct scrub_view *v, size_t i, bool le)
{
	uint8_t zero = v->p[i + le], c = v->p[i + !le];

	return !zero && c && (c >= 32 || isspace(c));
}

static void
continue_wide(struct scrub_scan *s, struct scrub_decoder *d,
    const struct scrub_view *v)
{
	bool le = d->kind == KIND_WIDE_LE;
	size_t i = (size_t)(d->next - v->abs);

	while (i + 1 < v->n && i < v->limit && is_unit(v, i, le)) {
		scrub_scan_add(d->child, v->p + i + !le, 1);
		i += 2;
	}
	d->next = v->abs + i;
	if (i < v->limit || v->final)
		finish(s, d);
}

void
scrub_decode_continue(struct scrub_scan *s, const struct scrub_view *v)
{
	for (int i = 0; i < 2; i++) {
		struct scrub_decoder *d = scrub_scan_decoder(s, i);

		if (!d->active)
			continue;
		if (i)
			continue_wide(s, d, v);
		else
			continue_base64(s, d, v);
	}
}

static bool
is_text(const uint8_t *p, size_t n)
{
	size_t odd = 0, even = 0, text = 0;

	for (size_t i = 0; i < n; i++) {
		text += (scrub_class[p[i]] & CH_PRINT) != 0;
		odd += i % 2 && !p[i];
		even += !(i % 2) && !p[i];
	}
	return text == n || (odd >= n / 2 - 2 && !even) ||
	    (even >= n / 2 - 2 && !odd);
}

/* Is the run worth decoding?  Its first bytes tell, or its length. */
static bool
is_base64_text(const struct scrub_view *v, size_t at, size_t end)
{
	uint8_t head[18];

	if (end - at < 24 || scrub_base64(v->p + at, 24, head, 18, NULL) < 18)
		return false;
	return is_text(head, 18) || end - at >= LONG_RUN ||
	    (head[0] == 0x30 && end - at >= 60) || looks_packed(head);
}

static int
hex_digit(uint8_t c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void
decode_hex(struct scrub_scan *s, struct scrub_decoder *d,
    const struct scrub_view *v, size_t at, size_t end)
{
	uint8_t out[512];
	size_t n = 0;

	begin(s, d, KIND_HEX, v->abs + at);
	for (size_t i = at; i + 1 < end; i += 2) {
		out[n++] =
		    (uint8_t)(hex_digit(v->p[i]) << 4 | hex_digit(v->p[i + 1]));
		if (n == sizeof out) {
			scrub_scan_add(d->child, out, n);
			n = 0;
		}
	}
	scrub_scan_add(d->child, out, n);
	finish(s, d);
	d->next = v->abs + end;
}

static bool
is_hex_text(const struct scrub_view *v, size_t at, size_t end)
{
	uint8_t head[12];

	if (end - at < 32 || (end - at) % 2)
		return false;
	for (size_t i = at; i < end; i++)
		if (!(scrub_class[v->p[i]] & CH_XHEX))
			return false;
	for (size_t i = 0; i < sizeof head; i++)
		head[i] = (uint8_t)(hex_digit(v->p[at + 2 * i]) << 4 |
		    hex_digit(v->p[at + 2 * i + 1]));
	return is_text(head, sizeof head);
}

void
scrub_scan_mapped(struct scrub_scan *s, struct scrub_decoder *d,
    const struct scrub_mapped *m, uint64_t start)
{
	struct scrub_cand *c;
	size_t found;

	begin(s, d, KIND_MAPPED, start);
	scrub_scan_add(d->child, m->byte, m->n);
	d->active = false;
	scrub_scan_end(d->child);
	c = scrub_scan_found(d->child, &found);
	for (size_t k = 0; k < found; k++) {
		uint64_t a = m->from[c[k].start], b = m->from[c[k].end];

		scrub_adopt(s, &c[k], start + a, start + b, d->line,
		    d->col + (uint32_t)a);
	}
}

static bool
ends_percent(uint8_t c)
{
	return c <= ' ' || c >= 0x7f || strchr("\"'`<>", c);
}

/* A percent-encoded stretch: to the next blank or quote. */
static void
decode_percent(struct scrub_scan *s, struct scrub_decoder *d,
    const struct scrub_view *v, size_t at)
{
	struct scrub_mapped m; /* large: not cleared */
	size_t i = at, escapes = 0;

	while (at > 0 && i - at < 200 && !ends_percent(v->p[at - 1]))
		at--;
	m.n = 0;
	for (i = at; i < v->n && m.n < sizeof m.byte && i - at < 24000; m.n++) {
		uint8_t *out = m.byte + m.n;

		if (ends_percent(v->p[i]))
			break;
		m.from[m.n] = (uint16_t)(i - at);
		*out = v->p[i++];
		/* In a form's data the blanks of BEGIN RSA PRIVATE KEY. */
		if (*out == '+' && m.n > 5 && memchr(m.byte, '-', m.n) &&
		    !memcmp(out - 5, "BEGIN", 5))
			*out = ' ';
		if (*out != '%' || i + 1 >= v->n || !isxdigit(v->p[i]) ||
		    !isxdigit(v->p[i + 1]))
			continue;
		*out =
		    (uint8_t)(hex_digit(v->p[i]) << 4 | hex_digit(v->p[i + 1]));
		i += 2;
		escapes++;
	}
	m.from[m.n] = (uint16_t)(i - at);
	if (v->abs + at < d->next)
		return;
	if (escapes)
		scrub_scan_mapped(s, d, &m, v->abs + at);
	d->next = v->abs + i;
}

void
scrub_decode_run(struct scrub_scan *s, const struct scrub_view *v, size_t at,
    size_t end)
{
	struct scrub_decoder *d = scrub_scan_decoder(s, 0);
	const uint8_t *percent;
	uint8_t head[18];

	if (d->active || v->abs + at < d->next)
		return;
	percent = memchr(v->p + at, '%', end - at);
	if (percent && (size_t)(percent - v->p) + 2 < end &&
	    isxdigit(percent[1]) && isxdigit(percent[2])) {
		decode_percent(s, d, v, at);
	} else if (is_hex_text(v, at, end)) {
		decode_hex(s, d, v, at, end);
	} else if (is_base64_text(v, at, end)) {
		begin(s, d, KIND_BASE64, v->abs + at);
		scrub_base64(v->p + at, 24, head, sizeof head, NULL);
		if (looks_packed(head))
			begin_packed(d, head[0] == 0x78);
		continue_base64(s, d, v);
	}
}

void
scrub_decode_wide(struct scrub_scan *s, const struct scrub_view *v, size_t at)
{
	struct scrub_decoder *d = scrub_scan_decoder(s, 1);
	size_t odd = 0, even = 0, low;
	bool le;

	if (d->active || v->abs + at < d->next)
		return;
	for (size_t i = at; i < v->n && i < at + 64; i++) {
		odd += (v->abs + i) % 2 && !v->p[i];
		even += (v->abs + i) % 2 == 0 && !v->p[i];
	}
	/* `at` is a multiple of 64 in the stream. */
	le = odd > even;
	low = d->next > v->abs ? (size_t)(d->next - v->abs) : 0;
	if (at > SCRUB_BACK / 2 && low < at - SCRUB_BACK / 2)
		low = at - SCRUB_BACK / 2;
	for (int shift = 0; shift < 2; shift++) {
		size_t i = at + (size_t)shift, k = i;
		bool order = shift ? !le : le;

		while (k + 1 < v->n && k < at + 64 && !is_unit(v, k, order))
			k += 2;
		i = k;
		while (i >= low + 2 && is_unit(v, i - 2, order))
			i -= 2;
		if (k + 2 * WIDE_MIN >= v->n || !is_unit(v, k, order) ||
		    !is_unit(v, k + 2, order) || !is_unit(v, k + 4, order) ||
		    !is_unit(v, k + 6, order))
			continue;
		begin(s, d, order ? KIND_WIDE_LE : KIND_WIDE_BE, v->abs + i);
		continue_wide(s, d, v);
		return;
	}
}
