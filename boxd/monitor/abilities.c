/* abilities.c - see abilities.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "abilities.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hub.h"
#include "image_priv.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

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

/* Every word of want among the words of the file (cgroup.controllers). */
static bool
has_words(const char *path, const char *const *want)
{
	FILE *f = fopen(path, "re");
	char line[1024] = " ";
	size_t n = 0;

	if (f != NULL) {
		n = fread(line + 1, 1, sizeof line - 3, f);
		fclose(f);
	}
	line[n + 1] = '\0';
	line[strcspn(line, "\n")] = ' ';
	for (; *want != NULL; want++) {
		AUTO_FREE char *word = xasprintf(" %s ", *want);

		if (strstr(line, word) == NULL)
			return false;
	}
	return true;
}

static void
probe_cgroups(struct hub *h)
{
	static const char *const need[] = { "cpu", "memory", "pids", NULL };
	struct abilities *can = &h->can;

	can->limits.ok = can->pause.ok = true;
	if (!h->rootful) {
		ability_no(&can->limits,
		    "limits need root: this daemon runs "
		    "without cgroup access; start bindu-boxd with sudo");
		ability_no(&can->pause,
		    "suspend needs root (no cgroup "
		    "freezer); start bindu-boxd with sudo");
		return;
	}
	if (access(CGROUP "/cgroup.controllers", F_OK) == 0) {
		if (!has_words(CGROUP "/cgroup.controllers", need))
			ability_no(&can->limits,
			    "no limits: " CGROUP
			    "/cgroup.controllers lacks one of cpu, "
			    "memory, pids; enable it on the kernel's command "
			    "line (cgroup_enable=memory)");
		return;
	}
	for (int i = 0; need[i] != NULL; i++) {
		AUTO_FREE char *dir = xasprintf(CGROUP "/%s", need[i]);

		if (access(dir, W_OK) == -1)
			ability_no(&can->limits,
			    "no limits: %s is not "
			    "mounted or not writable",
			    dir);
	}
	if (access(CGROUP "/freezer", W_OK) == -1)
		ability_no(&can->pause,
		    "no suspend: " CGROUP
		    "/freezer is not mounted or not writable");
}

static void
probe_disk(struct hub *h)
{
	AUTO_FREE char *mkfs = hub_program("mkfs.ext4");

	h->can.disk.ok = true;
	if (!h->rootful)
		ability_no(&h->can.disk,
		    "disk limits need root (loop "
		    "devices); start bindu-boxd with sudo");
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

	h->can.boxes.ok = h->can.debian_image.ok = true;
	if (h->crun == NULL)
		ability_no(&h->can.boxes,
		    "no boxes: crun is not installed; apt-get install crun");
	else if (access(h->init, X_OK) == -1)
		ability_no(&h->can.boxes,
		    "no boxes: %s is not there; install the bindu tools "
		    "again",
		    h->init);
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
		{ "pause", &can->pause },
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
