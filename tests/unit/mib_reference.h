/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What mib_world.h has to say of an OID, found by a search in the sorted array of all
 * that is expected; and the store that it is told of.
 */
#ifndef TESTS_UNIT_MIB_REFERENCE_H
#define TESTS_UNIT_MIB_REFERENCE_H

#include "mib_world.h"

/* A store with that world in it, or an empty one, and an engine over it. */
void reference_make(struct fixture *f, bool empty);

/* Position of the first entry after 'start', or at it. */
size_t reference_position(const struct mib_oid *start, bool inclusive);

/* The answers of GET and GETNEXT, exceptions included; 'end' as for mib_next(). */
void reference_get(const struct mib_oid *name, struct mib_value *ret_value);
void reference_next(const struct mib_oid *start, bool inclusive, const struct mib_oid *end,
    struct mib_varbind *ret_varbind);

/* Fails unless 'value' of 'name' is the expected one. */
void reference_check(const struct mib_oid *name, const struct mib_value *value,
    const struct mib_value *expected);

#endif
