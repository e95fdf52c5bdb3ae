/* http.h - requests with deadlines; the only room of <curl/, which is loaded
 * (dlopen) at the first request so that programs that make none do not pay
 * for its 33 libraries.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_HTTP_H
#define BINDU_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/buf.h"
#include "lib/base/err.h"

struct bindu_http_req {
	const char *method; /* NULL: GET */
	const char *url;
	const char *unix_socket; /* NULL: TCP */
	const char *const *headers; /* "Name: value", NULL-terminated */
	const void *body;
	size_t bodylen;
	const char *connect_to; /* "127.0.0.1:PORT": go there instead */
	int64_t timeout_ms; /* whole request; 0: 30 s */
	size_t max_body; /* of the answer; 0: 1 MiB */
};
enum bindu_http_cause {
	BINDU_HTTP_OK,
	BINDU_HTTP_DNS,
	BINDU_HTTP_REFUSED,
	BINDU_HTTP_TLS,
	BINDU_HTTP_TIMEOUT,
	BINDU_HTTP_CLOSED,
	BINDU_HTTP_OTHER
};
struct bindu_http_res {
	int status;
	enum bindu_http_cause cause;
	char content_type[128];
	int retry_after; /* seconds, -1: not said */
	struct bindu_buf body;
};
/* Redirects are never followed, .netrc never read, TLS always verified
 * (system CAs, or BINDU_CACERT / SSL_CERT_FILE).  0: an answer came, whatever its status; -1: none
 * came, res->cause says why. */
int bindu_http(const struct bindu_http_req *, struct bindu_http_res *,
    struct bindu_err *);
/* An address that could be asked: http or https, a host, a port that there
 * is; else BINDU_E_USAGE. */
int bindu_http_check(const char *url, struct bindu_err *);
/* The URL for messages: without user part and query, which may hold secrets.
 * Caller frees. */
char *bindu_http_shown(const char *url);
void bindu_http_res_fini(struct bindu_http_res *);
#endif
