/* discover_test.c - what is found in trees that people have, and what is said
 * where nothing can be known.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "lib/base/buf.h"
#include "lib/source/discover.h"
#include "tap.h"

#define AGENT(name) \
	"from bindu.penguin.bindufy import bindufy\n" \
	"config = {'name': '" name "', 'deployment': {'url': " \
	"'http://localhost:4000'}}\n" \
	"if __name__ == '__main__':\n    bindufy(config, print)\n"
#define PEP723(fields) "# /// script\n" fields "# ///\n"

static const struct row {
	const char *what;
	struct item item[8];
	const char *dir, *script; /* where it starts, what is asked for */
	const char *want; /* "script name port python deps..." */
	enum bindu_errc code;
	const char *message; /* part of the error, or of a note */
} rows[] = {
	{ .what = "an agent and its requirements",
	    .item = { { 'f', "agent.py", AGENT("a") },
		{ 'f', "requirements.txt", "bindu\n" } },
	    .script = "agent.py",
	    .want = "agent.py a 4000 - requirements.txt" },
	{ .what = "found without being named",
	    .item = { { 'f', "src/bot.py", AGENT("a") },
		{ 'f', "setup.py", "" } },
	    .want = "src/bot.py a 4000 - setup.py" },
	{ .what = "a monorepo: the nearest marker is the root",
	    .item = { { 'f', "pyproject.toml", "[project]\nname='top'\n" },
		{ 'f', "uv.lock", "" },
		{ 'f', "agents/one/requirements.txt", "" },
		{ 'f', "agents/one/agent.py", AGENT("one") },
		{ 'f', "agents/two/pyproject.toml",
		    "[project]\nrequires-python = '>=3.12'\n" },
		{ 'f', "agents/two/agent.py", AGENT("two") } },
	    .script = "agents/two/agent.py",
	    .want = "agent.py two 4000 >=3.12 pyproject.toml" },
	{ .what = "a monorepo: its other agent",
	    .item = { { 'f', "pyproject.toml", "" },
		{ 'f', "agents/one/requirements.txt", "" },
		{ 'f', "agents/one/agent.py", AGENT("one") },
		{ 'f', "agents/two/pyproject.toml", "" },
		{ 'f', "agents/two/agent.py", AGENT("two") } },
	    .dir = "agents/one",
	    .want = "agent.py one 4000 - requirements.txt" },
	{ .what = "a monorepo: both, when none is asked for",
	    .item = { { 'f', "one/agent.py", AGENT("one") },
		{ 'f', "two/agent.py", AGENT("two") } },
	    .code = BINDU_E_DATA,
	    .message = "one/agent.py (one), two/agent.py (two)" },
	{ .what = "a shared config of the monorepo, through a package",
	    .item = { { 'f', "requirements.txt", "" },
		{ 'f', "common/__init__.py", "" },
		{ 'f', "common/conf.py", "NAME = 'shared'\n" },
		{ 'f', "agent.py",
		    "from bindu import bindufy\nfrom common.conf import NAME\n"
		    "bindufy({'name': NAME}, print)\n" } },
	    .want = "agent.py shared 3773 - requirements.txt" },
	{ .what = "an async main",
	    .item = { { 'f', "a.py",
		"import asyncio\nfrom bindu import bindufy\n"
		"async def main():\n    await x()\n"
		"    bindufy({'name': 'a'}, print)\n"
		"if __name__ == '__main__':\n    asyncio.run(main())\n" } },
	    .script = "a.py",
	    .want = "a.py a 3773 -" },
	{ .what = "a notebook made a script",
	    .item = { { 'f', "a.py",
		"# %%\n!pip install bindu\n# In[2]:\n%matplotlib inline\n"
		"from bindu import bindufy\nbindufy({'name': 'nb'}, print)\n" } },
	    .script = "a.py",
	    .want = "a.py nb 3773 -" },
	{ .what = "an argument's default",
	    .item = { { 'f', "a.py",
		"import argparse\nfrom bindu import bindufy\n"
		"p = argparse.ArgumentParser()\n"
		"p.add_argument('--name', default='arg')\n"
		"p.add_argument('--port', type=int, default=4001)\n"
		"args = p.parse_args()\n"
		"bindufy({'name': args.name, 'deployment': {'url':\n"
		"    f'http://0.0.0.0:{args.port}'}}, print)\n" } },
	    .script = "a.py",
	    .want = "a.py arg 4001 -" },
	{ .what = "requirements in a directory",
	    .item = { { 'f', "a.py", AGENT("a") },
		{ 'f', "requirements/base.txt", "" },
		{ 'f', "requirements/prod.txt", "" },
		{ 'f', "requirements/dev.txt", "" } },
	    .script = "a.py",
	    .want = "a.py a 4000 - requirements/base.txt "
		    "requirements/prod.txt" },
	{ .what = "a script's own block",
	    .item = { { 'f', "a.py",
		PEP723("# requires-python = '>=3.11'\n"
		       "# dependencies = ['bindu']\n") AGENT("a") } },
	    .script = "a.py",
	    .want = "a.py a 4000 >=3.11 a.py" },
	{ .what = "a block that never ends is none",
	    .item = { { 'f', "a.py",
		"# /// script\n# dependencies = ['x']\n" AGENT("a") } },
	    .script = "a.py",
	    .want = "a.py a 4000 -" },
	{ .what = "locks and projects",
	    .item = { { 'f', "a.py", AGENT("a") }, { 'f', "poetry.lock", "" },
		{ 'f', "pyproject.toml",
		    "[tool.poetry.dependencies]\npython = '^3.12'\n" } },
	    .script = "a.py",
	    .want = "a.py a 4000 >=3.12,<4.0 pyproject.toml poetry.lock" },
	{ .what = "YAML: why, where, and what to do",
	    .item = { { 'f', "c.yaml", "name: a\n" },
		{ 'f', "a.py",
		    "import yaml\nfrom bindu import bindufy\n"
		    "bindufy(yaml.safe_load(open('c.yaml')), print)\n" } },
	    .script = "a.py",
	    .code = BINDU_E_DATA,
	    .message =
		"a.py:3: the agent's name cannot be read without running "
		"the script: it comes from YAML, which is not read; "
		"give it with --name, or let the script say it with "
		"--run" },
	{ .what = "a required argument",
	    .item = { { 'f', "a.py",
		"import argparse\nfrom bindu import bindufy\n"
		"p = argparse.ArgumentParser()\n"
		"p.add_argument('--name', required=True)\n"
		"bindufy({'name': p.parse_args().name}, print)\n" } },
	    .script = "a.py",
	    .code = BINDU_E_DATA,
	    .message = "the script's argument --name decides; give it" },
	{ .what = "no call at all",
	    .item = { { 'f', "a.py", "print(1)\n" } },
	    .script = "a.py",
	    .code = BINDU_E_DATA,
	    .message = "does not call bindufy()" },
	{ .what = "a notebook as it is",
	    .item = { { 'f', "a.ipynb", "{\"cells\": []}\n" } },
	    .script = "a.ipynb",
	    .code = BINDU_E_DATA,
	    .message = "a.ipynb is a notebook: make a script of it" },
	{ .what = "no such script",
	    .item = { { 'f', "a.py", AGENT("a") } },
	    .script = "b.py",
	    .code = BINDU_E_NOINPUT,
	    .message = "b.py" },
	{ .what = "a directory without an agent",
	    .item = { { 'f', "a.py", "x = 1\n" } },
	    .code = BINDU_E_NOINPUT,
	    .message = "no script below" },
	{ .what = "two agents in one script",
	    .item = { { 'f', "a.py",
		"from bindu import bindufy\nbindufy({'name': 'x'}, 1)\n"
		"bindufy({'name': 'y'}, 1)\n" } },
	    .script = "a.py",
	    .code = BINDU_E_DATA,
	    .message = "x" },
	{ .what = "a name that makes no label",
	    .item = { { 'f', "a.py", AGENT("***") } },
	    .script = "a.py",
	    .code = BINDU_E_DATA,
	    .message = "***" },
};

static void
print_info(const struct bindu_agent_info *i, struct bindu_buf *b)
{
	bindu_buf_addf(b, NULL, "%s %s %u %s", i->script, i->name, i->port,
	    *i->python ? i->python : "-");
	for (size_t k = 0; k < i->deps.n; k++)
		bindu_buf_addf(b, NULL, " %s", i->deps.v[k]);
}

static void
check_row(const struct row *r)
{
	const char *root = fixture_tree(r->item, 8);
	AUTO_FREE char *dir = xasprintf("%s/%s", root, r->dir ? r->dir : "");
	AUTO_FREE char *script =
	    r->script ? xasprintf("%s/%s", root, r->script) : NULL;
	const struct bindu_discover_opts o = { .script = script };
	AUTO_BUF struct bindu_buf got = BINDU_BUF_INIT(1 << 20);
	struct bindu_agent_info info = { 0 };
	struct bindu_err err = { 0 };
	int rc = bindu_discover(dir, &o, NULL, &info, &err);

	if (rc == 0)
		print_info(&info, &got);
	ok(r->code != BINDU_E_NONE ? rc == -1 && err.code == r->code &&
		    strstr(err.msg, r->message) != NULL :
				     rc == 0 && strcmp(got.p, r->want) == 0,
	    "%s: %s", r->what, rc == 0 ? got.p : err.msg);
	bindu_agent_info_fini(&info);
}

int
main(void)
{
	fixture_begin();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_row(&rows[i]);
	fixture_end();
	return done();
}
