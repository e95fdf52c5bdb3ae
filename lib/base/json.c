/* json.c - see json.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "mem.h"
#include "str.h"

void
bindu_json_cleanup(json_t **v)
{
	json_decref(*v);
}

json_t *
bindu_json_parse(const char *s, size_t n, size_t max, const char *what,
    struct bindu_err *err)
{
	json_error_t je;
	json_t *v;

	if (n > max) {
		bindu_err_set(err, BINDU_E_DATA,
		    "%s: JSON of more than %zu bytes", what, max);
		return NULL;
	}
	v = json_loadb(s, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (v == NULL)
		bindu_err_set(err, BINDU_E_DATA,
		    "%s: not valid JSON: line %d column %d: %s", what, je.line,
		    je.column, je.text);
	return v;
}

const char *
bindu_json_str(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

int64_t
bindu_json_int(const json_t *obj, const char *key, int64_t def)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_integer(v) ? json_integer_value(v) : def;
}

int
bindu_json_bool(const json_t *obj, const char *key, int def)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_boolean(v) ? json_is_true(v) : def;
}

void
bindu_json_set_str(json_t *obj, const char *key, const char *s)
{
	const char *p = s;
	AUTO_FREE char *fixed = NULL;
	char *w;

	if (s == NULL)
		return;
	w = fixed = xmalloc(3 * strlen(s) + 1);
	while (*p != '\0') {
		size_t n = bindu_str_utf8(p);

		if (n == 0) {
			memcpy(w, "\xef\xbf\xbd", 3);
			w += 3;
			p++;
			continue;
		}
		memcpy(w, p, n);
		w += n;
		p += n;
	}
	*w = '\0';
	json_object_set_new(obj, key, json_string(fixed));
}

void
bindu_json_set_int(json_t *obj, const char *key, int64_t v)
{
	json_object_set_new(obj, key, json_integer(v));
}

char *
bindu_json_text(const json_t *v)
{
	/* 15 digits: 2.98 stays 2.98, and milliseconds since 1970 fit. */
	char *s = json_dumps(v,
	    JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

	return s != NULL ? s : xstrdup("null");
}
