/* str.h - numbers, sizes, durations, quoting, string lists.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_STR_H
#define BINDU_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

/* Whole decimal numbers only: no sign, no blanks, no base prefix. */
int bindu_str_u64(const char *, uint64_t *, struct bindu_err *);
int bindu_str_u32(const char *, uint32_t *, struct bindu_err *);
/* ^[0-9]+[KMGT]?(i?B)?$ in any case, powers of 1024 (boxd's size strings). */
int bindu_str_size(const char *, uint64_t *bytes, struct bindu_err *);
/* NUMBER[ms|s|m|h], a bare number is seconds; fractions allowed: 0.5s. */
int bindu_str_msec(const char *, int64_t *msec, struct bindu_err *);
/* "61.2 MB"; powers of 1024, one decimal above bytes.  out holds >= 16. */
char *bindu_str_human(uint64_t bytes, char *out, size_t outsz);
/* The end of a noun behind n: "%llu file%s". */
const char *bindu_str_s(uint64_t n);

bool bindu_str_starts(const char *, const char *prefix);
bool bindu_str_ends(const char *, const char *suffix);
int bindu_str_icmp(const char *, const char *); /* ASCII fold */
/* For "did you mean": name when it is likelier meant by given (n bytes) than
 * best (may be NULL), else best.  Begin with NULL. */
const char *bindu_str_nearer(const char *given, size_t n, const char *best,
    const char *name);

/* Append s quoted for POSIX sh: bare when only [A-Za-z0-9_@%+=:,./-], else
 * in single quotes, ' as '\''.  NUL cannot occur. */
int bindu_str_shquote(struct bindu_buf *, const char *s, struct bindu_err *);
/* Bytes of the well-formed UTF-8 character at s, 0 when it is none.  s ends
 * with a NUL, which counts as a character of one byte. */
size_t bindu_str_utf8(const char *s);
/* Append s for a person: C0, DEL, C1 and broken UTF-8 as \xNN escapes. */
int bindu_str_visible(struct bindu_buf *, const char *s, size_t n,
    struct bindu_err *);

/* The same for a message: of a long text, as a deep path is, its two ends.
 * Caller frees; errno stays. */
char *bindu_str_shown(const char *);

/* A growing list of strings; owns them. */
struct bindu_strv {
	char **v; /* NULL-terminated once anything was added */
	size_t n;
	size_t cap;
};
#define AUTO_STRV __attribute__((cleanup(bindu_strv_fini)))
void bindu_strv_fini(struct bindu_strv *);
void bindu_strv_add(struct bindu_strv *, const char *);
void bindu_strv_addf(struct bindu_strv *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
void bindu_strv_take(struct bindu_strv *, char *); /* takes ownership */
bool bindu_strv_has(const struct bindu_strv *, const char *);

/* Hex of n bytes; out holds 2n+1. */
char *bindu_str_hex(const uint8_t *, size_t n, char *out);
int bindu_str_unhex(const char *, uint8_t *, size_t n); /* -1 when not hex */
#endif
