/* rpc_server_priv.h - shared by the rpc_server files.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_RPC_SERVER_PRIV_H
#define BOXD_RPC_SERVER_PRIV_H

#include <grpc/grpc.h>
#include <stdbool.h>

/* Not started yet.  trusted: for the owner's socket, else for the port. */
grpc_server *rpc_server_make(bool trusted);
#endif
