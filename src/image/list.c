/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Sorted lists; see list.h.
 */
#include "image/list.h"

#include <stdlib.h>
#include <string.h>

bool
image_list_reserve(struct image_list *list)
{
	uint32_t size = list->size == 0 ? 4 : list->size + list->size / 2;
	void *nodes;

	if (list->n < list->size)
		return true;
	nodes = realloc(list->nodes, size * sizeof(struct image_node *));
	if (nodes == NULL)
		return false;
	list->nodes = nodes;
	list->size = size;
	return true;
}

static void
insert_at(struct image_list *list, uint32_t at, struct image_node *node)
{
	memmove(list->nodes + at + 1, list->nodes + at,
	    (list->n - at) * sizeof(struct image_node *));
	list->nodes[at] = node;
	list->n++;
}

static void
remove_at(struct image_list *list, uint32_t at)
{
	list->n--;
	memmove(list->nodes + at, list->nodes + at + 1,
	    (list->n - at) * sizeof(struct image_node *));
}

void
image_list_done(struct image_list *list)
{
	free(list->nodes);
	memset(list, 0, sizeof(*list));
}

/* -- by number ------------------------------------------------------------------ */

uint32_t
image_list_after(const struct image_list *list, uint32_t id)
{
	uint32_t low = 0, high = list->n;

	if (list->n > 0 && list->nodes[list->n - 1]->id <= id)
		return list->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (list->nodes[middle]->id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct image_node *
image_list_find(const struct image_list *list, uint32_t id)
{
	uint32_t after = image_list_after(list, id);

	if (after == 0 || list->nodes[after - 1]->id != id)
		return NULL;
	return list->nodes[after - 1];
}

void
image_list_add(struct image_list *list, struct image_node *node)
{
	insert_at(list, image_list_after(list, node->id), node);
}

void
image_list_remove(struct image_list *list, const struct image_node *node)
{
	uint32_t after = image_list_after(list, node->id);

	if (after > 0 && list->nodes[after - 1] == node)
		remove_at(list, after - 1);
}

/* -- by name --------------------------------------------------------------------- */

static int
name_compare(const struct image_node *node, const uint8_t *name, size_t length)
{
	if (node->name_length != length)
		return node->name_length < length ? -1 : 1;
	return memcmp(node->texts, name, length);
}

static int
node_compare(const void *a, const void *b)
{
	const struct image_node *const *x = a, *const *y = b;

	return name_compare(*x, (const uint8_t *)(*y)->texts, (*y)->name_length);
}

static uint32_t
position(const struct image_names *names, uint32_t n, const uint8_t *name, size_t length)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (name_compare(names->list.nodes[middle], name, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A few late-comers are put in their places, many are sorted with the rest. */
static void
settle(struct image_names *names)
{
	enum { FEW = 16 };
	struct image_list *list = &names->list;

	if (list->n - names->sorted > FEW)
		qsort(list->nodes, list->n, sizeof(struct image_node *), node_compare);
	else
		for (; names->sorted < list->n; names->sorted++) {
			struct image_node *node = list->nodes[names->sorted];
			uint32_t at = position(names, names->sorted,
			    (const uint8_t *)node->texts, node->name_length);

			memmove(list->nodes + at + 1, list->nodes + at,
			    (names->sorted - at) * sizeof(struct image_node *));
			list->nodes[at] = node;
		}
	names->sorted = list->n;
}

void
image_names_add(struct image_names *names, struct image_node *node)
{
	insert_at(&names->list, names->list.n, node);
}

void
image_names_remove(struct image_names *names, const struct image_node *node)
{
	uint32_t at = image_names_from(names, (const uint8_t *)node->texts,
	    node->name_length);

	/* Two rows may share a name for a moment, while a rename is half read. */
	while (at < names->list.n && names->list.nodes[at] != node)
		at++;
	if (at == names->list.n)
		return;
	remove_at(&names->list, at);
	names->sorted--;
}

void
image_names_bury(struct image_names *names)
{
	struct image_list *list = &names->list;
	uint32_t n = list->n, sorted = names->sorted;

	list->n = names->sorted = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (list->nodes[i]->dead)
			continue;
		names->sorted += i < sorted;
		list->nodes[list->n++] = list->nodes[i];
	}
}

uint32_t
image_names_from(struct image_names *names, const uint8_t *name, size_t length)
{
	if (names->sorted < names->list.n)
		settle(names);
	return position(names, names->list.n, name, length);
}
