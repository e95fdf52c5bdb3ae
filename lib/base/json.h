/* json.h - the one room of jansson: parse with caps, read fields, print.
 *
 * json_t and the json_* functions of jansson may be used by files that
 * include this header; nobody includes <jansson.h> directly.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_JSON_H
#define BINDU_JSON_H

#include <jansson.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

#define AUTO_JSON __attribute__((cleanup(bindu_json_cleanup)))
void bindu_json_cleanup(json_t **);

/* Strict: one value, no duplicate keys, at most max bytes, depth bounded by
 * jansson.  what names the source in the message.  json_decref it. */
json_t *bindu_json_parse(const char *, size_t n, size_t max, const char *what,
    struct bindu_err *);
/* The string (borrowed) or number of obj[key]; NULL / 0 / def if absent or
 * of another type. */
const char *bindu_json_str(const json_t *obj, const char *key);
int64_t bindu_json_int(const json_t *obj, const char *key, int64_t def);
int bindu_json_bool(const json_t *obj, const char *key, int def);
/* Set obj[key] to a string that may be NULL (skipped) or not UTF-8 (each bad
 * byte becomes U+FFFD). */
void bindu_json_set_str(json_t *obj, const char *key, const char *);
void bindu_json_set_int(json_t *obj, const char *key, int64_t);
/* Compact text of v; caller frees. */
char *bindu_json_text(const json_t *v);
#endif
