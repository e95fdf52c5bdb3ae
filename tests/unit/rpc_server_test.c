/* The bell: an empty batch on a call that leads nowhere wakes the queue.  It is
 * no written promise of the library, so it is tried with each new one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <unistd.h>
#include "boxd/daemon/rpc_server.h"
#include "lib/base/clock.h"
#include "tap.h"

static struct rpc_server *server;
static int ends[2], rung, fired;
static struct loop_src *src;

static void
on_call(struct rpc *r, void *ctx)
{
	(void)r;
	(void)ctx;
}

static void
on_byte(void *arg, uint32_t events)
{
	char c;

	(void)arg;
	(void)events;
	if (read(ends[0], &c, 1) == 1 && ++rung < 100) {
		(void)!write(ends[1], "x", 1);
		return;
	}
	loop_unwatch(&src);
	rpc_server_quit(server);
}

static void
on_time(void *arg)
{
	(void)arg;
	fired++;
	(void)!write(ends[1], "x", 1);
}

static void
too_late(void *arg)
{
	(void)arg;
	rpc_server_quit(server);
}

int
main(void)
{
	struct bindu_err err = { 0 };
	int64_t before = bindu_clock_ms();
	struct loop *l;

	ok(pipe(ends) == 0, "a pipe");
	server = rpc_server_new(on_call, NULL, &err);
	ok(server != NULL, "a server without ports starts");
	l = rpc_server_loop(server);
	src = loop_watch(l, ends[0], EPOLLIN, on_byte, NULL);
	loop_after(l, 20, on_time, NULL);
	loop_after(l, 5000, too_late, NULL);
	rpc_server_run(server);
	ok(fired == 1, "a timer fires once");
	ok(rung == 100, "each byte of 100 rings");
	ok(bindu_clock_ms() - before < 4000, "at once");
	rpc_server_free(server);
	ok(1, "and it ends cleanly");
	return done();
}
