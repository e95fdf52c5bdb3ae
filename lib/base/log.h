/* log.h - lines for people on stderr: used by tools and bindu-boxd only.
 * The library itself reports through struct bindu_report (progress.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_LOG_H
#define BINDU_LOG_H

enum bindu_level {
	BINDU_ERROR,
	BINDU_WARN,
	BINDU_NOTE,
	BINDU_INFO,
	BINDU_DEBUG
};

/* prefix is the program's name; level: lines above it are dropped. */
void bindu_log_init(const char *prefix, enum bindu_level);
/* "prefix: text\n" in one write; control bytes escaped; erases and redraws a
 * progress bar that is on the line. */
void bindu_log(enum bindu_level, const char *, ...)
    __attribute__((format(printf, 2, 3)));
#endif
