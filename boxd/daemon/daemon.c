/* daemon.c - put the parts together, serve, take them apart.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "auth.h"
#include "boxd.h"
#include "hub.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "life.h"
#include "room.h"
#include "rpc_server.h"
#include "service.h"
#include "web.h"

#define LOOPBACK "127.0.0.1"
#define SECOND_MS 1000
#define BIG_MALLOC (1 << 20) /* given back to the system when freed */

/* Held as long as this process lives; before anything is bound, because a
 * second daemon would take the socket's name away from the first. */
static int
lock_place(const struct place *p, struct bindu_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	AUTO_CLOSE int fd = openat(p->state_fd, "daemon.lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd == -1)
		return bindu_err_sys(err, "cannot open %s/daemon.lock",
		    p->state);
	if (fcntl(fd, F_SETLK, &lock) == -1)
		return bindu_err_set(err, BINDU_E_EXISTS,
		    "another bindu-boxd (pid %d) serves %s",
		    (int)place_holder(p), p->state);
	return bindu_steal_fd(&fd);
}

static void
raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int
open_boxes(struct boxd *d, struct bindu_err *err)
{
	if (mkdirat(d->state_fd, "boxes", 0700) == -1 && errno != EEXIST)
		return bindu_err_sys(err, "cannot make %s/boxes", d->state);
	d->boxes_fd = openat(d->state_fd, "boxes",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (d->boxes_fd == -1)
		return bindu_err_sys(err, "cannot open %s/boxes", d->state);
	return 0;
}

/* "ADDR:PORT"; without one the port used last, so that URLs stay. */
static int
listen_on(struct boxd *d, const struct place *p, const char *spec,
    struct bindu_err *err)
{
	AUTO_FREE char *addr = xstrdup(spec ? spec : LOOPBACK);
	char *colon = strrchr(addr, ':');
	AUTO_JSON json_t *last = place_facts(p);
	uint32_t port = (uint32_t)bindu_json_int(last, "port", DAEMON_PORT);

	if (colon) {
		*colon = '\0';
		if (bindu_str_u32(colon + 1, &port, NULL) == -1)
			port = 65536;
	}
	if ((spec && !colon) || port > 65535)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "--listen \"%s\" is not ADDR:PORT", spec);
	d->web = web_new(d, addr, (uint16_t)port, !spec, err);
	if (!d->web)
		return -1;
	if (strcmp(addr, LOOPBACK))
		bindu_log(BINDU_WARN,
		    "%s is reachable by others: keys and "
		    "tokens cross the network in clear",
		    addr);
	return 0;
}

static int
write_facts(const struct boxd *d, struct bindu_err *err)
{
	AUTO_FREE char *address = xasprintf(LOOPBACK ":%u", d->port);
	AUTO_JSON json_t *o = json_pack("{sisssssisssssI}", "pid",
	    (int)getpid(), "socket", d->socket, "address", address, "port",
	    (int)d->port, "state", d->state, "version", BINDU_VERSION,
	    "started_at", (json_int_t)bindu_clock_wall());
	AUTO_FREE char *text = bindu_json_text(o);

	return bindu_fd_replace(d->state_fd, "daemon.json", 0600, text,
	    strlen(text), err);
}

static void
on_ready(struct boxd *d)
{
	const char *why = hub_trouble(d->hub);
	struct bindu_err err = { 0 };

	if (write_facts(d, &err) == -1)
		bindu_log(BINDU_ERROR, "%s", err.msg);
	web_open(d->web);
	bindu_log(BINDU_NOTE, "serving %s and http://" LOOPBACK ":%u",
	    d->socket, d->port);
	if (d->ready_fd != -1) {
		AUTO_FREE char *word = xasprintf("\n%s", why ? why : "");

		bindu_fd_write(d->ready_fd, word, strlen(word));
		close(bindu_steal_fd(&d->ready_fd));
	}
}

void
boxd_answered(struct boxd *d)
{
	if (--d->adopting == 0 && d->adopted)
		bindu_steal (&d->adopted)(d);
}

static void
on_second(void *arg)
{
	struct boxd *d = arg;

	life_sweep(d);
	room_watch(d);
	d->second = loop_after(d->loop, SECOND_MS, on_second, d);
}

static void
on_signal(void *arg, uint32_t events)
{
	struct boxd *d = arg;

	(void)events;
	bindu_log(BINDU_INFO, "signal %d: ending", bindu_tool_signal());
	loop_unwatch(&d->signals);
	for (struct box *b = d->boxes; b; b = b->next)
		web_close_door(b);
	web_free(bindu_steal(&d->web));
	rpc_server_quit(d->rpc);
}

static void
adopt_all(struct boxd *d)
{
	struct bindu_err err = { 0 };

	for (struct box *b = d->boxes; b; b = b->next) {
		if (b->want != WANT_GONE && web_open_door(b, &err) == -1)
			bindu_log(BINDU_WARN, "%s", err.msg);
		life_adopt(b);
	}
}

static int
begin(struct boxd *d, const struct place *p, const char *listen,
    struct bindu_err *err)
{
	if (open_boxes(d, err) == -1)
		return -1;
	d->auth = auth_open(d->state_fd, err);
	if (!d->auth || listen_on(d, p, listen, err) == -1)
		return -1;
	d->rpc = rpc_server_new(svc_new_call, d, err);
	if (!d->rpc)
		return -1;
	d->loop = rpc_server_loop(d->rpc);
	d->adopted = on_ready;
	d->hub = hub_new(d);
	if (store_load_all(d, err) == -1)
		return -1;
	adopt_all(d);
	d->second = loop_after(d->loop, SECOND_MS, on_second, d);
	bindu_tool_catch();
	d->signals =
	    loop_watch(d->loop, bindu_tool_wake_fd(), EPOLLIN, on_signal, d);
	return 0;
}

static void
end(struct boxd *d)
{
	bool needed = false;

	for (struct box *b = d->boxes; b; b = b->next) {
		needed |= b->life || b->state == BOX_RUNNING ||
		    b->state == BOX_SUSPENDED;
		life_abandon(b);
		web_close_door(b);
	}
	if (d->hub && d->rpc && !needed)
		hub_stop(d->hub);
	hub_free(d->hub);
	web_free(d->web);
	if (d->loop) {
		loop_unwatch(&d->signals);
		loop_cancel(&d->second);
	}
	while (d->boxes) {
		struct box *b = d->boxes;

		box_unlink(b);
		box_free(b);
	}
	rpc_server_free(d->rpc);
	auth_close(d->auth);
	if (d->boxes_fd != -1)
		close(d->boxes_fd);
}

int
daemon_run(struct place *p, const char *listen, int ready_fd,
    struct bindu_err *err)
{
	struct boxd d = { .state = p->state,
		.socket = p->socket,
		.state_fd = p->state_fd,
		.boxes_fd = -1,
		.ready_fd = ready_fd };
	AUTO_CLOSE int lock = -1;
	int rc;

	prctl(PR_SET_NAME, "bindu-boxd"); /* it was "exe" */
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	mallopt(M_MMAP_THRESHOLD, BIG_MALLOC);
	/* One heap, not one for each thread of gRPC: what a thread has freed
	 * the others could not use, and floods took half as much again. */
	mallopt(M_ARENA_MAX, 1);
	lock = lock_place(p, err);
	if (lock == -1)
		return -1;
	raise_limits();
	rc = begin(&d, p, listen, err);
	if (rc == 0) {
		rpc_server_run(d.rpc);
		unlink(p->socket);
	}
	end(&d);
	return rc;
}
