/* release.c - see release.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "release.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "agent.h"
#include "agent_script.h"
#include "lib/base/mem.h"

enum {
	LIST_MS = 60000,
	LIST_MAX = 1 << 20,
	COLUMNS = 4,
};

/* KEY=VALUE, by what the key is. */
static void
add_pair(json_t *o, char *line)
{
	char *value = strchr(line, '=');
	uint64_t n = 0;

	if (value == NULL)
		return;
	*value++ = '\0';
	if (strcmp(line, "live") == 0 || strcmp(line, "healthy") == 0) {
		json_object_set_new(o, line, json_true());
	} else if (bindu_str_ends(line, "_ms") &&
	    bindu_str_u64(value, &n, NULL) == 0) {
		line[strlen(line) - 3] = '\0';
		bindu_json_set_int(json_object_get(o, "ms"), line, (int64_t)n);
	} else if (strcmp(line, "time") == 0 &&
	    bindu_str_u64(value, &n, NULL) == 0) {
		/* When it became live comes before when it was deployed. */
		if (json_object_get(o, line) == NULL)
			bindu_json_set_int(o, line, (int64_t)n);
	} else if (json_object_get(o, line) == NULL) {
		bindu_json_set_str(o, line, value);
	}
}

static json_t *
parse_list(char *text)
{
	json_t *all = json_array(), *o = NULL;
	char *line;

	while (text != NULL && (line = strsep(&text, "\n")) != NULL) {
		if (bindu_str_starts(line, "release=")) {
			o = json_object();
			json_object_set_new(o, "live", json_false());
			json_object_set_new(o, "healthy", json_false());
			json_object_set_new(o, "ms", json_object());
			json_array_append_new(all, o);
		}
		if (o != NULL)
			add_pair(o, line);
	}
	return all;
}

int
bindu_releases(struct bindu_remote *remote, const char *box, json_t **out,
    struct bindu_err *err)
{
	const char *argv[] = { "receive.sh", BINDU_APP_DIR, "releases", NULL };
	struct bindu_script_opts o = { .argv = argv };
	AUTO_BUF struct bindu_buf text = BINDU_BUF_INIT(LIST_MAX);
	int code;

	if (bindu_script_run(remote, box, &o, NULL, 0, LIST_MS, &text, &code,
		err) == -1 ||
	    code != 0)
		return -1;
	*out = parse_list(text.p);
	return 0;
}

/* "2.3 s: upload 120 ms, start 2.2 s" */
static char *
took(const json_t *ms)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(4096);
	int64_t sum = 0;
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)ms, key, v)
	{
		int64_t n = json_integer_value(v);

		sum += n;
		if (n >= 1000)
			bindu_buf_addf(&b, NULL, ", %s %lld.%lld s", key,
			    (long long)n / 1000, (long long)n % 1000 / 100);
		else
			bindu_buf_addf(&b, NULL, ", %s %lld ms", key,
			    (long long)n);
	}
	if (b.len == 0)
		return xstrdup("-");
	return xasprintf("%lld.%lld s: %s", (long long)sum / 1000,
	    (long long)sum % 1000 / 100, b.p + 2);
}

static const char *
or_dash(const char *s)
{
	return s != NULL && *s != '\0' ? s : "-";
}

static void
fill_row(const json_t *o, char *cell[COLUMNS])
{
	time_t at = (time_t)bindu_json_int(o, "time", 0);
	char when[32] = "-";
	struct tm tm;

	if (at != 0 && localtime_r(&at, &tm) != NULL)
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
	cell[0] = xasprintf("%s %.12s",
	    bindu_json_bool(o, "live", false)	     ? "*" :
		bindu_json_bool(o, "healthy", false) ? " " :
						       "?",
	    bindu_json_str(o, "release"));
	cell[1] = xstrdup(when);
	cell[2] = xstrdup(or_dash(bindu_json_str(o, "by")));
	cell[3] = xstrdup(or_dash(bindu_json_str(o, "commit")));
}

int
bindu_releases_text(const json_t *all, struct bindu_buf *b,
    struct bindu_err *err)
{
	static const char *const head[COLUMNS] = { "  RELEASE", "LIVE SINCE",
		"BY", "COMMIT" };
	size_t n = json_array_size(all), width[COLUMNS];
	char *(*cell)[COLUMNS] = xcalloc(n + 1, sizeof *cell);
	int bad = 0;

	for (int c = 0; c < COLUMNS; c++)
		cell[0][c] = xstrdup(head[c]);
	for (size_t i = 0; i < n; i++)
		fill_row(json_array_get(all, i), cell[i + 1]);
	for (int c = 0; c < COLUMNS; c++) {
		width[c] = 0;
		for (size_t i = 0; i <= n; i++)
			if (strlen(cell[i][c]) > width[c])
				width[c] = strlen(cell[i][c]);
	}
	for (size_t i = 0; i <= n; i++) {
		AUTO_FREE char *last = i == 0 ?
		    xstrdup("TOOK") :
		    took(json_object_get(json_array_get(all, i - 1), "ms"));
		AUTO_BUF struct bindu_buf row = BINDU_BUF_INIT(LIST_MAX);

		for (int c = 0; c < COLUMNS; c++) {
			if (!bad)
				bad = bindu_buf_addf(&row, err, "%-*s  ",
				    (int)width[c], cell[i][c]);
			free(cell[i][c]);
		}
		/* The box says what is in it. */
		if (!bad &&
		    (bindu_buf_adds(&row, last, err) == -1 ||
			bindu_str_visible(b, row.p, row.len, err) == -1 ||
			bindu_buf_addc(b, '\n', err) == -1))
			bad = -1;
	}
	free(cell);
	return bad;
}
