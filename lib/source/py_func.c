/* py_func.c - functions and classes: definition and call.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"

enum { CALLS_MAX = 24 };

uint32_t
py_exec_def(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i);
	struct func *f = py_alloc(p, sizeof *f);
	struct val *v = py_alloc(p, sizeof *v);
	uint32_t k, paren = py_find(p, i, "(");

	if (paren >= b.colon || py_tok_at(p, i + 1)->kind != PY_NAME)
		return b.after;
	*f = (struct func){
		.name = py_token_text(p, i + 1),
		.mod = p->m,
		.params = paren + 1,
		.body = b.start,
		.end = b.end,
		.outer = p->f->is_class ? p->f->outer : p->f,
		.next = p->funcs,
	};
	for (k = b.start; k < b.end; k++)
		f->generator |= py_word_at(p, k, "yield");
	p->funcs = f;
	*v = (struct val){ .k = V_FUNC, .func = f };
	py_set(p, p->f->obj, f->name, v);
	return b.after;
}

struct frame *
py_frame(struct bindu_py *p, uint32_t obj, struct frame *outer)
{
	struct frame *f = py_alloc(p, sizeof *f);

	*f = (struct frame){ .obj = obj, .outer = outer, .mod = p->m };
	return f;
}

uint32_t
py_exec_class(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i);
	uint32_t obj = py_obj_new(p), paren = py_find(p, i, "(");
	struct frame *f = p->f;
	char *name = py_token_text(p, i + 1);
	const struct val *base;

	if (paren + 1 < b.colon) {
		base = py_eval_range(p, paren + 1, py_find(p, paren + 1, ","));
		if (!py_word_at(p, paren + 1, ")"))
			py_set(p, obj,
			    "\x02"
			    "base",
			    base);
	}
	p->f = py_frame(p, obj, f);
	p->f->is_class = true;
	py_run(p, b.start, b.end);
	p->f = f;
	py_set(p, f->obj, name, py_objval(p, V_CLASS, obj));
	return b.after;
}

/* Bind the parameters of f (p stands in f's module) in frame n. */
static void
bind(struct bindu_py *p, const struct func *f, const struct val *self,
    const struct args *a, struct frame *n)
{
	uint32_t end = py_tok_at(p, f->params - 1)->match, stop;
	unsigned next = 0, i;
	bool keyword = false;

	p->limit = end;
	for (p->pos = f->params; p->pos < end && py_step(p);
	     p->pos = stop + 1) {
		const struct val *v = NULL;
		unsigned stars = py_eat(p, "**") ? 2 : py_eat(p, "*") ? 1 : 0;
		uint32_t eq;
		char *name;

		stop = py_find(p, p->pos, ",");
		if (py_tok(p)->kind != PY_NAME) {
			keyword |= stars == 1;
			continue;
		}
		name = py_token_text(p, p->pos);
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
		eq = py_find(p, p->pos, "=");
		if (!v && !a->open && eq < stop)
			v = py_eval_range(p, eq + 1, stop);
		if (!v)
			v = py_unknown(p, "%s is a parameter of %s()", name,
			    f->name);
		py_set(p, n->obj, name, v);
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
	n = py_frame(p, py_obj_new(p), f->outer);
	n->func = f;
	p->f = f->outer; /* defaults are the definer's */
	bind(p, f, self, a, n);
	p->f = n;
	p->dead = ALIVE;
	p->limit = (uint32_t)f->mod->toks.n - 1;
	py_run(p, f->body, f->end);
	if (p->dead == RAISED || p->dead == MISSING_FILE)
		dead = p->dead;
	else if (p->dead != RETURNED && n->ret)
		n->ret = py_merge_val(p, n->ret, &py_none, 0, 0);
	p->dead = dead;
	p->m = om;
	p->f = of;
	p->pos = pos;
	p->limit = limit;
	p->calls--;
	return n->ret ? n->ret : &py_none;
}
