/* image_view.c - host directories as a box may see them.
 *
 * An overlay checks every access twice: as the task on its own inode, and as
 * whoever mounted it on the file below.  Mounted without CAP_DAC_OVERRIDE and
 * CAP_DAC_READ_SEARCH over an idmapped clone, whose owners are never the
 * mounter, the second check leaves the "other" permission bits alone to
 * decide.  So no list of secret files is needed, nor can one grow stale.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "image.h"
#include "lib/base/mem.h"

/* The glibc of Debian 12 declares these; older ones do not. */
static int
sys_open_tree(const char *path, unsigned flags)
{
	return syscall(SYS_open_tree, AT_FDCWD, path, flags);
}

static int
sys_move_mount(int fd, const char *to)
{
	return syscall(SYS_move_mount, fd, "", AT_FDCWD, to,
	    MOVE_MOUNT_F_EMPTY_PATH);
}

static int
fs_config(int fs, unsigned cmd, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, fs, cmd, key, value, 0);
}

/* A detached mount of one file system type; opts: key, value, ..., NULL. */
static int
mount_new(const char *type, const char *const *opts, unsigned attrs,
    struct bindu_err *err)
{
	AUTO_CLOSE int fs = -1;
	int fd;

	fs = syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	if (fs == -1)
		return bindu_err_sys(err, "cannot open file system %s", type);
	for (; *opts; opts += 2)
		if (fs_config(fs, FSCONFIG_SET_STRING, opts[0], opts[1]) == -1)
			return bindu_err_sys(err, "cannot set %s of %s",
			    opts[0], type);
	if (fs_config(fs, FSCONFIG_CMD_CREATE, NULL, NULL) == -1)
		return bindu_err_sys(err, "cannot make a %s", type);
	fd = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attrs);
	if (fd == -1)
		return bindu_err_sys(err, "cannot mount a %s", type);
	return fd;
}

/* Effective capabilities without (or again with) the two that read
 * everything. */
static int
read_everything(int on, struct bindu_err *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct caps[2];
	const uint32_t bits = 1u << CAP_DAC_OVERRIDE |
	    1u << CAP_DAC_READ_SEARCH;

	if (syscall(SYS_capget, &head, caps) == -1)
		return bindu_err_sys(err, "cannot read capabilities");
	if (on)
		caps[0].effective |= bits & caps[0].permitted;
	else
		caps[0].effective &= ~bits;
	if (syscall(SYS_capset, &head, caps) == -1)
		return bindu_err_sys(err, "cannot set capabilities");
	return 0;
}

static int
clone_idmapped(const char *src, const char *to, int userns_fd,
    struct bindu_err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP |
		    MOUNT_ATTR_RDONLY,
		.userns_fd = (uint64_t)userns_fd };
	AUTO_CLOSE int fd = -1;

	fd = sys_open_tree(src, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd == -1)
		return bindu_err_sys(err, "cannot clone %s", src);
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr,
		sizeof attr) == -1)
		return bindu_err_sys(err,
		    "cannot map the ids of %s: its file "
		    "system or this kernel lacks idmapped mounts",
		    src);
	if (sys_move_mount(fd, to) == -1)
		return bindu_err_sys(err, "cannot mount %s on %s", src, to);
	return 0;
}

/* In scratch, a tmpfs, open as tmp: the clone and an empty directory, because
 * an overlay without an upper wants two layers.  Named through tmp, they fit
 * into the 255 bytes of an option however long scratch is. */
static int
view_make(const char *src, const char *scratch, int tmp, int userns_fd,
    struct bindu_err *err)
{
	AUTO_FREE char *clone = xasprintf("%s/clone", scratch);
	AUTO_FREE char *empty = xasprintf("%s/empty", scratch);
	AUTO_FREE char *layers = xasprintf("/proc/self/fd/%d/empty:"
					   "/proc/self/fd/%d/clone",
	    tmp, tmp);
	const char *const opts[] = { "lowerdir", layers, NULL };
	int fd;

	if (mkdir(clone, 0755) == -1 || mkdir(empty, 0755) == -1)
		return bindu_err_sys(err, "cannot make %s", clone);
	if (clone_idmapped(src, clone, userns_fd, err) == -1)
		return -1;
	if (read_everything(0, err) == -1)
		return -1;
	fd = mount_new("overlay", opts, MOUNT_ATTR_RDONLY, err);
	if (read_everything(1, fd == -1 ? NULL : err) == -1) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

int
image_view_mount(const char *src, const char *target, int userns_fd,
    struct bindu_err *err)
{
	const char *const opts[] = { "size", "64k", "mode", "755", NULL };
	AUTO_CLOSE int tmp = -1, view = -1;

	tmp = mount_new("tmpfs", opts, 0, err);
	if (tmp == -1)
		return -1;
	if (sys_move_mount(tmp, target) == -1)
		return bindu_err_sys(err, "cannot mount on %s", target);
	view = view_make(src, target, tmp, userns_fd, err);
	/* The overlay holds its own clone of the layers. */
	if (umount2(target, MNT_DETACH) == -1 && view != -1)
		return bindu_err_sys(err, "cannot unmount %s", target);
	if (view == -1)
		return bindu_err_wrap(err, "host directory %s", src);
	if (sys_move_mount(view, target) == -1)
		return bindu_err_sys(err, "cannot mount on %s", target);
	return 0;
}

/* dpkg opens its locks; it does not make them anew. */
static const struct {
	const char *dir, *name;
	mode_t mode; /* of a directory or an empty file */
} seeds[] = {
	{ "/var/lib/dpkg", "lock", S_IFREG | 0640 },
	{ "/var/lib/dpkg", "lock-frontend", S_IFREG | 0640 },
	{ "/var/lib/dpkg", "triggers", S_IFDIR | 0755 },
	{ "/var/lib/dpkg", "triggers/Lock", S_IFREG | 0600 },
};

int
image_view_seed(const char *src, const char *upper, struct bindu_err *err)
{
	AUTO_CLOSE int dir =
	    open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent **list = NULL;
	int n;

	if (dir == -1)
		return bindu_err_sys(err, "cannot open %s", upper);
	n = scandirat(dir, ".", &list, NULL, NULL);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	if (n != 2) /* . and .. */
		return 0;
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		mode_t mode = seeds[i].mode;

		if (strcmp(seeds[i].dir, src) == 0 &&
		    (S_ISDIR(mode) ?
			    mkdirat(dir, seeds[i].name, mode & 07777) :
			    mknodat(dir, seeds[i].name, mode, 0)) == -1)
			return bindu_err_sys(err, "cannot make %s in %s",
			    seeds[i].name, upper);
	}
	return 0;
}
