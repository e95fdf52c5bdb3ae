/* progress.h - what a long call says while it works.
 *
 * The library calls a struct bindu_report; the tool decides what is drawn:
 * a bar on a terminal, plain lines elsewhere, JSON lines on --status-fd
 * (design.md Formats, deploy.md 5.2).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PROGRESS_H
#define BINDU_PROGRESS_H

#include <stdint.h>
#include "json.h"
#include "log.h"

struct bindu_report {
	void *ctx;
	/* A line for a person; text is complete, no newline.  Names of files
	 * come as they are: who prints it escapes, as bindu_log() does. */
	void (*note)(void *ctx, enum bindu_level, const char *text);
	/* done of total (0: not known) in unit ("bytes", "files"). */
	void (*progress)(void *ctx, const char *phase, uint64_t done,
	    uint64_t total, const char *unit);
	/* A phase ended after ms; detail is for people ("212 files 1.4 MB"). */
	void (*phase)(void *ctx, const char *phase, int64_t ms,
	    const char *detail);
};

/* All take a NULL report or NULL members. */
void bindu_note(const struct bindu_report *, enum bindu_level, const char *,
    ...) __attribute__((format(printf, 3, 4)));
void bindu_progress(const struct bindu_report *, const char *phase,
    uint64_t done, uint64_t total, const char *unit);
void bindu_phase(const struct bindu_report *, const char *phase, int64_t ms,
    const char *detail, ...) __attribute__((format(printf, 4, 5)));

/* The tool's side.  quiet: notes below BINDU_WARN and bars are dropped. */
struct bindu_progress;
struct bindu_progress *bindu_progress_new(int status_fd, int quiet);
const struct bindu_report *bindu_progress_report(struct bindu_progress *);
/* The last --status-fd line: {"result":...,"code":N}; result may be NULL. */
void bindu_progress_result(struct bindu_progress *, json_t *result, int code);
void bindu_progress_free(struct bindu_progress *); /* ends a drawn bar */
/* log.c calls these around a line it prints. */
void bindu_progress_hide(void);
void bindu_progress_show(void);
#endif
