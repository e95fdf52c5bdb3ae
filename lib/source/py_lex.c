/* py_lex.c - tokens of Python source.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_lex.h"
#include "lib/base/mem.h"

struct lexer {
	const char *s;
	size_t n, at;
	uint32_t line;
	struct bindu_py_toks *out;
	uint32_t bracket[BINDU_PY_NEST_MAX]; /* token index of an open one */
	unsigned nbracket;
	struct {
		uint32_t tok;
		unsigned col;
	} indent[BINDU_PY_NEST_MAX];
	unsigned nindent;
};

static bool
is_name_start(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    c >= 0x80;
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name(unsigned char c)
{
	return is_name_start(c) || is_digit(c);
}

static char
peek(const struct lexer *lx, size_t ahead)
{
	return lx->at + ahead < lx->n ? lx->s[lx->at + ahead] : '\0';
}

static uint32_t
push(struct lexer *lx, enum bindu_py_kind kind, size_t off, size_t len)
{
	struct bindu_py_toks *o = lx->out;

	bindu_grow(&o->v, &o->cap, o->n + 1, sizeof *o->v);
	o->v[o->n] = (struct bindu_py_tok){ kind, (uint32_t)off, (uint32_t)len,
		lx->line, (uint32_t)o->n };
	return (uint32_t)o->n++;
}

static bool
last_is(const struct lexer *lx, enum bindu_py_kind kind)
{
	return lx->out->n > 0 && lx->out->v[lx->out->n - 1].kind == kind;
}

static void
skip_line(struct lexer *lx)
{
	while (lx->at < lx->n && lx->s[lx->at] != '\n')
		lx->at++;
}

static void
end_line(struct lexer *lx)
{
	if (lx->out->n > 0 && !last_is(lx, PY_NEWLINE) &&
	    !last_is(lx, PY_INDENT) && !last_is(lx, PY_DEDENT))
		push(lx, PY_NEWLINE, lx->at, 0);
}

static void
close_indent(struct lexer *lx)
{
	uint32_t open = lx->indent[--lx->nindent].tok;
	uint32_t tok = push(lx, PY_DEDENT, lx->at, 0);

	/* Not before: the tokens may have moved. */
	lx->out->v[open].match = tok;
}

/* At the start of a line outside brackets: blanks, then the block tokens.
 * Blank and comment lines change nothing; notebook magics (%x, !x) are
 * comments too.  A dedent to a column never seen closes what is deeper. */
static void
open_line(struct lexer *lx)
{
	unsigned col = 0;
	char c;

	for (; (c = peek(lx, 0)) == ' ' || c == '\t' || c == '\f'; lx->at++)
		col = c == '\t' ? (col / 8 + 1) * 8 : c == ' ' ? col + 1 : 0;
	if (c == '%' || c == '!')
		skip_line(lx);
	c = peek(lx, 0);
	if (c == '#' || c == '\n' || c == '\r' || lx->at >= lx->n)
		return;
	while (lx->nindent > 0 && col < lx->indent[lx->nindent - 1].col)
		close_indent(lx);
	if ((lx->nindent ? lx->indent[lx->nindent - 1].col : 0) < col &&
	    lx->nindent < BINDU_PY_NEST_MAX) {
		lx->indent[lx->nindent].tok = push(lx, PY_INDENT, lx->at, 0);
		lx->indent[lx->nindent++].col = col;
	}
}

/* Length of a string prefix (r, b, u, f, t in any mix of two) before a
 * quote at lx->at, or -1. */
static int
string_prefix(const struct lexer *lx)
{
	int i;

	for (i = 0; i <= 2; i++) {
		char c = peek(lx, (size_t)i);

		if (c == '"' || c == '\'')
			return i;
		if (c == '\0' || !strchr("rRbBuUfFtT", c))
			return -1;
	}
	return -1;
}

/* One open string of the nesting that f-strings allow. */
struct quote {
	char q;
	bool triple, format;
	unsigned braces;
};

static bool
at_quote(const struct lexer *lx, const struct quote *k)
{
	return peek(lx, 0) == k->q &&
	    (!k->triple || (peek(lx, 1) == k->q && peek(lx, 2) == k->q));
}

static void
open_quote(struct lexer *lx, int prefix, struct quote *k)
{
	int i;

	*k = (struct quote){ 0 };
	for (i = 0; i < prefix; i++)
		if (strchr("fFtT", peek(lx, (size_t)i)))
			k->format = true;
	lx->at += (size_t)prefix;
	k->q = peek(lx, 0);
	k->triple = peek(lx, 1) == k->q && peek(lx, 2) == k->q;
	lx->at += k->triple ? 3 : 1;
}

/* A string with its prefix.  Inside the braces of an f-string other strings
 * may stand, the same quote included (PEP 701).  An unclosed one ends, as an
 * error, with its line (with the text when triple). */
static void
lex_string(struct lexer *lx, int prefix)
{
	struct quote k[8];
	unsigned depth = 1;
	size_t off = lx->at;
	uint32_t tok = push(lx, PY_STRING, off, 0);
	bool bad = false;

	open_quote(lx, prefix, &k[0]);
	while (depth > 0 && lx->at < lx->n) {
		struct quote *in = &k[depth - 1];
		char c = peek(lx, 0);
		int p;

		if (c == '\n' && !k[0].triple) {
			bad = true;
			break;
		}
		if (c == '\n')
			lx->line++;
		if (in->braces > 0 && (p = string_prefix(lx)) >= 0 &&
		    depth < sizeof k / sizeof *k) {
			open_quote(lx, p, &k[depth++]);
			continue;
		}
		if (at_quote(lx, in)) {
			lx->at += in->triple ? 3 : 1;
			depth--;
			continue;
		}
		if (in->format && in->braces == 0 &&
		    ((c == '{' && peek(lx, 1) == '{') ||
			(c == '}' && peek(lx, 1) == '}')))
			lx->at++;
		else if (in->format && c == '{')
			in->braces++;
		else if (in->format && c == '}' && in->braces > 0)
			in->braces--;
		else if (c == '\\' && lx->at + 1 < lx->n) {
			if (peek(lx, 1) == '\n')
				lx->line++;
			lx->at++;
		}
		lx->at++;
	}
	if (bad || depth > 0)
		lx->out->v[tok].kind = PY_ERROR;
	lx->out->v[tok].len = (uint32_t)(lx->at - off);
}

static void
lex_number(struct lexer *lx)
{
	size_t off = lx->at;

	while (is_name((unsigned char)peek(lx, 0)) || peek(lx, 0) == '.') {
		char c = peek(lx, 0);

		lx->at++;
		if ((c == 'e' || c == 'E') && lx->s[off] != '0' &&
		    (peek(lx, 0) == '+' || peek(lx, 0) == '-'))
			lx->at++;
	}
	push(lx, PY_NUMBER, off, lx->at - off);
}

static void
lex_op(struct lexer *lx)
{
	static const char *const ops[] = { "**=", "//=", ">>=", "<<=", "...",
		"->", ":=", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=",
		"%=", "&=", "|=", "^=", "@=", "**", "//", "<<", ">>" };
	size_t len = 1, i;
	char c = peek(lx, 0);
	uint32_t tok;

	for (i = 0; i < sizeof ops / sizeof *ops; i++) {
		size_t n = strlen(ops[i]);

		if (lx->n - lx->at >= n &&
		    memcmp(lx->s + lx->at, ops[i], n) == 0) {
			len = n;
			break;
		}
	}
	if (c == '\0' || !strchr("()[]{},:.;@=+-*/%&|^~<>!", c)) {
		push(lx, PY_ERROR, lx->at++, 1);
		return;
	}
	tok = push(lx, PY_OP, lx->at, len);
	lx->at += len;
	if (strchr("([{", c)) {
		if (lx->nbracket < BINDU_PY_NEST_MAX)
			lx->bracket[lx->nbracket++] = tok;
		else
			lx->out->v[tok].kind = PY_ERROR;
	} else if (strchr(")]}", c) && lx->nbracket > 0) {
		uint32_t open = lx->bracket[--lx->nbracket];

		lx->out->v[open].match = tok;
		lx->out->v[tok].match = open;
	}
}

static void
lex_token(struct lexer *lx)
{
	char c = peek(lx, 0);
	size_t off = lx->at;
	int prefix = string_prefix(lx);

	if (prefix >= 0) {
		lex_string(lx, prefix);
	} else if (is_name_start((unsigned char)c)) {
		while (is_name((unsigned char)peek(lx, 0)))
			lx->at++;
		push(lx, PY_NAME, off, lx->at - off);
	} else if (is_digit((unsigned char)c) ||
	    (c == '.' && is_digit((unsigned char)peek(lx, 1)))) {
		lex_number(lx);
	} else {
		lex_op(lx);
	}
}

/* Brackets left open run to the end of the text. */
static void
finish(struct lexer *lx)
{
	end_line(lx);
	while (lx->nindent > 0)
		close_indent(lx);
	push(lx, PY_END, lx->at, 0);
	while (lx->nbracket > 0)
		lx->out->v[lx->bracket[--lx->nbracket]].match =
		    (uint32_t)(lx->out->n - 1);
}

void
bindu_py_lex(const char *text, size_t n, struct bindu_py_toks *out)
{
	struct lexer lx = { .s = text, .line = 1, .out = out };
	bool fresh = true;

	*out = (struct bindu_py_toks){ 0 };
	lx.n = n < BINDU_PY_SOURCE_MAX ? n : BINDU_PY_SOURCE_MAX;
	if (lx.n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		lx.at = 3;
	while (lx.at < lx.n) {
		char c;

		if (fresh && lx.nbracket == 0)
			open_line(&lx);
		fresh = false;
		c = peek(&lx, 0);
		if (lx.at >= lx.n)
			break;
		if (c == '#') {
			skip_line(&lx);
		} else if (c == '\n') {
			if (lx.nbracket == 0)
				end_line(&lx);
			lx.at++;
			lx.line++;
			fresh = true;
		} else if (c == '\\' &&
		    (peek(&lx, 1) == '\n' ||
			(peek(&lx, 1) == '\r' && peek(&lx, 2) == '\n'))) {
			lx.at += peek(&lx, 1) == '\n' ? 2 : 3;
			lx.line++;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
			lx.at++;
		} else {
			lex_token(&lx);
		}
	}
	finish(&lx);
}

bool
bindu_py_tok_is(const char *text, const struct bindu_py_tok *t,
    const char *word)
{
	return (t->kind == PY_NAME || t->kind == PY_OP) &&
	    strlen(word) == t->len && memcmp(text + t->off, word, t->len) == 0;
}
