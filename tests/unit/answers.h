/* answers.h - a small HTTP server for a test, which answers by a script.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_ANSWERS_H
#define BINDU_ANSWERS_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLOSES = -1, SILENT = -2 }; /* instead of a status */
struct answer {
	int status; /* 0 ends a script, whose last answer repeats */
	const char *head; /* "Name: value\r\n", or NULL */
	const char *body; /* a string that was there before answers_begin */
};

static struct {
	struct answer script[8];
	int seen; /* requests since the script was given */
	char last[4096]; /* the last one, body and all */
} * answers;
static pid_t answers_pid;
static int answers_port;

static inline void
read_request(int fd, char *p, size_t max)
{
	size_t n = 0, want = 0;
	const char *end, *length;
	ssize_t got;

	do {
		got = read(fd, p + n, max - 1 - n);
		n += got > 0 ? (size_t)got : 0;
		p[n] = '\0';
		end = strstr(p, "\r\n\r\n");
		length = strcasestr(p, "content-length:");
		if (end != NULL)
			want = (size_t)(end + 4 - p) +
			    (length != NULL ? (size_t)atoi(length + 15) : 0);
	} while (got > 0 && n < max - 1 && (end == NULL || n < want));
}

static inline void
answer_one(int fd)
{
	const struct answer *a = answers->script;
	const char *body;

	read_request(fd, answers->last, sizeof answers->last);
	for (int i = answers->seen++; i > 0 && a[1].status != 0; i--)
		a++;
	if (a->status == SILENT)
		pause();
	if (a->status == CLOSES)
		return;
	body = a->body != NULL ? a->body : "";
	dprintf(fd,
	    "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n"
	    "%s\r\n%s",
	    a->status, strlen(body), a->head != NULL ? a->head : "", body);
}

/* On 127.0.0.1:answers_port, until answers_end. */
static inline void
answers_begin(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	answers = mmap(NULL, sizeof *answers, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answers == MAP_FAILED || door == -1 ||
	    bind(door, (struct sockaddr *)&at, sizeof at) == -1 ||
	    listen(door, 64) == -1 ||
	    getsockname(door, (struct sockaddr *)&at, &len) == -1)
		abort();
	answers_port = ntohs(at.sin_port);
	answers_pid = fork();
	if (answers_pid != 0) {
		close(door);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	while ((fd = accept4(door, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		/* One that is silent holds nobody else up. */
		if (answers->script[0].status != SILENT)
			answer_one(fd);
		else if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			answer_one(fd);
		}
		close(fd);
	}
	_exit(0);
}

static inline void
answers_end(void)
{
	kill(answers_pid, SIGKILL);
	waitpid(answers_pid, NULL, 0);
}

/* Up to the first that has no status. */
static inline void
answer_with(const struct answer *script)
{
	memset(answers, 0, sizeof *answers);
	for (int i = 0; i < 7 && script[i].status != 0; i++)
		answers->script[i] = script[i];
}
#endif
