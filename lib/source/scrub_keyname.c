/* scrub_keyname.c - does a name promise that its value is a secret?
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

/* Names that hold a secret, letters and digits only. */
static const struct {
	const char *word;
	enum scrub_key kind;
	bool at_end;
} key_words[] = {
	{ "password", KEY_PASSWORD, false },
	{ "passwd", KEY_PASSWORD, false },
	{ "passphrase", KEY_PASSWORD, false },
	{ "passcode", KEY_PASSWORD, false },
	{ "passw", KEY_PASSWORD, true },
	{ "pwd", KEY_PASSWORD, true },
	{ "bindpw", KEY_PASSWORD, true },
	{ "rootpw", KEY_PASSWORD, true },
	{ "authtok", KEY_PASSWORD, true },
	{ "pass", KEY_PASSWORD, true },
	{ "secret", KEY_SECRET, false },
	{ "credential", KEY_SECRET, false },
	{ "apikey", KEY_TOKEN, false },
	{ "apitoken", KEY_TOKEN, false },
	{ "accesskey", KEY_TOKEN, false },
	{ "accesstoken", KEY_TOKEN, false },
	{ "authtoken", KEY_TOKEN, false },
	{ "authkey", KEY_TOKEN, false },
	{ "authorization", KEY_TOKEN, true },
	{ "privatekey", KEY_TOKEN, false },
	{ "privkey", KEY_TOKEN, true },
	{ "signingkey", KEY_TOKEN, false },
	{ "signaturekey", KEY_TOKEN, false },
	{ "encryptionkey", KEY_TOKEN, false },
	{ "encryptkey", KEY_TOKEN, false },
	{ "cryptkey", KEY_TOKEN, false },
	{ "cipherkey", KEY_TOKEN, false },
	{ "masterkey", KEY_TOKEN, false },
	{ "sharedkey", KEY_TOKEN, false },
	{ "servicekey", KEY_TOKEN, false },
	{ "storagekey", KEY_TOKEN, true }, /* Ethereum's storageKeys: none */
	{ "accountkey", KEY_TOKEN, false },
	{ "adminkey", KEY_TOKEN, false },
	{ "sessionkey", KEY_TOKEN, false },
	{ "cookiekey", KEY_TOKEN, false },
	{ "licensekey", KEY_TOKEN, false },
	{ "hmackey", KEY_TOKEN, false },
	{ "jwtkey", KEY_TOKEN, false },
	{ "aeskey", KEY_TOKEN, false },
	{ "fernetkey", KEY_TOKEN, false },
	{ "rootkey", KEY_TOKEN, false },
	{ "subscriptionkey", KEY_TOKEN, false },
	{ "walletkey", KEY_TOKEN, false },
	{ "appkey", KEY_TOKEN, true },
	{ "consumerkey", KEY_TOKEN, true },
	{ "clientkey", KEY_TOKEN, true },
	{ "webhookkey", KEY_TOKEN, true },
	{ "deploykey", KEY_TOKEN, true },
	{ "deployerkey", KEY_TOKEN, true },
	{ "signerkey", KEY_TOKEN, true },
	{ "functionkey", KEY_TOKEN, true },
	{ "functionskey", KEY_TOKEN, true },
	{ "serverkey", KEY_TOKEN, true },
	{ "writekey", KEY_TOKEN, true },
	{ "ingestionkey", KEY_TOKEN, true },
	{ "ingestkey", KEY_TOKEN, true },
	{ "userkey", KEY_TOKEN, true },
	{ "seckey", KEY_TOKEN, true },
	{ "token", KEY_TOKEN, true },
	{ "bearer", KEY_TOKEN, true },
	{ "oauth", KEY_TOKEN, true },
	{ "auth", KEY_TOKEN, true },
	{ "key", KEY_WEAK, true },
};

/* Parts of a name in front of the word that make it something else, wherever
 * they stand: NEXT_PUBLIC_API_KEY. */
static const char *const before[] = { "public", "pub", "i18n", "hashed",
	"example", "dummy", "fake", "mock", "sample", "encrypted", NULL };

/* Right in front of it: page_token, but not NEXT_APP_TOKEN. */
static const char *const right_before[] = { "page", "sync", "next",
	"continuation", "continue", "cursor", "dedup", "cache", "primary",
	"foreign", "partition", "sort", "index", "row", "object", "lookup",
	"translation", "locale", "label", "title", "message", "error", "field",
	"column", "etag", "nonce", "version", "shortcut", "input", "button",
	"style", "theme", "class", "starting", "change", "lock", NULL };

/* Parts behind it: what the value tells about a secret, or where one is. */
static const char *const after[] = { "hash", "hashed", "digest", "sha1",
	"sha256", "sha512", "md5", "url", "uri", "path", "file", "filename",
	"folder", "dir", "directory", "type", "length", "len", "size", "count",
	"limit", "expiry", "expire", "expires", "expired", "expiration",
	"expiresat", "expiresin", "ttl", "policy", "regex", "pattern", "page",
	"cursor", "endpoint", "algorithm", "alg", "format", "version", "label",
	"title", "message", "msg", "error", "field", "description", "desc",
	"help", "hint", "text", "column", "table", "header", "param",
	"parameter", "queue", "topic", "bucket", "region", "class", "style",
	"theme", "button", "input", "manager", "provider", "ref", "arn",
	"author", "salt", "parser", "func", "function", "id", "name", "env",
	"var", "envvar", "at", "age", "prefix", "suffix", "idx", "no", "is",
	"in", "max", "min", "set", "get", "date", "time", "info", "state",
	"status", "mode", "enabled", "required", "valid", "match", "confirm",
	"check", "selector", "index", "schema", "location", "address", "issuer",
	"scope", "nonce", "source", "word", "board", "code", "last", "used",
	"changed", "updated", "created", "ciphertext", "mechanism", "signature",
	NULL };

/* Anywhere, glued to other letters as well. */
static const char *const inside[] = { "publishable", "keyid", "keyname",
	"checksum", "fingerprint", "thumbprint", "idempot", "tokeniz",
	"sitekey", "placeholder", "resettoken", "nexttoken", "maxtoken",
	"secretsmanager", "protobuf", NULL };

/* A token against forged requests goes to every visitor, the secret that signs
 * it to none. */
static const char *const forgery[] = { "csrf", "xsrf", NULL };

size_t
scrub_key_word(const uint8_t *p, size_t n)
{
	static const char *const starts[] = { "key", "token", "secret", "passw",
		"pass", "pwd", "pw", "auth", "cred", "bearer", "pat" };

	if (n < 2)
		return 0;
	switch ((p[0] | 0x20) << 8 | (p[1] | 0x20)) {
	case 'k' << 8 | 'e':
	case 't' << 8 | 'o':
	case 's' << 8 | 'e':
	case 'p' << 8 | 'a':
	case 'p' << 8 | 'w':
	case 'a' << 8 | 'u':
	case 'c' << 8 | 'r':
	case 'b' << 8 | 'e':
		break;
	default:
		return 0;
	}
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		size_t len = strlen(starts[i]);

		if (len <= n && !strncasecmp((const char *)p, starts[i], len))
			return len;
	}
	return 0;
}

/* A name's letters and digits, folded, and where its parts begin. */
struct name {
	char s[100];
	size_t len, last; /* the last part begins there */
	uint32_t
	    set; /* letters that occur, so that most words need no search */
	bool part[100];
};

/* "AWS_secretKey-2" -> "awssecretkey": digits and marks of a copy go. */
static void
squeeze(const uint8_t *p, size_t n, struct name *x)
{
	bool starts = true;

	x->len = x->last = 0;
	x->set = 0;
	for (size_t i = 0; i < n && x->len < sizeof x->s - 1; i++) {
		starts |= !isalnum(p[i]) ||
		    (i && isupper(p[i]) && islower(p[i - 1]));
		if (!isalnum(p[i]))
			continue;
		if (starts)
			x->last = x->len;
		x->part[x->len] = starts;
		x->s[x->len] = (char)tolower(p[i]);
		x->set |= (uint32_t)1 << (x->s[x->len++] & 31);
		starts = false;
	}
	while (x->len > x->last + 1 && isdigit(p[n - 1]) &&
	    isdigit((unsigned char)x->s[x->len - 1]))
		x->len--;
	x->s[x->len] = '\0';
}

static bool
is_one_of(const char *s, size_t n, const char *const *words)
{
	for (; *words; words++) {
		size_t len = strlen(*words);

		if ((n == len || (n == len + 1 && s[len] == 's')) &&
		    !memcmp(s, *words, len))
			return true;
	}
	return false;
}

/* Is a part of x between from and to one of the words? */
static bool
has_part(const struct name *x, size_t from, size_t to, const char *const *words)
{
	for (size_t i = from, start = from; i < to; i++)
		if (i + 1 == to || x->part[i + 1]) {
			if (is_one_of(x->s + start, i + 1 - start, words))
				return true;
			start = i + 1;
		}
	return false;
}

/* Where the part begins that ends before x->s[at). */
static size_t
part_before(const struct name *x, size_t at)
{
	while (at > 0 && !x->part[--at])
		;
	return at;
}

static bool
has_word(const struct name *x, const char *const *words)
{
	for (; *words; words++)
		if (x->set >> (**words & 31) & x->set >> ((*words)[1] & 31) &
			x->set >> ((*words)[2] & 31) & 1 &&
		    strstr(x->s, *words))
			return true;
	return false;
}

enum scrub_key
scrub_key_kind(const uint8_t *p, size_t n)
{
	struct name x;

	squeeze(p, n, &x);
	if (has_word(&x, inside))
		return KEY_NONE;
	for (size_t i = 0; i < sizeof key_words / sizeof *key_words; i++) {
		const char *word = key_words[i].word;
		size_t len = strlen(word), at;
		const char *found =
		    x.set >> (*word & 31) & 1 ? strstr(x.s, word) : NULL;

		if (!found)
			continue;
		at = (size_t)(found - x.s);
		/* The end, or one more part such as _prod or _value. */
		if (key_words[i].at_end && at + len != x.last && x.len >= len &&
		    strcmp(x.s + x.len - len, word) != 0)
			continue;
		if (key_words[i].at_end && at + len != x.last)
			at = x.len - len;
		if ((!strcmp(word, "auth") || !strcmp(word, "oauth")) &&
		    !x.part[at])
			continue; /* disableldapauth */
		return has_part(&x, 0, at, before) ||
			(key_words[i].kind != KEY_SECRET &&
			    has_word(&x, forgery)) ||
			has_part(&x, part_before(&x, at), at, right_before) ||
			has_part(&x, at + len, x.len, after) ?
		    KEY_NONE :
		    key_words[i].kind;
	}
	/* Inside a word these are nothing: a personal access token, ROOT_PW. */
	if (!strcmp(x.s + x.last, "psk"))
		return KEY_PASSWORD; /* of a wireless network */
	if (!x.last)
		return KEY_NONE;
	return !strcmp(x.s + x.last, "pat") ? KEY_TOKEN :
	    !strcmp(x.s + x.last, "pw")	    ? KEY_PASSWORD :
					      KEY_NONE;
}
