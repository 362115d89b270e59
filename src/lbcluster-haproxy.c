/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbcluster-haproxy(8), the driver of clusters whose data plane is HAProxy.
 */
#include "driver/driver.h"
#include "plane/haproxy/haproxy.h"

int
main(int argc, char **argv)
{
	static const struct driver_program program = {
		.name = "lbcluster-haproxy",
		.conf_file = LBCLUSTER_CONF_DIR "/lbcluster-haproxy.conf",
		.ops = &haproxy_plane,
	};

	return driver_main(&program, argc, argv);
}
