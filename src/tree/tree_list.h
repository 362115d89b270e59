/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lists of rows in memory, sorted by id or by name. A list does not own its rows.
 * Names are in the order of an SNMP index: shorter names first, then byte by byte.
 */
#ifndef TREE_LIST_H
#define TREE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_branch;

/* The head of every row. The struct of a row begins with it. */
struct tree_row {
	struct tree_branch	*parent;	/* NULL for a row outside the tree */
	char			*name;		/* and the other texts behind it: tree_text() */
	uint32_t		 id;
	uint8_t			 name_length;
	uint8_t			 generation;	/* of the latest full read that had the row */
	bool			 deleted;	/* leaves its lists with the next reap */
};

struct tree_list {
	struct tree_row	**rows;
	uint32_t	  n, size;
};

/* Rows by name. Rows after the first 'sorted' ones are sorted by the next search, so that many
 * new rows are sorted once. */
struct tree_names {
	struct tree_list	list;
	uint32_t		sorted;
};

/* Runs over the rows of a struct tree_list. 'row' is a pointer to a struct that begins with
 * struct tree_row; 'i' names the index. */
/* NOLINTBEGIN(bugprone-macro-parentheses): the name of a declared variable cannot be in
 * parentheses. */
#define TREE_FOREACH(row, i, list)                                                  \
	for (uint32_t i = 0; i < (list)->n && ((row) = (void *)(list)->rows[i]) != NULL; i++)
/* NOLINTEND(bugprone-macro-parentheses): end of the macro. */

/* Frees the array. The list is empty then. */
void tree_list_done(struct tree_list *list);

/* Returns the position of the first row with an id above 'id'; list->n if there is none. */
uint32_t tree_list_after(const struct tree_list *list, uint32_t id);
/* Returns the row with this id, or NULL. */
struct tree_row *tree_list_find(const struct tree_list *list, uint32_t id);
/* Makes room for one more row. False if out of memory. Adding a row cannot fail after this, so
 * that a row is in all of its lists or in none. */
bool tree_list_reserve(struct tree_list *list) __attribute__((warn_unused_result));
/* Adds a row at its place by id. Fast for the highest id, which a new row has. */
void tree_list_add(struct tree_list *list, struct tree_row *row);
void tree_list_remove(struct tree_list *list, const struct tree_row *row);

/* Adds a row by its name. tree_list_reserve() made the room. */
void tree_names_add(struct tree_names *names, struct tree_row *row);
/* Removes a row before its name changes. The room for one row remains. */
void tree_names_remove(struct tree_names *names, const struct tree_row *row);
/* Removes all rows with 'deleted' in one pass. */
void tree_names_reap(struct tree_names *names);
/* Returns the position of the first name at or above name[0..length-1]; list.n if there is
 * none. */
uint32_t tree_names_from(struct tree_names *names, const uint8_t *name, size_t length);

#endif
