/* str: numbers, sizes, times, quoting, escaping, lists.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tap.h"

#define K 1024ull
#define BAD UINT64_MAX

static const struct {
	const char *in;
	uint64_t out;
} sizes[] = {
	{ "0", 0 },
	{ "512", 512 },
	{ "512b", 512 },
	{ "1k", K },
	{ "1K", K },
	{ "1KB", K },
	{ "1KiB", K },
	{ "512M", 512 * K *K },
	{ "8GB", 8 * K *K *K },
	{ "2GiB", 2 * K *K *K },
	{ "1t", K *K *K *K },
	{ "", BAD },
	{ "M", BAD },
	{ "-1", BAD },
	{ "+1", BAD },
	{ " 1", BAD },
	{ "1 ", BAD },
	{ "1.5G", BAD },
	{ "0x10", BAD },
	{ "1P", BAD },
	{ "1KK", BAD },
	{ "1iK", BAD },
	{ "1Kbit", BAD },
	{ "18446744073709551616", BAD },
	{ "99999999T", BAD },
};

static const struct {
	const char *in;
	int64_t out;
} times[] = {
	{ "0", 0 },
	{ "1", 1000 },
	{ "60s", 60000 },
	{ "500ms", 500 },
	{ "0.5s", 500 },
	{ "0.25", 250 },
	{ "1.5m", 90000 },
	{ "2h", 7200000 },
	{ "0.0001s", 0 },
	{ "1.000000000001s", 1000 },
	{ "", -1 },
	{ ".5", -1 },
	{ "1.", -1 },
	{ "-1", -1 },
	{ "1x", -1 },
	{ "1 s", -1 },
	{ "1d", -1 },
	{ "s", -1 },
	{ "1e3", -1 },
	{ "99999999999999999999", -1 },
	{ "9999999999999999", -1 },
};

static const struct {
	uint64_t in;
	const char *out;
} humans[] = {
	{ 0, "0 B" },
	{ 1023, "1023 B" },
	{ 1024, "1.0 KB" },
	{ 1048575, "1.0 MB" },
	{ 64172851, "61.2 MB" },
	{ UINT64_MAX, "16.0 EB" },
};

static const struct {
	const char *in, *out;
} quotes[] = {
	{ "", "''" },
	{ "plain-1.0_x@y%z+a=b:c,d/e", "plain-1.0_x@y%z+a=b:c,d/e" },
	{ "a b", "'a b'" },
	{ "it's", "'it'\\''s'" },
	{ "'", "''\\'''" },
	{ "$(rm)", "'$(rm)'" },
	{ "~", "'~'" },
	{ "a\nb", "'a\nb'" },
	{ "\xc3\xa9", "'\xc3\xa9'" },
};

static const struct {
	const char *in, *out;
} visibles[] = {
	{ "plain", "plain" }, { "a\033[31m", "a\\x1b[31m" },
	{ "a\nb\t", "a\\x0ab\\x09" }, { "\x7f", "\\x7f" },
	{ "h\xc3\xa9", "h\xc3\xa9" }, { "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	{ "\xc2\x9b", "\\xc2\\x9b" }, /* C1: CSI */
	{ "\xff", "\\xff" }, { "\xc3", "\\xc3" }, /* cut short */
	{ "\xc0\xaf", "\\xc0\\xaf" }, /* overlong */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* surrogate */
	{ "\xe2\x80\xae", "\\xe2\\x80\\xae" }, /* reversed text */
};

static void
numbers(void)
{
	uint64_t v;
	uint32_t w;

	ok(bindu_str_u64("18446744073709551615", &v, NULL) == 0 &&
		v == UINT64_MAX,
	    "the largest number");
	ok(bindu_str_u64("18446744073709551616", &v, NULL) == -1,
	    "one more is refused");
	ok(bindu_str_u32("4294967295", &w, NULL) == 0 && w == UINT32_MAX,
	    "the largest 32-bit number");
	ok(bindu_str_u32("4294967296", &w, NULL) == -1,
	    "one more is refused there");
}

static void
lists_and_hex(void)
{
	AUTO_STRV struct bindu_strv l = { 0 };
	uint8_t raw[4];
	char hex[9];

	for (int i = 0; i < 100; i++)
		bindu_strv_addf(&l, "%d", i);
	ok(l.n == 100 && l.v[100] == NULL && bindu_strv_has(&l, "99") &&
		!bindu_strv_has(&l, "100"),
	    "a list of 100 ends with NULL");
	ok(bindu_str_unhex("00ffAb1c", raw, 4) == 0 &&
		!strcmp(bindu_str_hex(raw, 4, hex), "00ffab1c"),
	    "hex there and back");
	ok(bindu_str_unhex("00ff", raw, 4) == -1, "too short is no hex");
	ok(bindu_str_unhex("00ffxx00", raw, 4) == -1, "x is no hex");
	ok(bindu_str_icmp("AbC", "aBc") == 0 && bindu_str_icmp("a", "b") < 0 &&
		bindu_str_icmp("abc", "ab") > 0,
	    "case does not count");
	ok(bindu_str_starts("abc", "ab") && !bindu_str_starts("a", "ab") &&
		bindu_str_ends("abc", "bc") && !bindu_str_ends("c", "bc"),
	    "prefix and suffix");
}

static const char *const words[] = { "create", "get", "list", "start", "stop",
	"destroy", "status", NULL };
static const struct {
	const char *given, *meant;
} slips[] = {
	{ "creat", "create" },
	{ "ceate", "create" },
	{ "crate", "create" },
	{ "lsit", "list" },
	{ "lst", "list" },
	{ "st", "start" },
	{ "stat", "status" },
	{ "stats", "status" },
	{ "stpo", "stop" },
	{ "pots", NULL },
	{ "distroy", "destroy" },
	{ "gett", "get" },
	{ "x", NULL },
	{ "", NULL },
	{ "remove", NULL },
};

static const struct {
	const char *in;
	size_t n;
} chars[] = {
	{ "a", 1 },
	{ "", 1 },
	{ "\x7f", 1 },
	{ "\xc3\xa9", 2 },
	{ "\xe2\x82\xac", 3 },
	{ "\xf0\x9f\x98\x80", 4 },
	{ "\xc3", 0 },
	{ "\xe2\x82", 0 },
	{ "\xc0\x80", 0 },
	{ "\xe0\x80\x80", 0 },
	{ "\xed\xa0\x80", 0 },
	{ "\xf4\x90\x80\x80", 0 },
	{ "\xff", 0 },
	{ "\x80", 0 },
};

static void
check_words(void)
{
	for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
		const char *s = slips[i].given, *best = NULL;

		for (size_t j = 0; words[j] != NULL; j++)
			best = bindu_str_nearer(s, strlen(s), best, words[j]);
		ok(best == slips[i].meant ||
			(best != NULL && slips[i].meant != NULL &&
			    !strcmp(best, slips[i].meant)),
		    "\"%s\" means %s", s, best != NULL ? best : "nothing");
	}
	for (size_t i = 0; i < sizeof chars / sizeof *chars; i++)
		ok(bindu_str_utf8(chars[i].in) == chars[i].n,
		    "UTF-8 row %zu: %zu bytes", i, chars[i].n);
}

static void
shown(void)
{
	AUTO_FREE char *odd = bindu_str_shown("a\x1b"
					      "b");
	AUTO_FREE char *end = NULL, *worst = NULL;
	char text[9000];

	ok(!strcmp(odd,
	       "a\\x1b"
	       "b"),
	    "shown: %s", odd);
	memset(text, 'a', sizeof text);
	text[0] = 'b';
	text[8998] = 'c';
	text[8999] = '\0';
	end = bindu_str_shown(text);
	ok(strlen(end) == 503 && *end == 'b' && end[502] == 'c' &&
		strstr(end, "a...a"),
	    "shown: both ends of what is long");
	memset(text, 1, 8999);
	worst = bindu_str_shown(text);
	ok(strlen(worst) == 700, "shown: never more than 700 bytes");
}

int
main(void)
{
	struct bindu_buf tiny = BINDU_BUF_INIT(4);
	uint64_t v = 0;
	int64_t t = 0;
	char h[16];

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int r = bindu_str_size(sizes[i].in, &v, NULL);

		ok(sizes[i].out == BAD ? r == -1 : r == 0 && v == sizes[i].out,
		    "size \"%s\"", sizes[i].in);
	}
	check_words();
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		int r = bindu_str_msec(times[i].in, &t, NULL);

		ok(times[i].out == -1 ? r == -1 : r == 0 && t == times[i].out,
		    "time \"%s\"", times[i].in);
	}
	for (size_t i = 0; i < sizeof humans / sizeof *humans; i++)
		ok(!strcmp(bindu_str_human(humans[i].in, h, sizeof h),
		       humans[i].out),
		    "%s", humans[i].out);
	ok(!*bindu_str_s(1) && *bindu_str_s(0) == 's' && *bindu_str_s(2) == 's',
	    "one file, no files, two files");
	for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(100);

		bindu_str_shquote(&b, quotes[i].in, NULL);
		ok(!strcmp(b.p, quotes[i].out), "quoted for sh: row %zu", i);
	}
	for (size_t i = 0; i < sizeof visibles / sizeof *visibles; i++) {
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(100);

		bindu_str_visible(&b, visibles[i].in, strlen(visibles[i].in),
		    NULL);
		ok(!strcmp(b.p, visibles[i].out), "visible: row %zu", i);
	}
	bindu_buf_addc(&tiny, 'x', NULL);
	ok(bindu_str_shquote(&tiny, "a b", NULL) == -1 && !strcmp(tiny.p, "x"),
	    "quoting that does not fit adds nothing");
	bindu_buf_fini(&tiny);
	numbers();
	shown();
	lists_and_hex();
	return done();
}
