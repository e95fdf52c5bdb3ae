/* watch.c - inotify on the directories of what ships.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "manifest.h"
#include "watch.h"

enum {
	MANIFEST_MAX = 256 << 20,
	NOISE = 10, /* times what settles, at most */
};

static const uint32_t events = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
    IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
    IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;

struct watch {
	const char *root;
	int fd;
	struct bindu_strv dir; /* by watch descriptor: absolute; NULL: none */
};

/* Watch dir, absolute; 1 when it was not watched before.  A directory that
 * is gone again is no error. */
static int
add_dir(struct watch *w, const char *dir, struct bindu_err *err)
{
	int wd = inotify_add_watch(w->fd, dir, events);

	if (wd == -1 &&
	    (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return 0;
	if (wd == -1 && errno == ENOSPC)
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "no more directories can be watched: raise "
		    "fs.inotify.max_user_watches");
	if (wd == -1)
		return bindu_err_sys(err, "cannot watch %s", dir);
	while (w->dir.n <= (size_t)wd)
		bindu_strv_take(&w->dir, xstrdup(""));
	if (strcmp(w->dir.v[wd], dir) == 0)
		return 0;
	free(w->dir.v[wd]);
	w->dir.v[wd] = xstrdup(dir);
	return 1;
}

/* All directories of the tree, and those above them up to the root; the
 * number that is new. */
static int
add_tree(struct watch *w, const struct bindu_tree *t, struct bindu_err *err)
{
	AUTO_FREE char *last = NULL;
	int fresh = 0, rc;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct bindu_entry *e = &t->entry[i];
		AUTO_FREE char *dir = e->type == BINDU_DIR ?
		    xstrdup(e->path) :
		    bindu_path_dir(e->path);
		char *slash;

		/* Sorted entries: mostly the directory of the one before. */
		if (last && strcmp(dir, last) == 0)
			continue;
		free(last);
		last = xstrdup(dir);
		while (strcmp(dir, ".") != 0) {
			AUTO_FREE char *full = bindu_path_join(w->root, dir);

			if ((rc = add_dir(w, full, err)) == -1)
				return -1;
			fresh += rc;
			if (!(slash = strrchr(dir, '/')))
				break;
			*slash = '\0';
		}
	}
	rc = add_dir(w, w->root, err);
	return rc == -1 ? -1 : fresh + rc;
}

/* The manifest now; directories found on the way are watched before it is
 * read for good, so that no change falls between. */
static int
look(struct watch *w, const struct bindu_report *r, struct bindu_buf *b,
    struct bindu_err *err)
{
	struct bindu_tree *t;
	char id[65];
	int fresh, rc;

	do {
		if (bindu_tree_load(w->root, NULL, NULL, &t, err) == -1)
			return -1;
		fresh = add_tree(w, t, err);
		rc = -1;
		if (fresh == 0) {
			bindu_buf_reset(b);
			rc = bindu_manifest_hash(t, false, 0, r, err);
			if (rc == 0)
				rc = bindu_manifest_write(t, b, id, err);
		}
		bindu_tree_free(t);
	} while (fresh > 0);
	return rc;
}

/* Read what happened; a new directory is watched at once. */
static int
drain(struct watch *w, struct bindu_err *err)
{
	_Alignas(struct inotify_event) char buf[16 << 10];
	ssize_t n = read(w->fd, buf, sizeof buf);
	const char *p = buf;

	while (n > 0 && p < buf + n) {
		const struct inotify_event *e = (const void *)p;

		if ((e->mask & IN_ISDIR) && e->len && e->wd >= 0 &&
		    (size_t)e->wd < w->dir.n &&
		    (e->mask & (IN_CREATE | IN_MOVED_TO)) &&
		    strcmp(e->name, ".git") != 0) {
			AUTO_FREE char *dir =
			    bindu_path_join(w->dir.v[e->wd], e->name);

			if (add_dir(w, dir, err) == -1)
				return -1;
		}
		p += sizeof *e + e->len;
	}
	return 0;
}

/* Until something happened and it is quiet again, or has not been for long: a
 * file written without end must not hide the others.  1: time, or wake_fd. */
static int
wait_events(struct watch *w, const struct bindu_watch_opts *o, int64_t deadline,
    struct bindu_err *err)
{
	struct pollfd p[2] = { { .fd = w->fd, .events = POLLIN },
		{ .fd = o->wake_fd, .events = POLLIN } };
	bool seen = false;

	if (bindu_clock_left(deadline) == 0)
		return 1;
	for (;;) {
		int left = bindu_clock_left(deadline);
		int n = poll(p, 2,
		    seen && left > o->settle_ms ? (int)o->settle_ms : left);

		if (n == -1 && errno != EINTR)
			return bindu_err_sys(err, "cannot wait");
		if (n > 0 && p[1].revents)
			return 1;
		if (n == 0)
			return !seen;
		if (n > 0 && p[0].revents) {
			if (drain(w, err) == -1)
				return -1;
			if (!seen)
				deadline = bindu_clock_deadline(
				    NOISE * o->settle_ms);
			seen = true;
		}
	}
}

static int
watch_tree(struct watch *w, const struct bindu_watch_opts *o,
    const struct bindu_report *r, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf now = BINDU_BUF_INIT(MANIFEST_MAX);
	AUTO_BUF struct bindu_buf old = BINDU_BUF_INIT(MANIFEST_MAX);
	int64_t deadline = bindu_clock_deadline(o->timeout_ms);
	int rc;

	if (look(w, r, &now, err) == -1 ||
	    bindu_buf_add(&old, o->manifest ? o->manifest : now.p,
		o->manifest ? o->manifest_len : now.len, err) == -1)
		return -1;
	bindu_note(r, BINDU_INFO, "watching %s", w->root);
	while (now.len == old.len &&
	    (now.len == 0 || memcmp(now.p, old.p, now.len) == 0)) {
		if ((rc = wait_events(w, o, deadline, err)) != 0)
			return rc;
		if (look(w, r, &now, err) == -1)
			return 0;
	}
	return 0;
}

int
bindu_watch(const char *root, const struct bindu_watch_opts *o,
    const struct bindu_report *r, struct bindu_err *err)
{
	struct watch w = { .root = root };
	int rc;

	w.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w.fd == -1)
		return bindu_err_sys(err, "cannot watch %s", root);
	rc = watch_tree(&w, o, r, err);
	close(w.fd);
	bindu_strv_fini(&w.dir);
	return rc;
}
