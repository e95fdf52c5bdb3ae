/* exec_user.c - see exec_user.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec_user.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define FILE_MAX (4 << 20)

static char *
read_etc(const char *etc, const char *name, struct bindu_err *err)
{
	AUTO_FREE char *path = xasprintf("%s/%s", etc, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text;
	size_t n;

	if (fd == -1) {
		bindu_err_sys(err, "cannot open %s of the box", path);
		return NULL;
	}
	if (bindu_fd_read_all(fd, FILE_MAX, &text, &n, err) == -1)
		return NULL;
	return text;
}

/* Cut a line at ':' into exactly n fields; false when it has fewer. */
static bool
fields(char *line, char **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		v[i] = line;
		line = strchr(line, ':');
		if (!line)
			return i == n - 1;
		*line++ = '\0';
	}
	return true;
}

static bool
number(const char *s, uint32_t *n)
{
	/* (uid_t)-1 means "leave as it is" to the kernel */
	return bindu_str_u32(s, n, NULL) == 0 && *n != UINT32_MAX;
}

/* Take the first line of passwd that has this name, or this uid. */
static bool
take_passwd(char *text, const char *name, const uint32_t *uid,
    struct exec_user *u)
{
	char *save, *f[7];
	uint32_t id, gid;

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!fields(line, f, 7) || !number(f[2], &id) ||
		    !number(f[3], &gid))
			continue;
		if (uid ? id != *uid : strcmp(f[0], name) != 0)
			continue;
		u->uid = id;
		u->gid = gid;
		u->name = xstrdup(f[0]);
		u->home = xstrdup(*f[5] ? f[5] : "/");
		u->shell = xstrdup(*f[6] ? f[6] : "/bin/sh");
		return true;
	}
	return false;
}

static bool
is_member(char *list, const char *name)
{
	char *save;

	for (char *s = strtok_r(list, ",", &save); s;
	     s = strtok_r(NULL, ",", &save))
		if (!strcmp(s, name))
			return true;
	return false;
}

static void
take_groups(char *text, struct exec_user *u)
{
	char *save, *f[4];
	uint32_t gid;

	u->groups[u->ngroups++] = u->gid;
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (fields(line, f, 4) && number(f[2], &gid) && gid != u->gid &&
		    is_member(f[3], u->name) && u->ngroups < USER_GROUPS)
			u->groups[u->ngroups++] = gid;
}

/* "uid" or "uid:gid": 1 and 2 numbers, 0 when it is a name. */
static int
parse_ids(const char *name, uint32_t *uid, uint32_t *gid)
{
	AUTO_FREE char *copy = xstrdup(name);
	char *colon = strchr(copy, ':');

	if (colon)
		*colon++ = '\0';
	if (!number(copy, uid))
		return 0;
	if (!colon)
		return 1;
	return number(colon, gid) ? 2 : 0;
}

int
exec_user_find(const char *etc, const char *name, struct exec_user *u,
    struct bindu_err *err)
{
	AUTO_FREE char *passwd = NULL, *group = NULL;
	uint32_t uid = 0, gid = 0;
	int ids = parse_ids(name, &uid, &gid);

	memset(u, 0, sizeof *u);
	passwd = read_etc(etc, "passwd", ids ? NULL : err);
	if (!passwd && !ids)
		return -1;
	if (!passwd || !take_passwd(passwd, name, ids ? &uid : NULL, u)) {
		if (!ids)
			return bindu_err_set(err, BINDU_E_NOINPUT,
			    "the box has no user %s", name);
		u->uid = uid;
		u->name = xstrdup(name);
		u->home = xstrdup("/");
		u->shell = xstrdup("/bin/sh");
	}
	if (ids == 2)
		u->gid = gid;
	group = read_etc(etc, "group", NULL);
	take_groups(group ? group : (char[]){ "" }, u);
	return 0;
}
