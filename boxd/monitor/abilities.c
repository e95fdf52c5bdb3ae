/* abilities.c - see abilities.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "abilities.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cgroup.h"
#include "hub.h"
#include "image_priv.h"
#include "lib/base/mem.h"
#include "mount.h"

#define CGROUP "/sys/fs/cgroup"

void
ability_no(struct ability *a, const char *why, ...)
{
	va_list ap;

	a->ok = false;
	va_start(ap, why);
	vsnprintf(a->why, sizeof a->why, why, ap);
	va_end(ap);
}

/* In a group of its own, as a box has it.  0 or errno. */
static int
try_setting(const struct hub *h, const char *root, const char *file,
    const char *text)
{
	AUTO_FREE char *path = xasprintf("%s/boxd-%s-try", root, h->tag);
	int rc;

	if (mkdir(path, 0755) == -1 && errno != EEXIST)
		return errno;
	rc = cgroup_write(path, file, text) == -1 ? errno : 0;
	rmdir(path);
	return rc;
}

/* The root's controllers are there for groups below once it says so, which it
 * may refuse: the root that a container sees has processes in it. */
static int
enable(const char *controller)
{
	AUTO_FREE char *text = xasprintf("+%s", controller);

	return cgroup_write(CGROUP, "cgroup.subtree_control", text) == -1 ?
	    errno :
	    0;
}

static void
no_limit(struct ability *a, const char *file, int why)
{
	ability_no(a, "no limits: cannot set %s of a new cgroup: %s; %s", file,
	    strerror(why),
	    why == EBUSY || why == EROFS ?
		"in a container: run it privileged and with --cgroupns=host" :
		"the controllers cpu, memory and pids are needed (kernel "
		"command line: cgroup_enable=memory)");
}

/* A setting of v2, where one tree has all controllers, and of v1, where each
 * has its own. */
static void
probe_settings(struct hub *h, bool v2)
{
	static const struct {
		const char *controller;
		struct {
			const char *file, *text;
		} of[2];
	} rows[] = {
		{ "cpu",
		    { { "cpu.cfs_quota_us", "100000" },
			{ "cpu.max", "100000 100000" } } },
		{ "memory",
		    { { "memory.limit_in_bytes", "1073741824" },
			{ "memory.max", "1073741824" } } },
		{ "pids", { { "pids.max", "100" }, { "pids.max", "100" } } },
		{ "freezer",
		    { { "freezer.state", "THAWED" },
			{ "cgroup.freeze", "0" } } },
	};
	enum { LIMITS = sizeof rows / sizeof *rows - 1 };

	for (size_t i = 0; i <= LIMITS; i++) {
		const char *file = rows[i].of[v2].file;
		AUTO_FREE char *root = v2 ?
		    xstrdup(CGROUP) :
		    xasprintf(CGROUP "/%s", rows[i].controller);
		int off = v2 && i < LIMITS ? enable(rows[i].controller) : 0;
		int why = try_setting(h, root, file, rows[i].of[v2].text);

		if (why != 0 && i < LIMITS)
			no_limit(&h->can.limits, file, off ? off : why);
		else if (why != 0)
			ability_no(&h->can.pause,
			    "no suspend: cannot set %s of a new cgroup: %s",
			    file, strerror(why));
	}
}

/* By doing: what is mounted, listed and writable may still refuse. */
static void
probe_cgroups(struct hub *h)
{
	struct abilities *can = &h->can;

	can->limits.ok = can->pause.ok = true;
	if (!h->rootful) {
		ability_no(&can->limits,
		    "limits need root: this daemon runs "
		    "without cgroup access; use the tools with sudo");
		ability_no(&can->pause, NO_SUSPEND);
		return;
	}
	probe_settings(h, access(CGROUP "/cgroup.controllers", F_OK) == 0);
}

static void
probe_disk(struct hub *h)
{
	AUTO_FREE char *mkfs = hub_program("mkfs.ext4");

	h->can.disk.ok = true;
	if (!h->rootful)
		ability_no(&h->can.disk,
		    "disk limits need root (loop "
		    "devices); use the tools with sudo");
	else if (access("/dev/loop-control", R_OK | W_OK) == -1)
		ability_no(&h->can.disk,
		    "no disk limits: no "
		    "/dev/loop-control; modprobe loop");
	else if (mkfs == NULL)
		ability_no(&h->can.disk,
		    "no disk limits: mkfs.ext4 is not "
		    "installed; apt-get install e2fsprogs");
}

/* The programs without which there is nothing. */
static void
probe_programs(struct hub *h)
{
	AUTO_FREE char *mmdebstrap = hub_program("mmdebstrap");
	struct bindu_err err = { 0 };

	h->can.boxes.ok = h->can.debian_image.ok = true;
	if (h->crun == NULL)
		ability_no(&h->can.boxes,
		    "no boxes: crun is not installed; apt-get install crun");
	else if (mount_check_init(h->init, h->rootful, &err) == -1)
		ability_no(&h->can.boxes, "no boxes: %s", err.msg);
	if (mmdebstrap == NULL)
		ability_no(&h->can.debian_image,
		    "no debian images: mmdebstrap is not installed; apt-get "
		    "install mmdebstrap");
}

void
abilities_probe(struct hub *h)
{
	struct bindu_err err = { 0 };

	probe_programs(h);
	probe_cgroups(h);
	probe_disk(h);
	h->can.host_image.ok = true;
	if (image_host_check(h->rootful, h->images, &err) == -1)
		ability_no(&h->can.host_image, "%s", err.msg);
}

json_t *
abilities_json(const struct abilities *can)
{
	const struct {
		const char *name;
		const struct ability *a;
	} rows[] = {
		{ "boxes", &can->boxes },
		{ "limits", &can->limits },
		{ "suspend", &can->pause },
		{ "network", &can->network },
		{ "disk", &can->disk },
		{ "host_image", &can->host_image },
		{ "debian_image", &can->debian_image },
	};
	json_t *all = json_object();
	json_t *why = json_object();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_object_set_new(all, rows[i].name,
		    json_boolean(rows[i].a->ok));
		if (!rows[i].a->ok)
			bindu_json_set_str(why, rows[i].name, rows[i].a->why);
	}
	json_object_set_new(all, "why", why);
	return all;
}
