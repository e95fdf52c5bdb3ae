/* A peer that goes at the worst moment is as one that is not there.
 * SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "boxd/daemon/ask.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "tap.h"

static void
wake(void *arg)
{
	(void)arg;
}

static void
on_answer(void *ctx, struct ask *a, const json_t *msg, int *fds,
    const struct bindu_err *err)
{
	(void)ctx;
	(void)a;
	(void)msg;
	(void)fds;
	(void)err;
}

/* A process that ends each connection as soon as it is made. */
static pid_t
hang_up_on_all(int listener)
{
	pid_t pid = fork();

	while (pid == 0)
		close(accept(listener, NULL, NULL));
	return pid;
}

int
main(void)
{
	AUTO_FREE char *dir = xstrdup("/tmp/bindu-ask.XXXXXX");
	char *path;
	struct bindu_err err = { 0 };
	struct loop *l = loop_new(wake, NULL, &err);
	int listener, reached = 0, away = 0, other = 0;
	pid_t pid;

	if (!l || !mkdtemp(dir))
		return 1;
	path = xasprintf("%s/s", dir);
	ok(ask_try(l, path, json_object(), 0, on_answer, NULL, &err) == NULL &&
		err.code == BINDU_E_AGAIN,
	    "nobody there may be somebody later");
	listener = bindu_fd_unix_listen(path, SOCK_SEQPACKET, 0600, &err);
	pid = hang_up_on_all(listener);
	for (int i = 0; i < 20000; i++) {
		struct bindu_err e = { 0 };
		struct ask *a =
		    ask_try(l, path, json_object(), 0, on_answer, NULL, &e);

		if (a)
			reached++;
		else if (e.code == BINDU_E_AGAIN)
			away++;
		else
			other++;
		ask_close(&a);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(reached + away == 20000,
	    "one that ends before it was asked, too (%d asked, %d not, "
	    "%d other)",
	    reached, away, other);
	close(listener);
	unlink(path);
	rmdir(dir);
	free(path);
	loop_free(l);
	return done();
}
