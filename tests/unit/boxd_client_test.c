/* boxd_client_test.c - what no tool shows: files up and down with the faults
 * of old servers, dialogues, wakes; against tests/stub/badboxd.py.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"
#include "lib/remote/stream.h"
#include "tap.h"

static char dir[] = "/tmp/bindu-unit-XXXXXX";
static pid_t stub;
static struct bindu_remote *remote;

static void
stop_stub(void)
{
	if (stub > 0)
		bindu_proc_stop(stub, true, 2000);
	bindu_fd_rmtree(AT_FDCWD, dir, NULL);
}

static char *
in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void
start_stub(void)
{
	const char *argv[] = { "tests/stub/badboxd.py", dir, "127.0.0.1:0",
		NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	AUTO_FREE char *file = NULL;
	AUTO_FREE char *url = NULL;
	char *port = NULL;
	size_t n;

	if (mkdtemp(dir) == NULL)
		exit(99);
	file = in_dir("port");
	o.argv = argv;
	o.own_session = true;
	stub = bindu_proc_spawn(&o, NULL);
	atexit(stop_stub);
	for (int i = 0; i < 200 && access(file, R_OK) == -1; i++)
		bindu_clock_sleep(100);
	if (bindu_fd_read_file(AT_FDCWD, file, 100, &port, &n, NULL) == -1)
		exit(99);
	url = xasprintf("http://127.0.0.1:%d", atoi(port));
	free(port);
	setenv("BOXD_API_URL", url, 1);
	setenv("BOXD_TOKEN", "t", 1);
	setenv("BINDU_RUNTIME", "boxd", 1);
	unsetenv("BOXD_BASE_URL");
}

static void
behave(const char *script)
{
	AUTO_FREE char *file = in_dir("script");
	AUTO_CLOSE int fd =
	    open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	bindu_fd_write(fd, script, strlen(script));
}

static int
temp_file(const char *p, size_t n)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd == -1 || bindu_fd_write(fd, p, n) == -1)
		exit(99);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static char *
noise(size_t n)
{
	char *p = xmalloc(n + 1);
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++)
		p[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
	p[n] = '\0';
	return p;
}

static const struct {
	const char *what, *script;
	size_t size;
	enum bindu_errc code;
} puts_rows[] = {
	{ "an empty file", "", 0, BINDU_E_NONE },
	{ "one byte", "", 1, BINDU_E_NONE },
	{ "a piece and a byte", "", 262145, BINDU_E_NONE },
	{ "3 MiB", "", 3 << 20, BINDU_E_NONE },
	{ "what is cut short twice", "UploadFileStream short*2", 10000,
	    BINDU_E_NONE },
	{ "what is cut short always", "UploadFileStream short", 10000,
	    BINDU_E_DATA },
	{ "a server without streams", "UploadFileStream UNIMPLEMENTED*1", 10000,
	    BINDU_E_NONE },
	{ "3 MiB without streams", "", 3 << 20, BINDU_E_NONE },
};

/* The last two find out about streams and remember it. */
static void
check_put(size_t i)
{
	AUTO_FREE char *path = in_dir("up/load");
	AUTO_FREE char *data = noise(puts_rows[i].size);
	AUTO_CLOSE int fd = temp_file(data, puts_rows[i].size);
	struct bindu_err err = { 0 };
	char *got = NULL;
	size_t n = 0;
	int rc;

	unlink(path);
	behave(puts_rows[i].script);
	rc =
	    bindu_box_put(remote, "b", path, fd, puts_rows[i].size, NULL, &err);
	if (puts_rows[i].code != BINDU_E_NONE) {
		ok(rc == -1 && err.code == puts_rows[i].code,
		    "upload of %s fails: %s", puts_rows[i].what, err.msg);
		return;
	}
	bindu_fd_read_file(AT_FDCWD, path, 8 << 20, &got, &n, NULL);
	ok(rc == 0 && n == puts_rows[i].size && memcmp(got, data, n) == 0,
	    "upload: %s arrives%s%s", puts_rows[i].what, rc ? ": " : "",
	    err.msg);
	free(got);
}

static void
check_fetch(const char *what, const char *script, size_t size,
    enum bindu_errc code)
{
	AUTO_FREE char *path = in_dir("down");
	AUTO_FREE char *data = noise(size);
	AUTO_CLOSE int out = temp_file("", 0);
	struct bindu_err err = { 0 };
	char *got = NULL;
	size_t n = 0;
	int rc, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	bindu_fd_write(fd, data, size);
	close(fd);
	behave(script);
	rc = bindu_box_fetch(remote, "b", path, out, NULL, &err);
	if (code != BINDU_E_NONE) {
		ok(rc == -1 && err.code == code, "download: %s fails: %s", what,
		    err.msg);
		return;
	}
	lseek(out, 0, SEEK_SET);
	bindu_fd_read_all(out, 8 << 20, &got, &n, NULL);
	ok(rc == 0 && n == size && memcmp(got, data, n) == 0,
	    "download: %s arrives", what);
	free(got);
}

static void
check_capture(void)
{
	struct bindu_exec_opts o = { .command = "cat; echo err >&2; exit 3" };
	size_t size = 5 << 20;
	AUTO_FREE char *data = noise(size);
	AUTO_BUF struct bindu_buf out = BINDU_BUF_INIT(8 << 20);
	AUTO_BUF struct bindu_buf errout = BINDU_BUF_INIT(100);
	AUTO_BUF struct bindu_buf tiny = BINDU_BUF_INIT(1000);
	struct bindu_exec_end end;
	struct bindu_err err = { 0 };
	int rc;

	behave("");
	rc = bindu_exec_capture(remote, "b", &o, data, size, &out, &errout,
	    &end, &err);
	ok(rc == 0 && end.code == 3 && out.len == size &&
		memcmp(out.p, data, size) == 0,
	    "capture: 5 MiB go through a command that answers as it reads");
	ok(errout.len == 4, "capture: the error stream is apart");
	rc = bindu_exec_capture(remote, "b", &o, data, size, &tiny, &errout,
	    &end, &err);
	ok(rc == -1 && err.code == BINDU_E_DATA,
	    "capture: more than the cap is an error");
	o.command = "sleep 20";
	o.timeout_ms = 300;
	rc = bindu_exec_capture(remote, "b", &o, NULL, 0, &out, &errout, &end,
	    &err);
	ok(rc == -1 && end.code == 124, "capture: a time limit is kept");
}

static void *
wake_later(void *arg)
{
	bindu_clock_sleep(200);
	bindu_exec_wake(arg);
	return NULL;
}

static void
check_dialogue(void)
{
	struct bindu_exec_opts o = {
		.command = "while read -r x; do echo \"<$x>\"; done"
	};
	struct bindu_exec *e = bindu_exec_open(remote, "b", &o, NULL);
	enum bindu_exec_event event = BINDU_EXEC_END;
	struct bindu_exec_end end = { -1, false };
	pthread_t thread;
	const char *p = "";
	int64_t began;
	size_t n = 0;

	bindu_exec_send(e, "a b\n", 4, NULL);
	bindu_exec_recv(e, 5000, &event, &p, &n, &end, NULL);
	ok(event == BINDU_EXEC_OUT && n == 6 && memcmp(p, "<a b>\n", 6) == 0,
	    "dialogue: an answer to a line");
	bindu_exec_recv(e, 100, &event, &p, &n, &end, NULL);
	ok(event == BINDU_EXEC_NOTHING, "dialogue: silence is no event");
	began = bindu_clock_ms();
	pthread_create(&thread, NULL, wake_later, e);
	bindu_exec_recv(e, 20000, &event, &p, &n, &end, NULL);
	pthread_join(thread, NULL);
	ok(event == BINDU_EXEC_NOTHING && bindu_clock_ms() - began < 5000,
	    "dialogue: another thread wakes the wait");
	bindu_exec_eof(e, NULL);
	bindu_exec_recv(e, 5000, &event, &p, &n, &end, NULL);
	ok(event == BINDU_EXEC_END && end.code == 0 && end.started,
	    "dialogue: its end has the exit status");
	bindu_exec_close(e);
}

int
main(void)
{
	struct bindu_remote_opts o = { .runtime = NULL };
	struct bindu_box_config c = { .name = "b" };
	struct bindu_box_info info = { 0 };
	struct bindu_err err = { 0 };

	start_stub();
	if (bindu_remote_open(&o, NULL, &remote, &err) == -1 ||
	    bindu_box_create(remote, &c, &info, &err) == -1) {
		ok(0, "cannot begin: %s", err.msg);
		return done();
	}
	bindu_box_info_fini(&info);
	for (size_t i = 0; i < sizeof(puts_rows) / sizeof(puts_rows[0]); i++)
		check_put(i);
	check_fetch("an empty file", "", 0, BINDU_E_NONE);
	check_fetch("2 MiB", "", 2 << 20, BINDU_E_NONE);
	check_fetch("what ends early", "DownloadFileStream short", 9999,
	    BINDU_E_DATA);
	check_capture();
	check_dialogue();
	bindu_remote_close(remote);
	return done();
}
