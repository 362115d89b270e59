/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Sorted lists of the image: by number, and by name in the order of an SNMP index
 * (shorter names first, then octet by octet). Lists own no rows.
 */
#ifndef IMAGE_LIST_H
#define IMAGE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What every row of the image starts with. 'texts' holds its texts one after the
 * other, the name first, each with its NUL. */
struct image_node {
	uint32_t	 id;
	uint8_t		 name_length;
	uint8_t		 generation;	/* of the last full load that had the row */
	bool		 dead;		/* to be taken out with others */
	char		*texts;
};

struct image_list {
	struct image_node	**nodes;
	uint32_t		  n, size;
};

/* By name. New names wait unsorted behind the first 'sorted' ones until somebody
 * looks: a load of many rows is sorted once. */
struct image_names {
	struct image_list	list;
	uint32_t		sorted;
};

void image_list_done(struct image_list *list);

/* Position of the first node with a number above 'id'; list->n if there is none. */
uint32_t image_list_after(const struct image_list *list, uint32_t id);
/* NULL if there is none. */
struct image_node *image_list_find(const struct image_list *list, uint32_t id);
/* Room for one node more than there is; false without memory. What adds a node cannot
 * fail then, so that a row is in all its lists or in none. */
bool image_list_reserve(struct image_list *list) __attribute__((warn_unused_result));
/* Numbers grow, so this appends as a rule. */
void image_list_add(struct image_list *list, struct image_node *node);
void image_list_remove(struct image_list *list, const struct image_node *node);

void image_names_add(struct image_names *names, struct image_node *node);
/* Before the name of 'node' changes or ends. Leaves room for one. */
void image_names_remove(struct image_names *names, const struct image_node *node);
/* Takes all dead nodes out at once: one by one, each would move the rest. */
void image_names_bury(struct image_names *names);
/* Position of the first name at or above name[0..length-1]; n if there is none. */
uint32_t image_names_from(struct image_names *names, const uint8_t *name, size_t length);

#endif
