/* signals.c - the signals and the question of tool.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "progress.h"
#include "tool.h"

/* Atomic: hashing threads look too. */
static atomic_int caught, answered;
static const char *volatile last_words;
static void (*volatile last_act)(void);
static int wake_fd = -1;

static void
on_signal(int sig)
{
	int saved = errno;
	const char *words = last_words;
	void (*act)(void) = last_act;
	uint64_t one = 1;

	if (caught != 0 && sig == SIGINT) {
		if (act != NULL)
			act();
		if (words != NULL) {
			(void)!write(STDERR_FILENO, words, strlen(words));
			(void)!write(STDERR_FILENO, "\n", 1);
		}
		_exit(130);
	}
	caught = sig;
	(void)!write(wake_fd, &one, sizeof one);
	errno = saved;
}

void
bindu_tool_catch(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal }, old;

	if (wake_fd != -1)
		return;
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
		/* nohup and shells that run us in the background ignore some
		 * on purpose. */
		if (sigaction(sigs[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &sa, NULL);
	}
}

void
bindu_tool_last_words(const char *words)
{
	last_words = words;
}

void
bindu_tool_last_act(void (*act)(void))
{
	last_act = act;
}

int
bindu_tool_signal(void)
{
	return caught;
}

bool
bindu_tool_pending(void)
{
	return caught != answered;
}

int
bindu_tool_interrupted(struct bindu_err *err)
{
	if (!bindu_tool_pending())
		return 0;
	return bindu_tool_signalled(err);
}

int
bindu_tool_signalled(struct bindu_err *err)
{
	int sig = caught;

	if (sig == 0)
		return 0;
	answered = sig;
	bindu_err_set(err, BINDU_E_SIGNAL, "interrupted");
	if (err != NULL)
		err->detail = sig;
	return -1;
}

int
bindu_tool_wake_fd(void)
{
	return wake_fd;
}

int
bindu_tool_confirm(const struct bindu_ctx *ctx, const char *question,
    struct bindu_err *err)
{
	char line[64];

	if (ctx->yes)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "there is no terminal to ask on \"%s\": it needs --yes",
		    question);
	bindu_progress_hide();
	fprintf(stderr, "%s: %s [y/N] ", ctx->tool, question);
	fflush(stderr);
	if (fgets(line, sizeof line, stdin) == NULL) {
		putc('\n', stderr); /* Ctrl-D left none */
		return 1;
	}
	line[strcspn(line, "\n")] = '\0';
	return strcasecmp(line, "y") != 0 && strcasecmp(line, "yes") != 0;
}
