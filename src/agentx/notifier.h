/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Sends notifications to the master (Notify PDU, RFC 2741 section 6.2.10) in batches. The next
 * batch is sent after the answers to the last one, and after NOTIFIER_PACE_MS. With more than
 * some 500 notifications at once, snmpd would block in writing answers while lbclusterd
 * writes to it. Receivers of UDP would lose notifications.
 *
 * The first batch has one notification; the size doubles while answers are quick. snmpd 5.9.3
 * asks the receiver of an SNMPv3 inform for its engine ID. Without an answer it waits 6 s for
 * each notification and serves no manager in that time. Then the size is one again, and the
 * pause ten times as long as the answers took.
 */
#ifndef AGENTX_NOTIFIER_H
#define AGENTX_NOTIFIER_H

#include <stdbool.h>
#include <stdint.h>

#include "agentx/responder.h"
#include "agentx/stream.h"
#include "agentx/wire.h"

enum {
	NOTIFIER_BATCH_MAX = 50,
	NOTIFIER_PACE_MS = 100,		/* between two batches: 500 notifications a second */
	NOTIFIER_SLOW_MS = 1000,	/* answers that take longer are slow */
	NOTIFIER_PAUSE = 10,		/* pause after slow answers, in times of their time */
	NOTIFIER_WAIT_MS = 60000,	/* for answers; then they count as lost */
};

/* Zero it, then call notifier_begin(). */
struct notifier {
	uint32_t	packet;		/* id of the latest notification */
	uint32_t	batch;		/* size of a batch */
	uint32_t	unanswered;
	int64_t		sent_ms;	/* time of the latest batch */
	int64_t		next_ms;	/* earliest time of the next batch */
	long		error;		/* latest error that was logged */
	bool		slow;		/* slow answers were logged */
};

/* Begins with a new session. */
void notifier_begin(struct notifier *notifier);

/* Sends what the engine has, up to one batch. Sends nothing while 'stream' has bytes to send. */
enum stream_result notifier_send(struct notifier *notifier, const struct responder *responder,
    struct wire *wire, struct stream *stream, int64_t now_ms);

/* Handles 'pdu' if it is the answer to a notification. False if it is not. */
bool notifier_answer(struct notifier *notifier, const netsnmp_pdu *pdu, int64_t now_ms);

#endif
