/* py_builtin.c - the functions of Python's library that configurations use.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

static const struct val *
first_or_none(const struct args *a)
{
	return a->npos ? a->pos[0] : &py_none;
}

static const struct val *
do_same(struct bindu_py *p, const struct args *a)
{
	(void)p;
	return first_or_none(a);
}

static const struct val *
do_second(struct bindu_py *p, const struct args *a)
{
	(void)p;
	return a->npos > 1 ? a->pos[1] : &py_any;
}

static const struct val *
do_exit(struct bindu_py *p, const struct args *a)
{
	(void)a;
	p->dead = RAISED;
	return &py_none;
}

static const struct val *
do_str(struct bindu_py *p, const struct args *a)
{
	const struct val *v = a->npos ? a->pos[0] : NULL;
	const char *t = v ? py_text(p, v) : "";

	if (t)
		return py_with_env(p, py_str(p, V_STR, t), v ? v->env : NULL);
	return py_unfollowed(v);
}

void
py_take_args(struct bindu_py *p, uint32_t obj, const struct args *a)
{
	if (a->npos)
		py_copy_into(p, obj, a->pos[0]);
	if (a->open)
		py_blur(p, obj, &py_any);
	for (unsigned i = 0; i < a->nkey; i++)
		py_set(p, obj, a->key[i], a->val[i]);
}

static const struct val *
do_dict(struct bindu_py *p, const struct args *a)
{
	const struct val *d = py_objval(p, V_DICT, py_obj_new(p));

	py_take_args(p, d->obj, a);
	return d;
}

/* Copies of anything that can change. */
static const struct val *
do_copy(struct bindu_py *p, const struct args *a)
{
	const struct val *v = a->npos ? a->pos[0] : py_list(p), *c;

	if (v->k != V_DICT && v->k != V_LIST && v->k != V_INST)
		return v;
	c = py_objval(p, v->k, py_obj_new(p));
	py_copy_into(p, c->obj, v);
	return c;
}

/* list(), tuple(): of a dict its keys, of a string no one follows. */
static const struct val *
do_list(struct bindu_py *p, const struct args *a)
{
	const struct val *v = a->npos ? a->pos[0] : NULL;
	static const struct args none;

	if (v && v->k == V_DICT)
		return py_method(p, v, "keys", &none);
	return a->open || (v && v->k != V_LIST) ? py_unfollowed(v) :
						  do_copy(p, a);
}

static const struct val *
do_len(struct bindu_py *p, const struct args *a)
{
	long long n = a->npos ? py_len(p, a->pos[0]) : -1;

	return n >= 0 ? py_int(p, n) : &py_any;
}

const struct val *
py_environ(struct bindu_py *p, const char *name, const struct val *set)
{
	const struct val *v;

	if (set)
		py_set(p, p->environ, name, set);
	if ((v = py_entry(p, p->environ, name)))
		return v;
	return py_with_env(p,
	    py_unknown(p, "the environment variable %s decides", name), name);
}

void
py_unset_env(struct bindu_py *p, const char *name)
{
	py_set(p, p->environ, name,
	    py_unknown(p, "the script takes %s out of its environment", name));
}

static const struct val *
do_setenv(struct bindu_py *p, const struct args *a)
{
	const struct val *name = py_arg(a, 0, "key"), *v = py_arg(a, 1, NULL);

	if (!name || name->k != V_STR || !v)
		return &py_any;
	if (py_environ(p, name->s, NULL)->k == V_UNKNOWN)
		py_environ(p, name->s, py_with_env(p, v, name->s));
	return py_environ(p, name->s, NULL);
}

static const struct val *
do_environ_update(struct bindu_py *p, const struct args *a)
{
	py_take_args(p, p->environ, a);
	return &py_none;
}

static const struct val *
do_setattr(struct bindu_py *p, const struct args *a)
{
	const struct val *o = py_arg(a, 0, NULL), *k = py_arg(a, 1, NULL),
			 *v = py_arg(a, 2, NULL);

	if (!o || !k || !v ||
	    (o->k != V_INST && o->k != V_CLASS && o->k != V_MODULE))
		return &py_any;
	if (k->k == V_STR)
		py_set_attr(p, o, k->s, v);
	else
		py_blur(p, o->obj, &py_any);
	return &py_none;
}

static const struct val *
do_globals(struct bindu_py *p, const struct args *a)
{
	(void)a;
	return py_objval(p, V_DICT, p->m->obj);
}

/* Code in a string may set any name. */
static const struct val *
do_exec(struct bindu_py *p, const struct args *a)
{
	const struct val *why = py_unknown(p, "exec() may set it");

	(void)a;
	py_blur(p, p->m->obj, why);
	py_blur(p, p->f->obj, why);
	return &py_none;
}

static const struct val *
do_int(struct bindu_py *p, const struct args *a)
{
	const struct val *v = a->npos == 1 ? a->pos[0] : &py_any;
	char *end;
	long long i;

	if (v->k == V_INT || v->k == V_UNKNOWN)
		return v;
	if (v->k != V_STR || !*v->s || strlen(v->s) > 18)
		return &py_any;
	i = strtoll(v->s, &end, 10);
	if (!*end)
		return py_with_env(p, py_int(p, i), v->env);
	if (!v->env && !strpbrk(v->s, "0123456789")) /* not 1_000 or " 1" */
		py_raise(p, RAISED);
	return &py_any;
}

/* pydantic.Field() and dataclasses.field(): the default. */
static const struct val *
do_field(struct bindu_py *p, const struct args *a)
{
	const struct val *v = py_arg(a, 0, "default");
	const struct val *make = py_arg(a, PY_ARGS_MAX, "default_factory");
	static const struct args none;

	if (!v && make)
		v = py_call_val(p, make, &none, 0);
	return v ? v : &py_any;
}

static const struct val *
do_asdict(struct bindu_py *p, const struct args *a)
{
	const struct val *v = a->npos == 1 && !a->nkey ? a->pos[0] : &py_any,
			 *d = v->k == V_INST ? py_fields(p, v) : NULL;

	return d ? d : py_unfollowed(v);
}

static const struct val *
do_super(struct bindu_py *p, const struct args *a)
{
	return a->npos ? &py_any : py_super(p);
}

/* The default of a variable, marked with its name: the box decides. */
static const struct val *
do_getenv(struct bindu_py *p, const struct args *a)
{
	const struct val *name = py_arg(a, 0, "key"), *def;

	if (!name || name->k != V_STR)
		return &py_any;
	if ((def = py_environ(p, name->s, NULL))->k != V_UNKNOWN ||
	    py_get(p, p->environ, name->s))
		return def;
	def = py_arg(a, 1, "default");
	if (!def || def->k == V_NONE)
		def = py_unknown(p, "the environment variable %s decides",
		    name->s);
	return py_with_env(p, def, name->s);
}

static const struct val *
do_environ_pop(struct bindu_py *p, const struct args *a)
{
	const struct val *v = do_getenv(p, a);

	if (a->npos && a->pos[0]->k == V_STR)
		py_unset_env(p, a->pos[0]->s);
	return v;
}

static const struct val *
do_path(struct bindu_py *p, const struct args *a)
{
	const struct val *v = py_str(p, V_PATH, "."), *w;
	unsigned i;

	for (i = 0; i < a->npos; i++) {
		w = a->pos[i];
		if (w->k != V_STR && w->k != V_PATH)
			return py_unfollowed(w);
		v = i ? py_binary(p, "/", v, w) : py_str(p, V_PATH, w->s);
	}
	return v;
}

static const struct val *
do_join(struct bindu_py *p, const struct args *a)
{
	const struct val *v = do_path(p, a);

	return v->k == V_PATH ? py_str(p, V_STR, v->s) : v;
}

static const struct val *
do_dirname(struct bindu_py *p, const struct args *a)
{
	const struct val *v = first_or_none(a);
	const char *slash;

	if (v->k != V_STR && v->k != V_PATH)
		return py_unfollowed(v);
	slash = strrchr(v->s, '/');
	return py_strn_val(p, V_STR, v->s, slash ? (size_t)(slash - v->s) : 0);
}

static const struct val *
do_basename(struct bindu_py *p, const struct args *a)
{
	const struct val *v = first_or_none(a);

	if (v->k != V_STR && v->k != V_PATH)
		return py_unfollowed(v);
	return py_str(p, V_STR, bindu_path_base(v->s));
}

static const struct val *
do_abspath(struct bindu_py *p, const struct args *a)
{
	const struct val *v = first_or_none(a);

	return v->k == V_PATH ? py_str(p, V_STR, v->s) : v;
}

static const struct val *
do_getcwd(struct bindu_py *p, const struct args *a)
{
	(void)a;
	return py_str(p, V_STR, p->root);
}

static const struct val *
do_cwd(struct bindu_py *p, const struct args *a)
{
	(void)a;
	return py_str(p, V_PATH, p->root);
}

static const struct val *
do_open(struct bindu_py *p, const struct args *a)
{
	const struct val *v = py_arg(a, 0, "file"),
			 *mode = py_arg(a, 1, "mode");

	if (mode && (mode->k != V_STR || strpbrk(mode->s, "wax+")))
		return &py_any;
	if (!v || (v->k != V_STR && v->k != V_PATH))
		return py_unfollowed(v);
	return py_str(p, V_FILE, v->s);
}

static const struct val *
do_exists(struct bindu_py *p, const struct args *a)
{
	return py_exists(p, first_or_none(a));
}

static const struct val *
load(struct bindu_py *p, const struct args *a, const char *format, bool path)
{
	const struct val *v = a->npos ? a->pos[0] : &py_any;
	const char *text;
	size_t n;

	if (v->k == V_FILE || (path && (v->k == V_STR || v->k == V_PATH))) {
		text = py_read(p, v->s, &n);
		return text ? py_load_data(p, format, text, n, v->s) :
			      py_missing(p, v->s);
	}
	if (v->k != V_STR && v->k != V_BYTES)
		return py_unfollowed(v);
	return py_load_data(p, format, v->s, strlen(v->s), "the text");
}

static const struct val *
do_json(struct bindu_py *p, const struct args *a)
{
	return load(p, a, "json", false);
}

static const struct val *
do_toml(struct bindu_py *p, const struct args *a)
{
	return load(p, a, "toml", false);
}

static const struct val *
do_toml_path(struct bindu_py *p, const struct args *a)
{
	return load(p, a, "toml", true);
}

static const struct val *
do_import(struct bindu_py *p, const struct args *a)
{
	return a->npos == 1 && a->pos[0]->k == V_STR ?
	    py_import(p, a->pos[0]->s) :
	    &py_any;
}

static const struct val *
do_namespace(struct bindu_py *p, const struct args *a)
{
	return py_objval(p, V_INST, do_dict(p, a)->obj);
}

/* The same attributes, as a dict. */
static const struct val *
do_vars(struct bindu_py *p, const struct args *a)
{
	const struct val *v = first_or_none(a);

	return v->k == V_INST ? py_objval(p, V_DICT, v->obj) : &py_any;
}

static const struct val *
do_yaml(struct bindu_py *p, const struct args *a)
{
	const struct val *v = first_or_none(a);

	return v->k == V_UNKNOWN ?
	    v :
	    py_unknown(p, "it comes from YAML, which is not read");
}

const struct val *
py_builtin(struct bindu_py *p, const char *name, const struct args *a)
{
	static const struct {
		const char *name;
		const struct val *(*fn)(struct bindu_py *, const struct args *);
	} table[] = {
		{ "str", do_str },
		{ "dict", do_dict },
		{ "list", do_list },
		{ "tuple", do_list },
		{ "len", do_len },
		{ "open", do_open },
		{ "io.open", do_open },
		{ "copy.copy", do_copy },
		{ "copy.deepcopy", do_copy },
		{ "exit", do_exit },
		{ "quit", do_exit },
		{ "sys.exit", do_exit },
		{ "os._exit", do_exit },
		{ "SystemExit", do_exit },
		{ "os.getenv", do_getenv },
		{ "os.environ.get", do_getenv },
		{ "pathlib.Path", do_path },
		{ "pathlib.PurePath", do_path },
		{ "pathlib.Path.cwd", do_cwd },
		{ "os.getcwd", do_getcwd },
		{ "os.path.join", do_join },
		{ "os.path.dirname", do_dirname },
		{ "os.path.basename", do_basename },
		{ "os.path.abspath", do_abspath },
		{ "os.path.realpath", do_abspath },
		{ "os.path.normpath", do_abspath },
		{ "os.fspath", do_abspath },
		{ "os.path.exists", do_exists },
		{ "os.path.isfile", do_exists },
		{ "json.load", do_json },
		{ "json.loads", do_json },
		{ "tomllib.load", do_toml },
		{ "tomllib.loads", do_toml },
		{ "tomli.load", do_toml },
		{ "tomli.loads", do_toml },
		{ "toml.load", do_toml_path },
		{ "toml.loads", do_toml },
		{ "yaml.safe_load", do_yaml },
		{ "yaml.load", do_yaml },
		{ "importlib.import_module", do_import },
		{ "types.SimpleNamespace", do_namespace },
		{ "types.MappingProxyType", do_same },
		{ "typing.cast", do_second },
		{ "asyncio.run", do_same },
		{ "vars", do_vars },
		{ "int", do_int },
		{ "setattr", do_setattr },
		{ "globals", do_globals },
		{ "exec", do_exec },
		{ "super", do_super },
		{ "os.environ.setdefault", do_setenv },
		{ "os.environ.update", do_environ_update },
		{ "os.environ.pop", do_environ_pop },
		{ "dataclasses.field", do_field },
		{ "dataclasses.asdict", do_asdict },
		{ "pydantic.Field", do_field },
		{ "pydantic_settings.SettingsConfigDict", do_dict },
		{ "pydantic.ConfigDict", do_dict },
		{ "argparse.ArgumentParser", py_argparse_new },
	};
	size_t i;

	/* "from os import environ" and the like name the same functions. */
	for (i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].fn(p, a);
	return NULL;
}
