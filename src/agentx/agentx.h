/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The AgentX session with snmpd (RFC 2741): connects, opens, registers the MIB root, adds a row
 * to sysORTable, answers requests from the MIB engine, and reconnects. Never blocks the loop.
 * Only this room uses net-snmp, and only its codec.
 */
#ifndef AGENTX_AGENTX_H
#define AGENTX_AGENTX_H

#include <stdbool.h>
#include <sys/types.h>

#include "mib/mib.h"
#include "util/loop.h"

struct agentx;

struct agentx_config {
	const char	*socket;	/* /var/agentx/master, tcp:localhost:705 */
	const char	*description;	/* for the Open PDU and sysORDescr */
};

/* Creates a session that connects from the loop. 'loop' and 'mib' must outlive it. The texts of
 * 'config' are copied. NULL if out of memory, or if endpoint_parse() refuses the address. */
struct agentx *agentx_new(struct loop *loop, struct mib *mib, const struct agentx_config *config);

/* Sends a Close PDU and frees the session. Waits up to one second for the end of a SET. 'agentx'
 * may be NULL. */
void agentx_free(struct agentx *agentx);

/* True while the MIB is registered with a master. */
bool agentx_serving(const struct agentx *agentx);

/* Returns the process that listens at the UNIX socket of the master (SO_PEERCRED of unix(7)).
 * 0 over TCP, without a connection, or if it is in another PID namespace. */
pid_t agentx_master_pid(const struct agentx *agentx);

/* Calls fn(arg) whenever agentx_serving() changes. NULL ends the calls. */
void agentx_notify_state(struct agentx *agentx, void (*fn)(void *arg), void *arg);

/* Sends as many notifications as the pace allows. Call it ten times a second. Without a session,
 * the engine keeps the latest notification of each row. A notification that the master
 * received and did not pass on before it ended is lost. */
void agentx_notifications_send(struct agentx *agentx);

#endif
