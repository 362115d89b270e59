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
	return driver_main(&haproxy_plane, NULL, argc, argv);
}
