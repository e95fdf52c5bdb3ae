/* mount_seed.c - /tmp, and the files of /etc that name the box and its
 * resolver.
 *
 * upper is written by the box's root when it ran before: every name in it is
 * opened beneath, without links.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "mount.h"
#include "net.h"

#define SEED_MAX (64 * 1024)

/* The old content of etc/name; NULL when there is none to keep. */
static char *
read_seed(int etc, const char *name)
{
	char *text;
	size_t n;

	if (bindu_fd_read_file(etc, name, SEED_MAX, &text, &n, NULL) == -1)
		return NULL;
	return text;
}

/* A full disk keeps no box from starting: how else would it be emptied. */
static int
write_seed(int etc, const char *name, const char *text, struct bindu_err *err)
{
	AUTO_FREE char *old = read_seed(etc, name);
	struct bindu_err e = { 0 };

	if ((old && strcmp(old, text) == 0) ||
	    bindu_fd_replace(etc, name, 0644, text, strlen(text), &e) == 0 ||
	    e.detail == ENOSPC)
		return 0;
	return bindu_err_set(err, e.code, "cannot seed /etc/%s: %s", name,
	    e.msg);
}

/* sudo complains when the host name cannot be resolved. */
static int
seed_hosts(int etc, const char *hostname, struct bindu_err *err)
{
	AUTO_FREE char *old = read_seed(etc, "hosts");
	AUTO_FREE char *line = xasprintf("127.0.1.1\t%s\n", hostname);
	AUTO_FREE char *text = NULL;

	if (old && strstr(old, line))
		return 0;
	text = xasprintf("%s%s",
	    old ? old :
		  "127.0.0.1\tlocalhost\n"
		  "::1\tlocalhost ip6-localhost ip6-loopback\n",
	    line);
	return write_seed(etc, "hosts", text, err);
}

/* /tmp is on the box's disk, memory would count against its limit, and is
 * empty at each start. */
static int
seed_tmp(int upper, struct bindu_err *err)
{
	if (bindu_fd_rmtree(upper, "tmp", err) == -1)
		return bindu_err_wrap(err, "cannot empty the box's /tmp");
	if (mkdirat(upper, "tmp", 0755) == -1 ||
	    fchmodat(upper, "tmp", 01777, 0) == -1)
		return bindu_err_sys(err, "cannot make the box's /tmp");
	return 0;
}

int
mount_seed(const json_t *start, bool network, struct bindu_err *err)
{
	const char *hostname = bindu_json_str(start, "hostname");
	AUTO_CLOSE int upper =
	    open("disk/upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int etc = -1;
	AUTO_FREE char *line = xasprintf("%s\n", hostname);
	AUTO_FREE char *dns = NULL;

	if (upper == -1)
		return bindu_err_sys(err, "cannot open the box's disk");
	if (seed_tmp(upper, err) == -1)
		return -1;
	if (mkdirat(upper, "etc", 0755) == -1 && errno != EEXIST)
		return bindu_err_sys(err, "cannot make the box's /etc");
	etc = openat(upper, "etc",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (etc == -1) /* the box made something else of it */
		return 0;
	if (seed_hosts(etc, hostname, err) == -1 ||
	    write_seed(etc, "hostname", line, err) == -1)
		return -1;
	dns = read_seed(etc, "resolv.conf");
	if (network && !dns)
		return write_seed(etc, "resolv.conf",
		    "nameserver " NET_DNS "\n", err);
	return 0;
}
