/* agent_text.c - see agent_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "agent_text.h"

#include <string.h>
#include "lib/base/buf.h"

char *
bindu_agent_status_text(const struct bindu_agent_status *st)
{
	struct bindu_buf b = BINDU_BUF_INIT(4096);

	bindu_buf_addf(&b, NULL, "state=%s\n", st->state);
	if (st->pid != 0)
		bindu_buf_addf(&b, NULL, "pid=%d\n", st->pid);
	if (st->exit_code != -1)
		bindu_buf_addf(&b, NULL, "exit_code=%d\n", st->exit_code);
	if (st->state[0] != '\0' && strcmp(st->state, "none") != 0)
		bindu_buf_addf(&b, NULL,
		    "started_at=%lld\nrestarts=%u\nhealthy=%d\nrelease=%s\n"
		    "script=%s\nport=%u\nboot=%s\n",
		    (long long)st->started_at, st->restarts, st->healthy,
		    st->release, st->script, (unsigned)st->port, st->boot);
	return bindu_buf_steal(&b);
}

json_t *
bindu_agent_status_json(const struct bindu_agent_status *st)
{
	json_t *o = json_object();

	bindu_json_set_str(o, "state", st->state);
	if (st->pid != 0)
		bindu_json_set_int(o, "pid", st->pid);
	if (st->exit_code != -1)
		bindu_json_set_int(o, "exit_code", st->exit_code);
	bindu_json_set_int(o, "started_at", st->started_at);
	bindu_json_set_int(o, "restarts", st->restarts);
	json_object_set_new(o, "healthy", json_boolean(st->healthy));
	bindu_json_set_str(o, "release", st->release);
	bindu_json_set_str(o, "script", st->script);
	bindu_json_set_int(o, "port", st->port);
	bindu_json_set_str(o, "boot", st->boot);
	return o;
}
