/* Users of a box, read from files that the box's root writes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "boxd/monitor/exec_user.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "tap.h"

static const char passwd[] = "# comment\n"
			     "root:x:0:0:root:/root:/bin/bash\n"
			     "short:x:5\n"
			     "minus:x:-1:0::/:/bin/sh\n"
			     "huge:x:4294967296:0::/:/bin/sh\n"
			     "all:x:4294967295:0::/:/bin/sh\n"
			     "letters:x:12a:0::/:/bin/sh\n"
			     "boxd:x:1000:1000:,,,:/home/boxd:/bin/bash\n"
			     "again:x:1000:7::/other:/bin/sh\n"
			     "bare:x:33:33:::\n";
static const char group[] = "root:x:0:\nsudo:x:27:boxd,bare\n"
			    "boxd:x:1000:boxd\nnone:x:5\ndocker:x:999:box\n";

static const struct {
	const char *what, *name;
	int rc;
	uid_t uid;
	gid_t gid;
	const char *home, *shell;
	size_t groups;
} rows[] = {
	{ "a name", "boxd", 0, 1000, 1000, "/home/boxd", "/bin/bash", 2 },
	{ "root", "root", 0, 0, 0, "/root", "/bin/bash", 1 },
	{ "a number is its first user", "1000", 0, 1000, 1000, "/home/boxd",
	    "/bin/bash", 2 },
	{ "a second name of a number", "again", 0, 1000, 7, "/other", "/bin/sh",
	    1 },
	{ "a number nobody has", "4242", 0, 4242, 0, "/", "/bin/sh", 1 },
	{ "number and group", "1000:27", 0, 1000, 27, "/home/boxd", "/bin/bash",
	    2 },
	{ "empty home and shell", "bare", 0, 33, 33, "/", "/bin/sh", 2 },
	{ "a name nobody has", "nobody", -1, 0, 0, NULL, NULL, 0 },
	{ "a line that is cut", "short", -1, 0, 0, NULL, NULL, 0 },
	{ "a negative uid", "minus", -1, 0, 0, NULL, NULL, 0 },
	{ "a uid that wraps to 0", "huge", -1, 0, 0, NULL, NULL, 0 },
	{ "the uid that means none", "all", -1, 0, 0, NULL, NULL, 0 },
	{ "a uid with letters", "letters", -1, 0, 0, NULL, NULL, 0 },
	{ "-1 as a number", "-1", -1, 0, 0, NULL, NULL, 0 },
	{ "a number that wraps", "4294967296", -1, 0, 0, NULL, NULL, 0 },
	{ "a bad group", "1000:x", -1, 0, 0, NULL, NULL, 0 },
};

int
main(void)
{
	char etc[] = "/tmp/exec_user_test.XXXXXX";
	AUTO_CLOSE int dir = mkdtemp(etc) ? open(etc, O_RDONLY | O_DIRECTORY) :
					    -1;

	if (dir == -1 ||
	    bindu_fd_replace(dir, "passwd", 0644, passwd, sizeof passwd - 1,
		NULL) == -1 ||
	    bindu_fd_replace(dir, "group", 0644, group, sizeof group - 1,
		NULL) == -1)
		return 1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exec_user u;
		struct bindu_err e = { 0 };
		int rc = exec_user_find(etc, rows[i].name, &u, &e);

		if (rows[i].rc == -1)
			ok(rc == -1 && e.code == BINDU_E_NOINPUT,
			    "%s is no user", rows[i].what);
		else
			ok(rc == 0 && u.uid == rows[i].uid &&
				u.gid == rows[i].gid &&
				!strcmp(u.home, rows[i].home) &&
				!strcmp(u.shell, rows[i].shell) &&
				u.ngroups == rows[i].groups,
			    "%s is found", rows[i].what);
		free(u.name);
		free(u.home);
		free(u.shell);
	}
	bindu_fd_rmtree(AT_FDCWD, etc, NULL);
	return done();
}
