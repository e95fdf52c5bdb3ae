/* instance.c - the states of a box and the moves between them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include <stddef.h>
#include <string.h>
#include "lib/base/mem.h"

static const char *const states[BOX_STATES] = {
	[BOX_STARTING] = "starting",
	[BOX_RUNNING] = "running",
	[BOX_SUSPENDED] = "suspended",
	[BOX_STOPPED] = "stopped",
	[BOX_FAILED] = "failed",
};
static const char *const wants[BOX_WANTS] = {
	[WANT_RUNNING] = "running",
	[WANT_STOPPED] = "stopped",
	[WANT_GONE] = "gone",
};
static const char *const verbs[BOX_VERBS] = {
	[VERB_START] = "start",
	[VERB_STOP] = "stop",
	[VERB_REBOOT] = "reboot",
	[VERB_SUSPEND] = "suspend",
	[VERB_RESUME] = "resume",
	[VERB_DESTROY] = "destroy",
};

#define N MOVE_NO
#define G MOVE_GO
#define T MOVE_THERE
static const unsigned char moves[BOX_STATES][BOX_VERBS] = {
	/*		  start stop reboot suspend resume destroy */
	[BOX_STARTING] = { T, N, N, N, N, G },
	[BOX_RUNNING] = { T, G, G, G, T, G },
	[BOX_SUSPENDED] = { N, G, G, T, G, G },
	[BOX_STOPPED] = { G, T, N, N, N, G },
	[BOX_FAILED] = { G, T, N, N, N, G },
};
#undef N
#undef G
#undef T

static int
find(const char *const *words, int n, const char *word)
{
	for (int i = 0; word && i < n; i++)
		if (!strcmp(words[i], word))
			return i;
	return -1;
}

const char *
box_state_name(enum box_state s)
{
	return states[s];
}

int
box_state_parse(const char *word)
{
	return find(states, BOX_STATES, word);
}

const char *
box_want_name(enum box_want w)
{
	return wants[w];
}

int
box_want_parse(const char *word)
{
	return find(wants, BOX_WANTS, word);
}

const char *
box_verb_name(enum box_verb v)
{
	return verbs[v];
}

enum box_move
box_move(enum box_state s, enum box_verb v)
{
	return moves[s][v];
}

char *
box_cure(enum box_state s, const char *name)
{
	switch (s) {
	case BOX_STARTING:
		return xasprintf("wait until it runs: bindu-box wait %s", name);
	case BOX_SUSPENDED:
		return xasprintf("resume it first: bindu-box resume %s", name);
	case BOX_STOPPED:
	case BOX_FAILED:
		return xasprintf("start it first: bindu-box start %s", name);
	case BOX_RUNNING:
	case BOX_STATES:
		break;
	}
	return xasprintf("look at its state: bindu-box get %s", name);
}
