/* boxd_client.h - what the boxd_client*.c files share; they alone know the
 * generated messages.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_BOXD_CLIENT_H
#define BINDU_BOXD_CLIENT_H

#include <boxd/v1/api.pb-c.h>
#include "box_priv.h"
#include "rpc.h"
#include "token.h"

/* The generated names are long: PB(GetVmRequest), PB_INIT(GET_VM_REQUEST). */
#define PB(name) Boxd__Api__V1__##name
#define PB_INIT(name) BOXD__API__V1__##name##__INIT
#define BOXD_METHOD(name) "/boxd.api.v1.BoxdApi/" name

struct boxd_conn {
	struct bindu_rpc *rpc;
	struct bindu_token *token; /* NULL: none needed (unix socket) */
	char *zone; /* GetConfig's, once asked for */
};

static inline struct boxd_conn *
boxd_conn(const struct bindu_remote *r)
{
	return r->conn;
}

enum { BOXD_SAFE = 1 }; /* may be sent again */
/* One unary call: authenticates anew once after UNAUTHENTICATED, repeats
 * a BOXD_SAFE one after UNAVAILABLE.  *reply is the caller's (free with
 * protobuf_c_message_free_unpacked). */
int boxd_call(struct bindu_remote *, const char *method, const void *request,
    const ProtobufCMessageDescriptor *, unsigned flags, int64_t timeout_ms,
    void *reply, struct bindu_err *);
/* The current token into the connection; before a stream is opened. */
int boxd_authenticate(struct bindu_remote *, struct bindu_err *);
/* A call failed with why: may it be made again, authenticated anew? */
bool boxd_renew(struct bindu_remote *, const struct bindu_err *why);

/* Asks beside an open stream, every few seconds. */
struct boxd_watch {
	struct bindu_remote *remote;
	const char *box; /* borrowed */
	struct bindu_rpc_call *ask; /* GetVm under way */
	int64_t next;
	int bad; /* answers in a row that bode ill */
};
void boxd_watch_init(struct boxd_watch *, struct bindu_remote *, const char *);
/* Look without waiting; the stream's own waits must be short.  -1: the box or
 * the connection is gone.  *woken: a wake or a signal came in meanwhile. */
int boxd_watch(struct boxd_watch *, bool *woken, struct bindu_err *);
void boxd_watch_fini(struct boxd_watch *);
void boxd_free(void *message);
/* Pack; caller frees.  Never fails: our messages are small. */
void *boxd_pack(const void *message, size_t *n);
#define AUTO_PB __attribute__((cleanup(boxd_cleanup)))
static inline void
boxd_cleanup(void *pp)
{
	boxd_free(*(void **)pp);
}

int boxd_create(struct bindu_remote *, const struct bindu_box_config *,
    struct bindu_box_info *, struct bindu_err *);
int boxd_get(struct bindu_remote *, const char *, struct bindu_box_info *,
    struct bindu_err *);
int boxd_list(struct bindu_remote *, struct bindu_box_info **, size_t *,
    struct bindu_err *);
int
boxd_logs(struct bindu_remote *, const char *, bool, int, struct bindu_err *);
/* boxd_client_exec.c */
struct bindu_client_exec *boxd_exec_open(struct bindu_remote *, const char *,
    const char *, bool, uint32_t, uint32_t, struct bindu_err *);
void boxd_exec_send(struct bindu_client_exec *, const void *, size_t);
bool boxd_exec_sending(const struct bindu_client_exec *);
void boxd_exec_eof(struct bindu_client_exec *);
void boxd_exec_winsize(struct bindu_client_exec *, uint32_t, uint32_t);
int boxd_exec_recv(struct bindu_client_exec *, int64_t, bool,
    struct bindu_frame *, struct bindu_err *);
bool boxd_exec_started(const struct bindu_client_exec *);
void boxd_exec_wakeable(struct bindu_client_exec *);
void boxd_exec_wake(struct bindu_client_exec *);
void boxd_exec_close(struct bindu_client_exec *);
#endif
