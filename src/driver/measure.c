/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Rates from totals; see measure.h.
 */
#include "driver/measure.h"

#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* Rates that are made of totals. Where the data plane has a rate itself, that one
 * stays. */
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
went_back(const struct measure *measure, const struct plane_server *server)
{
	for (size_t i = 0; i < ROWS(rates); i++) {
		enum stat_number total = rates[i].total;

		if ((measure->present & server->present & 1u << total) &&
		    server->number[total] < measure->totals[total])
			return true;
	}
	return false;
}

static void
rates_take(const struct measure *measure, const struct plane_server *server,
    int64_t elapsed_ms, struct statistics *ret)
{
	for (size_t i = 0; i < ROWS(rates); i++) {
		enum stat_number total = rates[i].total, rate = rates[i].rate;
		uint32_t bit = 1u << rate;
		uint64_t more;

		if (!(measure->present & server->present & 1u << total) || (ret->present & bit))
			continue;
		more = server->number[total] - measure->totals[total];
		/* In floating point: octets times 8000 may leave 64 bits. */
		ret->number[rate] = (uint64_t)((double)more * rates[i].factor * 1000.0 /
		    (double)elapsed_ms + 0.5);
		ret->present |= bit;
	}
}

void
measure_take(struct measure *measure, const struct plane_look *look,
    const struct plane_server *server, struct measure_time now, uint32_t real_id, bool active,
    struct statistics *ret)
{
	bool again;

	*ret = (struct statistics){ .real_id = real_id, .present = STAT_PRESENT_ACTIVE,
	    .active = active, .last_update = now.wall_s };
	if (server == NULL) {
		*measure = (struct measure){ 0 };
		return;
	}
	ret->present |= server->present;
	memcpy(ret->number, server->number, sizeof(ret->number));
	again = measure->at_ms != 0 && measure->epoch == look->epoch;
	if (!again)
		measure->since = look->counters_since;
	else if (went_back(measure, server)) {
		measure->since = now.wall_s;
		again = false;
	}
	ret->counters_since = measure->since;
	if (again && now.steady_ms > measure->at_ms)
		rates_take(measure, server, now.steady_ms - measure->at_ms, ret);
	measure->at_ms = now.steady_ms;
	measure->epoch = look->epoch;
	measure->present = server->present;
	memcpy(measure->totals, server->number, sizeof(measure->totals));
}
