/* py_exec.c - statements: blocks, branches, loops, definitions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"

enum { UNROLL_MAX = 64, CALLS_MAX = 24 };

/* A compound statement: where its header and its body are. */
struct part {
	uint32_t colon, start, end, after;
};

static const struct bindu_py_tok *
tok_at(const struct bindu_py *p, uint32_t i)
{
	return &p->m->toks.v[i < p->m->toks.n ? i : p->m->toks.n - 1];
}

static bool
word_at(const struct bindu_py *p, uint32_t i, const char *word)
{
	return i < p->limit && bindu_py_tok_is(p->m->text, tok_at(p, i), word);
}

/* First of: a NEWLINE, the limit, or stop, outside brackets. */
static uint32_t
find(const struct bindu_py *p, uint32_t i, const char *stop)
{
	unsigned lambdas = 0;

	while (i < p->limit && tok_at(p, i)->kind != PY_NEWLINE) {
		if (lambdas && word_at(p, i, ":"))
			lambdas--;
		else if (stop && word_at(p, i, stop))
			break;
		lambdas += word_at(p, i, "lambda");
		i = py_skip(p, i);
	}
	return i < p->limit ? i : p->limit;
}

static char *
token_text(struct bindu_py *p, uint32_t i)
{
	const struct bindu_py_tok *t = tok_at(p, i);

	return py_strn(p, p->m->text + t->off, t->len);
}

static struct part
part_at(const struct bindu_py *p, uint32_t i)
{
	struct part b;

	b.colon = find(p, i, ":");
	b.start = b.colon < p->limit ? b.colon + 1 : p->limit;
	if (word_at(p, b.colon, ":") && b.start + 1 < p->limit &&
	    tok_at(p, b.start)->kind == PY_NEWLINE &&
	    tok_at(p, b.start + 1)->kind == PY_INDENT) {
		b.end = tok_at(p, b.start + 1)->match;
		b.start += 2;
		if (b.end < b.start || b.end > p->limit)
			b.end = p->limit;
		b.after = b.end < p->limit ? b.end + 1 : p->limit;
	} else {
		b.end = find(p, b.start, NULL);
		b.after = b.end < p->limit ? b.end + 1 : p->limit;
	}
	return b;
}

static void
run(struct bindu_py *p, uint32_t start, uint32_t end)
{
	p->pos = start;
	py_block(p, end);
}

static const struct val *
eval_range(struct bindu_py *p, uint32_t start, uint32_t end)
{
	uint32_t limit = p->limit;
	const struct val *v;

	p->pos = start;
	p->limit = end < limit ? end : limit;
	v = py_eval(p);
	p->limit = limit;
	return v;
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
static uint32_t
exec_if(struct bindu_py *p, uint32_t i)
{
	struct part b = part_at(p, i);
	const struct val *cond;
	struct fork f;
	uint32_t next = b.after;
	int truth;

	if (!py_enter(p)) {
		py_leave(p);
		return p->limit;
	}
	cond = eval_range(p, i + 1, b.colon);
	truth = cond->env ? -1 : py_truth(p, cond);
	fork_begin(p, &f);
	if (truth != 0)
		run(p, b.start, b.end);
	if (truth < 0)
		fork_turn(p, &f);
	if (truth > 0) {
		while (word_at(p, next, "elif") || word_at(p, next, "else"))
			next = part_at(p, next).after;
	} else if (word_at(p, next, "elif")) {
		next = exec_if(p, next);
	} else if (word_at(p, next, "else")) {
		b = part_at(p, next);
		run(p, b.start, b.end);
		next = b.after;
	}
	if (truth < 0)
		fork_join(p, &f, tok_at(p, i)->line);
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
run_maybe(struct bindu_py *p, const struct part *b, unsigned line)
{
	struct fork f;

	fork_begin(p, &f);
	run(p, b->start, b->end);
	loop_goes_on(p);
	if (p->dead == BROKE)
		p->dead = ALIVE;
	fork_turn(p, &f);
	fork_join(p, &f, line);
}

static uint32_t
exec_for(struct bindu_py *p, uint32_t i)
{
	struct part b = part_at(p, i);
	uint32_t in = find(p, i + 1, "in");
	const struct val *seq;
	long long k, n;

	if (in >= b.colon)
		return b.after;
	seq = eval_range(p, in + 1, b.colon);
	n = py_len(p, seq);
	if (n < 0 || n > UNROLL_MAX) {
		p->pos = i + 1;
		py_assign(p, in, py_unknown(p, "a loop in line %u sets it",
		    tok_at(p, i)->line));
		run_maybe(p, &b, tok_at(p, i)->line);
	}
	for (k = 0; k < n && n <= UNROLL_MAX && p->dead == ALIVE; k++) {
		p->pos = i + 1;
		py_assign(p, in, py_item(p, seq, k));
		run(p, b.start, b.end);
		if (!loop_goes_on(p))
			break;
	}
	if (p->dead == BROKE)
		p->dead = ALIVE;
	return b.after;
}

static uint32_t
exec_while(struct bindu_py *p, uint32_t i)
{
	struct part b = part_at(p, i);
	int truth = py_truth(p, eval_range(p, i + 1, b.colon));

	if (truth > 0) {
		run(p, b.start, b.end);
		if (p->dead == CONTINUED || p->dead == BROKE)
			p->dead = ALIVE;
	} else if (truth < 0) {
		run_maybe(p, &b, tok_at(p, i)->line);
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
			if (word_at(p, k, names[n]))
				return true;
	return false;
}

static void
bind_exception(struct bindu_py *p, uint32_t i, uint32_t colon)
{
	uint32_t as = find(p, i, "as");

	if (as + 1 < colon)
		py_set(p, p->f->obj, token_text(p, as + 1), &py_any);
}

/* The body is taken to succeed, unless it raises by itself or reads a file
 * that the tree does not have. */
static uint32_t
exec_try(struct bindu_py *p, uint32_t i)
{
	struct part b = part_at(p, i);
	enum dead why;
	uint32_t next = b.after;

	p->tries++;
	run(p, b.start, b.end);
	p->tries--;
	why = p->dead;
	while (word_at(p, next, "except") || word_at(p, next, "else")) {
		bool except = word_at(p, next, "except");

		b = part_at(p, next);
		if (except && (why == RAISED || why == MISSING_FILE) &&
		    catches(p, next, b.colon, why)) {
			p->dead = why = ALIVE;
			bind_exception(p, next, b.colon);
			run(p, b.start, b.end);
			why = p->dead == ALIVE ? BROKE : p->dead;
		} else if (!except && why == ALIVE) {
			run(p, b.start, b.end);
			why = p->dead;
		}
		next = b.after;
	}
	if (word_at(p, next, "finally")) {
		b = part_at(p, next);
		why = p->dead;
		p->dead = ALIVE;
		run(p, b.start, b.end);
		if (p->dead == ALIVE)
			p->dead = why;
		next = b.after;
	}
	return next;
}

static uint32_t
exec_with(struct bindu_py *p, uint32_t i)
{
	struct part b = part_at(p, i);
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
			target = find(p, p->pos, ",");
			py_assign(p, target, v);
			p->pos = target;
		}
		if (!py_eat(p, ","))
			break;
	}
	p->limit = limit;
	run(p, b.start, b.end);
	return b.after;
}

static uint32_t
exec_def(struct bindu_py *p, uint32_t i)
{
	struct part b = part_at(p, i);
	struct func *f = py_alloc(p, sizeof *f);
	struct val *v = py_alloc(p, sizeof *v);
	uint32_t k, paren = find(p, i, "(");

	if (paren >= b.colon || tok_at(p, i + 1)->kind != PY_NAME)
		return b.after;
	*f = (struct func) { .name = token_text(p, i + 1), .mod = p->m,
		.params = paren + 1, .body = b.start, .end = b.end,
		.outer = p->f->is_class ? p->f->outer : p->f,
		.next = p->funcs };
	for (k = b.start; k < b.end; k++)
		f->generator |= word_at(p, k, "yield");
	p->funcs = f;
	*v = (struct val) { .k = V_FUNC, .func = f };
	py_set(p, p->f->obj, f->name, v);
	return b.after;
}

static struct frame *
new_frame(struct bindu_py *p, uint32_t obj, struct frame *outer)
{
	struct frame *f = py_alloc(p, sizeof *f);

	*f = (struct frame) { .obj = obj, .outer = outer, .mod = p->m };
	return f;
}

static uint32_t
exec_class(struct bindu_py *p, uint32_t i)
{
	struct part b = part_at(p, i);
	uint32_t obj = py_obj_new(p), paren = find(p, i, "(");
	struct frame *f = p->f;
	char *name = token_text(p, i + 1);
	const struct val *base;

	if (paren + 1 < b.colon) {
		base = eval_range(p, paren + 1, find(p, paren + 1, ","));
		if (!word_at(p, paren + 1, ")"))
			py_set(p, obj, "\x02" "base", base);
	}
	p->f = new_frame(p, obj, f);
	p->f->is_class = true;
	run(p, b.start, b.end);
	p->f = f;
	py_set(p, f->obj, name, py_objval(p, V_CLASS, obj));
	return b.after;
}

static uint32_t
exec_match(struct bindu_py *p, uint32_t i)
{
	struct part b = part_at(p, i), c;
	uint32_t at = b.start;

	eval_range(p, i + 1, b.colon);
	while (at < b.end && word_at(p, at, "case") && py_step(p)) {
		c = part_at(p, at);
		run_maybe(p, &c, tok_at(p, at)->line);
		at = c.after;
	}
	return b.after;
}

static void
set_return(struct bindu_py *p, const struct val *v, unsigned line)
{
	p->f->ret = p->f->ret ? py_merge_val(p, p->f->ret, v, line, 0) : v;
	p->dead = RETURNED;
}

static void
exec_global(struct bindu_py *p, uint32_t end)
{
	for (p->pos++; p->pos < end; p->pos++)
		if (py_tok(p)->kind == PY_NAME && p->f->nglobal < 16)
			p->f->global[p->f->nglobal++] = token_text(p, p->pos);
}

static void
exec_del(struct bindu_py *p, uint32_t end)
{
	for (p->pos++; p->pos < end && py_step(p); p->pos++) {
		uint32_t stop = find(p, p->pos, ",");

		py_assign(p, stop < end ? stop : end, NULL);
		p->pos = stop < end ? stop : end;
	}
}

static char *
dotted_name(struct bindu_py *p, uint32_t end)
{
	char *s = py_fmt(p, "%s", "");

	while (p->pos < end && (py_tok(p)->kind == PY_NAME || py_at(p, ".")) &&
	    !py_at(p, "import") && !py_at(p, "as") && py_step(p)) {
		s = py_fmt(p, "%s%s", s, token_text(p, p->pos));
		p->pos++;
	}
	return s;
}

static void
exec_import(struct bindu_py *p, uint32_t end)
{
	const struct val *v;
	char *name, *top;

	p->pos++;
	while (p->pos < end && py_step(p)) {
		name = dotted_name(p, end);
		v = py_import(p, name);
		if (py_eat(p, "as")) {
			py_set(p, p->f->obj, token_text(p, p->pos), v);
			p->pos++;
		} else {
			top = py_strn(p, name, strcspn(name, "."));
			py_set(p, p->f->obj, top, strchr(name, '.') ?
			    py_import(p, top) : v);
		}
		if (!py_eat(p, ","))
			break;
	}
}

static void
exec_from(struct bindu_py *p, uint32_t end)
{
	unsigned dots = 0;
	char *mod, *name;
	const struct val *v;

	for (p->pos++; py_at(p, ".") || py_at(p, "..."); p->pos++)
		dots += py_at(p, "...") ? 3 : 1;
	mod = dotted_name(p, end);
	if (dots)
		mod = py_relative(p, dots, mod);
	if (!py_eat(p, "import"))
		return;
	if (py_eat(p, "*")) {
		py_import_star(p, mod);
		return;
	}
	py_eat(p, "(");
	while (p->pos < end && py_tok(p)->kind == PY_NAME && py_step(p)) {
		name = token_text(p, p->pos++);
		v = py_import_from(p, mod, name);
		if (py_eat(p, "as"))
			name = token_text(p, p->pos++);
		py_set(p, p->f->obj, name, v);
		if (!py_eat(p, ","))
			break;
	}
}

/* x op= value: for names; other targets become unknown. */
static void
exec_augmented(struct bindu_py *p, uint32_t op, uint32_t end)
{
	uint32_t start = p->pos;
	const struct val *old = eval_range(p, start, op), *v;
	char *sign = token_text(p, op);

	v = eval_range(p, op + 1, end);
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
		const struct bindu_py_tok *t = tok_at(p, i);

		if (word_at(p, i, "lambda"))
			break;
		if (t->kind != PY_OP || p->m->text[t->off + t->len - 1] != '=')
			continue;
		if (t->len == 1 && n < 16) {
			target[n++] = i;
			last = i + 1;
		} else if (t->len == 3 || (t->len == 2 && !strchr("=!<>:",
		    p->m->text[t->off]))) {
			exec_augmented(p, i, end);
			return;
		}
	}
	if (n == 0 && (colon = find(p, start, ":")) < end)
		return;		/* an annotation alone */
	v = eval_range(p, last, end);
	for (i = 0; i < n; i++) {
		p->pos = i ? target[i - 1] + 1 : start;
		colon = find(p, p->pos, ":");
		py_assign(p, colon < target[i] ? colon : target[i], v);
	}
}

static void
exec_simple(struct bindu_py *p, uint32_t end)
{
	unsigned line = py_line(p);

	if (py_at(p, "return")) {
		set_return(p, p->pos + 1 < end ? eval_range(p, p->pos + 1,
		    end) : &py_none, line);
	} else if (py_at(p, "raise")) {
		p->dead = RAISED;
	} else if (py_at(p, "break")) {
		p->dead = BROKE;
	} else if (py_at(p, "continue")) {
		p->dead = CONTINUED;
	} else if (py_at(p, "import")) {
		exec_import(p, end);
	} else if (py_at(p, "from")) {
		exec_from(p, end);
	} else if (py_at(p, "global") || py_at(p, "nonlocal")) {
		exec_global(p, end);
	} else if (py_at(p, "del")) {
		exec_del(p, end);
	} else if (py_at(p, "assert")) {
		eval_range(p, p->pos + 1, end);
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
		{ "if", exec_if }, { "for", exec_for }, { "while", exec_while },
		{ "try", exec_try }, { "with", exec_with }, { "def", exec_def },
		{ "class", exec_class },
	};
	uint32_t at, end, limit = p->limit;
	struct part b;
	size_t i;

	py_eat(p, "async");
	at = p->pos;
	for (i = 0; i < sizeof compound / sizeof *compound; i++)
		if (py_at(p, compound[i].word)) {
			p->pos = compound[i].exec(p, at);
			return;
		}
	if (py_at(p, "match")) {
		b = part_at(p, at);
		if (word_at(p, b.start, "case") && b.start > b.colon + 1) {
			p->pos = exec_match(p, at);
			return;
		}
	}
	end = find(p, at, ";");
	if (py_at(p, "@")) {	/* a decorator changes nothing we follow */
		p->pos = end + 1;
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

	if (py_enter(p)) {
		p->limit = end < limit ? end : limit;
		while (p->pos < p->limit && p->dead == ALIVE && py_step(p)) {
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

void
py_run_module(struct bindu_py *p, struct module *m, const char *name)
{
	struct module *om = p->m;
	struct frame *of = p->f;
	uint32_t pos = p->pos, limit = p->limit;
	enum dead dead = p->dead;

	p->m = m;
	p->f = new_frame(p, m->obj, NULL);
	p->dead = ALIVE;
	py_set(p, m->obj, "__name__", py_str(p, V_STR, name));
	py_set(p, m->obj, "__file__", py_str(p, V_STR, py_fmt(p, "%s/%s",
	    strcmp(p->root, "/") ? p->root : "", m->file)));
	p->pos = 0;
	p->limit = (uint32_t)m->toks.n - 1;
	py_block(p, p->limit);
	p->m = om;
	p->f = of;
	p->pos = pos;
	p->limit = limit;
	p->dead = dead;
}

/* Bind the parameters of f (p stands in f's module) in frame n. */
static void
bind(struct bindu_py *p, const struct func *f, const struct val *self,
    const struct args *a, struct frame *n)
{
	uint32_t end = tok_at(p, f->params - 1)->match, stop;
	unsigned next = 0, i;
	bool keyword = false;

	p->limit = end;
	for (p->pos = f->params; p->pos < end && py_step(p); p->pos = stop + 1) {
		const struct val *v = NULL;
		unsigned stars = py_eat(p, "**") ? 2 : py_eat(p, "*") ? 1 : 0;
		uint32_t eq;
		char *name;

		stop = find(p, p->pos, ",");
		if (py_tok(p)->kind != PY_NAME) {
			keyword |= stars == 1;
			continue;
		}
		name = token_text(p, p->pos);
		if (stars) {
			keyword |= stars == 1;
			py_set(p, n->obj, name, &py_any);
			continue;
		}
		if (self && p->pos == f->params)
			v = self;
		else if (!keyword && next < a->npos)
			v = a->pos[next++];
		for (i = 0; !v && i < a->nkey; i++)
			if (strcmp(a->key[i], name) == 0)
				v = a->val[i];
		eq = find(p, p->pos, "=");
		if (!v && !a->open && eq < stop)
			v = eval_range(p, eq + 1, stop);
		py_set(p, n->obj, name, v ? v : py_unknown(p,
		    "%s is a parameter of %s()", name, f->name));
	}
}

const struct val *
py_call_func(struct bindu_py *p, const struct func *f, const struct val *self,
    const struct args *a)
{
	struct module *om = p->m;
	struct frame *of = p->f, *n;
	uint32_t pos = p->pos, limit = p->limit;
	enum dead dead = p->dead;

	if (f->generator || p->calls >= CALLS_MAX || !py_step(p))
		return py_unknown(p, "%s() computes it", f->name);
	p->calls++;
	p->m = f->mod;
	n = new_frame(p, py_obj_new(p), f->outer);
	n->func = f;
	p->f = f->outer;	/* defaults are the definer's */
	bind(p, f, self, a, n);
	p->f = n;
	p->dead = ALIVE;
	p->limit = (uint32_t)f->mod->toks.n - 1;
	run(p, f->body, f->end);
	if (p->dead == RAISED || p->dead == MISSING_FILE)
		dead = p->dead;
	else if (p->dead != RETURNED && n->ret)
		set_return(p, &py_none, 0);
	p->dead = dead;
	p->m = om;
	p->f = of;
	p->pos = pos;
	p->limit = limit;
	p->calls--;
	return n->ret ? n->ret : &py_none;
}
