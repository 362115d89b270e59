/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/stdfds.h"

#include <fcntl.h>
#include <unistd.h>

bool
stdfds_open(void)
{
	/* open(2) returns the lowest free number. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) == -1) {
			int given = open("/dev/null", flags);

			if (given != fd)
				return false;
		}
	}
	return true;
}
