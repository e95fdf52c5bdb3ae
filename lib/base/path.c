/* path.c - see path.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mem.h"
#include "path.h"

char *
bindu_path_clean(const char *s)
{
	bool absolute = *s == '/';
	char *out = xmalloc(strlen(s) + 2), *w = out;
	char *floor; /* ".." may not climb above this */

	if (absolute)
		*w++ = '/';
	floor = w;
	while (*s != '\0') {
		size_t n = strcspn(s, "/");

		if (n == 2 && s[0] == '.' && s[1] == '.') {
			if (w > floor) {
				while (w > floor && w[-1] != '/')
					w--;
				if (w > floor)
					w--;
			} else if (!absolute) {
				if (w > out)
					*w++ = '/';
				*w++ = '.';
				*w++ = '.';
				floor = w;
			}
		} else if (n > 0 && !(n == 1 && s[0] == '.')) {
			if (w > out && w[-1] != '/')
				*w++ = '/';
			memcpy(w, s, n);
			w += n;
		}
		s += n;
		while (*s == '/')
			s++;
	}
	if (w == out)
		*w++ = '.';
	*w = '\0';
	return out;
}

char *
bindu_path_join(const char *dir, const char *name)
{
	if (name[0] == '/' || dir[0] == '\0')
		return xstrdup(name);
	return xasprintf("%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/",
	    name);
}

const char *
bindu_path_base(const char *s)
{
	const char *slash = strrchr(s, '/');

	return slash != NULL ? slash + 1 : s;
}

char *
bindu_path_dir(const char *s)
{
	const char *slash = strrchr(s, '/');

	if (slash == NULL)
		return xstrdup(".");
	if (slash == s)
		return xstrdup("/");
	return xstrndup(s, (size_t)(slash - s));
}

bool
bindu_path_is_inside(const char *s)
{
	if (*s == '\0' || strchr(s, '\n') != NULL)
		return false;
	for (;;) {
		size_t n = strcspn(s, "/");

		if (n == 0 || (n == 1 && s[0] == '.') ||
		    (n == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		if (s[n] == '\0')
			return true;
		s += n + 1;
	}
}

const char *
bindu_path_below(const char *root, const char *path)
{
	size_t n = strlen(root);

	if (n == 1 && root[0] == '/')
		return path[0] == '/' ? path + 1 : NULL;
	if (strncmp(root, path, n) != 0)
		return NULL;
	if (path[n] == '\0')
		return path + n;
	return path[n] == '/' ? path + n + 1 : NULL;
}

char *
bindu_path_abs(const char *s, struct bindu_err *err)
{
	AUTO_FREE char *cwd = NULL;
	AUTO_FREE char *joined = NULL;

	if (s[0] == '/')
		return bindu_path_clean(s);
	cwd = getcwd(NULL, 0);
	if (cwd == NULL) {
		bindu_err_sys(err, "cannot read the working directory");
		return NULL;
	}
	joined = bindu_path_join(cwd, s);
	return bindu_path_clean(joined);
}

char *
bindu_path_temp(const char *path)
{
	enum { LONGEST = 255 - sizeof "..2147483647~" };
	AUTO_FREE char *dir = bindu_path_dir(path);
	const char *base = bindu_path_base(path);
	size_t n = strnlen(base, LONGEST + 1);

	/* No half of a character: there are file systems that refuse it. */
	if (n > LONGEST)
		for (n = LONGEST; n > 0 && (base[n] & 0xc0) == 0x80; n--)
			;
	return xasprintf("%s/.%.*s.%ld~", dir, (int)n, base, (long)getpid());
}

static bool
is_alnum_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool
bindu_name_is_label(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 63 || !is_alnum_lower(s[0]) ||
	    !is_alnum_lower(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_alnum_lower(s[i]) && s[i] != '-')
			return false;
	}
	return true;
}

char *
bindu_name_to_label(const char *s)
{
	char *out = xmalloc(64);
	size_t n = 0;

	for (; *s != '\0' && n < 63; s++) {
		char c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;

		if (is_alnum_lower(c))
			out[n++] = c;
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n == 0) {
		free(out);
		return NULL;
	}
	return out;
}
