/* log.c - see log.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "buf.h"
#include "fd.h"
#include "log.h"
#include "mem.h"
#include "progress.h"
#include "str.h"

static const char *log_prefix = "bindu";
static enum bindu_level log_level = BINDU_NOTE;

void
bindu_log_init(const char *prefix, enum bindu_level level)
{
	log_prefix = prefix;
	log_level = level;
}

void
bindu_log(enum bindu_level level, const char *fmt, ...)
{
	AUTO_BUF struct bindu_buf line = BINDU_BUF_INIT(1 << 18);
	AUTO_FREE char *text = NULL;
	va_list ap;
	size_t n;

	if (level > log_level)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	n = strnlen(text, 1 << 15);
	bindu_buf_addf(&line, NULL, "%s: %s", log_prefix,
	    level == BINDU_WARN	     ? "warning: " :
		level == BINDU_DEBUG ? "debug: " :
				       "");
	bindu_str_visible(&line, text, n, NULL);
	bindu_buf_addc(&line, '\n', NULL);
	bindu_progress_hide();
	/* stderr may be gone; there is nobody to tell. */
	(void)!bindu_fd_write(STDERR_FILENO, line.p, line.len);
	bindu_progress_show();
}
