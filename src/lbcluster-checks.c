/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbcluster-checks(8), the health checks of clusters without a data plane.
 */
#include "check/checks.h"
#include "driver/driver.h"
#include "plane/none/none.h"

int
main(int argc, char **argv)
{
	return driver_main(&none_plane, check_kinds, argc, argv);
}
