/* py_rows.h - scripts, and what is read of each without running it.
 *
 * over 600 lines: one table, a row a behaviour.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PY_ROWS_H
#define PY_ROWS_H

#include <stddef.h>

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
	{ "a keyword, whatever stands before it", B "config = {'name': 'a'}\n"
	  "app = bindufy(Agent(), config=config)\n", "a", NULL, NULL, NULL },
	{ "an object before the config", B "config = {'name': 'a'}\n"
	  "bindufy(Agent(), config).serve(port=1)\n", "a", NULL, NULL, NULL },
	{ "a decorator with the config's keys", B "@bindufy(name='a', version="
	  "'1')\ndef agent(message: str) -> str:\n    return 'b'\n", "a", NULL,
	  NULL, NULL },
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
#define NAME(expr) B "bindufy({'name': " expr "}, 1)\n"
	{ "a decorator of the tree", "def loud(f):\n    def w(*a, **k):\n"
	  "        return f(*a, **k) + 'a'\n    return w\n@loud\n"
	  "def n(x='b'):\n    return x\n" NAME("n()"), "ba", NULL, NULL, NULL },
	{ "a decorator with arguments", "def add(x):\n    def d(f):\n"
	  "        def w():\n            return x + f()\n        return w\n"
	  "    return d\n@add('a')\ndef n():\n    return 'b'\n" NAME("n()"),
	  "ab", NULL, NULL, NULL },
	{ "a decorator from outside", "from x import d\n@d\ndef n():\n"
	  "    return 'z'\n" NAME("n()"), NULL, "n() is decorated with x.d",
	  NULL, NULL },
	{ "a decorator that only keeps the result", "from functools import "
	  "lru_cache\n@lru_cache(maxsize=1)\ndef n():\n    return 'a'\n"
	  NAME("n()"), "a", NULL, NULL, NULL },
	{ "a main that is decorated", "from x import d\n" B "@d(1)\n"
	  "def main():\n    bindufy({'name': 'a'}, 1)\nmain()\n", "a", NULL,
	  NULL, NULL },
	{ "a default is the one of the definition", "D = 'a'\n"
	  "def f(n=D):\n    return n\nD = 'z'\n" NAME("f()"), "a", NULL, NULL,
	  NULL },
	{ "a wrapper that passes all on", B "def go(*args, **kw):\n"
	  "    bindufy(*args, **kw)\ngo({'name': 'a'}, handler=1)\n", "a",
	  NULL, NULL, NULL },
	{ "keywords left over", "def c(x, **kw):\n    return {'name': x, **kw}"
	  "\n" B "bindufy(c(x='z', name='a'), 1)\n", "a", NULL, NULL, NULL },
	{ "a property", B "class A:\n    n = 'a'\n    @property\n"
	  "    def c(self):\n        return {'name': self.n}\n"
	  "    def go(self):\n        bindufy(self.c, 1)\nA().go()\n", "a",
	  NULL, NULL, NULL },
	{ "a property with a setter", "class A:\n    @property\n"
	  "    def n(self):\n        return self._n\n    @n.setter\n"
	  "    def n(self, v):\n        self._n = v + '!'\na = A()\n"
	  "a.n = 'z'\n" NAME("a.n"), NULL, "setting 'n' runs code", NULL,
	  NULL },
	{ "class and static methods", "class A:\n"
	  "    def __init__(self, n):\n        self.n = n\n    @classmethod\n"
	  "    def make(cls, n):\n        return cls(cls.st(n))\n"
	  "    @staticmethod\n    def st(n):\n        return n + 'b'\n"
	  NAME("A.make('a').n"), "ab", NULL, NULL, NULL },
	{ "super().__init__()", "class P:\n    N = 'z'\n"
	  "    def __init__(self, n=None):\n        self.n = n or self.N\n"
	  "class C(P):\n    N = 'a'\n    def __init__(self):\n"
	  "        super().__init__()\n" NAME("C().n"), "a", NULL, NULL, NULL },
	{ "a base outside the tree may set it again", "from x import P\n"
	  "class C(P):\n    def __init__(self):\n        self.n = 'z'\n"
	  "        super().__init__(n='b')\n" NAME("C().n"), NULL, "x.P", NULL,
	  NULL },
	{ "what is set after that counts", "from x import P\nclass C(P):\n"
	  "    def __init__(self):\n        super().__init__()\n"
	  "        self.n = 'a'\n" NAME("C().n"), "a", NULL, NULL, NULL },
	{ "the second base", "class P: pass\nclass Q: n = 'a'\n"
	  "class C(P, Q): pass\n" NAME("C().n"), "a", NULL, NULL, NULL },
	{ "bases whose order would have to be worked out", "class P: n = 'z'\n"
	  "class Q(P): pass\nclass R(P): n = 'a'\nclass C(Q, R): pass\n"
	  NAME("C.n"), NULL, "several classes", NULL, NULL },
#define DATACLASS "from dataclasses import dataclass, asdict\n@dataclass\n"
	{ "a dataclass as a dict", DATACLASS "class C:\n    name: str = 'a'\n"
	  B "bindufy(asdict(C()), 1)\n", "a", NULL, NULL, NULL },
	{ "a dataclass's arguments by position", DATACLASS "class C:\n"
	  "    x: int\n    name: str = 'z'\n" B
	  "bindufy(asdict(C(1, 'a')), 1)\n", "a", NULL, NULL, NULL },
	{ "fields that a branch decides", "import o\n" DATACLASS "class C:\n"
	  "    while o.y:\n        for x in o.z:\n            a: str = 'z'\n"
	  "        b: str = 'z'\n    n: str = 'z'\n" NAME("C('a').n"),
	  NULL, "not followed", NULL, NULL },
	{ "__post_init__", DATACLASS "class C:\n    n: str = 'a'\n"
	  "    def __post_init__(self):\n        self.n += 'b'\n"
	  NAME("C().n"), "ab", NULL, NULL, NULL },
	{ "a dataclass makes its own __init__", "class P:\n"
	  "    def __init__(self):\n        pass\n" DATACLASS "class C(P):\n"
	  "    n: str = 'a'\n    def __post_init__(self):\n"
	  "        self.n += 'b'\n" NAME("C().n"), "ab", NULL, NULL, NULL },
	{ "a model as a dict", "from pydantic import BaseModel, Field\n"
	  "class C(BaseModel):\n    name: str = Field('z', title='x')\n"
	  B "bindufy(C(name='a').model_dump(exclude_none=True), 1)\n", "a",
	  NULL, NULL, NULL },
	{ "a model that checks its fields", "import pydantic\n"
	  "class C(pydantic.BaseModel):\n    n: str = 'z'\n"
	  "    @pydantic.field_validator('n')\n    def v(cls, x):\n"
	  "        return x + '!'\n" NAME("C(n='b').n"), NULL,
	  "its class computes", NULL, NULL },
	{ "settings from the environment", "from pydantic_settings import "
	  "BaseSettings\nclass S(BaseSettings):\n    key: str = ''\n"
	  "    n: str = 'a'\ns = S()\nif not s.key:\n    raise ValueError\n"
	  NAME("s.n"), "a", NULL, NULL, NULL },
	{ "settings without a default", "from pydantic_settings import "
	  "BaseSettings\nclass S(BaseSettings):\n    "
	  "model_config = {'env_prefix': 'X_'}\n    n: str\n" NAME("S().n"),
	  NULL, "variable X_N decides", NULL, NULL },
	{ "a named tuple as a dict", "from typing import NamedTuple\n"
	  "class C(NamedTuple):\n    name: str = 'a'\n" B
	  "bindufy(C()._asdict(), 1)\n", "a", NULL, NULL, NULL },
	{ "the value of an enum's member", "from enum import Enum\n"
	  "class E(Enum):\n    M = 'a'\n" NAME("E.M.value"), "a", NULL, NULL,
	  NULL },
	{ "a member is not its value", "from enum import Enum\n"
	  "class E(Enum):\n    M = 'z'\n" NAME("f'{E.M}'"), NULL, "", NULL,
	  NULL },
	{ "setattr", "class C: n = 'z'\nsetattr(C, 'n', 'a')\n" NAME("C.n"),
	  "a", NULL, NULL, NULL },
	{ "globals()", "N = 'z'\nglobals()['N'] = 'a'\n" NAME("N"), "a", NULL,
	  NULL, NULL },
	{ "exec", "N = 'z'\nexec(x)\n" NAME("N"), NULL, "exec() may set it",
	  NULL, NULL },
	{ "the environment as the script sets it", "import os\n"
	  "os.environ['N'] = 'a'\n" NAME("os.getenv('N', 'z')"), "a", NULL,
	  NULL, NULL },
	{ "the environment's setdefault", "import os\n"
	  "os.environ.setdefault('N', 'a')\n" NAME("os.environ['N']"), "a",
	  NULL, NULL, NULL },
	{ "a while loop to its end", "i = 0\nwhile i < 3:\n    i += 1\n"
	  NAME("f'a{i}'"), "a3", NULL, NULL, NULL },
	{ "a while loop too long to follow", "i = 0\nwhile i < 99:\n"
	  "    i += 1\n" NAME("f'a{i}'"), NULL, "", NULL, NULL },
	{ "a loop left early, maybe", "n = 'a'\nwhile True:\n    n = 'b'\n"
	  "    if x():\n        break\n    n = 'c'\n    break\n" NAME("n"),
	  NULL, "condition in line 4", NULL, NULL },
	{ "a function that returns early, maybe", "c = {'name': 'z'}\n"
	  "def f():\n    if x():\n        c['name'] = 'a'\n        return\n"
	  "    c['name'] = 'b'\nf()\n" B "bindufy(c, 1)\n", NULL, "", NULL,
	  NULL },
	{ "a key that is not there to delete, caught", "d = {}\nn = 'z'\n"
	  "try:\n    del d['n']\nexcept KeyError:\n    n = 'a'\n" NAME("n"),
	  "a", NULL, NULL, NULL },
	{ "what is computed from a variable is not absent with it",
	  "import os\n" NAME("os.getenv('N', 'b').split('-')[0] or 'z'"), NULL,
	  "", NULL, NULL },
	{ "an assignment whose value raises", "d = {}\nn = 'a'\ntry:\n"
	  "    n = d.get('x', d['k'])\nexcept KeyError:\n    pass\n"
	  NAME("n"), "a", NULL, NULL, NULL },
	{ "a key that may be there", "d = {}\nif x():\n    d['n'] = 1\n"
	  "n = 'b' if 'n' in d else 'a'\n" NAME("n"), NULL, "", NULL, NULL },
	{ "a round makes way for the next", "d = {'k': 1}\nn = 'a'\n"
	  "for x in rows():\n    if 'k' in d:\n        del d['k']\n"
	  "    else:\n        n = 'b'\n" NAME("n"), NULL, "", NULL, NULL },
	{ "a key that is not there, caught", "d = {}\ntry:\n    n = d['n']\n"
	  "except KeyError:\n    n = 'a'\n" NAME("n"), "a", NULL, NULL, NULL },
	{ "the names a module exports", "n = 'a'\nfrom conf import *\n"
	  NAME("n"), "a", NULL, "conf.py", "n = 'z'\n__all__ = ['o']\no = 1\n" },
	{ "the command line", "import sys\n" NAME("sys.argv[1]"), NULL,
	  "the script's command line decides", NULL, NULL },
	{ "a thread calls it", "import threading\n" B "threading.Thread("
	  "target=bindufy, args=({'name': 'a'}, 1)).start()\n", "a", NULL,
	  NULL, NULL },
	{ "an executor calls it", B "async def main(loop):\n    await "
	  "loop.run_in_executor(None, bindufy, {'name': 'a'}, 1)\n", "a", NULL,
	  NULL, NULL },
	{ "a partial call", "from functools import partial\n" B
	  "go = partial(bindufy, {'name': 'a'})\ngo(1)\n", "a", NULL, NULL,
	  NULL },
	{ "a call in a comment or string is none", "# bindufy({'name': 'a'})\n"
	  "x = \"bindufy({'name': 'a'})\"\n", NULL, "no call", NULL, NULL },

	/* What CPython makes of these was asked of it. */
	{ "views of a dict",
	  B "d = {'a': 'b', 1: 'c', None: 'e'}\nn = ''\n"
	  "for k, v in d.items():\n    n = n + str(k) + v\n"
	  "for k in d.keys():\n    n += f'{k}'\nfor v in d.values():\n"
	  "    n += v\nbindufy({'name': n}, 1)\n",
	  .name = "ab1cNoneea1Nonebce" },
	{ "a dict's copy, setdefault and pop",
	  B "d = {'x': 'a'}\nc = d.copy()\nd['x'] = 'z'\n"
	  "bindufy({'name': c.pop('x') + c.setdefault('y', 'b') + c.get('x', "
	  "'c') + c.pop('q', 'd')}, 1)\n", .name = "abcd" },
	{ "a dict emptied",
	  B "config = {'name': 'z'}\nconfig.clear()\nconfig['id'] = q()\n" MAIN,
	  .why = "not followed" },
	{ "a list built up",
	  B "l = ['a']\nl.append('b')\nl.extend(['c', 'd'])\nl += ['e']\n"
	  "l[0] = 'f'\nbindufy({'name': '-'.join([*l, 'g']) + l[-1] + str(len"
	  "(l))}, 1)\n", .name = "f-b-c-d-e-ge5" },
	{ "a list sorted",
	  B "l = ['b', 'a']\nl.sort()\nbindufy({'name': l[0]}, 1)\n",
	  .why = "not followed" },
	{ "what a list holds",
	  B
	  "l = ['a', 'b']\nconfig = {'name': l[0] if 'b' in l and 'q' not in "
	  "l else 'z'}\n" MAIN, .name = "a" },
	{ "fields that name an argument, and braces",
	  B "bindufy({'name': '{1}{0}{{}}'.format('b', 'a')}, 1)\n",
	  .name = "ab{}" },
	{ "what a string begins and ends with",
	  B
	  "s = 'ab.py'\nn = 'y'\nif s.startswith('a') and s.endswith('.py') a"
	  "nd 'b.' in s:\n    n = s.removesuffix('.py').removeprefix('a').tit"
	  "le().capitalize()\nbindufy({'name': n + 'A B'.lstrip('A').rstrip('"
	  "B').strip()}, 1)\n", .name = "B" },
	{ "bytes and text",
	  B "bindufy({'name': 'a'.encode().decode()}, 1)\n", .name = "a" },
	{ "letters that are not ASCII keep their case unknown",
	  B "bindufy({'name': '\303\204'.lower()}, 1)\n",
	  .why = "not followed" },
	{ "escapes",
	  B "bindufy({'name': '\\x61\\u00e9\\U0001f600\\101\\'\\\\' r'\\n"
	  "' '''b\\\nc''' '\\t'.strip() + '\\q' + '\\u4e2d'}, 1)\n",
	  .name = "a\303\251\360\237\230\200A'\\\\nbc\\q\344\270\255" },
	{ "f-strings with formats",
	  B
	  "x = 'a'\nbindufy({'name': f'{x!s}{\"}\"}{x if x == \"a\" else 1}'}"
	  ", 1)\n", .name = "a}a" },
	{ "an f-string's width is not followed",
	  B "x = 'a'\nbindufy({'name': f'{x:>3}'}, 1)\n",
	  .why = "not followed" },
	{ "an f-string that shows its expression",
	  B "x = 'a'\nbindufy({'name': f'{x=}'}, 1)\n",
	  .why = "not followed" },
	{ "None, True and numbers as text",
	  B "bindufy({'name': f'{None}{True}{1_0}{-2}{0x1f}'}, 1)\n",
	  .name = "NoneTrue10-231" },
	{ "arithmetic",
	  B "bindufy({'name': f'{2 + 3 * 4 - 1}'}, 1)\n", .name = "13" },
	{ "division is not followed",
	  B "bindufy({'name': f'{4 / 2}'}, 1)\n", .why = "not followed" },
	{ "comparisons",
	  B
	  "n = 'z'\nif 1 < 2 <= 2 and 3 > 2 >= 2 and 'a' != 'b' and None is n"
	  "ot 1 and not 'q' in 'abc':\n    n = 'a'\nbindufy({'name': n}, 1)\n",
	  .name = "a" },
	{ "and, or of known values",
	  B "bindufy({'name': ('' or 'a') + ('x' and 'b') + (None or 'c')}, 1)"
	  "\n", .name = "abc" },
	{ "a complement is not followed",
	  B "bindufy({'name': f'{-(1)}' + f'{~1}'}, 1)\n",
	  .why = "not followed" },
	{ "a name bound in an expression",
	  B "if (n := 'a'):\n    pass\nbindufy({'name': n}, 1)\n",
	  .name = "a" },
	{ "a conditional expression that is true",
	  B "T = True\nbindufy({'name': 'a' if T else q()}, 1)\n",
	  .name = "a" },
	{ "a lambda is not followed",
	  B "f = lambda x, y=1: x\nbindufy({'name': f('a')}, 1)\n",
	  .why = "a lambda computes" },
	{ "a comprehension is not followed",
	  B "bindufy({'name': '-'.join(x for x in ['a'])}, 1)\n",
	  .why = "not followed" },
	{ "a set is not followed",
	  B "s = {'a', 'b'}\nbindufy({'name': s.pop()}, 1)\n",
	  .why = "not followed" },
	{ "paths",
	  "from pathlib import Path\n" B "p = Path('x') / 'a.b.txt'\n"
	  "bindufy({'name': p.name + p.stem + str(p.parent) + p.with_suffix('"
	  ".md').name + p.with_name('c').name + p.joinpath('d').as_posix()}, "
	  "1)\n", .name = "a.b.txta.bxa.b.mdcx/a.b.txt/d" },
	{ "the same by os.path",
	  "import os\n" B
	  "bindufy({'name': os.path.basename('x/a') + os.path.dirname('b/x') "
	  "+ os.path.join('c', 'd')}, 1)\n", .name = "abc/d" },
	{ "the directory it runs in",
	  "import os\nfrom pathlib import Path\n" B
	  "n = 'z'\nif Path.cwd().exists() and os.path.exists(os.getcwd()) an"
	  "d not os.path.exists('none') and Path('c.json').resolve().is_file("
	  "):\n    with Path('c.json').open() as f:\n"
	  "        n = f.read().strip()\nbindufy({'name': n}, 1)\n",
	  .name = "a", .file = "c.json", .text = "a\n" },
	{ "JSON of every kind",
	  "import json\n" B "c = json.load(open('c.json'))\nn = 'z'\n"
	  "if c['t'] and not c['f'] and c['n'] is None:\n    n = c['l'][1]\n"
	  "bindufy({'name': f\"{n}{c['i']}\"}, 1)\n",
	  .name = "a7", .file = "c.json",
	  .text = "{\"t\": true, \"f\": false, \"n\": null, "
	  "\"l\": [1, \"a\"], \"i\": 7, \"r\": 1.5}" },
	{ "JSON that is broken",
	  "import json\n" B "config = json.load(open('c.json'))\n" MAIN,
	  .why = "not valid json", .file = "c.json", .text = "{" },
	{ "TOML by its path",
	  "import toml\n" B "config = toml.load('c.toml')\n" MAIN,
	  .name = "a", .file = "c.toml", .text = "name = 'a'\n" },
	{ "a relative import and its star",
	  "from my.conf import *\n" B "bindufy({'name': NAME}, 1)\n",
	  .name = "a", .file = "my/conf.py",
	  .text = "from . import other as o\nNAME = 'a'\n_x = 1\n" },
	{ "a module imported by its name",
	  "import importlib\n" B "m = importlib.import_module('conf')\n"
	  "bindufy({'name': m.NAME}, 1)\n",
	  .name = "a", .file = "conf.py", .text = "NAME = 'a'\n" },
	{ "a name a module does not have",
	  "from conf import NAME\n" B "bindufy({'name': NAME}, 1)\n",
	  .why = "does not set NAME", .file = "conf.py", .text = "X = 1\n" },
	{ "a namespace and its vars",
	  "from types import SimpleNamespace\n" B
	  "c = SimpleNamespace(name='a')\nbindufy(vars(c), 1)\n",
	  .name = "a" },
	{ "typing.cast",
	  "from typing import cast\n" B
	  "bindufy({'name': cast(str, 'a')}, 1)\n", .name = "a" },
	{ "a number from text",
	  B "bindufy({'name': f\"{int('4') + 1}\"}, 1)\n", .name = "5" },
	{ "text that is no number",
	  B "try:\n    n = str(int('x'))\nexcept ValueError as e:\n"
	  "    n = 'a'\nbindufy({'name': n}, 1)\n", .name = "a" },
	{ "an environment the script changes",
	  "import os\n" B
	  "os.environ.update({'N': 'a'})\nos.environ['M'] = 'b'\n"
	  "bindufy({'name': os.environ['N'] + os.getenv('M')}, 1)\n",
	  .name = "ab" },
	{ "a variable taken out of the environment",
	  "import os\n" B "os.environ.pop('N', None)\n"
	  "bindufy({'name': os.environ.get('N') or q()}, 1)\n",
	  .why = "takes N out" },
	{ "a loop with else",
	  B "n = ''\nfor x in ['a', 'b']:\n    if x == 'q':\n        break\n"
	  "else:\n    n = 'c'\nfor x in [1, 2]:\n    continue\nwhile True:\n"
	  "    n += 'd'\n    break\nbindufy({'name': n}, 1)\n",
	  .name = "cd" },
	{ "try with else and finally",
	  B
	  "n = ''\ntry:\n    n = 'a'\nexcept Exception:\n    n = 'z'\nelse:\n"
	  "    n += 'b'\nfinally:\n    n += 'c'\nbindufy({'name': n}, 1)\n",
	  .name = "abc" },
	{ "a function that raises",
	  B "def f():\n    raise ValueError('x')\ntry:\n    n = f()\n"
	  "except ValueError as e:\n    n = 'a'\nbindufy({'name': n}, 1)\n",
	  .name = "a" },
	{ "with in parentheses",
	  B "with (open('c.txt') as f, open('c.txt')):\n    n = f.read()\n"
	  "bindufy({'name': n}, 1)\n",
	  .name = "a", .file = "c.txt", .text = "a" },
	{ "assert, lines joined by a backslash",
	  B "assert True, 'x'\nn = 'a' + \\\n    'b'\nx = 1.5e-3\n"
	  "bindufy({'name': n}, 1)\n", .name = "ab" },
	{ "bases, class methods and super()",
	  B "class A:\n    N = 'a'\n    @classmethod\n    def make(cls):\n"
	  "        return cls.N\n    def f(self):\n        return 'b'\n"
	  "class C(A):\n    @property\n    def p(self):\n"
	  "        return super().f() + super().N\n"
	  "bindufy({'name': C.make() + C().p}, 1)\n", .name = "aba" },
	{ "dataclasses in one another, as a dict",
	  "from dataclasses import asdict, dataclass, field\n" B
	  "@dataclass\nclass I:\n    name: str = 'a'\n@dataclass\nclass C:\n"
	  "    i: I\n    l: list = field(default_factory=list)\n"
	  "bindufy({'name': asdict(C(I()))['i']['name']}, 1)\n",
	  .name = "a" },
	{ "members of an enum",
	  "from enum import Enum\nfrom enum import StrEnum\n" B
	  "class E(Enum):\n    A = 'a'\nclass S(StrEnum):\n    B = 'b'\n"
	  "bindufy({'name': E.A.value + S.B.value + S.B}, 1)\n",
	  .name = "abb" },
	{ "a class made by a metaclass",
	  B "class C(metaclass=M):\n    pass\nbindufy({'name': C().name}, 1)\n",
	  .why = "its class computes" },
	{ "stars in a call",
	  B "def f(*a, **k):\n    return a[0] + k['b']\nl = ['a']\n"
	  "d = {'b': 'b'}\nbindufy({'name': f(*l, **d)}, 1)\n",
	  .name = "ab" },
	{ "an unpacked list",
	  B "a, *b = ['a', 'b', 'c']\n(c, d) = ('d', 'e')\n"
	  "bindufy({'name': a + c + d}, 1)\n", .name = "ade" },
	{ "a tuple with a star in it",
	  B "l = ['x']\nt = 'a', *l\nbindufy({'name': t[0]}, 1)\n",
	  .why = "not followed" },
	{ "a global that a function sets",
	  B "n = 'z'\ndef f():\n    global n\n    n = 'a'\nf()\n"
	  "bindufy({'name': n}, 1)\n", .name = "a" },
	{ "del of a key",
	  B "config = {'name': 'a', 'x': 'y'}\ndel config['x']\n"
	  "config = config | {}\n" MAIN, .name = "a" },
	{ "percent with a percent",
	  B "bindufy({'name': '%s%%' % 'a'}, 1)\n", .name = "a%" },
	{ "percent that is not followed",
	  B "bindufy({'name': '%5s' % 'a'}, 1)\n", .why = "not followed" },
	{ "an empty list, and a list that is not",
	  B
	  "bindufy({'name': ('a' if not [] else 'z') + ('b' if ['x'] else 'z'"
	  ") + ('c' if not {} else 'z')}, 1)\n", .name = "abc" },
	{ "an exit of the script's parser",
	  "import argparse\n" B "p = argparse.ArgumentParser()\n"
	  "p.add_argument('--q', action='store_false')\n"
	  "if not p.parse_args().q:\n    p.error('x')\n"
	  "bindufy({'name': 'a'}, 1)\n", .name = "a" },
	{ "a branch that raises behind one that does not",
	  B "if q():\n    n = 'a'\nelse:\n    raise ValueError('x')\n"
	  "bindufy({'name': n}, 1)\n", .name = "a" },
	{ "strings of several lines",
	  B "x = '''two\nlines'''\ny = \"\"\"a\\\nb\"\"\"\n"
	  "bindufy({'name': y}, 1)\n", .name = "ab" },
	{ "format with a width",
	  B "bindufy({'name': 'a-{0:03d}'.format(7)}, 1)\n",
	  .why = "not followed" },
	{ "format with an attribute and a conversion",
	  B "bindufy({'name': '{0!r}'.format('a')}, 1)\n",
	  .why = "not followed" },
	{ "a number of what is no number",
	  B "bindufy({'name': '%d' % True}, 1)\n", .why = "not followed" },
	{ "a list of a string",
	  B "bindufy({'name': f\"{list('ab')}\"}, 1)\n",
	  .why = "not followed" },
	{ "a list of a dict's keys",
	  B
	  "d = {'a': 1, 'b': 2}\nbindufy({'name': '-'.join(list(d)) + str(len"
	  "(tuple(['x'])))}, 1)\n", .name = "a-b1" },
	{ "a list of arguments not known",
	  B "bindufy({'name': '-'.join(list(*x()))}, 1)\n",
	  .why = "not followed" },
	{ "a number with marks in it",
	  B "try:\n    n = str(int('1_0'))\nexcept ValueError:\n"
	  "    n = 'z'\nbindufy({'name': n}, 1)\n", .why = "not followed" },
	{ "what a string begins with behind its begin",
	  B "bindufy({'name': 'a' if 'ba'.startswith('b', 1) else 'b'}, 1)\n",
	  .why = "condition" },
	{ "the parent of a bare name",
	  "import json\nfrom pathlib import Path\n" B
	  "try:\n    config = json.loads((Path('agent.py').parent / 'c.json')"
	  ".read_text())\nexcept OSError:\n    config = {'name': 'z'}\n" MAIN,
	  .name = "a", .file = "c.json",
	  .text = "{\"name\": \"a\"}" },
	{ "the root's parent",
	  "from pathlib import Path\n" B
	  "bindufy({'name': str(Path('/a').parent)}, 1)\n", .name = "/" },
	{ "stars that are not known",
	  B "bindufy({'name': 'a'}, *x(), **y())\n", .name = "a" },
	{ "a variable deleted from the environment",
	  "import os\n" B
	  "del os.environ['N']\nbindufy({'name': os.environ['N']}, 1)\n",
	  .why = "takes N out" },
	{ "an item of a list that is not known",
	  B "l = ['a']\nl[x()] = 'b'\nbindufy({'name': l[0]}, 1)\n",
	  .why = "x() computes it" },
	{ "an exception that no handler takes",
	  "import json\n" B "try:\n    config = json.load(open('none.json'))\n"
	  "except KeyError:\n    config = {'name': 'z'}\n" MAIN,
	  .why = "no call" },
	{ "a break that may be",
	  B "n = 'a'\nfor x in [1, 2]:\n    if q():\n        break\n"
	  "    n = 'b'\nelse:\n    n = 'c'\nbindufy({'name': n}, 1)\n",
	  .why = "condition in line 4" },
	{ "and of what is not known",
	  B "bindufy({'name': 'a' if q() and not 1 else 'b'}, 1)\n",
	  .name = "b" },
	{ "a class that another decorator makes",
	  "import attr\n" B
	  "@attr.frozen\nclass C:\n    name: str = 'a'\n@other\nclass D:\n"
	  "    name: str = 'z'\nbindufy({'name': C().name + D().name}, 1)\n",
	  .why = "its class computes" },
};
#endif
