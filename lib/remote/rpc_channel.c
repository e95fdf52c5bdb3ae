/* rpc_channel.c - one channel to one endpoint: arguments, TLS, shutdown.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "rpc_priv.h"

#define ROOTS_MAX (4 << 20)
#define CONNECT_MS 10000

static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

static grpc_arg
int_arg(const char *key, int value)
{
	return (
	    grpc_arg){ GRPC_ARG_INTEGER, (char *)key, { .integer = value } };
}

static grpc_arg
str_arg(const char *key, const char *value)
{
	return (grpc_arg){ GRPC_ARG_STRING, (char *)key,
		{ .string = (char *)value } };
}

static char *
load_roots(struct bindu_err *err)
{
	const char *set = bindu_config_env("BINDU_CACERT");
	char *pem = NULL;
	size_t n;

	if (set == NULL)
		set = bindu_config_env("SSL_CERT_FILE");
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		AUTO_CLOSE int fd = -1;
		const char *path = set != NULL ? set : bundles[i];

		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1 && set == NULL)
			continue;
		if (fd == -1) {
			bindu_err_sys(err, "cannot open the CA file %s", path);
			return NULL;
		}
		if (bindu_fd_read_all(fd, ROOTS_MAX, &pem, &n, err) == -1)
			return NULL;
		return pem;
	}
	bindu_err_set(err, BINDU_E_CONFIG,
	    "no bundle of certificate "
	    "authorities found; install ca-certificates or set BINDU_CACERT");
	return NULL;
}

static grpc_channel_credentials *
make_creds(const struct bindu_endpoint *e, struct bindu_err *err)
{
	AUTO_FREE char *pem = NULL;

	if (!e->tls)
		return grpc_insecure_credentials_create();
	pem = load_roots(err);
	return pem == NULL ? NULL :
			     grpc_ssl_credentials_create(pem, NULL, NULL, NULL);
}

/* What gRPC dials.  A checked loopback address is dialled as a number: a name
 * could resolve to something else the second time. */
static char *
target_of(const struct bindu_endpoint *e, int *dir, struct bindu_err *err)
{
	AUTO_FREE char *path = NULL;
	const char *host = e->address != NULL ? e->address : e->host;
	bool v6;

	if (e->unix_path != NULL) {
		path = bindu_fd_unix_path(e->unix_path, dir, err);
		return path != NULL ? xasprintf("unix:%s", path) : NULL;
	}
	v6 = strchr(host, ':') != NULL;
	return xasprintf("%s%s%s%s:%s",
	    e->address == NULL ? "dns:///" :
		v6	       ? "ipv6:" :
				 "ipv4:",
	    v6 ? "[" : "", host, v6 ? "]" : "", e->port);
}

static grpc_channel *
make_channel(const struct bindu_endpoint *e, int *dir, struct bindu_err *err)
{
	AUTO_FREE char *target = target_of(e, dir, err);
	grpc_channel_credentials *creds = target != NULL ? make_creds(e, err) :
							   NULL;
	AUTO_FREE char *authority = NULL;
	grpc_arg list[12];
	grpc_channel_args args = { 0, list };
	grpc_channel *channel;

	if (creds == NULL)
		return NULL;
	authority = e->unix_path != NULL ?
	    xstrdup("localhost") :
	    xasprintf(strchr(e->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
		e->host, e->port);
	list[args.num_args++] = int_arg(GRPC_ARG_ENABLE_RETRIES, 0);
	list[args.num_args++] =
	    int_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
	list[args.num_args++] =
	    int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, BINDU_RPC_MAX);
	list[args.num_args++] =
	    int_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
	list[args.num_args++] =
	    int_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_MS);
	list[args.num_args++] =
	    str_arg(GRPC_ARG_PRIMARY_USER_AGENT_STRING, "bindu/" BINDU_VERSION);
	if (!e->tls) {
		list[args.num_args++] = int_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
		list[args.num_args++] =
		    str_arg(GRPC_ARG_DEFAULT_AUTHORITY, authority);
	}
	if (e->unix_path != NULL) {
		/* A busy machine is no long line: see the daemon's. */
		list[args.num_args++] = int_arg(GRPC_ARG_HTTP2_BDP_PROBE, 0);
		list[args.num_args++] =
		    int_arg("grpc.http2.lookahead_bytes", 8 << 20);
	}
	channel = grpc_channel_create(target, creds, &args);
	grpc_channel_credentials_release(creds);
	if (channel == NULL)
		bindu_err_set(err, BINDU_E_CONFIG, "cannot use boxd address %s",
		    target);
	return channel;
}

static void
drop_log(gpr_log_func_args *args)
{
	(void)args;
}

struct bindu_rpc *
bindu_rpc_open(const struct bindu_endpoint *e,
    const struct bindu_report *report, struct bindu_err *err)
{
	AUTO_CLOSE int dir = -1;
	struct bindu_rpc *rpc;
	grpc_channel *channel;

	/* What it has to say on stderr is in the errors we get, too; who sets
	 * its variable wants to see it. */
	if (bindu_config_env("GRPC_VERBOSITY") == NULL)
		gpr_set_log_function(drop_log);
	grpc_init();
	channel = make_channel(e, &dir, err);
	if (channel == NULL) {
		grpc_shutdown();
		return NULL;
	}
	rpc = xcalloc(1, sizeof(*rpc));
	rpc->channel = channel;
	rpc->dir = bindu_steal_fd(&dir);
	rpc->cq = grpc_completion_queue_create_for_next(NULL);
	rpc->report = report;
	rpc->local = e->unix_path != NULL;
	rpc->where = e->unix_path != NULL ?
	    xstrdup(e->unix_path) :
	    xasprintf("%s:%s", e->host, e->port);
	return rpc;
}

int
bindu_rpc_set_token(struct bindu_rpc *rpc, const char *token,
    struct bindu_err *err)
{
	grpc_slice value;

	bindu_free_secret(rpc->auth);
	rpc->auth = NULL;
	if (token == NULL)
		return 0;
	rpc->auth = xasprintf("Bearer %s", token);
	value = grpc_slice_from_static_string(rpc->auth);
	if (*token != '\0' && grpc_header_nonbin_value_is_legal(value))
		return 0;
	bindu_free_secret(bindu_steal(&rpc->auth));
	return bindu_err_set(err, BINDU_E_AUTH,
	    "the boxd token holds a byte that no token has");
}

void
bindu_rpc_wakeable(struct bindu_rpc *rpc)
{
	grpc_slice method = grpc_slice_from_static_string("/wake");

	if (rpc->waker != NULL)
		return;
	rpc->lame = grpc_lame_client_channel_create("lame:",
	    GRPC_STATUS_UNAVAILABLE, "never used");
	rpc->waker = grpc_channel_create_call(rpc->lame, NULL, 0, rpc->cq,
	    method, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

void
bindu_rpc_wake(struct bindu_rpc *rpc)
{
	/* A batch of no operations completes at once and is the only way to
	 * reach a thread inside completion_queue_next (unit test: rpc_test). */
	grpc_call_start_batch(rpc->waker, NULL, 0, rpc, NULL);
}

/* All calls have ended. */
void
bindu_rpc_close(struct bindu_rpc *rpc)
{
	gpr_timespec forever = gpr_inf_future(GPR_CLOCK_MONOTONIC);

	if (rpc == NULL)
		return;
	if (rpc->waker != NULL) {
		grpc_call_unref(rpc->waker);
		grpc_channel_destroy(rpc->lame);
	}
	grpc_completion_queue_shutdown(rpc->cq);
	while (grpc_completion_queue_next(rpc->cq, forever, NULL).type !=
	    GRPC_QUEUE_SHUTDOWN)
		;
	grpc_completion_queue_destroy(rpc->cq);
	grpc_channel_destroy(rpc->channel);
	grpc_shutdown();
	if (rpc->dir != -1)
		close(rpc->dir);
	bindu_free_secret(rpc->auth);
	free(rpc->where);
	free(rpc);
}
