/* image_layer.c - see image_layer.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "image_layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define ACCOUNTS_MAX (256 * 1024)

static const char sudoers[] =
    "Defaults env_reset\n"
    "Defaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:"
    "/usr/bin:/sbin:/bin\"\n"
    "root ALL=(ALL:ALL) ALL\n"
    "boxd ALL=(ALL:ALL) NOPASSWD:ALL\n";

/* Hold IMAGES/.lock: closing the descriptor gives it back.  how: LOCK_NB or
 * nothing. */
static int
layer_lock(const char *images, int how, struct bindu_err *err)
{
	AUTO_FREE char *path = xasprintf("%s/.lock", images);
	AUTO_CLOSE int fd = -1;

	if (bindu_fd_mkdirs(images, 0700, err) == -1)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		return bindu_err_sys(err, "cannot open %s", path);
	while (flock(fd, LOCK_EX | how) == -1)
		if (errno != EINTR)
			return bindu_err_sys(err, "cannot lock %s", path);
	return bindu_steal_fd(&fd);
}

/* In images: make NAME.tmp afresh by fn and rename it. */
static int
make_renamed(int images, const char *name, layer_make_fn *fn, void *ctx,
    struct bindu_err *err)
{
	AUTO_FREE char *tmp = xasprintf("%s.tmp", name);
	AUTO_CLOSE int to = -1;

	if (bindu_fd_rmtree(images, tmp, err) == -1)
		return -1;
	if (mkdirat(images, tmp, 0755) == -1)
		return bindu_err_sys(err, "cannot make %s", tmp);
	to = openat(images, tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to == -1)
		bindu_err_sys(err, "cannot open %s", tmp);
	else if (fn(to, ctx, err) == 0) {
		if (renameat(images, tmp, images, name) == 0)
			return 0;
		bindu_err_sys(err, "cannot rename %s", tmp);
	}
	bindu_fd_rmtree(images, tmp, NULL);
	return -1;
}

char *
layer_get(const char *dir, const char *name, layer_make_fn *fn, void *ctx,
    struct bindu_err *err)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO_CLOSE int lock = -1, images = -1;

	if (access(path, F_OK) == 0)
		return bindu_steal(&path);
	lock = layer_lock(dir, 0, err);
	images = lock == -1 ? -1 :
			      open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (images == -1) {
		if (lock != -1)
			bindu_err_sys(err, "cannot open %s", dir);
		return NULL;
	}
	if (access(path, F_OK) == -1 &&
	    make_renamed(images, name, fn, ctx, err) == -1) {
		bindu_err_wrap(err, "image layer %s", path);
		return NULL;
	}
	return bindu_steal(&path);
}

void
layer_clean(const char *dir)
{
	AUTO_CLOSE int lock = layer_lock(dir, LOCK_NB, NULL);
	AUTO_CLOSE int images =
	    open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct dirent **list = NULL;
	int n;

	if (lock == -1 || images == -1)
		return;
	n = scandirat(images, ".", &list, NULL, NULL);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		/* BINDU_IMAGE_DIR may hold what is not ours. */
		if (bindu_str_ends(name, ".tmp") &&
		    (bindu_str_starts(name, "debian-") ||
			bindu_str_starts(name, "host-") ||
			bindu_str_starts(name, "settings-")))
			bindu_fd_rmtree(images, name, NULL);
		free(list[i]);
	}
	free(list);
}

int
layer_dir(int to, const char *path, mode_t mode, uid_t uid,
    struct bindu_err *err)
{
	if ((mkdirat(to, path, 0700) == -1 && errno != EEXIST) ||
	    fchownat(to, path, uid, uid, AT_SYMLINK_NOFOLLOW) == -1 ||
	    fchmodat(to, path, mode, 0) == -1)
		return bindu_err_sys(err, "cannot make directory %s", path);
	return 0;
}

int
layer_file(int to, const char *path, mode_t mode, uid_t uid, const char *text,
    struct bindu_err *err)
{
	AUTO_CLOSE int fd =
	    openat(to, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1 || bindu_fd_write(fd, text, strlen(text)) == -1 ||
	    fchown(fd, uid, uid) == -1 || fchmod(fd, mode) == -1)
		return bindu_err_sys(err, "cannot make %s", path);
	return 0;
}

static int
users_text(struct bindu_buf *passwd, struct bindu_buf *shadow,
    struct bindu_err *err)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *p;
	int rc;

	rc = bindu_buf_adds(passwd,
	    "root:x:0:0:root:/root:/bin/bash\n"
	    "boxd:x:1000:1000:boxd:/home/boxd:/bin/bash\n",
	    err);
	if (rc == 0)
		rc = bindu_buf_adds(shadow,
		    "root:*:19000:0:99999:7:::\n"
		    "boxd:*:19000:0:99999:7:::\n",
		    err);
	while (rc == 0 && f != NULL && (p = fgetpwent(f)) != NULL) {
		if (p->pw_uid == 0 ||
		    (p->pw_uid >= 1000 && p->pw_uid != 65534) ||
		    strcmp(p->pw_name, "boxd") == 0)
			continue;
		rc = bindu_buf_addf(passwd, err,
		    "%s:x:%u:%u::%s:"
		    "/usr/sbin/nologin\n",
		    p->pw_name, (unsigned)p->pw_uid, (unsigned)p->pw_gid,
		    p->pw_dir);
		if (rc == 0)
			rc = bindu_buf_addf(shadow, err,
			    "%s:!*:19000:0:99999:7:::\n", p->pw_name);
	}
	if (f != NULL)
		fclose(f);
	return rc;
}

static int
groups_text(struct bindu_buf *group, struct bindu_buf *gshadow,
    struct bindu_err *err)
{
	FILE *f = fopen("/etc/group", "re");
	struct group *g;
	int rc = bindu_buf_adds(group, "root:x:0:\nboxd:x:1000:\n", err);

	if (rc == 0)
		rc = bindu_buf_adds(gshadow, "root:*::\nboxd:!::\n", err);
	while (rc == 0 && f != NULL && (g = fgetgrent(f)) != NULL) {
		const char *who = strcmp(g->gr_name, "sudo") ? "" : "boxd";

		if (g->gr_gid == 0 ||
		    (g->gr_gid >= 1000 && g->gr_gid != 65534) ||
		    strcmp(g->gr_name, "boxd") == 0)
			continue;
		rc = bindu_buf_addf(group, err, "%s:x:%u:%s\n", g->gr_name,
		    (unsigned)g->gr_gid, who);
		if (rc == 0)
			rc = bindu_buf_addf(gshadow, err, "%s:!::%s\n",
			    g->gr_name, who);
	}
	if (f != NULL)
		fclose(f);
	return rc;
}

int
layer_accounts(int to, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf passwd = BINDU_BUF_INIT(ACCOUNTS_MAX);
	AUTO_BUF struct bindu_buf shadow = BINDU_BUF_INIT(ACCOUNTS_MAX);
	AUTO_BUF struct bindu_buf group = BINDU_BUF_INIT(ACCOUNTS_MAX);
	AUTO_BUF struct bindu_buf gshadow = BINDU_BUF_INIT(ACCOUNTS_MAX);

	if (users_text(&passwd, &shadow, err) == -1 ||
	    groups_text(&group, &gshadow, err) == -1 ||
	    layer_file(to, "etc/passwd", 0644, 0, passwd.p, err) == -1 ||
	    layer_file(to, "etc/shadow", 0640, 0, shadow.p, err) == -1 ||
	    layer_file(to, "etc/group", 0644, 0, group.p, err) == -1 ||
	    layer_file(to, "etc/gshadow", 0640, 0, gshadow.p, err) == -1)
		return -1;
	return layer_file(to, "etc/sudoers", 0440, 0, sudoers, err);
}

int
layer_accounts_hash(uint64_t *h, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf all = BINDU_BUF_INIT(2 * ACCOUNTS_MAX);
	AUTO_BUF struct bindu_buf rest = BINDU_BUF_INIT(2 * ACCOUNTS_MAX);

	if (users_text(&all, &rest, err) == -1 ||
	    groups_text(&all, &rest, err) == -1)
		return -1;
	for (size_t i = 0; i < all.len; i++)
		*h = (*h ^ (unsigned char)all.p[i]) * 0x100000001b3u;
	return 0;
}
