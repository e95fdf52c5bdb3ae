/* discover_deps.c - dependency files and the Python asked for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "discover_priv.h"
#include "toml.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

enum { TEXT_MAX = 4 << 20, SPEC_MAX = 200 };

static bool
is_file(int rootfd, const char *name)
{
	struct stat st;

	return fstatat(rootfd, name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

/* A file's text, or NULL when there is none (or it is no plain file). */
static char *
text_of(int rootfd, const char *name, size_t *n)
{
	const int how = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	AUTO_CLOSE int fd = bindu_fd_open_beneath(rootfd, name, how, 0, true);
	struct stat st;
	char *text = NULL;

	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    bindu_fd_read_all(fd, TEXT_MAX, &text, n, NULL) == -1)
		return NULL;
	return text;
}

static json_t *
toml_of(int rootfd, const char *name, const struct bindu_report *r)
{
	struct bindu_err err = { 0 };
	size_t n;
	AUTO_FREE char *text = text_of(rootfd, name, &n);
	json_t *j;

	if (!text)
		return NULL;
	j = bindu_toml_parse(text, n, name, &err);
	if (!j)
		bindu_note(r, BINDU_WARN, "%s; not read further", err.msg);
	return j;
}

/* The TOML of a script's "# /// script" comment block (PEP 723), or NULL. */
static json_t *
script_block(int rootfd, const char *script, const struct bindu_report *r)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(TEXT_MAX);
	struct bindu_err err = { 0 };
	bool inside = false;
	char *line, *rest;
	size_t n;
	AUTO_FREE char *text = text_of(rootfd, script, &n);
	json_t *j;

	for (rest = text; text && (line = strsep(&rest, "\n"));) {
		line[strcspn(line, "\r")] = '\0';
		if (!inside) {
			inside = strcmp(line, "# /// script") == 0;
		} else if (strcmp(line, "# ///") == 0) {
			j = bindu_toml_parse(b.p ? b.p : "", b.len,
			    "# /// script", &err);
			if (!j)
				bindu_note(r, BINDU_WARN,
				    "%s: %s; the block "
				    "is not read",
				    script, err.msg);
			return j;
		} else if (line[0] != '#' || (line[1] && line[1] != ' ')) {
			return NULL; /* not a block after all */
		} else {
			bindu_buf_adds(&b, line[1] ? line + 2 : "", NULL);
			bindu_buf_addc(&b, '\n', NULL);
		}
	}
	return NULL;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* requirements/NAME.txt, without those that only developers need. */
static void
add_requirements_dir(int rootfd, struct bindu_strv *deps)
{
	static const char *const not_for_boxes[] = { "*dev*", "*test*",
		"*lint*", "*doc*", "ci.txt", "*-ci.txt", "*local*" };
	AUTO_STRV struct bindu_strv names = { 0 };
	int fd = bindu_fd_open_beneath(rootfd, "requirements",
	    O_RDONLY | O_DIRECTORY, 0, false);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t i;

	if (!d)
		return;
	while ((e = readdir(d)) && names.n < 50) {
		bool skip = fnmatch("[A-Za-z0-9]*.txt", e->d_name, 0) != 0 ||
		    strpbrk(e->d_name, " \t\n'\"\\$") != NULL;

		for (i = 0; i < sizeof not_for_boxes / sizeof *not_for_boxes;
		     i++)
			skip |= fnmatch(not_for_boxes[i], e->d_name,
				    FNM_CASEFOLD) == 0;
		if (!skip)
			bindu_strv_addf(&names, "requirements/%s", e->d_name);
	}
	closedir(d);
	if (names.n)
		qsort(names.v, names.n, sizeof *names.v, by_text);
	for (i = 0; i < names.n; i++)
		if (is_file(rootfd, names.v[i]))
			bindu_strv_add(deps, names.v[i]);
}

void
bindu_discover_deps(int rootfd, const char *script,
    const struct bindu_report *r, struct bindu_strv *deps)
{
	static const char *const after[] = { "pyproject.toml", "setup.py",
		"setup.cfg", "uv.lock", "poetry.lock", "Pipfile",
		"Pipfile.lock" };
	AUTO_JSON json_t *block = script_block(rootfd, script, r);
	size_t i;

	if (is_file(rootfd, "requirements.txt"))
		bindu_strv_add(deps, "requirements.txt");
	add_requirements_dir(rootfd, deps);
	for (i = 0; i < sizeof after / sizeof *after; i++)
		if (is_file(rootfd, after[i]))
			bindu_strv_add(deps, after[i]);
	if (block && json_object_get(block, "dependencies"))
		bindu_strv_add(deps, script);
}

/* ---- the Python asked for ---- */

static bool
is_specifier(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= SPEC_MAX &&
	    strspn(s,
		"0123456789.<>=!~,*+ -"
		"abcdefghijklmnopqrstuvwxyz") == n &&
	    strpbrk(s, "0123456789");
}

static char *
checked(const char *s)
{
	return s && is_specifier(s) ? xstrdup(s) : NULL;
}

/* "3.12" -> "==3.12.*", "3.12.4" -> "~=3.12.4": that one or a later patch.
 * NULL for what is no plain version. */
static char *
from_version(const char *s)
{
	unsigned dots = 0;
	size_t i;

	if (strncmp(s, "cpython-", 8) == 0)
		s += 8;
	if (strncmp(s, "python-", 7) == 0)
		s += 7;
	for (i = 0; isdigit((unsigned char)s[i]) || s[i] == '.'; i++)
		dots += s[i] == '.';
	if (i == 0 || i > 20 || !isdigit((unsigned char)s[i - 1]) ||
	    (s[i] && !isspace((unsigned char)s[i])))
		return NULL;
	return dots >= 2 ? xasprintf("~=%.*s", (int)i, s) :
			   xasprintf("==%.*s.*", (int)i, s);
}

/* Poetry's ^3.12 and ~3.12 in the standard's words. */
static char *
from_poetry(const char *s)
{
	unsigned major = 0, minor = 0;

	if (!s || (s[0] != '^' && s[0] != '~') || s[1] == '=')
		return s && isdigit((unsigned char)s[0]) ? from_version(s) :
							   checked(s);
	if (!is_specifier(s + 1) ||
	    sscanf(s + 1, "%5u.%5u", &major, &minor) < 1)
		return NULL;
	if (s[0] == '^')
		return xasprintf(">=%s,<%u.0", s + 1, major + 1);
	return xasprintf(">=%s,<%u.%u", s + 1, major, minor + 1);
}

static char *
from_pyproject(const json_t *j)
{
	const json_t *v =
	    json_object_get(json_object_get(json_object_get(json_object_get(j,
								"tool"),
						"poetry"),
				"dependencies"),
		"python");
	char *s = checked(
	    bindu_json_str(json_object_get(j, "project"), "requires-python"));

	if (!s && v)
		s = from_poetry(json_is_object(v) ?
			bindu_json_str(v, "version") :
			json_string_value(v));
	return s;
}

/* The value of key in [section] of an INI file. */
static char *
from_ini(char *text, const char *section, const char *key)
{
	bool inside = false;
	char *line;

	while (text && (line = strsep(&text, "\n"))) {
		size_t n = strlen(key);

		if (line[0] == '[') {
			inside = strncmp(line + 1, section, strlen(section)) ==
				0 &&
			    line[1 + strlen(section)] == ']';
		} else if (inside && strncmp(line, key, n) == 0) {
			line += n + strspn(line + n, " \t");
			if (*line != '=' && *line != ':')
				continue;
			line += 1 + strspn(line + 1, " \t");
			line[strcspn(line, "\r#;")] = '\0';
			n = strlen(line);
			while (n && isspace((unsigned char)line[n - 1]))
				line[--n] = '\0';
			return checked(line);
		}
	}
	return NULL;
}

static char *
from_setup_py(int rootfd, const char *root)
{
	static const struct bindu_py_query q = {
		.callee = "setup",
		.pos = -1,
		.want = { "python_requires" },
	};
	struct bindu_py *py;
	char *s = NULL;

	if (!is_file(rootfd, "setup.py") ||
	    bindu_py_follow(rootfd, root, "setup.py", &q, &py, NULL) == -1)
		return NULL;
	if (bindu_py_calls(py) > 0 &&
	    bindu_py_call(py, 0)->answer[0].known == BINDU_PY_KNOWN)
		s = checked(bindu_py_call(py, 0)->answer[0].text);
	bindu_py_free(py);
	return s;
}

/* The first line that is a version: .python-version, runtime.txt. */
static char *
from_version_file(int rootfd, const char *name)
{
	size_t n;
	AUTO_FREE char *text = text_of(rootfd, name, &n);
	char *rest, *line, *s;

	for (rest = text; text && (line = strsep(&rest, "\n"));) {
		line += strspn(line, " \t");
		if ((s = from_version(line)))
			return s;
	}
	return NULL;
}

static char *
from_pipfile(int rootfd, const struct bindu_report *r)
{
	AUTO_JSON json_t *j = toml_of(rootfd, "Pipfile", r);
	const json_t *q = json_object_get(j, "requires");
	const char *v = bindu_json_str(q, "python_full_version");

	if (!v)
		v = bindu_json_str(q, "python_version");
	return v ? from_version(v) : NULL;
}

char *
bindu_discover_python(int rootfd, const char *root, const char *script,
    const struct bindu_report *r)
{
	AUTO_JSON json_t *block = script_block(rootfd, script, r);
	AUTO_JSON json_t *project = toml_of(rootfd, "pyproject.toml", r);
	size_t n;
	char *s = checked(bindu_json_str(block, "requires-python"));

	if (!s && project)
		s = from_pyproject(project);
	if (!s) {
		AUTO_FREE char *cfg = text_of(rootfd, "setup.cfg", &n);

		s = from_ini(cfg, "options", "python_requires");
	}
	if (!s)
		s = from_setup_py(rootfd, root);
	if (!s)
		s = from_version_file(rootfd, ".python-version");
	if (!s)
		s = from_pipfile(rootfd, r);
	if (!s)
		s = from_version_file(rootfd, "runtime.txt");
	return s ? s : xstrdup("");
}
