/* rpc_status.c - a gRPC status becomes one of our errors.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "rpc_priv.h"

#define DETAILS_MAX 400 /* of the server's text that we show */

static const struct {
	enum bindu_errc code;
	const char *text; /* when the server says nothing */
} rows[] = {
	[GRPC_STATUS_OK] = { BINDU_E_PROTOCOL, "no answer" },
	[GRPC_STATUS_CANCELLED] = { BINDU_E_AGAIN, "cancelled" },
	[GRPC_STATUS_UNKNOWN] = { BINDU_E_PROTOCOL, "failed on the server" },
	[GRPC_STATUS_INVALID_ARGUMENT] = { BINDU_E_DATA, "invalid argument" },
	[GRPC_STATUS_DEADLINE_EXCEEDED] = { BINDU_E_AGAIN,
	    "no answer in time" },
	[GRPC_STATUS_NOT_FOUND] = { BINDU_E_NOINPUT, "not found" },
	[GRPC_STATUS_ALREADY_EXISTS] = { BINDU_E_EXISTS, "exists already" },
	[GRPC_STATUS_PERMISSION_DENIED] = { BINDU_E_AUTH, "not allowed" },
	[GRPC_STATUS_RESOURCE_EXHAUSTED] = { BINDU_E_AGAIN, "quota exhausted" },
	[GRPC_STATUS_FAILED_PRECONDITION] = { BINDU_E_UNAVAILABLE,
	    "not possible in this state" },
	[GRPC_STATUS_ABORTED] = { BINDU_E_AGAIN, "aborted" },
	[GRPC_STATUS_OUT_OF_RANGE] = { BINDU_E_DATA, "out of range" },
	[GRPC_STATUS_UNIMPLEMENTED] = { BINDU_E_UNAVAILABLE,
	    "this server does not offer the call" },
	[GRPC_STATUS_INTERNAL] = { BINDU_E_PROTOCOL, "failed on the server" },
	[GRPC_STATUS_UNAVAILABLE] = { BINDU_E_AGAIN, "cannot be reached" },
	[GRPC_STATUS_DATA_LOSS] = { BINDU_E_IO, "data lost" },
	[GRPC_STATUS_UNAUTHENTICATED] = { BINDU_E_AUTH,
	    "the key or token is invalid, expired or revoked" },
};

/* gRPC core explains a peer that is no gRPC server only in words. */
static const char *
alien(int code, const char *text)
{
	if (code != GRPC_STATUS_UNAVAILABLE && code != GRPC_STATUS_UNKNOWN &&
	    code != GRPC_STATUS_UNIMPLEMENTED && code != GRPC_STATUS_INTERNAL &&
	    code != GRPC_STATUS_PERMISSION_DENIED &&
	    code != GRPC_STATUS_UNAUTHENTICATED)
		return NULL;
	if (strstr(text, "http1.x") != NULL ||
	    strstr(text, "http2 header with status") != NULL ||
	    strstr(text, "http2 :status header") != NULL ||
	    strstr(text, "Failed parsing HTTP/2") != NULL)
		return "it answers, but not as a boxd endpoint does";
	if (strstr(text, "Ssl handshake failed") != NULL ||
	    strstr(text, "CERTIFICATE_VERIFY_FAILED") != NULL ||
	    strstr(text, "certificate verify failed") != NULL ||
	    strstr(text, "Peer name") != NULL)
		return "TLS fails; no fall back to plaintext";
	return NULL;
}

/* A full disk is what it is everywhere, by whatever way we hear of it. */
static bool
is_disk_full(const char *text)
{
	return strstr(text, strerror(ENOSPC)) != NULL ||
	    strstr(text, strerror(EDQUOT)) != NULL;
}

static enum bindu_errc
class_of(const struct bindu_rpc *rpc, int code, const char *text)
{
	if (code == GRPC_STATUS_RESOURCE_EXHAUSTED &&
	    (strstr(text, "larger than max") != NULL ||
		strstr(text, "message larger") != NULL))
		return BINDU_E_PROTOCOL;
	if (code == GRPC_STATUS_RESOURCE_EXHAUSTED && is_disk_full(text))
		return BINDU_E_IO;
	if (code == GRPC_STATUS_INTERNAL && rpc->local)
		return BINDU_E_BUG;
	if (code < 0 || (size_t)code >= sizeof(rows) / sizeof(rows[0]))
		return BINDU_E_PROTOCOL;
	return rows[code].code;
}

/* "DNS resolution failed for HOST: ...: REASON". */
static bool
is_unknown_host(const char *text)
{
	return strstr(text, "DNS resolution failed") != NULL;
}

static const char *
last_part(const char *text)
{
	const char *colon = strrchr(text, ':');

	return colon != NULL && colon[1] == ' ' ? colon + 2 : text;
}

/* A refusal that is about what the user asked for, not about the call. */
static bool
is_answer(int code)
{
	return code == GRPC_STATUS_INVALID_ARGUMENT ||
	    code == GRPC_STATUS_NOT_FOUND ||
	    code == GRPC_STATUS_ALREADY_EXISTS ||
	    code == GRPC_STATUS_FAILED_PRECONDITION;
}

int
bindu_rpc_status(const struct bindu_rpc *rpc, const char *method, int code,
    const char *details, size_t n, struct bindu_err *err)
{
	struct bindu_buf text = BINDU_BUF_INIT(4 * DETAILS_MAX + 8);
	const char *name = strrchr(method, '/');
	const char *why, *say = "";

	name = name != NULL ? name + 1 : method;
	bindu_str_visible(&text, details, n < DETAILS_MAX ? n : DETAILS_MAX,
	    NULL);
	if (text.len != 0)
		say = text.p;
	else if (code >= 0 && (size_t)code < sizeof(rows) / sizeof(rows[0]))
		say = rows[code].text;
	why = alien(code, say);
	if (why != NULL)
		bindu_err_set(err, BINDU_E_PROTOCOL, "%s: %s (%s)", rpc->where,
		    why, say);
	else if (code == GRPC_STATUS_UNAVAILABLE && is_unknown_host(say))
		bindu_err_set(err, BINDU_E_AGAIN,
		    "%s: the host name cannot be resolved (%s): " BINDU_DNS_CURE,
		    rpc->where, last_part(say));
	else if (code == GRPC_STATUS_UNAVAILABLE)
		bindu_err_set(err, BINDU_E_AGAIN, "%s: cannot be reached: %s",
		    rpc->where, say);
	else if (code == GRPC_STATUS_DEADLINE_EXCEEDED)
		bindu_err_set(err, BINDU_E_AGAIN,
		    "%s: no answer in time; the outcome is not known", name);
	else if (code == GRPC_STATUS_UNIMPLEMENTED)
		bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "%s: this server does not offer the call (%s)", name, say);
	else if (text.len != 0 && is_answer(code))
		bindu_err_set(err, class_of(rpc, code, say), "%s", say);
	else
		bindu_err_set(err, class_of(rpc, code, say), "%s: %s", name,
		    say);
	if (err != NULL)
		err->detail = code;
	bindu_buf_fini(&text);
	return -1;
}
