/* hub.c - start, the loop, the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "boxd/wire.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "outside.h"

#define REQUEST_LIMIT_MS 5000 /* from connect to the whole request */
#define ENDING_MS 10000 /* of a hub that has taken its socket away */
#define SURE_MS 500 /* one that was killed seems to serve till it is gone */
#define BOXES_MS 10000 /* looks for boxes that are not its children */

char *
hub_program(const char *name)
{
	const char *path = bindu_config_env("PATH");
	AUTO_FREE char *all = xasprintf("%s:/usr/local/sbin:/usr/sbin:/sbin:"
					"/usr/local/bin:/usr/bin:/bin",
	    path ? path : "/usr/bin");
	char *save = NULL;

	for (char *d = strtok_r(all, ":", &save); d != NULL;
	     d = strtok_r(NULL, ":", &save)) {
		char *p = xasprintf("%s/%s", d, name);

		if (*p == '/' && access(p, X_OK) == 0)
			return p;
		free(p);
	}
	return NULL;
}

/* Root in the first user namespace, with the right to change it: not root in
 * a container that has a few ids only. */
static bool
is_rootful(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct caps[2];
	unsigned long first, host, count = 0;
	FILE *f;

	if (geteuid() != 0 || syscall(SYS_capget, &head, caps) == -1 ||
	    !(caps[0].effective & 1u << CAP_SYS_ADMIN))
		return false;
	f = fopen("/proc/self/uid_map", "re");
	if (f == NULL || fscanf(f, "%lu %lu %lu", &first, &host, &count) != 3)
		count = 0;
	if (f != NULL)
		fclose(f);
	return count >= 0x70000000;
}

static void
hash_state(struct hub *h)
{
	uint32_t x = 2166136261u;

	for (const char *p = h->state; *p != '\0'; p++)
		x = (x ^ (unsigned char)*p) * 16777619u;
	snprintf(h->tag, sizeof h->tag, "%08x", x);
}

static bool
is_served(const struct hub *h)
{
	AUTO_FREE char *path = xasprintf("%s/hub.sock", h->state);
	AUTO_CLOSE int fd = bindu_fd_unix_connect(path, SOCK_SEQPACKET, NULL);

	return fd != -1;
}

static int
take_lock(struct hub *h, struct bindu_err *err)
{
	AUTO_FREE char *path = xasprintf("%s/hub.lock", h->state);
	int64_t until = bindu_clock_deadline(ENDING_MS);
	int64_t sure = bindu_clock_deadline(SURE_MS);

	h->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (h->lock == -1)
		return bindu_err_sys(err, "cannot open %s", path);
	while (flock(h->lock, LOCK_EX | LOCK_NB) == -1) {
		if ((bindu_clock_left(sure) == 0 && is_served(h)) ||
		    bindu_clock_left(until) == 0)
			return bindu_err_set(err, BINDU_E_EXISTS,
			    "another hub serves %s", h->state);
		bindu_clock_sleep(20);
	}
	return 0;
}

static int
hub_open(struct hub *h, const char *state, struct bindu_err *err)
{
	const char *shared = bindu_config_env("BINDU_IMAGE_DIR");
	AUTO_FREE char *boxes = NULL;

	h->state = bindu_path_abs(state, err);
	if (h->state == NULL)
		return -1;
	boxes = xasprintf("%s/boxes", h->state);
	h->images = xasprintf("%s/images", h->state);
	h->debians = shared ? bindu_path_abs(shared, err) : xstrdup(h->images);
	if (h->debians == NULL)
		return -1;
	hash_state(h);
	h->rootful = is_rootful();
	if (!h->rootful && geteuid() == 0)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "this root cannot "
		    "run boxes: it lacks CAP_SYS_ADMIN or has too few user "
		    "ids, as in a container; run it on the machine itself or "
		    "as an ordinary user with sub-ids");
	h->crun = hub_program("crun");
	h->nft = hub_program("nft");
	h->init = bindu_config_libexec("boxd-init");
	if (bindu_fd_mkdirs(boxes, 0700, err) == -1 || chdir("/") == -1)
		return -1;
	return take_lock(h, err);
}

static int
catch_signals(struct hub *h, struct bindu_err *err)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	h->sig = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (h->sig == -1)
		return bindu_err_sys(err, "cannot watch signals");
	return 0;
}

/* 1 when one of them ends the hub. */
static int
on_signals(struct hub *h)
{
	struct signalfd_siginfo si;
	bool failed = false;
	int end = 0, status;
	pid_t pid;

	while (read(h->sig, &si, sizeof si) == sizeof si)
		end |= si.ssi_signo != SIGCHLD;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		h->children -= pid != h->outside_pid;
		failed |= status != 0;
		for (int i = 0; i < HUB_MAKERS; i++)
			if (h->makers[i] == pid)
				h->makers[i] = 0;
		if (WIFSIGNALED(status))
			bindu_log(BINDU_WARN,
			    "process %d of a box ended by "
			    "signal %d",
			    (int)pid, WTERMSIG(status));
	}
	if (failed)
		hub_bury(h);
	return end;
}

static void
on_hosts(struct hub *h)
{
	struct bindu_err err = { 0 };

	if (net_hosts_read(&h->hosts, &err) == -1 ||
	    (h->can.network.ok && net_rules(h->nft, &h->hosts, &err) == -1))
		bindu_log(BINDU_ERROR, "%s", err.msg);
}

static void
on_connect(struct hub *h)
{
	int fd = accept4(h->sock, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 0; fd != -1 && i < HUB_CLIENTS; i++)
		if (h->clients[i].fd == -1) {
			h->clients[i].fd = fd;
			h->clients[i].deadline = bindu_clock_deadline(
			    REQUEST_LIMIT_MS);
			return;
		}
	bindu_cleanup_close(&fd);
}

static int
on_client(struct hub *h, struct hub_client *c)
{
	AUTO_JSON json_t *req = NULL;
	int fds[BOXD_WIRE_FDS];
	int fd = c->fd;

	c->fd = -1;
	if (boxd_wire_recv(fd, &req, fds, NULL) != 1) {
		close(fd);
		return 0;
	}
	for (int i = 0; i < BOXD_WIRE_FDS; i++)
		bindu_cleanup_close(&fds[i]);
	return hub_answer(h, req, fd);
}

/* It never says more: readable means that it is gone. */
static void
on_daemon(struct hub *h)
{
	bindu_cleanup_close(&h->daemon);
	h->daemon = -1;
	h->leaving = true;
}

/* The daemon is gone, no box runs, nobody asks for anything. */
static bool
is_over(const struct hub *h)
{
	struct pollfd p = { .fd = h->sock, .events = POLLIN };

	return h->leaving && h->children == 0 && poll(&p, 1, 0) == 0 &&
	    !hub_has_boxes(h);
}

static int
next_timeout(struct hub *h)
{
	int64_t first = h->relay_due;

	for (int i = 0; i < HUB_CLIENTS; i++) {
		struct hub_client *c = &h->clients[i];

		if (c->fd == -1)
			continue;
		if (bindu_clock_left(c->deadline) == 0) {
			close(c->fd);
			c->fd = -1;
		} else if (c->deadline < first) {
			first = c->deadline;
		}
	}
	if (h->leaving && h->children == 0 &&
	    bindu_clock_left(first) > BOXES_MS)
		return BOXES_MS;
	return bindu_clock_left(first);
}

static int
loop(struct hub *h, struct bindu_err *err)
{
	struct hub_client *clients = h->clients;
	int end = 0;

	while (!end) {
		int timeout = next_timeout(h);
		struct pollfd p[5 + HUB_CLIENTS] = {
			{ .fd = h->sock, .events = POLLIN },
			{ .fd = h->sig, .events = POLLIN },
			{ .fd = h->hosts.events, .events = POLLIN },
			/* POLLERR: no one reads it, the relay is gone. */
			{ .fd = h->can.network.ok && h->relay_due == INT64_MAX ?
				h->alive :
				-1 },
			{ .fd = h->daemon, .events = POLLIN },
		};

		for (int i = 0; i < HUB_CLIENTS; i++)
			p[5 + i] = (struct pollfd){ .fd = clients[i].fd,
				.events = POLLIN };
		if (poll(p, 5 + HUB_CLIENTS, timeout) == -1 && errno != EINTR)
			return bindu_err_sys(err, "cannot wait for requests");
		if (p[1].revents)
			end |= on_signals(h);
		if (p[2].revents)
			on_hosts(h);
		if (p[3].revents)
			hub_relay_lost(h);
		if (bindu_clock_left(h->relay_due) == 0)
			hub_relay_again(h);
		if (p[4].revents)
			on_daemon(h);
		for (int i = 0; i < HUB_CLIENTS; i++)
			if (p[5 + i].revents && clients[i].fd != -1)
				end |= on_client(h, &clients[i]);
		if (p[0].revents)
			on_connect(h);
		end |= is_over(h);
	}
	return 0;
}

static int
serve(struct hub *h, int ready_fd, struct bindu_err *err)
{
	AUTO_FREE char *path = xasprintf("%s/hub.sock", h->state);
	bool joined;
	int rc;

	h->outside = outside_start(&h->outside_pid, err);
	if (h->outside == -1 || net_hosts_open(&h->hosts, err) == -1 ||
	    hub_enter(h, &joined, err) == -1)
		return -1;
	hub_network(h, joined);
	abilities_probe(h);
	h->sock = bindu_fd_unix_listen(path, SOCK_SEQPACKET, 0600, err);
	if (h->sock == -1 || catch_signals(h, err) == -1)
		return -1;
	if (ready_fd != -1) {
		bindu_fd_write(ready_fd, "\n", 1);
		close(ready_fd);
	}
	hub_warm(h, joined);
	rc = loop(h, err);
	unlink(path);
	hub_end_makers(h);
	return rc;
}

int
hub_run(const char *state, int ready_fd, int attend_fd, struct bindu_err *err)
{
	struct hub h = { .lock = -1,
		.sock = -1,
		.sig = -1,
		.outside = -1,
		.daemon = attend_fd,
		.alive = -1,
		.relay_due = INT64_MAX,
		.hosts = { -1, -1, { { 0 } }, 0 } };
	int rc;

	for (int i = 0; i < HUB_CLIENTS; i++)
		h.clients[i].fd = -1;
	if (attend_fd != -1)
		fcntl(attend_fd, F_SETFD, FD_CLOEXEC);
	umask(022);
	if (hub_open(&h, state, err) == -1)
		rc = -1;
	else
		rc = serve(&h, ready_fd, err);
	free(h.state);
	free(h.images);
	free(h.debians);
	free(h.crun);
	free(h.init);
	free(h.nft);
	return rc;
}
