/* ignore_test.c - one ignore file against paths: every row was checked with
 * git 2.39.5.  Paths end in "/" for directories, in "@" for links to one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/source/ignore_rules.h"
#include "tap.h"

static const struct row {
	const char *id, *rules, *ignored, *kept; /* paths split by "|" */
} rows[] = {
	/* Anchoring and directories */
	{ "A1", "foo", "foo|a/foo|a/b/foo/x", "foo2" },
	{ "A2", "/foo", "foo", "a/foo" },
	{ "A3", "a/foo", "a/foo", "b/a/foo" },
	{ "A4", "foo/", "x/foo/|x/foo/y", "foo" },
	{ "A5", "a/b/", "a/b/|a/b/c", "z/a/b/" },
	{ "A6", "/", "", "foo|a/|a/b" },
	{ "A7a", "//foo", "", "foo|a/foo" },
	{ "A7b", "foo//", "", "foo/|foo" },
	{ "A7c", "a//b", "", "a/b" },
	{ "A7d", "./foo", "", "foo" },
	{ "A7e", "../foo", "", "foo|a/foo" },
	{ "A7f", "foo/.", "", "foo/|foo/x" },
	{ "A8", "*/", "d/|d/e/", "f|l@" },
	{ "A9", "l/", "d/l/", "l@" },
	{ "A10", "l", "l@", "" },
	{ "A11", "dir/sub\n!dir/sub/", "", "dir/sub/|dir/sub/f" },
	{ "A12", "dir\n!dir/", "x/dir", "dir/" },
	/* Negation and re-include */
	{ "B1", "*.log\n!keep.log", "a.log", "keep.log|d/keep.log" },
	{ "B2", "!keep.log\n*.log", "keep.log", "" },
	{ "B3", "build/\n!build/keep", "build/|build/keep", "" },
	{ "B4", "build/*\n!build/keep", "build/x", "build/|build/keep" },
	{ "B5", "build/**\n!build/keep\n!build/sub/k", "build/sub/|build/sub/k",
	    "build/|build/keep" },
	{ "B6", "build/**\n!build/**/\n!build/sub/k", "build/sub/x",
	    "build/sub/|build/sub/k" },
	{ "B7", "/*\n!/foo\n/foo/*\n!/foo/bar", "foo/baz|qux", "foo/|foo/bar" },
	{ "B8", "*\n!*/\n!*.c", "d/a.h", "a.c|d/|d/a.c" },
	{ "B9", "*\n!.gitignore", "d/|d/.gitignore", ".gitignore" },
	{ "B10", "build\n!/foo/build", "build/", "foo/build/|foo/build/x" },
	{ "B11", "a/**/*\n!a/b", "a/b/c", "a/b/" },
	{ "B12", "*\n!src/**", "src/|src/a.py", "" },
	{ "B13", "*\n!src/\n!src/**", "", "src/|src/a.py|src/d/e" },
	{ "B14", "/*/\n!/src", "dist/", "src/|src/a|README" },
	{ "B15", "foo/*\n!foo/bar/\nfoo/bar/*\n!foo/bar/k", "foo/bar/z|foo/q",
	    "foo/bar/k" },
	{ "B16", "*\n!!foo", "foo", "!foo" },
	{ "B17a", "!", "", "foo|!|a/" },
	{ "B17b", "*.a\n!", "x.a", "" },
	{ "B18", ".env\n!.env.example\n.env*", ".env|.env.example|.envrc", "" },
	/* Double star */
	{ "C1", "**/foo", "foo|a/foo|a/b/foo/", "afoo" },
	{ "C2", "**/foo/bar", "foo/bar|x/foo/bar", "foo/x/bar" },
	{ "C3", "abc/**", "abc/x|abc/x/y", "abc/" },
	{ "C4", "a/**/b", "a/b|a/x/b|a/x/y/b", "ab|z/a/b" },
	{ "C5a", "**", "foo|a/", "" },
	{ "C5b", "/**", "foo|a/", "" },
	{ "C5c", "**/*", "foo|a/", "" },
	{ "C6a", "**/", "a/|a/x|a/b/c", "foo" },
	{ "C6b", "/**/", "a/|a/x|a/b/c", "foo" },
	{ "C7", "a**b", "ab|axxb|d/axb", "a/b" },
	{ "C8", "a**/b", "ab|a/b|axx/b|axx/y/b|a/x/y/b", "" },
	{ "C9", "x/a**/b", "x/a/b|x/ayy/b|x/ayy/z/b", "" },
	{ "C10", "x/[a]**/b", "x/a/b", "x/ayy/z/b" },
	{ "C11", "foo**/bar", "foo/bar|foo/x/bar|fooxx/y/bar", "" },
	{ "C12", "a/**b", "a/b|a/xb", "a/x/b" },
	{ "C13", "a/**c/d", "a/c/d|a/xc/d", "a/x/c/d" },
	{ "C14", "a**\\/b", "a/b|a/x/b", "" },
	{ "C15", "a/***/b", "a/b|a/x/y/b", "" },
	{ "C16a", "a/**/**/b", "a/b|a/x/b", "" },
	{ "C16b", "**/**/x", "x|a/x", "" },
	{ "C17", "a/*", "a/b|a/c/d", "a/" },
	{ "C18", "*/foo", "a/foo", "foo|a/b/foo" },
	{ "C19", "a/*/b", "a/x/b", "a/b|a/x/y/b" },
	{ "C20", "foo**", "fooo|a/foox|foo/x", "" },
	{ "C21", "**foo", "foo|xfoo|a/xfoo", "" },
	{ "C22", "**/a**", "ax|d/axy", "d/b" },
	{ "C23", "a/**/", "a/d/|a/d/e", "a/|a/x" },
	{ "C24", "**/*.min.*/**", "x.min.d/f", "x.min.d/" },
	{ "C25", "foo/**/*", "foo/a|foo/b/c", "foo/" },
	{ "C26", "*/**", "d/f|d/e/f", "f|d/" },
	{ "C27", "*a/b", "a/b|xa/b", "y/a/b" },
	{ "C28", "**a/b", "a/b|xa/b", "y/xa/b" },
	{ "C29", "*", "f|.hidden|d/", "" },
	{ "C30", ".*", ".env|a/.env", "env" },
	{ "C31", "?", "a|d/x", "ab" },
	{ "C32", "a?b/x", "acb/x", "a/b/x" },
	{ "C33a", "{a,b}", "{a,b}", "a|b" },
	{ "C33b", "/{{x}}.yml", "{{x}}.yml", "x.yml" },
	/* Spaces, escapes, comments */
	{ "D1", "foo ", "foo", "foo " },
	{ "D2", "foo\\ ", "foo ", "foo" },
	{ "D3", "foo\\ \\ ", "foo  ", "foo " },
	{ "D4", "foo\\  ", "foo ", "foo  " },
	{ "D5", "foo\\\\ ", "foo\\", "foo\\ " },
	{ "D6", "foo\t", "foo\t", "foo" },
	{ "D7", " foo", " foo", "foo" },
	{ "D8", "dir/ ", "dir/", "" },
	{ "D9", "   ", "", " |   |foo" },
	{ "D10", "#foo", "", "#foo" },
	{ "D11", "\\#foo", "#foo", "" },
	{ "D12", " #foo", " #foo", "" },
	{ "D13", "foo #c", "foo #c", "foo" },
	{ "D14", "\\!foo", "!foo", "foo" },
	{ "D15", "*\n!#foo", "", "#foo" },
	{ "D16", "*\n!\\!x", "", "!x" },
	{ "D17", "*\n! k", "k", " k" },
	{ "D18a", "foo\\", "", "foo|foo\\" },
	{ "D18b", "\\", "", "\\|foo" },
	{ "D19", "f\\oo", "foo", "f\\oo" },
	{ "D20", "f\\\\oo", "f\\oo", "foo" },
	{ "D21", "\\*\\?\\[", "*?[", "" },
	{ "D22", "\\**", "*|*x", "x" },
	{ "D23", "a\\/b", "a/b", "x/a/b" },
	{ "D24", "foo\\/", "", "foo/" },
	{ "D25", "/\\#x", "#x", "" },
	{ "D26", "\"foo\"", "\"foo\"", "foo" },
	{ "D27", "a b", "a b", "a" },
	{ "D28", "~temp-*", "~temp-x/|~temp-x/y", "" },
	/* Brackets */
	{ "E1a", "[!a].o", "b.o", "a.o" },
	{ "E1b", "[^a].o", "b.o", "a.o" },
	{ "E2", "[c-a]x", "cx", "ax|bx" },
	{ "E3", "[]a]x", "]x|ax", "" },
	{ "E4", "[!]a]x", "bx", "]x" },
	{ "E5", "a[]-]b", "a]b|a-b", "aab" },
	{ "E6a", "[a-]x", "-x|ax", "" },
	{ "E6b", "[-a]x", "-x|ax", "" },
	{ "E7", "[a-c-e]x", "-x|ex|bx", "dx" },
	{ "E8", "[!]-a]x", "[x", "^x" },
	{ "E9", "[[:digit:]]x", "5x", "ax" },
	{ "E10", "[![:digit:]]x", "ax", "5x" },
	{ "E11", "[[:alnum:]_-]x", "_x|-x", ".x" },
	{ "E12a", "[[:bogus:]]x", "", "bx|:x" },
	{ "E12b", "[[:DIGIT:]]x", "", "5x|Dx" },
	{ "E13", "[[:digit]x", "dx|[x|:x", "5x" },
	{ "E14a", "[[.a.]]x", ".]x|a]x", "ax" },
	{ "E14b", "[[=a=]]x", "=]x|a]x", "ax" },
	{ "E15a", "[a", "", "[a|a" },
	{ "E15b", "[!]x", "", "ax|]x|[!]x" },
	{ "E15c", "[]x", "", "x|[]x" },
	{ "E16", "[\\]]x", "]x", "\\x" },
	{ "E17", "[\\\\]x", "\\x", "" },
	{ "E18", "[A-\\\\]x", "Gx|\\x", "ax" },
	{ "E19", "a[/]b", "", "a/b" },
	{ "E20", "d/a[!x]b", "d/ayb", "d/a/b" },
	{ "E21", "d/a[.-0]c", "d/a.c", "d/a/c" },
	{ "E22a", "[*]x", "*x", "ax" },
	{ "E22b", "[?]x", "?x", "ax" },
	{ "E23a", "[[:upper:]]x", "Ax", "ax|\xc3\x84x" },
	{ "E23b", "[[:xdigit:]]x", "fx|Fx", "gx" },
	{ "E24a", "?x", "", "\xc3\xa9x" },
	{ "E24b", "??x", "\xc3\xa9x", "" },
	{ "E24c", "[\xc3\xa9]x", "", "\xc3\xa9x" },
	/* Case, line ends, encoding, limits */
	{ "F1a", "Foo", "Foo", "foo" },
	{ "F1b", "*.HTML", "a.HTML", "a.html" },
	{ "G1", "foo\r\n", "foo", "foo\r" },
	{ "G2", "foo\r\r\n", "foo\r", "foo" },
	{ "G3", "foo \r\n", "foo", "foo " },
	{ "G4", "foo\r", "foo", "foo\r" },
	{ "G5", "foo\\\r\n", "", "foo|foo\\|foo\r" },
	{ "G6", "foo\rbar", "foo\rbar", "foo|bar" },
	{ "G7a",
	    "\xef\xbb\xbf"
	    "foo",
	    "foo", "" },
	{ "G7b", "\xef\xbb\xbf#foo", "", "#foo|\xef\xbb\xbf#foo" },
	{ "G8",
	    "x\n\xef\xbb\xbf"
	    "foo",
	    "\xef\xbb\xbf"
	    "foo",
	    "foo" },
	{ "G10a", "\xff\xfe*",
	    "\xff\xfe"
	    "a",
	    "a" },
	{ "G10b", "caf\xe9", "caf\xe9", "caf\xc3\xa9" },
	{ "G10c", "caf\xc3\xa9", "caf\xc3\xa9", "cafe\xcc\x81" },
	{ "L1", "foo", "foo", "foo\nbar" },
};

/* Judge every ancestor first, as a walk does. */
static bool
is_ignored(struct bindu_rules *r, const char *path)
{
	size_t n = strlen(path), base = 0, end;
	bool dir = path[n - 1] == '/';

	n -= dir || path[n - 1] == '@';
	for (;; base = end + 1) {
		struct bindu_rule rule;
		const char *slash = memchr(path + base, '/', n - base);

		end = slash ? (size_t)(slash - path) : n;
		if (bindu_rules_find(r, path, end, base, end < n || dir,
			&rule) &&
		    !rule.negated)
			return true;
		if (end == n)
			return false;
	}
}

static void
check_paths(struct bindu_rules *r, const char *id, const char *paths, bool want)
{
	AUTO_FREE char *copy = xstrdup(paths);
	char *save = NULL;

	for (char *p = strtok_r(copy, "|", &save); p != NULL;
	     p = strtok_r(NULL, "|", &save))
		ok(is_ignored(r, p) == want, "%s: %s is %s", id,
		    strchr(p, '\n') ? "a name with a newline" : p,
		    want ? "ignored" : "kept");
}

static struct bindu_rules *
rules_of(const char *text, size_t n, bool fold)
{
	return bindu_rules_new(xmemdup(text, n), n, ".gitignore", fold);
}

static void
check_text(const char *id, const char *text, size_t n, bool fold,
    const char *ignored, const char *kept)
{
	struct bindu_rules *r = rules_of(text, n, fold);

	check_paths(r, id, ignored, true);
	check_paths(r, id, kept, false);
	bindu_rules_free(r);
}

static void
check_fold(void)
{
	check_text("F1 folded", "Foo", 3, true, "foo|FOO|Foo", "fo");
	check_text("F1 folded set", "[A-C]x", 6, true, "bx|Bx", "dx");
	check_text("F1 folded ext", "*.HTML", 6, true, "a.html|a.Html", "a.h");
	check_text("F1 folded path", "A/*b", 4, true, "a/xB", "x/a/b");
	/* git compares a single member, and an escaped letter, as written. */
	check_text("F1 folded member", "[A]x", 4, true, "", "ax|Ax");
	check_text("F1 folded escape", "\\Foo", 4, true, "", "foo|Foo");
}

static void
check_long(void)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 20);
	AUTO_BUF struct bindu_buf name = BINDU_BUF_INIT(1 << 20);

	for (int i = 0; i < 70000; i++)
		bindu_buf_addc(&b, 'x', NULL);
	bindu_buf_adds(&b, "\nfoo\n", NULL);
	check_text("G11", b.p, b.len, false, "foo", "bar");
	bindu_buf_reset(&b);
	for (int i = 0; i < 200; i++)
		bindu_buf_addc(&b, 'a', NULL);
	bindu_buf_addc(&b, '*', NULL);
	for (int i = 0; i < 210; i++)
		bindu_buf_addc(&name, 'a', NULL);
	check_text("G12", b.p, b.len, false, name.p, "aaa");
	check_text("G9", "fo\0o\nbar", 8, false, "fo|bar", "foo");
}

/* The bound that keeps hostile rules harmless. */
static void
check_time(const char *id, const char *piece, int times, const char *end,
    const char *unit, int units, int64_t max_us)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 20);
	AUTO_BUF struct bindu_buf name = BINDU_BUF_INIT(1 << 20);
	struct bindu_rules *r;
	int64_t best = INT64_MAX;
	bool hit = false;

	for (int i = 0; i < times; i++)
		bindu_buf_adds(&b, piece, NULL);
	bindu_buf_adds(&b, end, NULL);
	for (int i = 0; i < units; i++)
		bindu_buf_adds(&name, unit, NULL);
	r = rules_of(b.p, b.len, false);
	for (int i = 0; i < 5; i++) {
		struct bindu_rule rule;
		int64_t t = bindu_clock_us();
		char *slash = strrchr(name.p, '/');

		hit |= bindu_rules_find(r, name.p, name.len,
		    slash ? (size_t)(slash + 1 - name.p) : 0, false, &rule);
		t = bindu_clock_us() - t;
		best = t < best ? t : best;
	}
	ok(!hit && best <= max_us, "%s: no match, in %lld us (at most %lld)",
	    id, (long long)best, (long long)max_us);
	bindu_rules_free(r);
}

int
main(void)
{
	int64_t slow = getenv("BINDU_TEST_SAN") ? 20 : 1;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_text(rows[i].id, rows[i].rules, strlen(rows[i].rules),
		    false, rows[i].ignored, rows[i].kept);
	check_fold();
	check_long();
	check_time("C34", "*a", 40, "b", "a", 80, 200 * slow);
	check_time("stars and a long name", "a*", 120, "b", "a", 255,
	    1000 * slow);
	check_time("double stars and a long path", "**/a*", 60, "/**/b",
	    "aaaa/", 800, 20000 * slow);
	check_time("brackets", "[!b]*", 100, "[b]", "a", 255, 2000 * slow);
	return done();
}
