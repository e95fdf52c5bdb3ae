/* service_small.c - who, what, and the routes of a box.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "auth.h"
#include "image.h"
#include "lib/base/mem.h"
#include "service.h"
#include "web.h"

void
svc_whoami(struct rpc *r, struct boxd *d, const void *req)
{
	PB(WhoamiResponse)
	m;

	(void)d;
	(void)req;
	boxd__api__v1__whoami_response__init(&m);
	m.user_id = (char *)AUTH_USER;
	m.display_name = (char *)"the user of this machine";
	m.default_network_id = (char *)"local";
	svc_reply(r, &m.base);
}

void
svc_get_config(struct rpc *r, struct boxd *d, const void *req)
{
	PB(GetConfigResponse)
	m;
	char zone[32];

	(void)req;
	boxd__api__v1__get_config_response__init(&m);
	snprintf(zone, sizeof zone, "localhost:%u", d->port);
	m.default_image = (char *)image_default(d);
	m.zone = zone;
	svc_reply(r, &m.base);
}

static PB(ProxyInfo) *
    describe(const struct box *b, const struct box_route *route)
{
	PB(ProxyInfo) *p = xmalloc(sizeof *p);

	boxd__api__v1__proxy_info__init(p);
	p->name = xstrdup(route->name);
	p->vm_name = xstrdup(b->name);
	p->vm_id = xstrdup(b->id);
	p->domain = xasprintf("%s%s%s.localhost:%u", route->name,
	    *route->name ? "." : "", b->name, b->d->port);
	p->port = p->effective_port = route->port;
	p->is_default = !*route->name;
	p->port_display = xasprintf("%u", route->port);
	p->port_mode = xstrdup("manual");
	return p;
}

/* 0.1 clients send vm_name, 0.2 send vm. */
static const char *
which(const char *vm, const char *vm_name)
{
	return *vm ? vm : vm_name;
}

void
svc_list_proxies(struct rpc *r, struct boxd *d, const void *req)
{
	const PB(ListProxiesRequest) *q = req;
	struct box *b = svc_box(r, d, which(q->vm, q->vm_name));
	PB(ListProxiesResponse) * m;

	if (!b)
		return;
	m = xmalloc(sizeof *m);
	boxd__api__v1__list_proxies_response__init(m);
	m->proxies = xcalloc(b->nroutes, sizeof *m->proxies);
	for (size_t i = 0; i < b->nroutes; i++)
		m->proxies[m->n_proxies++] = describe(b, &b->routes[i]);
	svc_reply(r, &m->base);
	boxd__api__v1__list_proxies_response__free_unpacked(m, NULL);
}

static int
set_port(struct box *b, const PB(SetProxyPortRequest) * q,
    struct bindu_err *err)
{
	struct box_route *route = box_route(b, q->name);
	uint32_t port;

	if (!route)
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "box %s has no route \"%.80s\"", b->name, q->name);
	if (!strcmp(q->port, "auto"))
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "port \"auto\" is not there on the local runtime: give a "
		    "number");
	if (bindu_str_u32(q->port, &port, NULL) == -1 || port == 0 ||
	    port > 65535)
		return bindu_err_set(err, BINDU_E_DATA, "\"%.20s\" is no port",
		    q->port);
	if (route->port == port)
		return 0;
	route->port = (uint16_t)port;
	web_route_changed(b);
	return store_save(b, err);
}

void
svc_set_proxy_port(struct rpc *r, struct boxd *d, const void *req)
{
	const PB(SetProxyPortRequest) *q = req;
	struct box *b = svc_box(r, d, which(q->vm, q->vm_name));
	PB(SetProxyPortResponse)
	m;
	struct bindu_err err = { 0 };

	if (!b)
		return;
	boxd__api__v1__set_proxy_port_response__init(&m);
	if (set_port(b, q, &err) == -1)
		svc_fail(r, &err);
	else
		svc_reply(r, &m.base);
}
