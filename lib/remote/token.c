/* token.c - see token.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "box_priv.h"
#include "http.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"
#include "lib/source/digest.h"

#define TOKEN_MAX 65536 /* of an answer, and of a cache file */
#define EARLY_S 300 /* renew so long before it ends */
#define LOCK_MS 30000
#define TRIES 3 /* of an exchange that may work later */
#define WAIT_S 5 /* after 429 without Retry-After */
#define WAIT_MAX_S 60

struct bindu_token {
	char *url; /* of the exchange; NULL: used as it is */
	char *key;
	char *name; /* of the cache file */
	char *value;
	double expires;
	double fresh_until; /* no renewal is due before */
	char *refused; /* the server did not take this one */
};

struct bindu_token *
bindu_token_new(const struct bindu_endpoint *e, struct bindu_err *err)
{
	const char *token = bindu_config_env("BOXD_TOKEN");
	const char *key = bindu_config_env("BOXD_API_KEY");
	AUTO_FREE char *url = NULL;
	struct bindu_token *t;
	AUTO_FREE char *seed = NULL;
	uint8_t sum[BINDU_SHA256];
	char hex[2 * BINDU_SHA256 + 1];

	if (token == NULL && key == NULL) {
		bindu_err_set(err, BINDU_E_CONFIG,
		    "BOXD_API_KEY or BOXD_TOKEN must be set");
		return NULL;
	}
	if (token == NULL) {
		url = bindu_endpoint_exchange(e, err);
		if (url == NULL)
			return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	if (token != NULL) {
		t->value = xstrdup(token);
		return t;
	}
	seed = xasprintf("%s\n%s", url, key);
	bindu_digest_bytes(seed, strlen(seed), sum);
	explicit_bzero(seed, strlen(seed));
	t->name = xasprintf("%.40s.json", bindu_str_hex(sum, sizeof(sum), hex));
	t->url = bindu_steal(&url);
	t->key = xstrdup(key);
	return t;
}

void
bindu_token_free(struct bindu_token *t)
{
	if (t == NULL)
		return;
	bindu_free_secret(t->key);
	bindu_free_secret(t->value);
	bindu_free_secret(t->refused);
	free(t->url);
	free(t->name);
	free(t);
}

static double
now(void)
{
	return (double)bindu_clock_wall();
}

static bool
is_refused(const struct bindu_token *t, const char *value)
{
	return t->refused != NULL && strcmp(t->refused, value) == 0;
}

/* Take {"token","expires_at"}; -1: it is no such object. */
static int
take_json(struct bindu_token *t, const char *p, size_t n, const char *what,
    struct bindu_err *err)
{
	AUTO_JSON json_t *o = bindu_json_parse(p, n, TOKEN_MAX, what, err);
	const char *value;
	double expires;

	if (o == NULL)
		return -1;
	value = bindu_json_str(o, "token");
	expires = json_number_value(json_object_get(o, "expires_at"));
	if (value == NULL || *value == '\0')
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "%s: it has no token", what);
	if (expires <= now())
		return bindu_err_set(err, BINDU_E_PROTOCOL,
		    "%s: its token has expired", what);
	bindu_free_secret(t->value);
	t->value = xstrdup(value);
	t->expires = expires;
	/* A token that lives less than ten minutes: half its life. */
	t->fresh_until = now() + (expires - now()) / 2;
	if (t->fresh_until < expires - EARLY_S)
		t->fresh_until = expires - EARLY_S;
	explicit_bzero((char *)value, strlen(value));
	return 0;
}

/* A cache others can read or that is not ours is refused, not repaired. */
static int
check_cache(int fd, const char *name, struct bindu_err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return bindu_err_sys(err, "cannot look at the token cache");
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0)
		return bindu_err_set(err, BINDU_E_AUTH,
		    "the token cache %s is open to others (mode %03o); "
		    "remove it",
		    name, (unsigned)st.st_mode & 0777);
	return 0;
}

/* 1: a token that may be used; 0: none; -1: a cache we do not trust. */
static int
load_cache(struct bindu_token *t, int dir, struct bindu_err *err)
{
	AUTO_CLOSE int fd = openat(dir, t->name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char *text = NULL;
	size_t n;
	int rc;

	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1) {
		bindu_err_sys(err, "cannot open the token cache %s", t->name);
		if (err != NULL)
			err->code = BINDU_E_AUTH;
		return -1;
	}
	if (check_cache(fd, t->name, err) == -1)
		return -1;
	if (bindu_fd_read_all(fd, TOKEN_MAX, &text, &n, NULL) == -1)
		return 0;
	/* What cannot be read is simply replaced. */
	rc = take_json(t, text, n, "token cache", NULL);
	explicit_bzero(text, n);
	free(text);
	return rc == 0 && !is_refused(t, t->value);
}

static void
store_cache(const struct bindu_token *t, int dir)
{
	AUTO_JSON json_t *o = json_object();
	char *text;

	bindu_json_set_str(o, "token", t->value);
	json_object_set_new(o, "expires_at", json_real(t->expires));
	text = bindu_json_text(o);
	/* Without a cache each tool exchanges for itself: slower, not wrong. */
	bindu_fd_replace(dir, t->name, 0600, text, strlen(text), NULL);
	bindu_free_secret(text);
}

/* Parallel tools wait for the one that exchanges.  -2: nothing can be
 * written there. */
static int
lock_cache(int dir, struct bindu_err *err)
{
	int64_t deadline = bindu_clock_deadline(LOCK_MS);
	AUTO_CLOSE int fd = openat(dir, "lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd == -1 && (errno == EROFS || errno == ENOSPC || errno == EDQUOT))
		return -2;
	if (fd == -1)
		return bindu_err_sys(err, "cannot lock the token cache");
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (bindu_clock_left(deadline) == 0)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "another tool has held the token cache for 30 s");
		if (bindu_pause(20, err) == -1)
			return -1;
	}
	return bindu_steal_fd(&fd);
}

/* What an answer means.  0: token taken; 1: try later; -1. */
static int
judge(struct bindu_token *t, struct bindu_http_res *res, struct bindu_err *err)
{
	switch (res->status) {
	case 200:
		if (take_json(t, res->body.p != NULL ? res->body.p : "",
			res->body.len, "answer of the key exchange", err) == 0)
			return 0;
		if (err != NULL)
			err->code = BINDU_E_PROTOCOL;
		return -1;
	case 401:
	case 403:
		return bindu_err_set(err, BINDU_E_AUTH,
		    "the API key is invalid, expired or revoked (%s)", t->url);
	case 429:
		bindu_err_set(err, BINDU_E_AGAIN,
		    "the key exchange limits its rate (%s)", t->url);
		return 1;
	default:
		break;
	}
	if (res->status >= 500) {
		bindu_err_set(err, BINDU_E_AGAIN,
		    "the key exchange fails with status %d (%s)", res->status,
		    t->url);
		return 1;
	}
	return bindu_err_set(err, BINDU_E_PROTOCOL,
	    "%s answers status %d; is it a boxd key exchange?", t->url,
	    res->status);
}

static int
post_key(struct bindu_token *t, struct bindu_http_res *res,
    struct bindu_err *err)
{
	static const char *const headers[] = { "Content-Type: application/json",
		"Accept: application/json", NULL };
	AUTO_JSON json_t *o = json_object();
	struct bindu_http_req req = { .method = "POST",
		.url = t->url,
		.headers = headers,
		.max_body = TOKEN_MAX };
	char *text;
	int rc;

	bindu_json_set_str(o, "api_key", t->key);
	text = bindu_json_text(o);
	explicit_bzero((char *)bindu_json_str(o, "api_key"), strlen(t->key));
	req.body = text;
	req.bodylen = strlen(text);
	rc = bindu_http(&req, res, err);
	bindu_free_secret(text);
	if (rc == -1 && err != NULL && err->code == BINDU_E_DATA)
		err->code = BINDU_E_PROTOCOL;
	return rc;
}

static int
exchange(struct bindu_token *t, struct bindu_err *err)
{
	bool limited = false;

	for (int try = 0;; try++) {
		struct bindu_err why = { 0 };
		struct bindu_http_res res;
		int wait = 500 << try;
		int rc = post_key(t, &res, &why);

		if (rc == 0)
			rc = judge(t, &res, &why);
		else if (why.code == BINDU_E_AGAIN)
			rc = 1;
		if (rc == 1 && res.status == 429) {
			/* Once: who is limited should not insist. */
			wait = res.retry_after > 0 ? res.retry_after : WAIT_S;
			wait = 1000 * (wait < WAIT_MAX_S ? wait : WAIT_MAX_S);
			rc = limited ? -1 : 1;
			limited = true;
		}
		if (res.body.p != NULL)
			explicit_bzero(res.body.p, res.body.len);
		bindu_http_res_fini(&res);
		if (rc == 0)
			return 0;
		if (rc == -1 || try + 1 == TRIES) {
			if (err != NULL)
				*err = why;
			return -1;
		}
		if (bindu_pause(wait, err) == -1)
			return -1;
	}
}

/* The cache's directory; -1: one we do not trust; -2: there can be none. */
static int
open_cache(struct bindu_err *err)
{
	AUTO_FREE char *cache = bindu_config_cache_dir();
	AUTO_FREE char *path = xasprintf("%s/tokens", cache);
	struct bindu_err why = { 0 };
	int dir = -1;

	if (bindu_config_make_cache(cache, &why) == 0)
		dir = bindu_fd_private_dir(path, &why);
	if (dir == -1 && why.code != BINDU_E_CONFIG)
		return -2;
	if (dir == -1 && err != NULL)
		*err = why;
	return dir;
}

/* Under the lock: somebody may have renewed it meanwhile. */
static int
renew_cached(struct bindu_token *t, struct bindu_err *err)
{
	AUTO_CLOSE int dir = open_cache(err), lock = -1;
	struct bindu_err why = { 0 };
	int rc;

	if (dir == -1)
		return -1;
	/* No home, or one that is read-only: each exchanges for itself. */
	if (dir == -2)
		return exchange(t, err);
	rc = load_cache(t, dir, err);
	if (rc == -1 || (rc == 1 && t->expires > now() + EARLY_S))
		return rc == -1 ? -1 : 0;
	lock = lock_cache(dir, err);
	if (lock == -1)
		return -1;
	rc = load_cache(t, dir, err);
	if (rc == -1 || (rc == 1 && t->expires > now() + EARLY_S))
		return rc == -1 ? -1 : 0;
	if (exchange(t, &why) == 0) {
		store_cache(t, dir);
		return 0;
	}
	/* An old token that still holds is better than none. */
	if (rc == 1 && t->expires > now())
		return 0;
	if (err != NULL)
		*err = why;
	return -1;
}

const char *
bindu_token_get(struct bindu_token *t, struct bindu_err *err)
{
	/* A secret is in memory from here on: no core, no debugger. */
	static const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	if (t->url == NULL)
		return t->value;
	if (t->value != NULL && t->fresh_until > now() &&
	    !is_refused(t, t->value))
		return t->value;
	return renew_cached(t, err) == 0 ? t->value : NULL;
}

bool
bindu_token_renew(struct bindu_token *t)
{
	if (t->url == NULL || t->refused != NULL || t->value == NULL)
		return false;
	t->refused = bindu_steal(&t->value);
	return true;
}
