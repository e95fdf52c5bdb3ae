/* http.c - see http.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define CURL_DISABLE_TYPECHECK /* its macros do not fit function pointers */
#include "http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <string.h>
#include <strings.h>
#include "endpoint.h"
#include "lib/base/config.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/tool.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

#define DEFAULT_MS 30000
#define DEFAULT_BODY (1 << 20)
#define CONNECT_MS 10000

/* The functions of libcurl that we call, found at the first request. */
static struct {
	__typeof__(&curl_easy_init) init;
	__typeof__(&curl_easy_setopt) set;
	__typeof__(&curl_easy_perform) perform;
	__typeof__(&curl_easy_getinfo) get;
	__typeof__(&curl_easy_cleanup) cleanup;
	__typeof__(&curl_easy_strerror) text;
	__typeof__(&curl_url) url;
	__typeof__(&curl_url_set) url_set;
	__typeof__(&curl_url_strerror) url_text;
	__typeof__(&curl_url_cleanup) url_cleanup;
	__typeof__(&curl_slist_append) append;
	__typeof__(&curl_slist_free_all) free_list;
} curl;

static int
load(struct bindu_err *err)
{
	static const struct {
		const char *name;
		void *slot;
	} rows[] = {
		{ "curl_easy_init", &curl.init },
		{ "curl_easy_setopt", &curl.set },
		{ "curl_easy_perform", &curl.perform },
		{ "curl_easy_getinfo", &curl.get },
		{ "curl_easy_cleanup", &curl.cleanup },
		{ "curl_easy_strerror", &curl.text },
		{ "curl_url", &curl.url },
		{ "curl_url_set", &curl.url_set },
		{ "curl_url_strerror", &curl.url_text },
		{ "curl_url_cleanup", &curl.url_cleanup },
		{ "curl_slist_append", &curl.append },
		{ "curl_slist_free_all", &curl.free_list },
	};
	void *lib;

	if (curl.free_list != NULL)
		return 0;
	lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL)
		lib = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "libcurl is not installed (package libcurl4)");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *f = dlsym(lib, rows[i].name);

		if (f == NULL)
			return bindu_err_set(err, BINDU_E_UNAVAILABLE,
			    "libcurl lacks %s", rows[i].name);
		memcpy(rows[i].slot, &f, sizeof(f));
	}
	return 0;
}

struct transfer {
	struct bindu_http_res *res;
	bool too_big;
};

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	if (bindu_buf_add(&t->res->body, p, size * n, NULL) == 0)
		return size * n;
	t->too_big = true;
	return 0;
}

static int
look_for_signal(void *arg, curl_off_t a, curl_off_t b, curl_off_t c,
    curl_off_t d)
{
	(void)arg, (void)a, (void)b, (void)c, (void)d;
	return bindu_tool_pending();
}

char *
bindu_http_shown(const char *url)
{
	const char *host = strstr(url, "://"), *at = NULL;
	int n = (int)strcspn(url, "?#");

	host = host != NULL ? host + 3 : url;
	for (const char *p = host; *p != '\0' && strchr("/?#", *p) == NULL; p++)
		at = *p == '@' ? p : at;
	return at == NULL ? xasprintf("%.*s", n, url) :
			    xasprintf("%.*s%.*s", (int)(host - url), url,
				(int)(url + n - at - 1), at + 1);
}

int
bindu_http_check(const char *url, struct bindu_err *err)
{
	const char *host = strstr(url, "://");
	AUTO_FREE char *shown = bindu_http_shown(url);
	CURLUcode bad;
	CURLU *u;

	if (strncasecmp(url, "http://", 7) != 0 &&
	    strncasecmp(url, "https://", 8) != 0)
		return bindu_err_set(err, BINDU_E_USAGE,
		    "%s: use http:// or https://", shown);
	/* libcurl takes a third slash for a mistake and goes on. */
	if (host[3] == '\0' || host[3] == '/')
		return bindu_err_set(err, BINDU_E_USAGE, "%s: it names no host",
		    shown);
	if (load(err) == -1)
		return -1;
	u = curl.url();
	bad = curl.url_set(u, CURLUPART_URL, url, 0);
	curl.url_cleanup(u);
	return bad == CURLUE_OK ? 0 :
				  bindu_err_set(err, BINDU_E_USAGE, "%s: %s",
				      shown, curl.url_text(bad));
}

static enum bindu_http_cause
cause_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return BINDU_HTTP_OK;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return BINDU_HTTP_DNS;
	case CURLE_COULDNT_CONNECT:
		return BINDU_HTTP_REFUSED;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CERTPROBLEM:
		return BINDU_HTTP_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return BINDU_HTTP_TIMEOUT;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return BINDU_HTTP_CLOSED;
	default:
		return BINDU_HTTP_OTHER;
	}
}

static int
explain(const struct bindu_http_req *req, struct transfer *t, CURLcode code,
    const char *detail, struct bindu_err *err)
{
	static const enum bindu_errc classes[] = {
		[BINDU_HTTP_OK] = BINDU_E_NONE,
		[BINDU_HTTP_DNS] = BINDU_E_AGAIN,
		[BINDU_HTTP_REFUSED] = BINDU_E_AGAIN,
		[BINDU_HTTP_TLS] = BINDU_E_PROTOCOL,
		[BINDU_HTTP_TIMEOUT] = BINDU_E_AGAIN,
		[BINDU_HTTP_CLOSED] = BINDU_E_AGAIN,
		[BINDU_HTTP_OTHER] = BINDU_E_PROTOCOL,
	};
	AUTO_FREE char *where = bindu_http_shown(req->url);

	t->res->cause = cause_of(code);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return bindu_tool_interrupted(err);
	if (t->too_big)
		return bindu_err_set(err, BINDU_E_DATA,
		    "%s: the answer is larger than %zu bytes", where,
		    t->res->body.max);
	return bindu_err_set(err, classes[t->res->cause], "%s: %s%s", where,
	    *detail != '\0' ? detail : curl.text(code),
	    t->res->cause == BINDU_HTTP_DNS ? ": " BINDU_DNS_CURE : "");
}

static bool
stays_here(const struct bindu_http_req *req)
{
	const char *host = strstr(req->url, "://");
	size_t n;

	if (req->connect_to != NULL || req->unix_socket != NULL || host == NULL)
		return true;
	host += 3;
	n = strcspn(host, ":/?#");
	return strncmp(host, "127.", 4) == 0 ||
	    strncmp(host, "[::1]", 5) == 0 ||
	    (n >= 9 && strncmp(host + n - 9, "localhost", 9) == 0);
}

/* Rules that hold for every request. */
static void
set_rules(CURL *h, const struct bindu_http_req *req, struct transfer *t)
{
	const char *ca = bindu_config_env("BINDU_CACERT");

	if (ca == NULL)
		ca = bindu_config_env("SSL_CERT_FILE");
	if (ca != NULL)
		curl.set(h, CURLOPT_CAINFO, ca);
	curl.set(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl.set(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl.set(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl.set(h, CURLOPT_UNRESTRICTED_AUTH, 0L);
	curl.set(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl.set(h, CURLOPT_NOSIGNAL, 1L);
	curl.set(h, CURLOPT_USERAGENT, "bindu/" BINDU_VERSION);
	curl.set(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (stays_here(req))
		curl.set(h, CURLOPT_NOPROXY, "*");
	curl.set(h, CURLOPT_NOPROGRESS, 0L);
	curl.set(h, CURLOPT_XFERINFOFUNCTION, look_for_signal);
	curl.set(h, CURLOPT_XFERINFODATA, t);
	curl.set(h, CURLOPT_WRITEFUNCTION, take_body);
	curl.set(h, CURLOPT_WRITEDATA, t);
}

static void
set_request(CURL *h, const struct bindu_http_req *req)
{
	int64_t ms = req->timeout_ms != 0 ? req->timeout_ms : DEFAULT_MS;

	curl.set(h, CURLOPT_URL, req->url);
	if (req->method != NULL)
		curl.set(h, CURLOPT_CUSTOMREQUEST, req->method);
	if (req->method != NULL && strcmp(req->method, "HEAD") == 0)
		curl.set(h, CURLOPT_NOBODY, 1L);
	if (req->body != NULL) {
		curl.set(h, CURLOPT_POSTFIELDS, req->body);
		curl.set(h, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)req->bodylen);
	}
	if (req->unix_socket != NULL)
		curl.set(h, CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
	curl.set(h, CURLOPT_TIMEOUT_MS, (long)ms);
	curl.set(h, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(ms < CONNECT_MS ? ms : CONNECT_MS));
}

static void
take_answer(CURL *h, struct bindu_http_res *res)
{
	const char *type = NULL;
	curl_off_t after = 0;
	long status = 0;

	curl.get(h, CURLINFO_RESPONSE_CODE, &status);
	curl.get(h, CURLINFO_CONTENT_TYPE, &type);
	curl.get(h, CURLINFO_RETRY_AFTER, &after);
	res->status = (int)status;
	res->retry_after = after > 0 ? (int)(after < 86400 ? after : 86400) :
				       -1;
	if (type != NULL)
		strncpy(res->content_type, type, sizeof(res->content_type) - 1);
}

int
bindu_http(const struct bindu_http_req *req, struct bindu_http_res *res,
    struct bindu_err *err)
{
	struct transfer t = { .res = res };
	AUTO_FREE char *route = NULL;
	struct curl_slist *headers = NULL, *to = NULL;
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode code;
	CURL *h;

	memset(res, 0, sizeof(*res));
	res->cause = BINDU_HTTP_OTHER;
	res->retry_after = -1;
	res->body.max = req->max_body != 0 ? req->max_body : DEFAULT_BODY;
	if (load(err) == -1)
		return -1;
	h = curl.init();
	if (h == NULL)
		return bindu_err_set(err, BINDU_E_SYSTEM,
		    "libcurl gives no handle");
	set_rules(h, req, &t);
	set_request(h, req);
	curl.set(h, CURLOPT_ERRORBUFFER, detail);
	for (size_t i = 0; req->headers != NULL && req->headers[i] != NULL; i++)
		headers = curl.append(headers, req->headers[i]);
	/* No round trip to ask whether a small body is welcome. */
	headers = curl.append(headers, "Expect:");
	curl.set(h, CURLOPT_HTTPHEADER, headers);
	if (req->connect_to != NULL) {
		route = xasprintf("::%s", req->connect_to);
		to = curl.append(NULL, route);
		curl.set(h, CURLOPT_CONNECT_TO, to);
	}
	code = curl.perform(h);
	if (code == CURLE_OK)
		take_answer(h, res);
	curl.cleanup(h);
	curl.free_list(headers);
	curl.free_list(to);
	res->cause = cause_of(code);
	return code == CURLE_OK ? 0 : explain(req, &t, code, detail, err);
}

void
bindu_http_res_fini(struct bindu_http_res *res)
{
	bindu_buf_fini(&res->body);
}
