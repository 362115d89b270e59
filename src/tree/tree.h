/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The clusters, services and real services of a store in memory, by id and by name. A tree
 * follows store_changes(). lbclusterd and the drivers build on it: struct cache and struct
 * driver_tree begin with a struct row_tree, and their rows begin with the rows of the tree.
 *
 * A row without its parent is ignored. If the store no longer knows what changed
 * (ERR_GONE), the tree reads all rows again: rows stay in place meanwhile, and rows that did
 * not come again are deleted at the end.
 */
#ifndef TREE_TREE_H
#define TREE_TREE_H

#include "store/store.h"
#include "tree/tree_list.h"
#include "util/idmap.h"

/* A row with rows below it: a cluster or a service. */
struct tree_branch {
	struct tree_row		row;
	struct tree_list	children;	/* by id */
	struct tree_names	names;		/* the same rows by name */
	bool			has_deleted;	/* some rows below are deleted */
};

/* The texts of a row, for tree_text(). */
enum tree_text {
	TREE_NAME,
	TREE_PLANE = 1, TREE_PLANE_MESSAGE, TREE_PLANE_PARAMS,	/* of a cluster */
	TREE_ADDRESS = 1, TREE_PORT,				/* of a service or real service */
	TREE_SERVICE_PARAMS,
	TREE_REASON = 3, TREE_REAL_PARAMS,			/* of a real service */
};

struct row_tree;

/* The functions of the program that uses a tree. Their first argument is the struct row_tree, with
 * which the program's own struct begins. */
struct tree_ops {
	/* Sizes of the structs of its rows, which begin with struct tree_branch (clusters,
	 * services) or struct tree_row (real services). Their other members are 0 at first. */
	size_t		size[STORE_REAL + 1];
	/* The rows have the texts TREE_*_PARAMS, which cost memory. */
	bool		has_params;
	/* Copies the columns of a row that came or changed: a struct cluster_row, service_row or
	 * real_row, by the kind. The row still has its old texts; row->name is NULL for a new
	 * row. 'first': the row is new, or comes for the first time since all rows are read
	 * again, and may be another row with the same id. A function may be NULL. */
	void		(*changed[STORE_REAL + 1])(void *tree, void *row, bool first,
			    const void *columns);
	/* Allocates what 'changed' needs for a real service with these columns, below 'parent'.
	 * False if out of memory: the row stays as it is, and tree_refresh() fails. May be
	 * NULL. */
	bool		(*reserve)(void *tree, struct tree_branch *parent,
			    const struct real_row *columns);
	/* The rows with 'deleted' are freed next. May be NULL. */
	void		(*reap)(void *tree);
	/* A row of that kind is deleted, after the rows below it. tree_refresh() frees it. */
	void		(*deleted)(void *tree, enum store_kind kind, void *row);
	/* The functions for the other changes; 'removed' is for jobs and statistics, may be
	 * NULL. The tree sets the other members. */
	struct store_sink	sink;
};

struct row_tree {
	const struct tree_ops	*ops;
	struct tree_branch	 root;		/* the parent of the clusters */
	struct idmap		 by_id[STORE_REAL + 1];	/* by enum store_kind */
	struct store_cursor	 cursor;
	uint64_t		 version;	/* changes when any row is added or freed */
	uint8_t			 generation;	/* counts the full reads */
	bool			 loading;	/* a full read is not complete */
	bool			 loaded;	/* a full read was complete once */
	bool			 behind;	/* the store has more rows to read */
	bool			 has_deleted;
	bool			 moved;		/* a row has another parent than before */
};

void tree_init(struct row_tree *tree, const struct tree_ops *ops);
/* Deletes and frees all rows. */
void tree_done(struct row_tree *tree);

/* Reads at most 'limit' changed rows. *ret_more: call again. Returns the errors of
 * store_changes() but ERR_GONE; the rows that came before an error remain. */
enum err_code tree_refresh(struct row_tree *tree, struct store *store, size_t limit,
    bool *ret_more, struct err *err);

/* Returns the row with this id, or NULL. */
void *tree_find(const struct row_tree *tree, enum store_kind kind, uint32_t id);
/* Returns the number of rows of this kind. */
uint32_t tree_count(const struct row_tree *tree, enum store_kind kind);

/* Returns a text of a row, which is valid until the next tree_refresh(). */
const char *tree_text(const struct tree_row *row, enum tree_text text);

/* Returns a block with the texts one after the other, to be freed; NULL if out of memory. */
char *tree_texts_new(const char *const texts[], size_t n) __attribute__((warn_unused_result));

#endif
