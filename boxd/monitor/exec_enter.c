/* exec_enter.c - from the host into the box; runs in the child between fork
 * and the program.  The order is what matters here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bundle.h"
#include "exec.h"
#include "sealed.h"
#include "seccomp.h"

/* What the box's root may have, and no more: for whatever is done in there, a
 * file transfer too.  A path of the box may lead through /proc, and with
 * CAP_SYS_PTRACE to a sibling of ours that has not left the host's files yet.
 * setns into a user namespace gives every capability in the bounding set:
 * without the drop a sudo would have them all. */
static int
lower(const struct monitor *m)
{
	struct __user_cap_header_struct h = { .version =
						  _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (seccomp_install(&m->filter) == -1)
		return -1;
	for (int i = 0; i < 64; i++)
		if (!(BUNDLE_CAPS >> i & 1) &&
		    prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == -1)
			return -1;
	d[0].effective = d[0].permitted = (uint32_t)BUNDLE_CAPS;
	d[1].effective = d[1].permitted = (uint32_t)(BUNDLE_CAPS >> 32);
	return (int)syscall(SYS_capset, &h, d);
}

int
exec_enter(const struct monitor *m, const struct exec *x)
{
	int ns = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
	    CLONE_NEWNET;

	if (m->env->rootful)
		ns |= CLONE_NEWCGROUP | CLONE_NEWUSER;
	/* Nothing in the box may look into us through /proc. */
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		return -1;
	sealed_blank();
	/* Cgroups are the host's files: before its mounts are left. */
	if (m->cg.execs && x->cgroup == -1 && cgroup_join(&m->cg, x->id) == -1)
		return -1;
	if (setns(m->init_pidfd, ns) == -1)
		return -1;
	/* At once the box's root: till then our ids are unmapped there, and
	 * a later setresuid would not clear the capabilities. */
	if (setresgid(0, 0, 0) == -1 || setgroups(0, NULL) == -1 ||
	    setresuid(0, 0, 0) == -1)
		return -1;
	return lower(m);
}

void
exec_note(const struct exec_note *note, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} ctl = { 0 };
	struct exec_note copy = *note;
	struct iovec iov = { .iov_base = &copy, .iov_len = sizeof copy };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd != -1) {
		struct cmsghdr *c;

		mh.msg_control = ctl.room;
		mh.msg_controllen = sizeof ctl.room;
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	/* The monitor reads; when it is gone there is nobody to tell. */
	while (
	    sendmsg(EXEC_STATUS_FD, &mh, MSG_NOSIGNAL) == -1 && errno == EINTR)
		;
}

void
exec_die(enum bindu_errc code, int exit, const char *fmt, ...)
{
	struct exec_note note = { .kind = NOTE_FAIL,
		.code = code,
		.exit = exit };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(note.text, sizeof note.text, fmt, ap);
	va_end(ap);
	exec_note(&note, -1);
	_exit(exit);
}
