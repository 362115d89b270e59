/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rules for changes of real services and services: the preconditions of the original API.
 * They compare the state before with the state after all changes of a request. SNMP and
 * lbclusterctl use the same functions.
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

/* A new value for a column. A boolean is 0 or 1. */
struct change {
	uint32_t		id;		/* of the service for SERVICE_ENABLED, otherwise of
						 * the real service */
	enum real_column	column;
	uint32_t		value;
};

/* The stored state of the real service and of its service. For a change of a service, the members
 * of a real service are 0. */
struct rules_before {
	uint32_t		 service_id;
	uint32_t		 fallback_id;	/* fallback of the service, 0 if none */
	char			 fallback_name[MODEL_NAME_MAX + 1];
	uint32_t		 weight;
	bool			 fallback;
	bool			 enabled;
	bool			 service_enabled;	/* set for a change of a service only */
	bool			 pending;	/* a held job may change the value */
	struct path		 path;
	char			 plane[32 + 1];
};

uint32_t rules_value_before(const struct rules_before *before, enum real_column column);

struct verdict {
	enum reject_reason	reason;		/* REJECT_NONE: accepted */
	size_t			index;		/* the change at fault, from 0 */
	char			text[MODEL_MESSAGE_MAX + 1];
};

/*
 * Judges 'n' changes as if simultaneous. Of two changes of the same column and row, the last one
 * counts. before[i] goes with changes[i]; id and service_id are never 0. Sets
 * ret_effective[i] to true if change i changes its column, or sets a column that is pending.
 * Returns ERR_OK; or ERR_PRECOND, with the first change at fault in *ret_verdict; or ERR_NOMEM
 * with REJECT_OTHER. Always sets *ret_verdict. The cost is linear in 'n'.
 *
 * The rules, from the notes of cluster.real_service in the original API:
 *  - a real service that becomes fallback is enabled afterwards;
 *  - no other real service of its service is fallback afterwards. If two become fallback, the
 *    later change is at fault;
 *  - a weight is at most that of the kind of data plane (unknown kind: 65535).
 * The rules apply to changes. A fallback may be disabled later, and setting a column to its
 * present value is always accepted. No rule restricts the change of a service.
 */
enum err_code rules_judge(const struct change *changes, const struct rules_before *before,
    size_t n, bool *ret_effective, struct verdict *ret_verdict);

/* Judges a SET that names the lock (lbcSysSetLock), whose value is 'lock': false, with
 * *ret_verdict except its index, if 'expected' is another value. */
bool rules_judge_lock(uint32_t lock, int64_t expected, struct verdict *ret_verdict);

#endif
