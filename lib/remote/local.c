/* local.c - see local.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "local.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"

#define START_MS 60000

char *
bindu_local_socket(void)
{
	return bindu_config_socket();
}

static int
start_daemon(struct bindu_err *err)
{
	AUTO_FREE char *program = bindu_config_program("bindu-boxd");
	const char *argv[] = { program, "start", NULL };
	struct bindu_proc_opts opts = BINDU_PROC_OPTS;
	AUTO_CLOSE int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int status, rc;
	pid_t pid;

	opts.argv = argv;
	opts.out = sink;
	pid = bindu_proc_spawn(&opts, err);
	if (pid == -1)
		return bindu_err_wrap(err, "cannot start the local runtime");
	rc = bindu_proc_wait(pid, START_MS, &status, err);
	if (rc == -1)
		return -1;
	if (rc == 1) {
		bindu_proc_stop(pid, false, 1000);
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "the local runtime did not become ready in 60 s; look at "
		    "bindu-boxd status");
	}
	if (bindu_proc_exit(status) != 0)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "the local runtime does not start (exit %d); "
		    "bindu-boxd doctor tells what is missing",
		    bindu_proc_exit(status));
	return 0;
}

static bool
answers(const char *path, struct bindu_err *err)
{
	AUTO_CLOSE int fd = bindu_fd_unix_connect(path, SOCK_STREAM, err);

	return fd != -1;
}

int
bindu_local_ensure(bool start, const struct bindu_report *report,
    struct bindu_err *err)
{
	AUTO_FREE char *path = bindu_local_socket();
	struct bindu_err why = { 0 };

	if (answers(path, &why))
		return 0;
	/* Another user's daemon is an answer, too. */
	if (why.code == BINDU_E_AUTH || !start) {
		if (err != NULL)
			*err = why;
		return bindu_err_wrap(err, "local runtime");
	}
	if (geteuid() != 0 && bindu_config_env("HOME") == NULL &&
	    bindu_config_env("XDG_STATE_HOME") == NULL &&
	    bindu_config_env("BINDU_STATE_DIR") == NULL)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "the local runtime has no place for its state: set HOME or "
		    "BINDU_STATE_DIR");
	bindu_note(report, BINDU_INFO, "starting the local runtime");
	if (start_daemon(err) == -1)
		return -1;
	if (!answers(path, err))
		return bindu_err_wrap(err, "local runtime");
	return 0;
}
