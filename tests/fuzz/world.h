/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A small store and a MIB engine over it, for the fuzz targets that ask it: 3 clusters,
 * 3 services, 5 real services, 2 jobs, 3 rows of statistics. And their input as OIDs and
 * values.
 */
#ifndef TESTS_FUZZ_WORLD_H
#define TESTS_FUZZ_WORLD_H

#include "../unit/mib_fixture.h"
#include "fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

extern struct fixture f;

/* Once, before the first input. */
void world_make(void);
/* After an input that may have changed a row: each finds the same ones. */
void world_reset(void);

/* One of some places of the module or, beyond them, 'last'; cut, and with more behind. */
struct mib_oid take_oid(struct input *in, const struct mib_oid *last);
/* Its octets stay in the input. */
void take_value(struct input *in, struct mib_value *ret);

/* require(), with an OID behind the words. */
void must_at(bool condition, const char *what, const struct mib_oid *oid);

#endif
