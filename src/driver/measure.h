/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * From the totals of a data plane to a row of statistics: rates over the time between two
 * measurements, and no rate where the totals began again. Pure functions.
 */
#ifndef DRIVER_MEASURE_H
#define DRIVER_MEASURE_H

#include "plane/plane.h"

/* What is kept of one real service from one measurement to the next; zero at first. */
struct measure {
	int64_t		at_ms;
	uint64_t	epoch;		/* of the poll; 0: of another process or plane */
	int64_t		since;		/* 0: never measured */
	uint64_t	totals[STAT_NUMBERS];
	uint32_t	present;
};

/* When a poll was measured, on both clocks. */
struct measure_time {
	int64_t	steady_ms, wall_s;
};

/* Starts from 'row', which the driver stored before it was restarted. Does nothing where the
 * real service has been measured since, but for a later counters_since. */
void measure_resume(struct measure *measure, const struct statistics *row);

/* The polls of another plane follow: their epochs begin again. */
void measure_detach(struct measure *measure);

/* 'poll' is the first one of a plane: true where no process of the data plane was restarted
 * since the last measurement, which another driver may have made. */
bool measure_continues(const struct measure *measure, const struct plane_poll *poll);

/* Fills 'ret' for 'server' of 'poll'. 'server' NULL: the data plane has no such server, and
 * 'ret' says that it is not active. Rates are absent at the first measurement, after a
 * restart and where a total went back. counters_since says when the totals began; it never
 * goes back, and moves whenever the totals may have: it is the discontinuity indicator of
 * the Counter64 objects (RFC 2578, 7.1.10). */
void measure_take(struct measure *measure, const struct plane_poll *poll,
    const struct plane_server *server, struct measure_time now, uint32_t real_id, bool active,
    struct statistics *ret);

#endif
