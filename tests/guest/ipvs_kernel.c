/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The socket of src/plane/ipvs against the kernel; runs in the guest.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "../unit/ipvs_steps.h"

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipvs_steps_have_the_same_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
