/* path: clean, join, inside or not, labels.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "tap.h"

static const struct {
	const char *in, *out;
} cleans[] = {
	{ "a//b/./c/../d", "a/b/d" },
	{ "", "." },
	{ ".", "." },
	{ "./", "." },
	{ "/", "/" },
	{ "//", "/" },
	{ "/..", "/" },
	{ "/../a", "/a" },
	{ "..", ".." },
	{ "../..", "../.." },
	{ "../a/..", ".." },
	{ "a/..", "." },
	{ "a/../..", ".." },
	{ "a/../../b", "../b" },
	{ "/a/b/../../c", "/c" },
	{ "a/", "a" },
	{ "a/.../b", "a/.../b" },
	{ "..a", "..a" },
};

static const struct {
	const char *in;
	int inside;
} insides[] = {
	{ "a", 1 },
	{ "a/b", 1 },
	{ "..a/b..", 1 },
	{ ".git", 1 },
	{ "", 0 },
	{ ".", 0 },
	{ "..", 0 },
	{ "/", 0 },
	{ "/a", 0 },
	{ "a/", 0 },
	{ "a//b", 0 },
	{ "a/../b", 0 },
	{ "a/./b", 0 },
	{ "../a", 0 },
	{ "a/..", 0 },
	{ "a\nb", 0 },
};

static const struct {
	const char *in, *out;
} labels[] = {
	{ "my-agent", "my-agent" },
	{ "My Agent!", "my-agent" },
	{ "a__b", "a-b" },
	{ "--a--", "a" },
	{ "...", NULL },
	{ "", NULL },
	{ "\xc3\xa9t\xc3\xa9", "t" },
	{ "Agent42", "agent42" },
	{ "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff12-45",
	    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff12" },
};

static const struct {
	const char *root, *path, *below;
} belows[] = {
	{ "/a", "/a/b/c", "b/c" },
	{ "/a", "/a", "" },
	{ "/a", "/ab", NULL },
	{ "/", "/a", "a" },
	{ "/a/b", "/a", NULL },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof cleans / sizeof *cleans; i++) {
		AUTO_FREE char *s = bindu_path_clean(cleans[i].in);

		ok(!strcmp(s, cleans[i].out), "clean \"%s\"", cleans[i].in);
	}
	for (size_t i = 0; i < sizeof insides / sizeof *insides; i++)
		ok(bindu_path_is_inside(insides[i].in) == insides[i].inside,
		    "inside or not: row %zu", i);
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
		AUTO_FREE char *s = bindu_name_to_label(labels[i].in);

		ok(labels[i].out == NULL ? s == NULL :
					   s != NULL &&
			    !strcmp(s, labels[i].out) && bindu_name_is_label(s),
		    "label of \"%s\"", labels[i].in);
	}
	for (size_t i = 0; i < sizeof belows / sizeof *belows; i++) {
		const char *s =
		    bindu_path_below(belows[i].root, belows[i].path);

		ok(belows[i].below == NULL ?
			s == NULL :
			s != NULL && !strcmp(s, belows[i].below),
		    "%s below %s", belows[i].path, belows[i].root);
	}
	ok(!bindu_name_is_label("-a") && !bindu_name_is_label("a-") &&
		!bindu_name_is_label("A") && !bindu_name_is_label("") &&
		bindu_name_is_label("0"),
	    "what is no label");
	{
		AUTO_FREE char *a = bindu_path_join("a", "b");
		AUTO_FREE char *b = bindu_path_join("a/", "b");
		AUTO_FREE char *c = bindu_path_join("a", "/b");
		AUTO_FREE char *d = bindu_path_dir("/x");
		AUTO_FREE char *f = bindu_path_dir("x");

		ok(!strcmp(a, "a/b") && !strcmp(b, "a/b") && !strcmp(c, "/b"),
		    "join");
		ok(!strcmp(d, "/") && !strcmp(f, ".") &&
			!strcmp(bindu_path_base("a/b"), "b"),
		    "dir and base");
	}
	return done();
}
