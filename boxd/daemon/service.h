/* service.h - the boxd API: one function a call, found in one table.
 *
 * What a client learns of a box's addresses:
 *   CreateVmResponse.url            http://NAME.localhost:PORT
 *   GetVmResponse.access_domain     localhost:PORT (the URL is
 *                                   http://NAME.ACCESS_DOMAIN)
 *   GetVmResponse.labels[local_url] http://127.0.0.1:PORT, the box's own port
 *   ProxyInfo.domain                NAME.localhost:PORT, ROUTE.NAME.localhost...
 * Exec: the initial metadata comes when the command has been started, and
 * not before; a refusal before that is a status without it.  The last chunk has no
 * data, only the exit code.  A Create or Start whose image has to be built answers at
 * once with status "starting"; StreamLogs of that box shows the build.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_SERVICE_H
#define BOXD_SERVICE_H

#include <boxd/v1/api.pb-c.h>
#include "boxd.h"
#include "rpc_server.h"

#define PB(name) Boxd__Api__V1__##name
#define SVC_LOCAL_URL "local_url" /* the label */

typedef void svc_unary_fn(struct rpc *, struct boxd *, const void *request);
typedef void svc_stream_fn(struct rpc *, struct boxd *);

struct svc_method {
	const char *name;
	const ProtobufCMessageDescriptor *request; /* NULL: a stream */
	svc_unary_fn *unary;
	svc_stream_fn *stream;
};

/* rpc_server_new's new_call; the context is the struct boxd. */
void svc_new_call(struct rpc *, void *d);

/* For the functions of the calls. */
void svc_reply(struct rpc *, const ProtobufCMessage *);
void svc_fail(struct rpc *, const struct bindu_err *);
void svc_fail_text(struct rpc *, enum bindu_errc, const char *text);
/* The message, freed as protobuf-c's own are; NULL: malformed, or it asks for
 * far more memory than it has bytes. */
void *svc_unpack(const ProtobufCMessageDescriptor *, const uint8_t *, size_t n);
/* The box, or NULL and the call has been ended. */
struct box *svc_box(struct rpc *, struct boxd *, const char *key);
/* Members of struct rpc_ops for a call that does not care. */
void svc_no_message(struct rpc *, const uint8_t *, size_t);
void svc_nothing(struct rpc *);
extern const struct rpc_ops svc_no_ops;

svc_unary_fn svc_create_vm, svc_get_vm, svc_list_vms, svc_start_vm, svc_stop_vm,
    svc_reboot_vm, svc_suspend_vm, svc_resume_vm, svc_destroy_vm,
    svc_set_auto_suspend, svc_whoami, svc_get_config, svc_list_proxies,
    svc_set_proxy_port, svc_stream_logs, svc_upload_file, svc_download_file,
    svc_download_stream;
svc_stream_fn svc_exec, svc_upload_stream, svc_reflect;
#endif
