/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_OVS_RPC_H
#define MUSTER_SOURCE_OVS_RPC_H

#include <stddef.h>

#include "base/err.h"

/* One question at a time to one of Open vSwitch's sockets: the daemon's control
 * socket or the database's, both JSON-RPC over a Unix stream. Everything is
 * non-blocking; a reply is gathered piece by piece until its object is complete
 * (ovs_frame of wire/ovs_fdb.h), which costs each byte once, and handed over
 * whole. A peer that is silent for ten seconds, hangs up, sends more than it was
 * asked for or more than OVS_REPLY_LIMIT ends the conversation with an error. */

struct loop;
struct ovs_rpc;

/* Called on the loop with a reply's bytes, borrowed for the call, or with `err`
 * set and no bytes; after an error the only thing left is ovs_rpc_close(). The
 * callback may send the next question or close. */
typedef void ovs_rpc_fn(void *aux, const char *bytes, size_t length, const struct err *err);

/* Connects to the socket at `path`. Returns 0 with *ret, yours to close; ERR_DENIED
 * without permission, ERR_NOT_FOUND when nobody listens there. */
int ovs_rpc_open(struct loop *loop, const char *path, ovs_rpc_fn *answered, void *aux,
                 struct ovs_rpc **ret, struct err *err) MUST_USE;

/* Asks `length` bytes of `question`, which is copied; its reply must have come
 * before the next one is asked. */
void ovs_rpc_ask(struct ovs_rpc *rpc, const char *question, size_t length);

/* Closes the connection; no callback comes afterwards. NULL is allowed. */
void ovs_rpc_close(struct ovs_rpc *rpc);

#endif
