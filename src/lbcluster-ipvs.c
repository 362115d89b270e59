/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbcluster-ipvs(8), the driver of clusters whose data plane is IPVS of the kernel.
 */
#include "check/checks.h"
#include "driver/driver.h"
#include "plane/ipvs/ipvs.h"

int
main(int argc, char **argv)
{
	return driver_main(&ipvs_plane, check_kinds, argc, argv);
}
