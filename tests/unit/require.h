/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What must hold in code that unit tests, fuzz targets and benchmarks share. Each kind of program
 * ends in its own way: agentx_fake.c has the function for cmocka, fuzz.c for fuzz targets,
 * agentx_driver.c for benchmarks.
 */
#ifndef TESTS_REQUIRE_H
#define TESTS_REQUIRE_H

#include <stdbool.h>

/* Ends the test, or the program, with a message unless 'condition' holds. */
void require(bool condition, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
