/* monitor.c - a box from the start request to its last trace.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bundle.h"
#include "crun.h"
#include "disk.h"
#include "exec.h"
#include "hold.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "monitor_priv.h"
#include "mount.h"
#include "net.h"
#include "seccomp.h"

static int
cgroups_of(const struct monitor_env *env, const char *id, struct cgroup *cg,
    struct bindu_err *err)
{
	AUTO_FREE char *parent = xasprintf("boxd-%s", env->tag);

	if (!env->rootful)
		return 0;
	return cgroup_init(cg, parent, id, err);
}

/* It becomes a part of paths, and crun's container id. */
static bool
is_id(const char *id)
{
	return id && *id && *id != '.' && *id != '-' && strlen(id) <= 64 &&
	    id[strspn(id,
		"abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0';
}

/* The fields this process relies on. */
static int
check_start(struct monitor *m, const json_t *start, struct bindu_err *err)
{
	const char *hostname = bindu_json_str(start, "hostname");

	m->id = bindu_json_str(start, "id");
	m->name = bindu_json_str(start, "name");
	m->dir = bindu_json_str(start, "dir");
	if (!m->name)
		m->name = m->id;
	if (!is_id(m->id))
		return bindu_err_set(err, BINDU_E_DATA, "not a box's id");
	if (!m->dir || *m->dir != '/')
		return bindu_err_set(err, BINDU_E_DATA,
		    "box %s needs an absolute dir", m->id);
	if (!hostname || !bindu_name_is_label(hostname))
		return bindu_err_set(err, BINDU_E_DATA,
		    "box %s needs a hostname that is a label", m->id);
	return 0;
}

/* The daemon made it, and may have removed it again. */
static int
enter_dir(struct monitor *m, struct bindu_err *err)
{
	AUTO_CLOSE int dir = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir == -1 || fchdir(dir) == -1)
		return bindu_err_sys(err, "cannot enter %s", m->dir);
	m->lock = hold_take(dir, err);
	if (m->lock == -1)
		return bindu_err_wrap(err, "%s", m->dir);
	m->dirfd = bindu_steal_fd(&dir);
	return 0;
}

/* A session, a mount namespace, orphans of crun and the way back home. */
static int
settle(struct monitor *m, struct bindu_err *err)
{
	umask(022);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return bindu_err_sys(err, "cannot make a mount namespace");
	mount_forget(m->env);
	m->home_pidns = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	m->home_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (m->home_pidns == -1 || m->home_netns == -1)
		return bindu_err_sys(err, "cannot open our own namespaces");
	return enter_dir(m, err);
}

/* Init's stdin is a pipe that only we could write to: it sees our death.
 * Its output comes to us, for the bounded log. */
static int
make_stdio(struct monitor *m, int *in, int *out, struct bindu_err *err)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		return bindu_err_sys(err, "cannot make a pipe");
	*in = p[0];
	m->init_stdin = p[1];
	if (pipe2(p, O_CLOEXEC) == -1)
		return bindu_err_sys(err, "cannot make a pipe");
	m->console.fd = p[0];
	*out = p[1];
	return 0;
}

static int
start_init(struct monitor *m, const json_t *start, struct bindu_err *err)
{
	AUTO_CLOSE int in = -1;
	AUTO_CLOSE int out = -1;
	const char *ip = bindu_json_str(start, "ip");

	if (make_stdio(m, &in, &out, err) == -1)
		return -1;
	m->init = crun_create(m->env, m->id, m->dir, in, out, err);
	if (m->init == -1) {
		m->init = 0;
		return -1;
	}
	m->init_pidfd = (int)syscall(SYS_pidfd_open, m->init, 0);
	if (m->init_pidfd == -1)
		return bindu_err_sys(err, "cannot open the box's init");
	if (m->env->network && ip && *ip) {
		m->ip = ip;
		if (net_attach(m->init, ip, m->id, err) == -1)
			return -1;
	}
	return crun_start(m->env, m->id, m->dir, in, out, err);
}

static int
boot(struct monitor *m, const json_t *start, struct bindu_err *err)
{
	int64_t disk = bindu_json_int(start, "disk_bytes", 0);

	if (check_start(m, start, err) == -1 || settle(m, err) == -1)
		return -1;
	if (cgroups_of(m->env, m->id, &m->cg, err) == -1)
		return -1;
	/* What an earlier monitor that was killed may have left. */
	if (bindu_fd_rmtree(m->dirfd, "crun", err) == -1 ||
	    cgroup_remove(&m->cg, err) == -1)
		return -1;
	if (disk_open(m->dir, m->env->disk && disk > 0 ? (uint64_t)disk : 0,
		err) == -1)
		return -1;
	m->disk = true;
	m->stage = mount_stage(m->env, m->dir, err);
	if (!m->stage || mount_seed(start, m->env->network, err) == -1 ||
	    mount_root(m->env, start, m->stage, err) == -1)
		return -1;
	if (bundle_write(m->env, start, m->stage, m->dirfd, err) == -1 ||
	    start_init(m, start, err) == -1)
		return -1;
	cgroup_settle(&m->cg);
	if (seccomp_compile(&m->filter, err) == -1)
		return -1;
	m->box_env = json_incref(json_object_get(start, "env"));
	m->started_at = bindu_clock_wall();
	return loop_open(m, err);
}

/* Wait for init, which is dead or about to be; its processes' exits are
 * needed for its own. */
static void
kill_init(struct monitor *m)
{
	int64_t until = bindu_clock_deadline(5000);

	if (m->init <= 0)
		return;
	kill(m->init, SIGKILL);
	while (m->init != 0 && bindu_clock_left(until) > 0) {
		loop_reap(m);
		usleep(500);
	}
}

/* Everything but dir.  The first failure is reported, the rest still done. */
static int
tear_down(struct monitor *m, struct bindu_err *err)
{
	int rc = 0;

	if (m->cg.execs && m->suspended)
		cgroup_freeze(&m->cg, false, NULL);
	kill_init(m);
	exec_free_all(m);
	if (m->ip && net_detach(m->id, m->ip, err) == -1)
		rc = -1;
	if (m->stage)
		mount_undo(m->stage);
	if (m->disk)
		disk_close(m->dir);
	if (cgroup_remove(&m->cg, rc ? NULL : err) == -1)
		rc = -1;
	if (m->dirfd != -1) {
		static const char *const files[] = { "crun", "config.json",
			"init.pid", "crun.log" };

		for (size_t i = 0; i < sizeof files / sizeof *files; i++)
			bindu_fd_rmtree(m->dirfd, files[i], NULL);
	}
	return rc;
}

static void
reply(int sock, json_t *answer)
{
	boxd_wire_send(sock, answer, NULL, 0, NULL);
	json_decref(answer);
	close(sock);
}

/* Those who asked for the end or wait for it. */
static void
tell_end(struct monitor *m, int rc, const struct bindu_err *e)
{
	for (struct conn *c = m->conns; c; c = c->next) {
		if (c->dead)
			continue;
		if (c->stopping)
			conn_send(c,
			    rc == 0 ? json_pack("{s:b}", "ok", 1) :
				      boxd_wire_error(e),
			    NULL, 0);
		else if (c->watching)
			conn_send(c,
			    json_pack("{s:s,s:i,s:s}", "event", "end", "code",
				m->end_code, "reason", m->end_reason),
			    NULL, 0);
	}
}

int
monitor_run(const struct monitor_env *env, const json_t *start, int reply_sock)
{
	struct monitor m = { .env = env,
		.dirfd = -1,
		.lock = -1,
		.init_pidfd = -1,
		.init_stdin = -1,
		.home_pidns = -1,
		.home_netns = -1,
		.epfd = -1,
		.signals.fd = -1,
		.listener.fd = -1,
		.console.fd = -1,
		.console_log = -1 };
	int64_t from = bindu_clock_us();
	struct bindu_err e = { 0 };
	int rc;

	if (boot(&m, start, &e) == -1) {
		tear_down(&m, NULL);
		reply(reply_sock, boxd_wire_error(&e));
		rc = -1;
	} else {
		reply(reply_sock,
		    json_pack("{s:b,s:i,s:i,s:I}", "ok", 1, "pid",
			(int)getpid(), "init_pid", (int)m.init, "boot_us",
			(json_int_t)(bindu_clock_us() - from)));
		loop_run(&m);
		rc = tear_down(&m, &e);
		unlinkat(m.dirfd, "monitor.sock", 0);
		tell_end(&m, rc, &e);
	}
	loop_close(&m);
	cgroup_fini(&m.cg);
	free(m.filter.filter);
	json_decref(m.box_env);
	return rc == 0 ? 0 : 1;
}

/* End what runs in the box's cgroups, and remove them. */
static int
remove_groups(const struct monitor_env *env, const char *id,
    struct bindu_err *err)
{
	struct cgroup cg = { 0 };
	int rc;

	if (cgroups_of(env, id, &cg, err) == -1)
		return -1;
	rc = cgroup_remove(&cg, err);
	cgroup_fini(&cg);
	return rc;
}

int
monitor_remove(const struct monitor_env *env, const char *id, const char *dir,
    const char *ip, struct bindu_err *err)
{
	AUTO_FREE char *parent = bindu_path_dir(dir);
	AUTO_CLOSE int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int why = errno;
	AUTO_CLOSE int box = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!is_id(id))
		return bindu_err_set(err, BINDU_E_DATA, "not a box's id");
	if ((box != -1 && hold_end(box, err) == -1) ||
	    remove_groups(env, id, err) == -1 ||
	    (env->network && net_detach(id, ip, err) == -1))
		return -1;
	if (fd == -1) {
		errno = why;
		if (why != ENOENT)
			return bindu_err_sys(err, "cannot open %s", parent);
	} else if (bindu_fd_rmtree(fd, bindu_path_base(dir), err) == -1) {
		return -1;
	}
	/* A start that was cut off may have been making them still; without
	 * the files it makes no more. */
	return remove_groups(env, id, err);
}
