/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lists of rows; see tree_list.h.
 */
#include "tree/tree_list.h"

#include <stdlib.h>
#include <string.h>

bool
tree_list_reserve(struct tree_list *list)
{
	uint32_t size = list->size == 0 ? 4 : list->size + list->size / 2;
	void *rows;

	if (list->n < list->size)
		return true;
	rows = realloc(list->rows, size * sizeof(struct tree_row *));
	if (rows == NULL)
		return false;
	list->rows = rows;
	list->size = size;
	return true;
}

static void
insert_at(struct tree_list *list, uint32_t at, struct tree_row *row)
{
	memmove(list->rows + at + 1, list->rows + at,
	    (list->n - at) * sizeof(struct tree_row *));
	list->rows[at] = row;
	list->n++;
}

static void
remove_at(struct tree_list *list, uint32_t at)
{
	list->n--;
	memmove(list->rows + at, list->rows + at + 1,
	    (list->n - at) * sizeof(struct tree_row *));
}

void
tree_list_done(struct tree_list *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}

/* -- by id ------------------------------------------------------------------ */

uint32_t
tree_list_after(const struct tree_list *list, uint32_t id)
{
	uint32_t low = 0, high = list->n;

	if (list->n > 0 && list->rows[list->n - 1]->id <= id)
		return list->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (list->rows[middle]->id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct tree_row *
tree_list_find(const struct tree_list *list, uint32_t id)
{
	uint32_t after = tree_list_after(list, id);

	if (after == 0 || list->rows[after - 1]->id != id)
		return NULL;
	return list->rows[after - 1];
}

void
tree_list_add(struct tree_list *list, struct tree_row *row)
{
	insert_at(list, tree_list_after(list, row->id), row);
}

void
tree_list_remove(struct tree_list *list, const struct tree_row *row)
{
	uint32_t after = tree_list_after(list, row->id);

	if (after > 0 && list->rows[after - 1] == row)
		remove_at(list, after - 1);
}

/* -- by name --------------------------------------------------------------------- */

static int
name_compare(const struct tree_row *row, const uint8_t *name, size_t length)
{
	if (row->name_length != length)
		return row->name_length < length ? -1 : 1;
	return memcmp(row->name, name, length);
}

static int
row_compare(const void *a, const void *b)
{
	const struct tree_row *const *x = a, *const *y = b;

	return name_compare(*x, (const uint8_t *)(*y)->name, (*y)->name_length);
}

static uint32_t
position(const struct tree_names *names, uint32_t n, const uint8_t *name, size_t length)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (name_compare(names->list.rows[middle], name, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Sorts the rows after the first 'sorted' ones: a few one by one, many with qsort(). */
static void
names_sort(struct tree_names *names)
{
	enum { FEW = 16 };
	struct tree_list *list = &names->list;

	if (list->n - names->sorted > FEW)
		qsort(list->rows, list->n, sizeof(struct tree_row *), row_compare);
	else
		for (; names->sorted < list->n; names->sorted++) {
			struct tree_row *row = list->rows[names->sorted];
			uint32_t at = position(names, names->sorted,
			    (const uint8_t *)row->name, row->name_length);

			memmove(list->rows + at + 1, list->rows + at,
			    (names->sorted - at) * sizeof(struct tree_row *));
			list->rows[at] = row;
		}
	names->sorted = list->n;
}

void
tree_names_add(struct tree_names *names, struct tree_row *row)
{
	insert_at(&names->list, names->list.n, row);
}

void
tree_names_remove(struct tree_names *names, const struct tree_row *row)
{
	uint32_t at = tree_names_from(names, (const uint8_t *)row->name, row->name_length);

	/* Two rows have the same name until both rows of an exchange of names are read. */
	while (at < names->list.n && names->list.rows[at] != row)
		at++;
	if (at == names->list.n)
		return;
	remove_at(&names->list, at);
	names->sorted--;
}

void
tree_names_reap(struct tree_names *names)
{
	struct tree_list *list = &names->list;
	uint32_t n = list->n, sorted = names->sorted;

	list->n = names->sorted = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (list->rows[i]->deleted)
			continue;
		names->sorted += i < sorted;
		list->rows[list->n++] = list->rows[i];
	}
}

uint32_t
tree_names_from(struct tree_names *names, const uint8_t *name, size_t length)
{
	if (names->sorted < names->list.n)
		names_sort(names);
	return position(names, names->list.n, name, length);
}
