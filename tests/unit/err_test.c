/* err: one row of the exit table each; context in front; one line.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "lib/base/err.h"
#include "tap.h"

static const struct {
	const char *what;
	enum bindu_errc code;
	int exit;
} exits[] = {
	{ "no error exits 0", BINDU_E_NONE, 0 },
	{ "an honest no exits 1", BINDU_E_NO, 1 },
	{ "a bad command line exits 2", BINDU_E_USAGE, 2 },
	{ "malformed bytes exit 65", BINDU_E_DATA, 65 },
	{ "a missing input exits 66", BINDU_E_NOINPUT, 66 },
	{ "a missing service exits 69", BINDU_E_UNAVAILABLE, 69 },
	{ "a bug exits 70", BINDU_E_BUG, 70 },
	{ "a refused system call exits 71", BINDU_E_SYSTEM, 71 },
	{ "an existing or locked thing exits 73", BINDU_E_EXISTS, 73 },
	{ "failed I/O exits 74", BINDU_E_IO, 74 },
	{ "try again exits 75", BINDU_E_AGAIN, 75 },
	{ "a broken protocol exits 76", BINDU_E_PROTOCOL, 76 },
	{ "a refused login exits 77", BINDU_E_AUTH, 77 },
	{ "unsafe settings exit 78", BINDU_E_CONFIG, 78 },
};

static const struct {
	const char *what;
	int no;
	enum bindu_errc code;
} classes[] = {
	{ "ENOENT is no input", ENOENT, BINDU_E_NOINPUT },
	{ "EACCES is not allowed", EACCES, BINDU_E_AUTH },
	{ "EPERM is not allowed", EPERM, BINDU_E_AUTH },
	{ "EEXIST is exists", EEXIST, BINDU_E_EXISTS },
	{ "ENOSPC is I/O", ENOSPC, BINDU_E_IO },
	{ "EUCLEAN is I/O", EUCLEAN, BINDU_E_IO },
	{ "EPIPE is I/O", EPIPE, BINDU_E_IO },
	{ "EMFILE is the system's", EMFILE, BINDU_E_SYSTEM },
};

int
main(void)
{
	struct bindu_err e = { 0 };
	char big[3000];

	for (size_t i = 0; i < sizeof exits / sizeof *exits; i++) {
		e.code = exits[i].code;
		ok(bindu_err_exit(&e) == exits[i].exit, "%s", exits[i].what);
	}
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		errno = classes[i].no;
		ok(bindu_err_sys(&e, "x") == -1 && e.code == classes[i].code &&
			e.detail == classes[i].no,
		    "%s", classes[i].what);
	}
	e = (struct bindu_err){ .code = BINDU_E_SIGNAL, .detail = 2 };
	ok(bindu_err_exit(&e) == 130, "signal 2 exits 130");

	errno = ENOENT;
	bindu_err_sys(&e, "cannot open %s", "x");
	bindu_err_wrap(&e, "token for %s", "h");
	ok(!strcmp(e.msg,
	       "token for h: cannot open x: "
	       "No such file or directory"),
	    "context stands in front");
	ok(e.detail == ENOENT && e.code == BINDU_E_NOINPUT,
	    "wrapping keeps code and detail");
	bindu_err_set(&e, BINDU_E_DATA, "a\nb\n");
	ok(!strcmp(e.msg, "a b"), "a message is one line");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	bindu_err_set(&e, BINDU_E_DATA, "%s", big);
	bindu_err_wrap(&e, "y");
	ok(strlen(e.msg) == sizeof e.msg - 1 && !strncmp(e.msg, "y: xxx", 6),
	    "a long message is cut");
	ok(bindu_err_set(NULL, BINDU_E_NO, "x") == -1 &&
		bindu_err_sys(NULL, "x") == -1 &&
		bindu_err_wrap(NULL, "x") == -1,
	    "NULL means nobody asks why");
	return done();
}
