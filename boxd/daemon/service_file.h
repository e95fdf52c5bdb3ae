/* service_file.h - what an upload and a download have in common: one file of
 * a running box, through a pipe that the box's monitor hands out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_SERVICE_FILE_H
#define BOXD_SERVICE_FILE_H

#include "service.h"

struct svc_file {
	struct boxd *d;
	struct rpc *rpc;
	char *box_id;
	struct ask *ask;
	int fd; /* the pipe; -1: before the start, after the end */
	struct loop_src *src; /* of fd */
};

/* The box when it runs and path may name a file; else NULL, and the call has
 * been ended. */
struct box *
svc_file_box(struct rpc *, struct boxd *, const char *vm, const char *path);
/* Ask b's monitor for the pipe; request is consumed.  ctx: what the call's
 * ops and the answer get. */
void
svc_file_open(struct svc_file *, struct rpc *, struct boxd *, struct box *b,
    const struct rpc_ops *, json_t *request, ask_fn *, void *ctx);
/* The pipe is done with, the call is not. */
void svc_file_end(struct svc_file *);
void svc_file_fini(struct svc_file *);
#endif
