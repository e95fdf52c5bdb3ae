/* scrub_assign.h - names of secrets, operators, values: what the judges of
 * named values share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_SCRUB_ASSIGN_H
#define BINDU_SCRUB_ASSIGN_H

#include "scrub_priv.h"

enum scrub_key { KEY_NONE, KEY_WEAK, KEY_TOKEN, KEY_SECRET, KEY_PASSWORD };

struct scrub_pair {
	size_t key, kend; /* the whole identifier */
	enum scrub_key kind;
	size_t value, vend;
	char quote; /* the quote before the value, or 0 */
	bool quoted;
	bool element; /* <password>VALUE</password> */
};

/* Does a word that may name a secret start here?  Its length, or 0. */
size_t scrub_key_word(const uint8_t *, size_t n);
/* What an identifier promises. */
enum scrub_key scrub_key_kind(const uint8_t *, size_t n);
/* From a word inside an identifier to where its value begins. */
bool scrub_pair_forward(const struct scrub_text *, size_t at, size_t end,
    struct scrub_pair *);
/* Parts of that: where the value is, or 0. */
enum { SCRUB_GAP = 60 };
size_t scrub_skip_blank(const struct scrub_text *, size_t i);
bool scrub_ends_tag(const struct scrub_text *, const struct scrub_pair *,
    size_t i, bool quoted);
size_t scrub_skip_plist(const struct scrub_text *, size_t i);
size_t scrub_skip_brace(const struct scrub_text *, const struct scrub_pair *,
    size_t i);
size_t scrub_skip_head(const struct scrub_text *, const struct scrub_pair *);
bool scrub_is_row(const struct scrub_text *, const struct scrub_pair *, size_t);
size_t
scrub_skip_cell(const struct scrub_text *, const struct scrub_pair *, size_t i);
/* Set vend; false when there is no value of a sensible size. */
bool scrub_value_bounds(const struct scrub_text *, struct scrub_pair *);
/* The pair of a value at text[at) whose name does not stand before it. */
bool
scrub_name_elsewhere(const struct scrub_text *, size_t at, struct scrub_pair *);
bool
scrub_pair_is_connection(const struct scrub_text *, const struct scrub_pair *);

/* ${X}, os.environ[...], <value>, a path, a URL, a call ... */
bool scrub_value_is_reference(const uint8_t *, size_t, bool quoted);
/* The same, or a placeholder, in base64, as Kubernetes keeps its values. */
bool scrub_wraps_reference(const uint8_t *, size_t);
/* Something is there that is not empty, masked or made up. */
bool scrub_value_is_set(const uint8_t *, size_t);
/* A bindu_scrub_level, or -1 for nothing worth saying. */
int scrub_password_level(const uint8_t *, size_t, bool quoted);
int scrub_token_level(const uint8_t *, size_t, enum scrub_key);
/* TAG_SECRET: the tag says so itself. */
enum scrub_tag { TAG_NONE, TAG_OTHER, TAG_SECRET };
enum scrub_tag scrub_tag_kind(const uint8_t *, size_t);
bool scrub_judge_tagged(struct scrub_scan *, const struct scrub_text *,
    size_t at, size_t end);
/* How many characters too many still make a spoiled token. */
enum { SCRUB_NEAR = 3 };
bool scrub_is_uuid(const uint8_t *, size_t);
bool scrub_is_login(const uint8_t *, size_t); /* user:password */
/* password, admin123, test ...: everyone's first choice. */
bool scrub_is_common(const uint8_t *, size_t);
/* The provider named in context whose tokens look like the value. */
const char *scrub_named_provider(const uint8_t *context, size_t,
    const uint8_t *value, size_t);
/* How sure is a password that stands with the user it belongs to, or alone
 * (ulen 0), where only a password can?  -1: not at all. */
int scrub_login_level(const uint8_t *p, size_t n, const uint8_t *user,
    size_t ulen, bool word_host);
#endif
