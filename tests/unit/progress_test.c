/* log and progress: lines for people, and for machines.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/progress.h"
#include "tap.h"

static int
temp(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd == -1)
		exit(99);
	return fd;
}

static char *
take(int fd)
{
	char *text = NULL;

	lseek(fd, 0, SEEK_SET);
	if (bindu_fd_read_all(fd, 1 << 20, &text, NULL, NULL) == -1)
		exit(99);
	if (ftruncate(fd, 0) == -1)
		exit(99);
	lseek(fd, 0, SEEK_SET);
	return text;
}

static const struct {
	enum bindu_level level, at;
	const char *text, *want;
} lines[] = {
	{ BINDU_ERROR, BINDU_NOTE, "bad", "prog: bad\n" },
	{ BINDU_WARN, BINDU_NOTE, "odd", "prog: warning: odd\n" },
	{ BINDU_NOTE, BINDU_NOTE, "so", "prog: so\n" },
	{ BINDU_INFO, BINDU_NOTE, "more", "" },
	{ BINDU_INFO, BINDU_DEBUG, "more", "prog: more\n" },
	{ BINDU_DEBUG, BINDU_DEBUG, "all", "prog: debug: all\n" },
	{ BINDU_NOTE, BINDU_WARN, "so", "" },
	{ BINDU_ERROR, BINDU_ERROR, "\x1b[31m\xff\x07",
	    "prog: \\x1b[31m\\xff\\x07\n" },
	{ BINDU_ERROR, BINDU_ERROR, "a\nb", "prog: a\\x0ab\n" },
	{ BINDU_ERROR, BINDU_ERROR, "\xc3\xa9", "prog: \xc3\xa9\n" },
};

static void
check_lines(int err)
{
	AUTO_FREE char *big = xmalloc(1 << 18), *got = NULL;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		AUTO_FREE char *text = NULL;

		bindu_log_init("prog", lines[i].at);
		bindu_log(lines[i].level, "%s", lines[i].text);
		text = take(err);
		ok(!strcmp(text, lines[i].want), "line %zu", i);
	}
	memset(big, 'x', 1 << 18);
	big[(1 << 18) - 1] = '\0';
	bindu_log(BINDU_ERROR, "%s", big);
	got = take(err);
	ok(strlen(got) < 40000 && strlen(got) > 30000 &&
		got[strlen(got) - 1] == '\n',
	    "a message of 256 KB is cut, not lost");
}

/* Without times, which differ. */
static char *
without_times(const char *s)
{
	char *out = xmalloc(strlen(s) + 1), *w = out;

	while (*s != '\0') {
		if (!strncmp(s, "\"t\":", 4) || !strncmp(s, "\"ms\":", 5)) {
			s += strcspn(s, ",}");
			s += *s == ',';
			continue;
		}
		*w++ = *s++;
	}
	*w = '\0';
	return out;
}

static void
check_status(int err)
{
	AUTO_CLOSE int fd = temp();
	struct bindu_progress *p = bindu_progress_new(fd, 1);
	const struct bindu_report *r = bindu_progress_report(p);
	AUTO_JSON json_t *result = json_object();
	AUTO_FREE char *text = NULL, *got = NULL, *said = NULL;

	bindu_json_set_str(result, "id", "x");
	bindu_progress(r, "pack", 0, 10, "files");
	for (int i = 1; i < 10; i++)
		bindu_progress(r, "pack", (uint64_t)i, 10, "files");
	bindu_progress(r, "pack", 10, 10, "files");
	bindu_phase(r, "pack", 12, "%d files", 10);
	bindu_note(r, BINDU_NOTE, "not said");
	bindu_note(r, BINDU_WARN, "said");
	bindu_progress_result(p, result, 75);
	bindu_progress_free(p);
	text = take(fd);
	got = without_times(text);
	ok(!strcmp(got,
	       "{\"phase\":\"pack\",\"done\":0,\"total\":10,"
	       "\"unit\":\"files\"}\n"
	       "{\"phase\":\"pack\",\"done\":10,\"total\":10,"
	       "\"unit\":\"files\"}\n"
	       "{\"phase\":\"pack\",\"detail\":\"10 files\"}\n"
	       "{\"result\":{\"id\":\"x\"},\"code\":75}\n"),
	    "the first, the last, the phase, the result");
	said = take(err);
	ok(!strcmp(said, "prog: warning: said\n"), "quiet keeps warnings");
}

static void
check_gone_reader(void)
{
	int ends[2];
	struct bindu_progress *p;

	if (pipe2(ends, O_CLOEXEC) == -1)
		exit(99);
	close(ends[0]);
	signal(SIGPIPE, SIG_DFL);
	p = bindu_progress_new(ends[1], 1);
	bindu_progress_result(p, NULL, 0);
	bindu_progress_result(p, NULL, 0);
	bindu_progress_free(p);
	close(ends[1]);
	ok(1, "a status reader that went away does not end us");
}

int
main(void)
{
	int err = temp();
	const struct bindu_report none = { 0 };

	if (dup2(err, STDERR_FILENO) == -1)
		return 1;
	check_lines(err);
	bindu_log_init("prog", BINDU_NOTE);
	check_status(err);
	check_gone_reader();
	bindu_note(NULL, BINDU_ERROR, "x");
	bindu_note(&none, BINDU_ERROR, "x");
	bindu_progress(NULL, "p", 1, 2, "files");
	bindu_progress(&none, "p", 1, 2, "files");
	bindu_phase(NULL, "p", 1, "x");
	bindu_phase(&none, "p", 1, "x");
	ok(1, "a report, and each of its members, may be missing");
	return done();
}
