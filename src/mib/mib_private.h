/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The engine's own state. Only src/mib includes this file.
 */
#ifndef MIB_PRIVATE_H
#define MIB_PRIVATE_H

#include "mib/mib.h"
#include "mib/notify_queue.h"
#include "mib/table.h"
#include "model/rules.h"
#include "store/store.h"

struct mib_set;

/* The latest refused SET. */
struct mib_reject {
	uint32_t		count;
	enum reject_reason	reason;
	char			text[MODEL_MESSAGE_MAX + 1];
	struct mib_oid		object;
	int64_t			time;
};

/* What mib_store_report() logged of the store. */
struct mib_reported {
	enum store_status	status;
	char			status_text[ERR_TEXT_SIZE];	/* logged with this status */
	char			refusal[ERR_TEXT_SIZE];	/* not logged yet; "": none */
};

enum { MIB_LEVELS = 3 };	/* cluster, service, real service */

/* A position in the nested lists of the cache. */
struct mib_cursor {
	size_t			 levels;
	struct tree_list	*lists[MIB_LEVELS];
	uint32_t		 at[MIB_LEVELS];
};

/* The cursor of a real service that was found. */
struct mib_saved_cursor {
	struct mib_cursor	 cursor;
	uint32_t		 index[MIB_LEVELS];	/* of the row */
	uint64_t		 version;	/* of the cache; 0: nothing is saved */
};

struct mib {
	struct cache		*cache;
	struct store		*store;
	const char		*version;
	int64_t			 started;
	struct store_totals	 at_start;	/* Counter32 objects count from here */
	struct mib_reject	 reject;
	struct mib_reported	 reported;
	struct mib_set		*sets;		/* not ended yet; the latest first */
	struct mib_saved_cursor	 saved[2];
	struct notify		*notify;
};

/* Frees the records of all SETs and leaves the store as it is. */
void mib_sets_free(struct mib *mib);

/* Records a refused SET for lbcSysLastReject* and logs it. 'object' may be NULL. */
void mib_reject(struct mib *mib, enum reject_reason reason, const char *text,
    const struct mib_oid *object);
/* Records a SET that the store refused. mib_store_report() logs it. */
void mib_reject_by_store(struct mib *mib, enum reject_reason reason, const char *text,
    const struct mib_oid *object);

/* Queues the notification of an event of the cache. 'arg' is the struct mib. */
void mib_event(void *arg, const struct cache_event *event);

#endif
