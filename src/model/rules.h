/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What may be changed, and what not: the preconditions of the API, judged over
 * the state before and the state as it would be after, for one change or for
 * many at once. Pure functions: SNMP, the command line and every test ask these.
 */
#ifndef MODEL_RULES_H
#define MODEL_RULES_H

#include "model/model.h"

/* LbcRejectReason of the MIB. */
enum reject_reason {
	REJECT_NONE = 1, REJECT_FALLBACK_TAKEN, REJECT_FALLBACK_NEEDS_ENABLED,
	REJECT_VALUE_OUT_OF_RANGE, REJECT_NO_SUCH_REAL, REJECT_LOCK_MISMATCH,
	REJECT_QUEUE_FULL, REJECT_STORE_BUSY, REJECT_STORE_READ_ONLY, REJECT_OTHER
};

/* One column of one real service to a value; a boolean is 0 or 1. */
struct change {
	uint32_t		real_id;
	enum real_column	column;
	uint32_t		value;
};

/* The stored state around a change; what two of them say of one service agrees. */
struct rules_before {
	uint32_t		 service_id;
	uint32_t		 fallback_id;	/* fallback of the service, 0 if none */
	char			 fallback_name[MODEL_NAME_MAX + 1];
	uint32_t		 weight;
	bool			 fallback;
	bool			 enabled;
	bool			 pending;	/* a held job may still change that value */
	struct path		 path;
	char			 plane[32 + 1];
};

uint32_t rules_value_before(const struct rules_before *before, enum real_column column);

struct verdict {
	enum reject_reason	reason;		/* REJECT_NONE: may be done */
	size_t			index;		/* the change at fault, from 0 */
	char			text[MODEL_MESSAGE_MAX + 1];
};

/*
 * Lays all 'n' changes over the state before and judges the result, as if they
 * happened at once; of two changes of one column of one row the last one wins.
 * before[i] goes with changes[i]; real_id and service_id are never 0. Sets
 * ret_effective[i], for every i, to whether change i is the one that changes its
 * column, or sets one that is pending. Returns ERR_OK, or ERR_PRECOND with
 * *ret_verdict naming the first change at fault, or ERR_NOMEM (REJECT_OTHER;
 * ret_effective is then of no use). *ret_verdict is always set. The cost is linear in 'n'.
 *
 * The rules, from the notes of cluster.real_service in the original API:
 *  - a real service becomes fallback only if it is enabled in the end;
 *  - and only if no other real service of its service is fallback in the end;
 *  - a weight must be one that the data plane of the cluster takes (a plane of
 *    unknown kind sets no limit of its own).
 * The rules are on the change, not on the row: a fallback may be disabled, and
 * what is set to the value it has is never refused. Where two real services of
 * one service become fallback, the later change is at fault.
 */
enum err_code rules_judge(const struct change *changes, const struct rules_before *before,
    size_t n, bool *ret_effective, struct verdict *ret_verdict);

/* Judges a SET that names the lock (lbcSysSetLock), whose value is 'lock': false, with
 * *ret_verdict except its index, if 'expected' is another value. */
bool rules_judge_lock(uint32_t lock, int64_t expected, struct verdict *ret_verdict);

#endif
