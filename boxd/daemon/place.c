/* place.c - the directories of an instance and who holds them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon.h"
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"

#define FACTS_MAX 65536

static int
private_parent(const char *path, struct bindu_err *err)
{
	AUTO_FREE char *dir = bindu_path_dir(path);
	AUTO_CLOSE int fd = bindu_fd_private_dir(dir, err);

	return fd == -1 ? -1 : 0;
}

int
place_open(struct place *p, const char *state, const char *sock,
    struct bindu_err *err)
{
	AUTO_FREE char *given = state ? xstrdup(state) :
					bindu_config_state_dir();

	p->state_fd = -1;
	p->state = bindu_path_abs(given, err);
	if (!p->state)
		return -1;
	if (sock)
		p->socket = bindu_path_abs(sock, err);
	else
		p->socket = state ? bindu_path_join(p->state, "boxd.sock") :
				    bindu_config_socket();
	if (!p->socket)
		return -1;
	p->state_fd = bindu_fd_private_dir(p->state, err);
	if (p->state_fd == -1)
		return -1;
	/* A socket put elsewhere by hand is guarded by its own mode. */
	return sock ? 0 : private_parent(p->socket, err);
}

void
place_close(struct place *p)
{
	free(p->state);
	free(p->socket);
	if (p->state_fd != -1)
		close(p->state_fd);
}

/* Asked of the kernel: a pid in a file could be anybody's by now. */
pid_t
place_holder(const struct place *p)
{
	AUTO_CLOSE int fd = openat(p->state_fd, "daemon.lock",
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (fd == -1 || fcntl(fd, F_GETLK, &lock) == -1 ||
	    lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : 0;
}

json_t *
place_facts(const struct place *p)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	if (bindu_fd_read_file(p->state_fd, "daemon.json", FACTS_MAX, &text, &n,
		NULL) == -1)
		return NULL;
	return bindu_json_parse(text, n, FACTS_MAX, "daemon.json", NULL);
}
