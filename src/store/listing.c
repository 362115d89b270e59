/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reading rows by name, for people. Rows are copied out a page at a time, so that
 * no lock is held while the caller prints: a listing in a pager must not stop a
 * SET.
 */
#include "store/shapes.h"
#include "store/store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 256 };

/* -- finding ------------------------------------------------------------------- */

/* The part of the path that leads nowhere. */
static enum err_code
missing(const struct path *path, size_t level, struct err *err)
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
	uint32_t ids[3] = { 0, 0, 0 };
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row;

	/* One query, for one lock. Of two rows of a name the lower id is served: left_out.c. */
	code = db_query(&store->main, err, &stmt,
	    "SELECT c.id, s.id, r.id FROM cluster AS c"
	    " LEFT JOIN service AS s ON s.cluster_id = c.id AND s.name = ?2"
	    " LEFT JOIN real_service AS r ON r.service_id = s.id AND r.name = ?3"
	    " WHERE c.name = ?1 ORDER BY c.id, s.id, r.id LIMIT 1", "sss", names[0], names[1],
	    names[2]);
	if (code == ERR_OK)
		code = db_next(&store->main, stmt, &row, err);
	if (code != ERR_OK)
		return code;
	for (int i = 0; i < 3 && row; i++)
		ids[i] = (uint32_t)sqlite3_column_int64(stmt, i);
	if (row)
		db_reset(stmt);
	for (size_t i = 0; i < 3 && names[i][0] != '\0'; i++)
		if (ids[i] == 0)
			return missing(path, i, err);
	*ret_cluster_id = ids[0];
	*ret_service_id = ids[1];
	*ret_real_id = ids[2];
	return ERR_OK;
}

/* -- pages ----------------------------------------------------------------------- */

/* Rows with room for their own texts. */
struct cluster_copy {
	struct cluster_row	row;
	char			name[MODEL_NAME_MAX + 1], plane[33], params[2001];
	char			message[MODEL_MESSAGE_MAX + 1];
};

struct service_copy {
	struct service_row	row;
	char			name[MODEL_NAME_MAX + 1], address[MODEL_ADDRESS_MAX + 1];
	char			port[MODEL_PORT_TEXT_MAX + 1];
};

struct real_copy {
	struct store_real_view	view;
	char			name[MODEL_NAME_MAX + 1], address[MODEL_ADDRESS_MAX + 1];
	char			port[MODEL_PORT_TEXT_MAX + 1];
	char			reason[MODEL_MESSAGE_MAX + 1];
};

struct job_copy {
	struct job_row		row;
	char			cluster[MODEL_NAME_MAX + 1], service[MODEL_NAME_MAX + 1];
	char			real[MODEL_NAME_MAX + 1], message[MODEL_MESSAGE_MAX + 1];
};

#define KEEP(copy, row, field, to)                                             \
	do {                                                                   \
		snprintf((copy)->to, sizeof((copy)->to), "%s", (row)->field);  \
		(row)->field = (copy)->to;                                     \
	} while (0)

static enum err_code
cluster_copy(sqlite3_stmt *stmt, void *to, struct err *err)
{
	struct cluster_copy *copy = to;
	enum err_code code;

	code = store_read_cluster(stmt, 0, &copy->row, err);
	if (code != ERR_OK)
		return code;
	KEEP(copy, &copy->row, name, name);
	KEEP(copy, &copy->row, plane, plane);
	KEEP(copy, &copy->row, plane_params, params);
	KEEP(copy, &copy->row, plane_message, message);
	return ERR_OK;
}

static enum err_code
service_copy(sqlite3_stmt *stmt, void *to, struct err *err)
{
	struct service_copy *copy = to;
	enum err_code code;

	code = store_read_service(stmt, 0, &copy->row, err);
	if (code != ERR_OK)
		return code;
	KEEP(copy, &copy->row, name, name);
	KEEP(copy, &copy->row, address, address);
	KEEP(copy, &copy->row, port, port);
	return ERR_OK;
}

static enum err_code
real_copy(sqlite3_stmt *stmt, void *to, struct err *err)
{
	struct real_copy *copy = to;
	enum err_code code;

	memset(&copy->view, 0, sizeof(copy->view));
	code = store_read_real(stmt, 0, &copy->view.row, err);
	if (code != ERR_OK)
		return code;
	KEEP(copy, &copy->view.row, name, name);
	KEEP(copy, &copy->view.row, address, address);
	KEEP(copy, &copy->view.row, port, port);
	KEEP(copy, &copy->view.row, reason, reason);
	copy->view.pending_jobs = (uint32_t)sqlite3_column_int64(stmt, REAL_COLUMN_COUNT);
	return ERR_OK;
}

static enum err_code
job_copy(sqlite3_stmt *stmt, void *to, struct err *err)
{
	struct job_copy *copy = to;
	enum err_code code;

	code = store_read_job(stmt, 0, &copy->row, err);
	if (code != ERR_OK)
		return code;
	KEEP(copy, &copy->row, cluster, cluster);
	KEEP(copy, &copy->row, service, service);
	KEEP(copy, &copy->row, real, real);
	KEEP(copy, &copy->row, message, message);
	return ERR_OK;
}

static const char *
cluster_key(const void *row)
{
	return ((const struct cluster_copy *)row)->name;
}

static const char *
service_key(const void *row)
{
	return ((const struct service_copy *)row)->name;
}

static const char *
real_key(const void *row)
{
	return ((const struct real_copy *)row)->name;
}

static int64_t
job_key(const void *row)
{
	return ((const struct job_copy *)row)->row.id;
}

/* How one kind of row is read a page at a time: after a name, or after an id. In
 * the query ?1 is the parent's id, ?2 the name, ?3 the id, ?4 the page's size. */
struct pager {
	const char	*sql;
	size_t		 copy_size;
	enum err_code	(*copy)(sqlite3_stmt *stmt, void *to, struct err *err);
	const char	*(*name)(const void *row);
	int64_t		(*id)(const void *row);
};

static const struct pager clusters = {
	"SELECT " CLUSTER_COLUMNS " FROM cluster AS c"
	" WHERE ?1 = 0 AND c.name > ?2 AND ?3 = 0 AND (" CLUSTER_LEFT_OUT ") = 0"
	" ORDER BY c.name LIMIT ?4",
	sizeof(struct cluster_copy), cluster_copy, cluster_key, NULL,
};

static const struct pager services = {
	"SELECT " SERVICE_COLUMNS " FROM service AS s"
	" WHERE s.cluster_id = ?1 AND s.name > ?2 AND ?3 = 0 AND (" SERVICE_LEFT_OUT ") = 0"
	" ORDER BY s.name LIMIT ?4",
	sizeof(struct service_copy), service_copy, service_key, NULL,
};

static const struct pager reals = {
	"SELECT " REAL_COLUMNS_AHEAD ", (SELECT count(*) FROM job AS j WHERE j.real_id = r.id"
	" AND j.state < 3) FROM real_service AS r"
	" WHERE r.service_id = ?1 AND r.name > ?2 AND ?3 = 0 AND (" REAL_LEFT_OUT ") = 0"
	" ORDER BY r.name LIMIT ?4",
	sizeof(struct real_copy), real_copy, real_key, NULL,
};

static const struct pager jobs = {
	"SELECT " JOB_COLUMNS " FROM job AS j"
	" WHERE ?1 = 0 AND ?2 = '' AND j.id > ?3 AND (" JOB_LEFT_OUT ") = 0"
	" ORDER BY j.id LIMIT ?4",
	sizeof(struct job_copy), job_copy, NULL, job_key,
};

static enum err_code
page_read(struct store *store, sqlite3_stmt *stmt, const struct pager *pager, char *rows,
    size_t *ret_n, struct err *err)
{
	enum err_code code;
	bool row;
	size_t n = 0;

	while ((code = db_next(&store->main, stmt, &row, err)) == ERR_OK && row) {
		code = pager->copy(stmt, rows + n++ * pager->copy_size, err);
		if (code != ERR_OK) {
			db_reset(stmt);
			return code;
		}
	}
	if (code == ERR_OK)
		*ret_n = n;
	return code;
}

/* Every row of a parent, from after 'name' or 'id'; fn gets a copy. */
static enum err_code
pages_each(struct store *store, const struct pager *pager, int64_t parent,
    enum err_code (*fn)(void *arg, const void *row), void *arg, struct err *err)
{
	char name[MODEL_NAME_MAX + 1] = "";
	char *rows = malloc(PAGE_ROWS * pager->copy_size);
	enum err_code code = ERR_OK;
	int64_t id = 0;
	size_t n = PAGE_ROWS;

	if (rows == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for rows", store->main.path);
	while (code == ERR_OK && n == PAGE_ROWS) {
		sqlite3_stmt *stmt;

		n = 0;
		code = db_query(&store->main, err, &stmt, pager->sql, "isii", parent, name, id,
		    (int64_t)PAGE_ROWS);
		if (code == ERR_OK)
			code = page_read(store, stmt, pager, rows, &n, err);
		for (size_t i = 0; i < n && code == ERR_OK; i++)
			code = fn(arg, rows + i * pager->copy_size);
		if (n > 0 && pager->name != NULL)
			snprintf(name, sizeof(name), "%s",
			    pager->name(rows + (n - 1) * pager->copy_size));
		if (n > 0 && pager->id != NULL)
			id = pager->id(rows + (n - 1) * pager->copy_size);
	}
	free(rows);
	return code;
}

/* -- the walks --------------------------------------------------------------------- */

/* Walks down to where the path leads, then over all below it. */
struct walk {
	struct store		*store;
	struct err		*err;
	const struct path	*want;		/* what limits the walk */
	struct path		 at;
	void			*arg;
	enum err_code		(*cluster)(void *arg, const struct cluster_row *row);
	enum err_code		(*service)(void *arg, const struct path *path,
				    const struct service_row *row);
	enum err_code		(*real)(void *arg, const struct store_real_view *view);
	enum err_code		(*job)(void *arg, const struct job_row *row);
	uint32_t		 cluster_id;
};

static bool
wanted(const char *want, const char *name)
{
	return want[0] == '\0' || strcmp(want, name) == 0;
}

static enum err_code
statistics_add(struct store *store, struct store_real_view *view, struct err *err)
{
	sqlite3_stmt *stmt;
	enum err_code code;

	if (store->stats.handle == NULL)
		return ERR_OK;
	code = db_query(&store->stats, err, &stmt, "SELECT " STATISTICS_COLUMNS
	    " FROM statistics AS t WHERE t.real_id = ?1", "i", (int64_t)view->row.id);
	if (code == ERR_OK)
		code = db_next(&store->stats, stmt, &view->has_statistics, err);
	if (code == ERR_OK && view->has_statistics) {
		code = store_read_statistics(stmt, 0, &view->statistics, err);
		db_reset(stmt);
	}
	return code;
}

static enum err_code
walk_real(void *arg, const void *row)
{
	const struct real_copy *copy = row;
	struct walk *walk = arg;
	struct store_real_view view = copy->view;
	enum err_code code;

	if (!wanted(walk->want->real, view.row.name))
		return ERR_OK;
	snprintf(walk->at.real, sizeof(walk->at.real), "%s", view.row.name);
	view.path = walk->at;
	view.cluster_id = walk->cluster_id;
	code = statistics_add(walk->store, &view, walk->err);
	return code == ERR_OK ? walk->real(walk->arg, &view) : code;
}

static enum err_code
walk_service(void *arg, const void *row)
{
	const struct service_copy *copy = row;
	struct walk *walk = arg;

	if (!wanted(walk->want->service, copy->row.name))
		return ERR_OK;
	snprintf(walk->at.service, sizeof(walk->at.service), "%s", copy->row.name);
	walk->at.real[0] = '\0';
	if (walk->service != NULL)
		return walk->service(walk->arg, &walk->at, &copy->row);
	return pages_each(walk->store, &reals, copy->row.id, walk_real, walk, walk->err);
}

static enum err_code
walk_cluster(void *arg, const void *row)
{
	const struct cluster_copy *copy = row;
	struct walk *walk = arg;

	if (!wanted(walk->want->cluster, copy->row.name))
		return ERR_OK;
	if (walk->cluster != NULL)
		return walk->cluster(walk->arg, &copy->row);
	snprintf(walk->at.cluster, sizeof(walk->at.cluster), "%s", copy->row.name);
	walk->cluster_id = copy->row.id;
	return pages_each(walk->store, &services, copy->row.id, walk_service, walk, walk->err);
}

static enum err_code
walk_all(struct walk *walk, const struct path *path)
{
	static const struct path all;
	uint32_t cluster_id, service_id, real_id;
	enum err_code code = ERR_OK;

	walk->want = path == NULL ? &all : path;
	if (path != NULL)
		code = store_find(walk->store, path, &cluster_id, &service_id, &real_id,
		    walk->err);
	return code != ERR_OK ? code :
	    pages_each(walk->store, &clusters, 0, walk_cluster, walk, walk->err);
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
walk_job(void *arg, const void *row)
{
	const struct job_walk *walk = arg;

	return walk->fn(walk->arg, &((const struct job_copy *)row)->row);
}

static enum err_code
job_read(struct store *store, uint32_t id, struct job_copy *ret, struct err *err)
{
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row;

	code = db_query(&store->main, err, &stmt, "SELECT " JOB_COLUMNS " FROM job AS j"
	    " WHERE j.id = ?1", "i", (int64_t)id);
	if (code == ERR_OK)
		code = db_next(&store->main, stmt, &row, err);
	if (code != ERR_OK)
		return code;
	if (!row)
		return err_set(err, ERR_NOT_FOUND, "job %u: does not exist", id);
	code = job_copy(stmt, ret, err);
	db_reset(stmt);
	return code;
}

enum err_code
store_each_job(struct store *store, uint32_t id,
    enum err_code (*fn)(void *arg, const struct job_row *row), void *arg, struct err *err)
{
	struct job_walk walk = { .arg = arg, .fn = fn };
	struct job_copy copy;
	enum err_code code;

	if (id == 0)
		return pages_each(store, &jobs, 0, walk_job, &walk, err);
	code = job_read(store, id, &copy, err);
	return code == ERR_OK ? fn(arg, &copy.row) : code;
}
