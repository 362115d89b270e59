/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The record of one SET: what it asks for, and how far it came. src/mib/set_phases.c has the
 * phases, which alone move it from state to state.
 */
#ifndef MIB_SET_RECORD_H
#define MIB_SET_RECORD_H

#include "mib/mib_private.h"

enum set_state {
	SET_TESTED,
	SET_COMMITTED,
	SET_FAILED,	/* nothing was changed */
	SET_IN_DOUBT,	/* failed, but the disk may have it */
	SET_UNDOING,
};

struct mib_set {
	struct mib_set		*next;
	uint32_t		 session;
	uint32_t		 transaction;
	enum set_state		 state;
	enum mib_status		 status;	/* of a commit that failed */
	size_t			 status_index;
	struct store_set	 set;
	struct change		*changes;
	size_t			*indexes;	/* varbind of each change, from 1 */
	size_t			 lock_index;	/* varbind of the lock, 0: none */
	uint32_t		 first_job;	/* made by the commit: so many in a row */
	size_t			 jobs;
	size_t			 notify_index;	/* varbind of lbcNotifyEnable, 0: none */
	struct mib_oid		*names;		/* of all varbinds */
	size_t			 n;
	uint64_t		 digest;	/* of them: a repeat is the same */
	bool			 noted;		/* that it is to be undone, also by a next start */
};

/* A record of a SET of 'n' varbinds, of which none is taken yet; in no list. NULL without
 * memory. */
struct mib_set *mib_set_new(uint32_t session, uint32_t transaction, size_t n);
void mib_set_free(struct mib_set *set);

/* Checks one varbind by itself, in the order of RFC 3416 section 4.2.5, and takes what it
 * asks for. */
enum mib_status mib_set_take(struct mib *mib, struct mib_set *set,
    const struct mib_varbind *varbind, size_t index_from_1);

/* The store refused it, before the write or, with 'commit', in it: tells that, and gives
 * the status for the manager, with the varbind at fault. */
enum mib_status mib_set_refuse(struct mib *mib, const struct mib_set *set, bool commit,
    enum err_code code, const struct verdict *verdict, const struct err *err,
    size_t *ret_index);

#endif
