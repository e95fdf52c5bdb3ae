/* image_pip.c - see image_pip.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "image_pip.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define FILE_MAX (64 * 1024)
#define CERT PIP_KEYS /* its place after the rows' */

static const struct {
	const char *key;
	const char *var; /* pip's variable, or uv's where pip has none */
	const char *uv; /* word of uv.toml */
	bool is_url, is_list;
} keys[PIP_KEYS + 1] = {
	{ "index-url", "PIP_INDEX_URL", "index-url", true, false },
	{ "extra-index-url", "PIP_EXTRA_INDEX_URL", "extra-index-url", true,
	    true },
	{ "find-links", "PIP_FIND_LINKS", "find-links", true, true },
	{ "trusted-host", "PIP_TRUSTED_HOST", "allow-insecure-host", false,
	    true },
	{ "proxy", "PIP_PROXY", NULL, true, false },
	{ "timeout", "PIP_DEFAULT_TIMEOUT", NULL, false, false },
	{ "retries", "PIP_RETRIES", NULL, false, false },
	{ "cert", "PIP_CERT", NULL, false, false },
};

/* The words of s with one blank between; NULL when there are none. */
static char *
squeeze(const char *s)
{
	char *out = xmalloc(strlen(s) + 1), *p = out;

	while (*s != '\0') {
		size_t n = strcspn(s, " \t\r\n");

		if (n > 0 && p > out)
			*p++ = ' ';
		memcpy(p, s, n);
		p += n;
		s += n + strspn(s + n, " \t\r\n");
	}
	*p = '\0';
	if (*out == '\0') {
		free(out);
		return NULL;
	}
	return out;
}

static void
set_value(char *values[], int at, const char *text)
{
	free(values[at]);
	values[at] = squeeze(text);
}

static int
key_of(const char *name, size_t n)
{
	for (int i = 0; i <= PIP_KEYS; i++) {
		size_t k;

		if (strlen(keys[i].key) != n)
			continue;
		for (k = 0; k < n; k++) /* pip takes _ for - too */
			if (keys[i].key[k] !=
			    (name[k] == '_' ? '-' :
					      tolower((unsigned char)name[k])))
				break;
		if (k == n)
			return i;
	}
	return -1;
}

/* One [section] of an ini text as configparser reads it: indented lines go on
 * with the value before. */
static void
read_section(const char *text, const char *section, char *values[])
{
	AUTO_FREE char *copy = xstrdup(text);
	AUTO_FREE char *value = xstrdup("");
	char *save = NULL;
	bool in = false;
	int at = -1;

	for (char *l = strtok_r(copy, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save)) {
		size_t n = strcspn(l, "=:");

		if (*l == '#' || *l == ';' || l[strspn(l, " \t\r")] == '\0')
			continue;
		if ((*l == ' ' || *l == '\t') && at != -1) {
			char *longer = xasprintf("%s %s", value, l);

			free(value);
			value = longer;
			set_value(values, at, value);
			continue;
		}
		at = -1;
		if (*l == '[')
			in = strncmp(l + 1, section, strlen(section)) == 0 &&
			    l[1 + strlen(section)] == ']';
		if (!in || *l == '[' || l[n] == '\0')
			continue;
		free(value);
		value = xstrdup(l + n + 1);
		while (n > 0 && isspace((unsigned char)l[n - 1]))
			n--;
		at = key_of(l, n);
		if (at != -1)
			set_value(values, at, value);
	}
}

static void
read_file(const char *path, char *values[], char *install[])
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	size_t n;

	if (fd == -1 || bindu_fd_read_all(fd, FILE_MAX, &text, &n, NULL) == -1)
		return;
	read_section(text, "global", values);
	read_section(text, "install", install);
}

static void
read_files(char *values[], char *install[])
{
	const char *home = bindu_config_env("HOME");
	const char *xdg = bindu_config_env("XDG_CONFIG_HOME");
	const char *extra = bindu_config_env("PIP_CONFIG_FILE");
	AUTO_FREE char *old = NULL;
	AUTO_FREE char *new = NULL;

	if (extra != NULL && strcmp(extra, "/dev/null") == 0)
		return;
	read_file("/etc/xdg/pip/pip.conf", values, install);
	read_file("/etc/pip.conf", values, install);
	if (home != NULL) {
		old = xasprintf("%s/.pip/pip.conf", home);
		new = xdg ? xasprintf("%s/pip/pip.conf", xdg) :
			    xasprintf("%s/.config/pip/pip.conf", home);
		read_file(old, values, install);
		read_file(new, values, install);
	}
	if (extra != NULL)
		read_file(extra, values, install);
}

/* uv's own variables count where pip says nothing. */
static void
read_uv(char *values[])
{
	static const struct {
		const char *var;
		int at;
	} rows[] = {
		{ "UV_DEFAULT_INDEX", 0 },
		{ "UV_INDEX_URL", 0 },
		{ "UV_INDEX", 1 },
		{ "UV_EXTRA_INDEX_URL", 1 },
		{ "UV_FIND_LINKS", 2 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *v = bindu_config_env(rows[i].var);

		if (v != NULL && values[rows[i].at] == NULL)
			set_value(values, rows[i].at, v);
	}
}

int
pip_read(struct pip *pip, struct bindu_err *err)
{
	char *values[PIP_KEYS + 1] = { NULL };
	char *install[PIP_KEYS + 1] = { NULL };

	(void)err;
	read_files(values, install);
	for (int i = 0; i <= PIP_KEYS; i++) {
		const char *v = bindu_config_env(keys[i].var);

		if (install[i] != NULL) {
			free(values[i]);
			values[i] = bindu_steal(&install[i]);
		}
		if (v != NULL)
			set_value(values, i, v);
	}
	read_uv(values);
	pip->n = 0;
	for (int i = 0; i < PIP_KEYS; i++)
		if (values[i] != NULL)
			pip->rows[pip->n++] = (struct pip_row){ keys[i].key,
				values[i], keys[i].is_url };
	pip->cert = values[CERT];
	return 0;
}

void
pip_fini(struct pip *pip)
{
	for (size_t i = 0; i < pip->n; i++)
		bindu_free_secret(pip->rows[i].value);
	free(pip->cert);
	memset(pip, 0, sizeof *pip);
}

/* The words of value, each in quotes, with between before all but the first. */
static int
add_words(struct bindu_buf *b, const char *value, const char *quote,
    const char *between, struct bindu_err *err)
{
	AUTO_FREE char *copy = xstrdup(value);
	char *save = NULL;
	const char *before = "";

	for (char *w = strtok_r(copy, " ", &save); w != NULL;
	     w = strtok_r(NULL, " ", &save)) {
		if (bindu_buf_addf(b, err, "%s%s%s%s", before, quote, w,
			quote) == -1)
			return -1;
		before = between;
	}
	return 0;
}

int
pip_add_line(struct bindu_buf *b, const struct pip_row *r,
    struct bindu_err *err)
{
	if (bindu_buf_addf(b, err, "%s = ", r->key) == -1 ||
	    add_words(b, r->value, "", "\n    ", err) == -1)
		return -1;
	return bindu_buf_addc(b, '\n', err);
}

int
pip_add_uv(struct bindu_buf *b, const struct pip_row *r, struct bindu_err *err)
{
	int at = key_of(r->key, strlen(r->key));

	if (at == -1 || keys[at].uv == NULL ||
	    strpbrk(r->value, "\"\\") != NULL)
		return 0;
	if (!keys[at].is_list)
		return bindu_buf_addf(b, err, "%s = \"%s\"\n", keys[at].uv,
		    r->value);
	if (bindu_buf_addf(b, err, "%s = [", keys[at].uv) == -1 ||
	    add_words(b, r->value, "\"", ", ", err) == -1)
		return -1;
	return bindu_buf_adds(b, "]\n", err);
}
