/* py_text.c - string literals: escapes, f-strings, adjacent ones joined.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"
#include "lib/base/buf.h"

enum { LITERAL_MAX = 60 << 10 };

struct literal {
	bool raw, bytes, format;
	const char *s; /* between the quotes */
	size_t n;
};

static void
open_literal(const char *s, size_t n, struct literal *l)
{
	size_t q = 1;

	*l = (struct literal){ 0 };
	for (; n && *s != '"' && *s != '\''; s++, n--) {
		char c = (char)(*s | 32);

		l->raw |= c == 'r';
		l->bytes |= c == 'b';
		l->format |= c == 'f' || c == 't';
	}
	if (n >= 6 && s[1] == s[0] && s[2] == s[0])
		q = 3;
	l->s = s + q;
	l->n = n >= 2 * q ? n - 2 * q : 0;
}

static void
add_utf8(struct bindu_buf *b, unsigned long c)
{
	char u[4];
	size_t n = 0;

	if (c < 0x80) {
		u[n++] = (char)c;
	} else if (c < 0x800) {
		u[n++] = (char)(0xc0 | c >> 6);
		u[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		u[n++] = (char)(0xe0 | c >> 12);
		u[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		u[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		u[n++] = (char)(0xf0 | (c >> 18 & 7));
		u[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		u[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		u[n++] = (char)(0x80 | (c & 0x3f));
	}
	bindu_buf_add(b, u, n, NULL);
}

/* s stands behind a backslash; how many bytes belong to the escape. */
static size_t
escape(const char *s, size_t n, struct bindu_buf *b)
{
	static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
	size_t digits = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : s[0] == 'U' ? 8 : 0;
	const char *at = s[0] ? strchr(from, s[0]) : NULL;
	char hex[9] = "";

	if (at) {
		bindu_buf_addc(b, to[at - from], NULL);
		return 1;
	}
	if (s[0] == '\n')
		return 1;
	if (s[0] >= '0' && s[0] <= '7') {
		unsigned long c = 0;
		size_t i;

		for (i = 0; i < 3 && i < n && s[i] >= '0' && s[i] <= '7'; i++)
			c = c * 8 + (unsigned long)(s[i] - '0');
		add_utf8(b, c);
		return i;
	}
	if (digits && n > digits) {
		memcpy(hex, s + 1, digits);
		add_utf8(b, strtoul(hex, NULL, 16));
		return digits + 1;
	}
	bindu_buf_addc(b, '\\', NULL);
	return 0;
}

/* The value of the expression text in an f-string's braces. */
static const struct val *
evaluate(struct bindu_py *p, const char *s, size_t n)
{
	struct module *m = p->m, piece = *m;
	uint32_t pos = p->pos, limit = p->limit;
	const struct val *v;

	/* In brackets, so that it may span lines. */
	piece.text = py_fmt(p, "(%.*s)", (int)(n < 400 ? n : 400), s);
	bindu_py_lex(piece.text, strlen(piece.text), &piece.toks);
	p->m = &piece;
	p->pos = 0;
	p->limit = (uint32_t)piece.toks.n - 1;
	v = n < 400 ? py_expr(p) : &py_any;
	p->m = m;
	p->pos = pos;
	p->limit = limit;
	free(piece.toks.v);
	return v;
}

/* Is c, before next, where the format of a field begins? */
static bool
ends_expr(char c, char next)
{
	return c == ':' || (c == '!' && next != '=') ||
	    (c == '=' && (next == '}' || next == ':' || next == '!'));
}

/* Length of the replacement field at s (behind "{"), up to its "}"; the
 * expression ends at *expr, where a "!", ":" or "=" may begin. */
static size_t
field(const char *s, size_t n, size_t *expr)
{
	unsigned depth = 0;
	size_t i;
	char quote = '\0';

	*expr = 0;
	for (i = 0; i < n; i++) {
		char c = s[i];

		if (quote) {
			quote = c == quote ? '\0' : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '(' || c == '[' || c == '{') {
			depth++;
		} else if (depth > 0 && (c == ')' || c == ']' || c == '}')) {
			depth--;
		} else if (depth == 0 && c == '}') {
			*expr = *expr ? *expr : i;
			return i;
		} else if (depth == 0 && !*expr &&
		    ends_expr(c, i + 1 < n ? s[i + 1] : '}')) {
			*expr = i;
		}
	}
	*expr = *expr ? *expr : n;
	return n;
}

/* Append the text of a literal; NULL, or the value that is not known. */
static const struct val *
append(struct bindu_py *p, const struct literal *l, struct bindu_buf *b,
    const char **env)
{
	const struct val *v;
	size_t i, len, expr;
	const char *t;

	for (i = 0; i < l->n; i++) {
		char c = l->s[i];

		if (c == '\\' && !l->raw && i + 1 < l->n) {
			i += escape(l->s + i + 1, l->n - i - 1, b);
		} else if (l->format && (c == '{' || c == '}') &&
		    i + 1 < l->n && l->s[i + 1] == c) {
			bindu_buf_addc(b, c, NULL);
			i++;
		} else if (l->format && c == '{') {
			if (!py_enter(p)) {
				py_leave(p);
				return &py_any;
			}
			len = field(l->s + i + 1, l->n - i - 1, &expr);
			v = evaluate(p, l->s + i + 1, expr);
			py_leave(p);
			t = py_text(p, v);
			if (!t)
				return py_why(p, v);
			if (expr != len &&
			    !(len - expr == 2 &&
				memcmp(l->s + i + 1 + expr, "!s", 2) == 0))
				return &py_any;
			*env = *env ? *env : v->env;
			bindu_buf_adds(b, t, NULL);
			i += len + 1;
		} else {
			bindu_buf_addc(b, c, NULL);
		}
	}
	return NULL;
}

const struct val *
py_string(struct bindu_py *p)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(LITERAL_MAX);
	const struct val *bad = NULL, *v;
	const char *env = NULL;
	struct literal l = { 0 };

	for (; py_tok(p)->kind == PY_STRING; p->pos++) {
		const struct bindu_py_tok *t = py_tok(p);

		open_literal(p->m->text + t->off, t->len, &l);
		if (!bad && py_step(p))
			bad = append(p, &l, &b, &env);
	}
	if (bad)
		return bad;
	p->steps += (unsigned)(b.len / 16);
	v = py_strn_val(p, l.bytes ? V_BYTES : V_STR, b.p ? b.p : "", b.len);
	return py_with_env(p, v, env);
}
