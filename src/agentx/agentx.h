/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The way from snmpd to the MIB engine and back (RFC 2741). Owns the AgentX
 * session: connects, opens, registers the MIB root once, adds the sysORTable entry,
 * answers requests from the engine, and reconnects by itself. The only room with
 * net-snmp, which is used for the wire format. Never blocks the loop.
 */
#ifndef AGENTX_AGENTX_H
#define AGENTX_AGENTX_H

#include <stdbool.h>

#include "mib/mib.h"
#include "util/loop.h"

struct agentx;

struct agentx_config {
	const char	*socket;	/* of the master: /var/agentx/master, tcp:localhost:705 */
	const char	*description;	/* for the Open PDU and sysORDescr */
};

/* Starts to connect from the loop; 'loop' and 'mib' must outlive it, the texts of
 * 'config' are copied. NULL without memory, or if the address of the master is none that
 * endpoint_parse() takes. */
struct agentx *agentx_new(struct loop *loop, struct mib *mib, const struct agentx_config *config);

/* Closes the session (a Close PDU, not waited for). NULL is fine. */
void agentx_free(struct agentx *agentx);

/* True while the MIB is registered with a master. */
bool agentx_serving(const struct agentx *agentx);

/* Calls fn(arg) whenever agentx_serving() changes; NULL ends it. */
void agentx_notify_state(struct agentx *agentx, void (*fn)(void *arg), void *arg);

/* Sends notifications of the engine to the master, as many as may go at once: to be called
 * about ten times a second. What happens while there is no session waits in the engine,
 * the latest of each row. What was sent and not passed on when a session ends is lost. */
void agentx_notifications_send(struct agentx *agentx);

#endif
