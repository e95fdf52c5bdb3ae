/* boxd_client_watch.c - does the box of a stream live, and the way to it?
 *
 * A stream that is silent looks the same when its box is gone, the network
 * has swallowed it or nothing is to be said.  HTTP/2 pings would tell only of
 * the network, and servers end connections that ping often without data.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "boxd_client.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define WATCH_MS 5000 /* how often we ask whether the box lives */
#define SILENCE_MS 10000 /* how long it may not answer */

void
boxd_watch_init(struct boxd_watch *w, struct bindu_remote *r, const char *box)
{
	*w = (struct boxd_watch){ .remote = r,
		.box = box,
		.next = bindu_clock_ms() + WATCH_MS };
}

void
boxd_watch_fini(struct boxd_watch *w)
{
	bindu_rpc_end(bindu_steal(&w->ask));
}

static void
ask(struct boxd_watch *w)
{
	PB(GetVmRequest)
	req = PB_INIT(GET_VM_REQUEST);
	AUTO_FREE uint8_t *p = NULL;
	size_t n;

	req.vm_id = (char *)w->box;
	p = boxd_pack(&req, &n);
	w->ask = bindu_rpc_ask(boxd_conn(w->remote)->rpc, BOXD_METHOD("GetVm"),
	    SILENCE_MS, p, n);
}

static bool
is_gone(const char *status)
{
	return strcmp(status, "stopped") == 0 ||
	    strcmp(status, "destroyed") == 0 || strcmp(status, "failed") == 0;
}

/* The answer is here; why: none came, but this.  A refusal is a sign of life,
 * too: a token may end before what it began. */
static int
weigh(struct boxd_watch *w, const char *msg, size_t n,
    const struct bindu_err *why, struct bindu_err *err)
{
	AUTO_PB PB(GetVmResponse) *vm = NULL;
	bool lost = why->detail == BINDU_RPC_DEADLINE ||
	    why->detail == BINDU_RPC_UNAVAILABLE;
	bool gone = why->detail == BINDU_RPC_NOT_FOUND;

	if (why->code == BINDU_E_NONE)
		vm = boxd__api__v1__get_vm_response__unpack(NULL, n,
		    (const uint8_t *)msg);
	if (vm != NULL)
		gone = is_gone(vm->status);
	if (!lost && !gone) {
		w->bad = 0;
		return 0;
	}
	/* Once: the stream may be about to say so itself, or a server that
	 * is busy turned one call away.  Silence has lasted long enough. */
	if (++w->bad < 2 && why->detail != BINDU_RPC_DEADLINE)
		return 0;
	return lost ? bindu_err_set(err, BINDU_E_AGAIN,
			  "connection to %s lost; what ran there may still be "
			  "running",
			  w->box) :
		      bindu_err_set(err, BINDU_E_AGAIN,
			  "box %s is %s, and what ran in it is gone", w->box,
			  vm != NULL ? vm->status : "destroyed");
}

int
boxd_watch(struct boxd_watch *w, bool *woken, struct bindu_err *err)
{
	enum bindu_rpc_event event;
	struct bindu_err why = { 0 };
	const char *msg = NULL;
	size_t n = 0;
	int rc;

	*woken = false;
	if (w->ask == NULL) {
		if (bindu_clock_ms() < w->next)
			return 0;
		ask(w);
	}
	if (bindu_rpc_recv(w->ask, 0, &event, &msg, &n, &why) == 0 &&
	    event != BINDU_RPC_MESSAGE) {
		*woken = event == BINDU_RPC_WOKEN;
		return 0;
	}
	rc = weigh(w, msg, n, &why, err);
	bindu_rpc_end(bindu_steal(&w->ask));
	w->next = bindu_clock_ms() + WATCH_MS;
	return rc;
}
