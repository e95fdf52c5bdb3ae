/* py_argparse.c - the defaults of a script's own command line.
 *
 * An agent is started without arguments, so what argparse gives is each
 * argument's default.  A parser is an instance that holds the namespace its
 * parse_args() gives.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "py_priv.h"

#define NAMESPACE "\x02parser"

bool
py_is_parser(struct bindu_py *p, const struct val *v)
{
	return v->k == V_INST && py_get(p, v->obj, NAMESPACE) != NULL;
}

const struct val *
py_argparse_new(struct bindu_py *p, const struct args *a)
{
	const struct val *parser = py_objval(p, V_INST, py_obj_new(p));
	const struct val *space = py_objval(p, V_INST, py_obj_new(p));

	/* Arguments of other parsers, and a default for all. */
	if (a->open || py_arg(a, PY_ARGS_MAX, "parents") ||
	    py_arg(a, PY_ARGS_MAX, "argument_default"))
		py_blur(p, space->obj, &py_any);
	py_set(p, parser->obj, NAMESPACE, space);
	return parser;
}

/* The attribute an argument's names make: dest, the first long option, or the
 * first name, dashes within as underscores. */
static const char *
find_dest(struct bindu_py *p, const struct args *a, bool *option)
{
	const struct val *dest = py_arg(a, PY_ARGS_MAX, "dest");
	const char *name = NULL;
	char *s, *c;
	unsigned i;

	for (i = 0; i < a->npos; i++) {
		if (a->pos[i]->k != V_STR)
			return NULL;
		if (!name ||
		    (name[1] != '-' && a->pos[i]->s[0] == '-' &&
			a->pos[i]->s[1] == '-'))
			name = a->pos[i]->s;
	}
	*option = name && name[0] == '-';
	if (dest || !name)
		return dest && dest->k == V_STR ? dest->s : NULL;
	name += strspn(name, "-");
	s = py_strn(p, name, strlen(name));
	for (c = s; (c = strchr(c, '-'));)
		*c = '_';
	return s;
}

/* What an argument is when the command line does not name it. */
static const struct val *
find_default(struct bindu_py *p, const struct args *a, const char *name,
    bool option)
{
	const struct val *v = py_arg(a, PY_ARGS_MAX, "default");
	const struct val *type = py_arg(a, PY_ARGS_MAX, "type");
	const struct val *action = py_arg(a, PY_ARGS_MAX, "action");
	const struct val *required = py_arg(a, PY_ARGS_MAX, "required");
	const struct val *nargs = py_arg(a, PY_ARGS_MAX, "nargs");

	if ((required && py_truth(p, required) != 0) ||
	    (!option &&
		(!nargs || nargs->k != V_STR || !strchr("?*", nargs->s[0]))))
		return py_unknown(p, "the script's argument %s decides", name);
	if (v)
		/* A string default goes through type. */
		return v->k == V_STR && type &&
			!(type->k == V_EXT && strcmp(type->s, "str") == 0) ?
		    py_unknown(p, "the type of argument %s computes it", name) :
		    v;
	if (action && action->k != V_STR)
		return &py_any;
	if (action && strcmp(action->s, "store_true") == 0)
		return &py_false;
	if (action && strcmp(action->s, "store_false") == 0)
		return &py_true;
	return &py_none;
}

static void
add_argument(struct bindu_py *p, const struct val *space, const struct args *a)
{
	bool option = true;
	const char *dest = a->open ? NULL : find_dest(p, a, &option);

	if (!dest)
		py_blur(p, space->obj, &py_any);
	else if (!py_get(p, space->obj, dest))
		py_set(p, space->obj, dest,
		    find_default(p, a, a->npos ? a->pos[0]->s : dest, option));
}

const struct val *
py_argparse_call(struct bindu_py *p, const struct val *parser, const char *name,
    const struct args *a)
{
	const struct val *space = py_get(p, parser->obj, NAMESPACE), *both;
	unsigned i;

	if (strcmp(name, "add_argument") == 0) {
		add_argument(p, space, a);
	} else if (strcmp(name, "add_argument_group") == 0 ||
	    strcmp(name, "add_mutually_exclusive_group") == 0) {
		return parser;
	} else if (strcmp(name, "set_defaults") == 0) {
		if (a->open)
			py_blur(p, space->obj, &py_any);
		for (i = 0; i < a->nkey; i++)
			py_set(p, space->obj, a->key[i], a->val[i]);
	} else if (strcmp(name, "add_subparsers") == 0) {
		return py_unknown(p, "the script's command line decides");
	} else if (strcmp(name, "error") == 0 || strcmp(name, "exit") == 0) {
		p->dead = RAISED;
	} else if (strncmp(name, "parse_", 6) == 0) {
		/* A list given in place of the command line. */
		if (a->npos || a->nkey || a->open)
			return py_unknown(p,
			    "the arguments given to %s() decide", name);
		if (strcmp(name, "parse_args") == 0)
			return space;
		both = py_list(p);
		py_append(p, both, space);
		py_append(p, both, py_list(p));
		return both;
	}
	return &py_none;
}
