/* exec_user.h - a user of the box, looked up in its own files: the monitor is
 * static and has no name service, and the host's users mean nothing there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_EXEC_USER_H
#define BOXD_EXEC_USER_H

#include <sys/types.h>
#include "lib/base/err.h"

#define USER_GROUPS 64

struct exec_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS]; /* gid among them */
	size_t ngroups;
	char *name, *home, *shell; /* never NULL */
};

/* name, or uid, or uid:gid in digits, found in etc (a directory with passwd
 * and group).  An unknown name is NOINPUT; an unknown number has home "/".
 * The strings are malloc'd; who looks becomes the user's program. */
int exec_user_find(const char *etc, const char *name, struct exec_user *,
    struct bindu_err *);
#endif
