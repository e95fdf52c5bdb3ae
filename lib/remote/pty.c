/* pty.c - see pty.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pty.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "lib/base/tool.h"

static struct {
	int fd;
	volatile sig_atomic_t raw; /* the terminal is in our hands */
	struct termios saved, ours;
	int event;
	bool installed;
} pty = { .fd = -1, .event = -1 };

/* All that a handler may call is in here. */
static void
put_back(void)
{
	if (pty.raw)
		tcsetattr(pty.fd, TCSANOW, &pty.saved);
}

static void
tell(void)
{
	uint64_t one = 1;

	(void)!write(pty.event, &one, sizeof(one));
}

static void
on_winch(int sig)
{
	int saved = errno;

	(void)sig;
	tell();
	errno = saved;
}

/* Deadly ones: SA_RESETHAND made the second one real. */
static void
on_death(int sig)
{
	put_back();
	raise(sig);
}

static void
on_stop(int sig)
{
	int saved = errno;

	(void)sig;
	put_back();
	raise(SIGSTOP);
	errno = saved;
}

/* After any stop, SIGSTOP included, the shell has made the terminal its own.
 * In the background it is not ours to change: we would be stopped. */
static void
on_cont(int sig)
{
	int saved = errno;

	(void)sig;
	if (pty.raw && tcgetpgrp(pty.fd) == getpgrp())
		tcsetattr(pty.fd, TCSANOW, &pty.ours);
	tell();
	errno = saved;
}

static void catch (int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction old;

	sigemptyset(&sa.sa_mask);
	/* Signals somebody already handles or ignores are theirs. */
	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		sigaction(sig, &sa, NULL);
}

static void
install(void)
{
	static const int deadly[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE,
		SIGPIPE, SIGQUIT, SIGTERM, SIGHUP, SIGINT, SIGALRM, SIGXCPU };

	if (pty.installed)
		return;
	pty.installed = true;
	atexit(bindu_pty_restore);
	bindu_tool_last_act(put_back);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		catch (deadly[i], on_death, SA_RESETHAND | SA_NODEFER);
	catch (SIGTSTP, on_stop, SA_RESTART);
	catch (SIGCONT, on_cont, SA_RESTART);
	catch (SIGWINCH, on_winch, SA_RESTART);
}

int
bindu_pty_raw(int fd, struct bindu_err *err)
{
	if (tcgetattr(fd, &pty.saved) == -1)
		return bindu_err_sys(err, "cannot read the terminal's state");
	if (pty.event == -1)
		pty.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pty.ours = pty.saved;
	cfmakeraw(&pty.ours);
	pty.ours.c_iflag |= IGNPAR;
	pty.fd = fd;
	install();
	pty.raw = 1;
	if (tcsetattr(fd, TCSADRAIN, &pty.ours) == -1) {
		pty.raw = 0;
		return bindu_err_sys(err, "cannot make the terminal raw");
	}
	return 0;
}

void
bindu_pty_restore(void)
{
	if (!pty.raw)
		return;
	tcsetattr(pty.fd, TCSADRAIN, &pty.saved);
	pty.raw = 0;
}

int
bindu_pty_size(int fd, uint32_t *cols, uint32_t *rows)
{
	struct winsize ws = { 0 };

	if (ioctl(fd, TIOCGWINSZ, &ws) == -1 || ws.ws_col == 0 ||
	    ws.ws_row == 0)
		return -1;
	*cols = ws.ws_col;
	*rows = ws.ws_row;
	return 0;
}

int
bindu_pty_event_fd(void)
{
	return pty.raw ? pty.event : -1;
}
