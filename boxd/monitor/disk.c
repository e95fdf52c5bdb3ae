/* disk.c - see disk.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"

#define DISK_MIN (64ull << 20)
#define MKFS_MS 120000
#define LOOP_TRIES 64
/* ext4's superblock: 1024 bytes in, s_state at 58. */
#define EXT4_STATE (1024 + 58)
#define EXT4_CLEAN 1
#define EXT4_ERROR 2
/* The image's mode where a write to it was lost: a mark that needs no room. */
#define SUSPECT 0400

static int
run(const char *const *argv, struct bindu_err *err)
{
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	AUTO_FREE char *out = NULL;

	o.argv = argv;
	return bindu_proc_capture(&o, MKFS_MS, 1 << 16, &out, err);
}

/* No journal: the image dies with the box, and e2fsck repairs it after a
 * crash of the machine.  Inode tables are not written: the file is sparse
 * and reads as zeroes. */
static int
make_image(const char *img, uint64_t bytes, struct bindu_err *err)
{
	AUTO_FREE char *tmp = xasprintf("%s.new", img);
	AUTO_CLOSE int fd = -1;
	const char *argv[] = { "/sbin/mkfs.ext4", "-q", "-F", "-m", "0", "-b",
		"4096", "-O", "^has_journal", "-E",
		"lazy_itable_init=1,nodiscard,root_owner=0:0", tmp, NULL };

	fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		return bindu_err_sys(err, "cannot make disk %s", tmp);
	if (bytes < DISK_MIN)
		bytes = DISK_MIN;
	if (ftruncate(fd, (off_t)bytes) == -1)
		return bindu_err_sys(err,
		    "cannot size disk %s to %" PRIu64 " bytes", tmp, bytes);
	if (run(argv, err) == -1)
		return bindu_err_wrap(err, "cannot format disk %s", tmp);
	if (rename(tmp, img) == -1)
		return bindu_err_sys(err, "cannot make disk %s", img);
	return 0;
}

/* A full host loses what boxes write, and the kernel goes on: it may call a
 * file system clean when it has seen an error, or not seen it at all. */
static bool
is_whole(int fd, const uint8_t state[2])
{
	struct stat st;

	return (state[0] & (EXT4_CLEAN | EXT4_ERROR)) == EXT4_CLEAN &&
	    fstat(fd, &st) == 0 && (st.st_mode & 0777) != SUSPECT;
}

static int
check_image(const char *img, int fd, struct bindu_err *err)
{
	const char *argv[] = { "/sbin/e2fsck", "-f", "-p", img, NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	uint8_t state[2];
	pid_t pid;
	int status;

	if (pread(fd, state, sizeof state, EXT4_STATE) != sizeof state)
		return bindu_err_sys(err, "cannot read disk %s", img);
	if (is_whole(fd, state))
		return 0;
	o.argv = argv;
	pid = bindu_proc_spawn(&o, err);
	if (pid == -1)
		return -1;
	if (bindu_proc_wait(pid, MKFS_MS, &status, err) != 0 ||
	    bindu_proc_exit(status) > 1) /* 1: errors were corrected */
		return bindu_err_set(err, BINDU_E_IO,
		    "disk %s is damaged, and some of it may be lost; repair "
		    "what is left with e2fsck -f -y %s",
		    img, img);
	if (bindu_proc_exit(status) == 1)
		bindu_log(BINDU_WARN, "disk %s was damaged and is repaired",
		    img);
	fchmod(fd, 0600);
	return 0;
}

/* devtmpfs makes the node of a new device; where /dev is not one, we do. */
static int
open_loop(int n, char name[32])
{
	int fd;

	snprintf(name, 32, "/dev/loop%d", n);
	fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT &&
	    mknod(name, S_IFBLK | 0600, makedev(7, (unsigned)n)) == 0)
		fd = open(name, O_RDWR | O_CLOEXEC);
	return fd;
}

/* A free loop device on img, gone by itself after the last unmount.  Returns
 * its descriptor. */
static int
attach_loop(const char *img, int fd, char name[32], struct bindu_err *err)
{
	struct loop_config c = { .fd = (unsigned)fd,
		.block_size = 4096,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR };
	AUTO_CLOSE int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (ctl == -1)
		return bindu_err_sys(err, "cannot open /dev/loop-control");
	for (int try = 0; try < LOOP_TRIES; try++) {
		AUTO_CLOSE int loop = -1;
		int n = ioctl(ctl, LOOP_CTL_GET_FREE);

		if (n == -1)
			return bindu_err_sys(err, "no free loop device");
		loop = open_loop(n, name);
		if (loop == -1)
			return bindu_err_sys(err, "cannot open %s", name);
		if (ioctl(loop, LOOP_CONFIGURE, &c) == 0)
			return bindu_steal_fd(&loop);
		if (errno != EBUSY) /* else someone was faster */
			return bindu_err_sys(err, "cannot attach %s to %s", img,
			    name);
	}
	return bindu_err_set(err, BINDU_E_AGAIN,
	    "all loop devices are taken as fast as they are freed");
}

static int
mount_image(const char *img, const char *target, struct bindu_err *err)
{
	AUTO_CLOSE int fd = open(img, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	AUTO_CLOSE int loop = -1;
	char name[32];

	if (fd == -1)
		return bindu_err_sys(err, "cannot open disk %s", img);
	if (check_image(img, fd, err) == -1)
		return -1;
	loop = attach_loop(img, fd, name, err);
	if (loop == -1)
		return -1;
	if (mount(name, target, "ext4", MS_NOATIME | MS_NODEV,
		"noinit_itable,discard,errors=remount-ro") == -1)
		return bindu_err_sys(err, "cannot mount disk %s", img);
	return 0;
}

int
disk_open(const char *dir, uint64_t bytes, struct bindu_err *err)
{
	AUTO_FREE char *img = xasprintf("%s/disk.img", dir);
	AUTO_FREE char *disk = xasprintf("%s/disk", dir);
	AUTO_FREE char *upper = xasprintf("%s/upper", disk);
	AUTO_FREE char *work = xasprintf("%s/work", disk);

	/* The image first: a directory without one means "no limit". */
	if (bytes > 0 && access(disk, F_OK) == -1 && access(img, F_OK) == -1 &&
	    make_image(img, bytes, err) == -1)
		return -1;
	if (bindu_fd_mkdirs(disk, 0700, err) == -1)
		return -1;
	if (access(img, F_OK) == 0 && mount_image(img, disk, err) == -1)
		return -1;
	if (bindu_fd_mkdirs(upper, 0755, err) == -1 ||
	    bindu_fd_mkdirs(work, 0755, err) == -1) {
		disk_close(dir);
		return -1;
	}
	return 0;
}

void
disk_close(const char *dir)
{
	AUTO_FREE char *img = xasprintf("%s/disk.img", dir);
	AUTO_FREE char *disk = xasprintf("%s/disk", dir);
	AUTO_CLOSE int fd = open(disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd != -1 && access(img, F_OK) == 0 && syncfs(fd) == -1) {
		bindu_log(BINDU_WARN, "disk %s: what was written last is lost",
		    img);
		chmod(img, SUSPECT);
	}
	bindu_cleanup_close(&fd);
	fd = -1;
	umount2(disk, MNT_DETACH);
}
