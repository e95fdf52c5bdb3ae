/* scrub_filter.c - a tar stream through the scrubber.
 *
 * A member's verdict comes before its bytes leave: its content is held in
 * memory, or in a nameless file when it is large, until it has been read.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "scrub_file.h"

enum { HOLD = 1 << 20 };

/* A member's bytes, to be read twice. */
struct spool {
	char *mem; /* HOLD bytes */
	int fd; /* -1 while it fits */
	uint64_t size, at;
};

struct filter {
	struct bindu_unpack *in;
	struct bindu_repack *out;
	struct scrub_job job;
	struct spool spool;
	struct bindu_strv dropped; /* for hard links to them */
	bool mute; /* a finding blocks: write nothing more */
};

static ssize_t
read_in(void *ctx, void *p, size_t n, struct bindu_err *err)
{
	ssize_t got;

	do {
		got = read(*(int *)ctx, p, n);
	} while (got == -1 && errno == EINTR);
	if (got == -1)
		return bindu_err_sys(err, "cannot read the archive");
	return got;
}

static const char *
spool_dir(void)
{
	const char *dir = bindu_config_env("TMPDIR");

	return dir ? dir : "/tmp";
}

static int
open_spool(struct bindu_err *err)
{
	int fd = open(spool_dir(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd == -1)
		return bindu_err_sys(err, "cannot make a file in %s",
		    spool_dir());
	return fd;
}

static int
fill_spool(struct filter *f, struct bindu_err *err)
{
	struct spool *s = &f->spool;

	s->size = s->at = 0;
	for (;;) {
		size_t used = s->fd == -1 ? (size_t)s->size : 0;
		ssize_t n =
		    bindu_unpack_read(f->in, s->mem + used, HOLD - used, err);

		if (n < 0)
			return -1;
		if (n == 0)
			return 0;
		s->size += (uint64_t)n;
		if (s->fd == -1 && s->size < HOLD)
			continue;
		if (s->fd == -1) {
			s->fd = open_spool(err);
			if (s->fd == -1)
				return -1;
			n = HOLD;
		}
		if (bindu_fd_write(s->fd, s->mem, (size_t)n) == -1)
			return bindu_err_sys(err,
			    "cannot keep a large file in %s while it is read "
			    "(TMPDIR names another place)",
			    spool_dir());
	}
}

static void
empty_spool(struct spool *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	s->size = s->at = 0;
}

static ssize_t
read_spool(void *ctx, void *p, size_t n, struct bindu_err *err)
{
	struct spool *s = ctx;
	ssize_t got;

	if (n > s->size - s->at)
		n = (size_t)(s->size - s->at);
	if (s->fd == -1) {
		memcpy(p, s->mem + s->at, n);
		got = (ssize_t)n;
	} else {
		got = pread(s->fd, p, n, (off_t)s->at);
		if (got == -1)
			return bindu_err_sys(err, "cannot read a member back");
	}
	s->at += (uint64_t)got;
	return got;
}

static int64_t
seek_spool(void *ctx, int64_t to)
{
	struct spool *s = ctx;

	if (to < 0 || (uint64_t)to > s->size)
		return -1;
	s->at = (uint64_t)to;
	return to;
}

static int
drop_member(struct filter *f, const char *path, const char *rule)
{
	scrub_report_drop(f->job.r, path, rule);
	bindu_strv_add(&f->dropped, path);
	return 0;
}

static int
write_member(struct filter *f, struct bindu_member *m, const char *path,
    struct bindu_err *err)
{
	AUTO_FREE char *dir = NULL;
	char block[16384];
	ssize_t n;

	if (f->mute)
		return 0;
	if (m->type == BINDU_MEMBER_DIR)
		dir = xasprintf("%s/", path);
	m->path = dir ? dir : path;
	m->size = f->spool.size;
	if (bindu_repack_member(f->out, m, err) == -1)
		return -1;
	seek_spool(&f->spool, 0);
	while (m->type == BINDU_MEMBER_FILE &&
	    (n = read_spool(&f->spool, block, sizeof block, err)) != 0)
		if (n < 0 ||
		    bindu_repack_data(f->out, block, (size_t)n, err) == -1)
			return -1;
	return 0;
}

/* Names, links and kinds that never ship; NULL when none applies. */
static const char *
judge_member(struct filter *f, const struct bindu_member *m, const char *path,
    enum bindu_name_act *act, const char **rule)
{
	AUTO_FREE char *target = NULL;
	const char *why = scrub_name_verdict(path, m->type == BINDU_MEMBER_DIR,
	    m->type == BINDU_MEMBER_LINK ? m->link : NULL, act, rule);

	if (why)
		return why;
	if (m->type == BINDU_MEMBER_SPECIAL)
		return "name/special-file";
	if (m->type != BINDU_MEMBER_HARD)
		return NULL;
	target = bindu_path_clean(m->link);
	if (bindu_strv_has(&f->dropped, target))
		return "name/hard-link-to-dropped";
	return scrub_target_is_dropped(target) ? "name/link-to-dropped" : NULL;
}

static bool
is_allowed(struct filter *f, const char *path)
{
	struct bindu_digest *d;
	uint8_t sum[BINDU_SHA256];
	char block[16384];
	ssize_t n;

	if (!scrub_allow_wants_digest(f->job.allow, path))
		return false;
	d = bindu_digest_new();
	seek_spool(&f->spool, 0);
	while ((n = read_spool(&f->spool, block, sizeof block, NULL)) > 0)
		bindu_digest_add(d, block, (size_t)n);
	bindu_digest_end(d, sum);
	bindu_digest_free(d);
	return scrub_file_is_allowed(&f->job, path, sum);
}

static int
filter_file(struct filter *f, struct bindu_member *m, const char *path,
    enum bindu_name_act act, const char *name_rule, const char *why,
    struct bindu_err *err)
{
	struct bindu_source src = { read_spool, seek_spool, &f->spool, 0 };

	if (fill_spool(f, err) == -1)
		return -1;
	if ((why || act == BINDU_NAME_SCAN) && is_allowed(f, path))
		return write_member(f, m, path, err);
	if (why)
		return drop_member(f, path, why);
	if (act == BINDU_NAME_WARN)
		scrub_report_name(f->job.r, path, name_rule);
	src.size = f->spool.size;
	seek_spool(&f->spool, 0);
	if (scrub_file(&f->job, path, src.size, act == BINDU_NAME_SCAN, &src,
		err) == -1)
		return -1;
	why = scrub_file_verdict(&f->job, act, name_rule);
	if (why)
		return drop_member(f, path, why);
	f->mute |= f->job.r->block > 0 || f->job.r->nunread > 0;
	return write_member(f, m, path, err);
}

static int
filter_members(struct filter *f, struct bindu_err *err)
{
	struct bindu_member m;
	int rc;

	while ((rc = bindu_unpack_next(f->in, &m, err)) == 1) {
		AUTO_FREE char *path = bindu_path_clean(m.path);
		enum bindu_name_act act;
		const char *rule, *why;

		if (!strcmp(path, "."))
			continue;
		if (!bindu_path_is_inside(path))
			return bindu_err_set(err, BINDU_E_DATA, "%s: %s", path,
			    strchr(path, '\n') ? BINDU_NO_NEWLINE :
						 "it leads out of the archive");
		why = judge_member(f, &m, path, &act, &rule);
		if (!why)
			scrub_path(&f->job, path, m.link);
		f->mute |= f->job.r->block > 0;
		if (m.type == BINDU_MEMBER_FILE)
			rc = filter_file(f, &m, path, act, rule, why, err);
		else if (why)
			rc = drop_member(f, path, why);
		else
			rc = write_member(f, &m, path, err);
		empty_spool(&f->spool);
		if (rc == -1)
			return -1;
	}
	if (rc == -1 || f->mute)
		return rc;
	return bindu_repack_end(f->out, err);
}

int
bindu_scrub_filter(int in, int out, const struct bindu_scrub_opts *o,
    const struct bindu_report *report, struct bindu_scrub_report *r,
    struct bindu_err *err)
{
	struct filter f = { .spool.fd = -1, .job.report = report };
	struct bindu_source src = { read_in, NULL, &in, 0 };
	int rc = -1;

	memset(r, 0, sizeof *r);
	f.job.o = o;
	f.job.r = r;
	f.job.allow =
	    scrub_allow_load(AT_FDCWD, o->allow_file, o->baseline, err);
	if (!f.job.allow)
		return -1;
	f.job.scan = scrub_scan_new();
	f.spool.mem = xmalloc(HOLD);
	f.in = bindu_unpack_new(&src, BINDU_TAR_ONLY, err);
	f.out = f.in ? bindu_repack_new(out, err) : NULL;
	if (f.out)
		rc = filter_members(&f, err);
	if (rc == 0)
		scrub_allow_stale(f.job.allow, &r->stale);
	bindu_repack_free(f.out);
	bindu_unpack_free(f.in);
	scrub_scan_free(f.job.scan);
	scrub_allow_free(f.job.allow);
	bindu_strv_fini(&f.dropped);
	empty_spool(&f.spool);
	free(f.spool.mem);
	return rc;
}
