/* discover.c - root, script, name and needs of an agent.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "discover_priv.h"
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

enum {
	PORT = 3773,
	NAME_MAX_BYTES = 200,
};

const struct bindu_py_query bindu_discover_query = {
	.callee = "bindufy",
	.pos = 0,
	.want = { "config.name", "config.id", "config.deployment.url" },
};

void
bindu_agent_info_fini(struct bindu_agent_info *i)
{
	free(i->root);
	free(i->script);
	free(i->name);
	free(i->name_from);
	free(i->box);
	free(i->python);
	bindu_strv_fini(&i->deps);
	bindu_strv_fini(&i->modules);
	*i = (struct bindu_agent_info){ 0 };
}

/* The port of a URL; PORT when it names none. */
static unsigned
port_of(const struct bindu_py_answer *url)
{
	const char *s = url->known == BINDU_PY_KNOWN ? url->text : "";
	const char *host = strstr(s, "://"), *colon, *end;
	unsigned long n;
	char *rest;

	host = host ? host + 3 : s;
	end = host + strcspn(host, "/?#");
	colon = memrchr(host, ':', (size_t)(end - host));
	if (!colon || memchr(colon, ']', (size_t)(end - colon)))
		return PORT;
	n = strtoul(colon + 1, &rest, 10);
	return rest == end && n > 0 && n < 65536 ? (unsigned)n : PORT;
}

/* config["name"], or its id when there is none (an empty one is none). */
static const struct bindu_py_answer *
name_of(const struct bindu_py_call *c)
{
	const struct bindu_py_answer *name = &c->answer[0];

	if (name->known == BINDU_PY_MISSING ||
	    (name->known == BINDU_PY_KNOWN && !*name->text))
		return &c->answer[1];
	return name;
}

static int
no_call(const struct bindu_py *py, const char *script, struct bindu_err *err)
{
	if (bindu_py_gave_up(py))
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s is too large or "
		    "nested too deeply to follow: name the agent with --name, "
		    "or let the script say it with --run",
		    script);
	if (bindu_str_ends(script, ".ipynb"))
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s is a notebook: make a script of it, with jupyter "
		    "nbconvert --to script",
		    script);
	return bindu_err_set(err, BINDU_E_DATA,
	    "%s does not call bindufy(): "
	    "nothing to deploy; if it is a plain server, name it with --name "
	    "(BINDU_NAME in a Makefile); "
	    "if it finds bindufy() in a way that cannot be read, use --run",
	    script);
}

static int
not_known(const struct bindu_py_call *c, struct bindu_err *err)
{
	const struct bindu_py_answer *a = name_of(c);

	if (a->known == BINDU_PY_UNKNOWN)
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s:%u: the agent's "
		    "name cannot be read without running the script: %s; give "
		    "it with --name, or let the script say it with --run",
		    c->file, c->line, a->text);
	return bindu_err_set(err, BINDU_E_DATA,
	    "%s:%u: the config of "
	    "bindufy() has no \"name\": add one, or give it with --name",
	    c->file, c->line);
}

/* The call whose name counts.  Calls that running the script reaches must
 * agree; of the others the one with a known name is enough. */
static int
pick_call(struct bindu_py *py, const char *script,
    const struct bindu_py_call **out, struct bindu_err *err)
{
	const struct bindu_py_call *best = NULL, *c;
	size_t i, n = bindu_py_calls(py);

	if (n == 0)
		return no_call(py, script, err);
	for (i = 0; i < n; i++) {
		const struct bindu_py_answer *a, *b;

		c = bindu_py_call(py, i);
		a = name_of(c);
		if (a->known != BINDU_PY_KNOWN && c->reached)
			return not_known(c, err);
		if (!best || name_of(best)->known != BINDU_PY_KNOWN)
			best = c;
		b = name_of(best);
		if (a->known == BINDU_PY_KNOWN && strcmp(a->text, b->text))
			return bindu_err_set(err, BINDU_E_DATA,
			    "%s calls "
			    "bindufy() for more than one agent: '%s' (%s:%u) "
			    "and '%s' (%s:%u); choose with --name",
			    script, b->text, best->file, best->line, a->text,
			    c->file, c->line);
	}
	if (name_of(best)->known != BINDU_PY_KNOWN)
		return not_known(best, err);
	*out = best;
	return 0;
}

static void
note_env(const struct bindu_report *r, const struct bindu_py_answer *a)
{
	const char *here = a->env ? bindu_config_env(a->env) : NULL;

	if (here && strcmp(here, a->text) != 0)
		bindu_note(r, BINDU_WARN,
		    "the name '%s' is the default of "
		    "%s, which is '%s' on this machine but not in the box: "
		    "use --name to choose",
		    a->text, a->env, here);
	else if (a->env)
		bindu_note(r, BINDU_INFO,
		    "the name '%s' is the default of "
		    "the environment variable %s",
		    a->text, a->env);
}

static int
check_name(const char *name, struct bindu_err *err)
{
	const char *c;

	for (c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return bindu_err_set(err, BINDU_E_DATA,
			    "the agent's "
			    "name holds a control character: give another "
			    "with --name");
	if (!*name || strlen(name) > NAME_MAX_BYTES)
		return bindu_err_set(err, BINDU_E_DATA,
		    "the agent's name is %s: give another with --name",
		    *name ? "longer than 200 bytes" : "empty");
	return 0;
}

/* Follow the script; fill in what only that can tell. */
static int
read_script(int rootfd, const struct bindu_discover_opts *o,
    const struct bindu_report *r, struct bindu_agent_info *info,
    struct bindu_err *err)
{
	const struct bindu_py_call *c = NULL;
	struct bindu_py *py;
	const char *m;
	size_t i;
	int rc = 0;

	if (bindu_py_follow(rootfd, info->root, info->script,
		&bindu_discover_query, &py, err) == -1)
		return -1;
	info->calls_bindufy = bindu_py_calls(py) > 0;
	for (i = 0; (m = bindu_py_module(py, i)); i++)
		bindu_strv_add(&info->modules, m);
	if (!o->name && !o->run) {
		rc = pick_call(py, info->script, &c, err);
		if (rc == 0) {
			info->name = xstrdup(name_of(c)->text);
			info->name_from = xstrdup("literal");
			note_env(r, name_of(c));
		}
	} else if (info->calls_bindufy) {
		c = bindu_py_call(py, 0);
	}
	if (c) {
		info->port = port_of(&c->answer[2]);
		if (c->answer[2].known == BINDU_PY_UNKNOWN)
			bindu_note(r, BINDU_WARN,
			    "%s:%u: the port cannot be read, %u is taken: %s",
			    c->file, c->line, info->port, c->answer[2].text);
	}
	bindu_py_free(py);
	return rc;
}

/* A script's real directory and its path there; a link may lead elsewhere
 * in the tree but not out of it. */
static int
place_script(const char *path, struct bindu_agent_info *info,
    struct bindu_err *err)
{
	AUTO_FREE char *dir = bindu_path_dir(path), *full = NULL;
	AUTO_FREE char *real = realpath(dir, NULL), *target = NULL;
	const char *below;
	struct stat st;

	if (!real || stat(path, &st) == -1)
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "script not found: %s", path);
	if (!S_ISREG(st.st_mode))
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "script is not a plain file: %s", path);
	if (!(info->root = bindu_discover_root(real, err)))
		return -1;
	full = bindu_path_join(real, bindu_path_base(path));
	below = bindu_path_below(info->root, full);
	target = realpath(full, NULL);
	if (!below || !target || !bindu_path_below(info->root, target))
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "script %s leads to "
		    "%s, outside its source root %s: copy it in, or run from "
		    "the project it belongs to",
		    path, target ? target : "?", info->root);
	info->script = xstrdup(below);
	return 0;
}

static char *
find_script(const char *dir, const char *script, const struct bindu_report *r,
    struct bindu_err *err)
{
	AUTO_FREE char *base = bindu_path_abs(dir, err), *path = NULL;
	struct stat st;

	if (!base)
		return NULL;
	path = script ? bindu_path_join(base, script) : xstrdup(base);
	if (!script || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))) {
		AUTO_FREE char *real = realpath(path, NULL);

		if (real)
			return bindu_discover_search(real, r, err);
		bindu_err_sys(err, "cannot look at %s", path);
		return NULL;
	}
	return bindu_steal(&path);
}

static int
fill(const char *dir, const struct bindu_discover_opts *o,
    const struct bindu_report *r, struct bindu_agent_info *info,
    struct bindu_err *err)
{
	AUTO_FREE char *path = find_script(dir, o->script, r, err);
	AUTO_CLOSE int rootfd = -1;

	if (!path || place_script(path, info, err) == -1)
		return -1;
	rootfd = open(info->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rootfd == -1)
		return bindu_err_sys(err, "cannot open %s", info->root);
	info->port = PORT;
	if (read_script(rootfd, o, r, info, err) == -1)
		return -1;
	if (o->name) {
		info->name = xstrdup(o->name);
		info->name_from = xstrdup("flag");
	} else if (o->run) {
		info->name = bindu_discover_run(info->root, info->script,
		    o->run_timeout_ms ? o->run_timeout_ms : 30000, r, err);
		if (!info->name)
			return -1;
		info->name_from = xstrdup("run");
		info->calls_bindufy = true;
	}
	if (check_name(info->name, err) == -1)
		return -1;
	info->box = bindu_name_to_label(info->name);
	if (!info->box)
		return bindu_err_set(err, BINDU_E_DATA,
		    "the agent's name '%s' has no letter or digit for a box's name: "
		    "give another with --name",
		    info->name);
	bindu_discover_check(info, r);
	bindu_discover_deps(rootfd, info->script, r, &info->deps);
	info->python =
	    bindu_discover_python(rootfd, info->root, info->script, r);
	return 0;
}

int
bindu_discover(const char *dir, const struct bindu_discover_opts *o,
    const struct bindu_report *r, struct bindu_agent_info *info,
    struct bindu_err *err)
{
	*info = (struct bindu_agent_info){ 0 };
	if (fill(dir, o, r, info, err) == 0)
		return 0;
	bindu_agent_info_fini(info);
	return -1;
}
