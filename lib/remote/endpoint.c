/* endpoint.c - the plaintext rule and the derived exchange address.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define DEFAULT_URL "https://boxd.sh:9443"
#define OLD_DEFAULT_URL "http://boxd.sh:9443"
#define TOKEN_PATH "/api/v1/auth/token"

void
bindu_endpoint_fini(struct bindu_endpoint *e)
{
	free(e->unix_path);
	free(e->host);
	free(e->port);
	free(e->address);
	memset(e, 0, sizeof(*e));
}

const char *
bindu_endpoint_url(void)
{
	const char *url = bindu_config_env("BOXD_BASE_URL");

	if (url == NULL)
		url = bindu_config_env("BOXD_API_URL");
	return url != NULL ? url : DEFAULT_URL;
}

static bool
is_loopback(const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	if (sa->sa_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return v6->sin6_addr.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* *address gets the first address of host when all of them are loopback; it
 * stays NULL when one is not. */
static int
resolve_loopback(const char *host, const char *port, char **address,
    struct bindu_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char text[NI_MAXHOST];
	bool ours = true;
	int rc;

	rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0)
		return bindu_err_set(err, BINDU_E_AGAIN,
		    "cannot find host %s: %s", host, gai_strerror(rc));
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
		ours = ours && is_loopback(a->ai_addr);
	if (ours && list != NULL &&
	    getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof(text),
		NULL, 0, NI_NUMERICHOST) == 0)
		*address = xstrdup(text);
	freeaddrinfo(list);
	return 0;
}

/* Split "HOST[:PORT][/]"; brackets around an IPv6 address are taken off. */
static int
split_authority(const char *text, const char *defport, struct bindu_endpoint *e,
    struct bindu_err *err)
{
	const char *end = text + strcspn(text, "/?#");
	const char *colon = NULL, *host = text, *hostend = end;
	uint32_t port;

	if (strcspn(end, "?#") != strlen(end) ||
	    (*end == '/' && end[1] != '\0') ||
	    memchr(text, '@', (size_t)(end - text)) != NULL)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "boxd address %s: only scheme, host and port may stand there",
		    text);
	if (*text == '[') {
		host = text + 1;
		hostend = memchr(text, ']', (size_t)(end - text));
		if (hostend == NULL)
			return bindu_err_set(err, BINDU_E_CONFIG,
			    "boxd address %s: missing ]", text);
		if (hostend + 1 < end)
			colon = hostend + 1;
	} else {
		colon = memchr(text, ':', (size_t)(end - text));
		if (colon != NULL)
			hostend = colon;
	}
	e->host = xstrndup(host, (size_t)(hostend - host));
	e->port = colon != NULL ?
	    xstrndup(colon + 1, (size_t)(end - colon - 1)) :
	    xstrdup(defport);
	if (*e->host == '\0' || (colon != NULL && *colon != ':') ||
	    bindu_str_u32(e->port, &port, NULL) == -1 || port == 0 ||
	    port > 65535)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "boxd address %s: not HOST:PORT", text);
	return 0;
}

static bool
is_local_name(const char *host)
{
	return bindu_str_icmp(host, "localhost") == 0 ||
	    bindu_str_starts(host, "127.") || strcmp(host, "::1") == 0;
}

static int
parse(const char *url, struct bindu_endpoint *e, struct bindu_err *err)
{
	bool plain = false;

	if (bindu_str_starts(url, "unix:")) {
		url += strlen("unix:");
		while (url[0] == '/' && url[1] == '/')
			url++;
		if (*url != '/')
			return bindu_err_set(err, BINDU_E_CONFIG,
			    "boxd address unix:%s: not an absolute path", url);
		e->unix_path = xstrdup(url);
		return 0;
	}
	if (strcmp(url, OLD_DEFAULT_URL) == 0 ||
	    strcmp(url, OLD_DEFAULT_URL "/") == 0) {
		url = DEFAULT_URL;
		e->upgraded = true;
	}
	if (strncasecmp(url, "https://", 8) == 0) {
		if (split_authority(url + 8, "443", e, err) == -1)
			return -1;
	} else if (strncasecmp(url, "http://", 7) == 0) {
		plain = true;
		if (split_authority(url + 7, "80", e, err) == -1)
			return -1;
	} else {
		if (strstr(url, "://") != NULL)
			return bindu_err_set(err, BINDU_E_CONFIG,
			    "boxd address %s: use https://HOST:PORT", url);
		if (split_authority(url, "9443", e, err) == -1)
			return -1;
		plain = is_local_name(e->host);
	}
	e->tls = !plain;
	if (e->tls)
		return 0;
	if (resolve_loopback(e->host, e->port, &e->address, err) == -1)
		return -1;
	if (e->address == NULL)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "refusing to send credentials to http://%s:%s without TLS; "
		    "use https://",
		    e->host, e->port);
	return 0;
}

int
bindu_endpoint_parse(const char *url, struct bindu_endpoint *e,
    struct bindu_err *err)
{
	memset(e, 0, sizeof(*e));
	if (parse(url, e, err) == 0)
		return 0;
	bindu_endpoint_fini(e);
	return -1;
}

static bool
is_ip(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 ||
	    inet_pton(AF_INET6, host, &any) == 1;
}

/* A key is worth more than a token: never in clear off this machine, not
 * even when the user names the exchange. */
static int
check_exchange(const char *url, struct bindu_err *err)
{
	AUTO_ENDPOINT struct bindu_endpoint e = { 0 };
	AUTO_FREE char *base = NULL;
	const char *slash;

	if (strncasecmp(url, "https://", 8) == 0)
		return 0;
	if (strncasecmp(url, "http://", 7) != 0)
		return bindu_err_set(err, BINDU_E_CONFIG,
		    "BOXD_EXCHANGE_URL %s: use https://", url);
	slash = strchr(url + 7, '/');
	base = slash != NULL ? xstrndup(url, (size_t)(slash - url)) :
			       xstrdup(url);
	if (bindu_endpoint_parse(base, &e, err) == -1)
		return -1;
	return e.address != NULL ?
	    0 :
	    bindu_err_set(err, BINDU_E_CONFIG,
		"BOXD_EXCHANGE_URL %s: use https://", url);
}

char *
bindu_endpoint_exchange(const struct bindu_endpoint *e, struct bindu_err *err)
{
	const char *set = bindu_config_env("BOXD_EXCHANGE_URL");
	bool v6;

	if (set != NULL)
		return check_exchange(set, err) == -1 ? NULL : xstrdup(set);
	if (e->unix_path != NULL) {
		bindu_err_set(err, BINDU_E_CONFIG,
		    "an API key cannot be exchanged over a unix socket; set "
		    "BOXD_EXCHANGE_URL");
		return NULL;
	}
	v6 = strchr(e->host, ':') != NULL;
	if (bindu_str_icmp(e->host, "localhost") == 0 || is_ip(e->host) ||
	    bindu_str_starts(e->host, "app."))
		return xasprintf("%s://%s%s%s:%s" TOKEN_PATH,
		    e->tls ? "https" : "http", v6 ? "[" : "", e->host,
		    v6 ? "]" : "", e->port);
	return xasprintf("https://app.%s" TOKEN_PATH, e->host);
}
