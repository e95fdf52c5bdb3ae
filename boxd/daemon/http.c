/* http.c - HTTP/1.1: whose request is it, and our own few answers.
 *
 * Only names that end in "localhost" and loopback addresses are served: a web
 * page whose host name was made to point here (DNS rebinding) names another.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "auth.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "web_priv.h"

#define BODY_MAX 4096 /* of a key exchange */
#define BYE_MS 2000 /* for a client to take its answer */
#define EXCHANGE "/api/v1/auth/token"

static const struct {
	int status;
	const char *text;
} reasons[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 413, "Content Too Large" },
	{ 421, "Misdirected Request" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
};

static const char *
reason(int status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Error";
}

/* The answer is out: let the client read it before the connection goes. */
static void
on_bye(void *arg, uint32_t events)
{
	struct conn *c = arg;
	struct pending *p = &c->pending[1];
	char sink[4096];
	ssize_t n;

	while (p->off < p->len) {
		n = send(c->fd[0], p->p + p->off, p->len - p->off,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1) {
			conn_close(c);
			return;
		}
		p->off += (size_t)n;
	}
	if (events & EPOLLOUT) {
		shutdown(c->fd[0], SHUT_WR);
		loop_events(c->src[0], EPOLLIN);
	}
	n = recv(c->fd[0], sink, sizeof sink, 0);
	if (n == 0 || (n == -1 && errno != EAGAIN))
		conn_close(c);
}

void
http_reply(struct conn *c, int status, const char *type, const char *extra,
    const char *body)
{
	char *text = xasprintf(
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\nCache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\nConnection: close\r\n%s\r\n%s",
	    status, reason(status), type, strlen(body), extra, body);

	free(c->pending[1].p);
	c->pending[1] = (struct pending){ text, 0, strlen(text) };
	http_bye(c);
}

void
http_bye(struct conn *c)
{
	bindu_buf_fini(&c->head);
	proxy_hang_up(c);
	conn_deadline(c, BYE_MS);
	loop_unwatch(&c->src[0]);
	c->src[0] =
	    loop_watch(c->d->loop, c->fd[0], EPOLLIN | EPOLLOUT, on_bye, c);
}

static void
reply_json(struct conn *c, int status, const char *extra, json_t *o)
{
	AUTO_JSON json_t *hold __attribute__((unused)) = o;
	char *text = bindu_json_text(o);

	http_reply(c, status, "application/json", extra, text);
	bindu_free_secret(text);
}

static void
refuse(struct conn *c, int status, const char *why)
{
	reply_json(c, status, "", json_pack("{ss}", "error", why));
}

char *
http_header(const struct conn *c, const char *name)
{
	size_t n = strlen(name);
	char *found = NULL;

	for (const char *p = strstr(c->head.p, "\r\n"); p && p[2] != '\r';
	     p = strstr(p + 2, "\r\n")) {
		const char *v = p + 2 + n, *end;

		if (strncasecmp(p + 2, name, n) || *v != ':')
			continue;
		if (found) {
			free(found);
			return NULL;
		}
		v += 1 + strspn(v + 1, " \t");
		end = strstr(v, "\r\n");
		while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		found = xstrndup(v, (size_t)(end - v));
	}
	return found;
}

/* Lower case, without port and final dot; NULL for no or a strange Host. */
static char *
host(const struct conn *c)
{
	AUTO_FREE char *h = http_header(c, "host");
	size_t n;

	if (!h)
		return NULL;
	n = h[0] == '[' ? strcspn(h, "]") + 1 : strcspn(h, ":");
	if (n > strlen(h) || (h[n] && h[n] != ':'))
		return NULL;
	h[n] = '\0';
	if (n && h[n - 1] == '.')
		h[n - 1] = '\0';
	for (char *p = h; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return bindu_steal(&h);
}

static bool
is_loopback(const char *h)
{
	return !strcmp(h, "localhost") || !strcmp(h, "127.0.0.1") ||
	    !strcmp(h, "[::1]");
}

static void
exchange(struct conn *c, const char *body, size_t n)
{
	AUTO_JSON json_t *o = bindu_json_parse(body, n, BODY_MAX, "body", NULL);
	const char *key = o ? bindu_json_str(o, "api_key") : NULL;
	struct bindu_err err = { 0 };
	int64_t expires = 0;
	char *token, extra[64] = "";

	if (!key) {
		refuse(c, 400, "the body must be {\"api_key\": \"...\"}");
		return;
	}
	token = auth_exchange(c->d->auth, key, &expires, &err);
	if (token) {
		reply_json(c, 200, "",
		    json_pack("{sssIss}", "token", token, "expires_at",
			(json_int_t)expires, "user_id", AUTH_USER));
		bindu_free_secret(token);
		return;
	}
	if (err.code == BINDU_E_AGAIN)
		snprintf(extra, sizeof extra, "Retry-After: %d\r\n",
		    err.detail);
	reply_json(c,
	    err.code == BINDU_E_AGAIN	 ? 429 :
		err.code == BINDU_E_AUTH ? 401 :
					   500,
	    extra, json_pack("{ss}", "error", err.msg));
}

/* Our own paths; true once an answer is on its way, false: more body. */
static bool
serve_own(struct conn *c, size_t headlen)
{
	AUTO_FREE char *length = http_header(c, "content-length");
	const char *target = strchr(c->head.p, ' ');
	uint64_t n = 0;
	size_t tlen = target ? strcspn(target + 1, " ?\r") : 0;

	if (!target || tlen != strlen(EXCHANGE) ||
	    strncmp(target + 1, EXCHANGE, tlen)) {
		refuse(c, 404,
		    "nothing is served here; boxes are at "
		    "http://NAME.localhost");
		return true;
	}
	if (!bindu_str_starts(c->head.p, "POST ")) {
		refuse(c, 405, "use POST");
		return true;
	}
	if (!length || bindu_str_u64(length, &n, NULL) == -1 || n > BODY_MAX) {
		refuse(c, length ? 413 : 400,
		    "a small Content-Length is "
		    "needed");
		return true;
	}
	if (c->head.len - headlen < n)
		return false;
	exchange(c, c->head.p + headlen, n);
	return true;
}

/* NAME.localhost or ROUTE.NAME.localhost; h is cut into pieces. */
static void
serve_named(struct conn *c, char *h)
{
	char *dot, *route = NULL, *name = h;
	struct box *b;

	h[strlen(h) - strlen(".localhost")] = '\0';
	dot = strrchr(h, '.');
	if (dot) {
		*dot = '\0';
		route = h;
		name = dot + 1;
	}
	b = box_find(c->d, name);
	if (!b || (route && !box_route(b, route))) {
		AUTO_FREE char *why = xasprintf("no %s \"%s\" here",
		    b ? "route" : "box", b ? route : name);

		refuse(c, 404, why);
		return;
	}
	proxy_begin(c, b, route ? route : "");
}

static bool
pick(struct conn *c, size_t headlen)
{
	AUTO_FREE char *h = host(c);
	struct box *b;

	if (h && c->door &&
	    (is_loopback(h) || bindu_str_ends(h, ".localhost"))) {
		b = box_find(c->d, c->door);
		if (b)
			proxy_begin(c, b, "");
		else
			refuse(c, 404, "this box is gone");
	} else if (h && bindu_str_ends(h, ".localhost")) {
		serve_named(c, h);
	} else if (h && is_loopback(h)) {
		return serve_own(c, headlen);
	} else {
		refuse(c, 421, "only localhost names are served here");
	}
	return true;
}

/* A request whose head is there whole is answered; else false. */
static bool
take_head(struct conn *c)
{
	const char *end = c->head.len ? strstr(c->head.p, "\r\n\r\n") : NULL;

	return end && pick(c, (size_t)(end + 4 - c->head.p));
}

static void
on_head(void *arg, uint32_t events)
{
	struct conn *c = arg;
	char *room;
	ssize_t n;

	(void)events;
	if (c->head.len >= HEAD_MAX - 1 ||
	    !(room = bindu_buf_room(&c->head, 4096, NULL))) {
		refuse(c, 431, "the request's head is too long");
		return;
	}
	n = recv(c->fd[0], room, 4096, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	if (c->idle)
		conn_deadline(c, FIRST_MS);
	c->idle = false;
	c->head.len += (size_t)n;
	c->head.p[c->head.len] = '\0';
	if (memchr(room, '\0', (size_t)n) && !strstr(c->head.p, "\r\n\r\n"))
		refuse(c, 400, "a NUL byte in the request's head");
	else
		take_head(c);
}

void
http_begin(struct conn *c)
{
	loop_unwatch(&c->src[0]);
	if (!take_head(c))
		c->src[0] =
		    loop_watch(c->d->loop, c->fd[0], EPOLLIN, on_head, c);
}
