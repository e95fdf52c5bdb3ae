/* scrub_assign.c - the grammar between a name and its value, in the many
 * languages a tree holds.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

enum { VALUE_MAX = 1024, GAP_MAX = SCRUB_GAP };

static bool
is_ident(uint8_t c)
{
	return scrub_class[c] & CH_IDENT;
}

size_t
scrub_skip_blank(const struct scrub_text *t, size_t i)
{
	while (i < t->n && (t->p[i] == ' ' || t->p[i] == '\t'))
		i++;
	return i;
}

/* Quotes and the backslashes in front of them. */
static size_t
skip_quotes(const struct scrub_text *t, size_t i, char *quote)
{
	size_t start = i;

	while (i < t->n && t->p[i] == '\\' && i - start < 4)
		i++;
	if (i + 5 < t->n && !memcmp(t->p + i, "&quot;", 6)) {
		*quote = '&';
		return i + 6;
	}
	if (i < t->n && (t->p[i] == '"' || t->p[i] == '\'' || t->p[i] == '`')) {
		*quote = (char)t->p[i];
		/* One quote, or three of them; two are an empty string. */
		if (t->n - i > 2 && t->p[i + 1] == (uint8_t)*quote &&
		    t->p[i + 2] == (uint8_t)*quote)
			return i + 3;
		/* "\"VALUE\"": a string's text that is a string. */
		if (*quote == '"' && t->n - i > 3 && t->p[i + 1] == '\\' &&
		    t->p[i + 2] == '"')
			return i + 3;
		return i + 1;
	}
	*quote = 0;
	return start;
}

/* variable "name" {, then other lines: where its default stands. */
static size_t
skip_block(const struct scrub_text *t, size_t i)
{
	size_t j = scrub_skip_blank(t, i), start = j;

	if (j + 1 >= t->n || t->p[j] != '{' || j == i)
		return i;
	for (; j < t->n && j - start < 300 && t->p[j] != '}'; j++)
		if (isspace(t->p[j]) && t->n - j > 8 &&
		    !memcmp(t->p + j + 1, "default", 7))
			return j + 1;
	return i;
}

/* value, Value, default, --value ... between a name and the real value. */
static size_t
skip_value_word(const struct scrub_text *t, size_t i)
{
	static const char *const words[] = { "value", "default", "content",
		"text", "val", "android:value", "--value", "--body",
		"--secret-string" };
	size_t j = skip_block(t, i);
	char q;

	i = j;
	while (j < t->n && j - i < 40 && (isspace(t->p[j]) || t->p[j] == ','))
		j++;
	j = skip_quotes(t, j, &q);
	for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
		size_t len = strlen(words[k]);

		if (t->n - j > len + 2 &&
		    !strncasecmp((const char *)t->p + j, words[k], len) &&
		    !is_ident(t->p[j + len]))
			return j + len;
	}
	return i;
}

/* A type between : and =, as in "key: str = ...". */
static size_t
skip_annotation(const struct scrub_text *t, size_t i)
{
	size_t j = scrub_skip_blank(t, i), start = j;

	while (j < t->n && j - start < 40 &&
	    (isalnum(t->p[j]) || strchr("_.[]<>|&?' ", t->p[j])))
		j++;
	/* What ends in = is a value, base64's padding. */
	if (j > start && j + 1 < t->n && t->p[j] == '=' &&
	    !strchr("=\r\n", t->p[j + 1]))
		return j + 1;
	return i;
}

/* The type between a name and =, as in Go and Visual Basic. */
static size_t
skip_type(const struct scrub_text *t, size_t i)
{
	static const char *const types[] = { "string", "String", "As String",
		"[]byte", "*string" };
	size_t j;

	for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
		size_t len = strlen(types[k]);

		if (t->n - i < len + 4 || memcmp(t->p + i, types[k], len) != 0)
			continue;
		j = scrub_skip_blank(t, i + len);
		return t->p[j] == '=' ? j : i;
	}
	return i;
}

/* The operator at i; 0 when there is none. */
static size_t
skip_operator(const struct scrub_text *t, size_t i)
{
	static const char *const ops[] = { ":=", "<-", "?:", "=>", "->",
		"||=", "||", "??", ":-",
		"?=", "+=", "===", "==", "!==", "!=", "=", ":", NULL };
	size_t left = t->n - i;

	for (const char *const *o = ops; *o; o++) {
		size_t len = strlen(*o);

		if (left > len && !memcmp(t->p + i, *o, len))
			return **o == ':' && len == 1 ?
			    skip_annotation(t, i + 1) :
			    i + len;
	}
	if (left && (t->p[i] == '(' || t->p[i] == ','))
		return i + 1;
	if (left > 1 && t->p[i] == '{' && strchr("\"'", t->p[i + 1]))
		return i + 1; /* C++: password{"VALUE"} */
	return 0;
}

/* .netrc in lines of its own: "login NAME" is the line above. */
static bool
follows_login(const struct scrub_text *t, size_t key)
{
	size_t i = key, lines = 0;

	while (i > 0 && key - i < 120 && (t->p[i - 1] != '\n' || !lines++))
		i--;
	i = scrub_skip_blank(t, i);
	return lines == 2 && t->n - i > 6 && !memcmp(t->p + i, "login ", 6);
}

/* Does a line that begins so give NAME a VALUE without an operator? */
static bool
is_definition(const char *line, uint8_t c)
{
	static const struct {
		const char *start;
		bool quoted;
	} rows[] = { { "ENV ", false }, { "ARG ", false }, { "setenv ", false },
		{ "set -", false }, { "set ", true }, { "setx ", false },
		{ "SetEnv ", false }, { "fastcgi_param ", false },
		{ "uwsgi_param ", false }, { "aws configure set ", false },
		{ "proxy_set_header ", true }, { "add_header ", true },
		{ "(setq ", true }, { "(def", true }, { "#define ", true },
		{ "set(", true }, { "set $", true } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strncmp(line, rows[i].start, strlen(rows[i].start)))
			return !rows[i].quoted || c == '"' || c == '\'';
	return false;
}

/* CREATE USER name WITH PASSWORD 'VALUE' */
static bool
is_sql_user(const struct scrub_text *t, size_t bol, size_t key, size_t i)
{
	static const char *const words[] = { "USER ", "ROLE ", "user ",
		"role " };

	for (size_t k = 0; k < 4; k++)
		if (i < t->n && t->p[i] == '\'' &&
		    memmem(t->p + bol, key - bol, words[k], 5))
			return true;
	return false;
}

/* Is one word with a digit in it all that follows on the line? */
static bool
ends_line(const struct scrub_text *t, size_t i)
{
	bool digit = false;

	for (; i < t->n && t->p[i] > ' '; i++)
		digit |= isdigit(t->p[i]) != 0;
	return digit &&
	    (i >= t->n || t->p[i] == '\n' || !memcmp(t->p + i, "\r\n", 2));
}

/* NAME VALUE with a blank only: flags, Dockerfile ENV, #define. */
static bool
blank_is_operator(const struct scrub_text *t, size_t key, size_t i)
{
	size_t bol = key;
	const char *line;

	while (bol > 0 && key - bol < 40 && t->p[bol - 1] != '\n')
		bol--;
	if (key >= 2 && t->p[key - 1] == '-' &&
	    (t->p[key - 2] == '-' || isspace(t->p[key - 2])))
		return true;
	/* .netrc: machine HOST login NAME password VALUE */
	if (memmem(t->p + bol, key - bol, "login ", 6) ||
	    is_sql_user(t, bol, key, i))
		return true;
	bol = scrub_skip_blank(t, bol);
	line = (const char *)t->p + bol;
	if (key == bol && (follows_login(t, key) || ends_line(t, i)))
		return true;
	/* The password `VALUE`, but not: pass `this` on. */
	if (i < t->n && t->p[i] == '`' && i - key > 5)
		return true;
	if (i < t->n && t->p[i] == '"' && key && t->p[key - 1] == ':')
		return true; /* Clojure's :name "VALUE" */
	return key > bol && is_definition(line, t->p[i]);
}

/* z.string().default("VALUE") */
static size_t
skip_default(const struct scrub_text *t, size_t i)
{
	size_t j = i;

	while (j < t->n && j - i < 40 &&
	    (isalpha(t->p[j]) || strchr(".()", t->p[j])))
		j++;
	return j - i > 10 && j < t->n && strchr("\"'`", t->p[j]) &&
		!memcmp(t->p + j - 9, ".default(", 9) ?
	    j :
	    i;
}

/* What may stand between operator and value: b"", @"", new X("", > - */
static size_t
skip_wrapping(const struct scrub_text *t, size_t i)
{
	size_t start = i = scrub_skip_blank(t, i);
	bool paren = false;

	if (i < t->n && (t->p[i] == '>' || t->p[i] == '|')) { /* YAML */
		while (i < t->n && strchr(">|", t->p[i]))
			i++;
		if (i < t->n && (t->p[i] == '-' || t->p[i] == '+'))
			i++;
		while (i < t->n && isspace(t->p[i]))
			i++;
		return i;
	}
	/* YAML's anchors and tags: &name VALUE, !!str VALUE. */
	if (i + 1 < t->n &&
	    ((t->p[i] == '&' && isalpha(t->p[i + 1])) ||
		!memcmp(t->p + i, "!!", 2))) {
		while (i < t->n && i - start < 24 && t->p[i] > ' ' &&
		    t->p[i] != ';')
			i++;
		return i < t->n && t->p[i] == ' ' ? i + 1 : start;
	}
	if (t->n - i > 10 && !memcmp(t->p + i, "[]string{", 9))
		return i + 9;
	if (t->n - i > 8 && !memcmp(t->p + i, "[]byte(", 7) &&
	    strchr("\"`", t->p[i + 7]))
		return i + 7;
	if (t->n - i > 2 && i && t->p[i - 1] == '=' && t->p[i] == '{' &&
	    strchr("\"'`", t->p[i + 1]))
		return i + 1; /* NAME={"VALUE"} */
	if (skip_default(t, i) != i)
		return skip_default(t, i);
	if (i + 2 < t->n && t->p[i] == '\\' && t->p[i + 1] == '\n')
		i++;
	if (i + 1 < t->n && t->p[i] == '\n' &&
	    (t->p[i + 1] == ' ' ||
		t->p[i + 1] == '\t')) { /* the value on the next line */
		i = scrub_skip_blank(t, i + 1);
		return i < t->n && strchr("\"'`", t->p[i]) ? i : start;
	}
	while (i < t->n && i - start < 24 &&
	    (isalnum(t->p[i]) || strchr("_.@ &:", t->p[i])))
		i++;
	if (i < t->n && t->p[i] == '(' && i > start) {
		i++;
		if (t->n - i > 9 && !memcmp(t->p + i, "default=", 8))
			i += 8, paren = true;
	}
	if (i > start && i < t->n && strchr("\"'`", t->p[i]) &&
	    (i - start < 3 || t->p[i - 1] == '(' || paren))
		return i;
	i = start;
	if (i >= t->n || (t->p[i] != '(' && t->p[i] != '['))
		return i;
	start = ++i;
	while (i < t->n && i - start < GAP_MAX && isspace(t->p[i]))
		i++;
	return i < t->n && strchr("\"'`", t->p[i]) ? i : start;
}

/* string Name { get; set; } = "VALUE": past the braces. */
static size_t
skip_property(const struct scrub_text *t, size_t i)
{
	size_t j = scrub_skip_blank(t, i);
	const uint8_t *end;

	if (t->n - j < 8 || memcmp(t->p + j, "{ get;", 6) != 0)
		return i;
	end = memchr(t->p + j, '}', t->n - j < 40 ? t->n - j : 40);
	return end ? (size_t)(end + 1 - t->p) : i;
}

/* From the identifier's end to the value. */
static bool
find_value(const struct scrub_text *t, struct scrub_pair *a)
{
	size_t i = a->kend, op, word;
	bool flag, closed = false;
	char q;

	if (t->n - i > 3 && !memcmp(t->p + i, "**", 2))
		i += 2; /* **NAME**: `VALUE` */
	else if (i < t->n && t->p[i] == '[')
		i += scrub_match("[\\d{0,4}]", t->p, t->n, i); /* of C */
	i = skip_quotes(t, i, &q);
	while (
	    i < t->n && (t->p[i] == ']' || t->p[i] == ')') && i < a->kend + 4)
		closed |= t->p[i++] == ')';
	if (scrub_ends_tag(t, a, i, q != 0)) {
		a->element = true;
		a->value = i + 1;
		return true;
	}
	word = scrub_skip_cell(t, a, i);
	if (!word)
		word = q ? 0 : scrub_skip_head(t, a);
	if (word) {
		a->value = word;
		return word < t->n;
	}
	word = q ? 0 : scrub_skip_plist(t, i);
	if (word) {
		a->element = true;
		a->value = word;
		return true;
	}
	if (!q && scrub_is_row(t, a, i)) {
		i = skip_quotes(t, i + 1, &a->quote);
		a->quoted = a->quote != 0;
		a->value = i;
		return true;
	}
	word = q || (i < t->n && isspace(t->p[i])) ? skip_value_word(t, i) : i;
	flag = memmem(t->p + i, word - i, "--", 2);
	if (!q && !flag && t->p[i] != '\n')
		word = i;
	if (word > i)
		i = skip_quotes(t, word, &q);
	i = skip_type(t, scrub_skip_blank(t, skip_property(t, i)));
	op = scrub_skip_brace(t, a, i);
	if (!op)
		op = skip_operator(t, i);
	if (!op && closed && t->n - i > 4 && !memcmp(t->p + i, "or ", 3))
		op = i + 3; /* get("NAME") or "VALUE" */
	if (!op && i > a->kend && i < t->n &&
	    (flag || blank_is_operator(t, a->key, i)))
		op = i;
	if (!op)
		return false;
	if (t->p[op - 1] == ',' && !q && (!a->key || t->p[a->key - 1] != '{'))
		return false; /* {NAME, VALUE} is Erlang */
	if (closed && strchr(",>(:", t->p[op - 1]) && t->p[op - 2] != '?')
		return false; /* call(x, "NAME"), call("VALUE") */
	i = skip_wrapping(t, op);
	i = skip_quotes(t, i, &a->quote);
	a->quoted = a->quote != 0;
	a->value = i;
	/* Arguments and definitions of C are strings, or no values. */
	if (strchr(",(", t->p[op - 1]) && !a->quoted)
		return false;
	return i < t->n && i - a->kend < GAP_MAX + 40;
}

/* Part of a name that another system gave: arn:aws:...:secret:db-AbCdEf,
 * AWS::ApiGateway::ApiKey. */
static bool
is_in_arn(const struct scrub_text *t, size_t key)
{
	size_t i = key;

	if (!i || t->p[i - 1] != ':')
		return false;
	while (i > 0 && key - i < 100 && t->p[i - 1] > ' ' &&
	    !strchr("\"'`", t->p[i - 1]))
		i--;
	return key - i > 4 &&
	    (memmem(t->p + i, key - i, "arn:", 4) ||
		!memcmp(t->p + i, "AWS:", 4));
}

/* PASS: of a test's log, PWD of the shell: no passwords. */
static bool
is_not_password(const struct scrub_text *t, const struct scrub_pair *a)
{
	size_t n = a->kend - a->key, k = a->key;

	if (a->quoted || t->n - a->kend < 2)
		return false;
	if (n == 4 && !memcmp(t->p + k, "PASS", 4) &&
	    !memcmp(t->p + a->kend, ": ", 2))
		return !k || t->p[k - 1] == '\n' ||
		    (k > 1 && !memcmp(t->p + k - 2, "- ", 2));
	/* Programs in Go hold "ExecPWD=PATH", OLDPWD is the shell's too. */
	return n >= 3 && !memcmp(t->p + a->kend - 3, "PWD", 3) &&
	    (n == 3 ? !k || !strchr(";?&", t->p[k - 1]) :
		      isalpha(t->p[a->kend - 4]));
}

bool
scrub_pair_forward(const struct scrub_text *t, size_t at, size_t end,
    struct scrub_pair *a)
{
	memset(a, 0, sizeof *a);
	a->key = at;
	a->kend = end;
	while (a->kend > a->key && !is_ident(t->p[a->kend - 1]))
		a->kend--; /* literals like pass: bring their operator */
	while (a->key > 0 && at - a->key < 64 && is_ident(t->p[a->key - 1]))
		a->key--;
	while (a->kend < t->n && a->kend - end < 64 && is_ident(t->p[a->kend]))
		a->kend++;
	while (a->key < at && (t->p[a->key] == '-' || t->p[a->key] == '.'))
		a->key++;
	while (a->kend > a->key && t->p[a->kend - 1] == '.')
		a->kend--;
	if (a->kend - a->key == 3 && a->key > 2 &&
	    (t->p[a->key] | 0x20) == 'k' && t->p[a->key - 1] == ' ') {
		a->key--; /* API key: VALUE */
		while (
		    a->key > 0 && at - a->key < 64 && isalpha(t->p[a->key - 1]))
			a->key--;
	}
	if (!find_value(t, a) || is_in_arn(t, a->key) || is_not_password(t, a))
		return false;
	a->kind = scrub_key_kind(t->p + a->key, a->kend - a->key);
	return a->kind != KEY_NONE;
}

/* ;Pwd=VALUE; - only the next semicolon or the string's end ends it. */
static bool
is_setting(const struct scrub_text *t, size_t key)
{
	while (key > 0 && t->p[key - 1] == ' ')
		key--;
	return key > 0 && t->p[key - 1] == ';';
}

static bool
ends_bare(uint8_t c)
{
	return isspace(c) || c < 32 || strchr("\"'`,;)}]<>|", c);
}

bool
scrub_value_bounds(const struct scrub_text *t, struct scrub_pair *a)
{
	size_t i = a->value, max = t->n - i > VALUE_MAX ? i + VALUE_MAX : t->n;

	if (a->element) {
		while (i < max && t->p[i] != '<' && t->p[i] != '\n')
			i++;
		if (i + 1 >= t->n || t->p[i] != '<' || t->p[i + 1] != '/')
			return false;
	} else if (a->quote == '&') {
		while (i < max && t->p[i] != '&' && t->p[i] != '\n')
			i++;
	} else if (a->quoted) {
		while (
		    i < max && t->p[i] != (uint8_t)a->quote && t->p[i] != '\n')
			i++;
		if (i == max || t->p[i] == '\n')
			return false;
		while (i > a->value && t->p[i - 1] == '\\')
			i--;
	} else {
		bool setting = is_setting(t, a->key);

		while (i < max && t->p[i] != '\\' &&
		    (!ends_bare(t->p[i]) ||
			(setting && strchr(",)}]<>|", t->p[i]))) &&
		    (setting || t->p[i] != '&' || i == a->value))
			i++;
		/* password: Uint8Array | string */
		if (isupper(t->p[a->value]) && t->n - i > 3 &&
		    !memcmp(t->p + i, " | ", 3))
			return false;
	}
	a->vend = i;
	return i - a->value >= 5 && i - a->value <= 512;
}

/* A login inside a string of settings: Server=...;Uid=...;Pwd=... */
bool
scrub_pair_is_connection(const struct scrub_text *t, const struct scrub_pair *a)
{
	static const char *const marks[] = { "server=", "data source=", "host=",
		"uid=", "user id=", "dsn=", "jdbc:", "user=", "username=",
		"server =", "initial catalog=", "dbname=", "database=",
		"abortconnect=" };
	size_t from = a->key, to = a->vend;
	char line[600];
	size_t n = 0;

	if (a->quoted || a->element)
		return false;
	while (from > 0 && a->key - from < 250 && t->p[from - 1] != '\n' &&
	    t->p[from - 1] != '"')
		from--;
	while (to < t->n && to - a->vend < 250 && t->p[to] != '\n' &&
	    t->p[to] != '"')
		to++;
	if (a->key > from && !strchr("; &?,", t->p[a->key - 1]))
		return false;
	for (size_t i = from; i < to && n < sizeof line - 1; i++)
		line[n++] = (char)tolower(t->p[i]);
	line[n] = '\0';
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (strstr(line, marks[i]))
			return true;
	return false;
}
