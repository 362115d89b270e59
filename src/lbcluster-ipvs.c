/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbcluster-ipvs(8), the driver of clusters whose data plane is IPVS of the kernel.
 */
#include "driver/driver.h"
#include "plane/ipvs/ipvs.h"

int
main(int argc, char **argv)
{
	static const struct driver_program program = {
		.name = "lbcluster-ipvs",
		.conf_file = LBCLUSTER_CONF_DIR "/lbcluster-ipvs.conf",
		.ops = &ipvs_plane,
	};

	return driver_main(&program, argc, argv);
}
