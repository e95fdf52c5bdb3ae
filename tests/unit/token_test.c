/* token: what a key exchange may answer, and what a cache may hold.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <glob.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "answers.h"
#include "fixture.h"
#include "lib/base/clock.h"
#include "lib/remote/token.h"
#include "tap.h"

#define KEY "key-that-nobody-may-read"

static struct bindu_endpoint endpoint;
static char fresh[99], short_lived[99], old[99], expired[99], text[99];
static char huge[80000];

static struct {
	const char *what;
	struct answer script[5];
	const char *token; /* NULL: it must fail, with code and words */
	enum bindu_errc code;
	const char *words;
	int seen; /* requests it takes */
} rows[] = {
	{ "a token is taken", { { 200, NULL, fresh } }, "t1", 0, NULL, 1 },
	{ "one that lives a minute too", { { 200, NULL, short_lived } }, "t2",
	    0, NULL, 1 },
	{ "401 is final", { { 401, NULL, NULL } }, NULL, BINDU_E_AUTH,
	    "invalid, expired or revoked", 1 },
	{ "403 is final", { { 403, NULL, fresh } }, NULL, BINDU_E_AUTH,
	    "invalid, expired or revoked", 1 },
	{ "404 is another service", { { 404, NULL, NULL } }, NULL,
	    BINDU_E_PROTOCOL, "is it a boxd key exchange?", 1 },
	{ "a key follows no redirect",
	    { { 302, "Location: /x\r\n", NULL }, { 200, NULL, fresh } }, NULL,
	    BINDU_E_PROTOCOL, "status 302", 1 },
	{ "a server that fails is asked again",
	    { { 500, NULL, NULL }, { 200, NULL, fresh } }, "t1", 0, NULL, 2 },
	{ "three times at most", { { 503, NULL, NULL } }, NULL, BINDU_E_AGAIN,
	    "status 503", 3 },
	{ "one that hangs up is asked again",
	    { { CLOSES, NULL, NULL }, { 200, NULL, fresh } }, "t1", 0, NULL,
	    2 },
	{ "who is limited waits as told",
	    { { 429, "Retry-After: 1\r\n", NULL }, { 200, NULL, fresh } }, "t1",
	    0, NULL, 2 },
	{ "and does not insist", { { 429, "Retry-After: 1\r\n", NULL } }, NULL,
	    BINDU_E_AGAIN, "limits its rate", 2 },
	{ "an empty answer", { { 200, NULL, "" } }, NULL, BINDU_E_PROTOCOL,
	    "answer of the key exchange", 1 },
	{ "an answer that is a page", { { 200, NULL, "<html>" } }, NULL,
	    BINDU_E_PROTOCOL, "answer of the key exchange", 1 },
	{ "an answer that is no object", { { 200, NULL, "[1]" } }, NULL,
	    BINDU_E_PROTOCOL, "no token", 1 },
	{ "a token that is no text", { { 200, NULL, "{\"token\":7}" } }, NULL,
	    BINDU_E_PROTOCOL, "no token", 1 },
	{ "a token that is empty", { { 200, NULL, "{\"token\":\"\"}" } }, NULL,
	    BINDU_E_PROTOCOL, "no token", 1 },
	{ "a token that never ends", { { 200, NULL, "{\"token\":\"t\"}" } },
	    NULL, BINDU_E_PROTOCOL, "has expired", 1 },
	{ "an end that is no number", { { 200, NULL, text } }, NULL,
	    BINDU_E_PROTOCOL, "has expired", 1 },
	{ "a token that has ended", { { 200, NULL, expired } }, NULL,
	    BINDU_E_PROTOCOL, "has expired", 1 },
	{ "an answer without end", { { 200, NULL, huge } }, NULL,
	    BINDU_E_PROTOCOL, "", 1 },
};

static void
forget(void)
{
	bindu_fd_rmtree(AT_FDCWD, "cache", NULL);
}

static struct bindu_token *
make(void)
{
	struct bindu_err err = { 0 };
	struct bindu_token *t = bindu_token_new(&endpoint, &err);

	if (t == NULL)
		abort();
	return t;
}

/* What a new tool would send, or why it has nothing. */
static int
ask(char out[64], struct bindu_err *err)
{
	struct bindu_token *t = make();
	const char *value = bindu_token_get(t, err);

	snprintf(out, 64, "%s", value != NULL ? value : "");
	bindu_token_free(t);
	return value != NULL ? 0 : -1;
}

static void
exchange(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bindu_err err = { 0 };
		char got[64];
		int rc;

		forget();
		answer_with(rows[i].script);
		rc = ask(got, &err);
		if (rows[i].token != NULL)
			ok(rc == 0 && !strcmp(got, rows[i].token) &&
				answers->seen == rows[i].seen,
			    "%s", rows[i].what);
		else
			ok(rc == -1 && err.code == rows[i].code &&
				strstr(err.msg, rows[i].words) != NULL &&
				strstr(err.msg, KEY) == NULL &&
				answers->seen == rows[i].seen,
			    "%s (%s)", rows[i].what, err.msg);
	}
}

/* The one cache file; made by an exchange if there is none. */
static const char *
cache_file(void)
{
	static char path[4096];
	char got[64];
	glob_t g;

	forget();
	answer_with((struct answer[]){ { 200, NULL, fresh }, { 0 } });
	if (ask(got, NULL) == -1 ||
	    glob("cache/bindu/tokens/*.json", 0, NULL, &g) != 0 ||
	    g.gl_pathc != 1)
		abort();
	snprintf(path, sizeof path, "%s", g.gl_pathv[0]);
	globfree(&g);
	answer_with((struct answer[]){ { 200, NULL, short_lived }, { 0 } });
	return path;
}

static void
fill(const char *path, const char *what)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd == -1 || write(fd, what, strlen(what)) != (ssize_t)strlen(what))
		abort();
}

static void
cached(void)
{
	const char *path = cache_file();
	struct stat st;
	char got[64], body[4096] = "";
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	ok(strstr(answers->last, KEY) == NULL && ask(got, NULL) == 0 &&
		!strcmp(got, "t1") && answers->seen == 0,
	    "the next tool exchanges nothing");
	ok(fd != -1 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600 &&
		read(fd, body, sizeof body - 1) > 0 &&
		strstr(body, "t1") != NULL && strstr(body, KEY) == NULL,
	    "the cache is private and holds the token, not the key");
	fill(path, old);
	ok(ask(got, NULL) == 0 && !strcmp(got, "t2"),
	    "a token is renewed before it ends");
	fill(path, old);
	answer_with((struct answer[]){ { 401, NULL, NULL }, { 0 } });
	ok(ask(got, NULL) == 0 && !strcmp(got, "t0") && answers->seen == 1,
	    "one that still holds is better than none");
	fill(path, expired);
	ok(ask(got, NULL) == -1, "one that has ended is not");
	answer_with((struct answer[]){ { 200, NULL, fresh }, { 0 } });
	for (const char **p =
		 (const char *[]){ "", "{", "nonsense", huge, text, NULL };
	     *p != NULL; p++) {
		fill(path, *p);
		ok(ask(got, NULL) == 0 && !strcmp(got, "t1"),
		    "a cache of %.8s%s is replaced", **p ? *p : "nothing",
		    strlen(*p) > 8 ? "..." : "");
	}
}

static void
refuse(const char *what, const char *words)
{
	struct bindu_err err = { 0 };
	char got[64];

	ok(ask(got, &err) == -1 &&
		(err.code == BINDU_E_AUTH || err.code == BINDU_E_CONFIG) &&
		strstr(err.msg, words) != NULL && answers->seen == 0,
	    "a cache that is %s is refused (%s)", what, err.msg);
}

static void
hostile(void)
{
	const char *path = cache_file();

	chmod(path, 0644);
	refuse("open to others", "open to others (mode 644)");
	chmod(path, 0600);
	if (rename(path, "moved") == -1 || symlink("../../../moved", path))
		abort();
	refuse("a link", "cannot open the token cache");
	unlink(path);
	if (mkfifo(path, 0600) == -1)
		abort();
	refuse("a FIFO", "open to others");
	unlink(path);
	if (mkdir(path, 0700) == -1)
		abort();
	refuse("a directory", "open to others");
	rmdir(path);
	chmod("cache/bindu/tokens", 0777);
	refuse("in a directory of everyone", "");
	chmod("cache/bindu/tokens", 0700);
	if (geteuid() == 0) {
		fill((path = cache_file()), fresh);
		if (chown(path, 12345, 0) == -1)
			abort();
		refuse("another user's", "token cache");
	}
}

/* A tool that holds the lock leaves a token behind. */
static void
parallel(void)
{
	const char *path = cache_file();
	AUTO_CLOSE int lock = -1;
	char got[64];
	int64_t began = bindu_clock_ms();
	pid_t pid;

	unlink(path);
	lock = open("cache/bindu/tokens/lock", O_RDWR | O_CLOEXEC);
	if (lock == -1 || flock(lock, LOCK_EX) == -1)
		abort();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int fd;

		usleep(200000);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		_exit(write(fd, fresh, strlen(fresh)) == -1 ||
		    flock(lock, LOCK_UN) == -1);
	}
	ok(ask(got, NULL) == 0 && !strcmp(got, "t1") && answers->seen == 0 &&
		bindu_clock_ms() - began >= 200,
	    "who waits for another's exchange uses its token");
	waitpid(pid, NULL, 0);
}

static void
renewal(void)
{
	struct bindu_token *t = make();
	const char *got;

	forget();
	answer_with((struct answer[]){ { 200, NULL, fresh },
	    { 200, NULL, short_lived }, { 0 } });
	ok(!bindu_token_renew(t), "what was never sent was not refused");
	got = bindu_token_get(t, NULL);
	ok(got != NULL && !strcmp(got, "t1"), "the first token");
	got = bindu_token_get(t, NULL);
	ok(got != NULL && answers->seen == 1, "it stays in memory");
	ok(bindu_token_renew(t), "a refused one is exchanged");
	got = bindu_token_get(t, NULL);
	ok(got != NULL && !strcmp(got, "t2") && answers->seen == 2,
	    "not taken from the cache again");
	ok(!bindu_token_renew(t), "a second refusal is final");
	bindu_token_free(t);
}

static void
given(void)
{
	struct bindu_err err = { 0 };
	char got[64];
	struct bindu_token *t;

	setenv("XDG_CACHE_HOME", "/proc/none", 1);
	answer_with((struct answer[]){ { 200, NULL, fresh }, { 0 } });
	ok(ask(got, &err) == 0 && !strcmp(got, "t1"),
	    "without a place for a cache it is exchanged all the same");
	setenv("BOXD_TOKEN", "as-it-is", 1);
	answers->seen = 0;
	t = make();
	ok(!strcmp(bindu_token_get(t, NULL), "as-it-is") &&
		!bindu_token_renew(t) && answers->seen == 0,
	    "BOXD_TOKEN is used as it is and never renewed");
	bindu_token_free(t);
	unsetenv("BOXD_TOKEN");
	setenv("BOXD_API_KEY", "", 1);
	ok(bindu_token_new(&endpoint, &err) == NULL &&
		err.code == BINDU_E_CONFIG,
	    "neither is said (%s)", err.msg);
}

static void
say(char *out, const char *token, int64_t lives)
{
	snprintf(out, 99, "{\"token\":\"%s\",\"expires_at\":%lld}", token,
	    (long long)(bindu_clock_wall() + lives));
}

int
main(void)
{
	char url[64], cache[256];

	say(fresh, "t1", 3600);
	say(short_lived, "t2", 60);
	say(old, "t0", 120);
	say(expired, "t0", -1);
	snprintf(text, sizeof text, "{\"token\":\"t\",\"expires_at\":\"x\"}");
	memset(huge, ' ', sizeof huge - 1);
	answers_begin();
	if (chdir(fixture_begin()) == -1)
		return 1;
	snprintf(cache, sizeof cache, "%s/cache", fixture_root);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/token", answers_port);
	setenv("XDG_CACHE_HOME", cache, 1);
	setenv("BOXD_EXCHANGE_URL", url, 1);
	setenv("BOXD_API_KEY", KEY, 1);
	unsetenv("BOXD_TOKEN");
	if (bindu_endpoint_parse("https://h.test:1", &endpoint, NULL) == -1)
		return 1;
	exchange();
	cached();
	hostile();
	parallel();
	renewal();
	given();
	bindu_endpoint_fini(&endpoint);
	answers_end();
	fixture_end();
	return done();
}
