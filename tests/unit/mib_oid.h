/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * OIDs as texts and in their order, written apart from the engine that is tested with
 * them.
 */
#ifndef TESTS_UNIT_MIB_OID_H
#define TESTS_UNIT_MIB_OID_H

#include "mib/mib.h"

/* "1.3.6.1", or "." and what is below lbcMIB: ".1.4.1.8.1.2.3"; "$web" is a name with
 * its length in front. */
struct mib_oid oid_make(const char *text);
enum { OID_TEXT_SIZE = 11 * MIB_OID_MAX + 1 };
const char *oid_text(const struct mib_oid *oid, char buf[OID_TEXT_SIZE]);
/* As strcmp(3). */
int oid_order(const struct mib_oid *a, const struct mib_oid *b);
bool oid_starts(const struct mib_oid *oid, const struct mib_oid *prefix);

#endif
