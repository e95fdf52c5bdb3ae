/* transfer.c - see transfer.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transfer.h"

#include "agent.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/source/unpack.h"
#include "transfer_session.h"

#define UNPACK_MAX (UINT64_C(4) << 30)
#define FILES_MAX 1000000

int
bindu_transfer_tree(struct bindu_remote *remote, const char *box,
    const struct bindu_transfer_opts *o, struct bindu_tree *t, char id[65],
    struct bindu_transfer_stats *stats, const struct bindu_report *report,
    struct bindu_err *err)
{
	int64_t began = bindu_clock_ms();
	struct bindu_session *s;
	int bad;

	s = bindu_session_open(remote, box,
	    o->dir != NULL ? o->dir : BINDU_APP_DIR, o->keep, report, err);
	if (s == NULL)
		return -1;
	bad = bindu_session_put(s, t, id, stats, err);
	if (!bad && !stats->unchanged && o->note != NULL) {
		AUTO_FREE char *note = xasprintf("%supload_ms=%lld\n", o->note,
		    (long long)(bindu_clock_ms() - began));

		bindu_session_note(s, note, NULL);
	}
	bindu_session_close(s);
	return bad;
}

int
bindu_transfer_tar(struct bindu_remote *remote, const char *box,
    const struct bindu_transfer_opts *o, int fd, char id[65],
    struct bindu_transfer_stats *stats, const struct bindu_report *report,
    struct bindu_err *err)
{
	struct bindu_tree *t;
	int bad;

	if (bindu_unpack(fd, UNPACK_MAX, FILES_MAX, &t, err) == -1)
		return -1;
	bad = t->n == 0 ?
	    bindu_err_set(err, BINDU_E_DATA, "the archive has no files") :
	    bindu_transfer_tree(remote, box, o, t, id, stats, report, err);
	bindu_tree_free(t);
	return bad;
}
