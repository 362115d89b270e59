/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "agentx/notifier.h"

#include <poll.h>

#include "util/log_limit.h"

/* Packet ids of notifications count from here, those of other requests from 1. */
enum { PACKET_FIRST = 0x40000000 };

/* A master can cause these lines at any rate. */
static struct log_limit limit = LOG_LIMIT("agentx", 5);

void
notifier_begin(struct notifier *notifier)
{
	notifier->packet = PACKET_FIRST;
	notifier->batch = 1;
	notifier->unanswered = 0;
	notifier->next_ms = 0;
}

static netsnmp_pdu *
pdu_make(struct notifier *notifier, const struct responder *responder,
    const struct mib_notification *notification)
{
	netsnmp_pdu *pdu = wire_pdu_new(WIRE_NOTIFY, responder->session_id, ++notifier->packet);
	netsnmp_variable_list **end;

	if (pdu == NULL)
		return NULL;
	end = &pdu->variables;
	for (size_t i = 0; i < notification->n; i++) {
		netsnmp_variable_list *varbind = responder_varbind_add(end,
		    &notification->varbinds[i]);

		if (varbind == NULL) {
			snmp_free_pdu(pdu);
			return NULL;
		}
		end = &varbind->next_variable;
	}
	return pdu;
}

static enum stream_result
one_send(struct notifier *notifier, const struct responder *responder, struct wire *wire,
    struct stream *stream, const struct mib_notification *notification)
{
	netsnmp_pdu *pdu = pdu_make(notifier, responder, notification);
	const uint8_t *data = NULL;
	size_t length;

	if (pdu != NULL)
		data = wire_encode(wire, pdu, &length);
	snmp_free_pdu(pdu);
	return data == NULL ? STREAM_NOMEM : stream_send(stream, data, length);
}

enum stream_result
notifier_send(struct notifier *notifier, const struct responder *responder,
    struct wire *wire, struct stream *stream, int64_t now_ms)
{
	/* Static, because it has 14 KiB. */
	static struct mib_notification notification;
	enum stream_result result = STREAM_OK;

	if (notifier->unanswered > 0 && now_ms - notifier->sent_ms > NOTIFIER_WAIT_MS) {
		notifier->unanswered = 0;
		notifier->batch = 1;
	}
	if (notifier->unanswered > 0 || now_ms < notifier->next_ms)
		return STREAM_OK;
	while (result == STREAM_OK && notifier->unanswered < notifier->batch &&
	    (stream_events(stream) & POLLOUT) == 0 &&
	    mib_notification_take(responder->mib, &notification)) {
		notifier->unanswered++;
		notifier->sent_ms = now_ms;
		notifier->next_ms = now_ms + NOTIFIER_PACE_MS;
		result = one_send(notifier, responder, wire, stream, &notification);
	}
	return result;
}

/* Sets pace and size of the next batch. The master has answered the last one. */
static void
batch_end(struct notifier *notifier, int64_t now_ms)
{
	int64_t took = now_ms - notifier->sent_ms;

	if (took <= NOTIFIER_PACE_MS && notifier->batch < NOTIFIER_BATCH_MAX)
		notifier->batch = 2 * notifier->batch < NOTIFIER_BATCH_MAX ?
		    2 * notifier->batch : NOTIFIER_BATCH_MAX;
	if (took <= NOTIFIER_SLOW_MS)
		return;
	notifier->batch = 1;
	notifier->next_ms = now_ms + NOTIFIER_PAUSE * took;
	if (!notifier->slow)
		log_warn("agentx", "the master took %.1f s to send notifications and may not have "
		    "answered managers in that time; if a receiver of SNMPv3 informs is down, "
		    "give its engine ID to trapsess with -e", (double)took / 1000);
	notifier->slow = true;
}

bool
notifier_answer(struct notifier *notifier, const netsnmp_pdu *pdu, int64_t now_ms)
{
	uint32_t packet = (uint32_t)pdu->reqid;

	if (packet <= PACKET_FIRST || packet > notifier->packet)
		return false;
	if (notifier->unanswered > 0 && --notifier->unanswered == 0)
		batch_end(notifier, now_ms);
	if (pdu->errstat != 0 && pdu->errstat != notifier->error) {
		log_limited(&limit, LOG_LEVEL_WARN, "the master refused a notification (error %ld)",
		    pdu->errstat);
		notifier->error = pdu->errstat;
	}
	return true;
}
