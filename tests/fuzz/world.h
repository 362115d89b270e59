/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A small store and a MIB engine on it, for fuzz targets: 3 clusters, 3 services, 5 real services,
 * 2 jobs and 3 rows of statistics; and the input as OIDs and values.
 */
#ifndef TESTS_FUZZ_WORLD_H
#define TESTS_FUZZ_WORLD_H

#include "../unit/mib_fixture.h"
#include "fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

extern struct fixture f;

/* Once, before the first input. */
void world_make(void);
/* Restores the rows after an input that may have changed them. */
void world_reset(void);

/* An OID of the module or 'last', truncated or extended by the input. */
struct mib_oid take_oid(struct input *in, const struct mib_oid *last);
/* The bytes of the value stay in the input. */
void take_value(struct input *in, struct mib_value *ret);

/* require() with an OID at the end of the message. */
void must_at(bool condition, const char *what, const struct mib_oid *oid);

#endif
