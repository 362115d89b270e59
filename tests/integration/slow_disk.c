/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A slow disk: with LD_PRELOAD, every fsync(2) and fdatasync(2) first waits for the milliseconds
 * that the file named by $SLOW_DISK has at that moment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void
wait_long(void)
{
	const char *path = getenv("SLOW_DISK");
	FILE *file = path == NULL ? NULL : fopen(path, "re");
	struct timespec pause = { 0 };
	long ms = 0;

	if (file == NULL)
		return;
	if (fscanf(file, "%ld", &ms) != 1)
		ms = 0;
	fclose(file);
	pause.tv_sec = ms / 1000;
	pause.tv_nsec = ms % 1000 * 1000000;
	while (nanosleep(&pause, &pause) == -1)
		;
}

int
fsync(int fd)
{
	wait_long();
	return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	wait_long();
	return (int)syscall(SYS_fdatasync, fd);
}
