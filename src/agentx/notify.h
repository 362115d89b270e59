/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Notifications to the master (Notify PDU, RFC 2741 section 6.2.10), paced: more than
 * some 500 at once would block snmpd in writing its answers while we write to it, and
 * what snmpd passes on by UDP is lost where the receiver's buffer is full.
 */
#ifndef AGENTX_NOTIFY_H
#define AGENTX_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "agentx/responder.h"
#include "agentx/stream.h"
#include "agentx/wire.h"

enum {
	NOTIFIER_UNANSWERED_MAX = 50,
	NOTIFIER_PACE_MS = 100,		/* between two batches: 500 notifications a second */
	NOTIFIER_WAIT_MS = 10000,	/* then what was not answered is given up */
};

/* Of one session. */
struct notifier {
	uint32_t	packet;		/* id of the latest */
	uint32_t	unanswered;
	int64_t		sent_ms;	/* when the latest batch went */
	long		error;		/* told in the log already */
};

/* A new session. */
void notifier_begin(struct notifier *notifier);

/* Sends what the engine has, as much as may go now. Nothing while 'stream' has something
 * left to send. */
enum stream_result notifier_send(struct notifier *notifier, const struct responder *responder,
    struct wire *wire, struct stream *stream, int64_t now_ms);

/* True if 'pdu' is the answer to a notification. */
bool notifier_answer(struct notifier *notifier, const netsnmp_pdu *pdu);

#endif
