/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The notifications of LBCLUSTER-MIB as data, and their varbinds made of an event.
 */
#include <string.h>

#include "mib/mib_private.h"
#include "util/clock.h"
#include "util/log_limit.h"

/* Where the value of an object comes from: the row, event.time, or event.values by position.
 * The names come from the row, the changed values from the event. EXTRA: from the row, and left
 * out if the row has no such value. */
enum { EXTRA = -2, FROM_ROW, FROM_TIME = EVENT_VALUES };

struct object {
	const char	*name;		/* of the column, as in the MIB file */
	int		 from;
};

#define NAMES_OF_REAL                                                          \
	{ "lbcClusterName", FROM_ROW }, { "lbcServiceName", FROM_ROW }, { "lbcRealName", FROM_ROW }
#define PATH_OF_REAL { "lbcRealPath", EXTRA }
#define REASON_OF_REAL { "lbcRealOperStatusReason", EXTRA }

enum { OBJECTS_MAX = MIB_NOTIFICATION_VARBINDS - 1 };

/* A collector can cause these lines at any rate. */
static struct log_limit limit = LOG_LIMIT("notify", 5);

/* The objects by the number of the notification: those of its OBJECTS clause, which must not
 * change (RFC 2578 section 10.3), and after them the additional ones that its DESCRIPTION names
 * (RFC 3416 section 4.2.6). */
static const struct object notifications[EVENT_KINDS + 1][OBJECTS_MAX + 1] = {
	[EVENT_ACTIVE] = { NAMES_OF_REAL, { "lbcRealStatsActive", 0 },
	    { "lbcRealOperStatus", 1 }, { "lbcRealStatsLastUpdate", FROM_TIME },
	    PATH_OF_REAL, REASON_OF_REAL },
	[EVENT_CONFIG] = { NAMES_OF_REAL, { "lbcRealEnabled", 0 }, { "lbcRealFallback", 1 },
	    { "lbcRealWeight", 2 }, { "lbcRealLastJob", 3 }, PATH_OF_REAL },
	[EVENT_SERVICE] = { { "lbcClusterName", FROM_ROW }, { "lbcServiceName", FROM_ROW },
	    { "lbcServiceStatus", 0 }, { "lbcServiceOnFallback", 1 },
	    { "lbcServiceRealsActive", 2 }, { "lbcServiceRealsEnabled", 3 },
	    { "lbcServicePath", EXTRA }, PATH_OF_REAL, REASON_OF_REAL },
	[EVENT_JOB_END] = { { "lbcJobOperation", FROM_ROW }, { "lbcJobState", FROM_ROW },
	    { "lbcJobFailCause", FROM_ROW }, { "lbcJobClusterName", FROM_ROW },
	    { "lbcJobServiceName", FROM_ROW }, { "lbcJobRealName", FROM_ROW },
	    { "lbcJobNewValue", FROM_ROW }, { "lbcJobMessage", FROM_ROW },
	    { "lbcServicePath", EXTRA }, PATH_OF_REAL },
	[EVENT_STALE] = { NAMES_OF_REAL, { "lbcRealStatsLastUpdate", FROM_TIME },
	    { "lbcSysRealsStale", 0 }, PATH_OF_REAL, REASON_OF_REAL },
	[EVENT_FRESH] = { NAMES_OF_REAL, { "lbcRealStatsLastUpdate", FROM_TIME },
	    { "lbcSysRealsStale", 0 }, PATH_OF_REAL, REASON_OF_REAL },
};

/* -- rows -------------------------------------------------------------------------- */

/* The rows of a notification. */
struct place {
	uint32_t	row[MIB_LEVELS];	/* index of the row of the event */
	uint32_t	extra[MIB_LEVELS];	/* of the additional objects; 0: no such row */
};

/* Returns the real service that explains why 'service' is not up, or NULL: an enabled one that
 * is inactive or, if there is none, has no fresh statistics. Of several the one that became
 * active or inactive last. */
static const struct cache_real *
cause_of_status(const struct cache *cache, const struct cache_service *service)
{
	const struct cache_real *real, *found = NULL;
	bool found_inactive = false;
	int64_t now = clock_wall_s();

	if (service->status == STATUS_UP)
		return NULL;
	TREE_FOREACH(real, i, &service->branch.children) {
		enum oper_status status = cache_real_status(cache, real, now);
		bool inactive = status == OPER_INACTIVE;

		if ((!inactive && status != OPER_UNKNOWN) || real->statistics.role == ROLE_SPARE)
			continue;
		if (found == NULL || (inactive && !found_inactive) ||
		    (inactive == found_inactive && real->active_last_change >
		     found->active_last_change)) {
			found = real;
			found_inactive = inactive;
		}
	}
	return found;
}

/* Finds the rows of an event. False if its row is deleted. */
static bool
event_place(struct mib *mib, const struct cache_event *event, struct place *ret)
{
	const struct row_tree *tree = &mib->cache->tree;
	uint32_t real_id = event->id, service_id = 0;
	const struct cache_service *service;
	const struct cache_real *real = NULL;
	const struct cache_job *job;

	*ret = (struct place){ 0 };
	if (event->kind == EVENT_JOB_END) {
		job = (const void *)tree_list_find(&mib->cache->jobs, event->id);
		if (job == NULL)
			return false;
		real_id = job->columns.real_id;
		service_id = job->columns.service_id;
	} else if (event->kind == EVENT_SERVICE) {
		service_id = event->id;
	}
	if (service_id == 0)
		real = tree_find(tree, STORE_REAL, real_id);
	service = real != NULL ? cache_service_of(real) :
	    tree_find(tree, STORE_SERVICE, service_id);
	if (service != NULL) {
		if (event->kind == EVENT_SERVICE)
			real = cause_of_status(mib->cache, service);
		ret->extra[0] = service->row.parent->row.id;
		ret->extra[1] = service->row.id;
		ret->extra[2] = real == NULL ? 0 : real->row.id;
	}
	memcpy(ret->row, ret->extra, sizeof(ret->row));
	if (event->kind == EVENT_JOB_END)
		ret->row[0] = event->id;
	return event->kind == EVENT_JOB_END || service != NULL;
}

/* -- varbinds ---------------------------------------------------------------------- */

static const struct mib_column *
column_named(const char *name, const struct mib_table **ret_table)
{
	for (size_t i = 0; i < mib_tables_count; i++) {
		const struct mib_column *column = mib_tables[i].columns;

		for (; column->sub != 0; column++) {
			if (strcmp(column->name, name) != 0)
				continue;
			*ret_table = &mib_tables[i];
			return column;
		}
	}
	return NULL;
}

static bool
value_of(struct mib *mib, const struct cache_event *event, int from,
    const struct mib_column *column, const void *row, struct mib_value *ret_value)
{
	if (from == FROM_ROW || from == EXTRA)
		return mib_column_value(mib, column, row, ret_value);
	ret_value->type = mib_syntax_type(column->syntax);
	if (from == FROM_TIME)
		return mib_value_time(ret_value, event->time);
	if (column->source == SOURCE_BOOL)
		return mib_value_truth(ret_value, event->values[from] != 0);
	return mib_value_number(ret_value, event->values[from]);
}

/* Adds an object of a row of 'place', or of a row above it. */
static bool
object_add(struct mib *mib, const struct cache_event *event, const struct place *place,
    const struct object *object, struct mib_notification *to)
{
	static const uint32_t zero;
	const uint32_t *index = object->from == EXTRA ? place->extra : place->row;
	struct mib_varbind *varbind = &to->varbinds[to->n];
	const struct mib_column *column;
	const struct mib_table *table;
	const void *row;
	size_t n;

	column = column_named(object->name, &table);
	if (column == NULL)
		return false;
	n = table->rows->levels;
	if (table->rows == &mib_rows_scalar) {
		index = &zero;
		n = 1;
	}
	row = table->rows->get(table->rows, mib, index, n);
	if (row == NULL || !value_of(mib, event, object->from, column, row, &varbind->value))
		return false;
	mib_name_make(&varbind->name, table, column->sub, index, n);
	to->n++;
	return true;
}

/* Adds snmpTrapOID.0, which names the notification. It comes first, because the master adds
 * sysUpTime.0 (RFC 2741 section 6.2.10). */
static void
trap_oid_add(const struct cache_event *event, struct mib_notification *to)
{
	static const uint32_t trap_oid[] = { 1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0 };
	struct mib_varbind *varbind = &to->varbinds[to->n++];
	struct mib_oid *value = &varbind->value.oid;

	memcpy(varbind->name.sub, trap_oid, sizeof(trap_oid));
	varbind->name.n = sizeof(trap_oid) / sizeof(trap_oid[0]);
	varbind->value.type = MIB_OBJECT_ID;
	memcpy(value->sub, mib_root, mib_root_length * sizeof(mib_root[0]));
	value->n = (uint32_t)mib_root_length;
	value->sub[value->n++] = 0;
	value->sub[value->n++] = event->kind;
}

/* False if the row is deleted or the change does not hold any more. */
static bool
compose(struct mib *mib, const struct cache_event *event, struct mib_notification *ret)
{
	enum freshness freshness;
	struct place place;

	if (!event_place(mib, event, &place))
		return false;
	if (event->kind == EVENT_STALE || event->kind == EVENT_FRESH) {
		freshness = cache_real_freshness(mib->cache,
		    tree_find(&mib->cache->tree, STORE_REAL, event->id), clock_wall_s());
		if ((event->kind == EVENT_FRESH) != (freshness == FRESHNESS_FRESH))
			return false;
	}
	ret->n = 0;
	trap_oid_add(event, ret);
	for (size_t i = 0; i < OBJECTS_MAX; i++) {
		const struct object *object = &notifications[event->kind][i];

		if (object->name != NULL && !object_add(mib, event, &place, object, ret) &&
		    object->from != EXTRA)
			return false;
	}
	return true;
}

/* -- interface --------------------------------------------------------------------- */

void
mib_event(void *arg, const struct cache_event *event)
{
	struct mib *mib = arg;

	notify_enable_set(mib->notify, mib->cache->totals.notify_enable);
	notify_event(mib->notify, event, clock_steady_ms());
}

bool
mib_notification_take(struct mib *mib, struct mib_notification *ret)
{
	int64_t now = clock_steady_ms();
	struct cache_event event;
	uint32_t dropped;

	notify_enable_set(mib->notify, mib->cache->totals.notify_enable);
	/* Half of a change may be missing until the next refresh. */
	if (mib->cache->tree.behind)
		return false;
	while (notify_take(mib->notify, now, &event)) {
		if (compose(mib, &event, ret))
			return true;
		notify_suppress(mib->notify);
	}
	dropped = notify_dropped(mib->notify);
	if (dropped > 0)
		log_limited(&limit, LOG_LEVEL_WARN, "%u notifications dropped: more than %d of "
		    "one kind waited; read the tables", dropped, NOTIFY_WAITING_MAX);
	return false;
}
