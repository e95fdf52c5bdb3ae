/* box_build: what is told of an image's build, each line once, whatever the
 * log holds and however it grows.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/remote/box_build.h"
#include "lib/remote/box_priv.h"
#include "tap.h"

static const char *log_text; /* NULL: cannot be had */
static size_t log_len;
static char told[8192];

static int
give_log(struct bindu_remote *r, const char *box, bool follow, int fd,
    struct bindu_err *err)
{
	(void)r;
	(void)box;
	(void)follow;
	if (log_text == NULL)
		return bindu_err_set(err, BINDU_E_AGAIN, "lost");
	return bindu_fd_write(fd, log_text, log_len);
}

static void
tell(const char *a, const char *b, const char *c)
{
	size_t n = strlen(told);

	snprintf(told + n, sizeof told - n, "%s%s%s", a, b, c);
}

static void
on_note(void *ctx, enum bindu_level level, const char *text)
{
	(void)ctx;
	(void)level;
	tell(text, "|", "");
}

static void
on_progress(void *ctx, const char *phase, uint64_t done, uint64_t total,
    const char *unit)
{
	(void)ctx;
	(void)done;
	(void)total;
	/* How many there are is the machine's affair. */
	tell(phase, " in ", unit);
	tell("|", "", "");
}

static void
on_phase(void *ctx, const char *phase, int64_t ms, const char *detail)
{
	(void)ctx;
	(void)ms;
	tell(phase, " is ", detail);
}

static const struct bindu_client client = { .logs = give_log };
static const struct bindu_report report = { .note = on_note,
	.progress = on_progress,
	.phase = on_phase };

/* A wait's looks at a log one after the other; NULL: it cannot be had. */
static const struct {
	const char *what, *looks[4], *told;
	bool end;
} cases[] = {
	{ "a log without a build is not told",
	    { "started\n", "started\nagain\n" }, "", false },
	{ "from the build's first words, each line once",
	    { "old\nbuilding image a\none\n", "old\nbuilding image a\none\ntw",
		"old\nbuilding image a\none\ntwo\n" },
	    "building image a|one|image in s|image in s|two|image in s|image is built",
	    true },
	{ "the last build of several counts",
	    { "building image a\none\nbuilding image b\nx\n" },
	    "building image b|x|image in s|image is built", true },
	{ "a look that fails, or a log that is shorter, waits on",
	    { "building image a\n", NULL, "b", "building image a\ny\n" },
	    "building image a|image in s|image in s|image in s|y|image in s|"
	    "image is built",
	    true },
	{ "what would move the cursor is shown as text",
	    { "building image a\n\033[2J\r\n" },
	    "building image a|\\x1b[2J\\x0d|image in s|image is built", true },
};

static void
look(struct bindu_remote *r, struct bindu_box_build *b, const char *text,
    size_t n)
{
	log_text = text;
	log_len = n;
	bindu_box_build_tell(r, "box", b);
}

static void
test_large(struct bindu_remote *r)
{
	struct bindu_box_build b = { 0 };
	size_t n = 300 << 10;
	AUTO_FREE char *big = xmalloc(n);

	memset(big, 'x', n);
	memcpy(big, "building image a\n", 17);
	big[999] = '\n';
	*told = '\0';
	look(r, &b, big, 1000);
	ok(strstr(told, "xxx|image in s|") != NULL && strlen(told) < 240,
	    "a long line is cut");
	*told = '\0';
	look(r, &b, big, n);
	ok(strcmp(told, "image in s|") == 0, "a log without end is not read");
	r->runtime = BINDU_BOXD;
	*told = '\0';
	look(r, &b, big, 17);
	ok(*told == '\0', "elsewhere no image is built");
}

int
main(void)
{
	struct bindu_remote r = { .client = &client,
		.runtime = BINDU_LOCAL,
		.report = &report };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bindu_box_build b = { 0 };
		size_t n = 4;

		while (n > 0 && cases[i].looks[n - 1] == NULL)
			n--;
		*told = '\0';
		for (size_t k = 0; k < n; k++)
			look(&r, &b, cases[i].looks[k],
			    cases[i].looks[k] ? strlen(cases[i].looks[k]) : 0);
		bindu_box_build_end(&r, &b, cases[i].end);
		if (!ok(strcmp(told, cases[i].told) == 0, "%s", cases[i].what))
			printf("# %s\n", told);
	}
	test_large(&r);
	return done();
}
