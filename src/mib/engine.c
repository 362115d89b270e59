/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "mib/mib.h"

#include <string.h>

#include "mib/mib_private.h"

#define TABLE(title, kind, cols, ...)                                          \
	{ .name = (title), .prefix = { __VA_ARGS__ },                          \
	  .prefix_n = sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t),  \
	  .rows = &mib_rows_##kind, .columns = (cols) }

const struct mib_table mib_tables[] = {
	TABLE("lbcSystem", scalar, mib_system_columns, 1, 1),
	TABLE("lbcClusterEntry", cluster, mib_cluster_columns, 1, 2, 1),
	TABLE("lbcServiceEntry", service, mib_service_columns, 1, 3, 1),
	TABLE("lbcRealEntry", real, mib_real_columns, 1, 4, 1),
	TABLE("lbcRealStatsEntry", real, mib_real_stats_columns, 1, 5, 1),
	TABLE("lbcClusterByNameEntry", cluster_name, mib_cluster_name_columns, 1, 6, 1, 1),
	TABLE("lbcServiceByNameEntry", service_name, mib_service_name_columns, 1, 6, 2, 1),
	TABLE("lbcRealByNameEntry", real_name, mib_real_name_columns, 1, 6, 3, 1),
	TABLE("lbcServerByNameEntry", server_name, mib_server_name_columns, 1, 6, 4, 1),
	TABLE("lbcJobs", scalar, mib_jobs_columns, 1, 7),
	TABLE("lbcJobEntry", job, mib_job_columns, 1, 7, 8, 1),
	TABLE("lbcNotify", scalar, mib_notify_columns, 1, 8),
	TABLE("lbcServerEntry", server, mib_server_columns, 1, 9, 1),
};
const size_t mib_tables_count = sizeof(mib_tables) / sizeof(mib_tables[0]);

/* -- OIDs -------------------------------------------------------------------------- */

static int
oid_compare(const uint32_t *a, size_t a_n, const uint32_t *b, size_t b_n)
{
	for (size_t i = 0; i < a_n && i < b_n; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return (a_n > b_n) - (a_n < b_n);
}

static bool
has_prefix(const uint32_t *oid, size_t n, const uint32_t *prefix, size_t prefix_n)
{
	return n >= prefix_n && memcmp(oid, prefix, prefix_n * sizeof(uint32_t)) == 0;
}

static const struct mib_column *
column_find(const struct mib_table *table, uint32_t sub)
{
	const struct mib_column *column = table->columns;

	while (column->sub != 0 && column->sub < sub)
		column++;
	return column->sub == sub && sub != 0 ? column : NULL;
}

bool
mib_find(const struct mib_oid *name, const struct mib_table **ret_table,
    const struct mib_column **ret_column, const uint32_t **ret_index, size_t *ret_n)
{
	const uint32_t *below = name->sub + mib_root_length;
	size_t n = name->n - mib_root_length;

	if (!has_prefix(name->sub, name->n, mib_root, mib_root_length))
		return false;
	for (size_t i = 0; i < mib_tables_count; i++) {
		const struct mib_table *table = &mib_tables[i];
		const struct mib_column *column;

		if (n <= table->prefix_n || !has_prefix(below, n, table->prefix, table->prefix_n))
			continue;
		column = column_find(table, below[table->prefix_n]);
		if (column == NULL || column->access == ACCESS_NONE)
			continue;
		*ret_table = table;
		*ret_column = column;
		*ret_index = below + table->prefix_n + 1;
		*ret_n = n - table->prefix_n - 1;
		return true;
	}
	return false;
}

/* -- GET --------------------------------------------------------------------------- */

void
mib_get(struct mib *mib, const struct mib_oid *name, struct mib_value *ret_value)
{
	const struct mib_column *column;
	const struct mib_table *table;
	const uint32_t *index;
	const void *row;
	size_t n;

	if (!mib_find(name, &table, &column, &index, &n)) {
		ret_value->type = MIB_NO_SUCH_OBJECT;
		return;
	}
	row = table->rows->get(table->rows, mib, index, n);
	if (row == NULL || !mib_column_value(mib, column, row, ret_value))
		ret_value->type = MIB_NO_SUCH_INSTANCE;
}

/* -- GETNEXT ------------------------------------------------------------------------ */

/* Finds the first value of a column after 'index'. Skips rows without a value. */
static bool
column_next(struct mib *mib, const struct mib_table *table, const struct mib_column *column,
    const uint32_t *index, size_t n, bool inclusive, struct mib_oid *ret_name,
    struct mib_value *ret_value)
{
	uint32_t at[MIB_OID_MAX];
	const void *row;
	size_t at_n;

	row = table->rows->next(table->rows, mib, index, n, inclusive, column->needs, at, &at_n);
	while (row != NULL && !mib_column_value(mib, column, row, ret_value))
		row = table->rows->next(table->rows, mib, at, at_n, false, column->needs, at,
		    &at_n);
	if (row == NULL)
		return false;
	mib_name_make(ret_name, table, column->sub, at, at_n);
	return true;
}

/* Finds the first value of a table at or after below[0..n-1] (n 0: the first of all). */
static bool
table_next(struct mib *mib, const struct mib_table *table, const uint32_t *below, size_t n,
    bool inclusive, struct mib_oid *ret_name, struct mib_value *ret_value)
{
	uint32_t first = n > table->prefix_n ? below[table->prefix_n] : 0;
	const uint32_t *index = below + table->prefix_n + 1;

	for (const struct mib_column *column = table->columns; column->sub != 0; column++) {
		bool same = column->sub == first && n > table->prefix_n;

		if (column->sub < first || column->access == ACCESS_NONE)
			continue;
		if (column_next(mib, table, column, index,
		    same ? n - table->prefix_n - 1 : 0, inclusive, ret_name, ret_value))
			return true;
	}
	return false;
}

static bool
next_below_root(struct mib *mib, const uint32_t *below, size_t n, bool inclusive,
    struct mib_oid *ret_name, struct mib_value *ret_value)
{
	for (size_t i = 0; i < mib_tables_count; i++) {
		const struct mib_table *table = &mib_tables[i];
		bool inside = has_prefix(below, n, table->prefix, table->prefix_n);

		if (!inside && oid_compare(table->prefix, table->prefix_n, below, n) < 0)
			continue;
		if (table_next(mib, table, below, inside ? n : 0, inclusive, ret_name, ret_value))
			return true;
	}
	return false;
}

void
mib_next(struct mib *mib, const struct mib_oid *start, bool inclusive,
    const struct mib_oid *end, struct mib_oid *ret_name, struct mib_value *ret_value)
{
	struct mib_oid from = *start;
	bool below = has_prefix(from.sub, from.n, mib_root, mib_root_length);
	bool found;

	if (below)
		found = next_below_root(mib, from.sub + mib_root_length,
		    from.n - mib_root_length, inclusive, ret_name, ret_value);
	else
		found = oid_compare(from.sub, from.n, mib_root, mib_root_length) < 0 &&
		    next_below_root(mib, from.sub, 0, false, ret_name, ret_value);
	if (found && (end->n == 0 || oid_compare(ret_name->sub, ret_name->n, end->sub, end->n) < 0))
		return;
	*ret_name = from;
	ret_value->type = MIB_END_OF_VIEW;
}
