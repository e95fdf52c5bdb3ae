/* The states of a box: what is allowed, what is already so.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>
#include "boxd/daemon/instance.h"
#include "lib/base/mem.h"
#include "tap.h"

static const struct {
	const char *what;
	enum box_state state;
	enum box_verb verb;
	enum box_move move;
} rows[] = {
	{ "a running box stops", BOX_RUNNING, VERB_STOP, MOVE_GO },
	{ "a running box is started already", BOX_RUNNING, VERB_START,
	    MOVE_THERE },
	{ "a running box is resumed already", BOX_RUNNING, VERB_RESUME,
	    MOVE_THERE },
	{ "a suspended box must be resumed, not started", BOX_SUSPENDED,
	    VERB_START, MOVE_NO },
	{ "a suspended box stops", BOX_SUSPENDED, VERB_STOP, MOVE_GO },
	{ "a suspended box is suspended already", BOX_SUSPENDED, VERB_SUSPEND,
	    MOVE_THERE },
	{ "a stopped box starts", BOX_STOPPED, VERB_START, MOVE_GO },
	{ "a stopped box cannot be suspended", BOX_STOPPED, VERB_SUSPEND,
	    MOVE_NO },
	{ "a stopped box cannot be rebooted", BOX_STOPPED, VERB_REBOOT,
	    MOVE_NO },
	{ "a failed box starts again", BOX_FAILED, VERB_START, MOVE_GO },
	{ "a starting box cannot be stopped", BOX_STARTING, VERB_STOP,
	    MOVE_NO },
};

int
main(void)
{
	bool all = true, words = true;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ok(box_move(rows[i].state, rows[i].verb) == rows[i].move, "%s",
		    rows[i].what);
	for (int s = 0; s < BOX_STATES; s++) {
		AUTO_FREE char *cure = box_cure((enum box_state)s, "web");

		all &= box_move((enum box_state)s, VERB_DESTROY) == MOVE_GO;
		words &= box_state_parse(box_state_name((enum box_state)s)) ==
			s &&
		    strstr(cure, ": bindu-box ") && strstr(cure, " web");
	}
	ok(all, "a box can be destroyed in any state");
	for (int w = 0; w < BOX_WANTS; w++)
		words &= box_want_parse(box_want_name((enum box_want)w)) == w;
	ok(words, "each word is read back");
	ok(box_state_parse("asleep") == -1 && box_state_parse(NULL) == -1,
	    "other words are none");
	return done();
}
