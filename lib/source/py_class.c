/* py_class.c - classes: their bases, their instances, what those hold.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "py_priv.h"
#include "lib/base/str.h"

enum { BASES_MAX = 8, DEPTH_MAX = 10 };

/* Slots of a class, beside its attributes. */
#define BASE \
	"\x02" \
	"base" /* then a digit */
#define FIELDS \
	"\x02" \
	"fields" /* list: annotated names, in their order */
#define CLASS \
	"\x02" \
	"class" /* of an instance */

static const struct val *
base_at(struct bindu_py *p, uint32_t class, unsigned i)
{
	return py_get(p, class, py_fmt(p, BASE "%u", i));
}

/* A base outside the tree that adds no attributes of its own. */
static bool
is_plain_base(const struct val *v)
{
	static const char *const names[] = { "object", "abc.ABC",
		"typing.Protocol", "enum.Enum", "enum.StrEnum", "enum.IntEnum",
		"str", "int" };
	size_t i;

	for (i = 0; v->k == V_EXT && i < sizeof names / sizeof *names; i++)
		if (strcmp(v->s, names[i]) == 0)
			return true;
	return false;
}

/* Is text the last word of the name of a base outside the tree? */
static bool
has_base(struct bindu_py *p, const struct val *class, const char *text,
    int depth)
{
	const struct val *b;
	unsigned i;

	for (i = 0; depth < DEPTH_MAX && (b = base_at(p, class->obj, i)); i++)
		if ((b->k == V_EXT && bindu_str_ends(b->s, text)) ||
		    (b->k == V_CLASS && has_base(p, b, text, depth + 1)))
			return true;
	return false;
}

static bool
has_foreign_base(struct bindu_py *p, const struct val *class, int depth)
{
	const struct val *b;
	unsigned i;

	for (i = 0; depth < DEPTH_MAX && (b = base_at(p, class->obj, i)); i++)
		if (b->k != V_CLASS ? !is_plain_base(b) :
				      has_foreign_base(p, b, depth + 1))
			return true;
	return false;
}

/* A mark on a class or one of its bases. */
static const struct val *
marked(struct bindu_py *p, const struct val *class, const char *mark, int depth)
{
	const struct val *b, *v = py_get(p, class->obj, mark);
	unsigned i;

	for (i = 0; !v && depth < DEPTH_MAX && (b = base_at(p, class->obj, i));
	     i++)
		if (b->k == V_CLASS)
			v = marked(p, b, mark, depth + 1);
	return v;
}

static const struct val *
find_in_bases(struct bindu_py *, uint32_t class, const char *name, int depth);

/* NULL: neither the class nor a base sets it. */
static const struct val *
find_in_class(struct bindu_py *p, const struct val *class, const char *name,
    int depth)
{
	const struct val *v;

	if (class->k != V_CLASS)
		return is_plain_base(class) ?
		    NULL :
		    py_unknown(p, "'%s' is inherited from %s", name,
			class->k == V_EXT ? class->s : "a class not followed");
	if ((v = py_entry(p, class->obj, name)))
		return v;
	return find_in_bases(p, class->obj, name, depth + 1);
}

/* The first base wins.  Where it only inherits what another base has too,
 * Python's order of classes would have to be worked out. */
static const struct val *
find_in_bases(struct bindu_py *p, uint32_t class, const char *name, int depth)
{
	const struct val *b, *v, *first = NULL;
	bool own = false;
	unsigned i;

	for (i = 0; depth < DEPTH_MAX && (b = base_at(p, class, i)); i++) {
		v = find_in_class(p, b, name, depth);
		if (!first) {
			first = v;
			own = v && b->k == V_CLASS && py_get(p, b->obj, name);
		} else if (v && !own && !py_equal(p, first, v, 0)) {
			return py_unknown(p,
			    "several classes that '%s' may come from have it",
			    name);
		}
	}
	return first;
}

/* What a function becomes as an attribute of self, or of the class. */
static const struct val *
bound(struct bindu_py *p, const struct val *v, const struct val *self,
    const struct val *class)
{
	static const struct args none;
	struct val *m;

	if (v->k != V_FUNC || v->func->kind == F_STATIC)
		return v;
	if (v->func->kind == F_CLASS)
		self = class;
	if (!self)
		return v;
	if (v->func->kind == F_PROPERTY)
		return py_call_func(p, v->func, self, &none);
	m = py_alloc(p, sizeof *m);
	*m = (struct val){ .k = V_METHOD, .func = v->func, .self = self };
	return m;
}

const struct val *
py_class_attr(struct bindu_py *p, const struct val *o, const char *name)
{
	const struct val *class = o, *v, *wild = NULL;

	if (o->k == V_SUPER) {
		v = find_in_bases(p, o->obj, name, 0);
		o = o->self;
	} else if (o->k == V_INST) {
		if ((v = py_get(p, o->obj, name)))
			return v;
		wild = py_wild(p, o->obj);
		class = py_get(p, o->obj, CLASS);
		v = class ? find_in_class(p, class, name, 0) : NULL;
		if (wild && !(v && v->k == V_FUNC))
			return wild;
	} else {
		v = find_in_class(p, class, name, 0);
	}
	return v ? bound(p, v, o->k == V_INST ? o : NULL, class) :
		   py_unknown(p, "'%s' was not seen to be set", name);
}

/* super(), without arguments: the first parameter's bases. */
const struct val *
py_super(struct bindu_py *p)
{
	const struct func *f = p->f->func;
	const struct val *self = f && f->owner ?
	    py_get(p, p->f->obj, py_token_text(p, f->params)) :
	    NULL;
	struct val *v;

	if (!self || (self->k != V_INST && self->k != V_CLASS))
		return &py_any;
	v = py_alloc(p, sizeof *v);
	*v = (struct val){ .k = V_SUPER, .obj = f->owner, .self = self };
	return v;
}

const struct val *
py_super_call(struct bindu_py *p, const struct val *o, const char *name,
    unsigned line)
{
	const struct val *v = find_in_bases(p, o->obj, name, 0);
	struct args a;

	py_arguments(p, &a);
	if (!v)
		return &py_none;
	v = bound(p, v, o->self->k == V_INST ? o->self : NULL, o->self);
	if (v->k != V_UNKNOWN)
		return py_call_val(p, v, &a, line);
	/* A base outside the tree may set anything. */
	py_blur(p, o->self->obj, v);
	return v;
}

void
py_add_field(struct bindu_py *p, const char *name)
{
	const struct val *list = py_get(p, p->f->obj, FIELDS);

	if (!list)
		py_set(p, p->f->obj, FIELDS, list = py_list(p));
	if (list->k == V_LIST) /* not known where only a branch adds some */
		py_append(p, list, py_str(p, V_STR, name));
}

/* The members of an enum are no strings: "N.A" is what str() makes of one. */
static void
make_members(struct bindu_py *p, const struct val *class)
{
	uint32_t i = 0;

	while ((i = py_next(p, class->obj, i))) {
		const struct val *v = p->slot[i].v, *m;

		if (p->slot[i].key[0] == '_' || v->k == V_FUNC)
			continue;
		m = py_objval(p, V_INST, py_obj_new(p));
		py_set(p, m->obj, "value", v);
		py_set(p, m->obj, "name", py_str(p, V_STR, p->slot[i].key));
		py_set(p, m->obj, CLASS, class);
		py_set(p, class->obj, p->slot[i].key, m);
	}
}

static void
read_bases(struct bindu_py *p, uint32_t obj, uint32_t from, uint32_t end)
{
	unsigned n = 0;
	uint32_t stop;

	for (; from < end && py_step(p); from = stop + 1) {
		stop = py_find(p, from, ",");
		stop = stop < end ? stop : end;
		if (py_find(p, from, "=") < stop || n == BASES_MAX)
			py_set(p, obj, PY_HOOK, &py_true); /* a metaclass */
		else
			py_set(p, obj, py_fmt(p, BASE "%u", n++),
			    py_eval_range(p, from, stop));
	}
}

uint32_t
py_exec_class(struct bindu_py *p, uint32_t i)
{
	struct py_part b = py_part_at(p, i);
	uint32_t obj = py_obj_new(p), paren = py_find(p, i, "(");
	const struct val *class = py_objval(p, V_CLASS, obj);
	struct frame *f = p->f;

	if (paren < b.colon)
		read_bases(p, obj, paren + 1, py_tok_at(p, paren)->match);
	p->f = py_frame(p, obj, f);
	p->f->is_class = true;
	py_run(p, b.start, b.end);
	p->f = f;
	if (has_base(p, class, "Enum", 0) && !has_base(p, class, "StrEnum", 0))
		make_members(p, class);
	py_set(p, f->obj, py_token_text(p, i + 1), class);
	return b.after;
}

/* What a field is without an argument: pydantic's settings take it from the
 * environment then. */
static const struct val *
field_default(struct bindu_py *p, const struct val *class, const char *name)
{
	const struct val *v = find_in_class(p, class, name, 0), *c, *pre = NULL;
	char *env, *s;

	if (!has_base(p, class, "BaseSettings", 0))
		return v;
	if ((c = marked(p, class, "model_config", 0)) && c->k == V_DICT)
		pre = py_get(p, c->obj, "env_prefix");
	env = py_fmt(p, "%s%s", pre && pre->k == V_STR ? pre->s : "", name);
	for (s = env; *s; s++)
		*s = (char)toupper((unsigned char)*s);
	if (!v || v->k == V_UNKNOWN)
		v = py_unknown(p, "the environment variable %s decides", env);
	return py_with_env(p, v, env);
}

static void
set_fields(struct bindu_py *p, const struct val *o, const struct val *class,
    const struct args *a, unsigned *pos, int depth)
{
	const struct val *list = py_get(p, class->obj, FIELDS), *b, *v;
	long long i, n = list ? py_len(p, list) : 0;
	unsigned k;

	for (k = 0; depth < DEPTH_MAX && (b = base_at(p, class->obj, k)); k++)
		if (b->k == V_CLASS)
			set_fields(p, o, b, a, pos, depth + 1);
	if (n < 0)
		py_blur(p, o->obj, &py_any);
	for (i = 0; i < n && py_step(p); i++) {
		const char *name = py_item(p, list, i)->s;

		if (!name || strcmp(name, "model_config") == 0)
			continue;
		v = py_arg(a, *pos, name);
		if (v == NULL)
			v = a->open ?
			    &py_any :
			    field_default(p, py_get(p, o->obj, CLASS), name);
		(*pos)++;
		if (v)
			py_set(p, o->obj, name, v);
	}
}

/* The __init__ of the tree that makes an instance; NULL: there is none, or a
 * dataclass that is nearer makes its own. */
static const struct val *
find_init(struct bindu_py *p, const struct val *class, bool *made, int depth)
{
	const struct val *v = py_get(p, class->obj, "__init__"), *b;
	unsigned i;

	*made = !v && py_get(p, class->obj, PY_DATA);
	for (i = 0; !v && !*made && depth < DEPTH_MAX &&
	     (b = base_at(p, class->obj, i));
	     i++)
		if (b->k == V_CLASS)
			v = find_init(p, b, made, depth + 1);
		else
			*made = !is_plain_base(b);
	return v && v->k == V_FUNC ? v : NULL;
}

/* Without __init__ of its own an instance takes its fields, and keywords, as
 * dataclasses, models and namespaces do. */
const struct val *
py_instantiate(struct bindu_py *p, const struct val *class,
    const struct args *a)
{
	const struct val *o = py_objval(p, V_INST, py_obj_new(p));
	const struct val *init, *post;
	static const struct args none;
	bool data = marked(p, class, PY_DATA, 0) ||
	    has_foreign_base(p, class, 0);
	unsigned i, pos = 0;
	bool made;

	py_set(p, o->obj, CLASS, class);
	init = find_init(p, class, &made, 0);
	if (init) {
		py_call_func(p, init->func, o, a);
	} else {
		if (data)
			set_fields(p, o, class, a, &pos, 0);
		for (i = 0; i < a->nkey; i++)
			py_set(p, o->obj, a->key[i], a->val[i]);
		if (a->open || a->npos > pos)
			py_blur(p, o->obj, &py_any);
		post = find_in_class(p, class, "__post_init__", 0);
		if (post && post->k == V_FUNC)
			py_call_func(p, post->func, o, &none);
	}
	if (marked(p, class, PY_HOOK, 0) ||
	    (data && !init && marked(p, class, PY_CHECK, 0)) ||
	    marked(p, class, "model_post_init", 0) ||
	    marked(p, class, "__new__", 0) ||
	    marked(p, class, "__getattribute__", 0) ||
	    marked(p, class, "__setattr__", 0))
		py_blur(p, o->obj,
		    py_unknown(p, "its class computes what it holds"));
	return o;
}

/* Where a setter of its class runs, any of its attributes may change. */
void
py_set_attr(struct bindu_py *p, const struct val *o, const char *name,
    const struct val *v)
{
	const struct val *class = o->k == V_INST ? py_get(p, o->obj, CLASS) :
						   NULL;
	const struct val *c = class ? find_in_class(p, class, name, 0) : NULL;

	if (c && c->k == V_FUNC && c->func->kind == F_PROPERTY)
		py_blur(p, o->obj,
		    py_unknown(p, "setting '%s' runs code", name));
	else
		py_set(p, o->obj, name, v);
}

const struct val *
py_fields(struct bindu_py *p, const struct val *o)
{
	const struct val *class = py_get(p, o->obj, CLASS), *d, *v;
	uint32_t i = 0;

	if (!class || class->k != V_CLASS ||
	    (!marked(p, class, PY_DATA, 0) && !marked(p, class, FIELDS, 0)))
		return NULL;
	d = py_objval(p, V_DICT, py_obj_new(p));
	if ((v = py_wild(p, o->obj)))
		py_blur(p, d->obj, v);
	while ((i = py_next(p, o->obj, i))) {
		v = p->slot[i].v;
		if (v->k == V_INST && py_enter(p)) {
			const struct val *inner = py_fields(p, v);

			v = inner ? inner : v;
			py_leave(p);
		}
		py_set(p, d->obj, p->slot[i].key, v);
	}
	return d;
}
