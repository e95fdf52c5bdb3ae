/* opt.c - see opt.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "buf.h"
#include "fd.h"
#include "opt.h"
#include "str.h"

enum { HELP_COLUMN = 26, WIDTH = 79 };

static bool
takes_value(const struct bindu_opt *o)
{
	return o->type != BINDU_OPT_FLAG && o->type != BINDU_OPT_COUNT;
}

static int
store_enum(const struct bindu_opt *o, const char *v, struct bindu_err *err)
{
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1000);

	for (size_t i = 0; o->choices[i] != NULL; i++) {
		if (strcmp(o->choices[i], v) == 0) {
			*(const char **)o->value = v;
			return 0;
		}
		bindu_buf_addf(&b, NULL, "%s%s", i != 0 ? ", " : "",
		    o->choices[i]);
	}
	return bindu_err_set(err, BINDU_E_USAGE, "\"%.60s\" is none of %s", v,
	    b.p);
}

static int
store_port(const struct bindu_opt *o, const char *v, struct bindu_err *err)
{
	uint32_t n;

	if (bindu_str_u32(v, &n, NULL) == -1 || n == 0 || n > 65535)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "\"%.60s\" is no port number (1 to 65535)", v);
	*(uint32_t *)o->value = n;
	return 0;
}

static int
store_fd(const struct bindu_opt *o, const char *v, struct bindu_err *err)
{
	uint32_t n = 0;

	if (bindu_str_u32(v, &n, err) == -1)
		return -1;
	if (n > INT32_MAX || fcntl((int)n, F_GETFD) == -1)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "descriptor %.20s is not open", v);
	/* Ours alone: what we start has no business with it. */
	if (n > 2)
		bindu_fd_cloexec((int)n, true);
	*(int *)o->value = (int)n;
	return 0;
}

/* An empty word is a variable that was not set: no file, no name, no list is
 * called that. */
static int
store(const struct bindu_opt *o, const char *v, struct bindu_err *err)
{
	if (v != NULL && *v == '\0' && o->type != BINDU_OPT_OPTSTR)
		return bindu_err_set(err, BINDU_E_USAGE, "%s must not be empty",
		    o->arg);
	switch (o->type) {
	case BINDU_OPT_FLAG:
		*(bool *)o->value = true;
		return 0;
	case BINDU_OPT_COUNT:
		++*(int *)o->value;
		return 0;
	case BINDU_OPT_STR:
	case BINDU_OPT_OPTSTR:
		*(const char **)o->value = v;
		return 0;
	case BINDU_OPT_STRLIST:
		bindu_strv_add(o->value, v);
		return 0;
	case BINDU_OPT_U32:
		return bindu_str_u32(v, o->value, err);
	case BINDU_OPT_U64:
		return bindu_str_u64(v, o->value, err);
	case BINDU_OPT_PORT:
		return store_port(o, v, err);
	case BINDU_OPT_SIZE:
		return bindu_str_size(v, o->value, err);
	case BINDU_OPT_MSEC:
		return bindu_str_msec(v, o->value, err);
	case BINDU_OPT_FD:
		return store_fd(o, v, err);
	case BINDU_OPT_ENUM:
		return store_enum(o, v, err);
	}
	return bindu_err_set(err, BINDU_E_BUG, "option --%s has no type",
	    o->name);
}

static const struct bindu_opt *
find_long(const struct bindu_opt *const *tables, const char *s, size_t n)
{
	for (; *tables != NULL; tables++) {
		for (const struct bindu_opt *o = *tables; o->name; o++) {
			if (strlen(o->name) == n && !memcmp(o->name, s, n))
				return o;
		}
	}
	return NULL;
}

static int
refuse_long(const struct bindu_opt *const *tables, const char *s, size_t n,
    struct bindu_err *err)
{
	const char *near = NULL;

	for (; *tables != NULL; tables++) {
		for (const struct bindu_opt *o = *tables; o->name; o++)
			near = bindu_str_nearer(s, n, near, o->name);
	}
	return bindu_err_set(err, BINDU_E_USAGE, "unknown option --%.*s%s%s%s",
	    n > 60 ? 60 : (int)n, s, near != NULL ? " (did you mean --" : "",
	    near != NULL ? near : "", near != NULL ? "?)" : "");
}

static const struct bindu_opt *
find_letter(const struct bindu_opt *const *tables, char c)
{
	for (; *tables != NULL; tables++) {
		for (const struct bindu_opt *o = *tables; o->name; o++) {
			if (o->letter == c && c != '\0')
				return o;
		}
	}
	return NULL;
}

/* argv[*i] is "--name[=value]"; *i moves over a value of its own. */
static int
parse_long(const struct bindu_opt *const *tables, char **argv, int *i,
    struct bindu_err *err)
{
	const char *s = argv[*i] + 2, *v = NULL;
	size_t n = strcspn(s, "=");
	const struct bindu_opt *o = find_long(tables, s, n);

	if (o == NULL)
		return refuse_long(tables, s, n, err);
	if (s[n] == '=') {
		v = s + n + 1;
		if (!takes_value(o))
			return bindu_err_set(err, BINDU_E_USAGE,
			    "option --%s takes no value", o->name);
	} else if (o->type == BINDU_OPT_OPTSTR) {
		v = "";
	} else if (takes_value(o)) {
		v = argv[*i + 1];
		if (v == NULL)
			return bindu_err_set(err, BINDU_E_USAGE,
			    "option --%s needs a value", o->name);
		++*i;
	}
	if (store(o, v, err) == -1)
		return bindu_err_wrap(err, "option --%s", o->name);
	return 0;
}

static int
parse_letters(const struct bindu_opt *const *tables, char **argv, int *i,
    struct bindu_err *err)
{
	const char *s = argv[*i] + 1, *v;

	for (; *s != '\0'; s++) {
		const struct bindu_opt *o = find_letter(tables, *s);

		if (o == NULL && *s > 0x20 && *s < 0x7f)
			return bindu_err_set(err, BINDU_E_USAGE,
			    "unknown option -%c", *s);
		if (o == NULL)
			return bindu_err_set(err, BINDU_E_USAGE,
			    "unknown option -\\x%02x", (unsigned char)*s);
		v = NULL;
		if (takes_value(o)) {
			v = s + 1;
			if (*v == '\0' && o->type != BINDU_OPT_OPTSTR)
				v = argv[++*i];
			if (v == NULL)
				return bindu_err_set(err, BINDU_E_USAGE,
				    "option -%c needs a value", o->letter);
		}
		if (store(o, v, err) == -1)
			return bindu_err_wrap(err, "option -%c", o->letter);
		if (v != NULL)
			return 0;
	}
	return 0;
}

int
bindu_opt_parse(const struct bindu_opt *const *tables, int argc, char **argv,
    int stop_at_operand, int *n, struct bindu_err *err)
{
	int kept = 1, i, r;

	for (i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (a[0] != '-' || a[1] == '\0') {
			if (stop_at_operand)
				break;
			argv[kept++] = argv[i];
			continue;
		}
		if (strcmp(a, "--") == 0) {
			i++;
			break;
		}
		r = a[1] == '-' ? parse_long(tables, argv, &i, err) :
				  parse_letters(tables, argv, &i, err);
		if (r == -1)
			return -1;
	}
	for (; i < argc; i++)
		argv[kept++] = argv[i];
	argv[kept] = NULL;
	*n = kept - 1;
	return 0;
}

/* text at column col, continued at HELP_COLUMN, broken between words. */
static void
print_wrapped(FILE *f, const char *text, int col)
{
	const char *lead = "";

	for (;;) {
		int n;

		text += strspn(text, " ");
		n = (int)strcspn(text, " ");
		if (n == 0)
			break;
		if (col + (int)strlen(lead) + n > WIDTH && col > HELP_COLUMN) {
			fprintf(f, "\n%*s", HELP_COLUMN, "");
			col = HELP_COLUMN;
			lead = "";
		}
		fprintf(f, "%s%.*s", lead, n, text);
		col += (int)strlen(lead) + n;
		lead = " ";
		text += n;
	}
	putc('\n', f);
}

void
bindu_opt_row(FILE *f, const char *left, const char *help)
{
	int col = fprintf(f, "  %s", left);

	if (col > HELP_COLUMN - 2) {
		putc('\n', f);
		col = 0;
	}
	fprintf(f, "%*s", HELP_COLUMN - col, "");
	print_wrapped(f, help, HELP_COLUMN);
}

void
bindu_opt_help(const struct bindu_opt *o, FILE *f)
{
	char left[120], letter[8];

	for (; o->name != NULL; o++) {
		bool optional = o->type == BINDU_OPT_OPTSTR;

		snprintf(letter, sizeof letter, o->letter ? "-%c, " : "    ",
		    o->letter);
		snprintf(left, sizeof left, "%s--%s%s%s%s", letter, o->name,
		    o->arg == NULL ? "" :
			optional   ? "[=" :
				     " ",
		    o->arg != NULL ? o->arg : "",
		    o->arg != NULL && optional ? "]" : "");
		bindu_opt_row(f, left, o->help);
	}
}
