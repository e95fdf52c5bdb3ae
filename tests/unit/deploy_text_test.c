/* deploy_text: what a dry run says, and what it must not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/remote/deploy_text.h"
#include "tap.h"

static struct bindu_strv vars;
static struct bindu_drop drops[] = { { .path = (char *)"a/.env",
					 .rule = (char *)"name/dotenv" },
	{ .path = (char *)"evil\033[31m\nline", .rule = (char *)"name/key" } };

static struct bindu_plan
plan(void)
{
	struct bindu_plan p = { .agent = { .root = (char *)"/src",
				    .script = (char *)"agent.py",
				    .name = (char *)"My Agent",
				    .port = 3773 },
		.label = (char *)"my-agent",
		.port = 3773 };

	return p;
}

static char *
text(const struct bindu_deploy_opts *o, const struct bindu_plan *p)
{
	struct bindu_buf b = BINDU_BUF_INIT(65536);

	if (bindu_deploy_plan_text(o, p, &b, NULL) == -1)
		abort();
	return b.p;
}

static const struct {
	const char *what;
	struct bindu_deploy_opts o;
	const char *has, *lacks;
} rows[] = {
	{ "it says first that it is none", { .runtime = "local" },
	    "DRY RUN \xe2\x80\x94 nothing will be deployed.\n\n", "env keys" },
	{ "defaults are shown", { .runtime = "local" },
	    "  vcpu / memory: 2 / 4G\n  disk:          20G\n",
	    "bindu_version" },
	{ "and what was asked for",
	    { .runtime = "local",
		.vcpu = 1,
		.memory_bytes = 512u << 20,
		.disk_bytes = 3ull << 30 },
	    "1 / 512.0 MB\n  disk:          3.0 GB\n", "20G" },
	{ "each way to leave: suspend", { .runtime = "local" },
	    "on_exit:       suspend\n", "detach" },
	{ "destroy", { .runtime = "local", .on_exit = BINDU_EXIT_DESTROY },
	    "on_exit:       destroy\n", "suspend\n" },
	{ "detach", { .runtime = "local", .on_exit = BINDU_EXIT_DETACH },
	    "on_exit:       detach\n", "destroy" },
	{ "the provider", { .runtime = "boxd" }, "provider:      boxd\n",
	    "local" },
	{ "an image runs on a machine, and brings its bindu",
	    { .runtime = "local",
		.image = "ghcr.io/x/y:1",
		.bindu_version = "1" },
	    "image (A1):    ghcr.io/x/y:1\n  vcpu / memory: 2 / 4G\n",
	    "bindu_version" },
	{ "keys of the environment, each once, sorted",
	    { .runtime = "local", .env = &vars },
	    "['API_KEY', 'BARE', 'ZED']  (values hidden)\n", "secret" },
	{ "control characters are shown, not sent",
	    { .runtime = "local", .bindu_version = "1\033[2J\r" },
	    "bindu_version: 1", "\033" },
};

static void
names(void)
{
	struct bindu_deploy_opts o = { .runtime = "local" };
	struct bindu_plan p = plan();
	AUTO_FREE char *two = text(&o, &p), *one = NULL, *dropped = NULL;

	ok(strstr(two, "agent name:    My Agent\n") != NULL &&
		strstr(two, "box:           my-agent\n") != NULL,
	    "a box that is called otherwise is named");
	p.agent.name = (char *)"my-agent";
	one = text(&o, &p);
	ok(strstr(one, "box:") == NULL, "one with the same name is not");
	p.scrub.drop = drops;
	p.scrub.ndrop = 2;
	dropped = text(&o, &p);
	ok(strstr(dropped, "2 sensitive file(s) would be DROPPED") != NULL &&
		strstr(dropped, "    - a/.env  (name/dotenv)\n") != NULL,
	    "what is left out is named with its rule");
	ok(strchr(dropped, '\033') == NULL && strstr(dropped, "\nline") == NULL,
	    "a name cannot forge a line");
}

static void
json(void)
{
	struct bindu_deploy_opts o = { .runtime = "local", .env = &vars };
	struct bindu_plan p = plan();
	AUTO_JSON json_t *j = NULL;
	AUTO_FREE char *all = NULL;

	p.scrub.drop = drops;
	p.scrub.ndrop = 1;
	j = bindu_deploy_plan_json(&o, &p);
	all = bindu_json_text(j);
	ok(!strcmp(bindu_json_str(j, "box"), "my-agent") &&
		json_integer_value(json_object_get(j, "port")) == 3773,
	    "JSON has box and port");
	ok(json_array_size(json_object_get(j, "env_keys")) == 3 &&
		strstr(all, "secret") == NULL,
	    "and the keys alone");
	ok(strstr(all, "\"rule\":\"name/dotenv\"") != NULL, "and the drops");
}

static void
deployed(void)
{
	struct bindu_plan p = plan();
	struct bindu_deployed d = { .name = (char *)"my-agent",
		.vm_id = (char *)"v1" };
	AUTO_JSON json_t *bad = NULL, *good = NULL;
	json_t *h;

	snprintf(d.served.st.cause, sizeof d.served.st.cause,
	    "exited with code 3");
	bad = bindu_deployed_json(&d, &p);
	h = json_object_get(bad, "health");
	ok(json_is_false(json_object_get(h, "public")) &&
		!strcmp(bindu_json_str(h, "cause"), "exited with code 3"),
	    "an agent that is not healthy has its cause");
	ok(json_object_get(h, "pid") == NULL &&
		json_object_get(bad, "release") == NULL &&
		json_object_get(bad, "rolled_back") == NULL,
	    "and nothing it has not");
	d.served.health.healthy = true;
	d.unchanged = d.rolled_back = true;
	snprintf(d.release, sizeof d.release, "abc");
	good = bindu_deployed_json(&d, &p);
	h = json_object_get(good, "health");
	ok(json_is_true(json_object_get(h, "public")) &&
		json_object_get(h, "cause") == NULL &&
		json_object_get(h, "inside") == NULL &&
		json_is_true(json_object_get(good, "rolled_back")) &&
		!strcmp(bindu_json_str(good, "release"), "abc"),
	    "one that was not restarted says nothing of its inside");
}

int
main(void)
{
	struct bindu_deploy_opts o = { .runtime = "moon" };
	struct bindu_plan p = plan();
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(4096);
	struct bindu_err err = { 0 };

	bindu_strv_add(&vars, "ZED=z-secret");
	bindu_strv_add(&vars, "API_KEY=k=secret");
	bindu_strv_add(&vars, "ZED=other-secret");
	bindu_strv_add(&vars, "BARE");
	ok(bindu_deploy_plan_text(&o, &p, &b, &err) == -1 && err.msg[0] != '\0',
	    "a runtime that is none (%s)", err.msg);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO_FREE char *got = text(&rows[i].o, &p);

		ok(strstr(got, rows[i].has) != NULL &&
			strstr(got, rows[i].lacks) == NULL,
		    "%s", rows[i].what);
	}
	names();
	json();
	deployed();
	bindu_strv_fini(&vars);
	return done();
}
