/* instance.h - the states of a box and the moves between them: no I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_INSTANCE_H
#define BOXD_INSTANCE_H

enum box_state {
	BOX_STARTING,
	BOX_RUNNING,
	BOX_SUSPENDED,
	BOX_STOPPED,
	BOX_FAILED,
	BOX_STATES
};
/* What the user asked for last; kept on disk before it is done, so that a
 * daemon killed in between finishes it. */
enum box_want { WANT_RUNNING, WANT_STOPPED, WANT_GONE, BOX_WANTS };
enum box_verb {
	VERB_START,
	VERB_STOP,
	VERB_REBOOT,
	VERB_SUSPEND,
	VERB_RESUME,
	VERB_DESTROY,
	BOX_VERBS
};
enum box_move { MOVE_NO, MOVE_GO, MOVE_THERE }; /* refuse, do it, done */

const char *box_state_name(enum box_state); /* the API's words */
int box_state_parse(const char *); /* -1: no such word */
const char *box_want_name(enum box_want);
int box_want_parse(const char *);
const char *box_verb_name(enum box_verb);
enum box_move box_move(enum box_state, enum box_verb);
/* What a person should do instead of a refused move; caller frees. */
char *box_cure(enum box_state, const char *name);
#endif
