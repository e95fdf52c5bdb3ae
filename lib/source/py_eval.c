/* py_eval.c - expressions, evaluated as they are parsed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"

enum { STEPS_MAX = 3000000, DEPTH_MAX = 300 };

static const struct val *binary_from(struct bindu_py *, int least);

bool
py_step(struct bindu_py *p)
{
	if (++p->steps > STEPS_MAX)
		p->over = true;
	return !p->over;
}

bool
py_enter(struct bindu_py *p)
{
	if (++p->depth > DEPTH_MAX)
		p->over = true;
	return py_step(p);
}

void
py_leave(struct bindu_py *p)
{
	p->depth--;
}

const struct bindu_py_tok *
py_tok(const struct bindu_py *p)
{
	static const struct bindu_py_tok end = { .kind = PY_END };

	return p->pos < p->limit ? &p->m->toks.v[p->pos] : &end;
}

unsigned
py_line(const struct bindu_py *p)
{
	return p->pos < p->m->toks.n ? p->m->toks.v[p->pos].line : 0;
}

bool
py_at(const struct bindu_py *p, const char *word)
{
	return p->pos < p->limit &&
	    bindu_py_tok_is(p->m->text, py_tok(p), word);
}

bool
py_eat(struct bindu_py *p, const char *word)
{
	bool is = py_at(p, word);

	p->pos += is;
	return is;
}

uint32_t
py_skip(const struct bindu_py *p, uint32_t i)
{
	const struct bindu_py_tok *t = &p->m->toks.v[i];

	return (t->kind == PY_OP && t->match > i ? t->match : i) + 1;
}

static const struct val *
lookup(struct bindu_py *p, const char *name)
{
	const struct frame *f;
	const struct val *v;

	for (f = p->f; f; f = f->outer) {
		if (f->is_class && f != p->f)
			continue;
		if ((v = py_entry(p, f->obj, name)))
			return v;
	}
	return py_str(p, V_EXT, name);
}

/* Evaluate up to token end, as a whole; then stand behind it. */
static const struct val *
group(struct bindu_py *p, uint32_t end,
    const struct val *(*eval)(struct bindu_py *))
{
	uint32_t limit = p->limit;
	const struct val *v;

	p->limit = end < limit ? end : limit;
	v = eval(p);
	if (p->pos < p->limit) /* a comprehension, or not Python */
		v = &py_any;
	p->limit = limit;
	p->pos = end < limit ? end + 1 : limit;
	return v;
}

static const struct val *
list_display(struct bindu_py *p)
{
	const struct val *l = py_list(p), *v;
	long long i, n;

	while (p->pos < p->limit && py_step(p)) {
		if (py_eat(p, "*")) {
			v = py_expr(p);
			if ((n = py_len(p, v)) < 0)
				py_blur(p, l->obj, &py_any);
			for (i = 0; i < n && py_step(p); i++)
				py_append(p, l, py_item(p, v, i));
		} else {
			py_append(p, l, py_expr(p));
		}
		if (!py_eat(p, ","))
			break;
	}
	return l;
}

static const struct val *
dict_display(struct bindu_py *p)
{
	const struct val *d = py_objval(p, V_DICT, py_obj_new(p)), *k, *v;
	bool set = false;

	while (p->pos < p->limit && py_step(p)) {
		if (py_eat(p, "**")) {
			py_copy_into(p, d->obj, binary_from(p, 0));
		} else {
			k = py_expr(p);
			if (py_eat(p, ":")) {
				v = py_expr(p);
				if (py_key(p, k))
					py_set(p, d->obj, py_key(p, k), v);
				else
					py_blur(p, d->obj, &py_any);
			} else {
				set = true;
			}
		}
		if (!py_eat(p, ","))
			break;
	}
	return set ? &py_any : d;
}

static const struct val *
parens(struct bindu_py *p)
{
	return p->pos < p->limit ? py_eval(p) : py_list(p);
}

static const struct val *
number(struct bindu_py *p)
{
	char *s = py_token_text(p, p->pos), *end, *from = s, *to = s;
	long long i;

	p->pos++;
	for (; *from; from++)
		if (*from != '_')
			*to++ = *from;
	*to = '\0';
	i = strtoll(s, &end, s[0] == '0' && (s[1] | 32) == 'x' ? 16 : 10);
	return *end ? &py_any : py_int(p, i);
}

/* Past the rest of the expression, not evaluated. */
static const struct val *
skip_rest(struct bindu_py *p, const char *until)
{
	while (p->pos < p->limit && py_tok(p)->kind != PY_NEWLINE &&
	    !py_at(p, until) && !py_at(p, ";"))
		p->pos = py_skip(p, p->pos);
	if (p->pos > p->limit)
		p->pos = p->limit;
	return &py_any;
}

static const struct val *
lambda(struct bindu_py *p)
{
	skip_rest(p, ":");
	py_eat(p, ":");
	skip_rest(p, ",");
	return py_unknown(p, "a lambda computes it");
}

static const struct val *
name_atom(struct bindu_py *p)
{
	char *name = py_token_text(p, p->pos);

	p->pos++;
	if (strcmp(name, "True") == 0)
		return &py_true;
	if (strcmp(name, "False") == 0)
		return &py_false;
	if (strcmp(name, "None") == 0)
		return &py_none;
	if (strcmp(name, "lambda") == 0)
		return lambda(p);
	if (strcmp(name, "yield") == 0)
		return skip_rest(p, ";");
	return lookup(p, name);
}

static const struct val *
atom(struct bindu_py *p)
{
	const struct bindu_py_tok *t = py_tok(p);
	char c = p->pos < p->limit ? p->m->text[t->off] : '\0';

	switch (t->kind) {
	case PY_NAME:
		return name_atom(p);
	case PY_NUMBER:
		return number(p);
	case PY_STRING:
		return py_string(p);
	case PY_OP:
		if (t->len == 1 && (c == '(' || c == '[' || c == '{')) {
			p->pos++;
			return group(p, t->match,
			    c == '('	 ? parens :
				c == '[' ? list_display :
					   dict_display);
		}
		break;
	default:
		break;
	}
	return skip_rest(p, ",");
}

static const struct val *
attribute(struct bindu_py *p, const struct val *v)
{
	unsigned line = py_line(p);
	const struct val *r;
	struct args a;
	char *name;

	p->pos++;
	if (py_tok(p)->kind != PY_NAME)
		return &py_any;
	name = py_token_text(p, p->pos);
	p->pos++;
	if (!py_at(p, "("))
		return py_attr(p, v, name);
	if (py_is_parser(p, v)) {
		py_arguments(p, &a);
		return py_argparse_call(p, v, name, &a);
	}
	if (v->k == V_SUPER)
		return py_super_call(p, v, name, line);
	if (v->k == V_INST || v->k == V_CLASS || v->k == V_MODULE ||
	    v->k == V_EXT) {
		r = py_attr(p, v, name);
		if (v->k != V_INST || r->k != V_UNKNOWN)
			v = r;
	}
	py_arguments(p, &a);
	if (v->k == V_FUNC || v->k == V_METHOD || v->k == V_CLASS ||
	    v->k == V_EXT)
		return py_call_val(p, v, &a, line);
	r = py_method(p, v, name, &a);
	if (r)
		return r;
	py_handed(p, &a, line);
	return v->k == V_UNKNOWN ? py_derived(p, v) :
				   py_unknown(p, "%s() computes it", name);
}

const struct val *
py_primary(struct bindu_py *p)
{
	const struct val *v;
	struct args a;
	unsigned line;

	while (py_eat(p, "await"))
		;
	v = atom(p);
	while (py_step(p)) {
		line = py_line(p);
		if (py_at(p, ".")) {
			v = attribute(p, v);
		} else if (py_at(p, "(")) {
			py_arguments(p, &a);
			v = py_call_val(p, v, &a, line);
		} else if (py_at(p, "[")) {
			uint32_t end = py_tok(p)->match;

			p->pos++;
			v = py_subscript(p, v, group(p, end, py_eval));
		} else {
			break;
		}
	}
	return v;
}

static const struct val *
unary(struct bindu_py *p)
{
	const struct val *v, *w;
	bool minus = false, odd = false;

	if (!py_enter(p)) {
		py_leave(p);
		return skip_rest(p, ";");
	}
	for (;; p->pos++) {
		if (py_at(p, "-"))
			minus = !minus;
		else if (py_at(p, "~"))
			odd = true;
		else if (!py_at(p, "+"))
			break;
	}
	v = py_primary(p);
	if (py_eat(p, "**")) {
		w = unary(p);
		v = py_unfollowed(w);
	}
	if (odd || (minus && v->k != V_INT))
		v = py_unfollowed(v);
	else if (minus)
		v = py_binary(p, "-", py_int(p, 0), v);
	py_leave(p);
	return v;
}

static const struct {
	const char *op;
	int level;
} operators[] = {
	{ "|", 1 },
	{ "^", 2 },
	{ "&", 3 },
	{ "<<", 4 },
	{ ">>", 4 },
	{ "+", 5 },
	{ "-", 5 },
	{ "*", 6 },
	{ "/", 6 },
	{ "//", 6 },
	{ "%", 6 },
	{ "@", 6 },
};

static const struct val *
binary_from(struct bindu_py *p, int least)
{
	const struct val *v = unary(p);

	while (py_tok(p)->kind == PY_OP && py_step(p)) {
		size_t i, n = sizeof operators / sizeof *operators;

		for (i = 0; i < n; i++)
			if (operators[i].level > least &&
			    py_at(p, operators[i].op))
				break;
		if (i == n)
			break;
		p->pos++;
		v = py_binary(p, operators[i].op, v,
		    binary_from(p, operators[i].level));
	}
	return v;
}

static const char *
comparison(struct bindu_py *p)
{
	static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">",
		"in" };
	size_t i;

	for (i = 0; i < sizeof ops / sizeof *ops; i++)
		if (py_eat(p, ops[i]))
			return ops[i];
	if (py_eat(p, "is"))
		return py_eat(p, "not") ? "is not" : "is";
	if (py_at(p, "not") && p->pos + 1 < p->limit &&
	    bindu_py_tok_is(p->m->text, &p->m->toks.v[p->pos + 1], "in")) {
		p->pos += 2;
		return "not in";
	}
	return NULL;
}

static const struct val *
negate(struct bindu_py *p, const struct val *v)
{
	int t = py_truth(p, v);

	return t < 0 || v->env ? &py_any : py_bool(!t);
}

static const struct val *
compared(struct bindu_py *p)
{
	const struct val *a = binary_from(p, 0), *b, *all = NULL, *v;
	const char *op;

	while ((op = comparison(p)) && py_step(p)) {
		b = binary_from(p, 0);
		v = strcmp(op, "not in") == 0 ?
		    negate(p, py_binary(p, "in", a, b)) :
		    py_binary(p, op, a, b);
		if (!all || py_truth(p, all) == 1)
			all = v;
		else if (py_truth(p, all) < 0 && py_truth(p, v) == 0)
			all = v;
		a = b;
	}
	return all ? all : a;
}

static const struct val *
inverted(struct bindu_py *p)
{
	const struct val *v;
	unsigned n = 0;

	while (py_eat(p, "not"))
		n++;
	v = compared(p);
	if (n)
		v = negate(p, v);
	return n && n % 2 == 0 ? negate(p, v) : v;
}

static const struct val *
conjunction(struct bindu_py *p)
{
	unsigned line = py_line(p);
	const struct val *v = inverted(p), *w;
	int t;

	while (py_eat(p, "and") && py_step(p)) {
		t = v->env ? -1 : py_truth(p, v);
		w = py_eval_maybe(p, t, line, inverted);
		if (t > 0)
			v = w;
		else if (t < 0)
			v = py_truth(p, w) == 0 ? w : &py_any;
	}
	return v;
}

static const struct val *
disjunction(struct bindu_py *p)
{
	const struct val *v = conjunction(p), *w;
	unsigned line = py_line(p);
	int t;

	while (py_eat(p, "or") && py_step(p)) {
		t = py_truth(p, v);
		w = py_eval_maybe(p,
		    v->env    ? -1 :
			t < 0 ? t :
				!t,
		    line, conjunction);
		if (v->k == V_UNKNOWN && v->env)
			v = py_with_env(p, w, v->env);
		else if (t == 0)
			v = py_with_env(p, w, v->env);
		else if (t < 0)
			v = py_merge_val(p, v, w, line, 0);
	}
	return v;
}

static const struct val *
expression(struct bindu_py *p)
{
	unsigned line = py_line(p);
	const struct val *v, *cond, *other;
	struct py_fork f;
	int t;

	if (py_tok(p)->kind == PY_NAME && p->pos + 1 < p->limit &&
	    bindu_py_tok_is(p->m->text, &p->m->toks.v[p->pos + 1], ":=")) {
		char *name = py_token_text(p, p->pos);

		p->pos += 2;
		v = py_expr(p);
		py_set(p, p->f->obj, name, v);
		return v;
	}
	py_fork_begin(p, &f);
	v = disjunction(p);
	if (!py_eat(p, "if"))
		return v;
	py_fork_turn(p, &f);
	cond = disjunction(p);
	if (!py_eat(p, "else"))
		return &py_any;
	t = cond->env ? -1 : py_truth(p, cond);
	if (t > 0) {
		py_eval_maybe(p, 0, line, py_expr);
		py_redo(p, f.a, f.n);
		p->dead = f.dead;
		return v;
	}
	other = py_expr(p);
	if (t == 0)
		return other;
	py_fork_join(p, &f, line);
	return py_merge_val(p, v, other, line, 0);
}

const struct val *
py_expr(struct bindu_py *p)
{
	const struct val *v;

	if (!py_enter(p)) {
		py_leave(p);
		return skip_rest(p, ";");
	}
	v = expression(p);
	py_leave(p);
	return v;
}

const struct val *
py_eval(struct bindu_py *p)
{
	const struct val *l, *v;

	if (py_at(p, "*"))
		return list_display(p);
	v = py_expr(p);
	if (!py_at(p, ","))
		return v;
	l = py_list(p);
	py_append(p, l, v);
	while (py_eat(p, ",") && py_step(p)) {
		const struct bindu_py_tok *t = py_tok(p);

		if (p->pos >= p->limit || t->kind == PY_NEWLINE ||
		    py_at(p, "=") || py_at(p, ")") || py_at(p, "]"))
			break;
		if (py_eat(p, "*")) {
			py_expr(p);
			py_blur(p, l->obj, &py_any);
		} else {
			py_append(p, l, py_expr(p));
		}
	}
	return l;
}
