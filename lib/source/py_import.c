/* py_import.c - import statements.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"

static char *
dotted_name(struct bindu_py *p, uint32_t end)
{
	char *s = py_fmt(p, "%s", "");

	while (p->pos < end && (py_tok(p)->kind == PY_NAME || py_at(p, ".")) &&
	    !py_at(p, "import") && !py_at(p, "as") && py_step(p)) {
		s = py_fmt(p, "%s%s", s, py_token_text(p, p->pos));
		p->pos++;
	}
	return s;
}

void
py_exec_import(struct bindu_py *p, uint32_t end)
{
	const struct val *v;
	char *name, *top;

	p->pos++;
	while (p->pos < end && py_step(p)) {
		name = dotted_name(p, end);
		v = py_import(p, name);
		if (py_eat(p, "as")) {
			py_set(p, p->f->obj, py_token_text(p, p->pos), v);
			p->pos++;
		} else {
			top = py_strn(p, name, strcspn(name, "."));
			py_set(p, p->f->obj, top,
			    strchr(name, '.') ? py_import(p, top) : v);
		}
		if (!py_eat(p, ","))
			break;
	}
}

/* The absolute dotted name of a relative one. */
static char *
make_absolute(struct bindu_py *p, unsigned dots, const char *rest)
{
	char *s = py_strn(p, p->m->package, strlen(p->m->package)), *dot;

	while (--dots > 0 && (dot = strrchr(s, '.')))
		*dot = '\0';
	if (dots > 0)
		*s = '\0';
	return py_fmt(p, "%s%s%s", s, *s && *rest ? "." : "", rest);
}

void
py_exec_from(struct bindu_py *p, uint32_t end)
{
	unsigned dots = 0;
	char *mod, *name;
	const struct val *v;

	for (p->pos++; py_at(p, ".") || py_at(p, "..."); p->pos++)
		dots += py_at(p, "...") ? 3 : 1;
	mod = dotted_name(p, end);
	if (dots)
		mod = make_absolute(p, dots, mod);
	if (!py_eat(p, "import"))
		return;
	if (py_eat(p, "*")) {
		py_import_star(p, mod);
		return;
	}
	py_eat(p, "(");
	while (p->pos < end && py_tok(p)->kind == PY_NAME && py_step(p)) {
		name = py_token_text(p, p->pos++);
		v = py_import_from(p, mod, name);
		if (py_eat(p, "as"))
			name = py_token_text(p, p->pos++);
		py_set(p, p->f->obj, name, v);
		if (!py_eat(p, ","))
			break;
	}
}
