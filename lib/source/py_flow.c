/* py_flow.c - conditions, loops, try, with, match.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"

enum { UNROLL_MAX = 64, WHILE_MAX = 16, UNCOUNTED = 3 };

void
py_raise(struct bindu_py *p, enum dead why)
{
	if (p->tries && p->dead == ALIVE)
		p->dead = why;
}

/* Objects made in a branch that ended may be its result: they stay. */
static void
keep_new(struct bindu_py *p, size_t nobj, const struct change *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p->slot[c[i].slot].obj >= nobj)
			py_redo(p, &c[i], 1);
}

void
py_fork_begin(struct bindu_py *p, struct py_fork *f)
{
	f->mark = py_mark(p);
	f->nobj = p->nobj;
}

/* The first branch ran: back to where it began, for the second. */
void
py_fork_turn(struct bindu_py *p, struct py_fork *f)
{
	f->a = py_take_back(p, f->mark, &f->n);
	f->dead = p->dead;
	p->dead = ALIVE;
}

/* Behind the loop, or in its next round, both branches have been. */
static bool
leaves_loop(enum dead dead)
{
	return dead == BROKE || dead == CONTINUED;
}

/* What a branch did before it returned counts once the function is over. */
static void
keep_late(struct bindu_py *p, enum dead dead, const struct change *c, size_t n)
{
	struct late *l;

	if (dead != RETURNED || n == 0)
		return;
	l = py_alloc(p, sizeof *l);
	*l = (struct late){ .c = c, .n = n, .next = p->f->late };
	p->f->late = l;
}

void
py_fork_join(struct bindu_py *p, struct py_fork *f, unsigned line)
{
	struct change *b;
	size_t n;

	if (f->dead != ALIVE && !leaves_loop(f->dead)) {
		keep_new(p, f->nobj, f->a, f->n);
		keep_late(p, f->dead, f->a, f->n);
	} else if (p->dead != ALIVE && !leaves_loop(p->dead)) {
		b = py_take_back(p, f->mark, &n);
		keep_new(p, f->nobj, b, n);
		keep_late(p, p->dead, b, n);
		py_redo(p, f->a, f->n);
		p->dead = f->dead;
	} else {
		py_merge(p, f->mark, f->nobj, f->a, f->n, line);
		if (p->dead != f->dead) {
			p->left |= p->dead == BROKE || f->dead == BROKE ?
			    MAYBE_BROKE :
			    0;
			p->left |= MAYBE_CONTINUED;
			p->left_line = line;
			p->dead = ALIVE;
		}
	}
}

/* An operand that is evaluated (1), not (0), or no one knows (-1). */
const struct val *
py_eval_maybe(struct bindu_py *p, int truth, unsigned line,
    const struct val *(*eval)(struct bindu_py *))
{
	const struct val *v;
	struct py_fork f;

	py_fork_begin(p, &f);
	v = eval(p);
	if (truth > 0)
		return v;
	py_fork_turn(p, &f);
	if (truth < 0)
		py_fork_join(p, &f, line);
	return v;
}

/* The rest of a block that an undecided break or continue may have left. */
void
py_block_maybe(struct bindu_py *p, uint32_t end)
{
	unsigned line = p->left_line, left = p->left;
	struct py_fork f;

	p->left = 0;
	py_fork_begin(p, &f);
	py_block(p, end);
	py_fork_turn(p, &f);
	py_fork_join(p, &f, line);
	p->left |= left;
}

/* if, elif and else from token i; returns what follows all of them. */
uint32_t
py_exec_if(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i);
	const struct val *cond;
	struct py_fork f;
	uint32_t next = b.after;
	int truth;

	if (!py_enter(p)) {
		py_leave(p);
		return p->limit;
	}
	cond = py_eval_range(p, i + 1, b.colon);
	truth = cond->env ? -1 : py_truth(p, cond);
	py_fork_begin(p, &f);
	if (truth != 0)
		py_run(p, b.start, b.end);
	if (truth < 0)
		py_fork_turn(p, &f);
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
		py_fork_join(p, &f, py_tok_at(p, i)->line);
	py_leave(p);
	return next;
}

struct loop {
	struct py_part b;
	uint32_t target, in; /* tokens of a for's target */
	unsigned line, left; /* left: what is so outside */
};

static bool
loop_goes_on(struct bindu_py *p)
{
	if (p->dead == CONTINUED)
		p->dead = ALIVE;
	return p->dead == ALIVE && !p->over;
}

/* One round of a body; v: for the target, NULL: none. */
static bool
loop_round(struct bindu_py *p, const struct loop *l, const struct val *v)
{
	unsigned left = p->left;

	if (v) {
		p->pos = l->target;
		py_assign(p, l->in, v);
	}
	p->left = 0;
	py_run(p, l->b.start, l->b.end);
	p->left = left | (p->left & MAYBE_BROKE);
	return loop_goes_on(p);
}

/* A round that no one knows to be run: at most once. */
static void
round_maybe(struct bindu_py *p, const struct loop *l, const struct val *v)
{
	struct py_fork f;

	py_fork_begin(p, &f);
	loop_round(p, l, v);
	if (p->dead == BROKE)
		p->dead = ALIVE;
	py_fork_turn(p, &f);
	py_fork_join(p, &f, l->line);
}

/* Rounds no one has counted: one may do what the one before it made way
 * for.  What still changes after these is taken to be unknown already. */
static void
rounds_maybe(struct bindu_py *p, const struct loop *l, const struct val *v)
{
	int i;

	for (i = 0; i < UNCOUNTED && p->dead == ALIVE && !p->over; i++)
		round_maybe(p, l, v);
}

static void
loop_begin(struct bindu_py *p, struct loop *l, uint32_t i)
{
	*l = (struct loop){ .b = py_part_at(p, i),
		.target = i + 1,
		.in = py_find(p, i + 1, "in"),
		.line = py_tok_at(p, i)->line,
		.left = p->left };
	p->left = 0;
}

/* "else" behind a loop runs unless it was left by break. */
static uint32_t
loop_end(struct bindu_py *p, const struct loop *l)
{
	bool broke = p->dead == BROKE, maybe = p->left & MAYBE_BROKE;
	struct loop other = *l;

	if (broke)
		p->dead = ALIVE;
	p->left = l->left;
	if (!py_word_at(p, l->b.after, "else"))
		return l->b.after;
	other.b = py_part_at(p, l->b.after);
	if (maybe)
		round_maybe(p, &other, NULL);
	else if (!broke && p->dead == ALIVE)
		py_run(p, other.b.start, other.b.end);
	return other.b.after;
}

uint32_t
py_exec_for(struct bindu_py *p, uint32_t i)
{
	const struct val *seq;
	struct loop l;
	long long k, n;

	loop_begin(p, &l, i);
	if (l.in >= l.b.colon)
		return l.b.after;
	seq = py_eval_range(p, l.in + 1, l.b.colon);
	n = py_len(p, seq);
	if (n < 0 || n > UNROLL_MAX) {
		rounds_maybe(p, &l,
		    py_unknown(p, "a loop in line %u sets it", l.line));
		n = 0;
	}
	for (k = 0; k < n && p->dead == ALIVE; k++) {
		if (p->left & MAYBE_BROKE)
			round_maybe(p, &l, py_item(p, seq, k));
		else if (!loop_round(p, &l, py_item(p, seq, k)))
			break;
	}
	return loop_end(p, &l);
}

uint32_t
py_exec_while(struct bindu_py *p, uint32_t i)
{
	unsigned rounds = WHILE_MAX;
	int truth = 1;
	struct loop l;

	loop_begin(p, &l, i);
	while (rounds-- && truth > 0 && !(p->left & MAYBE_BROKE)) {
		truth = py_truth(p, py_eval_range(p, i + 1, l.b.colon));
		if (truth > 0 && !loop_round(p, &l, NULL))
			break;
	}
	if (truth && p->dead == ALIVE)
		rounds_maybe(p, &l, NULL);
	return loop_end(p, &l);
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
	struct py_fork f;

	py_eval_range(p, i + 1, b.colon);
	while (at < b.end && py_word_at(p, at, "case") && py_step(p)) {
		c = py_part_at(p, at);
		py_fork_begin(p, &f);
		py_run(p, c.start, c.end);
		py_fork_turn(p, &f);
		py_fork_join(p, &f, py_tok_at(p, at)->line);
		at = c.after;
	}
	return b.after;
}
