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
total_decreased(const struct measure *measure, const struct plane_server *server)
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
		/* In floating point, because bytes times 8000 can exceed 64 bits. */
		ret->number[rate] = (uint64_t)((double)more * rates[i].factor * 1000.0 /
		    (double)elapsed_ms + 0.5);
		ret->present |= bit;
	}
}

/* -- counters_since ------------------------------------------------------------------- */

static const uint32_t all_totals = 1u << STAT_TOTAL_CONNECTIONS | 1u << STAT_TOTAL_PACKETS_IN |
    1u << STAT_TOTAL_PACKETS_OUT | 1u << STAT_TOTAL_OCTETS_IN | 1u << STAT_TOTAL_OCTETS_OUT;

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
    const struct plane_server *server, int64_t now_s)
{
	int64_t since = server->counters_since != 0 ? server->counters_since :
	    poll->counters_since;
	bool resumed = measure->epoch == 0;

	if (measure->since == 0) {
		measure->since = since;
		return false;
	}
	if ((resumed || server->counters_since != 0) && since > measure->since) {
		measure->since = since;
		return false;
	}
	if (!resumed && poll->epoch != measure->epoch) {
		since_move(measure, since);
		return false;
	}
	/* Without totals at the latest measurement the server was deleted and added again. */
	if (((measure->present & all_totals) == 0 && (server->present & all_totals) != 0) ||
	    total_decreased(measure, server)) {
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
	memcpy(measure->totals, row->number, sizeof(measure->totals));
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
    const struct plane_server *server, struct measure_time now, uint32_t real_id, bool active,
    struct statistics *ret)
{
	*ret = (struct statistics){ .real_id = real_id, .present = STAT_PRESENT_ACTIVE,
	    .active = active, .last_update = now.wall_s };
	if (server != NULL) {
		ret->present |= server->present;
		memcpy(ret->number, server->number, sizeof(ret->number));
		if (since_update(measure, poll, server, now.wall_s) &&
		    now.steady_ms > measure->at_ms)
			rates_take(measure, server, now.steady_ms - measure->at_ms, ret);
		memcpy(measure->totals, server->number, sizeof(measure->totals));
	}
	ret->counters_since = measure->since;
	measure->at_ms = now.steady_ms;
	measure->epoch = poll->epoch;
	measure->present = server == NULL ? 0 : server->present;
}
