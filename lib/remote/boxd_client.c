/* boxd_client.c - the connection to a boxd service and its plain calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "boxd_client.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "endpoint.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "local.h"

#define TRIES 3 /* of a safe call: at once, 0.5 s, 1 s */
#define REPLY_MAX BINDU_RPC_MAX

void
boxd_free(void *message)
{
	if (message != NULL)
		protobuf_c_message_free_unpacked(message, NULL);
}

void *
boxd_pack(const void *message, size_t *n)
{
	uint8_t *p;

	*n = protobuf_c_message_get_packed_size(message);
	p = xmalloc(*n + 1);
	protobuf_c_message_pack(message, p);
	return p;
}

int
bindu_pause(int64_t ms, struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(ms);
	struct pollfd p = { .fd = bindu_tool_signal() == 0 ?
		    bindu_tool_wake_fd() :
		    -1,
		.events = POLLIN };

	for (;;) {
		int left = bindu_clock_left(deadline);

		if (bindu_tool_interrupted(err) == -1)
			return -1;
		if (left == 0)
			return 0;
		poll(&p, 1, left);
	}
}

int
boxd_authenticate(struct bindu_remote *r, struct bindu_err *err)
{
	struct boxd_conn *c = boxd_conn(r);
	const char *token;

	if (c->token == NULL)
		return 0;
	token = bindu_token_get(c->token, err);
	return token == NULL ? -1 : bindu_rpc_set_token(c->rpc, token, err);
}

bool
boxd_renew(struct bindu_remote *r, const struct bindu_err *why)
{
	struct boxd_conn *c = boxd_conn(r);

	return why->code == BINDU_E_AUTH &&
	    why->detail == BINDU_RPC_UNAUTHENTICATED && c->token != NULL &&
	    bindu_token_renew(c->token);
}

/* Send it until an answer counts.  ABORTED: the box is being changed, and
 * nothing was done. */
static int
exchange(struct bindu_remote *r, const char *method, const void *req, size_t n,
    unsigned flags, int64_t timeout_ms, struct bindu_buf *reply,
    struct bindu_err *err)
{
	struct boxd_conn *c = boxd_conn(r);
	struct bindu_err why = { 0 };

	for (int try = 0;;) {
		if (boxd_authenticate(r, err) == -1)
			return -1;
		if (bindu_rpc_unary(c->rpc, method, req, n, timeout_ms, reply,
			&why) == 0)
			return 0;
		if (boxd_renew(r, &why))
			continue;
		if (why.code != BINDU_E_AGAIN ||
		    (why.detail != BINDU_RPC_UNAVAILABLE &&
			why.detail != BINDU_RPC_ABORTED) ||
		    !(flags & BOXD_SAFE) || ++try == TRIES)
			break;
		if (bindu_pause(500 * try, err) == -1)
			return -1;
	}
	if (err != NULL)
		*err = why;
	return -1;
}

int
boxd_call(struct bindu_remote *r, const char *method, const void *request,
    const ProtobufCMessageDescriptor *type, unsigned flags, int64_t timeout_ms,
    void *reply, struct bindu_err *err)
{
	AUTO_FREE uint8_t *req = NULL;
	AUTO_BUF struct bindu_buf in = BINDU_BUF_INIT(REPLY_MAX);
	ProtobufCMessage *m;
	size_t n;

	req = boxd_pack(request, &n);
	if (exchange(r, method, req, n, flags, timeout_ms, &in, err) == -1)
		return -1;
	m = protobuf_c_message_unpack(type, NULL, in.len,
	    (const uint8_t *)(in.p != NULL ? in.p : ""));
	if (m == NULL)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "%s: the answer is no %s", method, type->short_name);
	*(ProtobufCMessage **)reply = m;
	return 0;
}

static int
act(struct bindu_remote *r, const char *box, enum bindu_box_verb verb,
    struct bindu_err *err)
{
	/* All eight requests are one string in field 1. */
	PB(StartVmRequest)
	req = PB_INIT(START_VM_REQUEST);
	static const struct {
		const char *method;
		const ProtobufCMessageDescriptor *reply;
		unsigned flags;
	} rows[] = {
		[BINDU_BOX_START] = { BOXD_METHOD("StartVm"),
		    &boxd__api__v1__start_vm_response__descriptor, BOXD_SAFE },
		[BINDU_BOX_STOP] = { BOXD_METHOD("StopVm"),
		    &boxd__api__v1__stop_vm_response__descriptor, BOXD_SAFE },
		[BINDU_BOX_REBOOT] = { BOXD_METHOD("RebootVm"),
		    &boxd__api__v1__reboot_vm_response__descriptor, 0 },
		[BINDU_BOX_SUSPEND] = { BOXD_METHOD("SuspendVm"),
		    &boxd__api__v1__suspend_vm_response__descriptor,
		    BOXD_SAFE },
		[BINDU_BOX_RESUME] = { BOXD_METHOD("ResumeVm"),
		    &boxd__api__v1__resume_vm_response__descriptor, BOXD_SAFE },
		[BINDU_BOX_DESTROY] = { BOXD_METHOD("DestroyVm"),
		    &boxd__api__v1__destroy_vm_response__descriptor, 0 },
		[BINDU_BOX_HIBERNATE] = { BOXD_METHOD("HibernateVm"),
		    &boxd__api__v1__hibernate_vm_response__descriptor,
		    BOXD_SAFE },
		[BINDU_BOX_WAKE] = { BOXD_METHOD("WakeVm"),
		    &boxd__api__v1__wake_vm_response__descriptor, BOXD_SAFE },
	};
	AUTO_PB ProtobufCMessage *reply = NULL;

	req.vm_id = (char *)box;
	return boxd_call(r, rows[verb].method, &req, rows[verb].reply,
	    rows[verb].flags, r->timeout_ms, &reply, err);
}

static int
set_port(struct bindu_remote *r, const char *box, uint32_t port,
    struct bindu_err *err)
{
	PB(SetProxyPortRequest)
	req = PB_INIT(SET_PROXY_PORT_REQUEST);
	AUTO_PB ProtobufCMessage *reply = NULL;
	AUTO_FREE char *text = xasprintf("%u", port);

	/* 0.1 servers read vm_name, 0.2 servers vm. */
	req.vm = req.vm_name = (char *)box;
	req.port = text;
	return boxd_call(r, BOXD_METHOD("SetProxyPort"), &req,
	    &boxd__api__v1__set_proxy_port_response__descriptor, BOXD_SAFE,
	    r->timeout_ms, &reply, err);
}

static int
set_auto_suspend(struct bindu_remote *r, const char *box, uint32_t secs,
    struct bindu_err *err)
{
	PB(SetAutoSuspendTimeoutRequest)
	req = PB_INIT(SET_AUTO_SUSPEND_TIMEOUT_REQUEST);
	AUTO_PB ProtobufCMessage *reply = NULL;

	req.vm_id = (char *)box;
	req.timeout_secs = secs;
	return boxd_call(r, BOXD_METHOD("SetAutoSuspendTimeout"), &req,
	    &boxd__api__v1__set_auto_suspend_timeout_response__descriptor,
	    BOXD_SAFE, r->timeout_ms, &reply, err);
}

static void
close_conn(struct bindu_remote *r)
{
	struct boxd_conn *c = boxd_conn(r);

	bindu_rpc_close(c->rpc);
	bindu_token_free(c->token);
	free(c->zone);
	free(c);
}

static const struct bindu_client client = {
	.close = close_conn,
	.create = boxd_create,
	.get = boxd_get,
	.list = boxd_list,
	.act = act,
	.set_port = set_port,
	.set_auto_suspend = set_auto_suspend,
	.logs = boxd_logs,
	.exec_open = boxd_exec_open,
	.exec_send = boxd_exec_send,
	.exec_sending = boxd_exec_sending,
	.exec_eof = boxd_exec_eof,
	.exec_winsize = boxd_exec_winsize,
	.exec_recv = boxd_exec_recv,
	.exec_started = boxd_exec_started,
	.exec_wakeable = boxd_exec_wakeable,
	.exec_wake = boxd_exec_wake,
	.exec_close = boxd_exec_close,
};

static int
find_endpoint(struct bindu_remote *r, struct bindu_endpoint *e,
    struct bindu_err *err)
{
	if (r->runtime == BINDU_LOCAL) {
		e->unix_path = bindu_local_socket();
		return 0;
	}
	if (bindu_endpoint_parse(bindu_endpoint_url(), e, err) == -1)
		return -1;
	if (e->upgraded)
		bindu_note(r->report, BINDU_NOTE,
		    "http://%s:%s is an old default: using https://", e->host,
		    e->port);
	return 0;
}

int
bindu_boxd_client_open(struct bindu_remote *r, struct bindu_err *err)
{
	AUTO_ENDPOINT struct bindu_endpoint e = { 0 };
	struct boxd_conn *c;

	if (find_endpoint(r, &e, err) == -1)
		return -1;
	c = xcalloc(1, sizeof(*c));
	/* The daemon knows the owner of a unix socket's other end. */
	if (r->runtime != BINDU_LOCAL)
		c->token = bindu_token_new(&e, err);
	if (r->runtime == BINDU_LOCAL || c->token != NULL)
		c->rpc = bindu_rpc_open(&e, r->report, err);
	if (c->rpc == NULL) {
		bindu_token_free(c->token);
		free(c);
		return -1;
	}
	r->conn = c;
	r->client = &client;
	return 0;
}
