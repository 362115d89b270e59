/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads rows by name, for lbclusterctl. Rows are copied a page at a time, so that no lock is
 * held while the caller prints: a listing in a pager must not block a SET.
 */
#include "store/store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

enum { PAGE_ROWS = 256 };

/* -- finding ------------------------------------------------------------------- */

/* ERR_NOT_FOUND for the path up to 'level'. */
static enum err_code
not_found(const struct path *path, size_t level, struct err *err)
{
	struct path part = *path;
	char text[PATH_TEXT_SIZE];

	if (level < 2)
		part.real[0] = '\0';
	if (level < 1)
		part.service[0] = '\0';
	return err_set(err, ERR_NOT_FOUND, "%s: does not exist", path_text(&part, text));
}

enum err_code
store_find(struct store *store, const struct path *path, uint32_t *ret_cluster_id,
    uint32_t *ret_service_id, uint32_t *ret_real_id, struct err *err)
{
	const char *const names[] = { path->cluster, path->service, path->real };
	uint32_t ids[] = { 0, 0, 0 };
	struct db_statement *stmt;
	enum err_code code;
	bool row;

	code = db_first(&store->main, SQL_PATH_FIND, DB_VALUES(db_str(names[0]), db_str(names[1]),
	    db_str(names[2])), &stmt, &row, err);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < 3 && row; i++)
		ids[i] = (uint32_t)db_integer(stmt, i);
	if (row)
		db_reset(stmt);
	for (size_t i = 0; i < 3 && names[i][0] != '\0'; i++)
		if (ids[i] == 0)
			return not_found(path, i, err);
	*ret_cluster_id = ids[0];
	*ret_service_id = ids[1];
	*ret_real_id = ids[2];
	return ERR_OK;
}

/* -- pages ----------------------------------------------------------------------- */

static union shape_row *
row_of(char *rows, size_t i, size_t size)
{
	return (union shape_row *)(void *)(rows + i * size);
}

/* Reads a page of rows, with their texts, into 'rows'. */
static enum err_code
page_read(struct db *db, enum shape_id shape, struct db_statement *stmt, char *rows, size_t *ret_n,
    struct err *err)
{
	size_t size = shape_kept_size(&shapes[shape]), n = 0;
	enum err_code code;
	bool row;

	while ((code = db_next(db, stmt, &row, err)) == ERR_OK && row) {
		code = shape_read(&shapes[shape], stmt, 0, row_of(rows, n, size), err);
		if (code != ERR_OK) {
			db_reset(stmt);
			return code;
		}
		shape_keep(&shapes[shape], row_of(rows, n++, size));
	}
	if (code == ERR_OK)
		*ret_n = n;
	return code;
}

static enum err_code
statistics_add(struct store *store, struct store_real_view *view, struct err *err)
{
	struct db_statement *stmt;
	enum err_code code;

	code = db_first(&store->stats, SQL_OF_ROWS(ROW_GET, SHAPE_STATISTICS),
	    DB_VALUES(db_int(view->row.id)), &stmt, &view->has_statistics, err);
	if (code == ERR_OK && view->has_statistics) {
		code = shape_read(&shapes[SHAPE_STATISTICS], stmt, 0, &view->statistics, err);
		db_reset(stmt);
	}
	return code;
}

/* Reads the statistics of a page of real services in one transaction: a transaction for each row
 * would double the time of a listing. Only the rows whose names match 'name' are shown. If the
 * file is damaged, the rows have no statistics; store_statistics_report() says so. */
static enum err_code
page_statistics(struct store *store, const char *name, char *rows, size_t n, struct err *err)
{
	size_t size = shape_kept_size(&shapes[SHAPE_REAL]);
	enum err_code code;

	if (!db_is_open(&store->stats))
		return ERR_OK;
	code = db_begin(&store->stats, DB_BEGIN_READ, err);
	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		struct store_real_view *view = &row_of(rows, i, size)->real;

		if (model_name_matches(name, view->row.name))
			code = statistics_add(store, view, err);
	}
	db_rollback(&store->stats);
	store->engine->stats_note(store, code);
	return store->stats_file.state == FILE_DAMAGED ? ERR_OK : code;
}

/* Where the next page begins: after the name, or after the id, of 'row'. */
static struct db_value
page_after(enum shape_id shape, const union shape_row *row, char name[MODEL_NAME_MAX + 1])
{
	if (shape == SHAPE_JOB)
		return db_int(row->job.id);
	snprintf(name, MODEL_NAME_MAX + 1, "%s", shape == SHAPE_CLUSTER ? row->cluster.name :
	    shape == SHAPE_SERVICE ? row->service.name : row->real.row.name);
	return db_str(name);
}

/* Calls fn for a copy of each row of a parent. Real services have their statistics. Only
 * real services whose names match 'real' are shown. */
static enum err_code
pages_each(struct store *store, enum shape_id shape, int64_t parent, const char *real,
    enum err_code (*fn)(void *arg, const union shape_row *row), void *arg, struct err *err)
{
	size_t size = shape_kept_size(&shapes[shape]), n = PAGE_ROWS;
	struct db_value after = shape == SHAPE_JOB ? db_int(0) : db_str("");
	char name[MODEL_NAME_MAX + 1];
	char *rows = malloc(PAGE_ROWS * size);
	enum err_code code = ERR_OK;
	struct db_statement *stmt;

	if (rows == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for rows", store->main.path);
	while (code == ERR_OK && n == PAGE_ROWS) {
		n = 0;
		code = db_query(&store->main, SQL_OF_ROWS(ROW_PAGE, shape),
		    DB_VALUES(db_int(parent), after, db_int(PAGE_ROWS)), &stmt, err);
		if (code == ERR_OK)
			code = page_read(&store->main, shape, stmt, rows, &n, err);
		if (code == ERR_OK && shape == SHAPE_REAL)
			code = page_statistics(store, real, rows, n, err);
		for (size_t i = 0; i < n && code == ERR_OK; i++)
			code = fn(arg, row_of(rows, i, size));
		if (n > 0)
			after = page_after(shape, row_of(rows, n - 1, size), name);
	}
	free(rows);
	return code;
}

/* -- the walks --------------------------------------------------------------------- */

/* A walk over all rows at or below a path. */
struct walk {
	struct store		*store;
	struct err		*err;
	const struct path	*want;		/* names; "" is any */
	struct path		 at;		/* the row that is read */
	void			*arg;
	enum err_code		(*cluster)(void *arg, const struct cluster_row *row);
	enum err_code		(*service)(void *arg, const struct path *path,
				    const struct service_row *row);
	enum err_code		(*real)(void *arg, const struct store_real_view *view);
	uint32_t		 cluster_id;
};

static enum err_code
walk_real(void *arg, const union shape_row *row)
{
	struct walk *walk = arg;
	struct store_real_view view = row->real;

	if (!model_name_matches(walk->want->real, view.row.name))
		return ERR_OK;
	snprintf(walk->at.real, sizeof(walk->at.real), "%s", view.row.name);
	view.path = walk->at;
	view.cluster_id = walk->cluster_id;
	return walk->real(walk->arg, &view);
}

static enum err_code
walk_service(void *arg, const union shape_row *row)
{
	struct walk *walk = arg;

	if (!model_name_matches(walk->want->service, row->service.name))
		return ERR_OK;
	snprintf(walk->at.service, sizeof(walk->at.service), "%s", row->service.name);
	walk->at.real[0] = '\0';
	if (walk->service != NULL)
		return walk->service(walk->arg, &walk->at, &row->service);
	return pages_each(walk->store, SHAPE_REAL, row->service.id, walk->want->real, walk_real,
	    walk, walk->err);
}

static enum err_code
walk_cluster(void *arg, const union shape_row *row)
{
	struct walk *walk = arg;

	if (!model_name_matches(walk->want->cluster, row->cluster.name))
		return ERR_OK;
	if (walk->cluster != NULL)
		return walk->cluster(walk->arg, &row->cluster);
	snprintf(walk->at.cluster, sizeof(walk->at.cluster), "%s", row->cluster.name);
	walk->cluster_id = row->cluster.id;
	return pages_each(walk->store, SHAPE_SERVICE, row->cluster.id, "", walk_service, walk,
	    walk->err);
}

static enum err_code
walk_all(struct walk *walk, const struct path *path)
{
	static const struct path all;
	uint32_t cluster_id, service_id, real_id;
	enum err_code code = ERR_OK;

	walk->want = path == NULL ? &all : path;
	if (path != NULL && !path_is_pattern(path))
		code = store_find(walk->store, path, &cluster_id, &service_id, &real_id,
		    walk->err);
	return code != ERR_OK ? code :
	    pages_each(walk->store, SHAPE_CLUSTER, 0, "", walk_cluster, walk, walk->err);
}

enum err_code
store_each_cluster(struct store *store, const struct path *path,
    enum err_code (*fn)(void *arg, const struct cluster_row *row), void *arg, struct err *err)
{
	struct walk walk = { .store = store, .err = err, .arg = arg, .cluster = fn };

	return walk_all(&walk, path);
}

enum err_code
store_each_service(struct store *store, const struct path *path,
    enum err_code (*fn)(void *arg, const struct path *path, const struct service_row *row),
    void *arg, struct err *err)
{
	struct walk walk = { .store = store, .err = err, .arg = arg, .service = fn };

	return walk_all(&walk, path);
}

enum err_code
store_each_real(struct store *store, const struct path *path,
    enum err_code (*fn)(void *arg, const struct store_real_view *view), void *arg,
    struct err *err)
{
	struct walk walk = { .store = store, .err = err, .arg = arg, .real = fn };

	return walk_all(&walk, path);
}

struct job_walk {
	void		 *arg;
	enum err_code	(*fn)(void *arg, const struct job_row *row);
};

static enum err_code
walk_job(void *arg, const union shape_row *row)
{
	const struct job_walk *walk = arg;

	return walk->fn(walk->arg, &row->job);
}

/* Calls fn for one job. */
static enum err_code
job_each(struct store *store, uint32_t id,
    enum err_code (*fn)(void *arg, const struct job_row *row), void *arg, struct err *err)
{
	union shape_row *row = malloc(shape_kept_size(&shapes[SHAPE_JOB]));
	struct db_statement *stmt = NULL;
	enum err_code code;
	bool found;

	if (row == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for a job", store->main.path);
	code = db_first(&store->main, SQL_OF_ROWS(ROW_GET, SHAPE_JOB), DB_VALUES(db_int(id)),
	    &stmt, &found, err);
	if (code == ERR_OK && !found)
		code = err_set(err, ERR_NOT_FOUND, "job %u: does not exist", id);
	if (code == ERR_OK)
		code = shape_read(&shapes[SHAPE_JOB], stmt, 0, row, err);
	if (code == ERR_OK)
		shape_keep(&shapes[SHAPE_JOB], row);
	db_reset(stmt);
	if (code == ERR_OK)
		code = fn(arg, &row->job);
	free(row);
	return code;
}

enum err_code
store_each_job(struct store *store, uint32_t id,
    enum err_code (*fn)(void *arg, const struct job_row *row), void *arg, struct err *err)
{
	struct job_walk walk = { .arg = arg, .fn = fn };

	return id != 0 ? job_each(store, id, fn, arg, err) :
	    pages_each(store, SHAPE_JOB, 0, "", walk_job, &walk, err);
}
