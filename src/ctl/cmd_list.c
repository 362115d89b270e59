/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The commands list, info and statistics. The keys are those of info() and statistics() of the
 * API.
 */
#include <string.h>

#include "ctl/ctl.h"
#include "util/clock.h"

/* A listing while it is printed. */
struct listing {
	struct ctl	*ctl;
	struct out	*out;
	int64_t		 now;
	uint32_t	 stale_after_s;
	bool		 object;	/* one row is printed, as an object */
	size_t		 rows;
};

static const struct out_column cluster_columns[] = {
	{ "name", "NAME", OUT_TEXT },
	{ "plane", "PLANE", OUT_TEXT },
	{ "plane_status", "STATUS", OUT_TEXT },
	{ "plane_message", "MESSAGE", OUT_TEXT },
};

static const struct out_column service_columns[] = {
	{ "path", "PATH", OUT_TEXT },
	{ "name", NULL, OUT_TEXT },
	{ "ip_address", "ADDRESS", OUT_TEXT },
	{ "port", "PORT", OUT_TEXT },
	{ "protocol", "PROTOCOL", OUT_TEXT },
	{ "enabled", "ENABLED", OUT_BOOL },
	{ "parameters", NULL, OUT_PARAMS },
};

static const struct out_column real_columns[] = {
	{ "path", "PATH", OUT_TEXT },
	{ "name", NULL, OUT_TEXT },
	{ "ip_address", "ADDRESS", OUT_TEXT },
	{ "port", "PORT", OUT_TEXT },
	{ "weight", "WEIGHT", OUT_NUMBER },
	{ "fallback", "FALLBACK", OUT_BOOL },
	{ "enabled", "ENABLED", OUT_BOOL },
	{ "active", "ACTIVE", OUT_BOOL },
	{ "pending_jobs", "PENDING", OUT_NUMBER },
	{ "freshness", "FRESHNESS", OUT_TEXT },
	{ "parameters", NULL, OUT_PARAMS },
};

/* First the keys of statistics() in the order of the API, then freshness, age and the others,
 * which the API does not have. */
static const struct out_column statistics_columns[] = {
	{ "path", "PATH", OUT_TEXT },
	{ "active", "ACTIVE", OUT_BOOL },
	{ "active_connections", "CONNS", OUT_NUMBER },
	{ "bps_in", "BPS-IN", OUT_NUMBER },
	{ "bps_out", "BPS-OUT", OUT_NUMBER },
	{ "connections_per_second", "CONNS/S", OUT_NUMBER },
	{ "inactive_connections", "INACTIVE", OUT_NUMBER },
	{ "last_update", "LAST-UPDATE", OUT_TIME },
	{ "persistent_connections", "PERSISTENT", OUT_NUMBER },
	{ "pps_in", "PPS-IN", OUT_NUMBER },
	{ "pps_out", "PPS-OUT", OUT_NUMBER },
	{ "freshness", "FRESHNESS", OUT_TEXT },
	{ "age", "AGE", OUT_NUMBER },
	{ "counters_since", NULL, OUT_TIME },
	{ "total_connections", NULL, OUT_NUMBER },
	{ "total_packets_in", NULL, OUT_NUMBER },
	{ "total_packets_out", NULL, OUT_NUMBER },
	{ "total_octets_in", NULL, OUT_NUMBER },
	{ "total_octets_out", NULL, OUT_NUMBER },
	{ "connection_errors", NULL, OUT_NUMBER },
	{ "response_errors", NULL, OUT_NUMBER },
	{ "requests", NULL, OUT_NUMBER },
	{ "http_4xx", NULL, OUT_NUMBER },
	{ "http_5xx", NULL, OUT_NUMBER },
	{ "check_failures", NULL, OUT_NUMBER },
	{ "connection_limit", NULL, OUT_NUMBER },
	{ "queued_connections", NULL, OUT_NUMBER },
	{ "response_time_ms", NULL, OUT_NUMBER },
	{ "connect_time_ms", NULL, OUT_NUMBER },
	{ "queue_time_ms", NULL, OUT_NUMBER },
	{ "check_code", NULL, OUT_NUMBER },
	{ "check_duration_ms", NULL, OUT_NUMBER },
};

static const struct out_column service_statistics_columns[] = {
	{ "path", "PATH", OUT_TEXT },
	{ "algorithm", "ALGORITHM", OUT_TEXT },
	{ "total_connections", "TOTAL-CONNS", OUT_NUMBER },
	{ "total_octets_in", "OCTETS-IN", OUT_NUMBER },
	{ "total_octets_out", "OCTETS-OUT", OUT_NUMBER },
	{ "total_packets_in", NULL, OUT_NUMBER },
	{ "total_packets_out", NULL, OUT_NUMBER },
	{ "queued_connections", "QUEUED", OUT_NUMBER },
	{ "connection_errors", "ERRORS", OUT_NUMBER },
	{ "response_errors", NULL, OUT_NUMBER },
	{ "requests", NULL, OUT_NUMBER },
	{ "http_4xx", NULL, OUT_NUMBER },
	{ "http_5xx", "HTTP-5XX", OUT_NUMBER },
	{ "response_time_ms", "RESPONSE-MS", OUT_NUMBER },
	{ "last_update", "LAST-UPDATE", OUT_TIME },
	{ "freshness", "FRESHNESS", OUT_TEXT },
	{ "age", "AGE", OUT_NUMBER },
	{ "counters_since", NULL, OUT_TIME },
};

enum {
	STATISTICS_FIRST = 1,
	STATISTICS_WITHOUT_TOTALS = 13,
	STATISTICS_ALL = ROWS(statistics_columns),
	SERVICE_STATISTICS_ALL = ROWS(service_statistics_columns),
};

/* -- values of rows ----------------------------------------------------------- */

/* The same as lbcRealStatsFreshness. */
static enum freshness
freshness_of(const struct listing *listing, const struct statistics *statistics)
{
	return status_freshness(statistics->last_update, listing->now, listing->stale_after_s);
}

/* Only fresh statistics say whether a real service is active, as for lbcRealOperStatus. */
static struct out_value
active_value(const struct listing *listing, const struct statistics *statistics)
{
	if (freshness_of(listing, statistics) != FRESHNESS_FRESH ||
	    (statistics->present & STAT_PRESENT_ACTIVE) == 0)
		return (struct out_value){ .absent = true };
	return out_truth(statistics->active);
}

static struct out_value
age_value(const struct listing *listing, const struct statistics *statistics)
{
	if (freshness_of(listing, statistics) == FRESHNESS_NEVER)
		return (struct out_value){ .absent = true };
	return out_number(status_age(statistics->last_update, listing->now));
}

/* Returns the statistic of a key, which is also the name of a column of the store. */
static struct out_value
statistics_number(const struct statistics *statistics, const char *key)
{
	for (unsigned int i = 0; i < STAT_NUMBERS; i++) {
		if (strcmp(stat_number_names[i], key) == 0 &&
		    (statistics->present & (1u << i)) != 0)
			return out_number(statistics->number[i]);
	}
	return (struct out_value){ .absent = true };
}

static struct out_value
algorithm_value(const char *algorithm)
{
	if (algorithm == NULL || algorithm[0] == '\0')
		return (struct out_value){ .absent = true };
	return out_text(algorithm);
}

static struct out_value
statistics_value(const struct listing *listing, const struct statistics *statistics,
    const char *path, const char *key)
{
	if (strcmp(key, "path") == 0)
		return out_text(path);
	if (strcmp(key, "algorithm") == 0)
		return algorithm_value(statistics->algorithm);
	if (strcmp(key, "last_update") == 0)
		return (struct out_value){ .time = statistics->last_update };
	if (strcmp(key, "counters_since") == 0)
		return (struct out_value){ .time = statistics->counters_since };
	if (strcmp(key, "active") == 0)
		return active_value(listing, statistics);
	if (strcmp(key, "freshness") == 0)
		return out_text(freshness_name(freshness_of(listing, statistics)));
	if (strcmp(key, "age") == 0)
		return age_value(listing, statistics);
	return statistics_number(statistics, key);
}

/* True if there is a number that the API does not have. */
static bool
has_more(const struct statistics *statistics)
{
	return (statistics->present & (STAT_PRESENT_ACTIVE - 1) &
	    ~((1u << STAT_TOTAL_CONNECTIONS) - 1)) != 0;
}

/* -- rows --------------------------------------------------------------------- */

static enum err_code
row_print(struct listing *listing, const struct out_value *values)
{
	listing->rows++;
	return out_row(listing->out, values) ? ERR_OK : ERR_NOMEM;
}

static enum err_code
cluster_print(void *arg, const struct cluster_row *row)
{
	struct listing *listing = arg;
	struct plane_view plane;
	enum err_code code = store_plane_view(listing->ctl->store, row, clock_wall_s(), &plane,
	    &listing->ctl->error);

	if (code != ERR_OK)
		return code;
	return row_print(listing, (const struct out_value[ROWS(cluster_columns)]){
	    out_text(row->name), out_text(row->plane), out_text(plane_status_name(plane.status)),
	    out_text(plane.message) });
}

static enum err_code
service_print(void *arg, const struct path *path, const struct service_row *row)
{
	char name[PATH_TEXT_SIZE];

	return row_print(arg, (const struct out_value[ROWS(service_columns)]){
	    out_text(path_text(path, name)), out_text(row->name), out_text(row->address),
	    out_text(row->port), out_text(protocol_name(row->protocol)),
	    out_truth(row->enabled), out_text(row->params) });
}

static enum err_code
real_print(void *arg, const struct store_real_view *view)
{
	struct listing *listing = arg;
	char name[PATH_TEXT_SIZE];

	return row_print(listing, (const struct out_value[ROWS(real_columns)]){
	    out_text(path_text(&view->path, name)), out_text(view->row.name),
	    out_text(view->row.address), out_text(view->row.port),
	    out_number(view->row.weight), out_truth(view->row.fallback),
	    out_truth(view->row.enabled), active_value(listing, &view->statistics),
	    out_number(view->pending_jobs),
	    out_text(freshness_name(freshness_of(listing, &view->statistics))),
	    out_text(view->row.params) });
}

static enum err_code
statistics_print(void *arg, const struct store_real_view *view)
{
	struct listing *listing = arg;
	struct out_value values[STATISTICS_ALL];
	char path[PATH_TEXT_SIZE];

	path_text(&view->path, path);
	for (size_t i = 0; i < STATISTICS_ALL; i++)
		values[i] = statistics_value(listing, &view->statistics, path,
		    statistics_columns[i].key);
	if (listing->object && !has_more(&view->statistics))
		out_limit(listing->out, STATISTICS_FIRST, STATISTICS_WITHOUT_TOTALS);
	return row_print(listing, values);
}

static enum err_code
service_statistics_print(void *arg, const struct path *path, const struct service_row *row)
{
	struct out_value values[SERVICE_STATISTICS_ALL];
	struct listing *listing = arg;
	struct store_service_view view;
	char name[PATH_TEXT_SIZE];
	enum err_code code = store_service_statistics(listing->ctl->store, row->id, &view,
	    &listing->ctl->error);

	if (code != ERR_OK)
		return code;
	path_text(path, name);
	for (size_t i = 0; i < SERVICE_STATISTICS_ALL; i++)
		values[i] = statistics_value(listing, &view.statistics, name,
		    service_statistics_columns[i].key);
	return row_print(listing, values);
}

/* -- commands ----------------------------------------------------------------- */

enum kind { CLUSTERS, SERVICES, REALS, STATISTICS, SERVICE_STATISTICS };

/* An object has the columns from 'first' on and before 'end'; a list has the first 'n'. */
static const struct {
	const struct out_column	*columns;
	size_t			 first, end, n;
	enum err_code		(*print)(void *arg, const struct store_real_view *view);
} kinds[] = {
	[CLUSTERS] = { cluster_columns, 1, ROWS(cluster_columns), ROWS(cluster_columns), NULL },
	[SERVICES] = { service_columns, 2, ROWS(service_columns) - 1, ROWS(service_columns), NULL },
	[REALS] = { real_columns, 2, 7, ROWS(real_columns), real_print },
	[STATISTICS] = { statistics_columns, STATISTICS_FIRST, STATISTICS_ALL,
	    STATISTICS_WITHOUT_TOTALS, statistics_print },
	[SERVICE_STATISTICS] = { service_statistics_columns, 1, SERVICE_STATISTICS_ALL,
	    SERVICE_STATISTICS_ALL, NULL },
};

static enum err_code
rows_read(struct listing *listing, enum kind kind)
{
	struct ctl *ctl = listing->ctl;
	struct store_totals totals;
	enum err_code code;

	if (kind == CLUSTERS)
		return store_each_cluster(ctl->store, ctl->path, cluster_print, listing,
		    &ctl->error);
	if (kind == SERVICES)
		return store_each_service(ctl->store, ctl->path, service_print, listing,
		    &ctl->error);
	code = store_totals_read(ctl->store, &totals, &ctl->error);
	if (code != ERR_OK)
		return code;
	listing->now = clock_wall_s();
	listing->stale_after_s = totals.stale_after_s;
	if (kind == SERVICE_STATISTICS)
		return store_each_service(ctl->store, ctl->path, service_statistics_print,
		    listing, &ctl->error);
	return store_each_real(ctl->store, ctl->path, kinds[kind].print, listing, &ctl->error);
}

/* Prints the rows of one kind at or below the path, or the row itself as an object. */
static enum ctl_exit
rows_print(struct ctl *ctl, enum kind kind, enum out_shape shape)
{
	struct listing listing = { .ctl = ctl, .object = shape == OUT_OBJECT };
	enum err_code code = ERR_NOMEM;

	listing.out = out_begin(ctl->out, ctl->format, shape, kinds[kind].columns, kinds[kind].n);
	if (listing.out != NULL && listing.object)
		out_limit(listing.out, kinds[kind].first, kinds[kind].end);
	if (listing.out != NULL)
		code = rows_read(&listing, kind);
	/* Another program may remove the row between two reads of the store. */
	if (code == ERR_OK && listing.object && listing.rows == 0)
		code = err_set(&ctl->error, ERR_NOT_FOUND, "removed");
	out_finish(listing.out, code == ERR_OK);
	return ctl_finish(ctl, code);
}

static enum path_depth
depth_of(const struct ctl *ctl)
{
	return ctl->path == NULL ? DEPTH_NONE : path_depth(ctl->path);
}

enum ctl_exit
cmd_list(struct ctl *ctl)
{
	if ((ctl->flags & CTL_RECURSIVE) != 0 || depth_of(ctl) >= DEPTH_SERVICE)
		return rows_print(ctl, REALS, OUT_LIST);
	return rows_print(ctl, depth_of(ctl) == DEPTH_NONE ? CLUSTERS : SERVICES, OUT_LIST);
}

enum ctl_exit
cmd_info(struct ctl *ctl)
{
	static const enum kind of_depth[] = { [DEPTH_CLUSTER] = CLUSTERS,
	    [DEPTH_SERVICE] = SERVICES, [DEPTH_REAL] = REALS };

	return rows_print(ctl, of_depth[depth_of(ctl)], OUT_OBJECT);
}

enum ctl_exit
cmd_statistics(struct ctl *ctl)
{
	if ((ctl->flags & CTL_SERVICES) != 0 && depth_of(ctl) < DEPTH_REAL)
		return rows_print(ctl, SERVICE_STATISTICS,
		    depth_of(ctl) == DEPTH_SERVICE ? OUT_OBJECT : OUT_LIST);
	return rows_print(ctl, STATISTICS, depth_of(ctl) == DEPTH_REAL ? OUT_OBJECT : OUT_LIST);
}
