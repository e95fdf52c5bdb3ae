/* health.c - see health.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <stdio.h>
#include <string.h>
#include "box_priv.h"
#include "http.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"

#define FIRST_MS 50
#define CAP_MS 500
#define REQUEST_MS 5000
#define BODY_MAX 65536

static void
set_cause(struct bindu_health *h, const char *text)
{
	snprintf(h->cause, sizeof(h->cause), "%.199s", text);
}

/* Is this 200 the answer of the agent we wait for? */
static bool
judge(struct bindu_health *h, const struct bindu_http_res *res,
    double newer_than, int64_t began)
{
	AUTO_JSON json_t *o = NULL;
	const json_t *uptime;
	double limit;

	if (res->body.len != 0 && *res->body.p == '{')
		o = bindu_json_parse(res->body.p, res->body.len, BODY_MAX,
		    "health answer", NULL);
	uptime = json_object_get(o, "uptime_seconds");
	if (json_is_number(uptime))
		h->uptime = json_number_value(uptime);
	if (bindu_json_bool(o, "ready", 1) == 0) {
		set_cause(h, "status 200, but not ready");
		return false;
	}
	/* A proxy's waiting page may come before the agent does. */
	if (o == NULL && newer_than >= 0 &&
	    strncmp(res->content_type, "text/html", 9) == 0) {
		set_cause(h, "status 200 with a web page, not a health answer");
		return false;
	}
	if (newer_than < 0 || h->uptime < 0)
		return true;
	limit = (double)(bindu_clock_ms() - began) / 1000 + newer_than;
	if (h->uptime <= limit)
		return true;
	snprintf(h->cause, sizeof(h->cause),
	    "the old process still answers (up for %.1f s)", h->uptime);
	return false;
}

static const char *
word_for(enum bindu_http_cause cause)
{
	switch (cause) {
	case BINDU_HTTP_REFUSED:
		return "refused: nothing listens there";
	case BINDU_HTTP_TIMEOUT:
		return "no answer in time";
	case BINDU_HTTP_CLOSED:
		return "the connection was closed without an answer";
	case BINDU_HTTP_DNS:
		return "the host name is not known";
	case BINDU_HTTP_TLS:
		return "TLS fails";
	default:
		return "no answer";
	}
}

/* Could a later try end differently, and would it be the agent's doing? */
static bool
tells(enum bindu_http_cause cause)
{
	return cause == BINDU_HTTP_REFUSED || cause == BINDU_HTTP_TIMEOUT ||
	    cause == BINDU_HTTP_CLOSED;
}

struct wait {
	struct bindu_http_req req;
	const struct bindu_health_opts *opts;
	int64_t began, deadline;
	bool known; /* the last try told something about the agent */
};

static int
probe(struct wait *w, struct bindu_health *h, struct bindu_err *err)
{
	int left = bindu_clock_left(w->deadline);
	struct bindu_http_res res;
	int rc;

	w->req.timeout_ms = left < 0 || left > REQUEST_MS ? REQUEST_MS :
	    left < FIRST_MS				  ? FIRST_MS :
							    left;
	rc = bindu_http(&w->req, &res, err);
	h->status = res.status;
	h->uptime = -1;
	w->known = rc == 0 || tells(res.cause);
	if (rc == -1)
		set_cause(h, word_for(res.cause));
	else if (res.status != 200)
		snprintf(h->cause, sizeof(h->cause), "status %d", res.status);
	else
		h->healthy = judge(h, &res, w->opts->newer_than, w->began);
	bindu_http_res_fini(&res);
	/* Nothing that time could cure. */
	return rc == -1 && err->code != BINDU_E_AGAIN &&
		err->code != BINDU_E_DATA && res.cause != BINDU_HTTP_TLS ?
	    -1 :
	    0;
}

static int
wait_loop(struct wait *w, struct bindu_health *h, struct bindu_err *err)
{
	const struct bindu_health_opts *o = w->opts;
	int64_t first = o->interval_ms != 0 ? o->interval_ms : FIRST_MS;

	for (unsigned try = 0;; try++) {
		struct bindu_err why = { 0 };
		int rc = probe(w, h, &why);
		int64_t pause;
		int left;

		if (rc == 0 && h->healthy)
			return 0;
		if (rc == 0 && o->gone != NULL && o->gone(o->gone_arg, &why)) {
			set_cause(h, why.msg);
			return 0;
		}
		if (rc == -1 ||
		    (bindu_clock_left(w->deadline) == 0 && !w->known)) {
			if (err != NULL)
				*err = why;
			return -1;
		}
		left = bindu_clock_left(w->deadline);
		if (left == 0)
			return 0;
		bindu_progress(o->report, "health",
		    (uint64_t)(bindu_clock_ms() - w->began) / 1000, 0, "s");
		pause = bindu_clock_backoff(try, first, CAP_MS);
		if (bindu_pause(pause < left || left < 0 ? pause : left, err) ==
		    -1)
			return -1;
	}
}

int
bindu_health_wait(const char *url, const char *connect_to,
    const struct bindu_health_opts *opts, struct bindu_health *h,
    struct bindu_err *err)
{
	const char *path = opts->path != NULL ? opts->path : "/health";
	size_t n = strlen(url);
	AUTO_FREE char *full = NULL;
	struct wait w = { .opts = opts, .began = bindu_clock_ms() };
	int rc;

	while (n > 0 && url[n - 1] == '/')
		n--;
	full =
	    xasprintf("%.*s%s%s", (int)n, url, *path == '/' ? "" : "/", path);
	memset(h, 0, sizeof(*h));
	h->uptime = -1;
	w.req = (struct bindu_http_req){ .url = full,
		.connect_to = connect_to,
		.max_body = BODY_MAX };
	w.deadline = bindu_clock_deadline(
	    opts->timeout_ms != 0 ? opts->timeout_ms : 60000);
	rc = wait_loop(&w, h, err);
	h->waited_ms = bindu_clock_ms() - w.began;
	return rc;
}
