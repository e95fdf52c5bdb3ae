/* mount_stage.c - see mount.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "mount.h"

/* Directories every system has and nobody needs to see in here. */
static const char *const places[] = { "/mnt", "/media", "/srv", "/opt" };

#define SOURCE "boxd-stage"

void
mount_forget(const struct monitor_env *env)
{
	AUTO_FREE char *boxes = xasprintf("%s/boxes", env->state);
	struct bindu_strv AUTO_STRV old = { 0 };
	FILE *f = setmntent("/proc/self/mounts", "re");
	const struct mntent *e;

	while (f && (e = getmntent(f)) != NULL)
		if (!strcmp(e->mnt_fsname, SOURCE) ||
		    bindu_path_below(boxes, e->mnt_dir))
			bindu_strv_add(&old, e->mnt_dir);
	if (f)
		endmntent(f);
	/* Detaching takes what is mounted below along. */
	for (size_t i = 0; i < old.n; i++)
		umount2(old.v[i], MNT_DETACH);
}

static bool
is_free(const char *place, const struct monitor_env *env, const char *dir)
{
	struct stat st;

	return lstat(place, &st) == 0 && S_ISDIR(st.st_mode) &&
	    !bindu_path_below(place, dir) &&
	    !bindu_path_below(place, env->init_path) &&
	    !bindu_path_below(place, env->crun);
}

int
mount_check_init(const char *path, bool rootful, struct bindu_err *err)
{
	struct stat st;

	if (stat(path, &st) == -1 || access(path, X_OK) == -1)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "%s is not there; install the bindu tools again", path);
	if (rootful && !(st.st_mode & S_IXOTH))
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "%s may be run by its owner only, and the root of a box "
		    "is another user; chmod a+x %s",
		    path, path);
	return 0;
}

static int
fill(const char *stage, const char *init_path, struct bindu_err *err)
{
	AUTO_FREE char *root = xasprintf("%s/root", stage);
	AUTO_FREE char *init = xasprintf("%s/init", stage);
	AUTO_CLOSE int fd = -1;

	if (mount(SOURCE, stage, "tmpfs", MS_NOSUID | MS_NODEV,
		"mode=0755,size=64k") == -1)
		return bindu_err_sys(err, "cannot mount %s", stage);
	fd = open(init, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (mkdir(root, 0755) == -1 || fd == -1)
		return bindu_err_sys(err, "cannot fill %s", stage);
	if (mount(init_path, init, NULL, MS_BIND, NULL) == -1)
		return bindu_err_sys(err, "cannot use %s", init_path);
	return 0;
}

const char *
mount_stage(const struct monitor_env *env, const char *dir,
    struct bindu_err *err)
{
	if (mount_check_init(env->init_path, env->rootful, err) == -1)
		return NULL;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (is_free(places[i], env, dir))
			return fill(places[i], env->init_path, err) == 0 ?
			    places[i] :
			    NULL;
	bindu_err_set(err, BINDU_E_CONFIG,
	    "none of /mnt /media /srv /opt is "
	    "there to mount boxes on");
	return NULL;
}

void
mount_undo(const char *stage)
{
	umount2(stage, MNT_DETACH);
}
