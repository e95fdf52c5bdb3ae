/* gate_count.c - HTTP/2 frames, looked at from outside; see gate.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "gate.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define PREFACE (sizeof preface - 1)

enum { DATA = 0, HEADERS = 1, WINDOW_UPDATE = 8, CONTINUATION = 9 };
enum { END_STREAM = 1, END_HEADERS = 4 };

void
gate_count_init(struct gate_count *g, int64_t now_ms)
{
	*g = (struct gate_count){ .tokens = GATE_BURST * 1000, .at = now_ms };
}

static int
spend(struct gate_count *g, int64_t now_ms)
{
	g->tokens += (now_ms - g->at) * GATE_RATE;
	g->at = now_ms;
	if (g->tokens > GATE_BURST * 1000)
		g->tokens = GATE_BURST * 1000;
	g->tokens -= 1000;
	return g->tokens < 0 ? -1 : 0;
}

/* A frame's nine bytes are there. */
static int
begin_frame(struct gate_count *g, int64_t now_ms)
{
	size_t n = (size_t)g->head[0] << 16 | (size_t)g->head[1] << 8 |
	    g->head[2];
	uint8_t type = g->head[3], flags = g->head[4];

	g->nhead = 0;
	g->left = n;
	g->heads += type == HEADERS;
	if (type == HEADERS || type == CONTINUATION) {
		g->block += n;
		if (g->block > GATE_BLOCK_MAX)
			return -1;
		if (flags & END_HEADERS)
			g->block = 0;
		/* Pieces of nothing cost as much as others. */
		return type == CONTINUATION ? spend(g, now_ms) : 0;
	}
	if (type == WINDOW_UPDATE ||
	    (type == DATA && (n > 0 || flags & END_STREAM)))
		return 0;
	return spend(g, now_ms);
}

int
gate_count(struct gate_count *g, const uint8_t *p, size_t n, int64_t now_ms)
{
	const uint8_t *end = p + n;

	for (; p < end && g->preface < PREFACE; p++, g->preface++)
		if (*p != (uint8_t)preface[g->preface])
			return -1;
	while (p < end) {
		size_t some = (size_t)(end - p);

		if (g->left > 0) {
			some = some < g->left ? some : g->left;
			g->left -= some;
			p += some;
			continue;
		}
		g->head[g->nhead++] = *p++;
		if (g->nhead == sizeof g->head && begin_frame(g, now_ms) == -1)
			return -1;
	}
	return 0;
}
