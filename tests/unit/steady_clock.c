/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * clock_steady_ms() of mib_fixture.h, in a file of its own: beside agentx_fake.c, which
 * has another one, it is not linked.
 */
#include "mib_fixture.h"

#include <time.h>

#include "util/clock.h"

int64_t fixture_steady_offset_ms, fixture_steady_ms;

int64_t
clock_steady_ms(void)
{
	struct timespec t;

	if (fixture_steady_ms != 0)
		return fixture_steady_ms;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + fixture_steady_offset_ms;
}
