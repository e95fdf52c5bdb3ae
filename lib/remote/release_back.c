/* release_back.c - from one kept release to another.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "agent_serve.h"
#include "box_priv.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "release.h"
#include "transfer_session.h"

enum {
	READY_MS = 60000, /* a box that sleeps */
	BACK_MS = 20000, /* what served before should soon do so again */
};

/* The live release as the agent, as it ran before. */
static int
serve(struct bindu_remote *remote, const struct bindu_box_info *box,
    const char *name, int64_t timeout_ms, int64_t grace_s,
    struct bindu_agent_served *got, const struct bindu_report *report,
    struct bindu_err *err)
{
	struct bindu_agent_serve want = {
		.start = { .same = true, .held = true },
		.name = name,
		.timeout_ms = timeout_ms,
		.grace_s = grace_s,
	};

	return bindu_agent_serve(remote, box, &want, got, report, err);
}

int
bindu_release_restore(struct bindu_remote *remote,
    const struct bindu_box_info *box, struct bindu_session *session,
    const char *to, const struct bindu_agent_served *failed, const char *name,
    const struct bindu_report *report, bool *stayed, struct bindu_err *err)
{
	struct bindu_agent_served got;
	struct bindu_agent_status st;

	*stayed = false;
	if (strcmp(bindu_session_current(session), to) != 0 &&
	    bindu_session_use(session, to, err) == -1)
		return -1;
	/* Where the old one ran beside the new it was never stopped. */
	*stayed = bindu_agent_status(remote, box->name, 0, &st, NULL) == 0 &&
	    st.running && st.run != failed->st.run;
	if (*stayed)
		return 0;
	if (failed->st.run != 0 &&
	    bindu_agent_drop(remote, box->name, failed->st.run, err) == -1)
		return -1;
	return serve(remote, box, name, BACK_MS, -1, &got, report, err);
}

static int
choose(struct bindu_session *s, const char *box, const char *to,
    struct bindu_rolled *out, struct bindu_err *err)
{
	memcpy(out->from, bindu_session_current(s), 65);
	if (to != NULL) {
		if (bindu_session_find(s, to, out->to, err) == -1)
			return -1;
	} else {
		memcpy(out->to, bindu_session_before(s), 65);
	}
	if (out->to[0] == '\0')
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "%s keeps no release from before the live one: name one, "
		    "see bindu-agent releases %s",
		    box, box);
	return 0;
}

/* What is to do for a named release depends on what runs: after a start that
 * failed it may serve still, and the files of it may be back already. */
static int
look(struct bindu_remote *remote, const char *box, struct bindu_rolled *out,
    struct bindu_err *err)
{
	struct bindu_agent_status st;

	if (bindu_agent_status(remote, box, 0, &st, err) == -1)
		return -1;
	out->stayed = st.running && st.healthy &&
	    strcmp(st.release, out->to) == 0;
	if (out->stayed && strcmp(out->from, out->to) == 0)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "%.12s is the live release of %s", out->to, box);
	/* Never seen healthy: the environment of the one before it counts. */
	if (!out->stayed && st.run != 0 && !st.healthy)
		return bindu_agent_drop(remote, box, st.run, err);
	return 0;
}

static int
roll(struct bindu_remote *remote, const struct bindu_box_info *box,
    struct bindu_session *s, const struct bindu_rollback *want,
    struct bindu_rolled *out, const struct bindu_report *report,
    struct bindu_err *err)
{
	int64_t began = bindu_clock_ms();
	struct bindu_err why = { 0 };
	bool stayed;

	if (choose(s, box->name, want->to, out, err) == -1 ||
	    (want->to != NULL && look(remote, box->name, out, err) == -1))
		return -1;
	if (strcmp(out->from, out->to) != 0 &&
	    bindu_session_use(s, out->to, err) == -1)
		return -1;
	bindu_phase(report, "switch", bindu_clock_ms() - began, "%.12s%s",
	    out->to, out->stayed ? " still serves" : "");
	if (out->stayed)
		return 0;
	if (serve(remote, box, box->name, want->timeout_ms, want->grace_s,
		&out->served, report, err) == 0)
		return 0;
	if (out->served.kept || strcmp(out->from, out->to) == 0)
		return -1;
	out->back = bindu_release_restore(remote, box, s, out->from,
			&out->served, box->name, report, &stayed, &why) == 0;
	if (out->back)
		bindu_note(report, BINDU_NOTE, "release %.12s %s", out->from,
		    stayed ? "still serves" : "serves again");
	else
		bindu_note(report, BINDU_ERROR,
		    "release %.12s does not serve either: %s", out->from,
		    why.msg);
	return -1;
}

int
bindu_release_rollback(struct bindu_remote *remote, const char *name,
    const struct bindu_rollback *want, struct bindu_rolled *out,
    const struct bindu_report *report, struct bindu_err *err)
{
	struct bindu_box_info box = { 0 };
	struct bindu_session *s = NULL;
	int bad;

	memset(out, 0, sizeof *out);
	bad = bindu_box_get(remote, name, &box, err);
	if (!bad && strcmp(box.status, "running") != 0)
		bad = bindu_box_wait(remote, box.name, true, READY_MS, err);
	if (!bad) {
		/* Going back is no reason to throw one away. */
		s = bindu_session_open(remote, box.name, BINDU_APP_DIR,
		    BINDU_KEEP_MAX, report, err);
		bad = s == NULL ? -1 :
				  roll(remote, &box, s, want, out, report, err);
	}
	bindu_session_close(s);
	bindu_box_info_fini(&box);
	return bad;
}
