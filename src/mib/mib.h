/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The MIB engine: serves LBCLUSTER-MIB from a cache of the store. Its interface has typed
 * values and arrays of sub-identifiers, and no type of AgentX or net-snmp, so that it can be
 * tested and fuzzed alone. GET and GETNEXT read memory only.
 */
#ifndef MIB_MIB_H
#define MIB_MIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "util/err.h"

struct cache;
struct store;
struct mib;

enum { MIB_OID_MAX = 128 };	/* sub-identifiers, RFC 2578 section 3.5 */

struct mib_oid {
	uint32_t	n;
	uint32_t	sub[MIB_OID_MAX];
};

/* ASN.1 tags as AgentX numbers them too (RFC 2741 section 5.4). Unsigned32 and
 * Gauge32 are one type on the wire. */
enum mib_type {
	MIB_INTEGER = 0x02, MIB_OCTETS = 0x04, MIB_NULL = 0x05, MIB_OBJECT_ID = 0x06,
	MIB_COUNTER32 = 0x41, MIB_GAUGE32 = 0x42, MIB_TIMETICKS = 0x43, MIB_OPAQUE = 0x44,
	MIB_COUNTER64 = 0x46, MIB_NO_SUCH_OBJECT = 0x80, MIB_NO_SUCH_INSTANCE = 0x81,
	MIB_END_OF_VIEW = 0x82
};

struct mib_value {
	enum mib_type	type;
	union {
		int32_t		integer;	/* MIB_INTEGER */
		uint32_t	number;		/* MIB_GAUGE32, MIB_COUNTER32, MIB_TIMETICKS */
		uint64_t	counter64;
		struct {
			const uint8_t	*data;	/* in 'buffer' or in the cache: valid until the
						 * next call of the engine */
			size_t		 length;
		} octets;
		struct mib_oid	oid;
	};
	uint8_t		buffer[MODEL_MESSAGE_MAX + 1];
};

struct mib_varbind {
	struct mib_oid		name;
	struct mib_value	value;
};

/* SNMPv2 error-status, RFC 3416 section 3; snmpd maps them for SNMPv1. */
enum mib_status {
	MIB_NO_ERROR = 0, MIB_GEN_ERR = 5, MIB_WRONG_TYPE = 7, MIB_WRONG_LENGTH = 8,
	MIB_WRONG_VALUE = 10, MIB_NO_CREATION = 11, MIB_INCONSISTENT_VALUE = 12,
	MIB_RESOURCE_UNAVAILABLE = 13, MIB_COMMIT_FAILED = 14, MIB_UNDO_FAILED = 15,
	MIB_NOT_WRITABLE = 17
};

/* The OID of lbcMIB. */
extern const uint32_t mib_root[];
extern const size_t mib_root_length;

struct mib_config {
	uint32_t	stale_after_s;		/* lbcSysStatsStaleAfter */
	const char	*version;		/* lbcSysVersion, at most 64 octets */
	uint32_t	notify_interval_s;	/* lbcNotifyMinInterval */
};

/* Creates an engine over 'cache', which is filled from 'store'; both must outlive the engine.
 * NULL if out of memory. */
struct mib *mib_new(struct cache *cache, struct store *store, const struct mib_config *config);
void mib_free(struct mib *mib);
void mib_config_set(struct mib *mib, const struct mib_config *config);

/* Returns the value of instance 'name', or type MIB_NO_SUCH_OBJECT or MIB_NO_SUCH_INSTANCE. */
void mib_get(struct mib *mib, const struct mib_oid *name, struct mib_value *ret_value);

/* Returns the first instance after 'start' (at or after it if 'inclusive') and before 'end'
 * (end->n 0: no end), or MIB_END_OF_VIEW with ret_name = start (RFC 2741 section 7.2.3.2).
 * 'ret_name' may be 'start'. */
void mib_next(struct mib *mib, const struct mib_oid *start, bool inclusive,
    const struct mib_oid *end, struct mib_oid *ret_name, struct mib_value *ret_value);

/*
 * The phases of a SET (RFC 2741 section 7.2.4). (session, transaction) identifies a SET.
 * 'session' is lbclusterd's own count of AgentX sessions, because a restarted snmpd uses the
 * same transaction numbers again. snmpd may repeat or omit each phase.
 *
 *   test     checks all varbinds and changes nothing. MIB_GEN_ERR if there is no varbind, or
 *            if another SET with this number is committed and not yet released or undone
 *   commit   writes the held jobs in one durable transaction of the store; changes no row
 *   undo     cancels the jobs
 *   cleanup  releases the jobs: a GET returns the new values from here on. Cannot fail
 *
 * On an error *ret_index is the varbind at fault, from 1. Otherwise it is 0.
 */
enum mib_status mib_set_test(struct mib *mib, uint32_t session, uint32_t transaction,
    const struct mib_varbind *varbinds, size_t n, size_t *ret_index);
enum mib_status mib_set_commit(struct mib *mib, uint32_t session, uint32_t transaction,
    size_t *ret_index);
enum mib_status mib_set_undo(struct mib *mib, uint32_t session, uint32_t transaction,
    size_t *ret_index);
void mib_set_cleanup(struct mib *mib, uint32_t session, uint32_t transaction);

/* Ends the SETs of a session that was lost: the master closed it, or did not answer. A committed
 * SET is undone, because the manager did not get success (doc/snmpd-behaviour.txt). */
void mib_session_lost(struct mib *mib, uint32_t session);

/* True if a SET of the session is committed and not yet released or undone. */
bool mib_session_has_open_set(const struct mib *mib, uint32_t session);

/* Ends the SETs of a session that lbclusterd closes. A committed SET stays, because the master
 * has the answer to CommitSet and may report success. The next start of lbclusterd releases
 * the jobs, as after a crash. */
void mib_session_closed(struct mib *mib, uint32_t session);

enum { MIB_NOTIFICATION_VARBINDS = 11 };

/* snmpTrapOID.0 and the objects of a notification, all with full instances. */
struct mib_notification {
	size_t			n;
	struct mib_varbind	varbinds[MIB_NOTIFICATION_VARBINDS];
};

/* Takes the next notification out of the queue. False if none is due. */
bool mib_notification_take(struct mib *mib, struct mib_notification *ret_notification);

/* True while the store has to write released jobs or a refused undo. The caller then calls
 * mib_flush() from a timer, within 100 ms. */
bool mib_needs_flush(const struct mib *mib);
void mib_flush(struct mib *mib);

/* Logs a change of the store's status, and the latest refusal of a SET by a store whose status
 * did not change. Call it after each check of the store. */
void mib_store_report(struct mib *mib);

#endif
