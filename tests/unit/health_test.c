/* health: which answers are the new agent's, and when a wait ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/remote/health.h"
#include "tap.h"

#define HTML "Content-Type: text/html; charset=utf-8\r\n"
#define JSON "Content-Type: application/json\r\n"
#define ANY -1

static char huge[80000];

static const struct {
	const char *what;
	struct answer script[4];
	double newer_than;
	int healthy; /* -1: not to be found out */
	const char *cause; /* "" when healthy */
} rows[] = {
	{ "a 200 is enough for any", { { 200, NULL, NULL } }, ANY, 1, "" },
	{ "a page too", { { 200, HTML, "<p>up" } }, ANY, 1, "" },
	{ "a page may be a proxy's, not the new agent's",
	    { { 200, HTML, "<p>soon" } }, 0, 0, "a web page" },
	{ "a page, then the agent",
	    { { 200, HTML, "<p>soon" }, { 200, JSON, "{}" } }, 0, 1, "" },
	{ "plain text is a health answer", { { 200, NULL, "ok" } }, 0, 1, "" },
	{ "not ready is not healthy", { { 200, JSON, "{\"ready\":false}" } },
	    ANY, 0, "not ready" },
	{ "not ready, then ready",
	    { { 200, JSON, "{\"ready\":false}" },
		{ 200, JSON, "{\"ready\":true}" } },
	    0, 1, "" },
	{ "the old one, then the new one",
	    { { 200, JSON, "{\"uptime_seconds\":900}" }, { 503, NULL, NULL },
		{ 200, JSON, "{\"uptime_seconds\":0.01}" } },
	    0, 1, "" },
	{ "the old one is not the new one",
	    { { 200, JSON, "{\"uptime_seconds\":900.5}" } }, 0, 0,
	    "the old process still answers (up for 900.5 s)" },
	{ "nor by a number beyond all",
	    { { 200, JSON, "{\"uptime_seconds\":1e308}" } }, 0, 0,
	    "the old process still answers" },
	{ "old is fine for any", { { 200, JSON, "{\"uptime_seconds\":900}" } },
	    ANY, 1, "" },
	{ "an age that is no number says nothing",
	    { { 200, JSON, "{\"uptime_seconds\":\"900\"}" } }, 0, 1, "" },
	{ "other statuses are not", { { 404, NULL, "{}" } }, ANY, 0,
	    "status 404" },
	{ "nor is a redirect followed",
	    { { 302, "Location: /x\r\n", NULL }, { 302, NULL, NULL } }, ANY, 0,
	    "status 302" },
	{ "hanging up is no answer", { { CLOSES, NULL, NULL } }, ANY, 0,
	    "closed without an answer" },
	{ "silence ends with the time", { { SILENT, NULL, NULL } }, ANY, 0,
	    "no answer in time" },
	{ "an answer without end is not read", { { 200, NULL, huge } }, ANY, -1,
	    "" },
};

static int
wait_for(const char *url, const struct bindu_health_opts *o,
    struct bindu_health *h, struct bindu_err *err)
{
	return bindu_health_wait(url, NULL, o, h, err);
}

static void
judge(const char *url)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bindu_health_opts o = {
			.timeout_ms = rows[i].healthy == 1 ? 10000 : 300,
			.newer_than = rows[i].newer_than
		};
		struct bindu_health h;
		struct bindu_err err = { 0 };
		int rc;

		answer_with(rows[i].script);
		rc = wait_for(url, &o, &h, &err);
		if (rows[i].healthy == -1)
			ok(rc == -1 && err.msg[0] != '\0', "%s (%s)",
			    rows[i].what, err.msg);
		else
			ok(rc == 0 && h.healthy == rows[i].healthy &&
				strstr(h.cause, rows[i].cause) != NULL &&
				h.waited_ms < 5000,
			    "%s (%s)", rows[i].what, h.cause);
	}
	ok(strstr(answers->last, "GET /health HTTP") == answers->last,
	    "it is /health that is asked, once between slashes");
}

static bool
is_gone(void *arg, struct bindu_err *err)
{
	bindu_err_set(err, BINDU_E_NO, "exited with code 3");
	return --*(int *)arg == 0;
}

static void
endings(const char *url)
{
	int looks = 3;
	struct bindu_health_opts o = { .timeout_ms = 60000,
		.newer_than = ANY,
		.gone = is_gone,
		.gone_arg = &looks };
	struct bindu_health h;
	struct bindu_err err = { 0 };

	answer_with((struct answer[]){ { 503, NULL, NULL }, { 0 } });
	ok(wait_for(url, &o, &h, &err) == 0 && !h.healthy &&
		!strcmp(h.cause, "exited with code 3") && looks == 0 &&
		answers->seen == 3 && h.waited_ms < 10000,
	    "the death of the process ends it, with its words");
	o.gone = NULL;
	o.timeout_ms = 300;
	o.path = "status?deep=1";
	ok(wait_for(url, &o, &h, &err) == 0 &&
		strstr(answers->last, "GET /status?deep=1 ") == answers->last,
	    "another path may be asked");
	ok(h.waited_ms >= 280 && h.waited_ms < 5000 && answers->seen < 12,
	    "as long as told, and not in a frenzy (%d)", answers->seen);
	ok(wait_for("http://", &o, &h, &err) == -1, "no address (%s)", err.msg);
	ok(wait_for("gopher://127.0.0.1:1", &o, &h, &err) == -1,
	    "another protocol (%s)", err.msg);
	answers_end();
	ok(wait_for(url, &o, &h, &err) == 0 && !h.healthy &&
		strstr(h.cause, "nothing listens there") != NULL,
	    "nothing listens (%s)", h.cause);
}

int
main(void)
{
	char url[64];

	memset(huge, 'x', sizeof huge - 1);
	unsetenv("http_proxy");
	answers_begin();
	snprintf(url, sizeof url, "http://127.0.0.1:%d//", answers_port);
	judge(url);
	endings(url);
	return done();
}
