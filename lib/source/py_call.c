/* py_call.c - calls, and the record of those that are looked for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "py_priv.h"
#include "lib/base/mem.h"

enum { HITS_MAX = 200 };

/* The value want begins with, n bytes: by keyword, or by position; *n grows
 * by what of want is taken. */
static const struct val *
find_wanted(struct bindu_py *p, const struct args *a, const char *want,
    size_t *n)
{
	unsigned pos = p->query->pos < 0 ? PY_ARGS_MAX :
					   (unsigned)p->query->pos;
	const struct val *v = py_arg(a, PY_ARGS_MAX, py_strn(p, want, *n));
	size_t next;

	if (v == NULL && a->npos > pos) {
		v = a->pos[pos];
		/* Older releases took the agent's object before the config. */
		if (v->k != V_DICT && want[*n] && a->npos > pos + 1 &&
		    a->pos[pos + 1]->k == V_DICT)
			v = a->pos[pos + 1];
	} else if (v == NULL && want[*n] == '.') {
		/* Others, as a decorator, what is in it one by one. */
		next = strcspn(want + *n + 1, ".");
		v = py_arg(a, PY_ARGS_MAX, py_strn(p, want + *n + 1, next));
		*n += v ? next + 1 : 0;
	}
	return v ? v : a->open ? &py_any : NULL;
}

static struct bindu_py_answer
answer(struct bindu_py *p, const struct args *a, const char *want)
{
	size_t n = strcspn(want, ".");
	const struct val *v = find_wanted(p, a, want, &n);
	struct bindu_py_answer r = { .known = BINDU_PY_UNKNOWN };

	while (v && *(want += n)) {
		const struct val *key;

		n = strcspn(++want, ".");
		key = py_str(p, V_STR, py_strn(p, want, n));
		if (v->k == V_DICT && !py_entry(p, v->obj, key->s))
			v = NULL;
		else
			v = py_subscript(p, v, key);
	}
	if (!v || v->k == V_NONE)
		return (struct bindu_py_answer){ .known = BINDU_PY_MISSING };
	r.env = v->env;
	if (v->k == V_STR) {
		r.known = BINDU_PY_KNOWN;
		r.text = v->s;
	} else {
		r.text = v->k == V_UNKNOWN ? v->s : "it is not a string";
		if (v->k == V_EXT)
			r.text = py_fmt(p, "%s is not set in the tree", v->s);
	}
	return r;
}

static void
record(struct bindu_py *p, const struct args *a, unsigned line)
{
	struct bindu_py_call *h;
	int i;

	if (p->nhit >= HITS_MAX)
		return;
	bindu_grow(&p->hit, &p->hitcap, p->nhit + 1, sizeof *p->hit);
	h = &p->hit[p->nhit++];
	*h = (struct bindu_py_call){ .file = p->m->file,
		.line = line,
		.reached = p->reached };
	for (i = 0; i < BINDU_PY_WANT_MAX && p->query->want[i]; i++)
		h->answer[i] = answer(p, a, p->query->want[i]);
}

static bool
is_sought(const struct bindu_py *p, const char *dotted)
{
	const char *dot = strrchr(dotted, '.');

	return strcmp(dot ? dot + 1 : dotted, p->query->callee) == 0;
}

static bool
is_handed(const struct bindu_py *p, const struct val *v)
{
	return v && v->k == V_EXT && is_sought(p, v->s);
}

/* partial(f, a), submit(f, a), run_in_executor(None, f, a),
 * Thread(target=f, args=(a,)). */
void
py_handed(struct bindu_py *p, const struct args *a, unsigned line)
{
	const struct val *list = py_arg(a, PY_ARGS_MAX, "args"),
			 *kw = py_arg(a, PY_ARGS_MAX, "kwargs");
	struct args b = *a;
	unsigned i = 0;
	long long k;

	while (i < a->npos && !is_handed(p, a->pos[i]))
		i++;
	if (i < a->npos) {
		b.npos = a->npos - i - 1;
		memmove(b.pos, a->pos + i + 1, b.npos * sizeof *b.pos);
	} else if (is_handed(p, py_arg(a, PY_ARGS_MAX, "target"))) {
		b = (struct args){ .open = kw != NULL };
		for (k = 0; list && k < py_len(p, list) && k < 4; k++)
			b.pos[b.npos++] = py_item(p, list, k);
	} else {
		return;
	}
	b.open |= b.npos == 0;
	record(p, &b, line);
}

const struct val *
py_call_val(struct bindu_py *p, const struct val *fn, const struct args *a,
    unsigned line)
{
	const struct val *v;

	switch (fn->k) {
	case V_FUNC:
	case V_METHOD:
		return py_call_func(p, fn->func, fn->self, a);
	case V_CLASS:
		return py_instantiate(p, fn, a);
	case V_EXT:
		if (is_sought(p, fn->s)) {
			record(p, a, line);
			return &py_none;
		}
		v = py_builtin(p, fn->s, a);
		if (!v)
			py_handed(p, a, line);
		return v ? v : py_unknown(p, "%s() computes it", fn->s);
	case V_UNKNOWN:
		py_handed(p, a, line);
		return fn;
	default:
		return &py_any;
	}
}
