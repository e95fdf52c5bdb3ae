/* hub_ops.c - the requests of wire.h that the hub answers.
 *
 * Whatever takes time runs in a process of its own; the loop never waits.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "boxd/wire.h"
#include "crun.h"
#include "hub.h"
#include "ids.h"
#include "image_layer.h"
#include "image_priv.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "monitor.h"

/* Box n's ids: 65536 of those that container managers hand out by custom
 * (0x80000..0x6fffffff), above what /etc/subuid usually names. */
#define UID_FIRST 0x20000000u
#define UID_BOXES 0x5000u
#define MAKERS_MS 5000 /* to clear what they have begun */

static void
answer(int client, json_t *msg)
{
	boxd_wire_send(client, msg, NULL, 0, NULL);
	json_decref(msg);
}

/* id names files, cgroups and crun's state; dir must be its own. */
static int
check_box(const struct hub *h, const json_t *req, struct bindu_err *err)
{
	const char *id = bindu_json_str(req, "id");
	const char *dir = bindu_json_str(req, "dir");
	AUTO_FREE char *want = NULL;

	if (id == NULL || *id == '\0' || *id == '.' || *id == '-' ||
	    strlen(id) > 64 ||
	    id[strspn(id,
		"abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] != '\0')
		return bindu_err_set(err, BINDU_E_DATA, "not a box's id");
	want = xasprintf("%s/boxes/%s", h->state, id);
	if (dir == NULL || strcmp(dir, want) != 0)
		return bindu_err_set(err, BINDU_E_DATA,
		    "a box's directory must be %s", want);
	return 0;
}

static int
fill_env(const struct hub *h, const json_t *req, struct monitor_env *env,
    struct bindu_err *err)
{
	const char *ip = bindu_json_str(req, "ip");
	struct in_addr addr;

	if (ip == NULL || inet_pton(AF_INET, ip, &addr) != 1 ||
	    !net_is_box_address(addr))
		return bindu_err_set(err, BINDU_E_DATA,
		    "a box needs an ip of "
		    "10.88.0.0/16");
	*env = (struct monitor_env){
		.rootful = h->rootful,
		.state = h->state,
		.tag = h->tag,
		.init_path = h->init,
		.crun = h->crun,
		.uid_base = h->rootful ?
		    UID_FIRST + net_index(addr) % UID_BOXES * 65536u :
		    0,
		.userns = -1,
		.limits = h->can.limits.ok,
		.pause = h->can.pause.ok,
		.network = h->can.network.ok,
		.disk = h->can.disk.ok,
	};
	if (h->rootful)
		env->userns = ids_userns(env->uid_base, err);
	return h->rootful && env->userns == -1 ? -1 : 0;
}

static int
run_start(struct hub *h, json_t *req, int client, struct bindu_err *err)
{
	struct monitor_env env;

	prctl(PR_SET_NAME, "boxd-monitor");
	if (check_box(h, req, err) == -1 || fill_env(h, req, &env, err) == -1)
		return -1;
	if (h->crun == NULL)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "crun is not installed: apt-get install crun");
	if (image_resolve(h, req, err) == -1)
		return -1;
	exit(monitor_run(&env, req, client));
}

static int
run_remove(struct hub *h, json_t *req, int client, struct bindu_err *err)
{
	struct monitor_env env = {
		.rootful = h->rootful,
		.state = h->state,
		.tag = h->tag,
		.init_path = h->init,
		.crun = h->crun,
		.userns = -1,
		.network = h->can.network.ok,
	};

	if (check_box(h, req, err) == -1 ||
	    monitor_remove(&env, bindu_json_str(req, "id"),
		bindu_json_str(req, "dir"), bindu_json_str(req, "ip"),
		err) == -1)
		return -1;
	answer(client, json_pack("{s:b}", "ok", 1));
	return 0;
}

static int
run_build(struct hub *h, json_t *req, int client, struct bindu_err *err)
{
	image_on_term();
	if (image_build(h, json_object_get(req, "image"), client, err) == -1)
		return -1;
	answer(client, json_pack("{s:b}", "ok", 1));
	return 0;
}

/* The child of a request: a session of its own, none of the hub's
 * descriptors but the one that keeps the relay alive. */
static void
leave_hub(struct hub *h)
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	close(h->lock);
	close(h->sock);
	close(h->sig);
	bindu_cleanup_close(&h->daemon);
	/* A copy kept here would hide their end from those who wait. */
	for (int i = 0; i < HUB_CLIENTS; i++)
		bindu_cleanup_close(&h->clients[i].fd);
	net_hosts_close(&h->hosts);
	h->lock = h->sock = h->sig = h->daemon = -1;
}

static void
remember(struct hub *h, pid_t pid)
{
	for (int i = 0; i < HUB_MAKERS; i++)
		if (h->makers[i] == 0) {
			h->makers[i] = pid;
			return;
		}
}

void
hub_end_makers(struct hub *h)
{
	int64_t until = bindu_clock_deadline(MAKERS_MS);

	for (int i = 0; i < HUB_MAKERS; i++) {
		pid_t pid = h->makers[i];

		if (pid == 0)
			continue;
		kill(pid, SIGTERM);
		while (waitpid(pid, NULL, WNOHANG) == 0) {
			if (bindu_clock_left(until) == 0)
				kill(pid, SIGKILL);
			bindu_clock_sleep(2);
		}
	}
}

/* -1 cannot, 0 in the child, which has left the hub. */
static pid_t
fork_child(struct hub *h)
{
	pid_t pid = fork();

	if (pid > 0)
		h->children++;
	if (pid == 0)
		leave_hub(h);
	return pid;
}

typedef int run_fn(struct hub *, json_t *, int, struct bindu_err *);

static void
fork_for(struct hub *h, const json_t *req, int client, run_fn *fn)
{
	struct bindu_err err = { 0 };
	AUTO_JSON json_t *copy = NULL;
	pid_t pid = fork_child(h);

	if (pid == -1) {
		bindu_err_sys(&err, "cannot fork");
		answer(client, boxd_wire_error(&err));
	}
	if (pid > 0 && fn == run_build)
		remember(h, pid);
	if (pid != 0)
		return;
	if (fn != run_build)
		bindu_cleanup_close(&h->outside);
	copy = json_deep_copy(req);
	if (fn(h, copy, client, &err) == -1)
		answer(client, boxd_wire_error(&err));
	_exit(0);
}

void
hub_warm(struct hub *h, bool joined)
{
	pid_t pid = fork_child(h);

	if (pid > 0)
		remember(h, pid);
	if (pid != 0)
		return;
	close(h->outside);
	image_on_term();
	crun_bury(h->state);
	layer_clean(h->images);
	layer_clean(h->debians);
	if (!joined)
		image_warm(h);
	_exit(0);
}

void
hub_bury(struct hub *h)
{
	if (fork_child(h) != 0)
		return;
	close(h->outside);
	crun_bury(h->state);
	_exit(0);
}

static json_t *
ping(struct hub *h)
{
	json_t *a = json_pack("{s:b,s:i,s:b}", "ok", 1, "pid", (int)getpid(),
	    "rootful", (int)h->rootful);

	json_object_set_new(a, "abilities", abilities_json(&h->can));
	bindu_json_set_str(a, "default_image", image_default(h));
	json_object_set_new(a, "images", image_list(h));
	return a;
}

int
hub_answer(struct hub *h, const json_t *req, int client)
{
	static const struct {
		const char *op;
		run_fn *fn;
	} rows[] = {
		{ "start", run_start },
		{ "remove", run_remove },
		{ "build", run_build },
	};
	AUTO_CLOSE int mine = client;
	const char *op = bindu_json_str(req, "op");
	struct bindu_err err = { 0 };

	if (op == NULL)
		op = "(none)";
	if (strcmp(op, "ping") == 0) {
		answer(client, ping(h));
		if (bindu_json_bool(req, "attend", 0)) {
			bindu_cleanup_close(&h->daemon);
			h->daemon = bindu_steal_fd(&mine);
			h->leaving = false;
		}
		return 0;
	}
	if (strcmp(op, "stop") == 0) {
		answer(client, json_pack("{s:b}", "ok", 1));
		return 1;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(op, rows[i].op) == 0) {
			fork_for(h, req, client, rows[i].fn);
			return 0;
		}
	bindu_err_set(&err, BINDU_E_PROTOCOL, "the hub has no request %s", op);
	answer(client, boxd_wire_error(&err));
	return 0;
}
