/* config.c - see config.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include "config.h"
#include "fd.h"
#include "mem.h"
#include "path.h"

static const char *const runtime_names[] = { "local", "boxd", "boxlite" };

const char *
bindu_runtime_name(enum bindu_runtime r)
{
	return runtime_names[r];
}

const char *
bindu_config_env(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && *v != '\0' ? v : NULL;
}

static int
parse_runtime(const char *s, const char *from, enum bindu_runtime *r,
    struct bindu_err *err)
{
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(s, runtime_names[i]) == 0) {
			*r = (enum bindu_runtime)i;
			return 0;
		}
	}
	return bindu_err_set(err, BINDU_E_USAGE,
	    "%s \"%s\" is none of local, boxd, boxlite", from, s);
}

int
bindu_config_runtime(const char *flag, enum bindu_runtime *r, const char **why,
    struct bindu_err *err)
{
	const char *env = bindu_config_env("BINDU_RUNTIME");
	const char *ignored;

	if (why == NULL)
		why = &ignored;
	if (flag != NULL) {
		*why = "--runtime";
		return parse_runtime(flag, "--runtime", r, err);
	}
	if (env != NULL) {
		*why = "BINDU_RUNTIME";
		return parse_runtime(env, "BINDU_RUNTIME", r, err);
	}
	*r = BINDU_BOXD;
	if (bindu_config_env("BOXD_TOKEN") != NULL) {
		*why = "BOXD_TOKEN is set";
	} else if (bindu_config_env("BOXD_API_KEY") != NULL) {
		*why = "BOXD_API_KEY is set";
	} else {
		*r = BINDU_LOCAL;
		*why = "the default";
	}
	return 0;
}

/* $xdg/bindu, else HOME/fallback/bindu.  The XDG rules ignore a relative
 * value. */
static char *
xdg_dir(const char *xdg, const char *fallback)
{
	const char *v = bindu_config_env(xdg);
	const char *home = bindu_config_env("HOME");

	if (v != NULL && v[0] == '/')
		return xasprintf("%s/bindu", v);
	/* A service or a cron job of root may have no HOME.  A relative one
	 * would be another in each directory, the agent's source perhaps. */
	if (home == NULL || home[0] != '/')
		home = geteuid() == 0 ? "/root" : "";
	return xasprintf("%s/%s/bindu", home, fallback);
}

/* An absolute BINDU_STATE_DIR: what we start works in another directory.
 * NULL: unset. */
static char *
chosen_dir(void)
{
	const char *v = bindu_config_env("BINDU_STATE_DIR");
	char *dir = v != NULL ? bindu_path_abs(v, NULL) : NULL;

	return v != NULL && dir == NULL ? xstrdup(v) : dir;
}

char *
bindu_config_state_dir(void)
{
	char *dir = chosen_dir();

	if (dir != NULL)
		return dir;
	if (geteuid() == 0)
		return xstrdup("/var/lib/bindu");
	return xdg_dir("XDG_STATE_HOME", ".local/state");
}

char *
bindu_config_cache_dir(void)
{
	return xdg_dir("XDG_CACHE_HOME", ".cache");
}

int
bindu_config_make_cache(const char *dir, struct bindu_err *err)
{
	const char *home = bindu_config_env("HOME");
	size_t n = home != NULL ? strlen(home) : 0;

	if (n != 0 && strncmp(dir, home, n) == 0 && dir[n] == '/' &&
	    access(home, F_OK) == -1)
		return bindu_err_sys(err, "no cache in %s", home);
	return bindu_fd_mkdirs(dir, 0700, err);
}

char *
bindu_config_socket(void)
{
	AUTO_FREE char *dir = chosen_dir();

	if (dir == NULL && geteuid() == 0)
		return xstrdup("/run/bindu/boxd.sock");
	if (dir == NULL)
		dir = bindu_config_state_dir();
	return bindu_path_join(dir, "boxd.sock");
}

/* The directory the running program is in; NULL without /proc.  One that runs
 * from memory (boxd-monitor) has its path in argv[0]. */
static char *
own_dir(void)
{
	static const char memory[] = "/memfd:";
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	if (strncmp(exe, memory, sizeof memory - 1) == 0)
		return bindu_path_dir(program_invocation_name);
	return bindu_path_dir(exe);
}

/* EXE_DIR/../kind/name (a build tree) or EXE_DIR/../kind/bindu/name (an
 * installation that was moved), else installed/name. */
static char *
find_ours(const char *kind, const char *installed, const char *name)
{
	static const char *const subs[] = { "", "bindu/" };
	AUTO_FREE char *dir = own_dir();

	for (size_t i = 0; dir != NULL && i < 2; i++) {
		char *p = xasprintf("%s/../%s/%s%s", dir, kind, subs[i], name);

		if (access(p, F_OK) == 0)
			return p;
		free(p);
	}
	return bindu_path_join(installed, name);
}

char *
bindu_config_program(const char *name)
{
	AUTO_FREE char *dir = own_dir();
	AUTO_FREE char *beside = dir != NULL ? bindu_path_join(dir, name) :
					       NULL;

	return beside != NULL && access(beside, X_OK) == 0 ?
	    bindu_steal(&beside) :
	    xstrdup(name);
}

char *
bindu_config_share_file(const char *name)
{
	const char *v = bindu_config_env("BINDU_SHARE_DIR");

	if (v != NULL)
		return bindu_path_join(v, name);
	return find_ours("share", BINDU_DATADIR, name);
}

char *
bindu_config_libexec(const char *program)
{
	AUTO_FREE char *beside = bindu_config_program(program);

	/* The programs there look for each other. */
	return strchr(beside, '/') != NULL ?
	    bindu_steal(&beside) :
	    find_ours("libexec", BINDU_LIBEXECDIR, program);
}
