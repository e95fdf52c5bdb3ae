/* py_flow.c - conditions, loops, try, with, match.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"

enum { UNROLL_MAX = 64 };

/* Objects made in a branch that ended may be its result: they stay. */
static void
keep_new(struct bindu_py *p, size_t nobj, const struct change *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p->slot[c[i].slot].obj >= nobj)
			py_redo(p, &c[i], 1);
}

struct fork {
	size_t mark, nobj, n;
	struct change *a;
	enum dead dead;
};

static void
fork_begin(struct bindu_py *p, struct fork *f)
{
	f->mark = py_mark(p);
	f->nobj = p->nobj;
}

/* The first branch ran: back to where it began, for the second. */
static void
fork_turn(struct bindu_py *p, struct fork *f)
{
	f->a = py_take_back(p, f->mark, &f->n);
	f->dead = p->dead;
	p->dead = ALIVE;
}

static void
fork_join(struct bindu_py *p, struct fork *f, unsigned line)
{
	struct change *b;
	size_t n;

	if (f->dead != ALIVE) {
		keep_new(p, f->nobj, f->a, f->n);
	} else if (p->dead != ALIVE) {
		b = py_take_back(p, f->mark, &n);
		keep_new(p, f->nobj, b, n);
		py_redo(p, f->a, f->n);
		p->dead = ALIVE;
	} else {
		py_merge(p, f->mark, f->nobj, f->a, f->n, line);
	}
}

/* if, elif and else from token i; returns what follows all of them. */
uint32_t
py_exec_if(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i);
	const struct val *cond;
	struct fork f;
	uint32_t next = b.after;
	int truth;

	if (!py_enter(p)) {
		py_leave(p);
		return p->limit;
	}
	cond = py_eval_range(p, i + 1, b.colon);
	truth = cond->env ? -1 : py_truth(p, cond);
	fork_begin(p, &f);
	if (truth != 0)
		py_run(p, b.start, b.end);
	if (truth < 0)
		fork_turn(p, &f);
	if (truth > 0) {
		while (
		    py_word_at(p, next, "elif") || py_word_at(p, next, "else"))
			next = py_part_at(p, next).after;
	} else if (py_word_at(p, next, "elif")) {
		next = py_exec_if(p, next);
	} else if (py_word_at(p, next, "else")) {
		b = py_part_at(p, next);
		py_run(p, b.start, b.end);
		next = b.after;
	}
	if (truth < 0)
		fork_join(p, &f, py_tok_at(p, i)->line);
	py_leave(p);
	return next;
}

static bool
loop_goes_on(struct bindu_py *p)
{
	if (p->dead == CONTINUED)
		p->dead = ALIVE;
	return p->dead == ALIVE && !p->over;
}

/* A body that runs no one knows how often: once, or not at all. */
static void
run_maybe(struct bindu_py *p, const struct py_part *b, unsigned line)
{
	struct fork f;

	fork_begin(p, &f);
	py_run(p, b->start, b->end);
	loop_goes_on(p);
	if (p->dead == BROKE)
		p->dead = ALIVE;
	fork_turn(p, &f);
	fork_join(p, &f, line);
}

uint32_t
py_exec_for(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i);
	uint32_t in = py_find(p, i + 1, "in");
	const struct val *seq;
	long long k, n;

	if (in >= b.colon)
		return b.after;
	seq = py_eval_range(p, in + 1, b.colon);
	n = py_len(p, seq);
	if (n < 0 || n > UNROLL_MAX) {
		p->pos = i + 1;
		py_assign(p, in,
		    py_unknown(p, "a loop in line %u sets it",
			py_tok_at(p, i)->line));
		run_maybe(p, &b, py_tok_at(p, i)->line);
	}
	for (k = 0; k < n && n <= UNROLL_MAX && p->dead == ALIVE; k++) {
		p->pos = i + 1;
		py_assign(p, in, py_item(p, seq, k));
		py_run(p, b.start, b.end);
		if (!loop_goes_on(p))
			break;
	}
	if (p->dead == BROKE)
		p->dead = ALIVE;
	return b.after;
}

uint32_t
py_exec_while(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i);
	int truth = py_truth(p, py_eval_range(p, i + 1, b.colon));

	if (truth > 0) {
		py_run(p, b.start, b.end);
		if (p->dead == CONTINUED || p->dead == BROKE)
			p->dead = ALIVE;
	} else if (truth < 0) {
		run_maybe(p, &b, py_tok_at(p, i)->line);
	}
	return b.after;
}

/* Would this handler ("except" at i) take what ended the body? */
static bool
catches(const struct bindu_py *p, uint32_t i, uint32_t colon, enum dead why)
{
	static const char *const names[] = { "FileNotFoundError", "OSError",
		"IOError", "EnvironmentError", "Exception", "BaseException" };
	uint32_t k;
	size_t n;

	if (why != MISSING_FILE || i + 1 == colon)
		return true;
	for (k = i + 1; k < colon; k++)
		for (n = 0; n < sizeof names / sizeof *names; n++)
			if (py_word_at(p, k, names[n]))
				return true;
	return false;
}

static void
bind_exception(struct bindu_py *p, uint32_t i, uint32_t colon)
{
	uint32_t as = py_find(p, i, "as");

	if (as + 1 < colon)
		py_set(p, p->f->obj, py_token_text(p, as + 1), &py_any);
}

/* The body is taken to succeed, unless it raises by itself or reads a file
 * that the tree does not have. */
uint32_t
py_exec_try(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i);
	enum dead why;
	uint32_t next = b.after;

	p->tries++;
	py_run(p, b.start, b.end);
	p->tries--;
	why = p->dead;
	while (py_word_at(p, next, "except") || py_word_at(p, next, "else")) {
		bool except = py_word_at(p, next, "except");

		b = py_part_at(p, next);
		if (except && (why == RAISED || why == MISSING_FILE) &&
		    catches(p, next, b.colon, why)) {
			p->dead = why = ALIVE;
			bind_exception(p, next, b.colon);
			py_run(p, b.start, b.end);
			why = p->dead == ALIVE ? BROKE : p->dead;
		} else if (!except && why == ALIVE) {
			py_run(p, b.start, b.end);
			why = p->dead;
		}
		next = b.after;
	}
	if (py_word_at(p, next, "finally")) {
		b = py_part_at(p, next);
		why = p->dead;
		p->dead = ALIVE;
		py_run(p, b.start, b.end);
		if (p->dead == ALIVE)
			p->dead = why;
		next = b.after;
	}
	return next;
}

uint32_t
py_exec_with(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i);
	uint32_t limit = p->limit, target;
	const struct val *v;

	p->pos = i + 1;
	p->limit = b.colon;
	if (py_at(p, "(") && py_skip(p, p->pos) == b.colon) {
		p->limit = b.colon - 1;
		p->pos++;
	}
	while (p->pos < p->limit && py_step(p)) {
		v = py_expr(p);
		if (py_eat(p, "as")) {
			target = py_find(p, p->pos, ",");
			py_assign(p, target, v);
			p->pos = target;
		}
		if (!py_eat(p, ","))
			break;
	}
	p->limit = limit;
	py_run(p, b.start, b.end);
	return b.after;
}

uint32_t
py_exec_match(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i), c;
	uint32_t at = b.start;

	py_eval_range(p, i + 1, b.colon);
	while (at < b.end && py_word_at(p, at, "case") && py_step(p)) {
		c = py_part_at(p, at);
		run_maybe(p, &c, py_tok_at(p, at)->line);
		at = c.after;
	}
	return b.after;
}
