/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rows of a store in memory; see tree.h.
 */
#include "tree/tree.h"

#include <stdlib.h>
#include <string.h>

void *
tree_find(const struct row_tree *tree, enum store_kind kind, uint32_t id)
{
	return idmap_get(&tree->by_id[kind], id);
}

uint32_t
tree_count(const struct row_tree *tree, enum store_kind kind)
{
	return (uint32_t)idmap_count(&tree->by_id[kind]);
}

/* -- texts ----------------------------------------------------------------------------- */

char *
tree_texts_new(const char *const texts[], size_t n)
{
	size_t size = 0;
	char *block, *end;

	for (size_t i = 0; i < n; i++)
		size += strlen(texts[i]) + 1;
	block = end = malloc(size);
	for (size_t i = 0; i < n && block != NULL; i++)
		end = stpcpy(end, texts[i]) + 1;
	return block;
}

const char *
tree_text(const struct tree_row *row, enum tree_text text)
{
	const char *at = row->name;

	for (unsigned int i = 0; i < text; i++)
		at += strlen(at) + 1;
	return at;
}

/* -- deleted rows ---------------------------------------------------------------------- */

/* A deleted row is not found by its id any more. It leaves the lists of its parent together
 * with others in reap(), because each row that leaves alone moves all rows behind it. */
static void
row_delete(struct row_tree *tree, enum store_kind kind, struct tree_row *row)
{
	if (row->deleted)
		return;
	idmap_remove(&tree->by_id[kind], row->id);
	row->deleted = true;
	row->parent->has_deleted = true;
	tree->has_deleted = true;
	tree->ops->deleted(tree, kind, row);
}

/* Deletes a row of any kind, after all rows below it. */
static void
subtree_delete(struct row_tree *tree, enum store_kind kind, void *row)
{
	struct tree_branch *branch = row, *service;
	struct tree_row *real;

	if (kind == STORE_SERVICE) {
		TREE_FOREACH(real, i, &branch->children)
			row_delete(tree, STORE_REAL, real);
	} else if (kind == STORE_CLUSTER) {
		TREE_FOREACH(service, i, &branch->children) {
			TREE_FOREACH(real, j, &service->children)
				row_delete(tree, STORE_REAL, real);
			row_delete(tree, STORE_SERVICE, &service->row);
		}
	}
	row_delete(tree, kind, row);
}

/* Frees the deleted rows of one branch. 'branches': its rows are branches themselves. */
static void
branch_reap(struct row_tree *tree, struct tree_branch *branch, bool branches)
{
	struct tree_list *children = &branch->children;
	uint32_t left = 0;
	struct tree_branch *child;

	if (!branch->has_deleted)
		return;
	branch->has_deleted = false;
	tree_names_reap(&branch->names);
	TREE_FOREACH(child, i, children) {
		if (!child->row.deleted) {
			children->rows[left++] = &child->row;
			continue;
		}
		if (branches) {
			tree_list_done(&child->children);
			tree_list_done(&child->names.list);
		}
		tree->version++;
		free(child->row.name);
		free(child);
	}
	children->n = left;
}

static void
reap(struct row_tree *tree)
{
	struct tree_branch *cluster, *service;

	if (!tree->has_deleted)
		return;
	tree->has_deleted = false;
	if (tree->ops->reap != NULL)
		tree->ops->reap(tree);
	TREE_FOREACH(cluster, i, &tree->root.children) {
		TREE_FOREACH(service, j, &cluster->children)
			branch_reap(tree, service, false);
		branch_reap(tree, cluster, true);
	}
	branch_reap(tree, &tree->root, true);
}

static void
old_delete(struct row_tree *tree, enum store_kind kind, struct tree_row *row)
{
	if (row->generation != tree->generation)
		row_delete(tree, kind, row);
}

/* Deletes the rows that did not come with the full read that is now complete. */
static void
sweep(struct row_tree *tree)
{
	struct tree_branch *cluster, *service;
	struct tree_row *real;

	TREE_FOREACH(cluster, i, &tree->root.children) {
		TREE_FOREACH(service, j, &cluster->children) {
			TREE_FOREACH(real, k, &service->children)
				old_delete(tree, STORE_REAL, real);
			old_delete(tree, STORE_SERVICE, &service->row);
		}
		old_delete(tree, STORE_CLUSTER, &cluster->row);
	}
}

/* -- changes of the store -------------------------------------------------------------- */

static struct tree_row *
row_new(struct row_tree *tree, enum store_kind kind, uint32_t id, struct tree_branch *parent)
{
	struct tree_row *row = calloc(1, tree->ops->size[kind]);

	if (row == NULL || !tree_list_reserve(&parent->children) ||
	    !tree_list_reserve(&parent->names.list) ||
	    !idmap_put(&tree->by_id[kind], id, row)) {
		free(row);
		return NULL;
	}
	row->id = id;
	row->parent = parent;
	tree_list_add(&parent->children, row);
	tree->version++;
	return row;
}

/* Gives a row its new texts. A row whose name stays keeps its place by name. */
static void
texts_set(struct tree_row *row, char *texts)
{
	struct tree_names *names = &row->parent->names;
	bool renamed = row->name == NULL || strcmp(row->name, texts) != 0;

	if (renamed && row->name != NULL)
		tree_names_remove(names, row);
	free(row->name);
	row->name = texts;
	row->name_length = (uint8_t)strnlen(texts, UINT8_MAX);
	if (renamed)
		tree_names_add(names, row);
}

/* Adds or changes a row. All memory is allocated before the row changes. */
static enum err_code
row_set(struct row_tree *tree, enum store_kind kind, uint32_t id, struct tree_branch *parent,
    const char *const texts[], size_t n, const void *columns)
{
	struct tree_row *row = tree_find(tree, kind, id);
	char *block;

	if (parent == NULL)	/* the store does not serve the parent, see store.h */
		return ERR_OK;
	if (row != NULL && row->parent != parent) {
		subtree_delete(tree, kind, row);
		tree->moved = true;
		row = NULL;
	}
	block = tree_texts_new(texts, n);
	if (block != NULL && row == NULL)
		row = row_new(tree, kind, id, parent);
	if (block == NULL || row == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	if (tree->ops->changed[kind] != NULL)
		tree->ops->changed[kind](tree, row,
		    row->name == NULL || row->generation != tree->generation, columns);
	row->generation = tree->generation;
	texts_set(row, block);
	return ERR_OK;
}

static enum err_code
on_cluster(void *arg, const struct cluster_row *columns)
{
	struct row_tree *tree = arg;
	const char *const texts[] = { columns->name, columns->plane, columns->plane_message,
		columns->plane_params };

	return row_set(tree, STORE_CLUSTER, columns->id, &tree->root, texts,
	    3 + tree->ops->has_params, columns);
}

static enum err_code
on_service(void *arg, const struct service_row *columns)
{
	struct row_tree *tree = arg;
	const char *const texts[] = { columns->name, columns->address, columns->port,
		columns->params };

	return row_set(tree, STORE_SERVICE, columns->id,
	    tree_find(tree, STORE_CLUSTER, columns->cluster_id), texts,
	    3 + tree->ops->has_params, columns);
}

static enum err_code
on_real(void *arg, const struct real_row *columns)
{
	struct row_tree *tree = arg;
	const char *const texts[] = { columns->name, columns->address, columns->port,
		columns->reason, columns->params };
	struct tree_branch *service = tree_find(tree, STORE_SERVICE, columns->service_id);

	if (service != NULL && tree->ops->reserve != NULL &&
	    !tree->ops->reserve(tree, service, columns))
		return ERR_NOMEM;
	return row_set(tree, STORE_REAL, columns->id, service, texts,
	    4 + tree->ops->has_params, columns);
}

static enum err_code
on_removed(void *arg, enum store_kind kind, uint32_t id)
{
	struct row_tree *tree = arg;
	void *row = kind <= STORE_REAL ? tree_find(tree, kind, id) : NULL;

	if (row != NULL)
		subtree_delete(tree, kind, row);
	else if (kind > STORE_REAL && tree->ops->sink.removed != NULL)
		return tree->ops->sink.removed(tree, kind, id);
	return ERR_OK;
}

/* -- the tree as a whole --------------------------------------------------------------- */

void
tree_init(struct row_tree *tree, const struct tree_ops *ops)
{
	*tree = (struct row_tree){ .ops = ops, .loading = true };
}

void
tree_done(struct row_tree *tree)
{
	struct tree_branch *cluster;

	TREE_FOREACH(cluster, i, &tree->root.children)
		subtree_delete(tree, STORE_CLUSTER, cluster);
	reap(tree);
	tree_list_done(&tree->root.children);
	tree_list_done(&tree->root.names.list);
	for (size_t i = 0; i <= STORE_REAL; i++)
		idmap_done(&tree->by_id[i]);
}

enum err_code
tree_refresh(struct row_tree *tree, struct store *store, size_t limit, bool *ret_more,
    struct err *err)
{
	struct store_sink sink = tree->ops->sink;
	bool more = false;
	enum err_code code;

	sink.arg = tree;
	sink.cluster = on_cluster;
	sink.service = on_service;
	sink.real = on_real;
	sink.removed = on_removed;
	code = store_changes(store, &tree->cursor, &sink, limit, &more, err);
	/* A row of another file, or a person turned off the triggers and moved a row. The store
	 * passes the rows below it only to a full read. */
	if (code == ERR_OK && tree->moved && !tree->loading)
		code = ERR_GONE;
	tree->moved = false;
	if (code == ERR_GONE) {
		tree->cursor = (struct store_cursor){ 0 };
		tree->generation++;
		tree->loading = true;
		more = true;
	} else if (code == ERR_OK && tree->loading && !more) {
		sweep(tree);
		tree->loading = false;
		tree->loaded = true;
	}
	reap(tree);
	if (code != ERR_OK && code != ERR_GONE)
		return code;
	*ret_more = tree->behind = more;
	return ERR_OK;
}
