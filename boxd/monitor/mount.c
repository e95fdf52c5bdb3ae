/* mount.c - see mount.h.  Ids on disk are plain: every layer and the disk
 * are id-mapped clones, so that a box has its own range and needs no chown.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "image.h"
#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

/* glibc's <sys/mount.h> and the kernel's disagree in several versions. */
int
mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);
#define NODEV 4 /* MS_NODEV: a layer may hold device nodes */
#define DETACH 2 /* MNT_DETACH */
#define CLONE_TREE 1 /* OPEN_TREE_CLONE */
#define LAYERS_MAX 100
#define OPTIONS_MAX 4000 /* mount(2) takes one page */

struct mounter {
	const struct monitor_env *env;
	const char *root; /* STAGE/root */
};

/* An (id-mapped) clone of the directory src at target, made if missing. */
static int
clone_at(const struct mounter *m, const char *src, const char *target,
    struct bindu_err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (unsigned)m->env->userns };
	AUTO_CLOSE int fd = -1;

	if (mkdir(target, 0700) == -1 && errno != EEXIST)
		return bindu_err_sys(err, "cannot make directory %s", target);
	fd = (int)syscall(SYS_open_tree, AT_FDCWD, src, CLONE_TREE | O_CLOEXEC);
	if (fd == -1)
		return bindu_err_sys(err, "cannot take layer %s", src);
	if (m->env->userns != -1 &&
	    syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr,
		sizeof attr) == -1)
		return bindu_err_sys(err,
		    "cannot map the ids of layer %s "
		    "(its file system must support id-mapped mounts)",
		    src);
	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, target,
		MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return bindu_err_sys(err, "cannot mount layer %s", src);
	return 0;
}

/* The kernel makes work/work as the caller's fsuid, which must have an id in
 * the mapped mount: with fsuid 0 the overlay comes up read-only. */
static int
mount_overlay(const struct mounter *m, const char *lower, const char *upper,
    const char *work, const char *target, struct bindu_err *err)
{
	struct bindu_buf AUTO_BUF opt = BINDU_BUF_INIT(OPTIONS_MAX);
	uid_t base = m->env->uid_base;
	int rc;

	if (bindu_buf_addf(&opt, err, "lowerdir=%s,upperdir=%s,workdir=%s%s",
		lower, upper, work, m->env->rootful ? "" : ",userxattr") == -1)
		return bindu_err_wrap(err, "too many layers");
	if (m->env->rootful) {
		prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
		setfsgid(base);
		setfsuid(base);
	}
	rc = mount("overlay", target, "overlay", NODEV, opt.p);
	if (rc == -1)
		bindu_err_sys(err, "cannot mount the box's root (%s)", opt.p);
	if (m->env->rootful) {
		setfsuid(0);
		setfsgid(0);
		prctl(PR_SET_SECUREBITS, 0);
	}
	return rc;
}

/* Scratch mounts: the overlay keeps clones of its own. */
static void
drop_scratch(void)
{
	char name[16];

	for (int i = 0; i < LAYERS_MAX; i++) {
		snprintf(name, sizeof name, "m/%d", i);
		if (access(name, F_OK) == -1)
			break;
		umount2(name, DETACH);
		rmdir(name);
	}
	umount2("m/disk", DETACH);
	rmdir("m/disk");
	umount2("m/view", DETACH);
	rmdir("m/view");
	rmdir("m");
}

static int
mount_layers(const struct mounter *m, const json_t *lower,
    struct bindu_err *err)
{
	struct bindu_buf AUTO_BUF list = BINDU_BUF_INIT(OPTIONS_MAX);
	const json_t *v;
	size_t i;

	if (json_array_size(lower) == 0 || json_array_size(lower) > LAYERS_MAX)
		return bindu_err_set(err, BINDU_E_DATA,
		    "an image has 1 to %d layers, not %zu", LAYERS_MAX,
		    json_array_size(lower));
	json_array_foreach(lower, i, v)
	{
		const char *src = json_string_value(v);
		char name[24];

		if (!src || *src != '/')
			return bindu_err_set(err, BINDU_E_DATA,
			    "layer %zu is not an absolute path", i);
		snprintf(name, sizeof name, "m/%u", (unsigned)i);
		if (clone_at(m, src, name, err) == -1 ||
		    bindu_buf_addf(&list, err, "%s%s", i ? ":" : "", name) ==
			-1)
			return -1;
	}
	if (clone_at(m, "disk", "m/disk", err) == -1)
		return -1;
	return mount_overlay(m, list.p, "m/disk/upper", "m/disk/work", m->root,
	    err);
}

/* What crun and the kernel use by name must not lead out of the root. */
static int
check_root(const struct mounter *m, struct bindu_err *err)
{
	static const char *const names[] = { "dev", "proc", "sys", "run", "tmp",
		".boxd" };
	AUTO_CLOSE int root = open(m->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (root == -1)
		return bindu_err_sys(err, "cannot open the box's root");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (fstatat(root, names[i], &st, AT_SYMLINK_NOFOLLOW) == -1 ?
			errno == ENOENT :
			S_ISDIR(st.st_mode))
			continue;
		return bindu_err_set(err, BINDU_E_DATA,
		    "the image's /%s is "
		    "not a directory; such an image is not started",
		    names[i]);
	}
	return 0;
}

/* The directory path of the root.  Where the kernel's overlays allow it, the
 * box's root can move what is above it and leave a link there, to a place of
 * the host's for us: none is followed. */
static int
open_inside(const struct mounter *m, const char *path, struct bindu_err *err)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	AUTO_CLOSE int root = open(m->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root == -1 ?
	    -1 :
	    (int)syscall(SYS_openat2, root, path + 1, &how, sizeof how);

	if (fd == -1)
		return bindu_err_set(err, BINDU_E_DATA,
		    "the box's %s is not the directory it was made as: %s",
		    path, strerror(errno));
	return fd;
}

/* One host directory with its own overlay at its own path. */
static int
mount_over(const struct mounter *m, const char *path, struct bindu_err *err)
{
	AUTO_FREE char *flat = xstrdup(path + 1);
	AUTO_FREE char *upper = NULL, *work = NULL, *target = NULL;
	AUTO_CLOSE int inside = open_inside(m, path, err);
	int rc;

	if (inside == -1)
		return -1;
	target = xasprintf("/proc/self/fd/%d", inside);
	for (char *s = flat; *s; s++)
		if (*s == '/')
			*s = '-';
	upper = xasprintf("m/disk/over-%s/upper", flat);
	work = xasprintf("m/disk/over-%s/work", flat);
	/* Made outside the id-mapped clone, where we have no id. */
	if (bindu_fd_mkdirs(upper + 2, 0755, err) == -1 ||
	    image_view_seed(path, upper + 2, err) == -1 ||
	    bindu_fd_mkdirs(work + 2, 0755, err) == -1)
		return -1;
	if (mkdir("m/view", 0700) == -1 && errno != EEXIST)
		return bindu_err_sys(err, "cannot make directory m/view");
	if (image_view_mount(path, "m/view", m->env->userns, err) == -1)
		return -1;
	rc = mount_overlay(m, "m/view", upper, work, target, err);
	umount2("m/view", DETACH);
	return rc;
}

static int
mount_overs(const struct mounter *m, const json_t *over, struct bindu_err *err)
{
	const json_t *v;
	size_t i;

	json_array_foreach(over, i, v)
	{
		const char *path = json_string_value(v);

		if (!path || *path != '/' || !bindu_path_is_inside(path + 1))
			return bindu_err_set(err, BINDU_E_DATA,
			    "over %zu is not a clean absolute path", i);
		if (mount_over(m, path, err) == -1)
			return bindu_err_wrap(err, "%s", path);
	}
	return 0;
}

int
mount_root(const struct monitor_env *env, const json_t *start,
    const char *stage, struct bindu_err *err)
{
	const json_t *image = json_object_get(start, "image");
	AUTO_FREE char *root = xasprintf("%s/root", stage);
	struct mounter m = { env, root };
	int rc;

	if (mkdir("m", 0700) == -1 && errno != EEXIST)
		return bindu_err_sys(err, "cannot make the mount points");
	rc = mount_layers(&m, json_object_get(image, "lower"), err);
	if (rc == 0)
		rc = check_root(&m, err);
	if (rc == 0)
		rc = mount_overs(&m, json_object_get(image, "over"), err);
	drop_scratch();
	return rc;
}
