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
#include "py_rows.h"
#include "tap.h"

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
		printf("# %s: %s\n",
		    !a				   ? "no call" :
			a->known == BINDU_PY_KNOWN ? "name" :
						     "why",
		    a && a->text ? a->text : "");
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
		{ "50,000 elifs", "if a: pass\n", "elif b: x = 1\n", "",
		    50000 },
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
