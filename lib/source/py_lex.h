/* py_lex.h - Python source text to tokens, for py.c; bounded and tolerant.
 *
 * The text may come from anyone: sizes are capped, nothing recurses, and what
 * is not Python becomes a PY_ERROR token that ends at its line.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PY_LEX_H
#define BINDU_PY_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BINDU_PY_SOURCE_MAX = 4 << 20, /* bytes of one file */
	BINDU_PY_NEST_MAX = 200, /* brackets and blocks, as CPython */
};

enum bindu_py_kind {
	PY_END,
	PY_NEWLINE,
	PY_INDENT,
	PY_DEDENT,
	PY_NAME,
	PY_NUMBER,
	PY_STRING,
	PY_OP,
	PY_ERROR,
};

struct bindu_py_tok {
	enum bindu_py_kind kind;
	uint32_t off, len; /* bytes of the source */
	uint32_t line;
	uint32_t match; /* index of the partner of a bracket, INDENT */
};

struct bindu_py_toks {
	struct bindu_py_tok *v; /* ends with PY_END */
	size_t n, cap;
};

/* Always gives a list that ends with PY_END; text longer than
 * BINDU_PY_SOURCE_MAX is cut there.  Free v. */
void bindu_py_lex(const char *text, size_t n, struct bindu_py_toks *);
bool bindu_py_tok_is(const char *text, const struct bindu_py_tok *,
    const char *word);
#endif
