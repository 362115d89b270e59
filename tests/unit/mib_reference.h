/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reference answers for OIDs, by a search in the sorted array of all expected values
 * (mib_world.h), and a store with these values.
 */
#ifndef TESTS_UNIT_MIB_REFERENCE_H
#define TESTS_UNIT_MIB_REFERENCE_H

#include "mib_world.h"

/* Makes a store with the values of mib_world.h, or an empty one, and an engine. */
void reference_make(struct fixture *f, bool empty);

/* Returns the position of the first entry after, or at, 'start'. */
size_t reference_position(const struct mib_oid *start, bool inclusive);

/* Return the answers of GET and GETNEXT, with exceptions. 'end' as for mib_next(). */
void reference_get(const struct mib_oid *name, struct mib_value *ret_value);
void reference_next(const struct mib_oid *start, bool inclusive, const struct mib_oid *end,
    struct mib_varbind *ret_varbind);

/* Fails unless 'value' is the expected value of 'name'. */
void reference_check(const struct mib_oid *name, const struct mib_value *value,
    const struct mib_value *expected);

#endif
