/* Findings depend neither on block borders nor on the engine; formats of the
 * rule table keep their promises to the prefilter.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/source/scrub_priv.h"
#include "tap.h"

static uint64_t state = 1;

static unsigned
draw(unsigned n)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(state >> 33) % n;
}

static size_t
add(uint8_t *buf, size_t at, const char *s)
{
	memcpy(buf + at, s, strlen(s));
	return at + strlen(s);
}

static size_t
add_random(uint8_t *buf, size_t at, size_t n, unsigned kinds)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ+/_-";

	for (size_t i = 0; i < n; i++)
		buf[at++] = (uint8_t)set[draw(kinds)];
	return at;
}

static size_t
add_base64(uint8_t *buf, size_t at, const uint8_t *p, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				  "mnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i + 2 < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 |
		    p[i + 2];

		for (int k = 18; k >= 0; k -= 6)
			buf[at++] = (uint8_t)set[v >> k & 63];
	}
	return at;
}

enum { FORMS = 6 };

static size_t
add_escaped(uint8_t *buf, size_t at, int form, const uint8_t *p, size_t n)
{
	char *to = (char *)buf + at;
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += (size_t)(form == 0 ? snprintf(to + k, 8, "\\x%02x", p[i]) :
			form == 1	? snprintf(to + k, 8, "\\%03o", p[i]) :
			form == 2	? snprintf(to + k, 8, "%%%02X", p[i]) :
			form == 3	? snprintf(to + k, 8, "\\u%04x", p[i]) :
			form == 4	? snprintf(to + k, 8, "&#%d;", p[i]) :
					  snprintf(to + k, 8, "&#x%02x;", p[i]));
	return at + k;
}

/* About 1 MB of text, secrets in several clothes, binary, UTF-16 and 32. */
static size_t
make_text(uint8_t *b)
{
	size_t n = 0, mark;
	uint8_t plain[6000];

	for (int round = 0; round < 60; round++) {
		for (int k = 0; k < 80; k++) {
			n = add(b, n, "word_");
			n = add_random(b, n, draw(20), 26);
			n = add(b, n, k % 7 ? " = call(x)  " : "\n");
		}
		n = add(b, n, "\nkey = \"sk-or-v1-");
		n = add_random(b, n, 64, 6);
		n = add(b, n, "\"\npassword: ");
		n = add_random(b, n, 14, 62);
		n = add(b, n, "\nurl=postgres://u:");
		n = add_random(b, n, 16, 62);
		n = add(b, n, "@db.corp.io/x\napi_key=");
		n = add_random(b, n, 40, 62);
		mark = add(plain, 0, "some text and then gsk_");
		mark = add_random(plain, mark, 52, 62);
		mark = add(plain, mark, " and the rest of it.  ");
		for (int form = 0; form < FORMS; form++) {
			n = add(b, n, "\nescaped: ");
			n = add_escaped(b, n, form, plain + 19, mark - 19);
		}
		/* Longer than what is decoded at once. */
		n = add(b, n, "\nlong: ");
		for (int k = 0; round % 20 == 0 && k < 100; k++)
			n = add_escaped(b, n, round / 20, plain, mark);
		n = add(b, n, "\nEncoding: Quoted-printable\n\nk=3D");
		memcpy(b + n, plain + 19, 34);
		n = add(b, n + 34, round % 2 ? "=\r\n" : "=\n");
		memcpy(b + n, plain + 53, mark - 53);
		n += mark - 53;
		n = add(b, n, "\npieces: \"gsk_");
		n = add_random(b, n, 26, 62);
		n = add(b, n, "\" +\n\t\"");
		n = add_random(b, n, 26, 62);
		n = add(b, n, "\"\ndata: ");
		n = add_base64(b, n, plain, mark);
		n = add(b, n, "\n");
		for (size_t i = 0; i < mark; i++) {
			b[n++] = plain[i];
			b[n++] = 0;
		}
		n = add_random(b, n, draw(5), 62);
		for (size_t i = 0; i < mark; i++) {
			b[n++] = plain[i];
			memset(b + n, 0, 3);
			n += 3;
		}
		for (int k = 0; k < 200; k++)
			b[n++] = (uint8_t)draw(256);
		n = add_random(b, n, round * 37, 62);
	}
	return n;
}

static char *
scan(const uint8_t *p, size_t n, size_t block, int engine, size_t *count)
{
	struct scrub_scan *s = scrub_scan_new();
	struct scrub_cand *c;
	char *out = calloc(1, 1 << 20);
	size_t len = 0;

	scrub_engine = engine;
	scrub_scan_block(s, block);
	scrub_scan_begin(s, false);
	scrub_scan_add(s, p, n);
	scrub_scan_end(s);
	c = scrub_scan_found(s, count);
	for (size_t i = 0; i < *count; i++)
		len += (size_t)snprintf(out + len, (1 << 20) - len,
		    "%llu-%llu %u:%u %s %d %s\n",
		    (unsigned long long)c[i].start,
		    (unsigned long long)c[i].end, c[i].line, c[i].col,
		    c[i].rule, c[i].level, c[i].masked);
	scrub_scan_free(s);
	scrub_engine = 0;
	return out;
}

static void
test_blocks(void)
{
	static const size_t blocks[] = { 1, 61, 64, 1000, 4096, 70001,
		1 << 20 };
	uint8_t *text = calloc(1, 4 << 20);
	size_t n = make_text(text), count, other;
	char *want = scan(text, n, SCRUB_BLOCK, 0, &count);

	ok(count >= 60 * 16, "%zu findings in %zu bytes", count, n);
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
		for (int engine = 0; engine < 2; engine++) {
			char *got = scan(text, n, blocks[i], engine, &other);

			ok(!strcmp(want, got),
			    "blocks of %zu, engine %d: the same findings",
			    blocks[i], engine);
			free(got);
		}
	free(want);
	free(text);
}

static void
test_rules(void)
{
	bool together = true, long_enough = true, caseless;
	size_t len;

	for (size_t i = 0; i < scrub_nrules; i++)
		for (size_t k = i + 2; k < scrub_nrules; k++)
			if (!strcmp(scrub_rules[i].lit, scrub_rules[k].lit) &&
			    strcmp(scrub_rules[k - 1].lit, scrub_rules[k].lit))
				together = false;
	for (size_t i = 0; i < scrub_literal_count(); i++)
		if (scrub_literal_get(i, &len, &caseless) &&
		    (len < 4 || len >= SCRUB_LIT_MAX))
			long_enough = false;
	ok(together, "rows of one literal stand together");
	ok(long_enough, "literals have 4 to 31 bytes");
	ok(scrub_nrules >= 150, "%zu rows", scrub_nrules);
}

static void
test_engines(void)
{
	size_t count;
	bool hs = false;

	scrub_engine = 0;
	/* Without vectorscan both runs above were the portable filter. */
	hs = scrub_prefilter_hs((const uint8_t *)"x", 1, 0, 1, NULL, NULL);
	ok(1, "vectorscan is %s", hs ? "in use" : "absent");
	free(scan((const uint8_t *)"", 0, SCRUB_BLOCK, 0, &count));
	ok(count == 0, "an empty stream has no findings");
}

/* Whole groups by AVX2 and one by one: the same bytes, the same end. */
static void
test_base64(void)
{
	uint8_t text[400], fast[330], slow[330];
	bool same = true;

	for (int round = 0; round < 2000; round++) {
		size_t n = draw(300), a, b, k;

		add_random(text, 0, 300, 66);
		if (round % 2)
			text[draw(300)] = (uint8_t) "=. ~\n\xff%\0"[draw(8)];
		scrub_engine = 0;
		a = scrub_base64_blocks(text, n, fast);
		scrub_engine = 1;
		b = scrub_base64_blocks(text, n, slow);
		scrub_engine = 0;
		k = a < b ? a : b;
		same &= a <= b && b - a < 32 && !memcmp(fast, slow, k / 4 * 3);
	}
	ok(same, "base64 by groups of 32 and of 4: the same");
}

/* A token of Grafana's documentation, in parts: it looks like a real one. */
static void
test_checksums(void)
{
	char token[64];

	snprintf(token, sizeof token, "%s_%s_%s", "glsa",
	    "yscW25imSKJIuav8zF37RZmnbiDvB05G", "fcaaf58a");
	ok(scrub_check_grafana((uint8_t *)token, 46) == SCRUB_GOOD,
	    "grafana: a documented token");
	token[45] = 'b';
	ok(scrub_check_grafana((uint8_t *)token, 46) == SCRUB_FAILED,
	    "grafana: another checksum");
}

/* What one stream left in the block is no part of the next one. */
static void
test_next(void)
{
	static const char text[] = "password kq7Vw2Lx9TzR4b\r\n";
	struct scrub_scan *s = scrub_scan_new();
	size_t n = sizeof text - 1, count, after;

	for (size_t end = n; end >= n - 1; end--) {
		char *fresh = scan((const uint8_t *)text, end, 64, 0, &count);

		scrub_scan_begin(s, false);
		scrub_scan_add(s, (const uint8_t *)text, end);
		scrub_scan_end(s);
		scrub_scan_found(s, &after);
		ok(count == after && count == (end == n),
		    "%zu bytes: %zu found alone, %zu after another", end, count,
		    after);
		free(fresh);
	}
	scrub_scan_free(s);
}

/* Nothing stands before the first byte: for the sanitizers to see. */
static void
test_first(void)
{
	static const char *const rows[] = { ":Password>x", ":pass\">x",
		"\"secret\">x", "{token}  x", "|password|x", "-password x",
		",password\nx,y", "<key>x", "]password=x" };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t count, n = strlen(rows[i]);
		char *out = scan((const uint8_t *)rows[i], n, 64, 0, &count);

		ok(count == 0, "row %zu: nothing", i + 1);
		free(out);
	}
}

int
main(void)
{
	test_first();
	test_next();
	test_base64();
	test_checksums();
	test_rules();
	test_engines();
	test_blocks();
	return done();
}
