/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Finds the row of a table with an index, or the next row. An index from a manager may be too
 * short or too long and contain any number. It is compared as an OID (RFC 2578 section 7.7).
 *
 * Clusters, services and real services are three nested lists, sorted by id. A cursor is a
 * position in the lists of the first one, two or three levels.
 */
#include <string.h>

#include "mib/mib_private.h"

/* Returns a cluster or service as what both are. */
static struct tree_branch *
as_branch(struct tree_row *row)
{
	return (struct tree_branch *)(void *)row;
}

/* -- scalars: one row with index 0 ---------------------------------------------------- */

static const void *
scalar_get(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n)
{
	(void)rows;
	return n == 1 && index[0] == 0 ? mib : NULL;
}

static const void *
scalar_next(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n,
    bool inclusive, uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	(void)rows;
	(void)needs;
	if (n > 0 && !(inclusive && n == 1 && index[0] == 0))
		return NULL;
	ret_index[0] = 0;
	*ret_n = 1;
	return mib;
}

const struct mib_rows mib_rows_scalar = { "scalar", 0, scalar_get, scalar_next };

/* -- cursors ------------------------------------------------------------------------------ */

/* Returns the position of the first row whose id is at least 'least'. */
static uint32_t
position_of(const struct tree_list *list, uint64_t least)
{
	if (least > UINT32_MAX)
		return list->n;
	return least == 0 ? 0 : tree_list_after(list, (uint32_t)least - 1);
}

/* Returns the list below a row of 'level'. It is empty if no real service of the row, which is
 * a service then, has one of the statistics in 'needs' (0: none is needed). */
static struct tree_list *
list_below(struct tree_row *row, size_t level, uint32_t needs)
{
	static struct tree_list empty;

	if (level > 0 && needs != 0 &&
	    (((struct cache_service *)(void *)row)->sums.present & needs) == 0)
		return &empty;
	return &as_branch(row)->children;
}

/* Advances the position from 'level' to an existing row of the last level. Returns the row, or
 * NULL after the last row. */
static struct tree_row *
cursor_settle(struct mib_cursor *cursor, size_t level, uint32_t needs)
{
	for (;;) {
		struct tree_list *list = cursor->lists[level];
		struct tree_row *row;

		if (cursor->at[level] >= list->n) {
			if (level == 0)
				return NULL;
			cursor->at[--level]++;
			continue;
		}
		row = list->rows[cursor->at[level]];
		if (level + 1 == cursor->levels)
			return row;
		cursor->lists[level + 1] = list_below(row, level, needs);
		cursor->at[++level] = 0;
	}
}

/* Moves the cursor to the first row of the last level at or above 'least', an id for each
 * level. Returns the row, or NULL after the last row. */
static struct tree_row *
cursor_seek(struct mib_cursor *cursor, struct tree_list *root, size_t levels,
    const uint64_t least[MIB_LEVELS], uint32_t needs)
{
	size_t level = 0;

	cursor->levels = levels;
	cursor->lists[0] = root;
	for (;; level++) {
		struct tree_list *list = cursor->lists[level];
		uint32_t at = cursor->at[level] = position_of(list, least[level]);

		if (level + 1 == levels || at == list->n || list->rows[at]->id != least[level])
			return cursor_settle(cursor, level, needs);
		cursor->lists[level + 1] = list_below(list->rows[at], level, needs);
	}
}

static struct tree_row *
cursor_next(struct mib_cursor *cursor)
{
	cursor->at[cursor->levels - 1]++;
	return cursor_settle(cursor, cursor->levels - 1, 0);
}

/* Stores the ids of the current row and of the rows above it. */
static void
cursor_ids(const struct mib_cursor *cursor, uint32_t *ret_ids)
{
	for (size_t i = 0; i < cursor->levels; i++)
		ret_ids[i] = cursor->lists[i]->rows[cursor->at[i]]->id;
}

/* -- rows by id --------------------------------------------------------------------------- */

/* Moves the cursor to the first row after an index, or at it if 'inclusive'. Missing numbers of
 * the index are 0. The ids have 64 bits, because one more than a sub-identifier may exceed 32
 * bits. */
static struct tree_row *
seek_index(struct mib_cursor *cursor, struct tree_list *root, size_t levels,
    const uint32_t *index, size_t n, bool inclusive, uint32_t needs)
{
	uint64_t least[MIB_LEVELS] = { 0 };

	for (size_t i = 0; i < levels && i < n; i++)
		least[i] = index[i];
	if (n > levels || (n == levels && !inclusive))
		least[levels - 1]++;
	return cursor_seek(cursor, root, levels, least, needs);
}

/* Returns the nested lists that have the rows. */
static struct tree_list *
root_of(const struct mib_rows *rows, struct mib *mib)
{
	return rows == &mib_rows_job ? &mib->cache->jobs : &mib->cache->tree.root.children;
}

/* Returns the row at index[0..levels-1], or NULL. */
static struct tree_row *
id_find(struct tree_list *list, size_t levels, const uint32_t *index)
{
	struct tree_row *row = tree_list_find(list, index[0]);

	for (size_t i = 1; i < levels && row != NULL; i++)
		row = tree_list_find(&as_branch(row)->children, index[i]);
	return row;
}

static const void *
id_get(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n)
{
	return n == rows->levels ? id_find(root_of(rows, mib), n, index) : NULL;
}

static const void *
id_next(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n,
    bool inclusive, uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	struct mib_cursor cursor = { .levels = 0 };
	const struct tree_row *row = seek_index(&cursor, root_of(rows, mib), rows->levels, index, n,
	    inclusive, 0);

	(void)needs;
	if (row == NULL)
		return NULL;
	cursor_ids(&cursor, ret_index);
	*ret_n = rows->levels;
	return row;
}

/* The row of a server is that of its first real service. */
static const void *
server_get(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n)
{
	struct cache_cluster *cluster = n != rows->levels ? NULL :
	    tree_find(&mib->cache->tree, STORE_CLUSTER, index[0]);
	const struct cache_real *first = cluster == NULL ? NULL :
	    cache_server_first(cluster, index[1]);

	return first != NULL && first->server_id == index[1] ? first : NULL;
}

static const void *
server_next(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n,
    bool inclusive, uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	const struct tree_list *clusters = &mib->cache->tree.root.children;
	uint32_t start = n > 0 ? index[0] : 0;
	uint64_t least = n > 1 ? index[1] : 0;

	(void)needs;
	if (n > rows->levels || (n == rows->levels && !inclusive))
		least++;
	for (uint32_t i = position_of(clusters, start); i < clusters->n; i++) {
		struct cache_cluster *cluster = (void *)clusters->rows[i];
		const struct cache_real *first = cache_server_first(cluster,
		    cluster->row.id == start ? least : 0);

		if (first == NULL)
			continue;
		ret_index[0] = cluster->row.id;
		ret_index[1] = first->server_id;
		*ret_n = rows->levels;
		return first;
	}
	return NULL;
}

static const void *
real_get(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n)
{
	const struct cache_real *real;

	if (n != rows->levels)
		return NULL;
	real = tree_find(&mib->cache->tree, STORE_REAL, index[2]);
	return real != NULL && real->row.parent->row.id == index[1] &&
	    real->row.parent->row.parent->row.id == index[0] ? real : NULL;
}

/* Returns the saved cursor that is at the row with this index, or NULL. A walk asks for the row
 * after the last answer; a GETBULK of several columns asks for the row after the same row in
 * each column. Two saved cursors serve both. */
static const struct mib_saved_cursor *
saved_find(const struct mib *mib, const uint32_t *index)
{
	for (size_t i = 0; i < 2; i++)
		if (mib->saved[i].version == mib->cache->tree.version &&
		    memcmp(mib->saved[i].index, index, sizeof(mib->saved[i].index)) == 0)
			return &mib->saved[i];
	return NULL;
}

static const void *
real_next(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n,
    bool inclusive, uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	const struct mib_saved_cursor *used = n == MIB_LEVELS ? saved_find(mib, index) : NULL;
	struct mib_saved_cursor *to = &mib->saved[used == &mib->saved[0] ? 1 : 0];
	struct mib_cursor cursor;
	const struct tree_row *row;

	(void)rows;
	if (used != NULL) {
		cursor = used->cursor;
		/* The cursor may have been saved with other 'needs'. */
		cursor.lists[2] = list_below(cursor.lists[1]->rows[cursor.at[1]], 1, needs);
		cursor.at[2] += !inclusive;
		row = cursor_settle(&cursor, 2, needs);
	} else {
		row = seek_index(&cursor, &mib->cache->tree.root.children, MIB_LEVELS, index, n,
		    inclusive, needs);
	}
	if (row == NULL)
		return NULL;
	to->cursor = cursor;
	to->version = mib->cache->tree.version;
	cursor_ids(&cursor, to->index);
	memcpy(ret_index, to->index, sizeof(to->index));
	*ret_n = MIB_LEVELS;
	return row;
}

const struct mib_rows mib_rows_cluster = { "cluster", 1, id_get, id_next };
const struct mib_rows mib_rows_service = { "service", 2, id_get, id_next };
const struct mib_rows mib_rows_real = { "real service", MIB_LEVELS, real_get, real_next };
const struct mib_rows mib_rows_job = { "job", 1, id_get, id_next };
const struct mib_rows mib_rows_server = { "server", 2, server_get, server_next };

/* -- rows by name: the index ends in a length and that many octets (RFC 2578 section 7.7) - */

static bool
has_name(const struct tree_row *row, const uint8_t *name, size_t length)
{
	return row->name_length == length && memcmp(row->name, name, length) == 0;
}

/* Returns the first name after index[0..n-1], or at it if 'inclusive'. */
static struct tree_row *
name_after(struct tree_names *names, const uint32_t *index, size_t n, bool inclusive)
{
	uint8_t name[UINT8_MAX] = { 0 };
	size_t length = n == 0 ? 0 : index[0];
	bool exact = n > length;	/* the index has the whole name */
	uint32_t at;

	if (length >= sizeof(name))
		return NULL;
	for (size_t i = 0; i < length && i + 1 < n; i++) {
		if (index[i + 1] > UINT8_MAX) {
			/* After every name with this prefix: no name contains octet 255. */
			memset(name + i, UINT8_MAX, length - i);
			exact = false;
			break;
		}
		name[i] = (uint8_t)index[i + 1];
	}
	at = tree_names_from(names, name, length);
	/* Two rows may share a name for a moment (tree_names_remove()), and the real services of a
	 * server always: skip all. */
	if (exact && !(inclusive && n == length + 1))
		while (at < names->list.n && has_name(names->list.rows[at], name, length))
			at++;
	return at < names->list.n ? names->list.rows[at] : NULL;
}

/* Returns the names of the rows below a row. A name of a server is there once for each of its real
 * services. */
static struct tree_names *
names_below(const struct mib_rows *rows, struct tree_row *above)
{
	return rows == &mib_rows_server_name ?
	    &((struct cache_cluster *)(void *)above)->real_names : &as_branch(above)->names;
}

/* Returns the names of the rows below the row that index[0..levels-1] names, or NULL. */
static struct tree_names *
names_find(const struct mib_rows *rows, struct mib *mib, const uint32_t *index)
{
	struct tree_row *row;

	if (rows->levels == 0)
		return &mib->cache->tree.root.names;
	row = id_find(&mib->cache->tree.root.children, rows->levels, index);
	return row == NULL ? NULL : names_below(rows, row);
}

/* Finds a row by the ids of the rows above it, and its name. */
static const void *
name_get(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n)
{
	size_t levels = rows->levels;
	struct tree_names *names = n > levels ? names_find(rows, mib, index) : NULL;
	const uint32_t *name = index + levels;
	struct tree_row *row;

	n -= levels;
	row = names == NULL ? NULL : name_after(names, name, n, true);
	if (row == NULL || n != (size_t)row->name_length + 1 || name[0] != row->name_length)
		return NULL;
	for (size_t i = 0; i < row->name_length; i++)
		if (name[i + 1] != (uint8_t)row->name[i])
			return NULL;
	return row;
}

/* Writes the part of an index that is a name. Returns its length. */
static size_t
name_write(const struct tree_row *row, uint32_t *ret_index)
{
	ret_index[0] = row->name_length;
	for (size_t i = 0; i < row->name_length; i++)
		ret_index[i + 1] = (uint8_t)row->name[i];
	return (size_t)row->name_length + 1;
}

/* Finds the next row by the ids of the rows above it, and its name. */
static const void *
name_next(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n,
    bool inclusive, uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	size_t levels = rows->levels;
	struct mib_cursor cursor = { .levels = 0 };
	struct tree_row *above = seek_index(&cursor, &mib->cache->tree.root.children, levels,
	    index, n < levels ? n : levels, true, 0);

	(void)needs;
	for (; above != NULL; above = cursor_next(&cursor)) {
		const struct tree_row *row;
		uint32_t ids[MIB_LEVELS];
		bool same;

		cursor_ids(&cursor, ids);
		same = n >= levels && memcmp(ids, index, levels * sizeof(ids[0])) == 0;
		row = name_after(names_below(rows, above), index + levels,
		    same ? n - levels : 0, inclusive);
		if (row != NULL) {
			memcpy(ret_index, ids, levels * sizeof(ids[0]));
			*ret_n = levels + name_write(row, ret_index + levels);
			return row;
		}
	}
	return NULL;
}

/* The names of clusters have no row above them. */
static const void *
cluster_name_next(const struct mib_rows *rows, struct mib *mib, const uint32_t *index, size_t n,
    bool inclusive, uint32_t needs, uint32_t *ret_index, size_t *ret_n)
{
	const struct tree_row *row = name_after(&mib->cache->tree.root.names, index, n, inclusive);

	(void)rows;
	(void)needs;
	if (row != NULL)
		*ret_n = name_write(row, ret_index);
	return row;
}

const struct mib_rows mib_rows_cluster_name = { "cluster", 0, name_get, cluster_name_next };
const struct mib_rows mib_rows_service_name = { "service", 1, name_get, name_next };
const struct mib_rows mib_rows_real_name = { "real service", 2, name_get, name_next };
const struct mib_rows mib_rows_server_name = { "server", 1, name_get, name_next };
