/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What must hold in code that unit tests and fuzz targets share: fuzz.c has it for those,
 * agentx_fake.c for cmocka.
 */
#ifndef TESTS_REQUIRE_H
#define TESTS_REQUIRE_H

#include <stdbool.h>

/* Ends the test, or the program, with a message unless 'condition' holds. */
void require(bool condition, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
