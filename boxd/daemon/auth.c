/* auth.c - the key of TCP clients and their signed tokens.
 * SPDX-License-Identifier: Apache-2.0 */
#include "auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/source/digest.h"

#define KEY_PREFIX "bxk_"
#define TOKEN_PREFIX "bxt_"
#define SECRET 32
#define BODY 32 /* hex of expiry and nonce, 8 bytes each */
#define TRIES 10 /* wrong keys a minute */
#define MINUTE_MS 60000

struct auth {
	uint8_t secret[SECRET];
	char *key;
	unsigned wrong; /* since window */
	int64_t window;
};

/* The text of STATE/name, made of 32 random bytes when it is not there. */
static char *
load(int state_fd, const char *name, const char *prefix, struct bindu_err *err)
{
	struct bindu_err e = { 0 };
	uint8_t rnd[SECRET];
	char hex[2 * SECRET + 1], *text = NULL;
	size_t n;

	if (bindu_fd_read_file(state_fd, name, 256, &text, &n, &e) == 0) {
		text[strcspn(text, "\n")] = '\0';
		if (strlen(text) == strlen(prefix) + 2 * SECRET)
			return text;
		bindu_free_secret(text);
		bindu_err_set(err, BINDU_E_DATA,
		    "%s is damaged: delete it, a "
		    "new one is made",
		    name);
		return NULL;
	}
	if (e.code != BINDU_E_NOINPUT) {
		bindu_err_set(err, e.code, "%s", e.msg);
		return NULL;
	}
	if (getrandom(rnd, sizeof rnd, 0) != sizeof rnd) {
		bindu_err_sys(err, "cannot get random bytes");
		return NULL;
	}
	text = xasprintf("%s%s", prefix, bindu_str_hex(rnd, sizeof rnd, hex));
	explicit_bzero(rnd, sizeof rnd);
	explicit_bzero(hex, sizeof hex);
	if (bindu_fd_replace(state_fd, name, 0600, text, strlen(text), err) ==
	    0)
		return text;
	bindu_free_secret(text);
	return NULL;
}

char *
auth_key(int state_fd, struct bindu_err *err)
{
	return load(state_fd, "key", KEY_PREFIX, err);
}

struct auth *
auth_open(int state_fd, struct bindu_err *err)
{
	char *hex = load(state_fd, "secret", "", err);
	struct auth *a;

	if (!hex)
		return NULL;
	a = xcalloc(1, sizeof *a);
	if (bindu_str_unhex(hex, a->secret, SECRET) == -1)
		bindu_err_set(err, BINDU_E_DATA,
		    "secret is damaged: delete it, a new one is made");
	else
		a->key = auth_key(state_fd, err);
	bindu_free_secret(hex);
	if (a->key)
		return a;
	auth_close(a);
	return NULL;
}

void
auth_close(struct auth *a)
{
	if (!a)
		return;
	bindu_free_secret(a->key);
	explicit_bzero(a->secret, sizeof a->secret);
	free(a);
}

/* Takes the same time whatever differs. */
static bool
same(const char *a, const char *b, size_t n)
{
	unsigned char diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)(a[i] ^ b[i]);
	return diff == 0;
}

/* HMAC-SHA256 (RFC 2104) in hex. */
static void
sign(const struct auth *a, const char *text, size_t n,
    char hex[2 * BINDU_SHA256 + 1])
{
	uint8_t inner[64 + BODY], outer[64 + BINDU_SHA256];
	uint8_t mac[BINDU_SHA256];

	memset(inner, 0x36, 64);
	memset(outer, 0x5c, 64);
	for (int i = 0; i < SECRET; i++) {
		inner[i] ^= a->secret[i];
		outer[i] ^= a->secret[i];
	}
	memcpy(inner + 64, text, n);
	bindu_digest_bytes(inner, 64 + n, outer + 64);
	bindu_digest_bytes(outer, sizeof outer, mac);
	bindu_str_hex(mac, sizeof mac, hex);
	explicit_bzero(inner, sizeof inner);
	explicit_bzero(outer, sizeof outer);
}

static void
put64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

char *
auth_exchange(struct auth *a, const char *key, int64_t *expires,
    struct bindu_err *err)
{
	int64_t now = bindu_clock_ms();
	uint8_t raw[BODY / 2];
	char body[BODY + 1], mac[2 * BINDU_SHA256 + 1];

	if (now - a->window > MINUTE_MS) {
		a->window = now;
		a->wrong = 0;
	}
	/* The right one always passes: others cannot use it up, and 32 random
	 * bytes are not guessed. */
	if (strlen(key) != strlen(a->key) || !same(key, a->key, strlen(key))) {
		if (a->wrong >= TRIES) {
			bindu_err_set(err, BINDU_E_AGAIN,
			    "too many wrong keys");
			err->detail =
			    (int)((a->window + MINUTE_MS - now) / 1000) + 1;
			return NULL;
		}
		a->wrong++;
		bindu_err_set(err, BINDU_E_AUTH, "this is not the key");
		return NULL;
	}
	*expires = bindu_clock_wall() + AUTH_TOKEN_SECS;
	put64(raw, (uint64_t)*expires);
	if (getrandom(raw + 8, 8, 0) != 8) {
		bindu_err_sys(err, "cannot get random bytes");
		return NULL;
	}
	bindu_str_hex(raw, sizeof raw, body);
	sign(a, body, BODY, mac);
	return xasprintf(TOKEN_PREFIX "%s%s", body, mac);
}

bool
auth_token_ok(const struct auth *a, const char *token)
{
	size_t prefix = strlen(TOKEN_PREFIX);
	char mac[2 * BINDU_SHA256 + 1], when[17];
	uint8_t raw[8];
	uint64_t expires = 0;

	if (strlen(token) != prefix + BODY + sizeof mac - 1 ||
	    !bindu_str_starts(token, TOKEN_PREFIX))
		return false;
	token += prefix;
	sign(a, token, BODY, mac);
	if (!same(mac, token + BODY, sizeof mac - 1))
		return false;
	snprintf(when, sizeof when, "%s", token);
	if (bindu_str_unhex(when, raw, sizeof raw) == -1)
		return false;
	for (int i = 0; i < 8; i++)
		expires = expires << 8 | raw[i];
	return (uint64_t)bindu_clock_wall() < expires;
}
