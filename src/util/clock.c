/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/clock.h"

#include <time.h>

int64_t
clock_wall_s(void)
{
	return (int64_t)time(NULL);
}

int64_t
clock_steady_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *
clock_text(int64_t wall_s, char buf[CLOCK_TEXT_SIZE])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	buf[0] = '\0';
	if (wall_s != 0 && gmtime_r(&t, &tm) != NULL)
		strftime(buf, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}
