/* transfer: what travels, what happens when it breaks; against receive.sh run
 * here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fake_box.h"
#include "lib/remote/transfer_session.h"
#include "lib/source/manifest.h"
#include "tap.h"

static char base[] = "/tmp/bindu-transfer-XXXXXX";
static char *tree, *app;
static struct bindu_err err;
static const struct bindu_transfer_opts app_opts = { .dir = "app" };
static const struct bindu_transfer_opts tar_opts = { .dir = "from-tar" };

__attribute__((format(printf, 1, 2))) static void
sh(const char *fmt, ...)
{
	AUTO_FREE char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	{
		const char *argv[] = { "sh", "-ec", line, NULL };
		struct bindu_proc_opts o = BINDU_PROC_OPTS;

		o.argv = argv;
		o.cwd = tree;
		if (bindu_proc_capture(&o, 20000, 1 << 20, NULL, &err) == -1) {
			printf("Bail out! %s\n", err.msg);
			exit(1);
		}
	}
}

static bool
same(void)
{
	const char *argv[] = { "diff", "-r", "--no-dereference", tree, app,
		NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;

	o.argv = argv;
	if (bindu_proc_capture(&o, 20000, 1 << 20, NULL, &err) == 0)
		return true;
	printf("# %s\n", err.msg);
	return false;
}

static struct bindu_tree *
load(void)
{
	struct bindu_walk_opts w = { .all = true, .no_defaults = true };
	struct bindu_tree *t = NULL;

	if (bindu_tree_load(tree, &w, NULL, &t, &err) == -1 ||
	    bindu_manifest_hash(t, true, 1, NULL, &err) == -1) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	return t;
}

static int
put(char id[65], struct bindu_transfer_stats *st)
{
	struct bindu_tree *t = load();
	int bad;

	err = (struct bindu_err){ 0 };
	bad =
	    bindu_transfer_tree(NULL, "box", &app_opts, t, id, st, NULL, &err);
	if (bad)
		printf("# %s\n", err.msg);
	bindu_tree_free(t);
	return bad;
}

static void
deltas(void)
{
	struct bindu_transfer_stats st;
	char id[65], first[65];

	sh("mkdir -p pkg/sub; echo one >a.py; echo x >'pkg/sp ace'; "
	   "echo y >\"pkg/it's\"; echo z >pkg/sub/z; ln -s a.py link; "
	   "head -c 300000 /dev/urandom >big; mkdir empty");
	ok(put(first, &st) == 0 && same() && st.files_sent == 7,
	    "the first upload sends everything");
	ok(put(id, &st) == 0 && st.unchanged && st.sent_bytes == 0 &&
		!strcmp(id, first),
	    "an unchanged tree sends nothing");
	sh("echo two >a.py");
	ok(put(id, &st) == 0 && same() && st.files_sent == 1 &&
		st.sent_bytes < 1000,
	    "one changed file sends that file");
	sh("mv big renamed; chmod +x 'pkg/sp ace'");
	ok(put(id, &st) == 0 && same() && st.files_sent == 0 &&
		st.files_deleted == 1 && st.sent_bytes < 1000,
	    "a renamed file and a changed mode send no content");
	sh("rm link; mkdir link; echo f >link/f; rm -r pkg/sub; echo f >pkg/sub");
	ok(put(id, &st) == 0 && same(), "types change both ways");
	sh("rm -r link pkg; echo one >a.py; ln -s a.py link");
	ok(put(id, &st) == 0 && same(), "what is gone here is gone there");
}

static void
memory_lost(void)
{
	struct bindu_transfer_stats st;
	char id[65];

	sh("rm -rf \"%s/cache\"; echo three >a.py", base);
	ok(put(id, &st) == 0 && same() && st.files_sent == 1,
	    "without our memory of the release the box tells it");
	sh("rm -rf \"%s/.bindu/lib\"; echo four >a.py", fake_home);
	ok(put(id, &st) == 0 && same(), "lost scripts are sent again");
}

static void
breaks(void)
{
	struct bindu_transfer_stats st;
	char id[65], before[65];

	put(before, &st);
	sh("head -c 200000 /dev/urandom >more");
	fake_lose_after = 100000;
	ok(put(id, &st) == -1 && err.code == BINDU_E_IO,
	    "a lost connection is an error");
	sh("test ! -e \"%s/more\"", app);
	ok(put(id, &st) == 0 && same() && st.sent_bytes > 90000 &&
		st.sent_bytes < 120000,
	    "the next run sends the rest");
	sh("head -c 200000 /dev/urandom >more");
	fake_corrupt = true;
	ok(put(id, &st) == 0 && same() && st.sent_bytes > 400000,
	    "a damaged payload is sent again");
}

static void
agents_files(void)
{
	struct bindu_transfer_stats st;
	char id[65], a[65];

	put(a, &st);
	sh("mkdir -p \"%s/.bindu\" \"%s/pkg\"; echo key >\"%s/.bindu/key\"; "
	   "echo db >\"%s/pkg/state.db\"; echo mine >\"%s/new\"",
	    app, app, app, app, app);
	sh("mkdir -p pkg; echo p >pkg/p; echo theirs >new");
	ok(put(id, &st) == 0, "a release comes beside the agent's files");
	sh("grep -q key \"%s/.bindu/key\"; grep -q db \"%s/pkg/state.db\"; "
	   "grep -q theirs \"%s/new\"; "
	   "grep -q mine \"%s/.bindu/trees/app/displaced/%s/new\"",
	    app, app, app, fake_home, id);
	ok(1, "they are as they were; the one in the way was moved aside");
	sh("rm -r pkg; echo file >pkg");
	ok(put(id, &st) == -1 && strstr(err.msg, "files of the agent"),
	    "a directory of the agent is not replaced by a file");
	sh("rm pkg; rm new");
	ok(put(id, &st) == 0, "and the next release goes on");
	sh("test -e \"%s/pkg/state.db\"; test ! -e \"%s/pkg/p\"", app, app);
	ok(1, "managed files disappear, the agent's stay");
}

static void
sessions(void)
{
	struct bindu_session *s, *other;
	struct bindu_transfer_stats st;
	char a[65], b[65];
	unsigned before;

	sh("echo a >v");
	put(a, &st);
	sh("echo b >v");
	before = fake_execs;
	put(b, &st);
	ok(fake_execs == before + 1, "an upload is one exec");
	s = bindu_session_open(NULL, "box", "app", 0, NULL, &err);
	ok(s && !strcmp(bindu_session_current(s), b),
	    "a session knows what is live");
	other = bindu_session_open(NULL, "box", "app", 0, NULL, &err);
	ok(other == NULL && err.code == BINDU_E_EXISTS &&
		strstr(err.msg, "another deploy"),
	    "a second one is told who is there");
	ok(bindu_session_use(s, a, &err) == 0, "back to a kept release");
	sh("grep -q a \"%s/v\"", app);
	ok(bindu_session_note(s, "commit=abc\n", &err) == 0, "a note is kept");
	bindu_session_close(s);
	sh("grep -q commit=abc \"%s/.bindu/trees/app/releases/%s/meta\"",
	    fake_home, a);
	s = bindu_session_open(NULL, "box", "app", 0, NULL, &err);
	ok(s != NULL, "a closed session lets the next one in");
	bindu_session_close(s);
}

static void
tars(void)
{
	AUTO_FREE char *file = xasprintf("%s/t.tar", base);
	struct bindu_transfer_stats st;
	struct bindu_tree *t;
	char id[65], want[65];
	int fd;

	sh("tar -cf %s .", file);
	t = load();
	{
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 20);

		bindu_manifest_write(t, &b, want, &err);
	}
	bindu_tree_free(t);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	ok(bindu_transfer_tar(NULL, "box", &tar_opts, fd, id, &st, NULL,
	       &err) == 0 &&
		!strcmp(id, want),
	    "a tar gives the release its tree would give");
	close(fd);
	sh("printf 'no tar at all, but long enough to be looked at' >%s", file);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	ok(bindu_transfer_tar(NULL, "box", &tar_opts, fd, id, &st, NULL,
	       &err) == -1 &&
		err.code == BINDU_E_DATA,
	    "no tar is bad data: %s", err.msg);
	close(fd);
}

int
main(void)
{
	AUTO_FREE char *cache = NULL;

	if (mkdtemp(base) == NULL)
		return 1;
	cache = xasprintf("%s/cache", base);
	setenv("XDG_CACHE_HOME", cache, 1);
	setenv("BINDU_SHARE_DIR", "share", 0);
	signal(SIGPIPE, SIG_IGN);
	fake_home = xasprintf("%s/home", base);
	tree = xasprintf("%s/tree", base);
	app = xasprintf("%s/app", fake_home);
	bindu_fd_mkdirs(fake_home, 0700, &err);
	bindu_fd_mkdirs(tree, 0700, &err);
	deltas();
	memory_lost();
	breaks();
	agents_files();
	sessions();
	tars();
	bindu_fd_rmtree(AT_FDCWD, base, NULL);
	return done();
}
