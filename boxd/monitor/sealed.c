/* sealed.c - see sealed.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/mem.h"

#define NAME "boxd-monitor"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* since 6.3 */
#endif

static char **args; /* of main */

void
sealed_blank(void)
{
	for (char **a = args; a && *a; a++)
		memset(*a, 0, strlen(*a));
}

static int
open_memory(void)
{
	int fd = memfd_create(NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	return fd == -1 && errno == EINVAL ?
	    memfd_create(NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING) :
	    fd;
}

static int
copy(int from, int to)
{
	struct stat st;
	off_t done = 0;

	if (fstat(from, &st) == -1)
		return -1;
	while (done < st.st_size) {
		ssize_t n =
		    sendfile(to, from, NULL, (size_t)(st.st_size - done));

		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		done += n;
	}
	return fchmod(to, 0555);
}

int
sealed_exec(char **argv, struct bindu_err *err)
{
	AUTO_CLOSE int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int fd = -1;
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	int seals;

	args = argv;
	if (self == -1 || n <= 0)
		return bindu_err_sys(err, "cannot open /proc/self/exe");
	seals = fcntl(self, F_GET_SEALS);
	if (seals != -1 && (seals & SEALS) == SEALS) {
		prctl(PR_SET_NAME, NAME); /* it was the descriptor's number */
		return 0;
	}
	fd = open_memory();
	if (fd == -1 || copy(self, fd) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1)
		return bindu_err_sys(err, "cannot copy %s into memory", NAME);
	/* Where our other programs are is told by argv[0] from here on. */
	path[n] = '\0';
	argv[0] = path;
	fexecve(fd, argv, environ);
	return bindu_err_sys(err, "cannot run a copy of %s in memory", NAME);
}
