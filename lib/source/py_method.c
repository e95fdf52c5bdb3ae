/* py_method.c - methods of strings, dicts, lists, paths and files.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

enum { TEXT_MAX = 60 << 10 };

static const struct val *
dict_get(struct bindu_py *p, const struct val *d, const struct args *a)
{
	const char *k = a->npos ? py_key(p, a->pos[0]) : NULL;
	const struct val *v;

	if (!k)
		return &py_any;
	if ((v = py_entry(p, d->obj, k)))
		return v;
	return a->npos > 1 ? a->pos[1] : &py_none;
}

static const struct val *
dict_update(struct bindu_py *p, const struct val *d, const struct args *a)
{
	py_take_args(p, d->obj, a);
	return &py_none;
}

/* keys, values or items: which 0, 1, 2. */
static const struct val *
dict_view(struct bindu_py *p, const struct val *d, int which)
{
	const struct val *l, *pair, *k;
	uint32_t i = 0;

	if (py_wild(p, d->obj))
		return &py_any;
	l = py_list(p);
	while ((i = py_next(p, d->obj, i))) {
		k = py_key_val(p, p->slot[i].key);
		if (which == 2) {
			pair = py_list(p);
			py_append(p, pair, k);
			py_append(p, pair, p->slot[i].v);
		} else {
			pair = which ? p->slot[i].v : k;
		}
		py_append(p, l, pair);
	}
	return l;
}

static const struct val *
dict_method(struct bindu_py *p, const struct val *d, const char *name,
    const struct args *a)
{
	static const char *const views[] = { "keys", "values", "items" };
	const struct val *v;
	const char *k = a->npos ? py_key(p, a->pos[0]) : NULL;
	int i;

	if (strcmp(name, "get") == 0)
		return dict_get(p, d, a);
	if (strcmp(name, "update") == 0)
		return dict_update(p, d, a);
	if (strcmp(name, "copy") == 0) {
		v = py_objval(p, V_DICT, py_obj_new(p));
		py_copy_into(p, v->obj, d);
		return v;
	}
	for (i = 0; i < 3; i++)
		if (strcmp(name, views[i]) == 0)
			return dict_view(p, d, i);
	v = dict_get(p, d, a);
	if (k && strcmp(name, "setdefault") == 0) {
		if (!py_get(p, d->obj, k))
			py_set(p, d->obj, k, v);
		return v;
	}
	if (k && strcmp(name, "pop") == 0) {
		if (py_get(p, d->obj, k))
			py_set(p, d->obj, k, NULL);
		return v;
	}
	py_blur(p, d->obj, &py_any);
	return &py_any;
}

static const struct val *
list_method(struct bindu_py *p, const struct val *l, const char *name,
    const struct args *a)
{
	long long i, n = a->npos ? py_len(p, a->pos[0]) : -1;

	if (strcmp(name, "append") == 0 && a->npos) {
		py_append(p, l, a->pos[0]);
		return &py_none;
	}
	if (strcmp(name, "extend") == 0 && n >= 0) {
		for (i = 0; i < n && py_step(p); i++)
			py_append(p, l, py_item(p, a->pos[0], i));
		return &py_none;
	}
	if (strcmp(name, "index") && strcmp(name, "count") &&
	    strcmp(name, "copy"))
		py_blur(p, l->obj, &py_any);
	return &py_any;
}

static const struct val *
str_format(struct bindu_py *p, const char *s, const struct args *a)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(TEXT_MAX);
	unsigned next = 0;
	const char *env = NULL;

	for (; *s; s++) {
		const struct val *v;
		const char *t;
		char *key;
		size_t n;

		if ((*s == '{' || *s == '}') && s[1] == *s)
			s++;
		else if (*s == '{') {
			n = strcspn(s + 1, "}");
			key = py_strn(p, s + 1, n);
			if (!*key)
				v = py_arg(a, next++, NULL);
			else if (!key[strspn(key, "0123456789")])
				v = py_arg(a, (unsigned)atoi(key), NULL);
			else
				v = py_arg(a, PY_ARGS_MAX, key);
			if (!v || !py_step(p) || !(t = py_text(p, v)))
				return py_unfollowed(v);
			env = env ? env : v->env;
			bindu_buf_adds(&b, t, NULL);
			s += n + (s[n + 1] == '}');
			continue;
		}
		bindu_buf_addc(&b, *s, NULL);
	}
	return py_with_env(p, py_strn_val(p, V_STR, b.p ? b.p : "", b.len),
	    env);
}

static const struct val *
str_replace(struct bindu_py *p, const char *s, const struct args *a)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(TEXT_MAX);
	const char *from, *to, *hit;

	if (a->npos != 2 || a->pos[0]->k != V_STR || a->pos[1]->k != V_STR ||
	    !*a->pos[0]->s)
		return &py_any;
	from = a->pos[0]->s;
	to = a->pos[1]->s;
	for (; (hit = strstr(s, from)) && py_step(p); s = hit + strlen(from)) {
		if (bindu_buf_add(&b, s, (size_t)(hit - s), NULL) == -1 ||
		    bindu_buf_adds(&b, to, NULL) == -1)
			return &py_any;
	}
	if (bindu_buf_adds(&b, s, NULL) == -1)
		return &py_any;
	return py_strn_val(p, V_STR, b.p ? b.p : "", b.len);
}

static const struct val *
str_join(struct bindu_py *p, const char *s, const struct args *a)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(TEXT_MAX);
	long long i, n = a->npos ? py_len(p, a->pos[0]) : -1;

	if (n < 0)
		return &py_any;
	for (i = 0; i < n && py_step(p); i++) {
		const struct val *v = py_item(p, a->pos[0], i);

		if (v->k != V_STR)
			return py_unfollowed(v);
		if ((i && bindu_buf_adds(&b, s, NULL) == -1) ||
		    bindu_buf_adds(&b, v->s, NULL) == -1)
			return &py_any;
	}
	return py_strn_val(p, V_STR, b.p ? b.p : "", b.len);
}

static const struct val *
str_strip(struct bindu_py *p, const char *s, const char *set, bool left,
    bool right)
{
	size_t n = strlen(s);

	if (!set)
		set = " \t\r\n\v\f";
	for (; left && n && strchr(set, *s); n--)
		s++;
	for (; right && n && strchr(set, s[n - 1]); n--)
		;
	return py_strn_val(p, V_STR, s, n);
}

/* lower, upper, title, capitalize: of ASCII letters only. */
static const struct val *
str_case(struct bindu_py *p, const char *s, char how)
{
	char *t = py_strn(p, s, strlen(s));
	bool word = false;
	size_t i;

	for (i = 0; t[i]; i++) {
		unsigned char c = (unsigned char)t[i];
		bool up = how == 'u' || (how == 't' && !word) ||
		    (how == 'c' && i == 0);

		if (c >= 0x80)
			return &py_any;
		word = isalpha(c);
		t[i] = (char)(up ? toupper(c) : tolower(c));
	}
	return py_str(p, V_STR, t);
}

static const struct val *
str_method(struct bindu_py *p, const struct val *o, const char *name,
    const struct args *a)
{
	const char *s = o->s,
		   *t = a->npos == 1 && a->pos[0]->k == V_STR ? a->pos[0]->s :
								NULL;

	if (strcmp(name, "format") == 0)
		return str_format(p, s, a);
	if (strcmp(name, "replace") == 0)
		return str_replace(p, s, a);
	if (strcmp(name, "join") == 0)
		return str_join(p, s, a);
	if (strcmp(name, "lower") == 0 || strcmp(name, "upper") == 0 ||
	    strcmp(name, "title") == 0 || strcmp(name, "capitalize") == 0)
		return str_case(p, s, name[0]);
	if (bindu_str_ends(name, "strip") && (t || !a->npos))
		return str_strip(p, s, t, name[0] != 'r', name[0] != 'l');
	if (t && strcmp(name, "startswith") == 0)
		return py_bool(bindu_str_starts(s, t));
	if (t && strcmp(name, "endswith") == 0)
		return py_bool(bindu_str_ends(s, t));
	if (t && strcmp(name, "removeprefix") == 0)
		return py_str(p, V_STR,
		    bindu_str_starts(s, t) ? s + strlen(t) : s);
	if (t && strcmp(name, "removesuffix") == 0)
		return py_strn_val(p, V_STR, s,
		    strlen(s) - (bindu_str_ends(s, t) ? strlen(t) : 0));
	if (strcmp(name, "encode") == 0)
		return py_str(p, V_BYTES, s);
	return &py_any;
}

static const struct val *
read_text(struct bindu_py *p, const struct val *o)
{
	const char *text;
	size_t n;

	text = py_read(p, o->s, &n);
	return text ? py_strn_val(p, V_STR, text, n) : py_missing(p, o->s);
}

static const struct val *
path_method(struct bindu_py *p, const struct val *o, const char *name,
    const struct args *a)
{
	const struct val *v = o;
	const char *dot;
	unsigned i;

	if (strcmp(name, "resolve") == 0 || strcmp(name, "absolute") == 0 ||
	    strcmp(name, "expanduser") == 0)
		return o;
	if (strcmp(name, "read_text") == 0 || strcmp(name, "read_bytes") == 0)
		return read_text(p, o);
	if (strcmp(name, "exists") == 0 || strcmp(name, "is_file") == 0 ||
	    strcmp(name, "is_dir") == 0)
		return py_exists(p, o);
	if (strcmp(name, "as_posix") == 0)
		return py_str(p, V_STR, o->s);
	if (strcmp(name, "open") == 0)
		return py_str(p, V_FILE, o->s);
	if (strcmp(name, "joinpath") == 0) {
		for (i = 0; i < a->npos; i++)
			v = py_binary(p, "/", v, a->pos[i]);
		return v;
	}
	if (strcmp(name, "with_name") == 0 && a->npos)
		return py_binary(p, "/", py_attr(p, o, "parent"), a->pos[0]);
	if (strcmp(name, "with_suffix") == 0 && a->npos &&
	    a->pos[0]->k == V_STR) {
		dot = strrchr(o->s, '.');
		if (!dot || strchr(dot, '/'))
			dot = o->s + strlen(o->s);
		dot =
		    py_fmt(p, "%.*s%s", (int)(dot - o->s), o->s, a->pos[0]->s);
		return py_str(p, V_PATH, dot);
	}
	return &py_any;
}

/* A model's fields as a dict, where the tree says nothing else. */
static bool
is_dump(const char *name)
{
	return strcmp(name, "model_dump") == 0 || strcmp(name, "dict") == 0 ||
	    strcmp(name, "_asdict") == 0;
}

static bool
dumps_all(const struct args *a)
{
	unsigned i;

	for (i = 0; i < a->nkey; i++)
		if (strcmp(a->key[i], "mode") &&
		    strcmp(a->key[i], "exclude_none"))
			return false;
	return !a->open && a->npos == 0;
}

const struct val *
py_method(struct bindu_py *p, const struct val *o, const char *name,
    const struct args *a)
{
	const struct val *v;

	switch (o->k) {
	case V_DICT:
		return dict_method(p, o, name, a);
	case V_LIST:
		return list_method(p, o, name, a);
	case V_STR:
		v = str_method(p, o, name, a);
		return v->k == V_UNKNOWN ? v : py_with_env(p, v, o->env);
	case V_BYTES:
		return strcmp(name, "decode") == 0 ? py_str(p, V_STR, o->s) :
						     NULL;
	case V_PATH:
		return path_method(p, o, name, a);
	case V_FILE:
		return strcmp(name, "read") == 0 ? read_text(p, o) : NULL;
	case V_INST:
		if (is_dump(name) && dumps_all(a) && (v = py_fields(p, o)))
			return v;
		v = py_attr(p, o, name);
		return v->k == V_UNKNOWN ? v : NULL;
	default:
		return NULL;
	}
}
