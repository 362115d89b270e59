/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbclusterctl(1): shows and changes the store from the command line.
 */
#include <signal.h>
#include <stdio.h>

#include "ctl/ctl.h"
#include "util/stdfds.h"

int
main(int argc, char **argv)
{
	if (!stdfds_open())
		return 1;
	/* "list | head" ends without a message, also if the parent process ignores SIGPIPE. */
	signal(SIGPIPE, SIG_DFL);
	return (int)ctl_main(argc, argv, stdout, stderr);
}
