/* control.c - start, stop, status and doctor of an instance.
 * SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "boxd/wire.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"

#define DOCTOR_MAX (1 << 20)
#define START_MS 60000
#define STOP_MS 20000
#define POLL_MS 10
#define RECORD_MAX (1 << 20)
#define HUB_MS 20000
#define LOG_MAX (10 << 20)
#define WORD_MAX 2048 /* more than an error's message */
#define UNIT_WORDS 7 /* before the program, of a unit of its own */

/* The last line a failed start left in the log. */
static void
last_words(const struct place *p, off_t from, struct bindu_err *err)
{
	AUTO_FREE char *line =
	    bindu_fd_last_line(p->state_fd, "daemon.log", from);
	const char *say = line != NULL ? line : "it said nothing";

	if (bindu_str_starts(say, "bindu-boxd: "))
		say += strlen("bindu-boxd: ");
	bindu_err_set(err, BINDU_E_UNAVAILABLE, "bindu-boxd did not start: %s",
	    say);
}

static bool
is_serving(const struct place *p)
{
	AUTO_CLOSE int fd = place_holder(p) ?
	    bindu_fd_unix_connect(p->socket, SOCK_STREAM, NULL) :
	    -1;
	AUTO_JSON json_t *facts = place_facts(p);

	return fd != -1 && facts &&
	    bindu_json_int(facts, "pid", 0) == place_holder(p);
}

/* 1: whoever held it was about to end, and has. */
static int
wait_serving(const struct place *p, int64_t deadline, struct bindu_err *err)
{
	while (!is_serving(p)) {
		if (!place_holder(p))
			return 1;
		if (bindu_clock_left(deadline) == 0)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "bindu-boxd (pid %d) does not serve %s yet",
			    (int)place_holder(p), p->socket);
		bindu_clock_sleep(POLL_MS);
	}
	return 0;
}

/* Under systemd what a unit started ends with it, a CI job's daemon and boxes
 * too, and a login's where logind kills what it left: the daemon gets a unit of
 * its own.  Root's is the machine's; an ordinary user's lasts only where the
 * user's manager does.  NULL: there is none. */
static const char *
unit_manager(void)
{
	const struct passwd *pw = geteuid() != 0 ? getpwuid(geteuid()) : NULL;
	AUTO_FREE char *lingers =
	    pw ? xasprintf("/var/lib/systemd/linger/%s", pw->pw_name) : NULL;

	if (access("/run/systemd/system", F_OK) == -1)
		return NULL;
	if (geteuid() == 0)
		return "--system";
	return lingers && access(lingers, F_OK) == 0 ? "--user" : NULL;
}

static pid_t
spawn_run(const struct place *p, const char *listen, int log, int ready,
    const char *manager, struct bindu_err *err)
{
	AUTO_FREE char *fd = xasprintf("%d", ready);
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	const char *argv[] = { "systemd-run", "--scope", manager, "--quiet",
		"--collect", "--description=bindu-boxd", "--", exe, "run", "-v",
		"--state", p->state, "--socket", p->socket, "--ready-fd", fd,
		listen ? "--listen" : NULL, listen, NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;

	if (n == -1)
		return bindu_err_sys(err, "cannot find bindu-boxd's program");
	exe[n] = '\0';
	o.argv = manager ? argv : argv + UNIT_WORDS;
	o.cwd = "/";
	o.out = o.err = log;
	o.own_session = true;
	o.keep_fd = ready;
	/* A lock or pipe of who starts us would be held as long as boxes run. */
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	return bindu_proc_spawn(&o, err);
}

/* The log to append to; a big one is put aside first. */
static int
open_log(const struct place *p)
{
	struct stat st;

	if (fstatat(p->state_fd, "daemon.log", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size > LOG_MAX)
		renameat(p->state_fd, "daemon.log", p->state_fd,
		    "daemon.log.1");
	return openat(p->state_fd, "daemon.log",
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* 0: it serves, 1: it ended, -1: err is set. */
static int
start_once(const struct place *p, const char *listen, int log,
    const char *manager, int64_t deadline, struct bindu_err *err)
{
	int ends[2];
	AUTO_CLOSE int in = -1;
	struct pollfd pfd = { .events = POLLIN };
	char word[WORD_MAX + 1];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return bindu_err_sys(err, "cannot start bindu-boxd");
	in = ends[0];
	pid = spawn_run(p, listen, log, ends[1], manager, err);
	close(ends[1]);
	if (pid == -1)
		return manager ? 1 : -1;
	pfd.fd = in;
	if (poll(&pfd, 1, bindu_clock_left(deadline)) != 1)
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "bindu-boxd was not "
		    "ready in time, see %s/daemon.log",
		    p->state);
	/* A newline, and in the same write why no box can start. */
	n = read(in, word, WORD_MAX);
	if (n > 1)
		bindu_log(BINDU_WARN, "it serves, but no box can start: %.*s",
		    (int)n - 1, word + 1);
	return n > 0 ? 0 : 1;
}

/* 0: it serves, 1: another did as we tried, and has ended, -1: err is set. */
static int
start(const struct place *p, const char *listen, int64_t deadline,
    struct bindu_err *err)
{
	AUTO_CLOSE int log = -1;
	const char *manager = unit_manager();
	off_t before;
	int rc = 1;

	if (place_holder(p))
		return wait_serving(p, deadline, err);
	log = open_log(p);
	if (log == -1)
		return bindu_err_sys(err, "cannot start bindu-boxd");
	before = lseek(log, 0, SEEK_END);
	/* A systemd that refuses is no reason not to serve. */
	if (manager)
		rc = start_once(p, listen, log, manager, deadline, err);
	if (rc == 1)
		rc = start_once(p, listen, log, NULL, deadline, err);
	if (rc != 1)
		return rc;
	/* It ended: somebody else may have won the race. */
	if (place_holder(p))
		return wait_serving(p, deadline, err);
	last_words(p, before, err);
	return -1;
}

int
control_start(const struct place *p, const char *listen, struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(START_MS);
	int rc;

	do
		rc = start(p, listen, deadline, err);
	while (rc == 1 && bindu_clock_left(deadline) > 0);
	return rc == 1 ?
	    bindu_err_set(err, BINDU_E_AGAIN,
		"bindu-boxd for %s ends as often as it starts", p->state) :
	    rc;
}

int
control_stop(const struct place *p, struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(STOP_MS);
	pid_t pid = place_holder(p);

	if (!pid)
		return 0;
	if (kill(pid, SIGTERM) == -1 && errno != ESRCH)
		return bindu_err_sys(err, "cannot stop bindu-boxd (pid %d)",
		    (int)pid);
	while (place_holder(p) == pid) {
		if (bindu_clock_left(deadline) == 0)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "bindu-boxd (pid %d) has not ended yet", (int)pid);
		bindu_clock_sleep(POLL_MS);
	}
	return 0;
}

/* For each entry of STATE/dir: fn adds to the array. */
static json_t *
each(const struct place *p, const char *dir,
    void (*fn)(json_t *, int dirfd, const char *name))
{
	AUTO_FREE char *path = bindu_path_join(p->state, dir);
	json_t *a = json_array();
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			fn(a, dirfd(d), e->d_name);
	if (d)
		closedir(d);
	return a;
}

/* A record says what was so when a daemon last looked; a boot of the machine
 * since then has ended all. */
static const char *
state_now(int dir, const char *id, const char *said)
{
	AUTO_FREE char *path =
	    xasprintf("/proc/self/fd/%d/%s/monitor.sock", dir, id);
	AUTO_CLOSE int fd = -1;

	if (said == NULL ||
	    (strcmp(said, "running") != 0 && strcmp(said, "suspended") != 0))
		return said;
	fd = bindu_fd_unix_connect(path, SOCK_SEQPACKET, NULL);
	return fd == -1 ? "stopped" : said;
}

static void
add_box(json_t *a, int dir, const char *name)
{
	AUTO_FREE char *path = bindu_path_join(name, "box.json");
	AUTO_FREE char *text = NULL;
	AUTO_JSON json_t *o = NULL;
	static const char *const keys[] = { "id", "name", "state", "image" };
	json_t *box;
	size_t n;

	if (bindu_fd_read_file(dir, path, RECORD_MAX, &text, &n, NULL) == -1 ||
	    !(o = bindu_json_parse(text, n, RECORD_MAX, name, NULL)))
		return;
	box = json_object();
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		bindu_json_set_str(box, keys[i], bindu_json_str(o, keys[i]));
	bindu_json_set_str(box, "state",
	    state_now(dir, name, bindu_json_str(o, "state")));
	json_array_append_new(a, box);
}

/* One exchange with a hub that listens already. */
static json_t *
ask_hub(const struct place *p, const char *op)
{
	AUTO_FREE char *path = bindu_path_join(p->state, "hub.sock");
	AUTO_CLOSE int sock = bindu_fd_unix_connect(path, SOCK_SEQPACKET, NULL);
	AUTO_JSON json_t *req = json_pack("{ss}", "op", op);
	struct timeval limit = { .tv_sec = HUB_MS / 1000 };
	int fds[BOXD_WIRE_FDS];
	json_t *answer = NULL;

	if (sock == -1)
		return NULL;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (boxd_wire_send(sock, req, NULL, 0, NULL) == -1 ||
	    boxd_wire_recv(sock, &answer, fds, NULL) != 1)
		return NULL;
	return answer;
}

json_t *
control_images(const struct place *p)
{
	AUTO_JSON json_t *facts = ask_hub(p, "ping");
	json_t *images = json_object_get(facts, "images");

	return images ? json_incref(images) : json_array();
}

json_t *
control_status(const struct place *p)
{
	pid_t pid = place_holder(p);
	AUTO_JSON json_t *facts = pid ? place_facts(p) : NULL;
	json_t *o = json_object();

	json_object_set_new(o, "running", json_boolean(pid != 0));
	if (pid)
		bindu_json_set_int(o, "pid", pid);
	bindu_json_set_str(o, "socket", p->socket);
	bindu_json_set_str(o, "address", bindu_json_str(facts, "address"));
	bindu_json_set_str(o, "state", p->state);
	json_object_set_new(o, "images", control_images(p));
	json_object_set_new(o, "boxes", each(p, "boxes", add_box));
	return o;
}

/* The relay's chatter is nobody's business; our own program's words are. */
static void
pass_on(int fd)
{
	AUTO_FREE char *text = NULL;
	char *rest, *line;
	size_t n;

	if (lseek(fd, 0, SEEK_SET) == -1 ||
	    bindu_fd_read_all(fd, DOCTOR_MAX, &text, &n, NULL) == -1)
		return;
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (bindu_str_starts(line, "boxd-monitor: "))
			fprintf(stderr, "%s\n", line);
}

json_t *
control_doctor(const struct place *p, struct bindu_err *err)
{
	AUTO_FREE char *prog = bindu_config_libexec("boxd-monitor");
	const char *argv[] = { prog, "hub", "--ready-fd", NULL, p->state,
		NULL };
	AUTO_FREE char *fd = NULL;
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	json_t *facts = ask_hub(p, "ping");
	AUTO_CLOSE int in = -1, said = -1;
	struct pollfd pfd = { .events = POLLIN };
	int ends[2];
	pid_t pid;

	if (facts)
		return facts;
	if (pipe2(ends, O_CLOEXEC) == -1) {
		bindu_err_sys(err, "cannot make a pipe");
		return NULL;
	}
	pfd.fd = in = ends[0];
	argv[3] = fd = xasprintf("%d", ends[1]);
	said = memfd_create("doctor", MFD_CLOEXEC);
	o.argv = argv;
	o.err = said;
	o.keep_fd = ends[1];
	pid = bindu_proc_spawn(&o, err);
	close(ends[1]);
	if (pid == -1)
		return NULL;
	poll(&pfd, 1, HUB_MS);
	facts = ask_hub(p, "ping");
	bindu_proc_stop(pid, false, 5000);
	pass_on(said);
	if (!facts)
		bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "this machine cannot run boxes: see above");
	return facts;
}
