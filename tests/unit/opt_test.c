/* opt: the grammar, row by row; help within 80 columns.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/opt.h"
#include "lib/base/str.h"
#include "tap.h"

static bool flag, other;
static int count, fd;
static const char *str, *mode, *maybe;
static struct bindu_strv list;
static uint32_t u32, port;
static uint64_t size;
static int64_t ms;
static const char *const modes[] = { "fast", "slow", NULL };

static const struct bindu_opt opts[] = { { 'f', "flag", BINDU_OPT_FLAG, &flag,
					     NULL, "set the flag", NULL },
	{ 's', "str", BINDU_OPT_STR, &str, "TEXT", "a text", NULL },
	{ 'e', "env", BINDU_OPT_STRLIST, &list, "NAME=VALUE", "more", NULL },
	{ 'n', "number", BINDU_OPT_U32, &u32, "N", "a number", NULL },
	{ 'p', "port", BINDU_OPT_PORT, &port, "PORT", "a port", NULL },
	{ 0, "size", BINDU_OPT_SIZE, &size, "SIZE", "a size", NULL },
	{ 't', "timeout", BINDU_OPT_MSEC, &ms, "TIME", "a time", NULL },
	{ 0, "fd", BINDU_OPT_FD, &fd, "N", "a descriptor", NULL },
	{ 'm', "mode", BINDU_OPT_ENUM, &mode, "MODE", "fast or slow", modes },
	{ 'z', "maybe", BINDU_OPT_OPTSTR, &maybe, "X",
	    "may have a value "
	    "and a help text that is far too long for what is left of one line "
	    "of eighty columns",
	    NULL },
	BINDU_OPT_END };
static const struct bindu_opt second[] = {
	{ 'v', "verbose", BINDU_OPT_COUNT, &count, NULL, "say more", NULL },
	{ 'o', "other", BINDU_OPT_FLAG, &other, NULL, "x", NULL }, BINDU_OPT_END
};
static const struct bindu_opt *const tables[] = { opts, second, NULL };

/* state() after parsing the words of args; "!TEXT": the message has TEXT. */
static const struct {
	const char *args;
	int stop;
	const char *want;
} rows[] = {
	{ "", 0, "f0 v0 s- e0 n0 b0 t0 m- z- :" },
	{ "-f", 0, "f1 v0 s- e0 n0 b0 t0 m- z- :" },
	{ "-fvv", 0, "f1 v2 s- e0 n0 b0 t0 m- z- :" },
	{ "-fsX -s Y", 0, "f1 v0 sY e0 n0 b0 t0 m- z- :" },
	{ "--str=a=b", 0, "f0 v0 sa=b e0 n0 b0 t0 m- z- :" },
	{ "--str a b", 0, "f0 v0 sa e0 n0 b0 t0 m- z- :b" },
	{ "--str= x", 0, "!--str: TEXT must not be empty" },
	{ "--env=", 0, "!--env: NAME=VALUE must not be empty" },
	{ "--number=", 0, "!--number: N must not be empty" },
	{ "--maybe= x", 0, "f0 v0 s- e0 n0 b0 t0 m- z :x" },
	{ "--str -f", 0, "f0 v0 s-f e0 n0 b0 t0 m- z- :" },
	{ "-e a=1 --env b", 0, "f0 v0 s- e2 n0 b0 t0 m- z- :" },
	{ "-n7 --size 2K -t1.5s", 0, "f0 v0 s- e0 n7 b2048 t1500 m- z- :" },
	{ "--mode=slow", 0, "f0 v0 s- e0 n0 b0 t0 mslow z- :" },
	{ "--maybe x", 0, "f0 v0 s- e0 n0 b0 t0 m- z :x" },
	{ "--maybe=y x -zq", 0, "f0 v0 s- e0 n0 b0 t0 m- zq :x" },
	{ "a -f b", 0, "f1 v0 s- e0 n0 b0 t0 m- z- :a,b" },
	{ "a -f b", 1, "f0 v0 s- e0 n0 b0 t0 m- z- :a,-f,b" },
	{ "-f -- -x --y", 0, "f1 v0 s- e0 n0 b0 t0 m- z- :-x,--y" },
	{ "- -f", 0, "f1 v0 s- e0 n0 b0 t0 m- z- :-" },
	{ "-x", 0, "!unknown option -x" },
	{ "--fla", 0, "!unknown option --fla" },
	{ "--flag=1", 0, "!takes no value" },
	{ "--str", 0, "!--str needs a value" },
	{ "-fs", 0, "!-s needs a value" },
	{ "-n x", 0, "!not a whole number" },
	{ "-p 65536", 0, "!-p: \"65536\" is no port number (1 to 65535)" },
	{ "-p0", 0, "!\"0\" is no port" },
	{ "--port=-1", 0, "!\"-1\" is no port" },
	{ "--size 1.5G", 0, "!not a size" },
	{ "--mode=quick", 0, "!none of fast, slow" },
	{ "--fd 999", 0, "!not open" },
	{ "--timeuot 5", 0, "!--timeuot (did you mean --timeout?)" },
	{ "--verb", 0, "!--verb (did you mean --verbose?)" },
};

static void
reset(void)
{
	flag = other = false;
	count = fd = 0;
	str = mode = maybe = NULL;
	bindu_strv_fini(&list);
	u32 = 0;
	size = 0;
	ms = 0;
}

static char *
state(char **argv, int n)
{
	struct bindu_buf b = BINDU_BUF_INIT(1000);

	bindu_buf_addf(&b, NULL,
	    "f%d v%d s%s e%zu n%u b%llu t%lld m%s z%s :", flag, count,
	    str != NULL ? str : "-", list.n, u32, (unsigned long long)size,
	    (long long)ms, mode != NULL ? mode : "-",
	    maybe != NULL ? maybe : "-");
	for (int i = 1; i <= n; i++)
		bindu_buf_addf(&b, NULL, "%s%s", i > 1 ? "," : "", argv[i]);
	return bindu_buf_steal(&b);
}

static void
run_row(size_t i)
{
	AUTO_FREE char *copy = xstrdup(rows[i].args);
	AUTO_FREE char *got = NULL;
	char *argv[16] = { (char *)"x" }, *save = NULL;
	struct bindu_err e = { 0 };
	int argc = 1, n = 0, r;

	for (char *w = strtok_r(copy, " ", &save); w != NULL && argc < 15;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	reset();
	r = bindu_opt_parse(tables, argc, argv, rows[i].stop, &n, &e);
	if (rows[i].want[0] == '!') {
		ok(r == -1 && e.code == BINDU_E_USAGE &&
			strstr(e.msg, rows[i].want + 1) != NULL,
		    "\"%s\" is refused: %s", rows[i].args, e.msg);
		return;
	}
	got = r == 0 ? state(argv, n) : xstrdup(e.msg);
	ok(!strcmp(got, rows[i].want), "\"%s\" gives %s", rows[i].args, got);
}

int
main(void)
{
	char *text = NULL, *save = NULL;
	size_t n = 0, widest = 0;
	FILE *f;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		run_row(i);
	reset();
	f = open_memstream(&text, &n);
	bindu_opt_help(opts, f);
	fclose(f);
	ok(strstr(text, "  -z, --maybe[=X]         may have") != NULL,
	    "help shows letter, name, value and text");
	for (char *l = strtok_r(text, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save))
		widest = strlen(l) > widest ? strlen(l) : widest;
	ok(widest > 60 && widest < 80, "help is wrapped (%zu columns)", widest);
	free(text);
	return done();
}
