/* cgroup.h - the control groups of one box and of its execs, v1 and v2.
 *
 * The box has PARENT/ID in every hierarchy.  An exec has a child of it,
 * exec-N, in one hierarchy only (the freezer on v1): enough to find and end
 * everything it started, whatever session or parent those processes chose.
 * Membership decides nothing else, the limits are the box's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_CGROUP_H
#define BOXD_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/err.h"
#include "lib/base/str.h"

struct cgroup {
	struct bindu_strv dirs; /* the box's, one a hierarchy */
	const char *execs; /* the one execs have children in */
	const char *memory; /* NULL when there is none */
	bool v2; /* of execs */
};

/* Where the box's groups are or will be; makes nothing. */
int cgroup_init(struct cgroup *, const char *parent, const char *id,
    struct bindu_err *);
void cgroup_fini(struct cgroup *);
/* Leave out hierarchies in which crun made no group. */
void cgroup_settle(struct cgroup *);

int cgroup_exec_make(const struct cgroup *, unsigned exec, struct bindu_err *);
/* The exec's group to be born in (CLONE_INTO_CGROUP): joining it later costs
 * the kernel some 15 ms.  -1 where that is not all there is to join. */
int cgroup_exec_open(const struct cgroup *, unsigned exec);
/* For the calling process, still in the host's mounts.  exec 0: the box's
 * own group.  -1 sets errno. */
int cgroup_join(const struct cgroup *, unsigned exec);
/* Signal every process of the exec (0: of the box).  One pass, but SIGKILL
 * freezes them first so that forking does not outrun it. */
void cgroup_signal(const struct cgroup *, unsigned exec, int sig);
/* Move what is left of an exec into the box's own group: some of it, when it
 * is much. */
void cgroup_exec_adopt(const struct cgroup *, unsigned exec);
/* Remove the exec's group: false while something is in it. */
bool cgroup_exec_gone(const struct cgroup *, unsigned exec);
int cgroup_freeze(const struct cgroup *, bool freeze, struct bindu_err *);
/* Write text to the setting name of the group at dir; -1 and errno. */
int cgroup_write(const char *dir, const char *name, const char *text);
int64_t cgroup_memory(const struct cgroup *); /* bytes, -1 unknown */
bool cgroup_oom(const struct cgroup *); /* killed for memory? */
/* Kill what is left, remove the box's groups and, when it was the last box,
 * their parent. */
int cgroup_remove(const struct cgroup *, struct bindu_err *);
#endif
