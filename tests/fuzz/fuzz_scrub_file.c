/* fuzz_scrub_file.c - any bytes as a file that ships: containers in
 * containers are opened, what they hold is scanned.  No crash, no leak, the
 * same findings when it is read again in smaller pieces.
 *
 *   make fuzz-scrub-file SECONDS=60
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "lib/source/scrub_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct memory {
	const uint8_t *p;
	size_t n, at, piece;
};

static ssize_t
read_memory(void *ctx, void *to, size_t n, struct bindu_err *err)
{
	struct memory *m = ctx;

	(void)err;
	n = n < m->piece ? n : m->piece;
	n = n < m->n - m->at ? n : m->n - m->at;
	memcpy(to, m->p + m->at, n);
	m->at += n;
	return (ssize_t)n;
}

static int64_t
seek_memory(void *ctx, int64_t to)
{
	struct memory *m = ctx;

	if (to < 0 || (uint64_t)to > m->n)
		return -1;
	m->at = (size_t)to;
	return to;
}

static void
scan(struct scrub_job *j, const uint8_t *p, size_t n, size_t piece,
    struct bindu_scrub_report *r)
{
	struct memory m = { p, n, 0, piece };
	struct bindu_source src = { read_memory, seek_memory, &m, n };

	memset(r, 0, sizeof *r);
	j->r = r;
	if (scrub_file(j, "f", n, false, &src, NULL) == 0)
		scrub_file_verdict(j, BINDU_NAME_OK, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct bindu_scrub_opts opts = { .drop = true };
	static struct scrub_job j;
	struct bindu_scrub_report a, b;

	if (!j.scan) {
		j.scan = scrub_scan_new();
		j.allow = scrub_allow_load(AT_FDCWD, NULL, NULL, NULL);
		j.o = &opts;
	}
	scan(&j, p, n, n, &a);
	scan(&j, p, n, 61, &b);
	if (a.n != b.n || a.nunread != b.nunread || a.bytes != b.bytes)
		abort();
	for (size_t i = 0; i < a.n; i++)
		if (strcmp(a.finding[i].path, b.finding[i].path) != 0 ||
		    a.finding[i].rule != b.finding[i].rule ||
		    a.finding[i].line != b.finding[i].line)
			abort();
	bindu_scrub_report_fini(&a);
	bindu_scrub_report_fini(&b);
	return 0;
}
