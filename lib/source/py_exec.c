/* py_exec.c - statements.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"

const struct bindu_py_tok *
py_tok_at(const struct bindu_py *p, uint32_t i)
{
	return &p->m->toks.v[i < p->m->toks.n ? i : p->m->toks.n - 1];
}

bool
py_word_at(const struct bindu_py *p, uint32_t i, const char *word)
{
	return i < p->limit &&
	    bindu_py_tok_is(p->m->text, py_tok_at(p, i), word);
}

/* The ":" of a lambda is not the one that is looked for. */
uint32_t
py_find(const struct bindu_py *p, uint32_t i, const char *stop)
{
	unsigned lambdas = 0;

	while (i < p->limit && py_tok_at(p, i)->kind != PY_NEWLINE) {
		if (lambdas && py_word_at(p, i, ":"))
			lambdas--;
		else if (stop && py_word_at(p, i, stop))
			break;
		lambdas += py_word_at(p, i, "lambda");
		i = py_skip(p, i);
	}
	return i < p->limit ? i : p->limit;
}

char *
py_token_text(struct bindu_py *p, uint32_t i)
{
	const struct bindu_py_tok *t = py_tok_at(p, i);

	return py_strn(p, p->m->text + t->off, t->len);
}

struct py_part
py_part_at(const struct bindu_py *p, uint32_t i)
{
	struct py_part b;

	b.colon = py_find(p, i, ":");
	b.start = b.colon < p->limit ? b.colon + 1 : p->limit;
	if (py_word_at(p, b.colon, ":") && b.start + 1 < p->limit &&
	    py_tok_at(p, b.start)->kind == PY_NEWLINE &&
	    py_tok_at(p, b.start + 1)->kind == PY_INDENT) {
		b.end = py_tok_at(p, b.start + 1)->match;
		b.start += 2;
		if (b.end < b.start || b.end > p->limit)
			b.end = p->limit;
		b.after = b.end < p->limit ? b.end + 1 : p->limit;
	} else {
		b.end = py_find(p, b.start, NULL);
		b.after = b.end < p->limit ? b.end + 1 : p->limit;
	}
	return b;
}

void
py_run(struct bindu_py *p, uint32_t start, uint32_t end)
{
	p->pos = start;
	py_block(p, end);
}

const struct val *
py_eval_range(struct bindu_py *p, uint32_t start, uint32_t end)
{
	uint32_t limit = p->limit;
	const struct val *v;

	p->pos = start;
	p->limit = end < limit ? end : limit;
	v = py_eval(p);
	p->limit = limit;
	return v;
}

static void
set_return(struct bindu_py *p, const struct val *v, unsigned line)
{
	if (p->dead != ALIVE) /* its value raised */
		return;
	p->f->ret = p->f->ret ? py_merge_val(p, p->f->ret, v, line, 0) : v;
	p->dead = RETURNED;
}

static void
exec_global(struct bindu_py *p, uint32_t end)
{
	for (p->pos++; p->pos < end; p->pos++)
		if (py_tok(p)->kind == PY_NAME && p->f->nglobal < 16)
			p->f->global[p->f->nglobal++] =
			    py_token_text(p, p->pos);
}

static void
exec_del(struct bindu_py *p, uint32_t end)
{
	for (p->pos++; p->pos < end && py_step(p); p->pos++) {
		uint32_t stop = py_find(p, p->pos, ",");

		py_assign(p, stop < end ? stop : end, NULL);
		p->pos = stop < end ? stop : end;
	}
}

/* x op= value; a dict changes in place, for all who hold it. */
static void
exec_augmented(struct bindu_py *p, uint32_t op, uint32_t end)
{
	uint32_t start = p->pos;
	const struct val *old = py_eval_range(p, start, op), *v;
	char *sign = py_token_text(p, op);

	v = py_eval_range(p, op + 1, end);
	if (p->dead != ALIVE)
		return;
	sign[strlen(sign) - 1] = '\0';
	if (old->k == V_DICT && strcmp(sign, "|") == 0) {
		py_copy_into(p, old->obj, v);
		return;
	}
	p->pos = start;
	py_assign(p, op, py_binary(p, sign, old, v));
}

static void
exec_expression(struct bindu_py *p, uint32_t end)
{
	uint32_t start = p->pos, i, target[16], n = 0, last = start, colon;
	const struct val *v;

	for (i = start; i < end; i = py_skip(p, i)) {
		const struct bindu_py_tok *t = py_tok_at(p, i);

		if (py_word_at(p, i, "lambda"))
			break;
		if (t->kind != PY_OP || p->m->text[t->off + t->len - 1] != '=')
			continue;
		if (t->len == 1 && n < 16) {
			target[n++] = i;
			last = i + 1;
		} else if (t->len == 3 ||
		    (t->len == 2 && !strchr("=!<>:", p->m->text[t->off]))) {
			exec_augmented(p, i, end);
			return;
		}
	}
	colon = py_find(p, start, ":");
	if (p->f->is_class && colon == start + 1 && colon < end)
		py_add_field(p, py_token_text(p, start));
	if (n == 0 && colon < end)
		return; /* an annotation alone */
	v = py_eval_range(p, last, end);
	if (p->dead != ALIVE) /* it raised */
		return;
	for (i = 0; i < n; i++) {
		p->pos = i ? target[i - 1] + 1 : start;
		colon = py_find(p, p->pos, ":");
		py_assign(p, colon < target[i] ? colon : target[i], v);
	}
}

static void
exec_simple(struct bindu_py *p, uint32_t end)
{
	unsigned line = py_line(p);

	if (py_at(p, "return")) {
		set_return(p,
		    p->pos + 1 < end ? py_eval_range(p, p->pos + 1, end) :
				       &py_none,
		    line);
	} else if (py_at(p, "raise")) {
		p->dead = RAISED;
	} else if (py_at(p, "break")) {
		p->dead = BROKE;
	} else if (py_at(p, "continue")) {
		p->dead = CONTINUED;
	} else if (py_at(p, "import")) {
		py_exec_import(p, end);
	} else if (py_at(p, "from")) {
		py_exec_from(p, end);
	} else if (py_at(p, "global") || py_at(p, "nonlocal")) {
		exec_global(p, end);
	} else if (py_at(p, "del")) {
		exec_del(p, end);
	} else if (py_at(p, "assert")) {
		py_eval_range(p, p->pos + 1, end);
	} else if (!py_at(p, "pass")) {
		exec_expression(p, end);
	}
}

static void
exec_statement(struct bindu_py *p)
{
	static const struct {
		const char *word;
		uint32_t (*exec)(struct bindu_py *, uint32_t);
	} compound[] = {
		{ "if", py_exec_if },
		{ "for", py_exec_for },
		{ "while", py_exec_while },
		{ "try", py_exec_try },
		{ "with", py_exec_with },
		{ "def", py_exec_def },
		{ "class", py_exec_class },
	};
	uint32_t at, end, limit = p->limit;
	struct py_part b;
	size_t i;

	py_eat(p, "async");
	at = p->pos;
	for (i = 0; i < sizeof compound / sizeof *compound; i++)
		if (py_at(p, compound[i].word)) {
			p->pos = compound[i].exec(p, at);
			return;
		}
	if (py_at(p, "match")) {
		b = py_part_at(p, at);
		if (py_word_at(p, b.start, "case") && b.start > b.colon + 1) {
			p->pos = py_exec_match(p, at);
			return;
		}
	}
	end = py_find(p, at, ";");
	if (py_at(p, "@")) {
		py_exec_decorated(p);
		return;
	}
	p->limit = end;
	exec_simple(p, end);
	p->limit = limit;
	p->pos = end < limit ? end + 1 : limit;
}

void
py_block(struct bindu_py *p, uint32_t end)
{
	uint32_t limit = p->limit, before;
	unsigned left = p->left;

	if (py_enter(p)) {
		p->limit = end < limit ? end : limit;
		while (p->pos < p->limit && p->dead == ALIVE && py_step(p)) {
			if (p->left && !left) {
				py_block_maybe(p, p->limit);
				break;
			}
			before = p->pos;
			if (py_tok(p)->kind == PY_NEWLINE ||
			    py_tok(p)->kind == PY_INDENT ||
			    py_tok(p)->kind == PY_DEDENT)
				p->pos++;
			else
				exec_statement(p);
			if (p->pos <= before)
				p->pos = before + 1;
		}
		p->limit = limit;
	}
	py_leave(p);
}
