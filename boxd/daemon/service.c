/* service.c - find the method, check who calls, decode, encode.
 * SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "auth.h"
#include "lib/base/mem.h"

#define SERVICE "/boxd.api.v1.BoxdApi/"
#define UNARY(name, snake, fn) \
	{ \
		SERVICE name, &boxd__api__v1__##snake##__descriptor, fn, NULL \
	}

static const struct svc_method methods[] = {
	{ SERVICE "Exec", NULL, NULL, svc_exec },
	UNARY("GetVm", get_vm_request, svc_get_vm),
	UNARY("CreateVm", create_vm_request, svc_create_vm),
	UNARY("ListVms", list_vms_request, svc_list_vms),
	UNARY("StartVm", start_vm_request, svc_start_vm),
	UNARY("StopVm", stop_vm_request, svc_stop_vm),
	UNARY("RebootVm", reboot_vm_request, svc_reboot_vm),
	UNARY("SuspendVm", suspend_vm_request, svc_suspend_vm),
	UNARY("ResumeVm", resume_vm_request, svc_resume_vm),
	UNARY("DestroyVm", destroy_vm_request, svc_destroy_vm),
	UNARY("SetAutoSuspendTimeout", set_auto_suspend_timeout_request,
	    svc_set_auto_suspend),
	UNARY("UploadFile", upload_file_request, svc_upload_file),
	UNARY("DownloadFile", download_file_request, svc_download_file),
	{ SERVICE "UploadFileStream", NULL, NULL, svc_upload_stream },
	UNARY("DownloadFileStream", download_file_request, svc_download_stream),
	UNARY("StreamLogs", stream_logs_request, svc_stream_logs),
	UNARY("ListProxies", list_proxies_request, svc_list_proxies),
	UNARY("SetProxyPort", set_proxy_port_request, svc_set_proxy_port),
	UNARY("Whoami", whoami_request, svc_whoami),
	UNARY("GetConfig", get_config_request, svc_get_config),
	{ "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", NULL,
	    NULL, svc_reflect },
	{ "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
	    NULL, NULL, svc_reflect },
};

static const struct svc_method *
find(const char *name)
{
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}

void
svc_no_message(struct rpc *r, const uint8_t *p, size_t n)
{
	(void)r;
	(void)p;
	(void)n;
}

void
svc_nothing(struct rpc *r)
{
	(void)r;
}

const struct rpc_ops svc_no_ops = { svc_no_message, svc_nothing, svc_nothing };

/* A field we do not know costs protobuf-c 50 times its two bytes. */
#define UNPACK_EXTRA (4 << 20)

static void *
take_bytes(void *left, size_t n)
{
	size_t *budget = left;

	if (n > *budget)
		return NULL;
	*budget -= n;
	return malloc(n);
}

static void
give_bytes(void *left, void *p)
{
	(void)left;
	free(p);
}

void *
svc_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *p, size_t n)
{
	size_t left = n + UNPACK_EXTRA;
	ProtobufCAllocator a = { take_bytes, give_bytes, &left };

	return protobuf_c_message_unpack(type, &a, n, p);
}

static void
on_request(struct rpc *r, const uint8_t *p, size_t n)
{
	const struct svc_method *m = rpc_data(r);
	ProtobufCMessage *req;

	if (!p) {
		rpc_finish(r, RPC_INVALID_ARGUMENT, "the request is missing");
		return;
	}
	req = svc_unpack(m->request, p, n);
	if (!req) {
		rpc_finish(r, RPC_INVALID_ARGUMENT, "the request is malformed");
		return;
	}
	rpc_set(r, &svc_no_ops, NULL);
	m->unary(r, rpc_ctx(r), req);
	protobuf_c_message_free_unpacked(req, NULL);
}

static const struct rpc_ops request_ops = { on_request, svc_nothing,
	svc_nothing };

void
svc_new_call(struct rpc *r, void *ctx)
{
	struct boxd *d = ctx;
	const struct svc_method *m = find(rpc_method(r));
	const char *token = rpc_bearer(r);

	rpc_set(r, &svc_no_ops, NULL);
	if (!rpc_trusted(r) && (!token || !auth_token_ok(d->auth, token))) {
		rpc_finish(r, RPC_UNAUTHENTICATED,
		    token ?
			"the token is not valid or has expired" :
			"a token is needed: exchange the key that `bindu-boxd "
			"key` prints");
		return;
	}
	rpc_known(r);
	if (!m) {
		AUTO_FREE char *why = xasprintf("%.200s is not served by the "
						"local runtime",
		    rpc_method(r) + (rpc_method(r)[0] == '/'));

		rpc_finish(r, RPC_UNIMPLEMENTED, why);
		return;
	}
	if (m->stream) {
		m->stream(r, d);
		return;
	}
	rpc_set(r, &request_ops, (void *)m);
	rpc_recv(r);
}

void
svc_reply(struct rpc *r, const ProtobufCMessage *m)
{
	size_t n = protobuf_c_message_get_packed_size(m);

	protobuf_c_message_pack(m, rpc_room(r, n ? n : 1));
	rpc_reply(r, 0, n);
}

static enum rpc_status
status_of(const struct bindu_err *err)
{
	switch (err->code) {
	case BINDU_E_NOINPUT:
		return RPC_NOT_FOUND;
	case BINDU_E_EXISTS:
		return RPC_ALREADY_EXISTS;
	case BINDU_E_DATA:
	case BINDU_E_USAGE:
		return RPC_INVALID_ARGUMENT;
	case BINDU_E_AUTH:
		return RPC_PERMISSION_DENIED;
	case BINDU_E_AGAIN:
		return err->detail == EBUSY ? RPC_ABORTED : RPC_UNAVAILABLE;
	case BINDU_E_CONFIG:
	case BINDU_E_UNAVAILABLE:
	case BINDU_E_NO:
		return RPC_FAILED_PRECONDITION;
	case BINDU_E_IO:
		return err->detail == ENOSPC || err->detail == EDQUOT ?
		    RPC_RESOURCE_EXHAUSTED :
		    RPC_DATA_LOSS;
	case BINDU_E_NONE:
	case BINDU_E_BUG:
	case BINDU_E_SYSTEM:
	case BINDU_E_PROTOCOL:
	case BINDU_E_SIGNAL:
		break;
	}
	return RPC_INTERNAL;
}

void
svc_fail(struct rpc *r, const struct bindu_err *err)
{
	rpc_finish(r, status_of(err), err->msg);
}

void
svc_fail_text(struct rpc *r, enum bindu_errc code, const char *text)
{
	rpc_finish(r, status_of(&(struct bindu_err){ .code = code }), text);
}

struct box *
svc_box(struct rpc *r, struct boxd *d, const char *key)
{
	struct box *b = box_find(d, key);
	struct bindu_err err = { 0 };

	if (b)
		return b;
	if (*key) {
		const char *near = box_near(d, key);

		bindu_err_set(&err, BINDU_E_NOINPUT, "no box \"%.200s\"%s%s%s",
		    key, near ? " (did you mean " : "", near ? near : "",
		    near ? "?)" : "; bindu-box list shows those there are");
	} else
		bindu_err_set(&err, BINDU_E_DATA, "which box is not said");
	svc_fail(r, &err);
	return NULL;
}
