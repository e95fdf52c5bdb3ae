/* box.c - the list of boxes: ids, names, addresses, routes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "boxd.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

#define IPS 0x5000u

static bool
ip_taken(const struct boxd *d, const char *ip)
{
	for (const struct box *b = d->boxes; b; b = b->next)
		if (!strcmp(b->ip, ip))
			return true;
	return false;
}

static void
random_bytes(void *p, size_t n)
{
	if (getrandom(p, n, 0) != (ssize_t)n)
		abort(); /* cannot fail for so few bytes */
}

/* Any free one of those whose ids are no other box's (UID_BOXES of the hub);
 * 10.88.0.1 is the bridge's own.  Not the one that just became free: what its
 * box had asked the world for may still come. */
static char *
free_ip(const struct boxd *d)
{
	uint16_t at;

	random_bytes(&at, sizeof at);
	for (unsigned i = 0; i < IPS; i++) {
		unsigned n = (at + i) % IPS;
		char *ip = xasprintf("10.88.%u.%u", n >> 8, n & 255);

		if (n > 1 && (n & 255) != 0 && (n & 255) != 255 &&
		    !ip_taken(d, ip))
			return ip;
		free(ip);
	}
	return xstrdup("10.88.255.254");
}

struct box *
box_new(struct boxd *d)
{
	struct box *b = xcalloc(1, sizeof *b);
	uint8_t rnd[5];
	char hex[sizeof rnd * 2 + 1];

	random_bytes(rnd, sizeof rnd);
	b->d = d;
	b->id = xasprintf("bx%s", bindu_str_hex(rnd, sizeof rnd, hex));
	b->ip = free_ip(d);
	b->labels = json_object();
	b->created_at = bindu_clock_wall();
	b->active_ms = bindu_clock_ms();
	b->routes[0].port = BOX_PORT_DEFAULT;
	b->nroutes = 1;
	return b;
}

void
box_free(struct box *b)
{
	if (!b)
		return;
	ask_close(&b->watch);
	free(b->id);
	free(b->name);
	free(b->image);
	free(b->restart_policy);
	free(b->ip);
	free(b->reason);
	bindu_strv_fini(&b->env);
	bindu_strv_fini(&b->cmd);
	json_decref(b->labels);
	free(b);
}

void
box_link(struct box *b)
{
	struct box **p = &b->d->boxes;

	while (*p && (*p)->created_at <= b->created_at)
		p = &(*p)->next;
	b->next = *p;
	*p = b;
}

void
box_unlink(struct box *b)
{
	struct box **p = &b->d->boxes;

	while (*p != b)
		p = &(*p)->next;
	*p = b->next;
}

/* Being destroyed, or made for nobody.  One whose destroy failed is seen. */
bool
box_hidden(const struct box *b)
{
	return b->want == WANT_GONE && (b->life || !b->announced);
}

/* An id first: no name can shadow another box's id. */
struct box *
box_find(struct boxd *d, const char *key)
{
	for (struct box *b = d->boxes; b; b = b->next)
		if (!strcmp(b->id, key) && !box_hidden(b))
			return b;
	for (struct box *b = d->boxes; b; b = b->next)
		if (!strcmp(b->name, key) && !box_hidden(b))
			return b;
	return NULL;
}

const char *
box_near(struct boxd *d, const char *key)
{
	const char *near = NULL;

	for (struct box *b = d->boxes; b; b = b->next)
		if (!box_hidden(b))
			near =
			    bindu_str_nearer(key, strlen(key), near, b->name);
	return near;
}

bool
box_name_ok(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > BOX_NAME_MAX || s[0] == '-' || s[n - 1] == '-')
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

char *
box_name_make(struct boxd *d)
{
	static const char *const how[] = { "amber", "brisk", "calm", "deft",
		"early", "fair", "glad", "hazel", "ivory", "jolly", "keen",
		"lively", "mild", "noble", "olive", "proud" };
	static const char *const what[] = { "ant", "bee", "crow", "dove", "eel",
		"finch", "goose", "hare", "ibis", "jay", "kite", "lark", "moth",
		"newt", "otter", "pike" };

	for (;;) {
		uint8_t r[4];
		char *name;

		random_bytes(r, sizeof r);
		name = xasprintf("%s-%s-%02x%02x", how[r[0] & 15],
		    what[r[1] & 15], r[2], r[3]);
		if (!box_find(d, name))
			return name;
		free(name);
	}
}

char *
box_dir(const struct box *b)
{
	return xasprintf("%s/boxes/%s", b->d->state, b->id);
}

char *
box_monitor(const struct box *b)
{
	return xasprintf("%s/boxes/%s/monitor.sock", b->d->state, b->id);
}

struct box_route *
box_route(struct box *b, const char *name)
{
	for (size_t i = 0; i < b->nroutes; i++)
		if (!strcmp(b->routes[i].name, name))
			return &b->routes[i];
	return NULL;
}

int
box_set_route(struct box *b, const char *name, uint16_t port,
    struct bindu_err *err)
{
	struct box_route *r = box_route(b, name);

	if (!r && !box_name_ok(name))
		return bindu_err_set(err, BINDU_E_DATA,
		    "\"%.80s\" is no route name: use a-z, 0-9 and -", name);
	if (!r && b->nroutes == BOX_ROUTES_MAX)
		return bindu_err_set(err, BINDU_E_DATA,
		    "a box has at most %d routes", BOX_ROUTES_MAX);
	if (!r) {
		r = &b->routes[b->nroutes++];
		snprintf(r->name, sizeof r->name, "%s", name);
	}
	r->port = port;
	return 0;
}

char *
box_url(const struct box *b, const char *route)
{
	return xasprintf("http://%s%s%s.localhost:%u", route, *route ? "." : "",
	    b->name, b->d->port);
}

void
box_log(const struct box *b, const char *fmt, ...)
{
	AUTO_FREE char *path = xasprintf("%s/build.log", b->id);
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *line = NULL;
	AUTO_CLOSE int fd = openat(b->d->boxes_fd, path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	line = xasprintf("%s\n", text);
	if (fd != -1)
		bindu_fd_write(fd, line, strlen(line));
}

int
box_need_running(const struct box *b, struct bindu_err *err)
{
	AUTO_FREE char *cure = box_cure(b->state, b->name);

	if (b->state == BOX_RUNNING)
		return 0;
	return bindu_err_set(err, BINDU_E_UNAVAILABLE, "box %s is %s%s%s; %s",
	    b->name, box_state_name(b->state), b->reason ? ", " : "",
	    b->reason ? b->reason : "", cure);
}

void
box_use(struct box *b, int change)
{
	b->uses += change;
	b->active_ms = bindu_clock_ms();
}
