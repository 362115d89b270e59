/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Computes a row of statistics from the totals of a data plane. A rate is the difference of two
 * measurements over the time between them. Pure functions.
 */
#ifndef DRIVER_MEASURE_H
#define DRIVER_MEASURE_H

#include "plane/plane.h"

/* The latest measurement of one real service or service. Initialize with zeros. */
struct measure {
	int64_t		at_ms;		/* clock_steady_ms() */
	uint64_t	epoch;		/* of the poll; 0: of another driver or plane */
	int64_t		since;		/* counters_since; 0: never measured */
	uint64_t	totals[STAT_COUNTERS];
	uint32_t	present;
};

/* The time of a measurement, on both clocks. */
struct measure_time {
	int64_t	steady_ms, wall_s;
};

/* Continues from 'row', which the driver stored before it was restarted. If the real service
 * was measured since, only a later counters_since is taken. */
void measure_resume(struct measure *measure, const struct statistics *row);

/* Call before the polls of another plane, which count epochs from the start. */
void measure_detach(struct measure *measure);

/* 'poll' is the first one of a plane. True if no process of the data plane was restarted since
 * the latest measurement, also if another driver made it. */
bool measure_continues(const struct measure *measure, const struct plane_poll *poll);

/* Fills 'ret' from 'counts' of 'poll'. If the data plane has no such server or service ('counts' is
 * NULL), it has no numbers. There are no rates at the first
 * measurement, after a restart and after a total decreased. counters_since is the time when the
 * totals began. It only increases, and it changes whenever a total may have been reset: it is
 * the discontinuity indicator of the Counter64 objects (RFC 2578, 7.1.10). */
void measure_take(struct measure *measure, const struct plane_poll *poll,
    const struct plane_counts *counts, struct measure_time now, uint32_t real_id, bool active,
    struct statistics *ret);
/* The same for a service, which has no rates. 'counted' may be NULL; the text of 'ret' points into
 * it. */
void measure_service_take(struct measure *measure, const struct plane_poll *poll,
    const struct plane_service_counts *counted, struct measure_time now, uint32_t service_id,
    struct statistics *ret);

#endif
