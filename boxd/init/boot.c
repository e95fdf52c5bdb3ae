/* boot.c - see boot.h.
 *
 * The user is looked up in the image's own files: a static program has no
 * other way, and the rest of the box would find the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER "boxd"
#define BOOT ".bindu/boot"
#define GROUPS 32

struct user {
	uid_t uid;
	gid_t gid;
	char home[1024], shell[256];
	gid_t groups[GROUPS];
	size_t ngroups;
};

/* Fields of a line, cut at ':'; missing ones are "". */
static void
split(char *line, char *field[7])
{
	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < 7; i++) {
		field[i] = line;
		line += strcspn(line, ":");
		if (*line)
			*line++ = '\0';
	}
}

static int
find_user(struct user *u)
{
	FILE *f = fopen("/etc/passwd", "re");
	char line[4096], *v[7];
	int found = 0;

	while (f && !found && fgets(line, sizeof line, f)) {
		split(line, v);
		if (strcmp(v[0], USER) != 0 || !*v[2] || !*v[3])
			continue;
		u->uid = (uid_t)strtoul(v[2], NULL, 10);
		u->gid = (gid_t)strtoul(v[3], NULL, 10);
		snprintf(u->home, sizeof u->home, "%s", v[5]);
		snprintf(u->shell, sizeof u->shell, "%s",
		    *v[6] ? v[6] : "/bin/sh");
		found = 1;
	}
	if (f)
		fclose(f);
	return found && u->uid != 0 && *u->home == '/';
}

static int
is_member(char *list)
{
	char *save;

	for (char *s = strtok_r(list, ",", &save); s;
	     s = strtok_r(NULL, ",", &save))
		if (!strcmp(s, USER))
			return 1;
	return 0;
}

static void
find_groups(struct user *u)
{
	FILE *f = fopen("/etc/group", "re");
	char line[4096], *v[7];

	u->groups[u->ngroups++] = u->gid;
	while (f && u->ngroups < GROUPS && fgets(line, sizeof line, f)) {
		split(line, v);
		if (*v[2] && is_member(v[3]))
			u->groups[u->ngroups++] =
			    (gid_t)strtoul(v[2], NULL, 10);
	}
	if (f)
		fclose(f);
}

/* As every command in the box finds it (boxd/monitor/exec_child.c). */
static void
make_env(const struct user *u)
{
	const char *path = getenv("PATH");
	char text[2048];

	snprintf(text, sizeof text, "%s/.local/bin:%s", u->home,
	    path ? path : "/usr/bin:/bin");
	setenv("PATH", text, 1);
	setenv("HOME", u->home, 1);
	setenv("USER", USER, 1);
	setenv("LOGNAME", USER, 1);
	setenv("SHELL", u->shell, 1);
	setenv("LANG", "C.UTF-8", 1);
}

void
boot_exec(void)
{
	struct user u = { 0 };

	if (!find_user(&u))
		return;
	find_groups(&u);
	if (setgroups(u.ngroups, u.groups) == -1 || setgid(u.gid) == -1 ||
	    setuid(u.uid) == -1) {
		fprintf(stderr, "boxd-init: cannot become %s: %s\n", USER,
		    strerror(errno));
		return;
	}
	if (chdir(u.home) == -1 || access(BOOT, R_OK) == -1)
		return;
	make_env(&u);
	umask(022);
	execl("/bin/sh", "sh", BOOT, (char *)NULL);
	fprintf(stderr, "boxd-init: cannot run %s/%s: %s\n", u.home, BOOT,
	    strerror(errno));
}
