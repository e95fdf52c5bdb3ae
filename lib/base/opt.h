/* opt.h - one table drives parsing and --help.
 *
 * Grammar: -x, -xVALUE, -x VALUE, --long, --long=VALUE, --long VALUE,
 * grouped short flags, "--" ends options.  Options may stand after operands
 * unless stop_at_operand.  No abbreviations.  A flag given twice is fine, a
 * value given twice: the last wins (STRLIST collects).  An empty value is an
 * error, but for OPTSTR.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_OPT_H
#define BINDU_OPT_H

#include <stdio.h>
#include "err.h"

enum bindu_opt_type {
	BINDU_OPT_FLAG, /* bool *: set to true */
	BINDU_OPT_STR, /* const char **: points into argv */
	BINDU_OPT_STRLIST, /* struct bindu_strv *: collects */
	BINDU_OPT_U32, /* uint32_t * */
	BINDU_OPT_U64, /* uint64_t * */
	BINDU_OPT_PORT, /* uint32_t *: 1 to 65535 */
	BINDU_OPT_SIZE, /* uint64_t *: 512M */
	BINDU_OPT_MSEC, /* int64_t *: 60s */
	BINDU_OPT_FD, /* int *: an open descriptor's number */
	BINDU_OPT_ENUM, /* const char **: one of choices */
	BINDU_OPT_OPTSTR, /* const char **: --x[=VALUE]; "" without */
	BINDU_OPT_COUNT, /* int *: one more each time, no value */
};

struct bindu_opt {
	char letter; /* 0: none */
	const char *name; /* long name without --; NULL ends the table */
	enum bindu_opt_type type;
	void *value;
	const char *arg; /* "TIME"; NULL for FLAG */
	const char *help; /* lower case, no full stop */
	const char *const *choices; /* ENUM: NULL-terminated */
};
#define BINDU_OPT_END \
	{ \
		0, NULL, 0, NULL, NULL, NULL, NULL \
	}

/* Parse argv[1..]; operands are moved to argv[1..n], *n set.  tables: a
 * NULL-terminated list of tables searched in order. */
int bindu_opt_parse(const struct bindu_opt *const *tables, int argc,
    char **argv, int stop_at_operand, int *n, struct bindu_err *);
/* The options' help lines, at most 80 columns. */
void bindu_opt_help(const struct bindu_opt *, FILE *);
/* One such line: left, then help in its column, wrapped. */
void bindu_opt_row(FILE *, const char *left, const char *help);
#endif
