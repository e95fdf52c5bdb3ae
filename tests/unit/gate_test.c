/* What may pass the gate, whole and in pieces of any size.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "boxd/daemon/gate.h"
#include "tap.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { DATA, HEADERS, PRIORITY, RST, SETTINGS, PING = 6, WINDOW = 8, CONT };

/* One frame of n bytes of nothing, fed in pieces of step. */
static int
feed(struct gate_count *g, int type, int flags, size_t n, size_t step,
    int64_t now)
{
	size_t len = 9 + n;
	uint8_t *p = calloc(1, len);
	int rc = 0;

	p[0] = (uint8_t)(n >> 16);
	p[1] = (uint8_t)(n >> 8);
	p[2] = (uint8_t)n;
	p[3] = (uint8_t)type;
	p[4] = (uint8_t)flags;
	for (size_t at = 0; rc == 0 && at < len; at += step)
		rc = gate_count(g, p + at, len - at < step ? len - at : step,
		    now);
	free(p);
	return rc;
}

static void
begin(struct gate_count *g)
{
	gate_count_init(g, 0);
	gate_count(g, (const uint8_t *)preface, sizeof preface - 1, 0);
}

/* How many of these frames pass within one millisecond. */
static int
passes(int type, int flags, size_t n, int tries)
{
	struct gate_count g;
	int i = 0;

	begin(&g);
	while (i < tries && feed(&g, type, flags, n, 9 + n, 0) == 0)
		i++;
	return i;
}

int
main(void)
{
	struct gate_count g;
	int rc = 0;

	gate_count_init(&g, 0);
	ok(gate_count(&g, (const uint8_t *)"GET / HTTP/1.1", 14, 0) == -1,
	    "what is no preface does not pass");
	for (size_t step = 1; step <= 4096; step = step * 4 + 1) {
		begin(&g);
		rc = feed(&g, SETTINGS, 0, 6, step, 0) |
		    feed(&g, HEADERS, 4, 300, step, 0) |
		    feed(&g, DATA, 0, 70000, step, 0) |
		    feed(&g, DATA, 1, 0, step, 0);
		ok(rc == 0, "a call passes in pieces of %zu", step);
	}
	ok(passes(DATA, 0, 1000, 20000) == 20000, "data has no limit");
	ok(passes(DATA, 1, 0, 20000) == 20000, "nor have ends of streams");
	ok(passes(WINDOW, 0, 4, 20000) == 20000, "nor window updates");
	ok(passes(HEADERS, 5, 200, 20000) == 20000, "nor whole heads");
	ok(passes(RST, 0, 4, 20000) == GATE_BURST, "resets have one");
	ok(passes(PING, 0, 8, 20000) == GATE_BURST, "pings, too");
	ok(passes(SETTINGS, 0, 6, 20000) == GATE_BURST, "settings, too");
	ok(passes(DATA, 0, 0, 20000) == GATE_BURST, "empty data, too");
	ok(passes(CONT, 0, 0, 20000) == GATE_BURST,
	    "empty pieces of a head, too");
	ok(passes(77, 0, 9, 20000) == GATE_BURST, "and what nobody knows");
	ok(passes(HEADERS, 0, 16000, 100) == GATE_BLOCK_MAX / 16000 &&
		passes(CONT, 0, 16000, 100) == GATE_BLOCK_MAX / 16000,
	    "a head that does not end is cut off");
	begin(&g);
	for (int i = 0; i < 3; i++)
		rc = feed(&g, HEADERS, 0, 300, 7, 0) |
		    feed(&g, CONT, 4, 300, 7, 0) | feed(&g, DATA, 1, 9, 7, 0);
	ok(rc == 0 && g.heads == 3, "calls are counted, their pieces not");
	begin(&g);
	for (int i = 0; rc == 0 && i < 5000; i++)
		rc = feed(&g, PING, 0, 8, 17, i * (1000 / GATE_RATE));
	ok(rc == 0, "pings at the allowed rate pass for ever");
	return done();
}
