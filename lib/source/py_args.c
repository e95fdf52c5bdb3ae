/* py_args.c - the arguments of calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"

const struct val *
py_arg(const struct args *a, unsigned i, const char *key)
{
	unsigned k;

	if (i < a->npos)
		return a->pos[i];
	for (k = 0; key && k < a->nkey; k++)
		if (strcmp(a->key[k], key) == 0)
			return a->val[k];
	return NULL;
}

static void
spread_dict(struct bindu_py *p, struct args *a, const struct val *d)
{
	uint32_t i = 0;

	if (d->k != V_DICT || py_wild(p, d->obj))
		a->open = true;
	if (d->k != V_DICT)
		return;
	while ((i = py_next(p, d->obj, i))) {
		if (a->nkey == PY_ARGS_MAX) {
			a->open = true;
			return;
		}
		a->key[a->nkey] = p->slot[i].key;
		a->val[a->nkey++] = p->slot[i].v;
	}
}

static void
add_pos(struct args *a, const struct val *v)
{
	if (a->npos < PY_ARGS_MAX)
		a->pos[a->npos++] = v;
	else
		a->open = true;
}

static void
one_arg(struct bindu_py *p, struct args *a)
{
	const struct val *v;
	long long i, n;
	char *key;

	if (py_eat(p, "**")) {
		spread_dict(p, a, py_expr(p));
	} else if (py_eat(p, "*")) {
		v = py_expr(p);
		if ((n = py_len(p, v)) < 0)
			a->open = true;
		for (i = 0; i < n && i <= PY_ARGS_MAX; i++)
			add_pos(a, py_item(p, v, i));
	} else if (py_tok(p)->kind == PY_NAME && p->pos + 1 < p->limit &&
	    bindu_py_tok_is(p->m->text, &p->m->toks.v[p->pos + 1], "=")) {
		key = py_token_text(p, p->pos);
		p->pos += 2;
		v = py_expr(p);
		if (a->nkey < PY_ARGS_MAX) {
			a->key[a->nkey] = key;
			a->val[a->nkey++] = v;
		} else {
			a->open = true;
		}
	} else {
		add_pos(a, py_expr(p));
	}
}

void
py_arguments(struct bindu_py *p, struct args *a)
{
	uint32_t limit = p->limit, end = py_tok(p)->match;

	*a = (struct args){ 0 };
	p->pos++;
	if (end < limit)
		p->limit = end;
	while (p->pos < p->limit && py_step(p)) {
		one_arg(p, a);
		if (py_at(p, "for") || py_at(p, "async")) {
			if (a->npos)
				a->pos[a->npos - 1] = &py_any;
			break;
		}
		if (!py_eat(p, ","))
			break;
	}
	p->pos = p->limit < limit ? p->limit + 1 : limit;
	p->limit = limit;
}
