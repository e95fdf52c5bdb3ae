/* box_build.c - see box_build.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "box_build.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "box_priv.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define LOG_MAX (256 << 10) /* longer is no build's */
#define LINE_SHOWN 200

/* The daemon's own first words; what is before them is older. */
static const char opening[] = "building image ";

static void
tell_line(struct bindu_remote *r, const char *p, size_t n)
{
	AUTO_BUF struct bindu_buf text = BINDU_BUF_INIT(4 * LINE_SHOWN + 8);

	if (n == 0 ||
	    bindu_str_visible(&text, p, n < LINE_SHOWN ? n : LINE_SHOWN,
		NULL) == -1)
		return;
	bindu_note(r->report, BINDU_NOTE, "%s", text.p);
}

/* The last line that opens a build; NULL when there is none. */
static const char *
find_opening(const char *p, size_t n)
{
	const size_t len = sizeof(opening) - 1;
	const char *found = NULL, *end = p + n;

	while (p != NULL && (size_t)(end - p) >= len) {
		if (memcmp(p, opening, len) == 0)
			found = p;
		p = memchr(p, '\n', (size_t)(end - p));
		p = p != NULL ? p + 1 : NULL;
	}
	return found;
}

static void
tell_time(struct bindu_remote *r, const struct bindu_box_build *b)
{
	bindu_progress(r->report, "image",
	    (uint64_t)(bindu_clock_ms() - b->began) / 1000, 0, "s");
}

static void
tell_lines(struct bindu_remote *r, struct bindu_box_build *b, const char *log,
    size_t n)
{
	const char *end = log + n, *p, *eol;

	if (b->began == 0) {
		p = find_opening(log, n);
		if (p == NULL)
			return;
		b->began = bindu_clock_ms();
		b->told = (size_t)(p - log);
	}
	for (p = log + b->told; p < end; p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			break;
		tell_line(r, p, (size_t)(eol - p));
		b->told = (size_t)(eol + 1 - log);
	}
	tell_time(r, b);
}

void
bindu_box_build_tell(struct bindu_remote *r, const char *box,
    struct bindu_box_build *b)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char *log;

	if (r->runtime != BINDU_LOCAL)
		return;
	fd = memfd_create("build", MFD_CLOEXEC);
	if (fd == -1 || r->client->logs(r, box, false, fd, NULL) == -1 ||
	    fstat(fd, &st) == -1 || st.st_size <= (off_t)b->told ||
	    st.st_size > LOG_MAX) {
		if (b->began != 0)
			tell_time(r, b);
		return;
	}
	log = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (log == MAP_FAILED)
		return;
	tell_lines(r, b, log, (size_t)st.st_size);
	munmap(log, (size_t)st.st_size);
}

void
bindu_box_build_end(struct bindu_remote *r, const struct bindu_box_build *b,
    bool built)
{
	if (b->began != 0)
		bindu_phase(r->report, "image", bindu_clock_ms() - b->began,
		    "%s", built ? "built" : "not built");
}
