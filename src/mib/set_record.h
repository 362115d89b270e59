/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The record of one SET: what it asks for, and its state. src/mib/set_phases.c has the states
 * and the phases.
 */
#ifndef MIB_SET_RECORD_H
#define MIB_SET_RECORD_H

#include "mib/mib_private.h"

enum set_state {
	SET_TESTED,
	SET_UNCHANGED,	/* committed; each value was there already */
	SET_COMMITTED,
	SET_FAILED,	/* the commit changed nothing */
	SET_IN_DOUBT,	/* the commit failed, but the disk may have it */
	SET_UNDOING,	/* the store refused the undo */
	SET_STATES
};

struct mib_set {
	struct mib_set		*next;
	uint32_t		 session;
	uint32_t		 transaction;
	enum set_state		 state;
	enum mib_status		 status;	/* result of the commit */
	size_t			 status_index;
	struct store_set	 set;
	struct change		*changes;	/* a varbind of a server makes many */
	size_t			*indexes;	/* varbind of each change, from 1 */
	size_t			 changes_room, indexes_room;
	size_t			 lock_index;	/* varbind of lbcSysSetLock, 0: none */
	size_t			 notify_index;	/* varbind of lbcNotifyEnable, 0: none */
	uint32_t		 first_job;	/* the commit made 'jobs' jobs with ids from here */
	size_t			 jobs;
	struct mib_oid		*names;		/* of all varbinds */
	size_t			 n;
	uint64_t		 digest;	/* of all varbinds */
	bool			 noted;		/* a note of the undo is on the disk */
};

/* Returns an empty record for a SET of 'n' varbinds, or NULL if out of memory. */
struct mib_set *mib_set_new(uint32_t session, uint32_t transaction, size_t n);
void mib_set_free(struct mib_set *set);

/* Checks one varbind alone, in the order of RFC 3416 section 4.2.5, and adds its change. */
enum mib_status mib_set_add(struct mib *mib, struct mib_set *set,
    const struct mib_varbind *varbind, size_t index_from_1);

/* Records and logs that the store refused the SET: with 'commit' in CommitSet, otherwise in
 * TestSet. Returns the status for the manager, with the varbind at fault. */
enum mib_status mib_set_refuse(struct mib *mib, const struct mib_set *set, bool commit,
    enum err_code code, const struct verdict *verdict, const struct err *err,
    size_t *ret_index);

#endif
