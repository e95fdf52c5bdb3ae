/* py.c - follow a script; what its calls of one function would be given.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"
#include "lib/base/mem.h"

/* Functions nothing was seen to call (a framework does): each is run once
 * from the end state, with unknown arguments. */
static void
run_functions(struct bindu_py *p)
{
	const struct args none = { .open = true };
	const struct func *f;
	unsigned left = 300;
	size_t mark, n;

	p->reached = false;
	for (f = p->funcs; f && left-- && !p->over; f = f->next) {
		if (f->mod != p->mod[0])
			continue;
		mark = py_mark(p);
		p->dead = ALIVE;
		py_call_func(p, f, f->owner ? &py_any : NULL, &none);
		py_take_back(p, mark, &n);
	}
}

int
bindu_py_follow(int rootfd, const char *root, const char *script,
    const struct bindu_py_query *q, struct bindu_py **out,
    struct bindu_err *err)
{
	struct bindu_py *p = xcalloc(1, sizeof *p);

	p->rootfd = rootfd;
	p->root = root;
	p->query = q;
	p->script_dir = "";
	p->reached = true;
	p->environ = py_obj_new(p);
	if (py_run_script(p, script) == -1) {
		bindu_py_free(p);
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "cannot read script %s: not a plain file below %s of at "
		    "most %d MB",
		    script, root, BINDU_PY_SOURCE_MAX >> 20);
	}
	if (p->nhit == 0)
		run_functions(p);
	*out = p;
	return 0;
}

size_t
bindu_py_calls(const struct bindu_py *p)
{
	return p->nhit;
}

const struct bindu_py_call *
bindu_py_call(const struct bindu_py *p, size_t i)
{
	return &p->hit[i];
}

bool
bindu_py_gave_up(const struct bindu_py *p)
{
	return p->over;
}

const char *
bindu_py_module(const struct bindu_py *p, size_t i)
{
	return i < p->nmod ? p->mod[i]->file : NULL;
}

void
bindu_py_free(struct bindu_py *p)
{
	if (!p)
		return;
	py_modules_free(p);
	py_store_free(p);
	free(p->hit);
	free(p);
}
