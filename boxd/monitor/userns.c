/* userns.c - the namespaces boxes live in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hub.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "outside.h"

#define IDS 65536u
#define PROCESSES 4096
#define MAP_LIMIT_MS 10000
#define PROFILE "/etc/apparmor.d/bindu-boxd"

/* The user's name without NSS: a static program cannot load its modules. */
static char *
user_name(uid_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *pw;
	char *name = NULL;

	if (f == NULL)
		return NULL;
	while (name == NULL && (pw = fgetpwent(f)) != NULL)
		if (pw->pw_uid == uid)
			name = xstrdup(pw->pw_name);
	fclose(f);
	return name;
}

/* First range of 65535 ids or more in /etc/subuid or /etc/subgid. */
static int
sub_ids(const char *path, const char *user, uid_t uid, unsigned long *start)
{
	FILE *f = fopen(path, "re");
	char line[512], number[24];
	int found = -1;

	if (f == NULL)
		return -1;
	snprintf(number, sizeof number, "%u", (unsigned)uid);
	while (found == -1 && fgets(line, sizeof line, f) != NULL) {
		char who[256];
		unsigned long first, count;

		if (sscanf(line, "%255[^:]:%lu:%lu", who, &first, &count) != 3)
			continue;
		if (strcmp(who, number) != 0 &&
		    (user == NULL || strcmp(who, user) != 0))
			continue;
		if (count >= IDS - 1) {
			*start = first;
			found = 0;
		}
	}
	fclose(f);
	return found;
}

/* newuidmap PID 0 OWN 1 1 SUB 65535, or newgidmap, outside. */
static int
map_ids(struct hub *h, const char *program, unsigned own, unsigned long sub,
    struct bindu_err *err)
{
	static const int none[2] = { -1, -1 };
	AUTO_FREE char *pid = xasprintf("%d", (int)getpid());
	AUTO_FREE char *id = xasprintf("%u", own);
	AUTO_FREE char *first = xasprintf("%lu", sub);
	const char *const argv[] = { program, pid, "0", id, "1", "1", first,
		"65535", NULL };
	AUTO_CLOSE int job = -1;
	int status;

	job = outside_run(h->outside, argv, NULL, none, none, false, err);
	if (job == -1)
		return -1;
	status = outside_wait(job, MAP_LIMIT_MS, err);
	if (status > 0)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "%s failed with "
		    "status %d: install uidmap and check /etc/subuid, "
		    "/etc/subgid",
		    program, status);
	return status;
}

static bool
setting_is(const char *path, char value)
{
	char c = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	if (read(fd, &c, 1) != 1)
		c = '\0';
	close(fd);
	return c == value;
}

static int
refused(const char *what, struct bindu_err *err)
{
	if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
		'1'))
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "cannot make %s: "
		    "AppArmor keeps user namespaces from ordinary users here; "
		    "allow them to this program: bindu-boxd apparmor | "
		    "sudo tee " PROFILE " && sudo apparmor_parser -r " PROFILE
		    "; or use the tools with sudo",
		    what);
	if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", '0') ||
	    setting_is("/proc/sys/user/max_user_namespaces", '0'))
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "cannot make %s: "
		    "user namespaces are off for ordinary users here; sudo "
		    "sysctl -w kernel.unprivileged_userns_clone=1 "
		    "user.max_user_namespaces=10000, or use the tools with "
		    "sudo",
		    what);
	return bindu_err_sys(err, "cannot make %s", what);
}

/* Fork bombs without cgroups: the kernel holds a user namespace, all its ids
 * together, to the limit of its maker, and nobody inside can raise that.  A
 * quarter of what the user may have leaves the machine to the others. */
static void
limit_processes(void)
{
	struct rlimit r;
	rlim_t few;

	if (getrlimit(RLIMIT_NPROC, &r) == -1)
		return;
	few = r.rlim_cur == RLIM_INFINITY ? 4 * PROCESSES : r.rlim_cur / 4;
	if (few < PROCESSES)
		few = PROCESSES;
	if (few < r.rlim_cur)
		r.rlim_cur = few;
	setrlimit(RLIMIT_NPROC, &r);
}

/* Become root of a user namespace with the user's own 65536 ids. */
static int
outer_userns(struct hub *h, struct bindu_err *err)
{
	AUTO_FREE char *user = user_name(getuid());
	unsigned uid = getuid(), gid = getgid();
	unsigned long subuid, subgid;

	if (sub_ids("/etc/subuid", user, uid, &subuid) == -1 ||
	    sub_ids("/etc/subgid", user, uid, &subgid) == -1)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "add 65536 sub-ids "
		    "for %s to /etc/subuid and /etc/subgid and install uidmap: "
		    "sudo usermod --add-subuids 100000-165535 --add-subgids "
		    "100000-165535 %s (or another free range)",
		    user ? user : "this user", user ? user : "USER");
	limit_processes();
	if (unshare(CLONE_NEWUSER) == -1)
		return refused("a user namespace", err);
	if (map_ids(h, "newuidmap", uid, subuid, err) == -1 ||
	    map_ids(h, "newgidmap", gid, subgid, err) == -1)
		return -1;
	/* Ubuntu 24.04 grants the namespace and no capability in it. */
	if (setresgid(0, 0, 0) == -1 || setresuid(0, 0, 0) == -1)
		return refused("a user namespace with a root", err);
	return 0;
}

/* crun refuses a cgroup v1 tree with v2 controllers beside it, so here that
 * tree goes away; and an ordinary user has no cgroups at all. */
static int
hide_cgroups(bool rootful, struct bindu_err *err)
{
	static const char all[] = "/sys/fs/cgroup";
	static const char v2[] = "/sys/fs/cgroup/unified";

	if (!rootful) {
		if (access(all, F_OK) == 0 &&
		    mount("tmpfs", all, "tmpfs",
			MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k") == -1)
			return bindu_err_sys(err, "cannot hide %s", all);
		return 0;
	}
	if (access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0 &&
	    umount2(v2, MNT_DETACH) == -1)
		return bindu_err_sys(err, "cannot unmount %s", v2);
	return 0;
}

static int
make_namespaces(struct hub *h, struct bindu_err *err)
{
	if (!h->rootful && outer_userns(h, err) == -1)
		return -1;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) == -1)
		return refused("a mount and a network namespace", err);
	/* Slave, not private: what the host unmounts is not kept busy here. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == -1)
		return bindu_err_sys(err, "cannot separate the mounts");
	return hide_cgroups(h->rootful, err);
}

/* The monitor of a running box, or 0.  Its pid comes from its socket. */
static pid_t
live_monitor(const struct hub *h)
{
	AUTO_FREE char *boxes = xasprintf("%s/boxes", h->state);
	DIR *d = opendir(boxes);
	struct dirent *e;
	pid_t pid = 0;

	while (d != NULL && pid == 0 && (e = readdir(d)) != NULL) {
		AUTO_FREE char *path = NULL;
		AUTO_CLOSE int fd = -1;
		struct ucred who;
		socklen_t n = sizeof who;

		if (e->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s/monitor.sock", boxes, e->d_name);
		fd = bindu_fd_unix_connect(path, SOCK_SEQPACKET, NULL);
		if (fd != -1 &&
		    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0)
			pid = who.pid;
	}
	if (d != NULL)
		closedir(d);
	return pid;
}

bool
hub_has_boxes(const struct hub *h)
{
	return live_monitor(h) != 0;
}

static int
join(const struct hub *h, pid_t pid, struct bindu_err *err)
{
	static const struct {
		const char *name;
		int type;
	} rows[] = { { "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS },
		{ "net", CLONE_NEWNET } };
	int fds[3] = { -1, -1, -1 };
	int rc = 0;

	/* All are opened first: /proc is another one after the second. */
	for (int i = h->rootful ? 1 : 0; rc == 0 && i < 3; i++) {
		AUTO_FREE char *path =
		    xasprintf("/proc/%d/ns/%s", (int)pid, rows[i].name);

		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] == -1)
			rc = bindu_err_sys(err, "cannot open %s", path);
	}
	for (int i = 0; rc == 0 && i < 3; i++)
		if (fds[i] != -1 && setns(fds[i], rows[i].type) == -1)
			rc = bindu_err_sys(err,
			    "cannot join the running "
			    "boxes' %s namespace",
			    rows[i].name);
	for (int i = 0; i < 3; i++)
		bindu_cleanup_close(&fds[i]);
	if (rc == 0 && !h->rootful &&
	    (setresgid(0, 0, 0) == -1 || setresuid(0, 0, 0) == -1))
		rc = bindu_err_sys(err,
		    "cannot become root of the boxes' "
		    "user namespace");
	return rc;
}

int
hub_enter(struct hub *h, bool *joined, struct bindu_err *err)
{
	pid_t pid = live_monitor(h);

	*joined = pid != 0;
	if ((*joined ? join(h, pid, err) : make_namespaces(h, err)) == -1)
		return -1;
	/* The change of namespace hid /proc/PID from its own user, whose relay
	 * and next hub have to find the namespaces there. */
	if (!h->rootful && prctl(PR_SET_DUMPABLE, 1) == -1)
		return bindu_err_sys(err, "cannot show the namespaces");
	return 0;
}
