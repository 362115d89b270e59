/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Refused SETs: records them for lbcSysLastReject* and logs them. A refusal by the store is
 * logged at the next check of the store: if the store's status changed, one line covers all
 * SETs that the store refuses. The log has the store's directory, SNMP does not.
 */
#include <stdio.h>
#include <string.h>

#include "mib/mib_private.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/log_limit.h"

/* Managers can cause these lines at any rate. */
static struct log_limit refusals = LOG_LIMIT("set", 20), states = LOG_LIMIT("store", 10);

/* Copies a message without the directory or the server of the store, which managers need not
 * know. */
static const char *
without_directory(const char *text, const char *dir, char *buf, size_t size)
{
	size_t length = strlen(dir), n = 0;

	while (*text != '\0' && n + 1 < size) {
		if (length == 0 || strncmp(text, dir, length) != 0) {
			buf[n++] = *text++;
			continue;
		}
		text += length;
		if (*text == '/')
			text++;
		else
			n += (size_t)snprintf(buf + n, size - n, "the store");
		if (n >= size)
			n = size - 1;
	}
	buf[n] = '\0';
	return buf;
}

static void
reject_set(struct mib *mib, enum reject_reason reason, const char *text,
    const struct mib_oid *object)
{
	mib->reject.count++;
	mib->reject.reason = reason;
	mib->reject.time = clock_wall_s();
	if (object != NULL)
		mib->reject.object = *object;
	snprintf(mib->reject.text, sizeof(mib->reject.text), "%.*s", MODEL_MESSAGE_MAX, text);
}

void
mib_reject(struct mib *mib, enum reject_reason reason, const char *text,
    const struct mib_oid *object)
{
	reject_set(mib, reason, text, object);
	log_limited(&refusals, LOG_LEVEL_INFO, "refused: %s", mib->reject.text);
}

void
mib_reject_by_store(struct mib *mib, enum reject_reason reason, const char *text,
    const struct mib_oid *object)
{
	char shown[ERR_TEXT_SIZE];

	reject_set(mib, reason,
	    without_directory(text, store_message_name(mib->store), shown, sizeof(shown)), object);
	snprintf(mib->reported.refusal, sizeof(mib->reported.refusal), "%s", text);
}

void
mib_store_report(struct mib *mib)
{
	enum store_status status = store_status(mib->store);
	struct mib_reported *reported = &mib->reported;

	/* The refusal may have the message of the status that ends now, which is logged. */
	if (strcmp(reported->refusal, reported->status_text) == 0)
		reported->refusal[0] = '\0';
	if (status != reported->status) {
		reported->status = status;
		snprintf(reported->status_text, sizeof(reported->status_text), "%s",
		    store_status_text(mib->store));
		if (status == STORE_OK)
			log_limited(&states, LOG_LEVEL_INFO, "is usable again");
		else
			log_limited(&states, LOG_LEVEL_ERROR, "%s; GETs are answered from memory, "
			    "SETs are refused", reported->status_text);
	}
	if (reported->refusal[0] != '\0' && strcmp(reported->refusal, reported->status_text) != 0)
		log_limited(&refusals, LOG_LEVEL_INFO, "refused: %s", reported->refusal);
	reported->refusal[0] = '\0';
}
