/* py_func.c - functions: definition, decorators, call.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"

enum { CALLS_MAX = 24 };

/* What parameters are without an argument is worked out once, here. */
static void
read_defaults(struct bindu_py *p, struct func *f)
{
	uint32_t end = py_tok_at(p, f->params - 1)->match, i, stop, eq;

	f->defaults = py_obj_new(p);
	for (i = f->params; i < end && py_step(p); i = stop + 1) {
		stop = py_find(p, i, ",");
		stop = stop < end ? stop : end;
		eq = py_find(p, i, "=");
		if (eq < stop)
			py_set(p, f->defaults, py_token_text(p, i),
			    py_eval_range(p, eq + 1, stop));
	}
}

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
		.line = py_tok_at(p, i)->line,
		.outer = p->f->is_class ? p->f->outer : p->f,
		.owner = p->f->is_class ? p->f->obj : 0,
		.next = p->funcs,
	};
	read_defaults(p, f);
	for (k = b.start; k < b.end; k++)
		f->generator |= py_word_at(p, k, "yield");
	p->funcs = f;
	*v = (struct val){ .k = V_FUNC, .func = f };
	py_set(p, p->f->obj, f->name, v);
	return b.after;
}

/* Decorators from outside the tree that leave alone what they decorate. */
static bool
is_plain(const char *name)
{
	static const char *const names[] = { "functools.lru_cache",
		"functools.cache", "functools.wraps",
		"functools.total_ordering", "abc.abstractmethod",
		"typing.override", "typing.final", "typing.runtime_checkable",
		"enum.unique" };
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Decorator d, from outside the tree, on function v of the tree. */
static void
mark_func(struct bindu_py *p, const struct val *v, const char *d)
{
	struct func *f = py_alloc(p, sizeof *f);
	struct val *n = py_alloc(p, sizeof *n);

	*f = *v->func;
	*n = *v;
	n->func = f;
	if (strcmp(d, "property") == 0 ||
	    strcmp(d, "functools.cached_property") == 0)
		f->kind = F_PROPERTY;
	else if (strcmp(d, "staticmethod") == 0)
		f->kind = F_STATIC;
	else if (strcmp(d, "classmethod") == 0)
		f->kind = F_CLASS;
	else if (!is_plain(d)) {
		f->wrap = d;
		if (p->f->is_class)
			py_set(p, p->f->obj, PY_CHECK, &py_true);
	}
	py_set(p, p->f->obj, f->name, n);
}

static void
mark_class(struct bindu_py *p, const struct val *v, const char *d)
{
	const char *dot = strrchr(d, '.'), *last = dot ? dot + 1 : d;

	if (strcmp(last, "dataclass") == 0 || strcmp(last, "define") == 0 ||
	    strcmp(last, "frozen") == 0)
		py_set(p, v->obj, PY_DATA, &py_true);
	else if (!is_plain(d))
		py_set(p, v->obj, PY_HOOK, &py_true);
}

/* The decorator in tokens [from, end) on what name stands for. */
static void
decorate(struct bindu_py *p, uint32_t from, uint32_t end, const char *name)
{
	uint32_t paren = py_find(p, from, "(");
	const struct val *d, *whole, *v = py_get(p, p->f->obj, name);
	struct args a = { .pos = { v }, .npos = 1 };

	if (!v || (v->k != V_FUNC && v->k != V_CLASS))
		return;
	d = whole = py_eval_range(p, from, end);
	if (paren < end)
		d = py_eval_range(p, from, paren);
	if (d->k == V_EXT && v->k == V_FUNC)
		mark_func(p, v, d->s);
	else if (d->k == V_EXT)
		mark_class(p, v, d->s);
	else
		py_set(p, p->f->obj, name, py_call_val(p, whole, &a, 0));
}

/* "@name.setter": the property stays, but what is set may become another. */
static bool
is_setter(const struct bindu_py *p, uint32_t end)
{
	return py_word_at(p, end - 1, "setter") ||
	    py_word_at(p, end - 1, "deleter") ||
	    py_word_at(p, end - 1, "getter");
}

void
py_exec_decorated(struct bindu_py *p)
{
	uint32_t from[8], end[8], stop;
	unsigned n = 0;
	const struct val *old = NULL;
	char *name;

	while (py_eat(p, "@") && py_step(p)) {
		stop = py_find(p, p->pos, NULL);
		if (n < 8) {
			from[n] = p->pos;
			end[n++] = stop;
		}
		p->pos = stop + 1;
	}
	py_eat(p, "async");
	name = py_token_text(p, p->pos + 1);
	old = py_get(p, p->f->obj, name);
	if (py_at(p, "def"))
		stop = py_exec_def(p, p->pos);
	else if (py_at(p, "class"))
		stop = py_exec_class(p, p->pos);
	else
		return;
	if (n && old && is_setter(p, end[0])) {
		py_set(p, p->f->obj, name, old);
		n = 0;
	}
	while (n-- > 0)
		decorate(p, from[n], end[n], name);
	p->pos = stop;
}

struct frame *
py_frame(struct bindu_py *p, uint32_t obj, struct frame *outer)
{
	struct frame *f = py_alloc(p, sizeof *f);

	*f = (struct frame){ .obj = obj, .outer = outer };
	return f;
}

/* *args and **kw: what no other parameter took. */
static const struct val *
rest_of(struct bindu_py *p, const struct args *a, unsigned stars, unsigned next,
    uint32_t used)
{
	const struct val *v = stars == 1 ? py_list(p) :
					   py_objval(p, V_DICT, py_obj_new(p));
	unsigned i;

	for (i = next; stars == 1 && i < a->npos; i++)
		py_append(p, v, a->pos[i]);
	for (i = 0; stars == 2 && i < a->nkey; i++)
		if (!(used >> i & 1))
			py_set(p, v->obj, a->key[i], a->val[i]);
	if (a->open)
		py_blur(p, v->obj, &py_any);
	return v;
}

/* Bind the parameters of f (p stands in f's module) in frame n. */
static void
bind(struct bindu_py *p, const struct func *f, const struct val *self,
    const struct args *a, struct frame *n)
{
	uint32_t end = py_tok_at(p, f->params - 1)->match, stop, used = 0;
	unsigned next = 0, i;
	bool keyword = false;

	p->limit = end;
	for (p->pos = f->params; p->pos < end && py_step(p);
	     p->pos = stop + 1) {
		const struct val *v = NULL;
		unsigned stars = py_eat(p, "**") ? 2 : py_eat(p, "*") ? 1 : 0;
		char *name;

		stop = py_find(p, p->pos, ",");
		if (py_tok(p)->kind != PY_NAME) {
			keyword |= stars == 1;
			continue;
		}
		name = py_token_text(p, p->pos);
		if (stars) {
			keyword |= stars == 1;
			py_set(p, n->obj, name,
			    rest_of(p, a, stars, next, used));
			continue;
		}
		if (self && p->pos == f->params)
			v = self;
		else if (!keyword && next < a->npos)
			v = a->pos[next++];
		for (i = 0; !v && i < a->nkey; i++)
			if (strcmp(a->key[i], name) == 0) {
				v = a->val[i];
				used |= (uint32_t)1 << i;
			}
		if (!v && !a->open)
			v = py_get(p, f->defaults, name);
		if (!v)
			v = py_unknown(p, "%s is a parameter of %s()", name,
			    f->name);
		py_set(p, n->obj, name, v);
	}
}

/* Branches that returned early may have changed what outlives the call. */
static void
merge_late(struct bindu_py *p, const struct frame *n)
{
	const struct late *l;
	size_t i;

	for (l = n->late; l; l = l->next)
		for (i = 0; i < l->n && py_step(p); i++) {
			const struct slot *s = &p->slot[l->c[i].slot];

			if (s->obj < n->obj)
				py_set(p, s->obj, s->key,
				    py_merge_val(p, l->c[i].v, s->v,
					n->func->line, 0));
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
	unsigned left = p->left;

	if (f->generator || p->calls >= CALLS_MAX || !py_step(p))
		return py_unknown(p, "%s() computes it", f->name);
	p->calls++;
	p->left = 0;
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
	merge_late(p, n);
	p->left = left;
	p->dead = dead;
	p->m = om;
	p->f = of;
	p->pos = pos;
	p->limit = limit;
	p->calls--;
	if (f->wrap)
		return py_unknown(p, "%s() is decorated with %s", f->name,
		    f->wrap);
	return n->ret ? n->ret : &py_none;
}
