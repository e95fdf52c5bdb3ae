/* scrub_pdf.c - what a PDF compresses, between "stream" and "endstream", and
 * what zlib alone does.
 *
 * The file passes as it is read; what is zlib in it, or zlib in ASCII85 as
 * ReportLab leaves it, is inflated as it comes, into a stream of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "scrub_pdf.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "lib/base/mem.h"
#include "scrub_priv.h"

enum { OUT = 16384 };
static const char word[] = "stream";

struct scrub_pdf {
	struct scrub_scan *scan;
	z_stream z;
	uint64_t *budget;
	size_t matched; /* of the word and its line end */
	bool inside, over;
	bool begun, ascii85; /* of the stream in hand */
	uint32_t acc;
	unsigned digits;
};

/* What zlib begins a stream with (RFC 1950), as everyone uses it. */
static bool
is_zlib(const uint8_t *p)
{
	return p[0] == 0x78 && (p[0] << 8 | p[1]) % 31 == 0 && !(p[1] & 0x20);
}

struct scrub_pdf *
scrub_pdf_new(const uint8_t *head, size_t n, uint64_t *budget)
{
	bool zlib = n >= 2 && is_zlib(head);
	struct scrub_pdf *f;

	if (!zlib && (n < 5 || memcmp(head, "%PDF-", 5) != 0))
		return NULL;
	f = xcalloc(1, sizeof *f);
	if (inflateInit(&f->z) != Z_OK) {
		free(f);
		return NULL;
	}
	f->budget = budget;
	f->inside = f->begun = zlib;
	f->scan = scrub_scan_new();
	scrub_scan_begin(f->scan, false);
	return f;
}

void
scrub_pdf_free(struct scrub_pdf *f)
{
	if (!f)
		return;
	inflateEnd(&f->z);
	scrub_scan_free(f->scan);
	free(f);
}

/* Past the next "stream" and its line end, or to the end of p. */
static size_t
find_stream(struct scrub_pdf *f, const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint8_t c = p[i++];

		if (f->matched < strlen(word)) {
			f->matched = c == (uint8_t)word[f->matched] ?
			    f->matched + 1 :
			    c == 's';
		} else if (c == '\n') {
			f->matched = 0;
			f->inside = inflateReset(&f->z) == Z_OK;
			f->begun = false;
			f->acc = f->digits = 0;
			return i;
		} else if (c != '\r') {
			f->matched = c == 's';
		}
	}
	return i;
}

/* As much of p as belongs to the stream; what is no zlib ends at once. */
static size_t
inflate_some(struct scrub_pdf *f, const uint8_t *p, size_t n)
{
	uint8_t out[OUT];
	int rc = Z_OK;

	f->z.next_in = (uint8_t *)(uintptr_t)p;
	f->z.avail_in = (unsigned)n;
	do {
		size_t got;

		f->z.next_out = out;
		f->z.avail_out = sizeof out;
		rc = inflate(&f->z, Z_NO_FLUSH);
		got = sizeof out - f->z.avail_out;
		if (got > *f->budget) {
			f->over = true;
			return n;
		}
		*f->budget -= got;
		scrub_scan_add(f->scan, out, got);
	} while (rc == Z_OK && (f->z.avail_in || !f->z.avail_out));
	if (rc != Z_OK && rc != Z_BUF_ERROR) {
		f->inside = false;
		scrub_scan_add(f->scan, (const uint8_t *)"\n", 1);
	}
	return n - f->z.avail_in;
}

/* The same for base 85.  Its end is ~, or what is none of its characters. */
static size_t
inflate_ascii85(struct scrub_pdf *f, const uint8_t *p, size_t n)
{
	uint8_t out[1024];
	size_t len = 0, i = 0;
	bool end = false;

	while (i < n && !end && len + 4 <= sizeof out) {
		unsigned bytes = 4;
		uint8_t c = p[i++];

		if (c <= ' ')
			continue;
		if (c == 'z' && !f->digits) {
			f->digits = 5;
		} else if (c >= '!' && c <= 'u') {
			f->acc = f->acc * 85 + (c - '!');
			f->digits++;
		} else {
			end = true;
			bytes = f->digits ? f->digits - 1 : 0;
			for (; f->digits < 5; f->digits++)
				f->acc = f->acc * 85 + 84;
		}
		if (f->digits < 5)
			continue;
		for (unsigned k = 0; k < bytes; k++)
			out[len++] = (uint8_t)(f->acc >> (24 - 8 * k));
		f->acc = f->digits = 0;
	}
	inflate_some(f, out, len);
	f->inside &= !end;
	return i;
}

void
scrub_pdf_add(struct scrub_pdf *f, const uint8_t *p, size_t n)
{
	size_t took;

	for (; n && !f->over; p += took, n -= took) {
		/* G is what zlib begins with there. */
		if (f->inside && !f->begun)
			f->ascii85 = *p == 'G';
		f->begun = true;
		took = !f->inside ? find_stream(f, p, n) :
		    f->ascii85	  ? inflate_ascii85(f, p, n) :
				    inflate_some(f, p, n);
	}
}

struct scrub_scan *
scrub_pdf_end(struct scrub_pdf *f, bool *over)
{
	*over = f->over;
	scrub_scan_end(f->scan);
	return f->scan;
}
