/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/status_cells.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/address.h"
#include "util/memory.h"
#include "util/text.h"

const struct status_column status_columns[CELLS] = {
	[CELL_NAME] = { "NAME", false, 0 },
	[CELL_STATUS] = { "STATUS", false, 0 },
	[CELL_ENDPOINT] = { "ENDPOINT", false, 2 },
	/* Of a cluster or service the real services that are active; of a real service its share of
	 * the new connections. */
	[CELL_SHARE] = { "UP/SHARE", true, 1 },
	[CELL_WEIGHT] = { "WEIGHT", true, 5 },
	[CELL_CONNS] = { "CONNS", true, 3 },
	[CELL_RATE] = { "NEW/S", true, 4 },
	[CELL_BPS_IN] = { "BPS-IN", true, 6 },
	[CELL_BPS_OUT] = { "BPS-OUT", true, 6 },
	[CELL_REASON] = { "REASON", false, 0 },
};

/* -- numbers -------------------------------------------------------------------- */

/* Writes a number with at most four digits, as "212" or "48.8M". */
static void
number_text(uint64_t number, char buf[CELL_SIZE])
{
	static const char units[] = " kMGTPE";
	double value = (double)number;
	size_t unit = 0;

	for (; number >= 10000 && value >= 999.5; unit++)
		value /= 1000;
	if (unit == 0)
		snprintf(buf, CELL_SIZE, "%" PRIu64, number);
	else
		snprintf(buf, CELL_SIZE, "%.3g%c", value, units[unit]);
}

/* Writes an age as "90 s", "12 min", "3 h" or "2 d". */
static void
age_text(uint32_t age_s, char *buf, size_t size)
{
	static const struct {
		const char	*name;
		uint32_t	 seconds, from;
	} units[] = { { "d", 86400, 172800 }, { "h", 3600, 7200 }, { "min", 60, 120 },
		{ "s", 1, 0 } };
	size_t i = 0;

	while (age_s < units[i].from)
		i++;
	snprintf(buf, size, "%" PRIu32 " %s", age_s / units[i].seconds, units[i].name);
}

/* -- cells ----------------------------------------------------------------------- */

static void
endpoint_text(const struct status_row *row, char buf[CELL_SIZE])
{
	const char *plane = tree_text(&row->cluster->row, TREE_PLANE);

	if (row->service != NULL)
		address_endpoint(tree_text(row->row, TREE_ADDRESS), tree_text(row->row, TREE_PORT),
		    buf, CELL_SIZE);
	else
		snprintf(buf, CELL_SIZE, "%s",
		    strcmp(plane, "none") == 0 ? "no data plane" : plane);
}

static void
weight_text(const struct status_row *row, char buf[CELL_SIZE])
{
	if (row->real != NULL)
		snprintf(buf, CELL_SIZE, "%u", (unsigned int)row->real->weight);
	else if (row->service != NULL)
		number_text(row->service->sums.weight, buf);
}

static void
share_text(const struct status_row *row, char buf[CELL_SIZE])
{
	const struct cache_sums *sums = status_row_sums(row);
	unsigned int share;

	if (sums != NULL)
		snprintf(buf, CELL_SIZE, "%" PRIu32 "/%" PRIu32, sums->tally.active,
		    sums->tally.enabled);
	else if (!status_row_share(row, &share))
		snprintf(buf, CELL_SIZE, "%s", row->in_reserve ? "fallback" : "-");
	else if (share == 0 && row->serves)
		snprintf(buf, CELL_SIZE, "<1%%");
	else
		snprintf(buf, CELL_SIZE, "%u%%", share);
}

/* Appends "; " and a text to what 'buf' has. */
static void
text_append(char buf[CELL_SIZE], const char *text)
{
	size_t length = strlen(buf);

	snprintf(buf + length, CELL_SIZE - length, "%s%s",
	    length > 0 && text[0] != '\0' ? "; " : "", text);
}

/* The reason of a real service, after the age of stale statistics. */
static void
real_reason_text(const struct status_view *view, const struct cache_real *real,
    char buf[CELL_SIZE])
{
	const char *reason = cache_real_reason(view->cache, real, view->now);
	char age[32] = "";

	if (real->enabled &&
	    cache_real_freshness(view->cache, real, view->now) == FRESHNESS_STALE) {
		age_text(status_age(real->statistics.last_update, view->now), age, sizeof(age));
		snprintf(buf, CELL_SIZE, "%s old: ", age);
	}
	snprintf(buf + strlen(buf), CELL_SIZE - strlen(buf), "%s", reason);
}

const char *
status_service_reason(const struct status_view *view, const struct status_row *row,
    char buf[CELL_SIZE])
{
	const struct cache_sums *sums = &row->service->sums;
	char age[32], text[80];

	snprintf(buf, CELL_SIZE, "%s", cache_service_reason(row->service));
	if (!status_row_is_unpolled(row) || !sums->any_enabled || sums->oldest_update == 0)
		return buf;
	age_text(status_age(sums->oldest_update, view->now), age, sizeof(age));
	snprintf(text, sizeof(text), "measured %s ago: its data plane is %s", age,
	    plane_status_name(row->plane->status));
	text_append(buf, text);
	return buf;
}

/* Formats the message of a data plane. Its status is before it, unless that is none or ok. */
static void
plane_reason_text(const struct plane_view *plane, char buf[CELL_SIZE])
{
	if (plane->status != PLANE_STATUS_NONE && plane->status != PLANE_STATUS_OK)
		snprintf(buf, CELL_SIZE, "%s%s", plane_status_name(plane->status),
		    plane->message[0] != '\0' ? ": " : "");
	snprintf(buf + strlen(buf), CELL_SIZE - strlen(buf), "%s", plane->message);
}

static void
reason_text(const struct status_view *view, const struct status_row *row, char buf[CELL_SIZE])
{
	const struct cache_service *service = row->service;
	uint32_t jobs = row->real != NULL ? row->real->pending_jobs :
	    service != NULL ? service->pending_jobs : 0;
	char text[32];

	if (row->real != NULL)
		real_reason_text(view, row->real, buf);
	else if (service != NULL)
		status_service_reason(view, row, buf);
	else
		plane_reason_text(row->plane, buf);
	if (jobs == 0)
		return;
	snprintf(text, sizeof(text), "%" PRIu32 " open job%s", jobs, jobs == 1 ? "" : "s");
	text_append(buf, text);
}

static void
statistic_text(const struct status_row *row, enum stat_number which, char buf[CELL_SIZE])
{
	uint64_t number;

	if (status_row_number(row, which, &number))
		number_text(number, buf);
	else
		snprintf(buf, CELL_SIZE, "-");
}

const char *
status_cell_text(const struct status_view *view, const struct status_row *row,
    enum status_cell cell, char buf[CELL_SIZE])
{
	static const enum stat_number numbers[CELLS] = {
		[CELL_CONNS] = STAT_ACTIVE_CONNECTIONS,
		[CELL_RATE] = STAT_CONNECTIONS_PER_SECOND,
		[CELL_BPS_IN] = STAT_BPS_IN,
		[CELL_BPS_OUT] = STAT_BPS_OUT,
	};

	buf[0] = '\0';
	switch (cell) {
	case CELL_NAME:
		snprintf(buf, CELL_SIZE, "%s", row->row->name);
		break;
	case CELL_STATUS:
		snprintf(buf, CELL_SIZE, "%s", row->status);
		break;
	case CELL_ENDPOINT:
		endpoint_text(row, buf);
		break;
	case CELL_WEIGHT:
		weight_text(row, buf);
		break;
	case CELL_SHARE:
		share_text(row, buf);
		break;
	case CELL_CONNS:
	case CELL_RATE:
	case CELL_BPS_IN:
	case CELL_BPS_OUT:
		statistic_text(row, numbers[cell], buf);
		break;
	case CELL_REASON:
		reason_text(view, row, buf);
		break;
	case CELLS:
		break;
	}
	return text_clean(buf, '?');
}

/* -- the summary ------------------------------------------------------------------- */

/* Appends "; 1 service" or "; 2 services". */
static void
count_append(char buf[CELL_SIZE], const char *separator, size_t n, const char *what)
{
	size_t length = strlen(buf);

	snprintf(buf + length, CELL_SIZE - length, "%s%zu %s%s", length > 0 ? separator : "", n,
	    what, n == 1 ? "" : "s");
}

const char *
status_summary_text(const struct status_view *view, char buf[CELL_SIZE])
{
	/* The worst first. */
	static const enum lb_status statuses[] = { STATUS_DOWN, STATUS_ON_FALLBACK, STATUS_DEGRADED,
		STATUS_UNKNOWN, STATUS_UP, STATUS_DISABLED };
	size_t services = 0, found = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ROWS(statuses); i++)
		services += view->services[statuses[i]];
	if (services > 0)
		count_append(buf, "", services, "service");
	for (size_t i = 0; i < ROWS(statuses); i++) {
		size_t n = view->services[statuses[i]], length = strlen(buf);

		if (n > 0)
			snprintf(buf + length, CELL_SIZE - length, "%s%zu %s",
			    found++ == 0 ? ": " : ", ", n, lb_status_name(statuses[i]));
	}
	count_append(buf, "; ", view->reals, "real service");
	if (view->clusters > 0)
		count_append(buf, ", ", view->clusters, "cluster");
	return buf;
}

const char *
status_empty_text(const struct status_view *view)
{
	return view->problems ? "Nothing is wrong." : "The store has no clusters.";
}
