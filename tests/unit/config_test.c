/* config: which runtime, and which directories, from the environment.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "tap.h"

static const char *const names[] = { "BINDU_RUNTIME", "BOXD_TOKEN",
	"BOXD_API_KEY", "BINDU_STATE_DIR", "BINDU_SHARE_DIR", "HOME",
	"XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME" };

/* env is "NAME=VALUE NAME=VALUE"; nothing else of ours is set. */
static void
set_env(const char *env)
{
	AUTO_FREE char *copy = xstrdup(env);
	char *save = NULL;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	for (char *w = strtok_r(copy, " ", &save); w != NULL;
	     w = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(w, '=');

		*eq = '\0';
		setenv(w, eq + 1, 1);
	}
}

/* want: the runtime and why; "!": refused. */
static const struct {
	const char *env, *flag, *want;
} runtimes[] = {
	{ "", NULL, "local: the default" },
	{ "BOXD_TOKEN=t", NULL, "boxd: BOXD_TOKEN is set" },
	{ "BOXD_API_KEY=k", NULL, "boxd: BOXD_API_KEY is set" },
	{ "BOXD_API_KEY=k BOXD_TOKEN=t", NULL, "boxd: BOXD_TOKEN is set" },
	{ "BOXD_API_KEY= BOXD_TOKEN=", NULL, "local: the default" },
	{ "BOXD_TOKEN=t BINDU_RUNTIME=local", NULL, "local: BINDU_RUNTIME" },
	{ "BINDU_RUNTIME=boxd", NULL, "boxd: BINDU_RUNTIME" },
	{ "BINDU_RUNTIME=boxd", "local", "local: --runtime" },
	{ "BINDU_RUNTIME= BOXD_TOKEN=t", "boxlite", "boxlite: --runtime" },
	{ "BINDU_RUNTIME=docker", NULL, "!" },
	{ "BINDU_RUNTIME=docker", "boxd", "boxd: --runtime" },
	{ "", "Local", "!" },
};

enum dir { STATE, CACHE, SOCKET };

static const struct {
	const char *env;
	enum dir dir;
	const char *user, *root; /* root NULL: the same */
} dirs[] = {
	{ "HOME=/h", STATE, "/h/.local/state/bindu", "/var/lib/bindu" },
	{ "HOME=/h XDG_STATE_HOME=/s", STATE, "/s/bindu", "/var/lib/bindu" },
	{ "HOME=/h XDG_STATE_HOME=s", STATE, "/h/.local/state/bindu",
	    "/var/lib/bindu" },
	{ "HOME=/h BINDU_STATE_DIR=/d", STATE, "/d", NULL },
	{ "HOME=/h BINDU_STATE_DIR=/d/../e/", STATE, "/e", NULL },
	{ "HOME=/h BINDU_STATE_DIR=d", STATE, "/usr/d", NULL },
	{ "HOME=/h BINDU_STATE_DIR=d", SOCKET, "/usr/d/boxd.sock", NULL },
	{ "HOME=/h BINDU_STATE_DIR=/d", SOCKET, "/d/boxd.sock", NULL },
	{ "HOME=/h XDG_RUNTIME_DIR=/r", SOCKET,
	    "/h/.local/state/bindu/boxd.sock", "/run/bindu/boxd.sock" },
	{ "HOME=/h", SOCKET, "/h/.local/state/bindu/boxd.sock",
	    "/run/bindu/boxd.sock" },
	{ "HOME=/h", CACHE, "/h/.cache/bindu", NULL },
	{ "HOME=/h XDG_CACHE_HOME=/c", CACHE, "/c/bindu", NULL },
	{ "HOME=h", CACHE, "/.cache/bindu", "/root/.cache/bindu" },
	{ "", CACHE, "/.cache/bindu", "/root/.cache/bindu" },
};

static char *
find(enum dir dir)
{
	switch (dir) {
	case STATE:
		return bindu_config_state_dir();
	case CACHE:
		return bindu_config_cache_dir();
	case SOCKET:
		break;
	}
	return bindu_config_socket();
}

static void
check_runtime(size_t i)
{
	enum bindu_runtime r = BINDU_BOXLITE;
	AUTO_FREE char *got = NULL;
	struct bindu_err e = { 0 };
	const char *why = "";
	int rc;

	set_env(runtimes[i].env);
	rc = bindu_config_runtime(runtimes[i].flag, &r, &why, &e);
	got = rc == 0 ? xasprintf("%s: %s", bindu_runtime_name(r), why) :
			xasprintf("%s", e.code == BINDU_E_USAGE ? "!" : "?");
	ok(!strcmp(got, runtimes[i].want), "\"%s\" and flag %s is %s",
	    runtimes[i].env,
	    runtimes[i].flag != NULL ? runtimes[i].flag : "none", got);
}

int
main(void)
{
	AUTO_FREE char *share = NULL;

	for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++)
		check_runtime(i);
	if (chdir("/usr") == -1)
		return 1;
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		const char *want = geteuid() == 0 && dirs[i].root != NULL ?
		    dirs[i].root :
		    dirs[i].user;
		AUTO_FREE char *got = NULL;

		set_env(dirs[i].env);
		got = find(dirs[i].dir);
		ok(!strcmp(got, want), "\"%s\": directory %d is %s",
		    dirs[i].env, dirs[i].dir, got);
	}
	set_env("BINDU_SHARE_DIR=/x");
	share = bindu_config_share_file("remote/a.sh");
	ok(!strcmp(share, "/x/remote/a.sh"), "our files may be elsewhere");
	return done();
}
