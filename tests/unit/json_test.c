/* json: what is refused, what a bad string becomes, what is printed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tap.h"

static const struct {
	const char *text;
	int good;
} rows[] = {
	{ "{}", 1 },
	{ "{\"a\":1}", 1 },
	{ " [1,2] ", 1 },
	{ "null", 1 },
	{ "3", 1 },
	{ "", 0 },
	{ "{", 0 },
	{ "{}{}", 0 },
	{ "{\"a\":1,\"a\":2}", 0 },
	{ "{'a':1}", 0 },
	{ "\"\\u0000\"", 0 },
	{ "\"\xff\"", 0 },
	{ "[1e999]", 0 },
	{ "{\"too long for the cap of thirty-two\":1}", 0 },
};

static const struct {
	const char *in, *out;
} strings[] = {
	{ "plain", "{\"k\":\"plain\"}" },
	{ "", "{\"k\":\"\"}" },
	{ NULL, "{}" },
	{ "\xc3\xa9", "{\"k\":\"\xc3\xa9\"}" },
	{ "a\xff"
	  "b",
	    "{\"k\":\"a\xef\xbf\xbd"
	    "b\"}" },
	{ "\xc3", "{\"k\":\"\xef\xbf\xbd\"}" },
	{ "\xed\xa0\x80", "{\"k\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}" },
	{ "\"\\\n\x01", "{\"k\":\"\\\"\\\\\\n\\u0001\"}" },
};

int
main(void)
{
	AUTO_FREE char *deep = xmalloc(1 << 20);
	AUTO_JSON json_t *o = NULL;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bindu_err e = { 0 };
		AUTO_JSON json_t *v = bindu_json_parse(rows[i].text,
		    strlen(rows[i].text), 32, "the thing", &e);

		ok((v != NULL) == rows[i].good, "%s is %s", rows[i].text,
		    v != NULL ? "taken" : "refused");
		if (v == NULL)
			ok(e.code == BINDU_E_DATA &&
				strstr(e.msg, "the thing") != NULL,
			    "and said: %s", e.msg);
	}
	memset(deep, '[', 1 << 20);
	ok(bindu_json_parse(deep, 1 << 20, 1 << 20, "x", NULL) == NULL,
	    "a million brackets are refused, not followed");
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		AUTO_JSON json_t *v = json_object();
		AUTO_FREE char *text = NULL;

		bindu_json_set_str(v, "k", strings[i].in);
		text = bindu_json_text(v);
		ok(!strcmp(text, strings[i].out), "string %zu: %s", i, text);
	}
	o = bindu_json_parse("{\"s\":\"x\",\"n\":7,\"f\":1.5,\"b\":false}", 33,
	    100, "o", NULL);
	ok(!strcmp(bindu_json_str(o, "s"), "x") &&
		bindu_json_str(o, "n") == NULL &&
		bindu_json_str(o, "none") == NULL &&
		bindu_json_str(NULL, "s") == NULL,
	    "a string, or NULL for any other kind");
	ok(bindu_json_int(o, "n", 1) == 7 && bindu_json_int(o, "f", 1) == 1 &&
		bindu_json_int(o, "s", 1) == 1 &&
		bindu_json_int(NULL, "n", 1) == 1,
	    "a whole number, or the default");
	ok(bindu_json_bool(o, "b", 1) == 0 && bindu_json_bool(o, "n", 1) == 1,
	    "true or false, or the default");
	return done();
}
