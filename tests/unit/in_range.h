/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * assert_int_in_range() of cmocka 2 for cmocka 1 too. cmocka 1 has assert_in_range(), of which
 * cmocka 2 warns. Its comparison is unsigned: the bounds are 0 or more, and a negative value
 * fails with both. Include this after <cmocka.h>.
 */
#ifndef TESTS_IN_RANGE_H
#define TESTS_IN_RANGE_H

#ifndef assert_int_in_range
#define assert_int_in_range assert_in_range
#endif

#endif
