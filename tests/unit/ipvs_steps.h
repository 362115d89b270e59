/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A table of changes of IPVS with the errno of each. tests/unit/test_ipvs_steps runs it against the
 * kernel in memory, and tests/guest/ipvs_kernel against the kernel of the guest, so both behave the
 * same.
 */
#ifndef TESTS_UNIT_IPVS_STEPS_H
#define TESTS_UNIT_IPVS_STEPS_H

/* A test of cmocka. The table of IPVS has to be empty, and is empty afterwards. */
void ipvs_steps_have_the_same_results(void **state);

#endif
