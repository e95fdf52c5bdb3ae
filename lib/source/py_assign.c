/* py_assign.c - assignment targets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "py_priv.h"

static uint32_t
comma_in(const struct bindu_py *p, uint32_t i, uint32_t end)
{
	while (i < end && !bindu_py_tok_is(p->m->text, py_tok_at(p, i), ","))
		i = py_skip(p, i);
	return i < end ? i : end;
}

/* a, b = v; a starred target takes what no one counted. */
static void
assign_tuple(struct bindu_py *p, uint32_t end, const struct val *v)
{
	long long i = 0, n = v ? py_len(p, v) : -1;
	bool starred = false;

	while (p->pos < end && py_step(p)) {
		uint32_t stop = comma_in(p, p->pos, end);

		starred |= py_eat(p, "*");
		py_assign(p, stop,
		    !v			  ? NULL :
			i < n && !starred ? py_item(p, v, i) :
					    py_unfollowed(v));
		i++;
		p->pos = stop + 1;
	}
}

static void
assign_name(struct bindu_py *p, const struct val *v)
{
	const struct bindu_py_tok *t = py_tok(p);
	char *name = py_strn(p, p->m->text + t->off, t->len);
	const struct frame *f = p->f;
	unsigned i;

	for (i = 0; i < p->f->nglobal; i++)
		if (strcmp(p->f->global[i], name) == 0)
			for (f = f->outer ? f->outer : f;
			     f->outer && !py_get(p, f->obj, name); f = f->outer)
				;
	py_set(p, f->obj, name, v);
}

/* The last trailer of the target at p->pos: base.name or base[key]. */
static uint32_t
last_trailer(const struct bindu_py *p, uint32_t end)
{
	uint32_t i = py_skip(p, p->pos), last = 0;

	while (i < end) {
		last = i;
		i = bindu_py_tok_is(p->m->text, py_tok_at(p, i), ".") ?
		    i + 2 :
		    py_skip(p, i);
	}
	return last;
}

static void
assign_key(struct bindu_py *p, const struct val *o, const struct val *key,
    const struct val *v)
{
	const char *k = py_key(p, key);
	long long n = o->k == V_LIST ? py_len(p, o) : 0;

	if (o->k == V_EXT && strcmp(o->s, "os.environ") == 0 && k) {
		if (v)
			py_environ(p, k, v);
		else
			py_unset_env(p, k);
	}
	if (o->k != V_DICT && o->k != V_LIST)
		return;
	if (o->k == V_DICT && k && !v && !py_entry(p, o->obj, k))
		py_raise(p, RAISED);
	if (o->k == V_LIST &&
	    (key->k != V_INT || key->i < 0 || key->i >= n || !v))
		k = NULL;
	if (k)
		py_set(p, o->obj, k, v);
	else
		py_blur(p, o->obj, py_unfollowed(key));
}

static void
assign_trailer(struct bindu_py *p, uint32_t end, const struct val *v)
{
	uint32_t last = last_trailer(p, end), limit = p->limit;
	const struct val *o;

	if (last == 0)
		return;
	p->limit = last;
	o = py_primary(p);
	p->limit = end;
	p->pos = last + 1;
	if (bindu_py_tok_is(p->m->text, py_tok_at(p, last), ".")) {
		const struct bindu_py_tok *t = py_tok(p);

		if (o->k == V_INST || o->k == V_CLASS || o->k == V_MODULE)
			py_set_attr(p, o,
			    py_strn(p, p->m->text + t->off, t->len), v);
	} else if (bindu_py_tok_is(p->m->text, py_tok_at(p, last), "[")) {
		p->limit = py_tok_at(p, last)->match < end ?
		    py_tok_at(p, last)->match :
		    end;
		assign_key(p, o, py_eval(p), v);
	}
	p->limit = limit;
}

/* Assign v to the target in tokens [p->pos, end); NULL deletes it. */
void
py_assign(struct bindu_py *p, uint32_t end, const struct val *v)
{
	if (p->pos >= end)
		return;
	if (!py_enter(p)) {
		py_leave(p);
		return;
	}
	if (comma_in(p, p->pos, end) < end) {
		assign_tuple(p, end, v);
	} else if ((py_at(p, "(") || py_at(p, "[")) &&
	    py_skip(p, p->pos) == end) {
		p->pos++;
		if (v && p->pos < end - 1)
			assign_tuple(p, end - 1, v);
	} else if (p->pos + 1 == end) {
		if (py_tok(p)->kind == PY_NAME)
			assign_name(p, v);
	} else {
		assign_trailer(p, end, v);
	}
	py_leave(p);
}
