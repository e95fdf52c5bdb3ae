/* hub.h - the process that makes boxes: started when needed, asked through
 * STATE/hub.sock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_HUB_H
#define BOXD_HUB_H

#include "boxd.h"

struct hub_req;

struct hub *hub_new(struct boxd *);
/* The hub process goes on; only our side is freed. */
void hub_free(struct hub *);
/* Ask, after starting the hub if nobody answers.  fn as for ask_open(), with
 * the ask NULL; it must drop the request sooner or later.  Nothing is called
 * before this function returns. */
struct hub_req *hub_ask(struct hub *, json_t *request, ask_fn *, void *ctx);
void hub_drop(struct hub_req **); /* cancels; NULL is fine */
/* What the hub said of itself at its last ping; NULL before. */
const json_t *hub_facts(const struct hub *);
/* Why it could make no box when it was last asked; NULL: it could. */
const char *hub_trouble(const struct hub *);
/* End the hub process when no box needs it. */
void hub_stop(struct hub *);
#endif
