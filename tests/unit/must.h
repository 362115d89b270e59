/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What must hold in code that unit tests and fuzz targets share: fuzz.c has it for those,
 * agentx_fake.c for cmocka.
 */
#ifndef TESTS_MUST_H
#define TESTS_MUST_H

#include <stdbool.h>

/* Ends the test, or the program, with words unless 'condition' holds. */
void must(bool condition, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
