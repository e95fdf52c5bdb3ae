/* discover_root.c - where a script's project begins.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "discover_priv.h"
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

static bool
has_marker(const char *dir)
{
	static const char *const names[] = { "pyproject.toml", "setup.py",
		"requirements.txt", ".git" };
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++) {
		AUTO_FREE char *path = bindu_path_join(dir, names[i]);

		if (lstat(path, &st) == 0)
			return true;
	}
	return false;
}

/* Below /home: the home of the one who owns it? */
static bool
is_home_of_owner(const char *dir)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	struct stat st;

	return stat(dir, &st) == 0 &&
	    getpwuid_r(st.st_uid, &pw, buf, sizeof buf, &found) == 0 && found &&
	    strcmp(found->pw_dir, dir) == 0;
}

/* A home directory or the whole disk: never packed, whatever marks it (a
 * repository of dot files, say). */
static bool
is_too_much(const char *dir)
{
	const char *home = bindu_config_env("HOME");
	AUTO_FREE char *real = home ? realpath(home, NULL) : NULL;

	return strcmp(dir, "/") == 0 || strcmp(dir, "/root") == 0 ||
	    strcmp(dir, "/home") == 0 || (real && strcmp(dir, real) == 0) ||
	    (strncmp(dir, "/home/", 6) == 0 && !strchr(dir + 6, '/') &&
		is_home_of_owner(dir));
}

char *
bindu_discover_root(const char *dir, struct bindu_err *err)
{
	AUTO_FREE char *at = xstrdup(dir);
	struct stat st, up;

	if (is_too_much(dir)) {
		bindu_err_set(err, BINDU_E_CONFIG,
		    "%s cannot be an agent's "
		    "source tree, all of it would be shipped: move the agent "
		    "into a directory of its own",
		    dir);
		return NULL;
	}
	if (stat(at, &st) == -1) {
		bindu_err_sys(err, "cannot look at %s", at);
		return NULL;
	}
	while (!has_marker(at)) {
		char *parent = bindu_path_dir(at);

		free(at);
		at = parent;
		if (is_too_much(at) || stat(at, &up) == -1 ||
		    up.st_dev != st.st_dev)
			return xstrdup(dir);
	}
	return bindu_steal(&at);
}
