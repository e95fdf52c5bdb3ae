/* scrub_conn.c - logins inside addresses: scheme://user:password@host and
 * the other strings a client connects with.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

enum { LOGIN_MAX = 300 };

static bool
ends_login(uint8_t c)
{
	return c <= ' ' || c == '"' || c == '\'' || c == '<' || c == '>' ||
	    c == '`' || c == '\\' || c == 0x7f;
}

/* A slash in a password is possible, behind host:8080 it is not one. */
static bool
may_go_on(const uint8_t *p, size_t n)
{
	const uint8_t *colon = memrchr(p, ':', n);
	size_t digits = 0;

	if (!colon)
		return false;
	n -= (size_t)(colon + 1 - p);
	while (digits < n && isdigit(colon[1 + digits]))
		digits++;
	return digits < n;
}

/* The last @ before the login must end; 0 if none. */
static size_t
find_at(const struct scrub_text *t, size_t i)
{
	size_t found = 0, start = i;

	for (; i < t->n && i - start < LOGIN_MAX && !ends_login(t->p[i]); i++) {
		if (t->p[i] == '@')
			found = i;
		/* The host has begun, or there never was a login. */
		if ((t->p[i] == '/' || t->p[i] == '?' || t->p[i] == '#') &&
		    (found || !may_go_on(t->p + start, i - start)))
			break;
		if (t->p[i] == ',' && found)
			break; /* a list of hosts */
	}
	return found;
}

static bool
is_word_host(const uint8_t *p, size_t n)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1",
		"0.0.0.0", "::1", "[::1]", "host", "hostname", "server",
		"proxy", "example.com", "example.org", "example.net", "foo",
		"bar", "foo.com", "foo.bar", "bar.com", "a.com", "b.com",
		"test", "db", "test.com", "domain.com", "domain", "myhost",
		"your-host", "some.host", "www.example.com", "host.com",
		"google.com", "h", "host.docker.internal", "url", "address",
		"ip", "endpoint" };
	size_t len = 0;

	while (len < n && !strchr(":/?\"' ,;)\\]", p[len]))
		len++;
	if (!len || p[0] == '{' || p[0] == '$' || p[0] == '%' || p[0] == '<')
		return true;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		if (strlen(hosts[i]) == len &&
		    !strncasecmp((const char *)p, hosts[i], len))
			return true;
	return len > 8 &&
	    (memmem(p, len, "example", 7) ||
		!strncasecmp((const char *)p + len - 5, ".test", 5));
}

static size_t
percent_decode(const uint8_t *p, size_t n, uint8_t *out)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int c = p[i] == '%' && i + 2 < n ? scrub_hex(p + i + 1) : -1;

		out[len++] = c < 0 ? p[i] : (uint8_t)c;
		i += c < 0 ? 0 : 2;
	}
	return len;
}

int
scrub_login_level(const uint8_t *p, size_t n, const uint8_t *user, size_t ulen,
    bool word_host)
{
	uint8_t plain[LOGIN_MAX];
	bool digit = false, upper = false, lower = false, mark = false;
	double r;

	if (n < 4 || n > LOGIN_MAX)
		return -1;
	if (scrub_value_is_reference(p, n, true))
		return -1;
	n = percent_decode(p, n, plain);
	p = plain;
	if (p[0] == '[' || p[0] == ':' || (p[0] == '<' && p[n - 1] == '>') ||
	    scrub_is_placeholder(p, n) || scrub_is_common(p, n))
		return -1;
	if (n == ulen && !memcmp(p, user, n))
		return BINDU_SCRUB_NOTE;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < 32 || p[i] == '{' || p[i] == '}')
			return -1;
		digit |= isdigit(p[i]) != 0;
		upper |= isupper(p[i]) != 0;
		lower |= islower(p[i]) != 0;
		mark |= !isalnum(p[i]) && p[i] != '_' && p[i] != '-';
	}
	r = scrub_randomness(p, n);
	if (n >= 8 && (r > 0.5 || digit + upper + lower + mark >= 3))
		return word_host && r < 0 && digit + upper + lower + mark < 4 ?
		    BINDU_SCRUB_WARN :
		    BINDU_SCRUB_BLOCK;
	if (n >= 6 && digit && (upper || lower) && r > 0)
		return word_host ? BINDU_SCRUB_NOTE : BINDU_SCRUB_BLOCK;
	if (n >= 8 && digit && (upper || lower) && !word_host)
		return BINDU_SCRUB_BLOCK;
	return BINDU_SCRUB_NOTE;
}

/* Schemes where a public key stands before the @, or a host's user. */
static bool
names_key(const uint8_t *p, size_t at)
{
	static const char *const schemes[] = { "ssh", "enode", "enrtree" };

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t n = strlen(schemes[i]);

		if (at >= n && !memcmp(p + at - n, schemes[i], n))
			return true;
	}
	return false;
}

void
scrub_judge_url(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    bool weak)
{
	size_t user = at + 3, host, colon;
	const uint8_t *c;
	int level;

	if (!at ||
	    !(scrub_class[t->p[at - 1]] & CH_LOWER || isupper(t->p[at - 1])))
		return;
	host = find_at(t, user);
	if (!host || host + 1 >= t->n || ends_login(t->p[host + 1]))
		return;
	c = memchr(t->p + user, ':', host - user);
	/* //HOST:1433;user=...: a port, and no login before an @. */
	if (c &&
	    scrub_match("\\d{2,5};\\a{2,40}=", t->p, host,
		(size_t)(c + 1 - t->p)))
		return;
	if (!c) { /* https://TOKEN@host */
		if (host - user >= 20 && !names_key(t->p, at) &&
		    scrub_token_level(t->p + user, host - user, KEY_TOKEN) ==
			BINDU_SCRUB_BLOCK &&
		    scrub_match("\\b{20,300}", t->p, host, user) ==
			host - user &&
		    !memmem(t->p + host, t->n - host < 60 ? t->n - host : 60,
			"sentry", 6) &&
		    scrub_match("\\h{32}", t->p, host, user) != host - user)
			scrub_add(s, t, user, host, "connection/url-token",
			    BINDU_SCRUB_BLOCK, PRIO_CONN);
		return;
	}
	colon = (size_t)(c - t->p);
	level = scrub_login_level(t->p + colon + 1, host - colon - 1,
	    t->p + user, colon - user,
	    is_word_host(t->p + host + 1, t->n - host - 1));
	if (weak && level == BINDU_SCRUB_NOTE)
		level = BINDU_SCRUB_BLOCK;
	scrub_add(s, t, colon + 1, host, "connection/url-password", level,
	    PRIO_CONN);
}

/* AccountKey= and SharedAccessKey=: base64 of 32 or 64 bytes. */
static void
judge_account_key(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	const uint8_t *eq = memchr(t->p + at, '=', t->n - at);
	size_t v = (size_t)(eq - t->p) + 1;
	size_t len = scrub_match("\\B{40,88}={0,2}", t->p, t->n, v);

	if (len >= 40 &&
	    scrub_randomness(t->p + v, len > 60 ? 60 : len) > 0.5 &&
	    !scrub_is_placeholder(t->p + v, len))
		scrub_add(s, t, v, v + len, "connection/azure-key",
		    BINDU_SCRUB_BLOCK, PRIO_PROVIDER);
}

/* user:password@tcp(host:3306)/db of Go's MySQL driver. */
static void
judge_tcp(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t user = at, colon;
	const uint8_t *c;
	int level;

	while (user > 0 && at - user < 120 && !ends_login(t->p[user - 1]) &&
	    t->p[user - 1] != '=' && t->p[user - 1] != '/')
		user--;
	c = memchr(t->p + user, ':', at - user);
	if (!c)
		return;
	colon = (size_t)(c - t->p);
	level = scrub_login_level(c + 1, at - colon - 1, t->p + user,
	    colon - user, is_word_host(t->p + at + 5, t->n - at - 5));
	scrub_add(s, t, colon + 1, at, "connection/dsn-password", level,
	    PRIO_CONN);
}

/* jdbc:oracle:thin:USER/PASSWORD@host */
static void
judge_oracle(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t user = at + 12, host = user, v, name;
	const uint8_t *slash;
	int level;

	while (host < t->n && host - user < LOGIN_MAX && t->p[host] != '@' &&
	    !ends_login(t->p[host]))
		host++;
	if (host >= t->n || t->p[host] != '@')
		return;
	slash = memchr(t->p + user, '/', host - user);
	if (!slash)
		return;
	v = (size_t)(slash - t->p) + 1;
	name = host + 1;
	while (name < t->n && t->p[name] == '/')
		name++;
	level = scrub_login_level(t->p + v, host - v, t->p + user, v - 1 - user,
	    is_word_host(t->p + name, t->n - name));
	scrub_add(s, t, v, host, "connection/dsn-password", level, PRIO_CONN);
}

/* A shared access signature: ...?sv=...&se=...&sig=BASE64, percent-encoded. */
static void
judge_sas(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t lo = at, hi = at, v = at + 5, len = v;
	uint8_t plain[LOGIN_MAX];

	while (lo > 0 && at - lo < 500 && !ends_login(t->p[lo - 1]))
		lo--;
	while (hi < t->n && hi - at < 500 && !ends_login(t->p[hi]))
		hi++;
	while (len < hi && len - v < 100 && t->p[len] != '&' &&
	    (scrub_class[t->p[len]] & CH_ANYB64 || strchr("%=", t->p[len])))
		len++;
	len -= v;
	if (!memmem(t->p + lo, hi - lo, "se=", 3) ||
	    percent_decode(t->p + v, len, plain) != 44 || plain[43] != '=' ||
	    scrub_randomness(plain, 43) < 0.5 ||
	    scrub_is_placeholder(plain, 43))
		return;
	scrub_add(s, t, v, v + len, "connection/azure-sas", BINDU_SCRUB_BLOCK,
	    PRIO_CONN);
}

/* USER/PASSWORD@HOST:1521 of Oracle's tools. */
static void
judge_easy(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t lo = at > 160 ? at - 160 : 0, host = at, user, slash;
	int level;

	while (host > lo &&
	    (isalnum(t->p[host - 1]) || strchr(".-/", t->p[host - 1])))
		host--;
	if (host == at || host < lo + 4 || t->p[host - 1] != '@')
		return;
	for (user = host - 1; user > lo && !ends_login(t->p[user - 1]) &&
	     !strchr("=:@", t->p[user - 1]);)
		user--;
	for (slash = user; slash < host && t->p[slash] != '/';)
		slash++;
	if (slash == user || slash + 2 >= host)
		return;
	level = scrub_login_level(t->p + slash + 1, host - slash - 2,
	    t->p + user, slash - user, is_word_host(t->p + host, t->n - host));
	scrub_add(s, t, slash + 1, host - 1, "connection/dsn-password", level,
	    PRIO_CONN);
}

/* :pserver:USER:PASSWORD@HOST of CVS. */
static void
judge_cvs(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t user = at + 9, host = find_at(t, user), colon = user;
	int level;

	while (colon < host && t->p[colon] != ':')
		colon++;
	if (colon >= host)
		return;
	level = scrub_login_level(t->p + colon + 1, host - colon - 1,
	    t->p + user, colon - user, false);
	scrub_add(s, t, colon + 1, host, "connection/dsn-password", level,
	    PRIO_CONN);
}

void
scrub_judge_conn(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	if (t->p[at] == '@')
		judge_tcp(s, t, at);
	else if (t->p[at] == 'o')
		judge_oracle(s, t, at);
	else if (t->p[at] == ':' && t->p[at + 1] == 'p')
		judge_cvs(s, t, at);
	else if (t->p[at] == ':')
		judge_easy(s, t, at);
	else if (strchr("?&", t->p[at]))
		judge_sas(s, t, at);
	else
		judge_account_key(s, t, at);
}
