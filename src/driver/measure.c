/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Rates from totals; see measure.h.
 */
#include "driver/measure.h"

#include <string.h>

#include "util/memory.h"

/* Rates computed from totals. A rate of the data plane itself takes precedence. */
static const struct {
	enum stat_number	total, rate;
	unsigned int		factor;
} rates[] = {
	{ STAT_TOTAL_CONNECTIONS, STAT_CONNECTIONS_PER_SECOND, 1 },
	{ STAT_TOTAL_PACKETS_IN, STAT_PPS_IN, 1 },
	{ STAT_TOTAL_PACKETS_OUT, STAT_PPS_OUT, 1 },
	{ STAT_TOTAL_OCTETS_IN, STAT_BPS_IN, 8 },
	{ STAT_TOTAL_OCTETS_OUT, STAT_BPS_OUT, 8 },
};

static bool
total_decreased(const struct measure *measure, const struct plane_counts *counts)
{
	for (unsigned int i = 0; i < STAT_COUNTERS; i++) {
		unsigned int total = STAT_COUNTERS_FIRST + i;

		if ((measure->present & counts->present & 1u << total) &&
		    counts->number[total] < measure->totals[i])
			return true;
	}
	return false;
}

static void
rates_take(const struct measure *measure, const struct plane_counts *counts,
    int64_t elapsed_ms, struct statistics *ret)
{
	for (size_t i = 0; i < ROWS(rates); i++) {
		enum stat_number total = rates[i].total, rate = rates[i].rate;
		uint32_t bit = 1u << rate;
		uint64_t more;

		if (!(measure->present & counts->present & 1u << total) || (ret->present & bit))
			continue;
		more = counts->number[total] - measure->totals[total - STAT_COUNTERS_FIRST];
		/* In floating point, because bytes times 8000 can exceed 64 bits. */
		ret->number[rate] = (uint64_t)((double)more * rates[i].factor * 1000.0 /
		    (double)elapsed_ms + 0.5);
		ret->present |= bit;
	}
}

/* -- counters_since ------------------------------------------------------------------- */

/* The totals began again at 'at'. counters_since must change for the manager, also if the clock
 * was set back and if the totals began twice within a second. */
static void
since_move(struct measure *measure, int64_t at)
{
	if (at > measure->since)
		measure->since = at;
	else if (measure->since < INT64_MAX)
		measure->since++;
}

/* Updates 'since'. Returns true if the totals continue from the latest measurement. */
static bool
since_update(struct measure *measure, const struct plane_poll *poll,
    const struct plane_counts *counts, int64_t now_s)
{
	int64_t since = counts->counters_since != 0 ? counts->counters_since :
	    poll->counters_since;
	bool resumed = measure->epoch == 0;

	if (measure->since == 0) {
		measure->since = since;
		return false;
	}
	if ((resumed || counts->counters_since != 0) && since > measure->since) {
		measure->since = since;
		return false;
	}
	if (!resumed && poll->epoch != measure->epoch) {
		since_move(measure, since);
		return false;
	}
	/* Without totals at the latest measurement the server was deleted and added again. */
	if (((measure->present & STAT_COUNTERS_MASK) == 0 &&
	    (counts->present & STAT_COUNTERS_MASK) != 0) ||
	    total_decreased(measure, counts)) {
		since_move(measure, now_s);
		return false;
	}
	return !resumed;
}

void
measure_resume(struct measure *measure, const struct statistics *row)
{
	if (row->counters_since > measure->since)
		measure->since = row->counters_since;
	if (measure->at_ms != 0)
		return;
	measure->present = row->present;
	memcpy(measure->totals, row->number + STAT_COUNTERS_FIRST, sizeof(measure->totals));
}

void
measure_detach(struct measure *measure)
{
	measure->epoch = 0;
}

bool
measure_continues(const struct measure *measure, const struct plane_poll *poll)
{
	return measure->since != 0 && measure->since >= poll->counters_since;
}

void
measure_take(struct measure *measure, const struct plane_poll *poll,
    const struct plane_counts *counts, struct measure_time now, uint32_t real_id, bool active,
    struct statistics *ret)
{
	*ret = (struct statistics){ .real_id = real_id, .present = STAT_PRESENT_ACTIVE,
	    .active = active, .last_update = now.wall_s };
	if (counts != NULL) {
		ret->present |= counts->present;
		memcpy(ret->number, counts->number, sizeof(ret->number));
		if (since_update(measure, poll, counts, now.wall_s) &&
		    now.steady_ms > measure->at_ms)
			rates_take(measure, counts, now.steady_ms - measure->at_ms, ret);
		memcpy(measure->totals, counts->number + STAT_COUNTERS_FIRST,
		    sizeof(measure->totals));
	}
	ret->counters_since = measure->since;
	measure->at_ms = now.steady_ms;
	measure->epoch = poll->epoch;
	measure->present = counts == NULL ? 0 : counts->present;
}

void
measure_service_take(struct measure *measure, const struct plane_poll *poll,
    const struct plane_service_counts *counted, struct measure_time now, uint32_t service_id,
    struct statistics *ret)
{
	measure_take(measure, poll, counted == NULL ? NULL : &counted->counts, now, service_id,
	    false, ret);
	ret->present &= STAT_SERVICE_MASK;
	ret->algorithm = counted == NULL ? "" : counted->algorithm;
}
