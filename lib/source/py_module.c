/* py_module.c - modules of the tree: found, read, run once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "py_priv.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"

enum { MODULES_MAX = 500 };

/* A module of this file, its text read and split but not followed; found
 * again by its file when loaded before (*fresh false).  NULL: no such file. */
static struct module *
module_of(struct bindu_py *p, const char *file, bool *fresh)
{
	const char *slash;
	struct module *m;
	size_t i, n = 0;
	char *text;

	*fresh = false;
	for (i = 0; i < p->nmod; i++)
		if (strcmp(p->mod[i]->file, file) == 0)
			return p->mod[i];
	if (p->nmod >= MODULES_MAX)
		return NULL;
	text = py_slurp(p, file, BINDU_PY_SOURCE_MAX, &n);
	if (!text)
		return NULL;
	m = py_alloc(p, sizeof *m);
	slash = strrchr(file, '/');
	*m = (struct module){ .file = py_strn(p, file, strlen(file)),
		.dir = py_strn(p, file, slash ? (size_t)(slash - file) : 0),
		.package = "",
		.text = text,
		.obj = py_obj_new(p) };
	bindu_py_lex(text, n, &m->toks);
	bindu_grow(&p->mod, &p->modcap, p->nmod + 1, sizeof *p->mod);
	p->mod[p->nmod++] = m;
	*fresh = true;
	return m;
}

static const struct val *
module_val(struct bindu_py *p, uint32_t obj, const char *dotted)
{
	py_set(p, obj, "\x02name", py_str(p, V_STR, dotted));
	return py_objval(p, V_MODULE, obj);
}

static void
run_module(struct bindu_py *p, struct module *m, const char *name)
{
	struct module *om = p->m;
	struct frame *of = p->f;
	uint32_t pos = p->pos, limit = p->limit;
	enum dead dead = p->dead;
	char *file;

	p->m = m;
	p->f = py_frame(p, m->obj, NULL);
	p->dead = ALIVE;
	py_set(p, m->obj, "__name__", py_str(p, V_STR, name));
	file = py_fmt(p, "%s/%s", strcmp(p->root, "/") ? p->root : "", m->file);
	py_set(p, m->obj, "__file__", py_str(p, V_STR, file));
	p->pos = 0;
	p->limit = (uint32_t)m->toks.n - 1;
	py_block(p, p->limit);
	p->m = om;
	p->f = of;
	p->pos = pos;
	p->limit = limit;
	p->dead = dead;
}

/* dir/a/b.py, dir/a/b/__init__.py, or the plain directory dir/a/b. */
static const struct val *
import_in(struct bindu_py *p, const char *dir, const char *dotted)
{
	char *base = py_fmt(p, "%s%s%s", dir, *dir ? "/" : "", dotted), *c;
	char *file, *package = py_strn(p, dotted, strlen(dotted));
	struct module *m;
	struct stat st;
	bool fresh;

	for (c = base + strlen(dir); *c; c++)
		if (*c == '.')
			*c = '/';
	file = py_fmt(p, "%s/__init__.py", base);
	m = module_of(p, file, &fresh);
	if (!m) {
		m = module_of(p, py_fmt(p, "%s.py", base), &fresh);
		if ((c = strrchr(package, '.')))
			*c = '\0';
		else
			*package = '\0';
	}
	if (m && fresh) {
		const struct val *v = module_val(p, m->obj, dotted);

		m->package = package;
		run_module(p, m, dotted);
		return v;
	}
	if (m)
		return py_objval(p, V_MODULE, m->obj);
	if (bindu_path_is_inside(base) &&
	    fstatat(p->rootfd, base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		return module_val(p, py_obj_new(p), dotted);
	return NULL;
}

/* The tree's module, or NULL.  What is looked for, and bindu itself (whose
 * own repository holds agents too), always comes from outside. */
static const struct val *
find(struct bindu_py *p, const char *dotted)
{
	const char *dirs[] = { p->script_dir, "", "src" };
	const struct val *v = NULL, *ns = NULL;
	size_t i, n = strlen(dotted);

	if (n == 0 || n > 200 || strcmp(dotted, "bindu") == 0 ||
	    bindu_str_starts(dotted, "bindu."))
		return NULL;
	for (i = 0; i < 3 && !v && py_enter(p); i++, py_leave(p)) {
		v = import_in(p, dirs[i], dotted);
		if (v && !py_get(p, v->obj, "__name__")) {
			ns = ns ? ns : v;
			v = NULL;
		}
	}
	return v ? v : ns;
}

const struct val *
py_import(struct bindu_py *p, const char *dotted)
{
	const struct val *v = find(p, dotted), *parent;
	const char *dot = strrchr(dotted, '.');

	if (!v)
		return py_str(p, V_EXT, dotted);
	if (dot &&
	    (parent = find(p, py_strn(p, dotted, (size_t)(dot - dotted)))))
		py_set(p, parent->obj, py_strn(p, dot + 1, strlen(dot + 1)), v);
	return v;
}

const struct val *
py_import_from(struct bindu_py *p, const char *dotted, const char *name)
{
	const struct val *m = find(p, dotted), *v;

	if (!m)
		return py_str(p, V_EXT,
		    py_fmt(p, "%s%s%s", dotted, *dotted ? "." : "", name));
	if ((v = py_get(p, m->obj, name)) ||
	    (v = find(p, py_fmt(p, "%s.%s", dotted, name))) ||
	    (v = py_wild(p, m->obj)))
		return v;
	return py_unknown(p, "module %s of the tree does not set %s", dotted,
	    name);
}

void
py_import_star(struct bindu_py *p, const char *dotted)
{
	const struct val *m = find(p, dotted), *all;
	uint32_t i = 0;
	long long k, n;

	if (!m || m->obj == p->f->obj)
		return;
	all = py_get(p, m->obj, "__all__");
	n = all ? py_len(p, all) : 0;
	for (k = 0; all && k < n && py_step(p); k++) {
		const char *name = py_item(p, all, k)->s;

		if (name)
			py_set(p, p->f->obj, name,
			    py_import_from(p, dotted, name));
	}
	if (all && n >= 0)
		return;
	while ((i = py_next(p, m->obj, i)))
		if (p->slot[i].key[0] != '_')
			py_set(p, p->f->obj, p->slot[i].key, p->slot[i].v);
}

void
py_modules_free(struct bindu_py *p)
{
	size_t i;

	for (i = 0; i < p->nmod; i++) {
		free(p->mod[i]->text);
		free(p->mod[i]->toks.v);
	}
	free(p->mod);
}

/* The script itself, followed as __main__. */
int
py_run_script(struct bindu_py *p, const char *script)
{
	bool fresh;
	struct module *m = module_of(p, script, &fresh);

	if (!m)
		return -1;
	p->script_dir = m->dir;
	run_module(p, m, "__main__");
	return 0;
}
