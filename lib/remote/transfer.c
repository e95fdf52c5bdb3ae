/* transfer.c - see transfer.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transfer.h"

#include <fcntl.h>
#include <stdlib.h>
#include "agent.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/source/manifest.h"
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

/* A private directory that is gone afterwards. */
static int
make_temp(char **path, struct bindu_err *err)
{
	const char *tmp = bindu_config_env("TMPDIR");
	AUTO_FREE char *name =
	    xasprintf("%s/bindu-upload-XXXXXX", tmp != NULL ? tmp : "/tmp");

	if (mkdtemp(name) == NULL)
		return bindu_err_sys(err, "cannot make %s", name);
	*path = bindu_steal(&name);
	return 0;
}

static int
load_unpacked(int fd, const char *temp, struct bindu_tree **t,
    const struct bindu_report *report, struct bindu_err *err)
{
	/* What is in the archive ships: the rules had their say before. */
	struct bindu_walk_opts walk = {
		.no_defaults = true,
		.no_deny = true,
		.all = true,
		.keep_pyc = true,
	};
	AUTO_CLOSE int dirfd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dirfd == -1)
		return bindu_err_sys(err, "cannot open %s", temp);
	if (bindu_unpack(fd, dirfd, UNPACK_MAX, FILES_MAX, err) == -1 ||
	    bindu_tree_load(temp, &walk, report, t, err) == -1)
		return -1;
	return bindu_manifest_hash(*t, true, 0, report, err);
}

int
bindu_transfer_tar(struct bindu_remote *remote, const char *box,
    const struct bindu_transfer_opts *o, int fd, char id[65],
    struct bindu_transfer_stats *stats, const struct bindu_report *report,
    struct bindu_err *err)
{
	struct bindu_tree *t = NULL;
	AUTO_FREE char *temp = NULL;
	int bad;

	if (make_temp(&temp, err) == -1)
		return -1;
	bad = load_unpacked(fd, temp, &t, report, err);
	if (!bad)
		bad = bindu_transfer_tree(remote, box, o, t, id, stats, report,
		    err);
	bindu_tree_free(t);
	bindu_fd_rmtree(AT_FDCWD, temp, NULL);
	return bad;
}
