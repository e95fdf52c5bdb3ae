/* stream_env.c - see stream_env.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream_env.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"

/* What execve takes as one variable; a MiB of them all leaves it room. */
#define ITEM_MAX ((128 << 10) - 1)
#define FILE_MAX (1 << 20)

static bool
is_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'A' && s[i] <= 'Z') ||
			(s[i] >= 'a' && s[i] <= 'z') || s[i] == '_' ||
			(i > 0 && s[i] >= '0' && s[i] <= '9')))
			return false;
	return n > 0;
}

static int
add_item(struct bindu_strv *v, const char *item,
    const struct bindu_report *report, struct bindu_err *err)
{
	size_t n = strcspn(item, "=");
	AUTO_FREE char *name = xstrndup(item, n);
	const char *value;

	/* The value may be a secret: only the name is shown. */
	if (!is_name(item, n))
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.60s\" is no name of an environment variable", name);
	if (strlen(item) > ITEM_MAX)
		return bindu_err_set(err, BINDU_E_DATA,
		    "%.60s: longer than the %d bytes that a variable and its "
		    "name can have",
		    name, ITEM_MAX);
	if (item[n] == '=') {
		bindu_strv_add(v, item);
		return 0;
	}
	value = getenv(name);
	if (value != NULL)
		bindu_strv_addf(v, "%s=%s", name, value);
	else
		bindu_note(report, BINDU_WARN,
		    "%s is not set here, and so not in the box either", name);
	return 0;
}

static int
add_file(struct bindu_strv *v, const char *path,
    const struct bindu_report *report, struct bindu_err *err)
{
	char *text = NULL, *rest, *line;
	size_t n;
	int rc = 0;

	if (bindu_fd_read_named(path, FILE_MAX, &text, &n, err) == -1)
		return -1;
	if (strlen(text) != n)
		rc = bindu_err_set(err, BINDU_E_DATA, "%s: holds a NUL byte",
		    path);
	rest = text;
	if (strncmp(rest, "\xef\xbb\xbf", 3) == 0) /* an editor's mark */
		rest += 3;
	for (int no = 1; rc == 0 && (line = strsep(&rest, "\n")) != NULL;
	     no++) {
		size_t len = strlen(line);

		if (len > 0 && line[len - 1] == '\r')
			line[len - 1] = '\0';
		line += strspn(line, " \t");
		if (*line == '\0' || *line == '#')
			continue;
		rc = add_item(v, line, report, err);
		if (rc == -1)
			bindu_err_wrap(err, "%s:%d", path, no);
	}
	explicit_bzero(text, n);
	free(text);
	return rc;
}

int
bindu_env_collect(struct bindu_strv *v, const struct bindu_strv *files,
    const struct bindu_strv *items, const struct bindu_report *report,
    struct bindu_err *err)
{
	for (size_t i = 0; files != NULL && i < files->n; i++)
		if (add_file(v, files->v[i], report, err) == -1)
			return -1;
	for (size_t i = 0; i < items->n; i++)
		if (add_item(v, items->v[i], report, err) == -1)
			return bindu_err_wrap(err, "option --env");
	return 0;
}
