/* tool.h - what every main() does: options, -h -V -q -v, signals, errors.
 *
 * bindu_tool_main parses, chooses the verb, calls run, flushes stdout (a
 * full disk is an error), prints "NAME: message" for an error and returns
 * the exit status.  Locale: LC_CTYPE only.  SIGPIPE stays default.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_TOOL_H
#define BINDU_TOOL_H

#include <stdbool.h>
#include "err.h"
#include "opt.h"
#include "progress.h"

/* The shared options a tool takes (its man page lists them too). */
enum {
	BINDU_TOOL_DIR = 1, /* -C DIR: ctx.dir */
	BINDU_TOOL_JSON = 2, /* --json: ctx.json */
	BINDU_TOOL_RUNTIME = 4, /* --runtime local|boxd|boxlite: ctx.runtime */
	BINDU_TOOL_STATUS = 8, /* --status-fd N: ctx.report draws there too */
	BINDU_TOOL_YES = 16, /* -y --yes: ctx.yes */
	BINDU_TOOL_STOP_AT_OPERAND = 32, /* options end at the first operand */
};

struct bindu_ctx {
	const char *tool; /* "bindu-pack" */
	const char *dir; /* "." unless -C */
	const char *runtime; /* NULL unless --runtime */
	bool json, yes, quiet;
	int verbose; /* 0, 1, 2 */
	const struct bindu_report *report; /* never NULL */
	json_t *result; /* run may set it (owned by main) for
					 * the last --status-fd line */
};

/* >= 0 is the exit status (0, 1, or what a remote command gave);
 * -1 means err is set. */
typedef int
bindu_run_fn(struct bindu_ctx *, int argc, char **argv, struct bindu_err *);

struct bindu_verb {
	const char *name; /* NULL ends the table */
	const char *args; /* "BOX [PATH]" */
	int min, max; /* operands; max -1: any number */
	const char *about;
	const struct bindu_opt *opts; /* may be NULL */
	bindu_run_fn *run;
};

struct bindu_tool {
	const char *name;
	const char *args; /* without verbs */
	int min, max;
	const char *about;
	const struct bindu_opt *opts;
	unsigned flags;
	bindu_run_fn *run; /* without verbs */
	const struct bindu_verb *verbs; /* NULL-terminated, or NULL */
	const char *more; /* extra help text, may be NULL */
};

int bindu_tool_main(const struct bindu_tool *, int argc, char **argv);

/* The result so far on stdout, as one line of JSON. */
void bindu_tool_print_json(const struct bindu_ctx *);
/* The result so with --json, else text, as it is. */
void bindu_tool_print(const struct bindu_ctx *, const char *text);
/* Now rather than at the end, which does it, too. */
int bindu_tool_flush(struct bindu_err *);

/* Set once SIGINT, SIGTERM or SIGHUP arrived after bindu_tool_catch(); 0
 * before.  wake_fd becomes readable then (for poll).  A second SIGINT within
 * the process ends it at once with 130, having called last_act (in the signal
 * handler) and said last_words (borrowed, must stay; a whole line without
 * newline) on stderr. */
void bindu_tool_catch(void);
void bindu_tool_last_words(const char *);
void bindu_tool_last_act(void (*)(void));
int bindu_tool_signal(void);
/* What takes long asks now and then.  pending: a signal came that nobody has
 * answered yet, be it before the work began.  interrupted: -1
 * (BINDU_E_SIGNAL) then, and it is answered: what runs after that, to tidy
 * up, is not stopped.  signalled: -1 also when it was answered before, by a
 * step whose failure did not count.  Only the main thread answers. */
bool bindu_tool_pending(void);
int bindu_tool_interrupted(struct bindu_err *);
int bindu_tool_signalled(struct bindu_err *);
int bindu_tool_wake_fd(void);
/* Ask on the terminal; without one, or with --yes, see ctx: BINDU_E_USAGE
 * "... needs --yes" when it cannot ask; 0 yes, 1 no. */
int bindu_tool_confirm(const struct bindu_ctx *, const char *question,
    struct bindu_err *);
#endif
