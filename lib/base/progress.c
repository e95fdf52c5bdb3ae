/* progress.c - see progress.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "buf.h"
#include "clock.h"
#include "config.h"
#include "fd.h"
#include "mem.h"
#include "progress.h"
#include "str.h"

enum {
	DELAY_MS = 300, /* what ends sooner draws nothing */
	FRAME_MS = 100,
	HEARTBEAT_MS = 10000, /* a log without bars still shows life */
};

struct bindu_progress {
	struct bindu_report report;
	int64_t born;
	int status_fd;
	bool quiet;
	bool bars;
	bool utf8;

	/* The phase that runs now. */
	char phase[32];
	const char *unit;
	uint64_t done, total;
	int64_t started;
	int64_t framed; /* when the last frame, line was written */
	int64_t stated; /* same for the last line on status_fd */
	bool drawn; /* a bar is on the line */
};

/* The one that owns the terminal's last line, for bindu_progress_hide. */
static struct bindu_progress *on_screen;

void
bindu_note(const struct bindu_report *r, enum bindu_level level,
    const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	if (r == NULL || r->note == NULL)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	r->note(r->ctx, level, text);
}

void
bindu_progress(const struct bindu_report *r, const char *phase, uint64_t done,
    uint64_t total, const char *unit)
{
	if (r != NULL && r->progress != NULL)
		r->progress(r->ctx, phase, done, total, unit);
}

void
bindu_phase(const struct bindu_report *r, const char *phase, int64_t ms,
    const char *detail, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	if (r == NULL || r->phase == NULL)
		return;
	va_start(ap, detail);
	text = xvasprintf(detail, ap);
	va_end(ap);
	r->phase(r->ctx, phase, ms, text);
}

/* A reader that went away must not end us: SIGPIPE is held back, and taken
 * off if it came. */
static void
state(struct bindu_progress *p, json_t *line)
{
	AUTO_FREE char *text = bindu_json_text(line);
	AUTO_FREE char *out = xasprintf("%s\n", text);
	sigset_t pipes, old, pending;

	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipes, &old);
	if (bindu_fd_write(p->status_fd, out, strlen(out)) == -1) {
		p->status_fd = -1;
		if (errno == EPIPE && !sigismember(&pending, SIGPIPE))
			sigtimedwait(&pipes, NULL, &(struct timespec){ 0, 0 });
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static json_t *
new_line(struct bindu_progress *p, const char *phase)
{
	json_t *line = json_object();

	bindu_json_set_int(line, "t", bindu_clock_ms() - p->born);
	bindu_json_set_str(line, "phase", phase);
	return line;
}

/* "1.4 MB", "12 files". */
static void
format_amount(const struct bindu_progress *p, uint64_t v, char *out, size_t n)
{
	if (strcmp(p->unit, "bytes") == 0)
		bindu_str_human(v, out, n);
	else
		snprintf(out, n, "%llu %s", (unsigned long long)v, p->unit);
}

static void
add_cells(struct bindu_buf *b, const struct bindu_progress *p, int cells)
{
	int full = (int)((double)p->done / (double)p->total * cells);

	for (int i = 0; i < cells; i++)
		bindu_buf_adds(b,
		    p->utf8 ? (i < full ? "█" : "░") : (i < full ? "#" : "."),
		    NULL);
}

static int
columns(void)
{
	struct winsize ws;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_col == 0)
		return 80;
	return ws.ws_col;
}

/* " 45%  1.4 MB of 3.1 MB  4.7 MB/s" */
static void
format_text(const struct bindu_progress *p, char *out, size_t n)
{
	int64_t ms = bindu_clock_ms() - p->started;
	char done[64], total[64] = "", rate[32] = "", percent[16] = "";
	bool timed = ms >= 1000 && strcmp(p->unit, "bytes") == 0;

	format_amount(p, p->done, done, sizeof done);
	if (p->total != 0) {
		snprintf(percent, sizeof percent, "%3d%%  ",
		    (int)((double)p->done * 100 / (double)p->total));
		memcpy(total, " of ", 5);
		format_amount(p, p->total, total + 4, sizeof total - 4);
	}
	if (timed)
		bindu_str_human((uint64_t)((double)p->done * 1000 / (double)ms),
		    rate, sizeof rate);
	snprintf(out, n, "%s%s%s%s%s%s", percent, done, total,
	    timed ? "  " : "", rate, timed ? "/s" : "");
}

static void
draw(struct bindu_progress *p)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(4096);
	int width = columns() - 1, room;
	char text[256];

	if (width < 20 || tcgetpgrp(STDERR_FILENO) != getpgrp())
		return;
	format_text(p, text, sizeof text);
	bindu_buf_addf(&b, NULL, "\r%.*s  ", width - 2, p->phase);
	room = width - (int)strlen(p->phase) - (int)strlen(text) - 4;
	if (p->total != 0 && room >= 10) {
		add_cells(&b, p, room > 40 ? 40 : room);
		bindu_buf_adds(&b, "  ", NULL);
	}
	room = width - (int)strlen(p->phase) - 2;
	bindu_buf_addf(&b, NULL, "%.*s\033[K", room > 0 ? room : 0, text);
	p->drawn = bindu_fd_write(STDERR_FILENO, b.p, b.len) == 0;
}

static void
erase(struct bindu_progress *p)
{
	if (!p->drawn)
		return;
	(void)!bindu_fd_write(STDERR_FILENO, "\r\033[K", 4);
	p->drawn = false;
}

void
bindu_progress_hide(void)
{
	if (on_screen != NULL && on_screen->drawn) {
		erase(on_screen);
		on_screen->framed = 0; /* show draws it again */
	}
}

void
bindu_progress_show(void)
{
	struct bindu_progress *p = on_screen;

	if (p != NULL && p->framed == 0 && p->phase[0] != '\0' && p->bars) {
		draw(p);
		p->framed = bindu_clock_ms();
	}
}

static void
on_note(void *ctx, enum bindu_level level, const char *text)
{
	struct bindu_progress *p = ctx;

	if (!p->quiet || level <= BINDU_WARN)
		bindu_log(level, "%s", text);
}

static void
on_progress(void *ctx, const char *phase, uint64_t done, uint64_t total,
    const char *unit)
{
	struct bindu_progress *p = ctx;
	int64_t now = bindu_clock_ms();
	bool last = total != 0 && done >= total;

	if (strcmp(p->phase, phase) != 0) {
		snprintf(p->phase, sizeof p->phase, "%s", phase);
		p->started = p->framed = now;
		p->stated = 0;
	}
	p->unit = unit;
	p->done = total != 0 && done > total ? total : done;
	p->total = total;
	if (p->status_fd != -1 && (last || now - p->stated >= FRAME_MS)) {
		AUTO_JSON json_t *line = new_line(p, phase);

		bindu_json_set_int(line, "done", (int64_t)done);
		bindu_json_set_int(line, "total", (int64_t)total);
		bindu_json_set_str(line, "unit", unit);
		state(p, line);
		p->stated = now;
	}
	if (p->quiet)
		return;
	if (p->bars && now - p->started >= DELAY_MS &&
	    (last || now - p->framed >= FRAME_MS)) {
		draw(p);
		p->framed = now;
	} else if (!p->bars && now - p->framed >= HEARTBEAT_MS) {
		char text[256];

		format_text(p, text, sizeof text);
		bindu_log(BINDU_NOTE, "%s %s", phase, text);
		p->framed = now;
	}
}

static void
on_phase(void *ctx, const char *phase, int64_t ms, const char *detail)
{
	struct bindu_progress *p = ctx;

	erase(p);
	p->phase[0] = '\0';
	if (p->status_fd != -1) {
		AUTO_JSON json_t *line = new_line(p, phase);

		bindu_json_set_int(line, "ms", ms);
		bindu_json_set_str(line, "detail", detail);
		state(p, line);
	}
	if (p->quiet)
		return;
	if (ms < 1000)
		bindu_log(BINDU_NOTE, "%s %s%s%lld ms", phase, detail,
		    *detail != '\0' ? "  " : "", (long long)ms);
	else
		bindu_log(BINDU_NOTE, "%s %s%s%lld.%lld s", phase, detail,
		    *detail != '\0' ? "  " : "", (long long)ms / 1000,
		    (long long)ms % 1000 / 100);
}

/* Bars: a terminal that can, that nobody collects lines from (make -O sets
 * MAKE_TERMERR), and that no later stage of a pipe draws on. */
static bool
wants_bars(void)
{
	const char *term = bindu_config_env("TERM");
	struct stat st;

	if (!isatty(STDERR_FILENO) || term == NULL || strcmp(term, "dumb") == 0)
		return false;
	if (bindu_config_env("MAKE_TERMERR") != NULL ||
	    bindu_config_env("CI") != NULL)
		return false;
	return fstat(STDOUT_FILENO, &st) == -1 || !S_ISFIFO(st.st_mode);
}

struct bindu_progress *
bindu_progress_new(int status_fd, int quiet)
{
	struct bindu_progress *p = xcalloc(1, sizeof *p);

	p->report = (struct bindu_report){
		.ctx = p,
		.note = on_note,
		.progress = on_progress,
		.phase = on_phase,
	};
	p->born = bindu_clock_ms();
	p->status_fd = status_fd;
	p->quiet = quiet;
	p->bars = !quiet && wants_bars();
	p->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	p->unit = "bytes";
	on_screen = p;
	return p;
}

const struct bindu_report *
bindu_progress_report(struct bindu_progress *p)
{
	return &p->report;
}

void
bindu_progress_result(struct bindu_progress *p, json_t *result, int code)
{
	AUTO_JSON json_t *line = NULL;

	if (p->status_fd == -1)
		return;
	line = json_object();
	json_object_set_new(line, "result",
	    result != NULL ? json_incref(result) : json_null());
	bindu_json_set_int(line, "code", code);
	state(p, line);
}

void
bindu_progress_free(struct bindu_progress *p)
{
	if (p == NULL)
		return;
	erase(p);
	if (on_screen == p)
		on_screen = NULL;
	free(p);
}
