/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * SETs as texts, for the tests of src/mib/set_phases.c: "A.weight=5 X.fallback=2 lock=0",
 * "notify=144" with one octet. The rows have letters:
 *
 *   web/http (no data plane)  A web-1, B web-2, D web-3 (disabled)
 *   web/smtp (no data plane)  X mx-1 (fallback), Y web-2
 *   lb/http (haproxy)         H web-1, F web-2 (disabled)
 *   Z does not exist; all weights are 10.
 *
 * "P.service=2" is of service P web/http, Q web/smtp, R lb/http; "V.server=2" of server U web-1 (A)
 * or V web-2 (B and Y) of cluster web, or W web-1 (H) of cluster lb.
 */
#ifndef TESTS_UNIT_MIB_PDU_H
#define TESTS_UNIT_MIB_PDU_H

#include "mib_fixture.h"

enum { PDU_MAX = 16 };

struct pdu {
	struct mib_varbind	varbinds[PDU_MAX];
	size_t			n;
};

extern struct fixture f;
extern uint32_t session, transaction;	/* numbers of the next phase */
extern size_t fault;			/* varbind at fault of the last phase */

#define ROWS_AT_FIRST "A10e B10e D10 X10ef Y10e H10e F10"

/* Setup and teardown of a test: this store and an engine. */
int pdu_fixture_make(void **state);
int pdu_fixture_end(void **state);
/* Fills the store without an engine. */
void pdu_store_fill(void);

/* Reads a SET. The type is Unsigned32 for a weight, BITS for notify, INTEGER otherwise. */
struct pdu pdu_make(const char *text);

enum mib_status set_test(const char *text);
enum mib_status set_commit(void);
enum mib_status set_undo(void);
void set_cleanup(void);
/* Carries out one SET with all phases, as snmpd does: cleanup after a failed test, undo after a
 * failed commit. Then flushes. */
enum mib_status set_all(const char *text);

/* Return what is stored: rows as in ROWS_AT_FIRST, and "P!" for a disabled service; jobs as
 * "A set_weight 10>5 queued #1". */
const char *rows_stored(void);
const char *jobs_stored(void);
int64_t lock_stored(void);
int64_t notify_stored(void);	/* as bits from the lowest; 31 at first */

/* Returns the number that the engine serves for an instance, -1 if there is none. */
int64_t get_number(const char *oid);

#endif
