/* boxd_client_logs.c - console logs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "boxd_client.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "stream_watch.h"

static int
take_logs(int fd, const char *p, size_t n, struct bindu_err *err)
{
	AUTO_PB PB(LogChunk) *m =
	    boxd__api__v1__log_chunk__unpack(NULL, n, (const uint8_t *)p);

	if (m == NULL)
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "logs: a message that is no log chunk");
	return bindu_fd_write(fd, m->data.data, m->data.len) == 0 ?
	    0 :
	    bindu_err_sys(err, "cannot write logs");
}

static void
wake(void *rpc)
{
	bindu_rpc_wake(rpc);
}

/* To the end, until a signal comes or nobody reads any more: that is how
 * following ends. */
static int
copy_logs(struct bindu_rpc_call *call, struct boxd_watch *watch, int fd,
    bool *any, struct bindu_err *err)
{
	enum bindu_rpc_event event = BINDU_RPC_NOTHING;
	bool woken = false;
	const char *p;
	size_t n;

	while (event != BINDU_RPC_END && event != BINDU_RPC_WOKEN) {
		if (bindu_rpc_recv(call, 1000, &event, &p, &n, err) == -1)
			return -1;
		if (event == BINDU_RPC_MESSAGE) {
			*any = true;
			if (take_logs(fd, p, n, err) == -1)
				return -1;
		}
		if (event != BINDU_RPC_END &&
		    boxd_watch(watch, &woken, err) == -1)
			return -1;
		if (woken)
			break;
	}
	return 0;
}

int
boxd_logs(struct bindu_remote *r, const char *box, bool follow, int fd,
    struct bindu_err *err)
{
	PB(StreamLogsRequest)
	req = PB_INIT(STREAM_LOGS_REQUEST);
	AUTO_FREE uint8_t *msg = NULL;
	struct bindu_err why = { 0 };
	struct bindu_rpc_call *call;
	struct boxd_watch watch;
	struct bindu_watch reader;
	bool any = false;
	size_t n;
	int rc;

	req.vm_id = (char *)box;
	req.follow = follow;
	msg = boxd_pack(&req, &n);
	do {
		if (boxd_authenticate(r, err) == -1)
			return -1;
		call = bindu_rpc_ask(boxd_conn(r)->rpc,
		    BOXD_METHOD("StreamLogs"), follow ? -1 : r->timeout_ms, msg,
		    n);
		boxd_watch_init(&watch, r, box);
		bindu_rpc_wakeable(boxd_conn(r)->rpc);
		bindu_watch_init(&reader, wake, boxd_conn(r)->rpc);
		bindu_watch_arm(&reader, BINDU_WATCH_READER, fd);
		rc = copy_logs(call, &watch, fd, &any, &why);
		bindu_watch_fini(&reader);
		boxd_watch_fini(&watch);
		bindu_rpc_end(call);
	} while (rc == -1 && !any && boxd_renew(r, &why));
	if (rc == -1 && err != NULL)
		*err = why;
	return rc;
}
