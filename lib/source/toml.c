/* toml.c - a TOML reader: one pass, tables straight into JSON objects.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "toml.h"
#include "lib/base/mem.h"

enum {
	TEXT_MAX = 16 << 20,
	DEPTH_MAX = 64,
	KEY_MAX = 512,
	STRING_MAX = 4 << 20,
};

struct toml {
	const char *s, *end;
	const char *what;
	unsigned line, depth;
	struct bindu_err *err;
};

static json_t *value(struct toml *);

static int
bad(struct toml *t, const char *why)
{
	return bindu_err_set(t->err, BINDU_E_DATA, "%s:%u: %s", t->what,
	    t->line, why);
}

static char
at(const struct toml *t, size_t i)
{
	return (size_t)(t->end - t->s) > i ? t->s[i] : '\0';
}

static bool
starts(const struct toml *t, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(t->end - t->s) >= n && memcmp(t->s, word, n) == 0;
}

static void
blanks(struct toml *t)
{
	while (at(t, 0) == ' ' || at(t, 0) == '\t')
		t->s++;
}

/* Blanks, comments and line ends. */
static void
space(struct toml *t)
{
	for (;;) {
		blanks(t);
		if (at(t, 0) == '#')
			while (t->s < t->end && *t->s != '\n')
				t->s++;
		if (at(t, 0) == '\n')
			t->line++;
		else if (at(t, 0) != '\r' || at(t, 1) != '\n')
			return;
		t->s++;
	}
}

static int
unicode(struct toml *t, size_t digits, struct bindu_buf *b)
{
	char hex[9] = "", u[4];
	unsigned long c;
	size_t n = 0;
	char *end;

	if ((size_t)(t->end - t->s) < digits)
		return bad(t, "a \\u escape is cut short");
	memcpy(hex, t->s, digits);
	c = strtoul(hex, &end, 16);
	if (*end || c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return bad(t, "not a character after \\u");
	t->s += digits;
	if (c >= 0x10000)
		u[n++] = (char)(0xf0 | c >> 18);
	else if (c >= 0x800)
		u[n++] = (char)(0xe0 | c >> 12);
	else if (c >= 0x80)
		u[n++] = (char)(0xc0 | c >> 6);
	else
		u[n++] = (char)c;
	if (c >= 0x10000)
		u[n++] = (char)(0x80 | (c >> 12 & 0x3f));
	if (c >= 0x800)
		u[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	if (c >= 0x80)
		u[n++] = (char)(0x80 | (c & 0x3f));
	return bindu_buf_add(b, u, n, t->err);
}

static int
escape(struct toml *t, bool multi, struct bindu_buf *b)
{
	static const char from[] = "btnfre\"\\", to[] = "\b\t\n\f\r\033\"\\";
	char c = at(t, 1);
	const char *k = c ? strchr(from, c) : NULL;

	t->s += 2;
	if (k)
		return bindu_buf_addc(b, to[k - from], t->err);
	if (c == 'u' || c == 'U')
		return unicode(t, c == 'u' ? 4 : 8, b);
	if (multi && (c == '\n' || c == ' ' || c == '\t' || c == '\r')) {
		t->s--;
		for (; (c = at(t, 0)) == '\n' || c == ' ' || c == '\t' ||
		     c == '\r';
		     t->s++)
			t->line += c == '\n';
		return 0;
	}
	return bad(t, "unknown escape in a string");
}

/* At the opening quotes; the text without them goes to b. */
static int
string(struct toml *t, struct bindu_buf *b)
{
	char q = *t->s;
	bool multi = at(t, 1) == q && at(t, 2) == q;

	t->s += multi ? 3 : 1;
	if (multi && at(t, 0) == '\r')
		t->s++;
	if (multi && at(t, 0) == '\n') {
		t->line++;
		t->s++;
	}
	while (t->s < t->end) {
		char c = *t->s;

		if (c == q &&
		    (!multi ||
			(at(t, 1) == q && at(t, 2) == q && at(t, 3) != q))) {
			t->s += multi ? 3 : 1;
			return 0;
		}
		if (c == '\0' || (c == '\n' && !multi))
			return bad(t, "a string is not closed");
		if (c == '\n')
			t->line++;
		if (c == '\\' && q == '"') {
			if (escape(t, multi, b) == -1)
				return -1;
			continue;
		}
		if (bindu_buf_addc(b, c, t->err) == -1)
			return -1;
		t->s++;
	}
	return bad(t, "a string is not closed");
}

static bool
is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* One part of a key. */
static int
key_part(struct toml *t, struct bindu_buf *b)
{
	blanks(t);
	bindu_buf_reset(b);
	if (bindu_buf_adds(b, "", t->err) == -1)
		return -1;
	if (at(t, 0) == '"' || at(t, 0) == '\'')
		return string(t, b);
	if (!is_bare(at(t, 0)))
		return bad(t, "expected a key");
	for (; is_bare(at(t, 0)); t->s++)
		if (bindu_buf_addc(b, *t->s, t->err) == -1)
			return -1;
	return 0;
}

/* The table named key below obj, made if absent; of an array its last one. */
static json_t *
enter(struct toml *t, json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	if (!v) {
		v = json_object();
		if (json_object_set_new(obj, key, v) == -1) {
			bad(t, "a key is not UTF-8");
			return NULL;
		}
	}
	if (json_is_array(v))
		v = json_array_get(v, json_array_size(v) - 1);
	if (!json_is_object(v)) {
		bad(t, "a key is both a value and a table");
		return NULL;
	}
	return v;
}

/* A dotted key: the object that holds its last part, which is left in b. */
static json_t *
key_path(struct toml *t, json_t *obj, struct bindu_buf *b)
{
	unsigned n = 0;

	for (;;) {
		if (key_part(t, b) == -1)
			return NULL;
		blanks(t);
		if (at(t, 0) != '.')
			return obj;
		t->s++;
		if (++n > DEPTH_MAX) {
			bad(t, "a key has too many parts");
			return NULL;
		}
		if (!(obj = enter(t, obj, b->p ? b->p : "")))
			return NULL;
	}
}

static int
set(struct toml *t, json_t *obj, const char *key, json_t *v)
{
	if (!v)
		return -1;
	if (json_object_get(obj, key)) {
		json_decref(v);
		return bad(t, "a key stands twice");
	}
	if (json_object_set_new(obj, key, v) == -1)
		return bad(t, "a key or string is not UTF-8");
	return 0;
}

static int
pair(struct toml *t, json_t *obj)
{
	AUTO_BUF struct bindu_buf key = BINDU_BUF_INIT(KEY_MAX);

	if (!(obj = key_path(t, obj, &key)))
		return -1;
	if (at(t, 0) != '=')
		return bad(t, "expected = after a key");
	t->s++;
	blanks(t);
	return set(t, obj, key.p ? key.p : "", value(t));
}

static json_t *
array(struct toml *t)
{
	AUTO_JSON json_t *a = json_array();
	json_t *v;

	t->s++;
	for (;;) {
		space(t);
		if (at(t, 0) == ']')
			break;
		if (!(v = value(t)))
			return NULL;
		json_array_append_new(a, v);
		space(t);
		if (at(t, 0) == ',') {
			t->s++;
		} else if (at(t, 0) != ']') {
			bad(t, "expected , or ] in an array");
			return NULL;
		}
	}
	t->s++;
	return bindu_steal(&a);
}

static json_t *
inline_table(struct toml *t)
{
	AUTO_JSON json_t *o = json_object();

	t->s++;
	space(t);
	while (at(t, 0) != '}') {
		if (pair(t, o) == -1)
			return NULL;
		space(t);
		if (at(t, 0) == ',') {
			t->s++;
		} else if (at(t, 0) != '}') {
			bad(t, "expected , or } in a table");
			return NULL;
		}
		space(t);
	}
	t->s++;
	return bindu_steal(&o);
}

/* Numbers; what else looks like one (dates, inf, 0x1f) stays a string. */
static json_t *
scalar(struct toml *t)
{
	char word[64], *end;
	size_t n = 0;
	long long i;
	double d;

	while (t->s < t->end && !strchr(" \t\r\n,]}#", *t->s)) {
		if (*t->s != '_' && n + 1 < sizeof word)
			word[n++] = *t->s;
		t->s++;
	}
	word[n] = '\0';
	if (n == 0) {
		bad(t, "expected a value");
		return NULL;
	}
	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
		return json_boolean(word[0] == 't');
	if (!strchr("+-0123456789in", word[0])) {
		bad(t, "not a value");
		return NULL;
	}
	errno = 0;
	i = strtoll(word, &end, 10);
	if (*end == '\0' && errno == 0)
		return json_integer(i);
	d = strtod(word, &end);
	if (*end == '\0' && d - d == 0 && word[1] != 'x')
		return json_real(d);
	return json_string(word);
}

static json_t *
any(struct toml *t)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(STRING_MAX);
	json_t *v;

	switch (at(t, 0)) {
	case '"':
	case '\'':
		if (string(t, &b) == -1)
			return NULL;
		v = json_stringn(b.p ? b.p : "", b.len);
		if (!v)
			bad(t, "a string is not UTF-8");
		return v;
	case '[':
		return array(t);
	case '{':
		return inline_table(t);
	default:
		return scalar(t);
	}
}

static json_t *
value(struct toml *t)
{
	json_t *v = NULL;

	if (++t->depth > DEPTH_MAX)
		bad(t, "nested too deeply");
	else
		v = any(t);
	t->depth--;
	return v;
}

/* [a.b] or [[a.b]]: the table that the pairs after it belong to. */
static json_t *
header(struct toml *t, json_t *root)
{
	AUTO_BUF struct bindu_buf key = BINDU_BUF_INIT(KEY_MAX);
	bool list = at(t, 1) == '[';
	const char *name;
	json_t *obj, *a;

	t->s += list ? 2 : 1;
	if (!(obj = key_path(t, root, &key)))
		return NULL;
	if (!starts(t, list ? "]]" : "]")) {
		bad(t, "a table's name is not closed");
		return NULL;
	}
	t->s += list ? 2 : 1;
	name = key.p ? key.p : "";
	if (!list)
		return enter(t, obj, name);
	a = json_object_get(obj, name);
	if (!a) {
		a = json_array();
		if (json_object_set_new(obj, name, a) == -1) {
			bad(t, "a key is not UTF-8");
			return NULL;
		}
	}
	if (!json_is_array(a)) {
		bad(t, "a key is both a table and an array");
		return NULL;
	}
	json_array_append_new(a, json_object());
	return json_array_get(a, json_array_size(a) - 1);
}

json_t *
bindu_toml_parse(const char *text, size_t n, const char *what,
    struct bindu_err *err)
{
	struct toml t = { .s = text,
		.end = text + n,
		.what = what,
		.line = 1,
		.err = err };
	AUTO_JSON json_t *root = json_object();
	json_t *table = root;

	if (n > TEXT_MAX) {
		bindu_err_set(err, BINDU_E_DATA, "%s is larger than %d MB",
		    what, TEXT_MAX >> 20);
		return NULL;
	}
	if (starts(&t, "\xef\xbb\xbf"))
		t.s += 3;
	for (space(&t); t.s < t.end; space(&t)) {
		if (*t.s == '[') {
			if (!(table = header(&t, root)))
				return NULL;
		} else if (pair(&t, table) == -1) {
			return NULL;
		}
		blanks(&t);
		if (t.s < t.end && *t.s != '\n' && *t.s != '\r' &&
		    *t.s != '#') {
			bad(&t, "unexpected text after a value");
			return NULL;
		}
	}
	return bindu_steal(&root);
}
