/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A wall clock that a test sets, in front of time(2), gettimeofday(2), which SQLite uses, and
 * clock_gettime(2). It is ahead by the number of seconds in the file $SET_CLOCK. A time namespace
 * has no wall clock of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int
clock_gettime(clockid_t clock, struct timespec *ret)
{
	const char *path = getenv("SET_CLOCK");
	FILE *file = NULL;
	long ahead = 0;

	if (syscall(SYS_clock_gettime, clock, ret) == -1)
		return -1;
	if (clock == CLOCK_REALTIME && path != NULL)
		file = fopen(path, "r");
	if (file != NULL && fscanf(file, "%ld", &ahead) != 1)
		ahead = 0;
	if (file != NULL)
		fclose(file);
	ret->tv_sec += ahead;
	return 0;
}

time_t
time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret != NULL)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *ret, void *zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}
