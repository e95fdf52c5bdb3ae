/* scrub_call.c - secrets among the arguments of calls whose name tells what
 * they are: jwt.sign(claims, "SECRET"), auth=("USER", "PASSWORD").
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "scrub_assign.h"

enum { CALL_MAX = 300, STRING_MAX = 128 };

struct string {
	size_t start, end;
};

/* Rust's optional argument, bytes of Go and C#, what decodes a string: its
 * length, or 0. */
static size_t
skip_wrapper(const uint8_t *p, size_t n)
{
	static const char *const names[] = { "Some(", "[]byte(", "GetBytes(",
		"fromhex(", "unhexlify(", "b64decode(", "Buffer.from(" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len = strlen(names[i]);

		if (*p == (uint8_t)names[i][0] && n > len &&
		    !memcmp(p, names[i], len))
			return len;
	}
	return 0;
}

/* The next string at the call's own depth, from text[*i) on. */
static bool
next_string(const struct scrub_text *t, size_t *i, size_t limit,
    struct string *x)
{
	int depth = 0;

	for (; *i < limit; ++*i) {
		uint8_t c = t->p[*i];

		size_t wrapper = skip_wrapper(t->p + *i, limit - *i);

		if (wrapper) {
			*i += wrapper - 1;
			continue;
		}
		if (strchr("{[(", c))
			depth++;
		if (strchr("}])", c) && --depth < 0)
			return false;
		if (c != '"' && c != '\'' && c != '`')
			continue;
		x->start = ++*i;
		while (*i < limit && t->p[*i] != c && t->p[*i] != '\n')
			++*i;
		if (*i >= limit || t->p[*i] != c)
			return false;
		x->end = (*i)++;
		if (!depth)
			return true;
		--*i;
	}
	return false;
}

static void
judge_signing(struct scrub_scan *s, const struct scrub_text *t, size_t i,
    size_t limit)
{
	struct string x;

	while (next_string(t, &i, limit, &x)) {
		size_t n = x.end - x.start;

		if (n > STRING_MAX || n < 8 ||
		    scrub_value_is_reference(t->p + x.start, n, true) ||
		    scrub_token_level(t->p + x.start, n, KEY_SECRET) !=
			BINDU_SCRUB_BLOCK)
			continue;
		scrub_add(s, t, x.start, x.end, "generic/signing-secret",
		    BINDU_SCRUB_BLOCK, PRIO_GENERIC);
		return;
	}
}

/* A host or the address of a database. */
static bool
is_place(const struct scrub_text *t, const struct string *x)
{
	const uint8_t *p = t->p + x->start;
	size_t n = x->end - x->start;

	if (memchr(p, '@', n) && !memchr(p, ':', n))
		return false; /* a user's mail address */
	return memchr(p, '.', n) || memchr(p, ':', n) ||
	    (n == 9 && !memcmp(p, "localhost", 9)) ||
	    (n == 2 && !memcmp(p, "db", 2));
}

static void
add_password(struct scrub_scan *s, const struct scrub_text *t,
    const struct string *user, const struct string *pass)
{
	int level = scrub_login_level(t->p + pass->start,
	    pass->end - pass->start, t->p + user->start,
	    user->end - user->start, false);

	scrub_add(s, t, pass->start, pass->end, "generic/password", level,
	    PRIO_GENERIC);
}

static void
judge_login(struct scrub_scan *s, const struct scrub_text *t, size_t i,
    size_t limit)
{
	struct string user, pass;

	if (!next_string(t, &i, limit, &user) ||
	    !next_string(t, &i, limit, &pass) || user.end == user.start)
		return;
	/* Where to, and as whom. */
	if (is_place(t, &user)) {
		user = pass;
		if (!next_string(t, &i, limit, &pass))
			return;
	}
	add_password(s, t, &user, &pass);
}

/* IDENTIFIED BY 'PASSWORD' of MySQL, "PASSWORD" of Oracle. */
static void
judge_identified(struct scrub_scan *s, const struct scrub_text *t, size_t i,
    size_t limit)
{
	struct string x;

	if (next_string(t, &i, limit, &x))
		add_password(s, t, &(struct string){ x.start, x.start }, &x);
}

/* Account.from_key("0x..."): 32 bytes in hex are a wallet's key. */
static void
judge_wallet(struct scrub_scan *s, const struct scrub_text *t, size_t i,
    size_t limit)
{
	struct string x;
	size_t v, n;

	if (!next_string(t, &i, limit, &x))
		return;
	v = x.start + (x.end - x.start == 66 ? 2 : 0);
	n = x.end - v;
	if (n == 64 && scrub_match("\\H{64}", t->p, t->n, v) == 64 &&
	    !scrub_is_placeholder(t->p + v, n))
		scrub_add(s, t, x.start, x.end, "private-key/ethereum",
		    BINDU_SCRUB_BLOCK, PRIO_KEY);
}

/* Calls with the key of a signature or a cipher; args: behind so many of
 * their arguments comes what is no secret, such as a start value. */
static bool
takes_key(const uint8_t *name, unsigned *args)
{
	static const struct {
		const char *name;
		unsigned args;
	} rows[] = { { "jwt.", 9 }, { "createHmac", 9 }, { "hmac.", 9 },
		{ "SignedString", 9 }, { "SecurityKey", 9 }, { "Fernet", 1 },
		{ "AESGCM", 1 }, { "Poly1305", 1 }, { "SecretBox", 1 },
		{ "AES.new", 1 }, { "AES.encrypt", 2 }, { "AES.decrypt", 2 },
		{ "ipheriv", 2 }, { "aes.NewCipher", 1 }, { "openssl_", 3 },
		{ "SecretKeySpec", 1 }, { "cookieParser", 1 },
		{ "NewCookieStore", 9 }, { "SafeSerializer", 1 },
		{ "TimedSerializer", 1 }, { "TimestampSigner", 1 },
		{ "Message", 1 } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!memcmp(name, rows[i].name, strlen(rows[i].name))) {
			*args = rows[i].args;
			return true;
		}
	return false;
}

/* Behind which comma nothing more is looked at. */
static size_t
end_of_argument(const struct scrub_text *t, size_t i, size_t limit,
    unsigned args)
{
	for (; i < limit; i++)
		if (t->p[i] == ',' && !--args)
			return i;
	return limit;
}

void
scrub_judge_call(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t len)
{
	size_t i = at + len;
	size_t limit = t->n - i > CALL_MAX ? i + CALL_MAX : t->n;
	unsigned args;

	if (t->p[i - 1] != '(')
		judge_identified(s, t, i - 1, limit);
	else if (takes_key(t->p + at, &args))
		judge_signing(s, t, i, end_of_argument(t, i, limit, args));
	else if (!memcmp(t->p + at, "from_key", 8) || t->p[at] == 'W' ||
	    !memcmp(t->p + at, "privateKeyTo", 12))
		judge_wallet(s, t, i, limit);
	else
		judge_login(s, t, i, limit);
}
