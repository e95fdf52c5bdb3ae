/* py_value.c - what values are and what operators make of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"
#include "lib/base/mem.h"

enum { LIST_MAX = 10000, JOIN_MAX = 60 << 10 };

const struct val py_none = { .k = V_NONE };
const struct val py_true = { .k = V_BOOL, .i = 1 };
const struct val py_false = { .k = V_BOOL, .i = 0 };
const struct val py_any = { .k = V_UNKNOWN,
	.s = "the script computes it in a way that is not followed" };

static const struct val *
make(struct bindu_py *p, struct val v)
{
	struct val *n = py_alloc(p, sizeof *n);

	*n = v;
	return n;
}

const struct val *
py_unknown(struct bindu_py *p, const char *fmt, ...)
{
	char why[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return make(p,
	    (struct val){ .k = V_UNKNOWN, .s = py_strn(p, why, strlen(why)) });
}

const struct val *
py_strn_val(struct bindu_py *p, enum val_kind k, const char *s, size_t n)
{
	if (memchr(s, '\0', n))
		return &py_any;
	return make(p, (struct val){ .k = k, .s = py_strn(p, s, n) });
}

const struct val *
py_str(struct bindu_py *p, enum val_kind k, const char *s)
{
	return py_strn_val(p, k, s, strlen(s));
}

const struct val *
py_int(struct bindu_py *p, long long i)
{
	return make(p, (struct val){ .k = V_INT, .i = i });
}

const struct val *
py_bool(bool b)
{
	return b ? &py_true : &py_false;
}

const struct val *
py_objval(struct bindu_py *p, enum val_kind k, uint32_t obj)
{
	return make(p, (struct val){ .k = k, .obj = obj });
}

const struct val *
py_with_env(struct bindu_py *p, const struct val *v, const char *env)
{
	struct val n = *v;

	if (!env || v->env || v == &py_any)
		return v;
	n.env = env;
	return make(p, n);
}

/* What is computed from an unknown variable is unknown, but no longer absent
 * where the variable is. */
const struct val *
py_derived(struct bindu_py *p, const struct val *v)
{
	return v->k == V_UNKNOWN && v->env ? py_str(p, V_UNKNOWN, v->s) : v;
}

const struct val *
py_unfollowed(const struct val *v)
{
	return v && v->k == V_UNKNOWN ? v : &py_any;
}

int
py_truth(struct bindu_py *p, const struct val *v)
{
	uint32_t i;

	switch (v->k) {
	case V_NONE:
		return 0;
	case V_BOOL:
	case V_INT:
		return v->i != 0;
	case V_STR:
	case V_BYTES:
		return v->s[0] != '\0';
	case V_LIST:
		return py_len(p, v) < 0 ? -1 : py_len(p, v) > 0;
	case V_DICT:
		if (py_wild(p, v->obj))
			return -1;
		for (i = p->obj[v->obj].first; i; i = p->slot[i].next)
			if (p->slot[i].v)
				return p->slot[i].v->k == V_UNKNOWN ? -1 : 1;
		return 0;
	case V_PATH:
	case V_FUNC:
	case V_CLASS:
	case V_MODULE:
		return 1;
	default:
		return -1;
	}
}

const char *
py_text(struct bindu_py *p, const struct val *v)
{
	switch (v->k) {
	case V_STR:
	case V_PATH:
		return v->s;
	case V_NONE:
		return "None";
	case V_BOOL:
		return v->i ? "True" : "False";
	case V_INT:
		return py_fmt(p, "%lld", v->i);
	default:
		return NULL;
	}
}

/* What is to be said of a value that has no text. */
const struct val *
py_why(struct bindu_py *p, const struct val *v)
{
	if (v->k == V_EXT)
		return py_unknown(p, "%s is not set in the tree", v->s);
	return py_unfollowed(v);
}

const char *
py_key(struct bindu_py *p, const struct val *v)
{
	if (v->k == V_STR) /* \x01 and \x02 start keys of our own */
		return v->s[0] && v->s[0] <= '\x02' && v->s[0] > 0 ? NULL :
								     v->s;
	if (v->k == V_INT || v->k == V_BOOL)
		return py_fmt(p, "\x01%lld", v->i);
	if (v->k == V_NONE)
		return "\x01None";
	return NULL;
}

const struct val *
py_key_val(struct bindu_py *p, const char *key)
{
	if (key[0] != '\x01')
		return py_str(p, V_STR, key);
	if (strcmp(key + 1, "None") == 0)
		return &py_none;
	return py_int(p, strtoll(key + 1, NULL, 10));
}

const struct val *
py_list(struct bindu_py *p)
{
	const struct val *v = py_objval(p, V_LIST, py_obj_new(p));

	py_set(p, v->obj, "\x02len", py_int(p, 0));
	return v;
}

long long
py_len(struct bindu_py *p, const struct val *v)
{
	const struct val *n;

	if (v->k != V_LIST || py_wild(p, v->obj))
		return -1;
	n = py_get(p, v->obj, "\x02len");
	return n && n->k == V_INT ? n->i : -1;
}

void
py_append(struct bindu_py *p, const struct val *list, const struct val *v)
{
	long long n = py_len(p, list);

	if (n < 0 || n >= LIST_MAX) {
		py_blur(p, list->obj, &py_any);
		return;
	}
	py_set(p, list->obj, py_fmt(p, "\x01%lld", n), v);
	py_set(p, list->obj, "\x02len", py_int(p, n + 1));
}

const struct val *
py_item(struct bindu_py *p, const struct val *list, long long i)
{
	const struct val *v = py_get(p, list->obj, py_fmt(p, "\x01%lld", i));

	return v ? v : py_unknown(p, "a list has no item %lld", i);
}

const struct val *
py_subscript(struct bindu_py *p, const struct val *o, const struct val *key)
{
	const struct val *v;
	const char *k = py_key(p, key);
	long long n;

	if (o->k == V_UNKNOWN)
		return py_derived(p, o);
	if (o->k == V_EXT && strcmp(o->s, "os.environ") == 0 && k)
		return py_environ(p, k, NULL);
	if (o->k == V_LIST && key->k == V_INT && (n = py_len(p, o)) >= 0)
		return py_item(p, o, key->i < 0 ? key->i + n : key->i);
	if (o->k != V_DICT && o->k != V_LIST)
		return &py_any;
	if (!k)
		return py_unfollowed(key);
	if ((v = py_entry(p, o->obj, k)))
		return v;
	py_raise(p, RAISED);
	return py_unknown(p, "there is no key '%s'", k);
}

void
py_copy_into(struct bindu_py *p, uint32_t to, const struct val *from)
{
	const struct val *wild;
	uint32_t i, last;

	if (from->k != V_DICT && from->k != V_LIST && from->k != V_CLASS &&
	    from->k != V_INST) {
		py_blur(p, to, py_unfollowed(from));
		return;
	}
	if (from->obj == to)
		return;
	if ((wild = py_wild(p, from->obj)))
		py_blur(p, to, wild);
	last = p->obj[from->obj].last;
	for (i = p->obj[from->obj].first; i && py_step(p);
	     i = p->slot[i].next) {
		if (p->slot[i].v)
			py_set(p, to, p->slot[i].key, p->slot[i].v);
		if (i == last)
			break;
	}
}

static const struct val *
path_attr(struct bindu_py *p, const struct val *o, const char *name)
{
	const char *slash = strrchr(o->s, '/');
	const char *base = slash ? slash + 1 : o->s;
	const char *dot = strrchr(base, '.');

	if (!dot || dot == base)
		dot = base + strlen(base);
	if (strcmp(name, "parent") == 0)
		return !slash ?
		    py_str(p, V_PATH, ".") :
		    slash == o->s ?
		    py_str(p, V_PATH, "/") :
		    py_strn_val(p, V_PATH, o->s, (size_t)(slash - o->s));
	if (strcmp(name, "name") == 0)
		return py_str(p, V_STR, base);
	if (strcmp(name, "stem") == 0)
		return py_strn_val(p, V_STR, base, (size_t)(dot - base));
	return &py_any;
}

const struct val *
py_attr(struct bindu_py *p, const struct val *o, const char *name)
{
	const struct val *v;

	switch (o->k) {
	case V_UNKNOWN:
		return o;
	case V_INST:
	case V_CLASS:
	case V_SUPER:
		return py_class_attr(p, o, name);
	case V_MODULE:
		if ((v = py_get(p, o->obj, name)))
			return v;
		v = py_get(p, o->obj, "\x02name");
		return v ? py_import_from(p, v->s, name) : &py_any;
	case V_EXT:
		if (strcmp(o->s, "sys") == 0 && strcmp(name, "argv") == 0)
			return py_unknown(p,
			    "the script's command line decides");
		return py_str(p, V_EXT, py_fmt(p, "%s.%s", o->s, name));
	case V_PATH:
		return path_attr(p, o, name);
	case V_STR: /* a member of an enum of strings */
	case V_INT:
		return strcmp(name, "value") == 0 ? o : &py_any;
	default:
		return &py_any;
	}
}

static const struct val *
join_text(struct bindu_py *p, enum val_kind k, const char *a, const char *mid,
    const char *b)
{
	size_t n = strlen(a) + strlen(mid) + strlen(b);
	AUTO_FREE char *s = NULL;

	if (n > JOIN_MAX)
		return &py_any;
	s = xasprintf("%s%s%s", a, mid, b);
	return py_strn_val(p, k, s, n);
}

static const struct val *
arithmetic(struct bindu_py *p, const char *op, long long a, long long b)
{
	long long r = 0;

	if ((op[0] == '+' && __builtin_add_overflow(a, b, &r)) ||
	    (op[0] == '-' && __builtin_sub_overflow(a, b, &r)) ||
	    (op[0] == '*' && (op[1] || __builtin_mul_overflow(a, b, &r))) ||
	    !strchr("+-*", op[0]))
		return &py_any;
	return py_int(p, r);
}

static const struct val *
contains(struct bindu_py *p, const struct val *needle, const struct val *hay)
{
	const char *k = py_key(p, needle);
	const struct val *v;
	long long i, n;

	if (hay->k == V_STR && needle->k == V_STR)
		return py_bool(strstr(hay->s, needle->s));
	if (hay->k == V_DICT && k && !py_wild(p, hay->obj)) {
		v = py_get(p, hay->obj, k); /* unknown: there on some paths */
		return v && v->k == V_UNKNOWN ? &py_any : py_bool(v);
	}
	if (hay->k == V_LIST && (n = py_len(p, hay)) >= 0 && k) {
		for (i = 0; i < n && py_step(p); i++)
			if (py_equal(p, needle, py_item(p, hay, i), 0))
				return &py_true;
		return &py_false;
	}
	return &py_any;
}

static const struct val *
compare(struct bindu_py *p, const char *op, const struct val *a,
    const struct val *b)
{
	bool known = a->k <= V_STR && b->k <= V_STR && a->k != V_UNKNOWN &&
	    b->k != V_UNKNOWN && !a->env && !b->env;

	if (strcmp(op, "in") == 0)
		return contains(p, a, b);
	if (!known)
		return &py_any;
	if (strcmp(op, "==") == 0 || strcmp(op, "is") == 0)
		return py_bool(py_equal(p, a, b, 0));
	if (strcmp(op, "!=") == 0 || strcmp(op, "is not") == 0)
		return py_bool(!py_equal(p, a, b, 0));
	if (a->k != V_INT || b->k != V_INT)
		return &py_any;
	if (op[0] == '<')
		return py_bool(op[1] ? a->i <= b->i : a->i < b->i);
	return py_bool(op[1] ? a->i >= b->i : a->i > b->i);
}

/* "text %s" % value, with one value or a tuple: %s and %d only. */
static const struct val *
percent(struct bindu_py *p, const struct val *fmt, const struct val *arg)
{
	const struct val *out = py_str(p, V_STR, ""), *v;
	const char *s = fmt->s, *pct, *t;
	long long i = 0;

	while ((pct = strchr(s, '%')) && py_step(p)) {
		out = join_text(p, V_STR, out->s,
		    py_strn(p, s, (size_t)(pct - s)), pct[1] == '%' ? "%" : "");
		if (out->k != V_STR || !pct[1] || !strchr("sd%", pct[1]))
			return &py_any;
		s = pct + 2;
		if (pct[1] == '%')
			continue;
		v = arg->k == V_LIST ? py_item(p, arg, i++) : arg;
		if ((pct[1] == 'd' && v->k != V_INT) || !(t = py_text(p, v)))
			return py_unfollowed(v);
		out = join_text(p, V_STR, out->s, t, "");
		if (out->k != V_STR)
			return out;
	}
	return join_text(p, V_STR, out->s, s, "");
}

static const struct val *
binary(struct bindu_py *p, const char *op, const struct val *a,
    const struct val *b)
{
	const struct val *v;
	long long i, n;

	if (strchr("<>=!i", op[0]))
		return compare(p, op, a, b);
	if (a->k == V_STR && op[0] == '%')
		return percent(p, a, b);
	if (a->k == V_UNKNOWN)
		return py_derived(p, a);
	if (b->k == V_UNKNOWN)
		return py_derived(p, b);
	if (a->k == V_INT && b->k == V_INT)
		return arithmetic(p, op, a->i, b->i);
	if (a->k == V_STR && b->k == V_STR && strcmp(op, "+") == 0)
		return join_text(p, V_STR, a->s, "", b->s);
	if (strcmp(op, "/") == 0 && (a->k == V_PATH || b->k == V_PATH) &&
	    (a->k == V_PATH || a->k == V_STR) &&
	    (b->k == V_PATH || b->k == V_STR))
		return b->s[0] == '/' ? py_str(p, V_PATH, b->s) :
					join_text(p, V_PATH, a->s, "/", b->s);
	if (a->k == V_DICT && b->k == V_DICT && strcmp(op, "|") == 0) {
		v = py_objval(p, V_DICT, py_obj_new(p));
		py_copy_into(p, v->obj, a);
		py_copy_into(p, v->obj, b);
		return v;
	}
	if (a->k == V_LIST && b->k == V_LIST && strcmp(op, "+") == 0 &&
	    py_len(p, a) >= 0 && (n = py_len(p, b)) >= 0) {
		v = py_list(p);
		py_copy_into(p, v->obj, a);
		for (i = 0; i < n && py_step(p); i++)
			py_append(p, v, py_item(p, b, i));
		return v;
	}
	return &py_any;
}

const struct val *
py_binary(struct bindu_py *p, const char *op, const struct val *a,
    const struct val *b)
{
	const struct val *v = binary(p, op, a, b);

	return v->k == V_UNKNOWN ? v :
				   py_with_env(p, v, a->env ? a->env : b->env);
}
