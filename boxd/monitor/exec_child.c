/* exec_child.c - the last steps before a command: terminal, user, limits,
 * environment.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>
#include "bundle.h"
#include "exec.h"
#include "exec_user.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"

#define TTY_GID 5

static enum bindu_errc
class_of(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR ? BINDU_E_NOINPUT :
	    errnum == EACCES || errnum == EPERM	     ? BINDU_E_AUTH :
						       BINDU_E_SYSTEM;
}

static _Noreturn void
die_errno(const char *what)
{
	exec_die(class_of(errno), 125, "cannot %s in the box: %s", what,
	    strerror(errno));
}

/* A terminal of the box's own devpts; the master goes to the monitor. */
static void
open_tty(const json_t *req, uid_t uid)
{
	struct winsize ws = {
		.ws_col = (unsigned short)bindu_json_int(req, "cols", 80),
		.ws_row = (unsigned short)bindu_json_int(req, "rows", 24),
	};
	struct exec_note note = { .kind = NOTE_PTY };
	int unlock = 0, slave;
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master == -1 || ioctl(master, TIOCSPTLCK, &unlock) == -1)
		die_errno("open a terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	if (slave == -1)
		die_errno("open a terminal");
	/* Images without a tty group keep the gid devpts gave. */
	if (fchown(slave, uid, TTY_GID) == -1 &&
	    fchown(slave, uid, (gid_t)-1) == -1)
		die_errno("own a terminal");
	ioctl(master, TIOCSWINSZ, &ws);
	exec_note(&note, master);
	close(master);
	if (ioctl(slave, TIOCSCTTY, 0) == -1)
		die_errno("take a terminal");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) == -1)
			die_errno("use a terminal");
	if (slave > 2)
		close(slave);
}

/* exec_enter() left us what the box's root may have; others have nothing. */
static void
become_user(const struct exec_user *u)
{
	struct __user_cap_header_struct h = { .version =
						  _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (setgroups(u->ngroups, u->groups) == -1 ||
	    setresgid(u->gid, u->gid, u->gid) == -1 ||
	    setresuid(u->uid, u->uid, u->uid) == -1)
		die_errno("become the user");
	if (u->uid != 0 && syscall(SYS_capset, &h, none) == -1)
		die_errno("drop capabilities");
}

static void
put_env(const json_t *list)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		const char *s = json_string_value(v);

		if (s && *s != '=' && strchr(s, '='))
			putenv(xstrdup(s));
	}
}

static void
make_env(const struct monitor *m, const json_t *req, const struct exec_user *u)
{
	AUTO_FREE char *path = xasprintf("%s/.local/bin:" BUNDLE_PATH, u->home);

	clearenv();
	setenv("PATH", u->uid == 0 ? BUNDLE_PATH : path, 1);
	setenv("HOME", u->home, 1);
	setenv("USER", u->name, 1);
	setenv("LOGNAME", u->name, 1);
	setenv("SHELL", u->shell, 1);
	setenv("LANG", "C.UTF-8", 1);
	if (bindu_json_bool(req, "tty", 0))
		setenv("TERM", "xterm-256color", 1);
	put_env(m->box_env);
	put_env(json_object_get(req, "env"));
}

static void
enter_dir(const json_t *req, const struct exec_user *u)
{
	const char *cwd = bindu_json_str(req, "cwd");

	if (!cwd || !*cwd) {
		if (chdir(u->home) == -1 && chdir("/") == -1)
			die_errno("change to /");
		return;
	}
	if (chdir(cwd) == -1 &&
	    (*cwd == '/' || chdir(u->home) == -1 || chdir(cwd) == -1))
		exec_die(class_of(errno), 125,
		    "cannot change to %s in the "
		    "box: %s",
		    cwd, strerror(errno));
}

/* The command's words; a login shell when there is none. */
static char **
make_argv(const json_t *req, const struct exec_user *u, const char **file)
{
	const json_t *words = json_object_get(req, "argv");
	const char *line = bindu_json_str(req, "command");
	size_t n = json_array_size(words);
	char **argv = xcalloc(n + 4, sizeof *argv);

	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(words, i));

		argv[i] = xstrdup(s ? s : "");
	}
	if (n == 0 && line && *line) {
		argv[0] = xstrdup("/bin/sh");
		argv[1] = xstrdup("-c");
		argv[2] = xstrdup(line);
	} else if (n == 0) {
		argv[0] = xasprintf("-%s", bindu_path_base(u->shell));
		*file = u->shell;
		return argv;
	}
	*file = argv[0];
	return argv;
}

static void
limit(int what, rlim_t value)
{
	struct rlimit r;

	if (getrlimit(what, &r) == -1)
		return;
	if (r.rlim_max != RLIM_INFINITY && value > r.rlim_max)
		value = r.rlim_max;
	r.rlim_cur = r.rlim_max = value;
	setrlimit(what, &r);
}

void
exec_child(const struct monitor *m, const void *request)
{
	const json_t *req = request;
	const char *name = bindu_json_str(req, "user");
	bool tty = bindu_json_bool(req, "tty", 0);
	struct exec_user u;
	struct bindu_err e = { 0 };
	const char *file;
	char **argv;

	if (exec_user_find("/etc", name ? name : "boxd", &u, &e) == -1)
		exec_die(e.code, 125, "%s", e.msg);
	if (!m->env->rootful)
		exec_tree_hold();
	if (setsid() == -1)
		die_errno("start a session");
	if (tty)
		open_tty(req, u.uid);
	limit(RLIMIT_CORE, BUNDLE_CORE);
	if (!m->env->rootful)
		limit(RLIMIT_NPROC, BUNDLE_PIDS);
	become_user(&u);
	umask(022);
	enter_dir(req, &u);
	make_env(m, req, &u);
	argv = make_argv(req, &u, &file);
	execvp(file, argv);
	exec_die(class_of(errno), errno == ENOENT ? 127 : 126,
	    "cannot run %s in the box: %s", file, strerror(errno));
}
