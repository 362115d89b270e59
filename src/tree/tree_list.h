/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Sorted lists of the cache: by number, and by name in the order of an SNMP index
 * (shorter names first, then octet by octet). Lists own no rows.
 */
#ifndef TREE_LIST_H
#define TREE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What every row of the cache starts with. 'texts' holds its texts one after the
 * other, the name first, each with its NUL. */
struct tree_row {
	uint32_t	 id;
	uint8_t		 name_length;
	uint8_t		 generation;	/* of the last full load that had the row */
	bool		 dead;		/* to be taken out with others */
	char		*texts;
};

struct tree_list {
	struct tree_row	**rows;
	uint32_t		  n, size;
};

/* By name. New names wait unsorted behind the first 'sorted' ones until somebody
 * looks: a load of many rows is sorted once. */
struct tree_names {
	struct tree_list	list;
	uint32_t		sorted;
};

void tree_list_done(struct tree_list *list);

/* Position of the first node with a number above 'id'; list->n if there is none. */
uint32_t tree_list_after(const struct tree_list *list, uint32_t id);
/* NULL if there is none. */
struct tree_row *tree_list_find(const struct tree_list *list, uint32_t id);
/* Room for one node more than there is; false without memory. What adds a node cannot
 * fail then, so that a row is in all its lists or in none. */
bool tree_list_reserve(struct tree_list *list) __attribute__((warn_unused_result));
/* Numbers grow, so this appends as a rule. */
void tree_list_add(struct tree_list *list, struct tree_row *node);
void tree_list_remove(struct tree_list *list, const struct tree_row *node);

void tree_names_add(struct tree_names *names, struct tree_row *node);
/* Before the name of 'node' changes or ends. Leaves room for one. */
void tree_names_remove(struct tree_names *names, const struct tree_row *node);
/* Takes all dead nodes out at once: one by one, each would move the rest. */
void tree_names_reap(struct tree_names *names);
/* Position of the first name at or above name[0..length-1]; n if there is none. */
uint32_t tree_names_from(struct tree_names *names, const uint8_t *name, size_t length);

#endif
