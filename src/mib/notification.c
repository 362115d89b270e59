/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The notifications of LBCLUSTER-MIB as data, and their varbinds made of an event.
 */
#include <string.h>

#include "mib/mib_private.h"
#include "util/clock.h"
#include "util/log_limit.h"

/* The value of an object: that of its row, one of event.values by its place, or the
 * time. What names the row comes from the row, what changed from the event. */
enum { FROM_ROW = -1, FROM_TIME = EVENT_VALUES };

struct object {
	const char	*name;		/* of a column, as in the MIB file */
	int		 from;
};

#define NAMES_OF_REAL                                                          \
	{ "lbcClusterName", FROM_ROW }, { "lbcServiceName", FROM_ROW }, { "lbcRealName", FROM_ROW }

enum { OBJECTS_MAX = MIB_NOTIFICATION_VARBINDS - 1 };

/* Whoever writes statistics may cause as many as he likes. */
static struct log_limit limit = LOG_LIMIT("notify", 5);

/* OBJECTS in their order, by the number of the notification. */
static const struct object notifications[EVENT_KINDS + 1][OBJECTS_MAX + 1] = {
	[EVENT_ACTIVE] = { NAMES_OF_REAL, { "lbcRealStatsActive", 0 },
	    { "lbcRealOperStatus", 1 }, { "lbcRealStatsLastUpdate", FROM_TIME } },
	[EVENT_CONFIG] = { NAMES_OF_REAL, { "lbcRealEnabled", 0 }, { "lbcRealFallback", 1 },
	    { "lbcRealWeight", 2 }, { "lbcRealLastJob", 3 } },
	[EVENT_SERVICE] = { { "lbcClusterName", FROM_ROW }, { "lbcServiceName", FROM_ROW },
	    { "lbcServiceStatus", 0 }, { "lbcServiceOnFallback", 1 },
	    { "lbcServiceRealsActive", 2 }, { "lbcServiceRealsEnabled", 3 } },
	[EVENT_JOB_END] = { { "lbcJobOperation", FROM_ROW }, { "lbcJobState", FROM_ROW },
	    { "lbcJobFailCause", FROM_ROW }, { "lbcJobClusterName", FROM_ROW },
	    { "lbcJobServiceName", FROM_ROW }, { "lbcJobRealName", FROM_ROW },
	    { "lbcJobNewValue", FROM_ROW }, { "lbcJobMessage", FROM_ROW } },
	[EVENT_STALE] = { NAMES_OF_REAL, { "lbcRealStatsLastUpdate", FROM_TIME },
	    { "lbcSysRealsStale", 0 } },
	[EVENT_FRESH] = { NAMES_OF_REAL, { "lbcRealStatsLastUpdate", FROM_TIME },
	    { "lbcSysRealsStale", 0 } },
};

/* -- rows -------------------------------------------------------------------------- */

/* The rows that an event is of, as far as there are any. */
struct rows {
	const struct cache_service	*service;
	const struct cache_real		*real;
	const struct cache_job		*job;
};

static bool
rows_find(struct mib *mib, const struct cache_event *event, struct rows *ret)
{
	memset(ret, 0, sizeof(*ret));
	switch (event->kind) {
	case EVENT_SERVICE:
		ret->service = tree_find(&mib->cache->tree, STORE_SERVICE, event->id);
		return ret->service != NULL;
	case EVENT_JOB_END:
		ret->job = (const struct cache_job *)(void *)
		    tree_list_find(&mib->cache->jobs, event->id);
		return ret->job != NULL;
	case EVENT_ACTIVE:
	case EVENT_CONFIG:
	case EVENT_STALE:
	case EVENT_FRESH:
		break;
	}
	ret->real = tree_find(&mib->cache->tree, STORE_REAL, event->id);
	if (ret->real != NULL)
		ret->service = cache_service_of(ret->real);
	return ret->real != NULL;
}

/* The row of 'table' among them, with its index. */
static const void *
row_of(struct mib *mib, const struct mib_table *table, const struct rows *rows,
    uint32_t ret_index[3], size_t *ret_n)
{
	const struct tree_row *at[3] = { NULL };
	const struct mib_rows *kind = table->rows;

	*ret_n = kind == &mib_rows_real ? 3 : kind == &mib_rows_service ? 2 : 1;
	ret_index[0] = 0;
	if (kind == &mib_rows_scalar)
		return mib;
	if (kind == &mib_rows_job && rows->job != NULL)
		at[0] = &rows->job->row;
	if (kind != &mib_rows_job && rows->service != NULL) {
		at[0] = &rows->service->row.parent->row;
		at[1] = &rows->service->row;
		at[2] = rows->real == NULL ? NULL : &rows->real->row;
	}
	for (size_t i = 0; i < *ret_n; i++) {
		if (at[i] == NULL)
			return NULL;
		ret_index[i] = at[i]->id;
	}
	return at[*ret_n - 1];
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
	if (from == FROM_ROW)
		return mib_column_value(mib, column, row, ret_value);
	ret_value->type = mib_syntax_type(column->syntax);
	if (from == FROM_TIME)
		return mib_value_time(ret_value, event->time);
	if (column->source == SOURCE_BOOL)
		return mib_value_truth(ret_value, event->values[from] != 0);
	return mib_value_number(ret_value, event->values[from]);
}

static bool
object_add(struct mib *mib, const struct cache_event *event, const struct rows *rows,
    const struct object *object, struct mib_notification *to)
{
	struct mib_varbind *varbind = &to->varbinds[to->n];
	const struct mib_column *column;
	const struct mib_table *table;
	uint32_t index[3];
	const void *row;
	size_t n;

	column = column_named(object->name, &table);
	row = column == NULL ? NULL : row_of(mib, table, rows, index, &n);
	if (row == NULL || !value_of(mib, event, object->from, column, row, &varbind->value))
		return false;
	mib_name_make(&varbind->name, table, column->sub, index, n);
	to->n++;
	return true;
}

/* snmpTrapOID.0, which names the notification: it comes first, since the master adds
 * sysUpTime.0 by itself (RFC 2741 section 6.2.10). */
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

/* False if it cannot be told any more: its row is gone, or is no longer so. */
static bool
compose(struct mib *mib, const struct cache_event *event, struct mib_notification *ret)
{
	enum freshness freshness;
	struct rows rows;

	if (!rows_find(mib, event, &rows))
		return false;
	if (event->kind == EVENT_STALE || event->kind == EVENT_FRESH) {
		freshness = cache_real_freshness(mib->cache, rows.real, clock_wall_s());
		if ((event->kind == EVENT_FRESH) != (freshness == FRESHNESS_FRESH))
			return false;
	}
	ret->n = 0;
	trap_oid_add(event, ret);
	for (size_t i = 0; i < OBJECTS_MAX; i++) {
		const struct object *object = &notifications[event->kind][i];

		if (object->name != NULL && !object_add(mib, event, &rows, object, ret))
			return false;
	}
	return true;
}

/* -- from and to outside ----------------------------------------------------------- */

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
	/* The rest of a change is read by the next refresh. */
	if (mib->cache->tree.behind)
		return false;
	while (notify_take(mib->notify, now, &event)) {
		if (compose(mib, &event, ret))
			return true;
		notify_suppress(mib->notify);
	}
	dropped = notify_dropped(mib->notify);
	if (dropped > 0)
		log_limited(&limit, LOG_LEVEL_WARN, "%u notifications were dropped, more than %d "
		    "of a kind waited: read the tables", dropped, NOTIFY_WAITING_MAX);
	return false;
}
