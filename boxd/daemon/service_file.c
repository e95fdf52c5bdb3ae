/* service_file.c - see service_file.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "service_file.h"

#include <stdlib.h>
#include <unistd.h>
#include "lib/base/mem.h"

#define START_MS 30000

struct box *
svc_file_box(struct rpc *r, struct boxd *d, const char *vm, const char *path)
{
	AUTO_JSON json_t *utf8 = json_string(path);
	struct box *b = svc_box(r, d, vm);
	struct bindu_err err = { 0 };

	if (!b)
		return NULL;
	if (box_need_running(b, &err) == -1) {
		svc_fail(r, &err);
		return NULL;
	}
	if (!utf8 || !*path) {
		rpc_finish(r, RPC_INVALID_ARGUMENT, "no path was given");
		return NULL;
	}
	return b;
}

void
svc_file_open(struct svc_file *f, struct rpc *r, struct boxd *d, struct box *b,
    const struct rpc_ops *ops, json_t *request, ask_fn *fn, void *ctx)
{
	AUTO_FREE char *sock = box_monitor(b);

	*f = (struct svc_file){ .d = d,
		.rpc = r,
		.box_id = xstrdup(b->id),
		.fd = -1 };
	box_use(b, 1);
	rpc_set(r, ops, ctx);
	f->ask = ask_open(d->loop, sock, request, START_MS, fn, ctx);
}

void
svc_file_end(struct svc_file *f)
{
	loop_unwatch(&f->src);
	if (f->fd != -1)
		close(bindu_steal_fd(&f->fd));
}

void
svc_file_fini(struct svc_file *f)
{
	struct box *b = box_find(f->d, f->box_id);

	if (b)
		box_use(b, -1);
	svc_file_end(f);
	ask_close(&f->ask);
	free(f->box_id);
}
