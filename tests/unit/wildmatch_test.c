/* wildmatch_test.c - globs against a matcher that tries everything, and the
 * number of steps that hostile ones may take.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "lib/base/buf.h"
#include "lib/source/wildmatch.h"
#include "tap.h"

static const struct {
	const char *glob, *text;
	unsigned flags;
	bool match;
} rows[] = {
	{ "", "", 0, true },
	{ "", "a", 0, false },
	{ "*", "", 0, true },
	{ "*", "a/b", 0, true },
	{ "*", "a/b", BINDU_WILD_PATH, false },
	{ "**", "a/b", BINDU_WILD_PATH, true },
	{ "?", "/", 0, true },
	{ "?", "/", BINDU_WILD_PATH, false },
	{ "[/]", "/", BINDU_WILD_PATH, false },
	{ "[!a]", "/", BINDU_WILD_PATH, false },
	{ "a/**/b", "a/b", BINDU_WILD_PATH, true },
	{ "a/**/b", "a/x/y/b", BINDU_WILD_PATH, true },
	{ "a/**/b", "axb", BINDU_WILD_PATH, false },
	{ "a**b", "axb", BINDU_WILD_PATH, true },
	{ "a**b", "a/b", BINDU_WILD_PATH, false },
	{ "**/*.py", "a/b.py", BINDU_WILD_PATH, true },
	{ "abc/**", "abc/", BINDU_WILD_PATH, true },
	{ "abc/**", "abc", BINDU_WILD_PATH, false },
	{ "A*", "abc", BINDU_WILD_FOLD, true },
	{ "\\A*", "abc", BINDU_WILD_FOLD, false },
	{ "\\", "\\", 0, false },
	{ "a\\", "a\\", 0, false },
	{ "[a", "[a", 0, false },
	{ "[[:alpha:][:digit:]]", "7", 0, true },
	{ "[[:nope:]]", ":", 0, false },
	{ "\xff*", "\xff\xfe", 0, true },
};

static bool
run(const char *glob, const char *text, unsigned flags)
{
	struct bindu_wild *w = bindu_wild_new(glob, strlen(glob), flags);
	bool m = bindu_wild_match(w, text, strlen(text));

	bindu_wild_free(w);
	return m;
}

/* The meaning by its definition: git's recursion without any of the cuts
 * that make it fast.  No brackets, no folding. */
static bool
slow(const char *begin, const char *p, const char *t, bool path)
{
	bool wide = !path, stars;
	const char *from = p;

	if (*p == '\0')
		return *t == '\0';
	if (*p == '?')
		return *t != '\0' && !(path && *t == '/') &&
		    slow(begin, p + 1, t + 1, path);
	if (*p == '\\')
		return p[1] != '\0' && p[1] == *t &&
		    slow(begin, p + 2, t + 1, path);
	if (*p != '*')
		return *p == *t && slow(begin, p + 1, t + 1, path);
	while (*p == '*')
		p++;
	stars = p - from >= 2;
	if (path && stars && (from == begin || from[-1] == '/') &&
	    (*p == '\0' || *p == '/' || (*p == '\\' && p[1] == '/'))) {
		if (*p == '/' && slow(begin, p + 1, t, path))
			return true;
		wide = true;
	}
	for (;; t++) {
		if (slow(begin, p, t, path))
			return true;
		if (*t == '\0' || (*t == '/' && !wide))
			return false;
	}
}

/* Word number i over letters, the shortest first; false at the end. */
static bool
make_word(char *out, size_t max, const char *letters, unsigned long i)
{
	size_t k = strlen(letters), n = 0;

	while (i > 0) {
		if (n == max)
			return false;
		out[n++] = letters[(i - 1) % k];
		i = (i - 1) / k;
	}
	out[n] = '\0';
	return true;
}

/* Every glob of up to five bytes against every text of up to five. */
static void
check_all(bool path)
{
	unsigned long wrong = 0, count = 0;
	char glob[8], text[8], first[32] = "";

	for (unsigned long i = 0; make_word(glob, 5, "ab/*?\\", i); i++) {
		struct bindu_wild *w = bindu_wild_new(glob, strlen(glob),
		    path ? BINDU_WILD_PATH : 0);

		for (unsigned long j = 0; make_word(text, 5, "ab/", j); j++) {
			count++;
			if (bindu_wild_match(w, text, strlen(text)) ==
			    slow(glob, glob, text, path))
				continue;
			if (wrong++ == 0)
				snprintf(first, sizeof first, "%s on %s", glob,
				    text);
		}
		bindu_wild_free(w);
	}
	ok(wrong == 0, "%lu globs and texts%s, %lu judged otherwise %s", count,
	    path ? " with slashes that matter" : "", wrong, first);
}

/* Hostile globs: begin, unit times, end; the text is its unit times. */
static const struct {
	const char *what, *begin, *unit, *end, *text;
	int times, units;
	unsigned flags;
	bool linear; /* in the sum, not the product, of the lengths */
} hostile[] = {
	{ "a*a*...b", "", "a*", "b", "a", 120, 255, 0, true },
	{ "a*a*...b, a path", "", "a*", "b", "a", 120, 255, BINDU_WILD_PATH,
	    true },
	{ "*a*a...b", "", "*a", "b", "a", 120, 255, 0, true },
	{ "a*a*...b, long", "", "a*", "b", "a", 5000, 60000, 0, true },
	{ "stars alone", "", "*", "b", "a", 1000, 4000, 0, true },
	{ "?*?*...b", "", "?*", "b", "a", 100, 255, 0, true },
	{ "[!b]*...b", "", "[!b]*", "[b]", "a", 100, 255, 0, true },
	{ "*aaa...b", "*", "a", "b", "a", 1000, 4000, 0, false },
	{ "**/a/**/a/.../b", "", "**/a/", "b", "a/", 60, 2000, BINDU_WILD_PATH,
	    true },
	{ "**/a*/**/a*...", "", "**/a*/", "b", "aaaa/", 60, 800,
	    BINDU_WILD_PATH, true },
	{ "**/a*/a*/.../b", "**/", "a*/", "b", "aaaa/", 60, 800,
	    BINDU_WILD_PATH, false },
	{ "**/a*a*/a*a*/.../b", "**/", "a*a*/", "b", "aaaa/", 60, 800,
	    BINDU_WILD_PATH, false },
};

static void
check_steps(size_t i)
{
	AUTO_BUF struct bindu_buf glob = BINDU_BUF_INIT(1 << 20);
	AUTO_BUF struct bindu_buf text = BINDU_BUF_INIT(1 << 20);
	size_t steps, most;
	struct bindu_wild *w;
	bool match;

	bindu_buf_adds(&glob, hostile[i].begin, NULL);
	for (int k = 0; k < hostile[i].times; k++)
		bindu_buf_adds(&glob, hostile[i].unit, NULL);
	bindu_buf_adds(&glob, hostile[i].end, NULL);
	for (int k = 0; k < hostile[i].units; k++)
		bindu_buf_adds(&text, hostile[i].text, NULL);
	w = bindu_wild_new(glob.p, glob.len, hostile[i].flags);
	match = bindu_wild_count(w, text.p, text.len, &steps);
	bindu_wild_free(w);
	most = hostile[i].linear ? 3 * (glob.len + text.len) :
				   glob.len * text.len;
	ok(!match && steps <= most,
	    "%s: %zu bytes of glob, %zu of text, %zu steps (at most %zu)",
	    hostile[i].what, glob.len, text.len, steps, most);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ok(run(rows[i].glob, rows[i].text, rows[i].flags) ==
			rows[i].match,
		    "'%s' %s '%s'%s", rows[i].glob,
		    rows[i].match ? "matches" : "does not match", rows[i].text,
		    rows[i].flags & BINDU_WILD_PATH ? ", a path" : "");
	check_all(false);
	check_all(true);
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
		check_steps(i);
	return done();
}
