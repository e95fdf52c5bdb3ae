/* The index pip would use, from its files and variables.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "boxd/monitor/image_pip.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "tap.h"

static char dir[] = "/tmp/pip_test.XXXXXX";

static const struct {
	const char *what, *file, *env[2], *pip, *uv;
} rows[] = {
	{ "nothing set gives nothing", "", { NULL }, "", "" },
	{ "an index from the file", "[global]\nindex-url = https://a/simple\n",
	    { NULL }, "index-url = https://a/simple\n",
	    "index-url = \"https://a/simple\"\n" },
	{ "the variable wins over the file", "[global]\nindex-url=https://a/\n",
	    { "PIP_INDEX_URL", "https://b/" }, "index-url = https://b/\n",
	    "index-url = \"https://b/\"\n" },
	{ "[install] wins over [global]",
	    "[install]\nindex-url=https://i/\n[global]\nindex-url=https://g/\n",
	    { NULL }, "index-url = https://i/\n",
	    "index-url = \"https://i/\"\n" },
	{ "other sections do not count", "[list]\nindex-url = https://l/\n",
	    { NULL }, "", "" },
	{ "values go on in indented lines; comments do not",
	    "[global]\nextra-index-url =\n    https://a/\n# no\n    https://b/\n",
	    { NULL }, "extra-index-url = https://a/\n    https://b/\n",
	    "extra-index-url = [\"https://a/\", \"https://b/\"]\n" },
	{ "underscores and a colon are taken too",
	    "[global]\nTrusted_Host : a b\n", { NULL },
	    "trusted-host = a\n    b\n",
	    "allow-insecure-host = [\"a\", \"b\"]\n" },
	{ "uv's own variable counts where pip says nothing", "",
	    { "UV_DEFAULT_INDEX", "https://u/" }, "index-url = https://u/\n",
	    "index-url = \"https://u/\"\n" },
	{ "a quote cannot break uv.toml",
	    "[global]\nindex-url = https://a/\"\n", { NULL },
	    "index-url = https://a/\"\n", "" },
	{ "a file that is not ini is no harm", "\n==\n[\n]x\n  y\n= z\n[global",
	    { NULL }, "", "" },
};

static void
check(size_t i)
{
	AUTO_BUF struct bindu_buf lines = BINDU_BUF_INIT(4096);
	AUTO_BUF struct bindu_buf toml = BINDU_BUF_INIT(4096);
	AUTO_FREE char *file = xasprintf("%s/pip/pip.conf", dir);
	struct pip pip = { 0 };
	FILE *f = fopen(file, "w");

	if (f != NULL) {
		fputs(rows[i].file, f);
		fclose(f);
	}
	if (rows[i].env[0] != NULL)
		setenv(rows[i].env[0], rows[i].env[1], 1);
	pip_read(&pip, NULL);
	for (size_t k = 0; k < pip.n; k++) {
		pip_add_line(&lines, &pip.rows[k], NULL);
		pip_add_uv(&toml, &pip.rows[k], NULL);
	}
	ok(strcmp(lines.p ? lines.p : "", rows[i].pip) == 0 &&
		strcmp(toml.p ? toml.p : "", rows[i].uv) == 0,
	    "%s", rows[i].what);
	if (rows[i].env[0] != NULL)
		unsetenv(rows[i].env[0]);
	pip_fini(&pip);
}

int
main(void)
{
	static const char *const ours[] = { "PIP_CONFIG_FILE", "PIP_INDEX_URL",
		"PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST",
		"PIP_PROXY", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "PIP_CERT",
		"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX",
		"UV_EXTRA_INDEX_URL", "UV_FIND_LINKS" };
	AUTO_FREE char *sub = NULL;
	struct pip pip = { 0 };

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		unsetenv(ours[i]);
	if (mkdtemp(dir) == NULL)
		return 1;
	sub = xasprintf("%s/pip", dir);
	mkdir(sub, 0700);
	setenv("HOME", dir, 1);
	setenv("XDG_CONFIG_HOME", dir, 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(i);
	setenv("PIP_CERT", "/x.pem", 1);
	pip_read(&pip, NULL);
	ok(pip.cert != NULL && strcmp(pip.cert, "/x.pem") == 0,
	    "the file of certificates is apart");
	pip_fini(&pip);
	bindu_fd_rmtree(-100, dir, NULL);
	return done();
}
