/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * From the counters of a data plane to a row of statistics: rates over the time
 * that really went by, and none where counters began anew. Pure functions.
 */
#ifndef DRIVER_MEASURE_H
#define DRIVER_MEASURE_H

#include "plane/plane.h"

/* What is kept of one real service from one measuring to the next; zero at first. */
struct measure {
	int64_t		at_ms;		/* 0: never */
	uint64_t	epoch;
	int64_t		since;
	uint64_t	totals[STAT_NUMBERS];
	uint32_t	present;
};

/* When a look was measured, on both clocks. */
struct measure_time {
	int64_t	steady_ms, wall_s;
};

/* Fills 'ret' for 'server' of 'look' (NULL: the data plane has no such server, of
 * which only that it is not active is told). Rates are absent at the first
 * measuring, after a restart and where a counter went back; counters_since tells
 * when the totals began. */
void measure_take(struct measure *measure, const struct plane_look *look,
    const struct plane_server *server, struct measure_time now, uint32_t real_id, bool active,
    struct statistics *ret);

#endif
