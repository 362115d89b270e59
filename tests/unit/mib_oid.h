/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * OIDs as text, and their order. This code is independent of the engine, which is tested with it.
 */
#ifndef TESTS_UNIT_MIB_OID_H
#define TESTS_UNIT_MIB_OID_H

#include "mib/mib.h"

/* Reads "1.3.6.1"; or "." and the part below lbcMIB, ".1.4.1.8.1.2.3"; "$web" is a name with its
 * length in front. */
struct mib_oid oid_make(const char *text);
enum { OID_TEXT_SIZE = 11 * MIB_OID_MAX + 1 };
const char *oid_text(const struct mib_oid *oid, char buf[OID_TEXT_SIZE]);
/* Compares as strcmp(3) does. */
int oid_order(const struct mib_oid *a, const struct mib_oid *b);
bool oid_starts(const struct mib_oid *oid, const struct mib_oid *prefix);

#endif
