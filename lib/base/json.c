/* json.c - see json.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "mem.h"

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

/* Well-formed bytes of one UTF-8 character at p, 0 when it is none.  p ends
 * with a NUL, which is no continuation byte. */
static size_t
utf8_len(const unsigned char *p)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

void
bindu_json_set_str(json_t *obj, const char *key, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	AUTO_FREE char *fixed = NULL;
	char *w;

	if (s == NULL)
		return;
	w = fixed = xmalloc(3 * strlen(s) + 1);
	while (*p != '\0') {
		size_t n = utf8_len(p);

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
