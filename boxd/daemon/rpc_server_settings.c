/* rpc_server_settings.c - what gRPC core may do for whom.
 * SPDX-License-Identifier: Apache-2.0 */
#include <grpc/compression.h>
#include <stdint.h>
#include "rpc_server_priv.h"

/* Of the TCP port, whose clients need no leave to connect. */
#define STRANGER_STREAMS 256 /* a connection */
#define STRANGER_BUFFER (64 << 10)
#define STRANGER_IDLE_MS 60000
#define STRANGER_MEMORY (16 << 20) /* all messages that are not whole yet */

static const struct setting {
	const char *key;
	int value;
	enum { ALL, OWNER, STRANGERS } whose; /* the owner's socket, the port */
} settings[] = {
	{ "grpc.http2.lookahead_bytes", 8 << 20, OWNER },
	/* On a busy machine answers are slow, which is taken for a long line
	 * that needs larger windows: 100 MB were held for one upload. */
	{ GRPC_ARG_HTTP2_BDP_PROBE, 0, ALL },
	/* What a stranger sends fast must not earn it larger buffers. */
	{ "grpc.http2.lookahead_bytes", STRANGER_BUFFER, STRANGERS },
	{ GRPC_ARG_TCP_READ_CHUNK_SIZE, STRANGER_BUFFER, STRANGERS },
	{ GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, STRANGER_BUFFER, STRANGERS },
	{ "grpc.http2.max_frame_size", 256 << 10, ALL },
	/* Clients may look for a dead peer as often, */
	{ "grpc.http2.min_ping_interval_without_data_ms", 5000, ALL },
	/* between two calls as well. */
	{ GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1, ALL },
	/* The limit of a message is one of compressed bytes: 4 MB of them may
	 * be 4 GB. */
	{ GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
	    1 << GRPC_COMPRESS_NONE, ALL },
	{ "grpc.enable_channelz", 0, ALL },
	{ GRPC_ARG_MAX_CONNECTION_IDLE_MS, STRANGER_IDLE_MS, STRANGERS },
	{ GRPC_ARG_MAX_CONCURRENT_STREAMS, STRANGER_STREAMS, STRANGERS },
};
#define NARGS (sizeof settings / sizeof *settings)

grpc_server *
rpc_server_make(bool trusted)
{
	grpc_arg args[NARGS + 1];
	grpc_channel_args ca = { 0, args };
	grpc_resource_quota *quota = grpc_resource_quota_create("strangers");
	grpc_server *server;

	for (size_t i = 0; i < NARGS; i++)
		if (settings[i].whose != (trusted ? STRANGERS : OWNER))
			args[ca.num_args++] =
			    (grpc_arg){ .type = GRPC_ARG_INTEGER,
				    .key = (char *)(uintptr_t)settings[i].key,
				    .value.integer = settings[i].value };
	grpc_resource_quota_resize(quota, STRANGER_MEMORY);
	if (!trusted)
		args[ca.num_args++] = (grpc_arg){ .type = GRPC_ARG_POINTER,
			.key = (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA,
			.value.pointer = { quota,
			    grpc_resource_quota_arg_vtable() } };
	server = grpc_server_create(&ca, NULL);
	grpc_resource_quota_unref(quota);
	return server;
}
