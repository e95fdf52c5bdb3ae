/* toml: what it reads, as JSON, and what it refuses, with the line.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/source/toml.h"
#include "tap.h"

/* clang-format off */
static const struct {
	const char *what, *toml;
	const char *json;	/* NULL: refused */
	const char *why;
} rows[] = {
	{ "nothing", "", "{}", NULL },
	{ "comments and blank lines", "# a\n\n\t# b\r\n", "{}", NULL },
	{ "keys of every form", "a-b_1 = 1\n\"c d\" = 2\n'e.f' = 3\n",
	  "{\"a-b_1\":1,\"c d\":2,\"e.f\":3}", NULL },
	{ "dotted keys", "a.b.c = 1\na.b.d = 2\na . e = 3\n",
	  "{\"a\":{\"b\":{\"c\":1,\"d\":2},\"e\":3}}", NULL },
	{ "tables, and tables below them", "[a]\nx = 1\n[a.b]\ny = 2\n[ c ]\n",
	  "{\"a\":{\"x\":1,\"b\":{\"y\":2}},\"c\":{}}", NULL },
	{ "arrays of tables", "[[p]]\nn = 1\n[p.q]\nm = 2\n[[p]]\nn = 3\n",
	  "{\"p\":[{\"n\":1,\"q\":{\"m\":2}},{\"n\":3}]}", NULL },
	{ "arrays over lines", "a = [\n 1, # one\n 'x',\n [true, false],\n]\n",
	  "{\"a\":[1,\"x\",[true,false]]}", NULL },
	{ "inline tables", "a = { b = 1, c.d = 'x', e = {} }\n",
	  "{\"a\":{\"b\":1,\"c\":{\"d\":\"x\"},\"e\":{}}}", NULL },
	{ "escapes", "a = \"\\t\\\"\\\\\\u00e4\\U0001F600\"\n",
	  "{\"a\":\"\\t\\\"\\\\\u00e4\U0001F600\"}", NULL },
	{ "literal strings", "a = 'c:\\n'\nb = '''\n'x'\\\n'''\n",
	  "{\"a\":\"c:\\\\n\",\"b\":\"'x'\\\\\\n\"}", NULL },
	{ "long strings", "a = \"\"\"\none \\\n   two\n\"three\"\"\"\"\n",
	  "{\"a\":\"one two\\n\\\"three\\\"\"}", NULL },
	{ "numbers", "a = -17\nb = 1_000\nc = 2.5\nd = +3\n",
	  "{\"a\":-17,\"b\":1000,\"c\":2.5,\"d\":3}", NULL },
	{ "dates and odd numbers as text", "a = 1979-05-27T07:32:00Z\nb = 0x1f\n"
	  "c = inf\n", "{\"a\":\"1979-05-27T07:32:00Z\",\"b\":\"0x1f\","
	  "\"c\":\"inf\"}", NULL },
	{ "a BOM and CRLF", "\xef\xbb\xbf" "a = 1\r\n[b]\r\nc = 2\r\n",
	  "{\"a\":1,\"b\":{\"c\":2}}", NULL },
	{ "a key without a value", "a = 1\nb =\n", NULL,
	  "x.toml:2: expected a value" },
	{ "a bare word", "a = word\n", NULL, "x.toml:1: not a value" },
	{ "a key twice", "a = 1\na = 2\n", NULL, "x.toml:2: a key stands twice" },
	{ "a value and a table", "a = 1\n[a.b]\n", NULL,
	  "x.toml:2: a key is both a value and a table" },
	{ "an open string", "a = \"x\n", NULL,
	  "x.toml:1: a string is not closed" },
	{ "an open array", "a = [1\n", NULL, "x.toml:2: expected , or ]" },
	{ "an open header", "[a\n", NULL, "x.toml:1: a table's name is not" },
	{ "two values on a line", "a = 1 b = 2\n", NULL,
	  "x.toml:1: unexpected text" },
	{ "a bad escape", "a = \"\\q\"\n", NULL, "x.toml:1: unknown escape" },
	{ "a surrogate", "a = \"\\ud800\"\n", NULL, "not a character" },
	{ "bytes that are not UTF-8", "a = \"\xff\"\n", NULL,
	  "a string is not UTF-8" },
};
/* clang-format on */

static void
check_depth(void)
{
	AUTO_FREE char *deep = malloc(100001);
	struct bindu_err err = { 0 };

	if (!deep)
		abort();
	memcpy(deep, "a = ", 4);
	memset(deep + 4, '[', 99996);
	ok(!bindu_toml_parse(deep, 100000, "x.toml", &err) &&
		strstr(err.msg, "nested too deeply"),
	    "100,000 open brackets are refused");
	memset(deep, '.', 100000);
	for (size_t i = 0; i < 100000; i += 2)
		deep[i] = 'a';
	ok(!bindu_toml_parse(deep, 100000, "x.toml", &err),
	    "a key of 50,000 parts is refused");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bindu_err err = { 0 };
		AUTO_JSON json_t *j = bindu_toml_parse(rows[i].toml,
		    strlen(rows[i].toml), "x.toml", &err);
		AUTO_FREE char *text = j ? bindu_json_text(j) : NULL;

		if (!ok(rows[i].json ? text && strcmp(text, rows[i].json) == 0 :
				       !j && strstr(err.msg, rows[i].why),
			"%s", rows[i].what))
			printf("# got: %s\n", text ? text : err.msg);
	}
	check_depth();
	return done();
}
