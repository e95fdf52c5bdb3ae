/* ignore_repo.c - find the work tree around a directory, read the two or
 * three settings of git that decide about ignored files.
 *
 * The settings are read from git's own files: starting git costs more than a
 * small tree takes in all.  Files with an include are left to git.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ignore_repo.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"

#define CONFIG_MAX (1u << 20)

/* What the settings files say, later ones over earlier ones. */
struct settings {
	char *excludes;
	bool ignore_case, sha256, worktree_config, include;
};

/* First line of a small file, NULL if it is not there.  Caller frees. */
static char *
read_line(const char *dir, const char *name)
{
	AUTO_FREE char *path = bindu_path_join(dir, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text;
	size_t n;

	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    bindu_fd_read_all(fd, 65536, &text, &n, NULL) == -1)
		return NULL;
	text[strcspn(text, "\r\n")] = '\0';
	return text;
}

static bool
is_there(const char *dir, const char *name)
{
	AUTO_FREE char *path = bindu_path_join(dir, name);

	return access(path, F_OK) == 0;
}

bool
bindu_repo_at(const char *path, char **git_dir, char **common_dir)
{
	AUTO_FREE char *dot = bindu_path_join(path, ".git");
	AUTO_FREE char *line = NULL, *dir = NULL, *common = NULL, *rel = NULL;
	struct stat st;

	if (stat(dot, &st) == -1)
		return false;
	if (S_ISDIR(st.st_mode)) {
		dir = bindu_steal(&dot);
	} else if (S_ISREG(st.st_mode)) {
		line = read_line(path, ".git");
		if (line == NULL || !bindu_str_starts(line, "gitdir: "))
			return false;
		dir = bindu_path_join(path, line + 8);
	} else {
		return false;
	}
	rel = read_line(dir, "commondir");
	common = rel ? bindu_path_join(dir, rel) : xstrdup(dir);
	if (!is_there(dir, "HEAD") || !is_there(common, "objects") ||
	    !is_there(common, "refs"))
		return false;
	*git_dir = bindu_steal(&dir);
	*common_dir = bindu_steal(&common);
	return true;
}

static bool
is_true(const char *v)
{
	return v == NULL || strcasecmp(v, "true") == 0 ||
	    strcasecmp(v, "yes") == 0 || strcasecmp(v, "on") == 0 ||
	    strtol(v, NULL, 0) != 0;
}

static void
apply_setting(struct settings *s, const char *section, const char *key,
    const char *value)
{
	if (strcasecmp(section, "include") == 0 ||
	    bindu_str_starts(section, "includeif ")) {
		s->include = true;
	} else if (strcasecmp(section, "core") == 0) {
		if (strcasecmp(key, "excludesfile") == 0 && value != NULL) {
			free(s->excludes);
			s->excludes = xstrdup(value);
		} else if (strcasecmp(key, "ignorecase") == 0) {
			s->ignore_case = is_true(value);
		}
	} else if (strcasecmp(section, "extensions") == 0) {
		if (strcasecmp(key, "objectformat") == 0)
			s->sha256 = value && strcasecmp(value, "sha256") == 0;
		else if (strcasecmp(key, "worktreeconfig") == 0)
			s->worktree_config = is_true(value);
	}
}

/* Value after "=", up to the line's end; quotes, escapes and comments taken
 * out, in place (the result is never longer).  *pp moves behind it. */
static char *
read_value(char **pp)
{
	char *p = *pp, *out, *begin, *keep;
	bool quoted = false;

	p += strspn(p, " \t");
	begin = out = keep = p;
	for (; *p != '\0' && *p != '\n'; p++) {
		char c = *p;

		if (c == '"') {
			quoted = !quoted;
			keep = out;
			continue;
		}
		if (!quoted && (c == '#' || c == ';')) {
			p += strcspn(p, "\n");
			break;
		}
		if (c == '\\' && p[1] == '\r' && p[2] == '\n')
			p++;
		if (c == '\\' && p[1] != '\0') {
			c = *++p;
			if (c == '\n')
				continue;
			c = c == 'n' ? '\n' :
			    c == 't' ? '\t' :
			    c == 'b' ? '\b' :
				       c;
			*out++ = c;
			keep = out;
			continue;
		}
		*out++ = c;
		if (quoted || (c != ' ' && c != '\t' && c != '\r'))
			keep = out;
	}
	*pp = *p ? p + 1 : p;
	*keep = '\0';
	return begin;
}

/* "[section]" or "[section "sub"]" at p; the text between goes to name. */
static char *
read_section(char *p, char *name, size_t size)
{
	size_t n = 0;
	bool quoted = false;

	for (p++; *p != '\0' && *p != '\n' && (quoted || *p != ']'); p++) {
		quoted ^= *p == '"';
		if (n + 1 < size)
			name[n++] = quoted || *p < 'A' || *p > 'Z' ? *p :
								     *p + 32;
	}
	name[n] = '\0';
	return *p == ']' ? p + 1 : p;
}

static void
parse_config(char *p, struct settings *s)
{
	char section[64] = "";

	while (*p != '\0') {
		char *key, *value = NULL, end;

		p += strspn(p, " \t\r\n");
		if (*p == '[') {
			p = read_section(p, section, sizeof section);
			continue;
		}
		if (*p == '#' || *p == ';') {
			p += strcspn(p, "\n");
			continue;
		}
		key = p;
		p += strcspn(p, " \t\r\n=#;");
		end = *p;
		if (end != '\0')
			*p++ = '\0';
		if (end == ' ' || end == '\t') {
			p += strspn(p, " \t");
			end = *p;
			p += end == '=';
		}
		if (end == '=')
			value = read_value(&p);
		else if (end == '#' || end == ';')
			p += strcspn(p, "\n");
		if (*key != '\0')
			apply_setting(s, section, key, value);
	}
}

/* A settings file that is not there, or not ours to read, is skipped: so
 * does git. */
static void
read_config(const char *dir, const char *name, struct settings *s)
{
	AUTO_FREE char *path = dir ? bindu_path_join(dir, name) : xstrdup(name);
	AUTO_FREE char *text = NULL;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t n;

	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    bindu_fd_read_all(fd, CONFIG_MAX, &text, &n, NULL) == -1)
		return;
	parse_config(text, s);
}

unsigned
bindu_repo_hash_len(const char *common_dir)
{
	struct settings s = { 0 };

	read_config(common_dir, "config", &s);
	free(s.excludes);
	return s.sha256 ? 32 : 20;
}

static char *
xdg_git(const char *name)
{
	const char *xdg = bindu_config_env("XDG_CONFIG_HOME");
	const char *home = bindu_config_env("HOME");

	if (xdg != NULL)
		return xasprintf("%s/git/%s", xdg, name);
	return home ? xasprintf("%s/.config/git/%s", home, name) : NULL;
}

static void
read_all_config(const struct bindu_repo *r, struct settings *s)
{
	AUTO_FREE char *xdg = xdg_git("config");
	const char *home = bindu_config_env("HOME");
	const char *no = bindu_config_env("GIT_CONFIG_NOSYSTEM");
	const char *file = bindu_config_env("GIT_CONFIG_SYSTEM");

	if (no == NULL || !is_true(no))
		read_config(NULL, file ? file : "/etc/gitconfig", s);
	file = bindu_config_env("GIT_CONFIG_GLOBAL");
	if (file != NULL) {
		read_config(NULL, file, s);
	} else {
		if (xdg != NULL)
			read_config(NULL, xdg, s);
		if (home != NULL)
			read_config(home, ".gitconfig", s);
	}
	if (r->common_dir != NULL)
		read_config(r->common_dir, "config", s);
	if (r->git_dir != NULL && s->worktree_config)
		read_config(r->git_dir, "config.worktree", s);
	/* Settings in the environment (git -c) are written in a form of
	 * git's own. */
	s->include |= bindu_config_env("GIT_CONFIG_COUNT") != NULL ||
	    bindu_config_env("GIT_CONFIG_PARAMETERS") != NULL;
}

const char **
bindu_repo_git_env(void)
{
	static const char *const not [] = { "GIT_DIR=", "GIT_WORK_TREE=",
		"GIT_COMMON_DIR=", "GIT_INDEX_FILE=", NULL };
	const char **env;
	size_t n = 0, kept = 0;

	while (environ[n] != NULL)
		n++;
	env = xcalloc(n + 1, sizeof *env);
	for (size_t i = 0; i < n; i++) {
		const char *const *p = not ;

		while (*p != NULL && !bindu_str_starts(environ[i], *p))
			p++;
		if (*p == NULL)
			env[kept++] = environ[i];
	}
	return env;
}

/* The value git itself gives; false when it has none or is not there. */
static bool
ask_git(const char *dir, const char *type, const char *key, char **value,
    struct bindu_err *err)
{
	const char *argv[] = { "git", "-C", dir, "config", type, "--get", key,
		NULL };
	AUTO_FREE const char **env = bindu_repo_git_env();
	struct bindu_proc_opts o = BINDU_PROC_OPTS;

	o.argv = argv;
	o.env = env;
	if (bindu_proc_capture(&o, 10000, 65536, value, err) == -1)
		return false;
	(*value)[strcspn(*value, "\n")] = '\0';
	return true;
}

static void
ask_git_all(const char *dir, struct settings *s,
    const struct bindu_report *report)
{
	struct bindu_err err = { 0 };
	AUTO_FREE char *fold = NULL;
	char *excludes = NULL;

	if (ask_git(dir, "--type=path", "core.excludesfile", &excludes, &err)) {
		free(s->excludes);
		s->excludes = excludes;
	} else if (err.code == BINDU_E_NOINPUT) {
		bindu_note(report, BINDU_WARN,
		    "git's settings have includes, "
		    "which only git can follow, and git is not installed; "
		    "core.excludesFile may be missing");
		return;
	}
	if (ask_git(dir, "--type=bool", "core.ignorecase", &fold, &err))
		s->ignore_case = strcmp(fold, "true") == 0;
}

/* "~/x" and "~name/x" as git reads them; a relative name is relative to the
 * work tree's top. */
static char *
expand_path(const char *path, const char *top)
{
	const char *home = bindu_config_env("HOME");
	size_t n = strcspn(path, "/");
	AUTO_FREE char *name = NULL;
	const struct passwd *pw;

	if (*path != '~')
		return bindu_path_join(top, path);
	if (n > 1) {
		name = xstrndup(path + 1, n - 1);
		pw = getpwnam(name);
		home = pw ? pw->pw_dir : NULL;
	}
	return home ? xasprintf("%s%s", home, path + n) : xstrdup(path);
}

/* Walk up to the top of a work tree; like git, not across file systems. */
static void
find_top(const char *dir, struct bindu_repo *r)
{
	AUTO_FREE char *at = xstrdup(dir);
	struct stat st, up;
	char *slash;

	if (stat(at, &st) == -1)
		return;
	for (;;) {
		if (bindu_repo_at(at, &r->git_dir, &r->common_dir)) {
			r->top = bindu_steal(&at);
			return;
		}
		slash = strrchr(at, '/');
		if (slash == NULL || at[1] == '\0')
			return;
		slash[slash == at] = '\0';
		if (stat(at, &up) == -1 || up.st_dev != st.st_dev)
			return;
	}
}

void
bindu_repo_find(const char *dir, struct bindu_repo *r,
    const struct bindu_report *report)
{
	struct settings s = { 0 };

	*r = (struct bindu_repo){ 0 };
	find_top(dir, r);
	read_all_config(r, &s);
	if (s.include)
		ask_git_all(dir, &s, report);
	r->excludes_file = s.excludes ?
	    expand_path(s.excludes, r->top ? r->top : dir) :
	    xdg_git("ignore");
	free(s.excludes);
	r->ignore_case = s.ignore_case;
	r->hash_len = s.sha256 ? 32 : 20;
}

void
bindu_repo_fini(struct bindu_repo *r)
{
	free(r->top);
	free(r->git_dir);
	free(r->common_dir);
	free(r->excludes_file);
	*r = (struct bindu_repo){ 0 };
}
