/* py: the name a script gives bindufy(), read without running it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/source/py.h"
#include "tap.h"

#define B "from bindu.penguin.bindufy import bindufy\n"
#define MAIN "if __name__ == '__main__':\n    bindufy(config, print)\n"

struct row {
	const char *what;
	const char *source;
	const char *name; /* NULL: not known */
	const char *why; /* part of the reason; "": no call at all */
	const char *file, *text; /* one more file of the tree */
};

/* clang-format off */
static const struct row rows[] = {
	{ "a literal dict", B "config = {'name': 'a'}\nbindufy(config, 1)\n",
	  "a", NULL, NULL, NULL },
	{ "a dict in the call", B "bindufy({'x': [1, {2: 3}], 'name': 'a'}, 1)",
	  "a", NULL, NULL, NULL },
	{ "a keyword argument", B "bindufy(handler=1, config={'name': 'a'})",
	  "a", NULL, NULL, NULL },
	{ "the agent before the config", B "bindufy(Agent(), {'name': 'a'}, h)",
	  "a", NULL, NULL, NULL },
	{ "the id where there is no name", B "bindufy({'id': 'a'}, h)",
	  "a", NULL, NULL, NULL },
	{ "a variable", B "N = 'a'\nconfig = dict(name=N)\n" MAIN,
	  "a", NULL, NULL, NULL },
	{ "keys set one by one", B "config = {}\nconfig['name'] = 'a'\n"
	  "config['deployment'] = {}\nconfig['deployment']['url'] = 'u'\n" MAIN,
	  "a", NULL, NULL, NULL },
	{ "update with a dict and keywords", B "config = {'name': 'z'}\n"
	  "config.update({'q': 1}, name='a')\n" MAIN, "a", NULL, NULL, NULL },
	{ "a dict spread into another", B "base = {'name': 'z'}\n"
	  "config = {**base, 'name': 'a'}\n" MAIN, "a", NULL, NULL, NULL },
	{ "dicts merged by |", B "config = {'name': 'z'} | {'name': 'a'}\n"
	  MAIN, "a", NULL, NULL, NULL },
	{ "|= in place", B "config = {}\nconfig |= {'name': 'a'}\n" MAIN,
	  "a", NULL, NULL, NULL },
	{ "adjacent and joined strings", B "config = {'name': ('a' 'b' + "
	  "'-'.join(['c', 'd']))}\n" MAIN, "abc-d", NULL, NULL, NULL },
	{ "an f-string", B "V = 2\nconfig = {'name': f'a-{V}-{\"x\".upper()}"
	  "{{}}'}\n" MAIN, "a-2-X{}", NULL, NULL, NULL },
	{ "percent and format", B "config = {'name': '%s-%d' % ('a', 1) + "
	  "'{}{k}'.format('b', k='c')}\n" MAIN, "a-1bc", NULL, NULL, NULL },
	{ "string methods", B "config = {'name': ' A B '.strip().lower()"
	  ".replace(' ', '-')}\n" MAIN, "a-b", NULL, NULL, NULL },
	{ "a function that returns the dict", B "def make(n, *, k='z'):\n"
	  "    c = {'name': n + k}\n    return c\nconfig = make('a', k='b')\n"
	  MAIN, "ab", NULL, NULL, NULL },
	{ "a main function", B "def main():\n    config = {'name': 'a'}\n"
	  "    bindufy(config, 1)\nif __name__ == '__main__':\n    main()\n",
	  "a", NULL, NULL, NULL },
	{ "an async main", "import asyncio\n" B "async def main():\n"
	  "    await prepare()\n    bindufy({'name': 'a'}, 1)\n"
	  "asyncio.run(main())\n", "a", NULL, NULL, NULL },
	{ "a main only a framework calls", "import typer\n" B
	  "app = typer.Typer()\n@app.command()\ndef main(port: int = 1):\n"
	  "    bindufy({'name': 'a'}, 1)\nif __name__ == '__main__':\n"
	  "    app()\n", "a", NULL, NULL, NULL },
	{ "the module imported whole", "import bindu.penguin.bindufy as bf\n"
	  "bf.bindufy({'name': 'a'}, 1)\n", "a", NULL, NULL, NULL },
	{ "another name for bindufy", "from bindu import bindufy as go\n"
	  "go({'name': 'a'}, 1)\n", "a", NULL, NULL, NULL },
	{ "the default of an environment variable", "import os\n" B
	  "config = {'name': os.environ.get('N', 'a')}\n" MAIN,
	  "a", NULL, NULL, NULL },
	{ "getenv or a default", "from os import getenv\nimport os\n" B
	  "config = {'name': os.getenv('N') or 'a'}\n" MAIN,
	  "a", NULL, NULL, NULL },
	{ "an environment variable alone", "import os\n" B
	  "config = {'name': os.environ['AGENT']}\n" MAIN,
	  NULL, "environment variable AGENT", NULL, NULL },
	{ "both branches agree", B "if x():\n    config = {'name': 'a', 'v': 1}"
	  "\nelse:\n    config = {'name': 'a', 'v': 2}\n" MAIN,
	  "a", NULL, NULL, NULL },
	{ "branches that differ", B "if x():\n    n = 'a'\nelse:\n    n = 'b'\n"
	  "config = {'name': n}\n" MAIN, NULL, "condition in line 2", NULL,
	  NULL },
	{ "a branch that stops", B "import sys\nif not k():\n    n = 'z'\n"
	  "    sys.exit(1)\nelse:\n    n = 'a'\nconfig = {'name': n}\n" MAIN,
	  "a", NULL, NULL, NULL },
	{ "early return of functions", B "def f(x):\n    if x:\n"
	  "        return {'name': 'a'}\n    return {'name': 'a', 'y': 1}\n"
	  "bindufy(f(q()), 1)\n", "a", NULL, NULL, NULL },
	{ "a decided condition", B "D = False\nn = 'b' if D else 'a'\n"
	  "config = {'name': n}\n" MAIN, "a", NULL, NULL, NULL },
	{ "a call inside a branch and a loop", B "while True:\n    try:\n"
	  "        bindufy({'name': 'a'}, 1)\n    except OSError:\n"
	  "        continue\n    finally:\n        pass\n", "a", NULL, NULL,
	  NULL },
	{ "a class with constants", B "class C:\n    NAME = 'a'\n"
	  "    def conf(self):\n        return {'name': self.NAME}\n"
	  "bindufy(C().conf(), 1)\n", "a", NULL, NULL, NULL },
	{ "a class with __init__", B "class A:\n    def __init__(self, n):\n"
	  "        self.config = {'name': n}\n    def run(self):\n"
	  "        bindufy(self.config, 1)\nA('a').run()\n", "a", NULL, NULL,
	  NULL },
	{ "a dataclass's keyword", B "from dataclasses import dataclass\n"
	  "@dataclass\nclass C:\n    name: str\nc = C(name='a')\n"
	  "bindufy({'name': c.name}, 1)\n", "a", NULL, NULL, NULL },
	{ "an imported module", "from config import CONFIG\n" B
	  "bindufy(CONFIG, 1)\n", "a", NULL, "config.py",
	  "CONFIG = {'name': 'a'}\n" },
	{ "a package of the tree", "import my.conf\n" B
	  "bindufy(my.conf.get(), 1)\n", "a", NULL, "my/conf.py",
	  "def get():\n    return dict(name='a')\n" },
	{ "a helper that calls it", "from serve import go\ngo('a')\n", "a",
	  NULL, "serve.py", B "def go(n):\n    bindufy({'name': n}, 1)\n" },
	{ "JSON beside the script", "import json\n" B
	  "with open('c.json') as f:\n    config = json.load(f)\n" MAIN,
	  "a", NULL, "c.json", "{\"name\": \"a\"}" },
	{ "JSON by path", "import json\nfrom pathlib import Path\n" B
	  "config = json.loads((Path(__file__).parent / 'c.json')"
	  ".read_text())\n" MAIN, "a", NULL, "c.json", "{\"name\": \"a\"}" },
	{ "JSON by os.path", "import json, os\n" B
	  "here = os.path.dirname(os.path.abspath(__file__))\n"
	  "config = json.load(open(os.path.join(here, 'c.json')))\n" MAIN,
	  "a", NULL, "c.json", "{\"name\": \"a\"}" },
	{ "TOML", "import tomllib\n" B "with open('c.toml', 'rb') as f:\n"
	  "    config = tomllib.load(f)['agent']\n" MAIN, "a", NULL, "c.toml",
	  "[agent]\nname = 'a'\n" },
	{ "the first file of several that exists", "import json\n"
	  "from pathlib import Path\n" B "def load():\n    for p in [\n"
	  "        Path(__file__).parent.parent / 'c.json',  # none\n"
	  "        Path(__file__).parent / 'c.json',\n    ]:\n"
	  "        if p.exists():\n            try:\n"
	  "                with open(p) as f:\n"
	  "                    return json.load(f)\n"
	  "            except Exception:\n                continue\n"
	  "    return {'name': 'z'}\nbindufy(load(), 1)\n", "a", NULL, "c.json",
	  "{\"name\": \"a\"}" },
	{ "a missing file and its default", "import json\n" B "try:\n"
	  "    config = json.load(open('none.json'))\n"
	  "except FileNotFoundError:\n    config = {'name': 'a'}\n" MAIN,
	  "a", NULL, NULL, NULL },
	{ "a missing file", "import json\n" B
	  "config = json.load(open('none.json'))\n" MAIN, NULL,
	  "none.json, which the tree does not hold", NULL, NULL },
	{ "a file above the tree is not read", "import json\n" B
	  "config = json.load(open('../x.json'))\n" MAIN, NULL,
	  "the tree does not hold", NULL, NULL },
	{ "a function from outside", "from ext import conf\n" B
	  "bindufy(conf(), 1)\n", NULL, "ext.conf()", NULL, NULL },
	{ "a notebook's magics", "#!/usr/bin/env python\n# In[1]:\n"
	  "!pip install bindu\n%load_ext x\nget_ipython().magic('ls')\n" B
	  "config = {'name': 'a'}\n" MAIN, "a", NULL, NULL, NULL },
	{ "CRLF, BOM and tabs", "\xef\xbb\xbf" "from bindu import bindufy\r\n"
	  "if True:\r\n\tc = {'name':\r\n\t\t'a'}\r\n\tbindufy(c, 1)\r\n",
	  "a", NULL, NULL, NULL },
#define ARGS "import argparse\n" B "p = argparse.ArgumentParser()\n"
#define ARGS_END "args = p.parse_args()\nbindufy({'name': args.name}, 1)\n"
	{ "an argument's default", ARGS
	  "p.add_argument('--name', default='a', help='x')\n" ARGS_END,
	  "a", NULL, NULL, NULL },
	{ "a short and a long option", ARGS
	  "p.add_argument('-n', '--agent-name', type=str, default='a')\n"
	  "a = p.parse_args()\nbindufy({'name': a.agent_name}, 1)\n",
	  "a", NULL, NULL, NULL },
	{ "a short option alone", ARGS "p.add_argument('-n', default='a')\n"
	  "bindufy({'name': p.parse_args().n}, 1)\n", "a", NULL, NULL, NULL },
	{ "an argument's dest", ARGS
	  "p.add_argument('-x', dest='name', default='a')\n" ARGS_END,
	  "a", NULL, NULL, NULL },
	{ "a positional argument that may be absent", ARGS
	  "p.add_argument('name', nargs='?', default='a')\n" ARGS_END,
	  "a", NULL, NULL, NULL },
	{ "no default, and one in its place", ARGS
	  "p.add_argument('--name')\nargs = p.parse_args()\n"
	  "bindufy({'name': args.name or 'a'}, 1)\n", "a", NULL, NULL, NULL },
	{ "a flag decides", ARGS
	  "p.add_argument('--b', action='store_true')\nv = p.parse_args()\n"
	  "bindufy({'name': 'b' if v.b else 'a'}, 1)\n", "a", NULL, NULL,
	  NULL },
	{ "arguments added by a function, in a group", ARGS "def add(q):\n"
	  "    g = q.add_argument_group('x')\n"
	  "    g.add_argument('--name', default='a')\nadd(p)\n" ARGS_END,
	  "a", NULL, NULL, NULL },
	{ "set_defaults, and unknown ones left over", ARGS
	  "p.add_argument('--name', default='z')\np.set_defaults(name='a')\n"
	  "args, rest = p.parse_known_args()\n"
	  "bindufy({'name': args.name}, 1)\n", "a", NULL, NULL, NULL },
	{ "arguments as a dict", ARGS
	  "p.add_argument('--name', default='a')\n"
	  "bindufy({**vars(p.parse_args())}, 1)\n", "a", NULL, NULL, NULL },
	{ "a main that takes arguments", ARGS "def main():\n"
	  "    p.add_argument('--name', default='a')\n"
	  "    args = p.parse_args()\n"
	  "    if not args.name:\n        p.error('no name')\n"
	  "    bindufy({'name': args.name}, 1)\nmain()\n", "a", NULL, NULL,
	  NULL },
	{ "a required argument", ARGS
	  "p.add_argument('--name', required=True, default='z')\n" ARGS_END,
	  NULL, "argument --name decides", NULL, NULL },
	{ "a positional argument", ARGS "p.add_argument('name')\n" ARGS_END,
	  NULL, "argument name decides", NULL, NULL },
	{ "a default that its type changes", ARGS
	  "p.add_argument('--name', type=slug, default='z')\n" ARGS_END,
	  NULL, "type of argument --name", NULL, NULL },
	{ "arguments of a subcommand", ARGS "s = p.add_subparsers()\n"
	  "r = s.add_parser('run')\nr.add_argument('--name', default='z')\n"
	  ARGS_END, NULL, "", NULL, NULL },
	{ "arguments given in the script", ARGS
	  "p.add_argument('--name', default='z')\n"
	  "args = p.parse_args(['--name', 'a'])\n"
	  "bindufy({'name': args.name}, 1)\n", NULL, "parse_args() decide",
	  NULL, NULL },
	{ "arguments of other parsers", "import argparse\n" B
	  "p = argparse.ArgumentParser(parents=[x()])\n" ARGS_END, NULL, "",
	  NULL, NULL },
	{ "the default of an argument from the environment", "import os\n" ARGS
	  "p.add_argument('--name', default=os.getenv('N', 'a'))\n" ARGS_END,
	  "a", NULL, NULL, NULL },
	{ "YAML", "import yaml\n" B "config = yaml.safe_load(open('c.yaml'))\n"
	  MAIN, NULL, "it comes from YAML, which is not read", "c.yaml",
	  "name: a\n" },
	{ "a walrus, a star and a tuple", B "(a, b), *r = (('a', 'q'), 1, 2)\n"
	  "if (c := {'name': a}):\n    bindufy(c, 1)\n", "a", NULL, NULL,
	  NULL },
	{ "match", B "match mode():\n    case 'x':\n        n = 1\n    case _:\n"
	  "        n = 2\nbindufy({'name': 'a'}, 1)\n", "a", NULL, NULL, NULL },
	{ "a name changed in a loop", B "n = 'a'\nfor i in rows():\n"
	  "    n = n + 'x'\nbindufy({'name': n}, 1)\n", NULL, "", NULL, NULL },
	{ "a comprehension", B "c = {k: v for k, v in x()}\nbindufy(c, 1)\n",
	  NULL, "", NULL, NULL },
	{ "no name", B "bindufy({'author': 'x'}, 1)\n", NULL, NULL, NULL,
	  NULL },
	{ "a deepcopy is its own dict", B "import copy\nb = {'name': 'a'}\n"
	  "c = copy.deepcopy(b)\nc['name'] = 'z'\nbindufy(b, 1)\n", "a", NULL,
	  NULL, NULL },
	{ "an alias is the same dict", B "b = {'name': 'z'}\nc = b\n"
	  "c['name'] = 'a'\nbindufy(b, 1)\n", "a", NULL, NULL, NULL },
	{ "a global changed in a function", B "n = 'z'\ndef f():\n"
	  "    global n\n    n = 'a'\nf()\nbindufy({'name': n}, 1)\n", "a",
	  NULL, NULL, NULL },
	{ "keywords by name of a dict", B "k = {'config': {'name': 'a'}, "
	  "'handler': 1}\nbindufy(**k)\n", "a", NULL, NULL, NULL },
	{ "a bindufy of the tree's own is not it", "def bindufy(c, h):\n"
	  "    pass\nbindufy({'name': 'a'}, 1)\n", NULL, "no call", NULL,
	  NULL },
	{ "a call in a comment or string is none", "# bindufy({'name': 'a'})\n"
	  "x = \"bindufy({'name': 'a'})\"\n", NULL, "no call", NULL, NULL },
};

static char dir[] = "/tmp/py_test.XXXXXX";

static void
put(const char *name, const char *text, size_t n)
{
	AUTO_FREE char *path = bindu_path_join(dir, name);
	AUTO_FREE char *parent = bindu_path_dir(path);
	AUTO_CLOSE int fd = -1;

	bindu_fd_mkdirs(parent, 0755, NULL);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd == -1 || bindu_fd_write(fd, text, n) == -1)
		abort();
}

static struct bindu_py *
follow(const char *source, size_t n)
{
	static const struct bindu_py_query q = { .callee = "bindufy",
		.want = { "config.name", "config.id" } };
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bindu_py *py = NULL;

	put("agent.py", source, n);
	if (bindu_py_follow(fd, dir, "agent.py", &q, &py, NULL) == -1)
		abort();
	return py;
}

static void
check(const struct row *r)
{
	struct bindu_py *py;
	const struct bindu_py_answer *a = NULL;
	bool good;

	if (r->file)
		put(r->file, r->text, strlen(r->text));
	py = follow(r->source, strlen(r->source));
	if (bindu_py_calls(py) > 0) {
		a = bindu_py_call(py, 0)->answer;
		if (a->known == BINDU_PY_MISSING)
			a++;
	}
	if (r->name)
		good = a && a->known == BINDU_PY_KNOWN &&
		    strcmp(a->text, r->name) == 0;
	else if (r->why && strcmp(r->why, "no call") == 0)
		good = !a;
	else if (r->why)
		good = a && a->known == BINDU_PY_UNKNOWN &&
		    strstr(a->text, r->why);
	else
		good = a && a->known == BINDU_PY_MISSING;
	ok(good, "%s", r->what);
	if (!good)
		printf("# %s: %s\n", !a ? "no call" : a->known ==
		    BINDU_PY_KNOWN ? "name" : "why", a && a->text ? a->text :
		    "");
	bindu_py_free(py);
	if (r->file) {
		AUTO_FREE char *path = bindu_path_join(dir, r->file);

		unlink(path);
	}
}

/* Text made to exhaust: every one must end soon. */
static void
check_hostile(void)
{
	static const struct {
		const char *what, *head, *unit, *tail;
		size_t times;
	} all[] = {
		{ "200,000 open brackets", "x = ", "(", "", 200000 },
		{ "200,000 minus signs", "x = ", "-", "1", 200000 },
		{ "100,000 nots", "x = ", "not ", "1", 100000 },
		{ "50,000 power signs", "x = 1", "**1", "", 50000 },
		{ "50,000 lambdas", "x = ", "lambda: ", "1", 50000 },
		{ "nested f-strings", "x = ", "f'{", "", 50000 },
		{ "50,000 elifs", "if a: pass\n", "elif b: x = 1\n", "", 50000 },
		{ "doubling strings", "a = 'xxxxxxxx'\n", "a = a + a\n", "",
		  5000 },
		{ "doubling lists", "a = [1]\n", "a = a + a\n", "", 5000 },
		{ "doubling dicts", "a = {}\n",
		  "a = {1: a, 2: a}\nb = a == a\n", "", 2000 },
		{ "a function calling itself twice", "def f(x):\n",
		  "    f(f)\n", "f(1)\n", 2000 },
		{ "branches in branches", "", "if q: x = 1\nelse: x = 2\n", "",
		  100000 },
		{ "attribute chain", "a", ".b", "", 500000 },
		{ "deep call chain", "a", "()", "", 500000 },
		{ "assignment chain", "", "a = ", "1", 500000 },
		{ "nested targets", "", "(", "a = 1", 100000 },
		{ "decorators", "", "@x\n", "def f(): pass\n", 100000 },
		{ "NUL bytes and junk", "x = 1\n", "\x01\xff$?`", "", 100000 },
	};
	size_t i, k;

	for (i = 0; i < sizeof all / sizeof *all; i++) {
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(8 << 20);

		bindu_buf_adds(&b, all[i].head, NULL);
		for (k = 0; k < all[i].times; k++)
			bindu_buf_adds(&b, all[i].unit, NULL);
		bindu_buf_adds(&b, all[i].tail, NULL);
		bindu_py_free(follow(b.p, b.len));
		ok(1, "survives %s", all[i].what);
	}
}

int
main(void)
{
	size_t i;

	if (!mkdtemp(dir))
		abort();
	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&rows[i]);
	check_hostile();
	bindu_fd_rmtree(AT_FDCWD, dir, NULL);
	return done();
}
