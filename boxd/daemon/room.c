/* room.c - see room.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include "hub.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "life.h"

/* To start a box: a tenth of the file system, but no more than that. */
#define ROOM_PART 10
#define ROOM_MAX (2ull << 30)
/* To go on: half of it, which a box can hardly fill in the second between two
 * looks. */
#define LAST_PART 2
#define MEMINFO_MAX 65536

enum level { ROOM_ENOUGH, ROOM_LOW, ROOM_LAST };

struct room {
	uint64_t free, low;
};

/* What is written but has no place yet, of the whole machine. */
static uint64_t
dirty(void)
{
	static const char *const rows[] = { "\nDirty:", "\nWriteback:" };
	AUTO_FREE char *text = NULL;
	uint64_t sum = 0;
	size_t n;

	if (bindu_fd_read_file(AT_FDCWD, "/proc/meminfo", MEMINFO_MAX, &text,
		&n, NULL) == -1)
		return 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *row = strstr(text, rows[i]);

		if (row)
			sum += strtoull(row + strlen(rows[i]), NULL, 10) * 1024;
	}
	return sum;
}

static enum level
measure(const struct boxd *d, struct room *r)
{
	uint64_t size, promised = dirty();
	struct statvfs s;

	*r = (struct room){ 0 };
	if (fstatvfs(d->state_fd, &s) == -1)
		return ROOM_ENOUGH;
	size = (uint64_t)s.f_blocks * s.f_frsize;
	/* Not what is kept for root: the rest of the host may need it. */
	r->free = (uint64_t)s.f_bavail * s.f_frsize;
	r->low = size / ROOM_PART < ROOM_MAX ? size / ROOM_PART : ROOM_MAX;
	/* Most of it may be meant for another file system. */
	if (promised > r->low)
		promised = r->low;
	r->free -= r->free < promised ? r->free : promised;
	if (r->free >= r->low)
		return ROOM_ENOUGH;
	return r->free >= r->low / LAST_PART ? ROOM_LOW : ROOM_LAST;
}

static const char *
human(uint64_t n, char buf[16])
{
	return bindu_str_human(n, buf, 16);
}

int
room_check(const struct boxd *d, enum box_verb verb, struct bindu_err *err)
{
	bool resume = verb == VERB_RESUME;
	struct room r;
	enum level is = measure(d, &r);
	char have[16], want[16];

	if (is == ROOM_ENOUGH || (resume && is == ROOM_LOW) ||
	    (verb != VERB_START && verb != VERB_REBOOT && !resume))
		return 0;
	bindu_err_set(err, BINDU_E_IO,
	    "No space left on device: %s stays free below %s, and to %s a box "
	    "takes %s; make room there, or destroy boxes",
	    human(r.free, have), d->state, box_verb_name(verb),
	    human(resume ? r.low / LAST_PART : r.low, want));
	if (err)
		err->detail = ENOSPC;
	return -1;
}

/* Where they have a limit, their disks are images. */
static bool
has_images(const struct boxd *d)
{
	const json_t *can = json_object_get(hub_facts(d->hub), "abilities");

	return bindu_json_bool(can, "disk", 0) &&
	    bindu_json_bool(can, "suspend", 0);
}

static void
suspend_all(struct boxd *d)
{
	for (struct box *b = d->boxes; b; b = b->next) {
		if (b->state != BOX_RUNNING || b->life ||
		    life_do(b, VERB_SUSPEND, NULL, NULL, NULL, NULL) != 0)
			continue;
		b->no_room = true;
		bindu_log(BINDU_WARN,
		    "box %s is suspended until there is room below %s", b->name,
		    d->state);
	}
}

static void
resume_all(struct boxd *d)
{
	for (struct box *b = d->boxes; b; b = b->next) {
		if (!b->no_room || b->life)
			continue;
		b->no_room = false;
		if (b->state == BOX_SUSPENDED)
			life_do(b, VERB_RESUME, NULL, NULL, NULL, NULL);
	}
}

void
room_watch(struct boxd *d)
{
	struct room r;
	enum level is = measure(d, &r);
	char have[16];

	if ((int)is > d->room_told)
		bindu_log(BINDU_WARN,
		    "only %s stays free below %s: boxes are not started%s",
		    human(r.free, have), d->state,
		    is == ROOM_LAST ? ", and stand still" : "");
	d->room_told = is;
	if (is == ROOM_LAST && has_images(d))
		suspend_all(d);
	else if (is == ROOM_ENOUGH)
		resume_all(d);
}
