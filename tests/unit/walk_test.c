/* walk_test.c - what the walk of a small tree finds, and the cursor that
 * opens its directories.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "fixture.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/source/tree.h"
#include "lib/source/walk_dir.h"
#include "tap.h"

/* want: "type path" of every entry, a file's mode when it is 0755 as "x". */
static const struct row {
	const char *what;
	struct item item[8];
	struct bindu_walk_opts o;
	const char *want;
	uint64_t ignored, special, bytes;
	const char *drop; /* "path by rule" of the only drop */
	enum bindu_errc code;
	const char *message;
} rows[] = {
	{ .what = "an empty tree", .want = "" },
	{ .what = "sorted by bytes, not by directory",
	    .item = { { 'f', "b", "22" }, { 'f', "a/x", "1" },
		{ 'f', "a.c", "" }, { 'f', "a-b/y", "" }, { 'f', "B", "" } },
	    .want = "f B|f a-b/y|f a.c|f a/x|f b|",
	    .bytes = 3 },
	{ .what = "an executable, an empty directory, a link",
	    .item = { { 'x', "run", "#!" }, { 'd', "e", NULL },
		{ 'l', "l", "run" }, { 'd', "d/e/f", NULL } },
	    .want = "d d/e/f|d e|l l>run|x run|",
	    .bytes = 2 },
	{ .what = "an ignored directory counts once",
	    .item = { { 'f', ".gitignore", "n/\n" }, { 'f', "n/a", "" },
		{ 'f', "n/b", "" }, { 'f', "c", "" } },
	    .want = "f .gitignore|f c|",
	    .ignored = 1,
	    .bytes = 3 },
	{ .what = "a directory whose files are all ignored is left out",
	    .item = { { 'f', ".gitignore", "*.o\n" }, { 'f', "d/a.o", "" } },
	    .want = "f .gitignore|",
	    .ignored = 1,
	    .bytes = 4 },
	{ .what = ".binduignore above .gitignore",
	    .item = { { 'f', ".gitignore", "!a\nb\n" },
		{ 'f', ".binduignore", "a\n!b\n" }, { 'f', "a", "" },
		{ 'f', "b", "" } },
	    .want = "f .binduignore|f .gitignore|f b|",
	    .ignored = 1,
	    .bytes = 10 },
	{ .what = "built-in defaults",
	    .item = { { 'f', "node_modules/x", "" },
		{ 'f', "__pycache__/a.pyc", "" }, { 'f', "a.py", "" } },
	    .want = "f a.py|",
	    .ignored = 2 },
	{ .what = "without the defaults",
	    .item = { { 'f', "node_modules/x", "" }, { 'f', "a.py", "" } },
	    .o = { .no_defaults = true },
	    .want = "f a.py|f node_modules/x|" },
	{ .what = "all: no rule counts",
	    .item = { { 'f', ".gitignore", "*\n" }, { 'f', "a", "" },
		{ 'f', "__pycache__/a.pyc", "" } },
	    .o = { .all = true },
	    .want = "f .gitignore|f a|",
	    .bytes = 2 },
	{ .what = "all, bytecode as well",
	    .item = { { 'f', "__pycache__/a.pyc", "" } },
	    .o = { .all = true, .keep_pyc = true },
	    .want = "f __pycache__/a.pyc|" },
	{ .what = "git's own directory never",
	    .item = { { 'f', ".git/HEAD", "x" }, { 'f', "s/.git/x", "" },
		{ 'f', "a", "" } },
	    .want = "f a|" },
	{ .what = "a secret name is dropped and named",
	    .item = { { 'f', "a", "" }, { 'f', "conf/id_rsa", "" } },
	    .want = "f a|",
	    .drop = "conf/id_rsa by name/ssh-key" },
	{ .what = "a secret name, asked for",
	    .item = { { 'f', "id_rsa", "" } },
	    .o = { .no_deny = true },
	    .want = "f id_rsa|" },
	{ .what = "a FIFO is counted",
	    .item = { { 'p', "p", NULL }, { 'f', "a", "" } },
	    .want = "f a|",
	    .special = 1 },
	{ .what = "an ignored FIFO is not",
	    .item = { { 'f', ".gitignore", "p\n" }, { 'p', "p", NULL } },
	    .want = "f .gitignore|",
	    .ignored = 1,
	    .bytes = 2 },
	{ .what = "links inside the tree",
	    .item = { { 'f', "a/b", "" }, { 'l', "a/l", "../a/b" },
		{ 'l', "m", "./a/../n" }, { 'l', "gone", "nowhere" } },
	    .want = "f a/b|l a/l>../a/b|l gone>nowhere|l m>./a/../n|" },
	{ .what = "an absolute link",
	    .item = { { 'l', "l", "/etc/passwd" } },
	    .code = BINDU_E_DATA,
	    .message = "l -> /etc/passwd is absolute" },
	{ .what = "a link that leaves the tree",
	    .item = { { 'l', "a/l", "../../x" } },
	    .code = BINDU_E_DATA,
	    .message = "a/l -> ../../x leaves the tree" },
	{ .what = "a link that climbs out of a link",
	    .item = { { 'l', "m", "a/b" }, { 'l', "l", "m/../../x" } },
	    .code = BINDU_E_DATA,
	    .message = "l -> m/../../x climbs out of another link" },
	{ .what = "a link that leaves the tree, ignored",
	    .item = { { 'f', ".gitignore", "l\n" }, { 'l', "l", "/x" } },
	    .want = "f .gitignore|",
	    .ignored = 1,
	    .bytes = 2 },
	{ .what = "a link that leaves the tree, for the scrubber",
	    .item = { { 'l', "l", "/x" } },
	    .o = { .any_link = true },
	    .want = "l l>/x|" },
};

static void
print_tree(const struct bindu_tree *t, struct bindu_buf *b)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct bindu_entry *e = &t->entry[i];

		bindu_buf_addf(b, NULL, "%c %s%s%s|",
		    e->type == BINDU_FILE && e->mode == 0755 ? 'x' : e->type,
		    e->path, e->link ? ">" : "", e->link ? e->link : "");
	}
}

static void
check_row(const struct row *r)
{
	const char *root =
	    fixture_tree(r->item, sizeof r->item / sizeof *r->item);
	AUTO_BUF struct bindu_buf got = BINDU_BUF_INIT(1 << 20);
	AUTO_FREE char *drop = NULL;
	struct bindu_tree *t = NULL;
	struct bindu_err err = { 0 };
	int rc = bindu_tree_load(root, &r->o, NULL, &t, &err);

	if (r->code != BINDU_E_NONE) {
		ok(rc == -1 && err.code == r->code &&
			strstr(err.msg, r->message) != NULL,
		    "%s: %s", r->what, err.msg);
		return;
	}
	if (!ok(rc == 0, "%s is read %s", r->what, err.msg))
		return;
	print_tree(t, &got);
	ok(strcmp(got.p ? got.p : "", r->want) == 0, "%s: %s", r->what,
	    got.p ? got.p : "nothing");
	ok(t->ignored == r->ignored && t->special == r->special &&
		t->bytes == r->bytes,
	    "%s: %d ignored, %d special, %d bytes", r->what, (int)t->ignored,
	    (int)t->special, (int)t->bytes);
	if (t->ndrop == 1)
		drop = xasprintf("%s by %s", t->drop[0].path, t->drop[0].rule);
	ok(r->drop ? drop && strcmp(drop, r->drop) == 0 : t->ndrop == 0,
	    "%s: drops %s", r->what, drop ? drop : "nothing");
	bindu_tree_free(t);
}

/* Directories of one letter, level below level, a file in each. */
static char *
make_deep(int at, size_t levels)
{
	char *path = xmalloc(2 * levels + 1);
	int here = dup(at);

	for (size_t i = 0; i < levels; i++) {
		int sub;

		memcpy(path + 2 * i, "d/", 3);
		if (mkdirat(here, "d", 0755) == -1 ||
		    (sub = openat(here, "d", O_RDONLY | O_DIRECTORY)) == -1)
			abort();
		close(here);
		here = sub;
		close(openat(here, "f", O_WRONLY | O_CREAT, 0600));
	}
	close(here);
	path[2 * levels - 1] = '\0';
	return path;
}

/* Does fd, meant to be path's first n bytes, hold what its parent says? */
static bool
is_level(struct bindu_walk_dir *d, const char *path, size_t level, ino_t *ino)
{
	int fd = bindu_walk_dir_open(d, path, level ? 2 * level - 1 : 0);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return false;
	if (ino[level] == 0)
		ino[level] = st.st_ino;
	return ino[level] == st.st_ino;
}

/* In place of libc's: how many directories the cursor opens. */
static size_t opens;

int
openat(int at, const char *name, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	opens++;
	return (int)syscall(SYS_openat, at, name, flags, mode);
}

#define LEVELS 1000

static void
check_cursor(void)
{
	const char *root = fixture_tree(NULL, 0);
	AUTO_CLOSE int at = open(root, O_RDONLY | O_DIRECTORY);
	AUTO_FREE char *path = make_deep(at, LEVELS);
	AUTO_FREE ino_t *ino = xcalloc(LEVELS + 1, sizeof *ino);
	struct rlimit was, few = { 60, 60 };
	struct bindu_walk_dir *d;
	bool down = true, up = true, jump = true;
	const char *name;

	getrlimit(RLIMIT_NOFILE, &was);
	few.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	d = bindu_walk_dir_new(at);
	opens = 0;
	for (size_t i = 0; i <= LEVELS; i++)
		down &= is_level(d, path, i, ino);
	ok(down && opens <= LEVELS,
	    "%d levels down with 60 descriptors, %zu opens", LEVELS, opens);
	opens = 0;
	for (size_t i = LEVELS + 1; i-- > 0;)
		up &= is_level(d, path, i, ino);
	ok(up && opens <= LEVELS,
	    "and up again, each the same directory, %zu opens", opens);
	for (size_t i = 0; i < 100; i++)
		jump &= is_level(d, path, i * 7919 % (LEVELS + 1), ino);
	ok(jump, "and in any order");
	ok(bindu_walk_dir_parent(d, "top", &name) == at &&
		strcmp(name, "top") == 0,
	    "a name at the top is in the root");
	bindu_walk_dir_free(d);
	setrlimit(RLIMIT_NOFILE, &was);
}

/* The way up goes by "..", which in a directory that was moved out of the
 * tree meanwhile leads elsewhere. */
static void
check_cursor_moved(void)
{
	const char *root = fixture_tree(NULL, 0);
	AUTO_CLOSE int at = open(root, O_RDONLY | O_DIRECTORY), inside = -1,
		       outside = -1;
	AUTO_FREE char *path = make_deep(at, 100), *sub = NULL, *to = NULL;
	struct bindu_walk_dir *d;
	struct stat want, got;
	int fd;

	to = xasprintf("%s/out", root);
	mkdir(to, 0755);
	inside = openat(at, "d", O_RDONLY | O_DIRECTORY);
	outside = open(to, O_RDONLY | O_DIRECTORY);
	d = bindu_walk_dir_new(inside);
	/* path below inside, whose name is the first component. */
	bindu_walk_dir_open(d, path + 2, 2 * 99 - 1);
	sub = xstrndup(path, 2 * 60 - 1);
	ok(renameat(at, sub, outside, "moved") == 0,
	    "a directory moves out of the tree");
	fd = bindu_walk_dir_open(d, path + 2, 2 * 58 - 1);
	sub[2 * 59 - 1] = '\0';
	ok(fd != -1 && fstat(fd, &got) == 0 &&
		fstatat(at, sub, &want, 0) == 0 && got.st_ino == want.st_ino,
	    "the way up from below it stays in the tree");
	bindu_walk_dir_free(d);
}

static void
check_cursor_refuses(void)
{
	static const struct item items[] = { { 'f', "a/b/f", "" },
		{ 'l', "l", "a" }, { 'l', "a/up", ".." }, { 'f', "ab/x", "" } };
	static const struct {
		const char *path;
		int error;
	} wrong[] = {
		{ "l", ENOTDIR },
		{ "l/b", ENOTDIR },
		{ "a/up/a", ENOTDIR },
		{ "a/b/f", ENOTDIR },
		{ "a/none", ENOENT },
		{ "a/b/none/x", ENOENT },
		{ "..", ENOTDIR },
		{ "a/..", ENOTDIR },
		{ "a/b/../../..", ENOTDIR },
	};
	const char *root = fixture_tree(items, 4);
	AUTO_CLOSE int at = open(root, O_RDONLY | O_DIRECTORY);
	struct bindu_walk_dir *d = bindu_walk_dir_new(at);

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int fd;

		bindu_walk_dir_open(d, "a/b", 3);
		errno = 0;
		fd = bindu_walk_dir_open(d, wrong[i].path,
		    strlen(wrong[i].path));
		ok(fd == -1 && errno == wrong[i].error, "%s is not opened: %s",
		    wrong[i].path, strerror(errno));
		ok(bindu_walk_dir_open(d, "ab", 2) != -1 &&
			bindu_walk_dir_open(d, "a", 1) != -1,
		    "%s does no harm to what comes after", wrong[i].path);
	}
	bindu_walk_dir_free(d);
}

int
main(void)
{
	fixture_begin();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_row(&rows[i]);
	check_cursor();
	check_cursor_moved();
	check_cursor_refuses();
	fixture_end();
	return done();
}
