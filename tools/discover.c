/* bindu-discover: find the agent in a source tree.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/source/discover.h"

static struct bindu_discover_opts how = { .run_timeout_ms = 30000 };
static bool as_make, only_mk;

static const struct bindu_opt opts[] = {
	{ 'n', "name", BINDU_OPT_STR, &how.name, "NAME",
	    "the agent's name, whatever the script says", NULL },
	{ 'r', "run", BINDU_OPT_FLAG, &how.run, NULL,
	    "run the script to ask for its name", NULL },
	{ 't', "timeout", BINDU_OPT_MSEC, &how.run_timeout_ms, "TIME",
	    "end --run after TIME (default 30s)", NULL },
	{ 0, "make", BINDU_OPT_FLAG, &as_make, NULL,
	    "print make assignments: BINDU_ROOT := ...", NULL },
	{ 0, "mk", BINDU_OPT_FLAG, &only_mk, NULL,
	    "print where bindu.mk is, and do nothing else", NULL },
	BINDU_OPT_END
};

static char *
joined(const struct bindu_strv *v)
{
	struct bindu_buf b = BINDU_BUF_INIT(64 << 10);
	size_t i;

	for (i = 0; i < v->n; i++) {
		if (i)
			bindu_buf_addc(&b, ' ', NULL);
		bindu_buf_adds(&b, v->v[i], NULL);
	}
	return bindu_buf_steal(&b);
}

/* As a make value: $ and # mean themselves, a newline cannot occur. */
static void
put_make(const char *key, const char *value)
{
	fputs("BINDU_", stdout);
	for (; *key; key++)
		putchar(*key >= 'a' ? *key - 'a' + 'A' : *key);
	fputs(" := ", stdout);
	for (; *value; value++) {
		if (*value == '$')
			putchar('$');
		else if (*value == '#')
			putchar('\\');
		putchar(*value);
	}
	putchar('\n');
}

static void
put_json(const struct bindu_agent_info *i, json_t *o)
{
	json_t *deps = json_array();
	AUTO_FREE char *text = NULL;
	size_t k;

	bindu_json_set_str(o, "root", i->root);
	bindu_json_set_str(o, "script", i->script);
	bindu_json_set_str(o, "name", i->name);
	bindu_json_set_str(o, "name_from", i->name_from);
	bindu_json_set_str(o, "box", i->box);
	for (k = 0; k < i->deps.n; k++)
		json_array_append_new(deps, json_string(i->deps.v[k]));
	json_object_set_new(o, "deps", deps);
	bindu_json_set_str(o, "python", i->python);
	bindu_json_set_int(o, "port", i->port);
	text = bindu_json_text(o);
	puts(text);
}

static int
put_lines(const struct bindu_agent_info *i, struct bindu_err *err)
{
	AUTO_FREE char *deps = joined(&i->deps),
		       *port = xasprintf("%u", i->port);
	const struct {
		const char *key, *value;
	} rows[] = {
		{ "root", i->root },
		{ "script", i->script },
		{ "name", i->name },
		{ "name_from", i->name_from },
		{ "box", i->box },
		{ "deps", deps },
		{ "python", i->python },
		{ "port", port },
	};
	size_t k;

	for (k = 0; k < sizeof rows / sizeof *rows; k++) {
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 20);

		if (strchr(rows[k].value, '\n'))
			return bindu_err_set(err, BINDU_E_DATA,
			    "%s holds a "
			    "newline: rename it, or use --json",
			    rows[k].key);
		if (as_make) {
			put_make(rows[k].key, rows[k].value);
			continue;
		}
		if (bindu_str_shquote(&b, rows[k].value, err) == -1)
			return -1;
		printf("%s=%s\n", rows[k].key, b.p ? b.p : "''");
	}
	return 0;
}

/* As include wants it: a blank would end the name. */
static int
put_mk(struct bindu_err *err)
{
	AUTO_FREE char *path = bindu_config_share_file("bindu.mk");

	if (access(path, R_OK) == -1)
		return bindu_err_sys(err, "cannot find %s", path);
	for (const char *p = path; *p != '\0'; p++) {
		if (*p == ' ' || *p == '\t')
			putchar('\\');
		putchar(*p);
	}
	putchar('\n');
	return 0;
}

static int
run(struct bindu_ctx *ctx, int argc, char **argv, struct bindu_err *err)
{
	struct bindu_agent_info info;
	int rc = 0;

	if (only_mk)
		return put_mk(err);
	how.script = argc ? argv[0] : NULL;
	/* What --run started does not outlive us. */
	bindu_tool_catch();
	if (bindu_discover(ctx->dir, &how, ctx->report, &info, err) == -1)
		return -1;
	if (ctx->json)
		put_json(&info, ctx->result = json_object());
	else
		rc = put_lines(&info, err);
	bindu_agent_info_fini(&info);
	return rc;
}

static const struct bindu_tool tool = {
	.name = "bindu-discover",
	.args = "[SCRIPT]",
	.min = 0,
	.max = 1,
	.about = "find the agent in a source tree: root, script, name, needs",
	.opts = opts,
	.run = run,
	.flags = BINDU_TOOL_DIR | BINDU_TOOL_JSON | BINDU_TOOL_STATUS,
};

int
main(int argc, char **argv)
{
	return bindu_tool_main(&tool, argc, argv);
}
