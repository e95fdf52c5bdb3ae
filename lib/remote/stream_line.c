/* stream_line.c - see stream_line.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream_line.h"

#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define LINE_MAX_BYTES (96 << 10) /* one argument may have 128 KiB */
#define WHOLE_MAX (8 << 20)

void
bindu_exec_line_fini(struct bindu_exec_line *l)
{
	if (l->head.p != NULL)
		explicit_bzero(l->head.p, l->head.len);
	bindu_buf_fini(&l->line);
	bindu_buf_fini(&l->head);
}

static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
			return false;
	return true;
}

/* A protobuf string holds nothing else, and the line is one. */
static bool
is_utf8(const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n) {
		n = bindu_str_utf8(s);
		if (n == 0)
			return false;
	}
	return true;
}

/* NAME=value as shell code of one line.  Bytes a `read` or a shell could
 * spoil go through printf; the last one keeps newlines at the end. */
static int
add_value(struct bindu_buf *b, const char *name, const char *value,
    struct bindu_err *err)
{
	if (is_plain(value)) {
		if (bindu_buf_addf(b, err, "%s=", name) == -1 ||
		    bindu_str_shquote(b, value, err) == -1)
			return -1;
		return bindu_buf_addc(b, ';', err);
	}
	if (bindu_buf_addf(b, err, "%s=$(printf '", name) == -1)
		return -1;
	for (const char *p = value; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		int rc;

		if (c < ' ' || c > '~' || strchr("\\'%", c) != NULL)
			rc = bindu_buf_addf(b, err, "\\%03o", c);
		else
			rc = bindu_buf_addc(b, (char)c, err);
		if (rc == -1)
			return -1;
	}
	return bindu_buf_addf(b, err, "_');%s=${%s%%_};", name, name);
}

static int
add_env(struct bindu_buf *b, const char *const *env, struct bindu_err *err)
{
	for (; *env != NULL; env++) {
		const char *eq = strchr(*env, '=');
		AUTO_FREE char *name = NULL;

		name = eq == NULL ? NULL : xstrndup(*env, (size_t)(eq - *env));
		if (name == NULL || *name == '\0' ||
		    strspn(name,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"abcdefghijklmnopqrstuvwxyz0123456789_") !=
			strlen(name) ||
		    (*name >= '0' && *name <= '9'))
			return bindu_err_set(err, BINDU_E_USAGE,
			    "\"%.60s\" is no name of an environment variable",
			    name != NULL ? name : *env);
		if (add_value(b, name, eq + 1, err) == -1 ||
		    bindu_buf_addf(b, err, "export %s;", name) == -1)
			return -1;
	}
	return 0;
}

/* "exec 'a' 'b'", or the caller's own line. */
static int
add_command(struct bindu_buf *b, const struct bindu_exec_opts *o,
    struct bindu_err *err)
{
	if (o->argv == NULL)
		return bindu_buf_adds(b, o->command, err);
	if (bindu_buf_adds(b, "exec", err) == -1)
		return -1;
	for (const char *const *a = o->argv; *a != NULL; a++)
		if (bindu_buf_addc(b, ' ', err) == -1 ||
		    bindu_str_shquote(b, *a, err) == -1)
			return -1;
	return 0;
}

/* A command too long for one argument, or of bytes that the line cannot
 * carry, as code that leaves it in "$@" or in $_bindu_c. */
static int
add_apart(struct bindu_buf *b, const struct bindu_exec_opts *o,
    struct bindu_err *err)
{
	if (o->argv == NULL)
		return add_value(b, "_bindu_c", o->command, err);
	if (bindu_buf_adds(b, "set --;", err) == -1)
		return -1;
	for (const char *const *a = o->argv; *a != NULL; a++)
		if (add_value(b, "_bindu_a", *a, err) == -1 ||
		    bindu_buf_adds(b, "set -- \"$@\" \"$_bindu_a\";", err) ==
			-1)
			return -1;
	return bindu_buf_adds(b, "unset _bindu_a;", err);
}

static int
add_prefix(struct bindu_buf *b, const struct bindu_exec_opts *o,
    const char *marker, struct bindu_err *err)
{
	if (marker != NULL &&
	    bindu_buf_addf(b, err, "export BINDU_EXEC=%s; ", marker) == -1)
		return -1;
	if (o->cwd == NULL)
		return 0;
	if (!is_utf8(o->cwd)) {
		if (add_value(b, "_bindu_d", o->cwd, err) == -1)
			return -1;
		return bindu_buf_adds(b,
		    "cd \"$_bindu_d\" || exit 125; unset _bindu_d; ", err);
	}
	if (bindu_buf_adds(b, *o->cwd == '-' ? "cd ./" : "cd ", err) == -1 ||
	    bindu_str_shquote(b, o->cwd, err) == -1)
		return -1;
	return bindu_buf_adds(b, " || exit 125; ", err);
}

/* Code that takes the head in. */
static int
add_reader(struct bindu_buf *b, const char *head_file, struct bindu_err *err)
{
	if (head_file == NULL)
		return bindu_buf_adds(b,
		    "IFS= read -r _bindu_h || exit 125; "
		    "eval \"$_bindu_h\"; unset _bindu_h; ",
		    err);
	if (bindu_buf_adds(b, ". ", err) == -1 ||
	    bindu_str_shquote(b, head_file, err) == -1 ||
	    bindu_buf_adds(b, " || exit 125; rm -f ", err) == -1 ||
	    bindu_str_shquote(b, head_file, err) == -1)
		return -1;
	return bindu_buf_adds(b, "; ", err);
}

int
bindu_exec_line_build(const struct bindu_exec_opts *o, const char *marker,
    const char *head_file, struct bindu_exec_line *l, struct bindu_err *err)
{
	struct bindu_buf command = BINDU_BUF_INIT(WHOLE_MAX);
	bool apart;
	int rc;

	l->line = (struct bindu_buf)BINDU_BUF_INIT(WHOLE_MAX);
	l->head = (struct bindu_buf)BINDU_BUF_INIT(WHOLE_MAX);
	rc = add_command(&command, o, err);
	apart = rc == 0 &&
	    (command.len > LINE_MAX_BYTES || !is_utf8(command.p));
	if (rc == 0 && o->env != NULL)
		rc = add_env(&l->head, o->env, err);
	if (rc == 0 && apart)
		rc = add_apart(&l->head, o, err);
	if (rc == 0 && l->head.len != 0)
		rc = bindu_buf_addc(&l->head, '\n', err);
	if (rc == 0 && l->head.len != 0)
		rc = add_reader(&l->line, head_file, err);
	if (rc == 0)
		rc = add_prefix(&l->line, o, marker, err);
	if (rc == 0 && apart)
		rc = bindu_buf_adds(&l->line,
		    o->argv != NULL ? "exec \"$@\"" : "eval \"$_bindu_c\"",
		    err);
	else if (rc == 0)
		rc = bindu_buf_add(&l->line, command.p, command.len, err);
	bindu_buf_fini(&command);
	if (rc == -1)
		bindu_exec_line_fini(l);
	return rc;
}
