/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The engine's inside. Only src/mib includes this.
 */
#ifndef MIB_PRIVATE_H
#define MIB_PRIVATE_H

#include "mib/mib.h"
#include "mib/notify_queue.h"
#include "mib/table.h"
#include "model/rules.h"
#include "store/store.h"

struct mib_set;

/* The latest SET refused by a precondition or for want of resources. */
struct mib_reject {
	uint32_t		count;
	enum reject_reason	reason;
	char			text[MODEL_MESSAGE_MAX + 1];
	struct mib_oid		object;
	int64_t			time;
};

/* What the log has of the store. */
struct mib_told {
	enum store_status	status;
	char			illness[ERR_TEXT_SIZE];	/* words of that status */
	char			refusal[ERR_TEXT_SIZE];	/* the latest by the store; "": told */
};

/* Where a real service stands in the lists of the cache. */
struct mib_place {
	uint32_t		 index[3];	/* its numbers: cluster, service, itself */
	uint32_t		 at[3];		/* positions in the lists */
	uint64_t		 version;	/* of the cache; 0: nowhere */
};

struct mib {
	struct cache		*cache;
	struct store		*store;
	const char		*version;
	int64_t			 started;
	struct store_totals	 at_start;	/* Counter32 objects count from here */
	struct mib_reject	 reject;
	struct mib_told		 told;
	struct mib_set		*sets;		/* under way; the latest first */
	struct mib_place	 places[2];	/* the rows found last: a walk goes on here */
	struct notify		*notify;
};

/* Ends all SETs without a word to the store. */
void mib_sets_free(struct mib *mib);

/* A SET is refused: for lbcSysLastReject* and the log. 'object' may be NULL. */
void mib_reject(struct mib *mib, enum reject_reason reason, const char *text,
    const struct mib_oid *object);
/* So, by the store and not by a rule: mib_store_report() tells the log. */
void mib_reject_by_store(struct mib *mib, enum reject_reason reason, const char *text,
    const struct mib_oid *object);

/* Takes an event of the cache; 'arg' is the engine. */
void mib_event(void *arg, const struct cache_event *event);

#endif
