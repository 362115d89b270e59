/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Commands that look: list, info, statistics. The keys are those of the API's
 * info() and statistics().
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "util/clock.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* A listing under way, and what its rows are made of. */
struct listing {
	struct ctl	*ctl;
	struct out	*out;
	struct err	*err;
	int64_t		 now;
	uint32_t	 stale_after_s;
	bool		 seen;		/* a row came */
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
};

/* Those of info(), after the two that name the row. */
enum { INFO_FIRST = 2, INFO_COUNT = 5 };

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
};

/* Those of statistics() in the API's order; then how old they are, and the totals. The API
 * has neither. */
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
};

enum { STATISTICS_USUAL = 13, STATISTICS_ALL = ROWS(statistics_columns) };

static struct out_value
text(const char *value)
{
	return (struct out_value){ .text = value };
}

static struct out_value
number(uint64_t value)
{
	return (struct out_value){ .number = value };
}

static struct out_value
truth(bool value)
{
	return (struct out_value){ .truth = value };
}

/* -- rows as values ----------------------------------------------------------- */

static void
cluster_values(const struct cluster_row *row, const struct plane_view *plane,
    struct out_value *values)
{
	values[0] = text(row->name);
	values[1] = text(row->plane);
	values[2] = text(plane_status_name(plane->status));
	values[3] = text(plane->message);
}

static void
service_values(const char *path, const struct service_row *row, struct out_value *values)
{
	values[0] = text(path);
	values[1] = text(row->name);
	values[2] = text(row->address);
	values[3] = text(row->port);
	values[4] = text(protocol_name(row->protocol));
}

/* As lbcRealStatsFreshness. */
static enum freshness
freshness_of(const struct listing *listing, const struct store_real_view *view)
{
	return status_freshness(view->has_statistics ? view->statistics.last_update : 0,
	    listing->now, listing->stale_after_s);
}

/* Whether it is active is known by fresh statistics alone, as for lbcRealOperStatus. */
static struct out_value
active_value(const struct listing *listing, const struct store_real_view *view)
{
	if (freshness_of(listing, view) != FRESHNESS_FRESH ||
	    (view->statistics.present & STAT_PRESENT_ACTIVE) == 0)
		return (struct out_value){ .absent = true };
	return truth(view->statistics.active);
}

static struct out_value
age_value(const struct listing *listing, const struct store_real_view *view)
{
	if (freshness_of(listing, view) == FRESHNESS_NEVER)
		return (struct out_value){ .absent = true };
	return number(status_age(view->statistics.last_update, listing->now));
}

static void
real_values(const struct listing *listing, const char *path, const struct store_real_view *view,
    struct out_value *values)
{
	values[0] = text(path);
	values[1] = text(view->row.name);
	values[2] = text(view->row.address);
	values[3] = text(view->row.port);
	values[4] = number(view->row.weight);
	values[5] = truth(view->row.fallback);
	values[6] = truth(view->row.enabled);
	values[7] = active_value(listing, view);
	values[8] = number(view->pending_jobs);
	values[9] = text(freshness_name(freshness_of(listing, view)));
}

/* The number of a key, by the name that the store's column has as well. */
static struct out_value
statistics_number(const struct statistics *statistics, const char *key)
{
	for (unsigned int i = 0; i < STAT_NUMBERS; i++) {
		if (strcmp(stat_number_names[i], key) == 0 &&
		    (statistics->present & (1u << i)) != 0)
			return number(statistics->number[i]);
	}
	return (struct out_value){ .absent = true };
}

static void
statistics_values(const struct listing *listing, const char *path,
    const struct store_real_view *view, struct out_value values[STATISTICS_ALL])
{
	static const struct statistics none;
	const struct statistics *statistics = view->has_statistics ? &view->statistics : &none;

	for (size_t i = 0; i < STATISTICS_ALL; i++) {
		const char *key = statistics_columns[i].key;

		if (strcmp(key, "path") == 0)
			values[i] = text(path);
		else if (strcmp(key, "last_update") == 0)
			values[i] = (struct out_value){ .time = statistics->last_update };
		else if (strcmp(key, "counters_since") == 0)
			values[i] = (struct out_value){ .time = statistics->counters_since };
		else if (strcmp(key, "active") == 0)
			values[i] = active_value(listing, view);
		else if (strcmp(key, "freshness") == 0)
			values[i] = text(freshness_name(freshness_of(listing, view)));
		else if (strcmp(key, "age") == 0)
			values[i] = age_value(listing, view);
		else
			values[i] = statistics_number(statistics, key);
	}
}

static bool
has_totals(const struct store_real_view *view)
{
	return view->has_statistics &&
	    (view->statistics.present & (STAT_PRESENT_ACTIVE - 1) &
	    ~((1u << STAT_TOTAL_CONNECTIONS) - 1)) != 0;
}

/* -- list, and statistics of many ---------------------------------------------- */

static enum err_code
list_cluster(void *arg, const struct cluster_row *row)
{
	struct listing *listing = arg;
	struct out_value values[ROWS(cluster_columns)];
	struct plane_view plane;
	enum err_code code = store_plane_view(listing->ctl->store, row, clock_wall_s(), &plane,
	    listing->err);

	if (code != ERR_OK)
		return code;
	cluster_values(row, &plane, values);
	return out_row(listing->out, values) ? ERR_OK : ERR_NOMEM;
}

static enum err_code
list_service(void *arg, const struct path *path, const struct service_row *row)
{
	struct listing *listing = arg;
	struct out_value values[ROWS(service_columns)];
	char name[PATH_TEXT_SIZE];

	service_values(path_text(path, name), row, values);
	return out_row(listing->out, values) ? ERR_OK : ERR_NOMEM;
}

static enum err_code
list_real(void *arg, const struct store_real_view *view)
{
	struct listing *listing = arg;
	struct out_value values[ROWS(real_columns)];
	char name[PATH_TEXT_SIZE];

	real_values(listing, path_text(&view->path, name), view, values);
	return out_row(listing->out, values) ? ERR_OK : ERR_NOMEM;
}

static enum err_code
list_statistics(void *arg, const struct store_real_view *view)
{
	struct listing *listing = arg;
	struct out_value values[STATISTICS_ALL];
	char name[PATH_TEXT_SIZE];

	statistics_values(listing, path_text(&view->path, name), view, values);
	return out_row(listing->out, values) ? ERR_OK : ERR_NOMEM;
}

/* When the listing is made, and when statistics are stale. */
static enum err_code
listing_start(struct listing *listing)
{
	struct store_totals totals;
	enum err_code code = store_totals(listing->ctl->store, &totals, listing->err);

	listing->now = clock_wall_s();
	if (code == ERR_OK)
		listing->stale_after_s = totals.stale_after_s;
	return code;
}

static enum ctl_exit
listing_finish(struct listing *listing, const struct path *path, enum err_code code,
    struct err *err)
{
	if (code == ERR_OK) {
		out_end(listing->out);
		return CTL_OK;
	}
	out_cancel(listing->out);
	if (code == ERR_NOMEM)
		err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	return ctl_error(listing->ctl, path, err);
}

/* Rows of one kind, at or below 'path' (NULL: all). */
static enum ctl_exit
list_rows(struct ctl *ctl, const struct path *path, enum path_depth kind)
{
	struct err err;
	struct listing listing = { .ctl = ctl, .err = &err };
	enum err_code code;

	if (kind == DEPTH_CLUSTER) {
		listing.out = out_begin(ctl->out, ctl->format, cluster_columns,
		    ROWS(cluster_columns));
		code = listing.out == NULL ? ERR_NOMEM :
		    store_each_cluster(ctl->store, path, list_cluster, &listing, &err);
	} else if (kind == DEPTH_SERVICE) {
		listing.out = out_begin(ctl->out, ctl->format, service_columns,
		    ROWS(service_columns));
		code = listing.out == NULL ? ERR_NOMEM :
		    store_each_service(ctl->store, path, list_service, &listing, &err);
	} else {
		listing.out = out_begin(ctl->out, ctl->format, real_columns, ROWS(real_columns));
		code = listing.out == NULL ? ERR_NOMEM : listing_start(&listing);
		if (code == ERR_OK)
			code = store_each_real(ctl->store, path, list_real, &listing, &err);
	}
	return listing_finish(&listing, path, code, &err);
}

enum ctl_exit
ctl_list(struct ctl *ctl, char **operands, int n)
{
	enum path_depth depth;
	enum ctl_exit status;
	struct path path;

	status = ctl_open_path(ctl, n > 0 ? operands[0] : NULL, &path);
	if (status != CTL_OK)
		return status;
	depth = n > 0 ? path_depth(&path) : DEPTH_NONE;
	if ((ctl->flags & CTL_RECURSIVE) != 0 || depth >= DEPTH_SERVICE)
		return list_rows(ctl, n > 0 ? &path : NULL, DEPTH_REAL);
	return list_rows(ctl, n > 0 ? &path : NULL,
	    depth == DEPTH_NONE ? DEPTH_CLUSTER : DEPTH_SERVICE);
}

static enum ctl_exit
statistics_below(struct ctl *ctl, const struct path *path)
{
	struct err err;
	struct listing listing = { .ctl = ctl, .err = &err };
	enum err_code code;

	listing.out = out_begin(ctl->out, ctl->format, statistics_columns, STATISTICS_USUAL);
	code = listing.out == NULL ? ERR_NOMEM : listing_start(&listing);
	if (code == ERR_OK)
		code = store_each_real(ctl->store, path, list_statistics, &listing, &err);
	return listing_finish(&listing, path, code, &err);
}

/* -- one row alone -------------------------------------------------------------- */

static enum err_code
info_cluster(void *arg, const struct cluster_row *row)
{
	struct listing *listing = arg;
	struct out_value values[ROWS(cluster_columns)];
	struct plane_view plane;
	enum err_code code = store_plane_view(listing->ctl->store, row, clock_wall_s(), &plane,
	    listing->err);

	if (code != ERR_OK)
		return code;
	listing->seen = true;
	cluster_values(row, &plane, values);
	return out_object(listing->ctl->out, listing->ctl->format, cluster_columns + 1,
	    ROWS(cluster_columns) - 1, values + 1) ? ERR_OK : ERR_NOMEM;
}

static enum err_code
info_service(void *arg, const struct path *path, const struct service_row *row)
{
	struct listing *listing = arg;
	struct out_value values[ROWS(service_columns)];
	char name[PATH_TEXT_SIZE];

	listing->seen = true;
	service_values(path_text(path, name), row, values);
	return out_object(listing->ctl->out, listing->ctl->format, service_columns + INFO_FIRST,
	    ROWS(service_columns) - INFO_FIRST, values + INFO_FIRST) ? ERR_OK : ERR_NOMEM;
}

static enum err_code
info_real(void *arg, const struct store_real_view *view)
{
	struct listing *listing = arg;
	struct out_value values[ROWS(real_columns)];
	char name[PATH_TEXT_SIZE];

	listing->seen = true;
	real_values(listing, path_text(&view->path, name), view, values);
	return out_object(listing->ctl->out, listing->ctl->format, real_columns + INFO_FIRST,
	    INFO_COUNT, values + INFO_FIRST) ? ERR_OK : ERR_NOMEM;
}

static enum err_code
statistics_real(void *arg, const struct store_real_view *view)
{
	struct listing *listing = arg;
	struct out_value values[STATISTICS_ALL];
	char name[PATH_TEXT_SIZE];

	listing->seen = true;
	statistics_values(listing, path_text(&view->path, name), view, values);
	return out_object(listing->ctl->out, listing->ctl->format, statistics_columns + 1,
	    (has_totals(view) ? STATISTICS_ALL : STATISTICS_USUAL) - 1, values + 1) ?
	    ERR_OK : ERR_NOMEM;
}

/* The row may go between two looks of the store. */
static enum ctl_exit
row_finish(struct listing *listing, const struct path *path, enum err_code code,
    struct err *err)
{
	if (code == ERR_OK && listing->seen)
		return CTL_OK;
	if (code == ERR_OK)
		err_set(err, ERR_NOT_FOUND, "gone");
	else if (code == ERR_NOMEM)
		err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	return ctl_error(listing->ctl, path, err);
}

enum ctl_exit
ctl_info(struct ctl *ctl, char **operands, int n)
{
	struct err err;
	struct listing listing = { .ctl = ctl, .err = &err };
	enum err_code code = ERR_OK;
	enum ctl_exit status;
	struct path path;

	(void)n;
	status = ctl_open_path(ctl, operands[0], &path);
	if (status != CTL_OK)
		return status;
	if (path_depth(&path) == DEPTH_REAL) {
		code = listing_start(&listing);
		if (code == ERR_OK)
			code = store_each_real(ctl->store, &path, info_real, &listing, &err);
	} else if (path_depth(&path) == DEPTH_SERVICE)
		code = store_each_service(ctl->store, &path, info_service, &listing, &err);
	else
		code = store_each_cluster(ctl->store, &path, info_cluster, &listing, &err);
	return row_finish(&listing, &path, code, &err);
}

enum ctl_exit
ctl_statistics(struct ctl *ctl, char **operands, int n)
{
	struct err err;
	struct listing listing = { .ctl = ctl, .err = &err };
	enum ctl_exit status;
	enum err_code code;
	struct path path;

	status = ctl_open_path(ctl, n > 0 ? operands[0] : NULL, &path);
	if (status != CTL_OK)
		return status;
	if (n == 0 || path_depth(&path) != DEPTH_REAL)
		return statistics_below(ctl, n == 0 ? NULL : &path);
	code = listing_start(&listing);
	if (code == ERR_OK)
		code = store_each_real(ctl->store, &path, statistics_real, &listing, &err);
	return row_finish(&listing, &path, code, &err);
}
