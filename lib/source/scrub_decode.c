/* scrub_decode.c - secrets in other clothes: base64, hex, UTF-16, UTF-32.
 *
 * A run is decoded into a child stream and scanned there; what the child
 * finds is given the coordinates of the encoded text.  Long runs go on from
 * block to block.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_priv.h"

enum { KIND_BASE64, KIND_WIDE, KIND_HEX, KIND_MAPPED };
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
	case KIND_WIDE:
		return n * d->unit;
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
	if (d->kind == KIND_WIDE) {
		uint32_t before = (c->col - 1) * (uint32_t)d->unit;

		line += c->line - 1;
		col = c->line == 1 ? d->col + before : before + 1;
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
	static const char magic[][5] = { "\x1f\x8b\x08", "BZh9", "\3757zX",
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

/* A unit of UTF-16 or 32 that is ASCII: zeros but for the byte at place. */
static inline bool
is_unit(const struct scrub_view *v, size_t i, const struct scrub_decoder *d)
{
	uint8_t c = v->p[i + d->place], others = 0;

	for (size_t k = 0; k < d->unit; k++)
		others |= k == d->place ? 0 : v->p[i + k];
	return !others && c && (c >= 32 || isspace(c));
}

static void
continue_wide(struct scrub_scan *s, struct scrub_decoder *d,
    const struct scrub_view *v)
{
	size_t i = (size_t)(d->next - v->abs), n = 0;
	uint8_t out[512];

	while (i + d->unit <= v->n && i < v->limit && is_unit(v, i, d)) {
		out[n++] = v->p[i + d->place];
		i += d->unit;
		if (n == sizeof out) {
			scrub_scan_add(d->child, out, n);
			n = 0;
		}
	}
	scrub_scan_add(d->child, out, n);
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

static void
decode_hex(struct scrub_scan *s, struct scrub_decoder *d,
    const struct scrub_view *v, size_t at, size_t end)
{
	uint8_t out[512];
	size_t n = 0;

	begin(s, d, KIND_HEX, v->abs + at);
	for (size_t i = at; i + 1 < end; i += 2) {
		out[n++] = (uint8_t)scrub_hex(v->p + i);
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
		head[i] = (uint8_t)scrub_hex(v->p + at + 2 * i);
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
		uint64_t a = start + m->from[c[k].start];
		uint32_t line, col;

		scrub_scan_where(s, a, &line, &col);
		scrub_adopt(s, &c[k], a, start + m->from[c[k].end], line, col);
	}
}

void
scrub_decode_run(struct scrub_scan *s, const struct scrub_view *v, size_t at,
    size_t end)
{
	struct scrub_decoder *d = scrub_scan_decoder(s, 0);
	const uint8_t *percent;
	uint8_t head[18];
	size_t prefix;

	if (d->active || v->abs + at < d->next)
		return;
	prefix = !memcmp(v->p + at, "0x", 2) ? 2 : 0;
	percent = memchr(v->p + at, '%', end - at);
	if (percent && (size_t)(percent - v->p) + 2 < end &&
	    scrub_hex(percent + 1) >= 0)
		return; /* an escape */
	if (is_hex_text(v, at + prefix, end)) {
		decode_hex(s, d, v, at + prefix, end);
	} else if (is_base64_text(v, at, end)) {
		begin(s, d, KIND_BASE64, v->abs + at);
		scrub_base64(v->p + at, 24, head, sizeof head, NULL);
		if (looks_packed(head))
			begin_packed(d, head[0] == 0x78);
		continue_base64(s, d, v);
	}
}

/* Begin where at least four such units stand one after the other, the first
 * of them in the word at v->p[at). */
static bool
begin_wide(struct scrub_scan *s, struct scrub_decoder *d,
    const struct scrub_view *v, size_t at, size_t shift)
{
	size_t unit = d->unit, i = at + shift, k = i, low;

	low = d->next > v->abs ? (size_t)(d->next - v->abs) : 0;
	if (at > SCRUB_BACK / 2 && low < at - SCRUB_BACK / 2)
		low = at - SCRUB_BACK / 2;
	while (k + unit <= v->n && k < at + 64 && !is_unit(v, k, d))
		k += unit;
	if (k + unit * WIDE_MIN >= v->n)
		return false;
	for (i = k; i < k + 4 * unit; i += unit)
		if (!is_unit(v, i, d))
			return false;
	for (i = k; i >= low + unit && is_unit(v, i - unit, d);)
		i -= unit;
	begin(s, d, KIND_WIDE, v->abs + i);
	continue_wide(s, d, v);
	return true;
}

void
scrub_decode_wide(struct scrub_scan *s, const struct scrub_view *v, size_t at)
{
	struct scrub_decoder *d = scrub_scan_decoder(s, 1);
	size_t odd = 0, even = 0;
	bool le;

	if (d->active || v->abs + at < d->next)
		return;
	for (size_t i = at; i < v->n && i < at + 64; i++) {
		odd += (v->abs + i) % 2 && !v->p[i];
		even += (v->abs + i) % 2 == 0 && !v->p[i];
	}
	/* `at` is a multiple of 64 in the stream. */
	le = odd > even;
	d->unit = 2;
	for (size_t shift = 0; shift < 2; shift++) {
		d->place = shift ? le : !le;
		if (begin_wide(s, d, v, at, shift))
			return;
	}
	/* Both orders where text begins at a multiple of four; in a program the
	 * zeros tell of no order. */
	d->unit = 4;
	for (size_t i = 0; i < 5; i++) {
		d->place = i == 1 ? 3 : 0;
		if (begin_wide(s, d, v, at, i > 1 ? i - 1 : 0))
			return;
	}
}
