/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbclusterd(8), the AgentX subagent.
 */
#include "daemon/daemon.h"
#include "util/stdfds.h"

int
main(int argc, char **argv)
{
	if (!stdfds_open())
		return 1;
	return daemon_main(argc, argv);
}
