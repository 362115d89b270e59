/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Notifications to the master (Notify PDU, RFC 2741 section 6.2.10), in batches: the
 * next one goes when all of the last are answered, and not before its time. More than some
 * 500 at once would block snmpd in writing its answers while we write to it, and what it
 * passes on by UDP is lost where the receiver's buffer is full.
 *
 * A batch begins with one and doubles while answers are quick. snmpd 5.9.3 that is to send
 * an SNMPv3 inform to a receiver whose engine ID it does not know asks for that first, 6 s
 * for each notification if nobody is there, and serves nobody meanwhile (measured): then
 * one goes at a time, and snmpd is left alone for ten times as long as that took.
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
	NOTIFIER_SLOW_MS = 1000,	/* for the answers to a batch */
	NOTIFIER_PAUSE = 10,		/* times as long after one that was slow */
	NOTIFIER_WAIT_MS = 60000,	/* then what was not answered is given up */
};

/* Zero it, then notifier_begin(). */
struct notifier {
	uint32_t	packet;		/* id of the latest */
	uint32_t	batch;		/* so many may go at once */
	uint32_t	unanswered;
	int64_t		sent_ms;	/* when the latest batch went */
	int64_t		next_ms;	/* not before */
	long		error;		/* told in the log already, */
	bool		slow;		/* and this */
};

/* A new session. */
void notifier_begin(struct notifier *notifier);

/* Sends what the engine has, as much as may go now. Nothing while 'stream' has something
 * left to send. */
enum stream_result notifier_send(struct notifier *notifier, const struct responder *responder,
    struct wire *wire, struct stream *stream, int64_t now_ms);

/* True if 'pdu' is the answer to a notification. */
bool notifier_answer(struct notifier *notifier, const netsnmp_pdu *pdu, int64_t now_ms);

#endif
