/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A store and its promises; see scene.h.
 */
#include "scene.h"

#include "unit/store_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* -- pictures -------------------------------------------------------------- */

static uint64_t
row_hash(uint64_t hash, sqlite3_stmt *stmt)
{
	for (int i = 0; i < sqlite3_column_count(stmt); i++) {
		const void *text;
		int type;

		/* When a file was made is its own, at random. */
		if (strcmp(sqlite3_column_name(stmt, i), "birth") == 0)
			continue;
		type = sqlite3_column_type(stmt, i);
		hash = hash_more(hash, &type, sizeof(type));
		text = sqlite3_column_text(stmt, i);
		if (text != NULL)
			hash = hash_more(hash, text, (size_t)sqlite3_column_bytes(stmt, i) + 1);
	}
	return hash;
}

static int
rows_hash(sqlite3 *db, const char *sql, uint64_t *hash)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*hash = row_hash(*hash, stmt);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
tables_hash(sqlite3 *db, uint64_t *hash)
{
	sqlite3_stmt *stmt;
	char sql[200];
	int rc, row;

	rc = sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table'"
	    " ORDER BY name", -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return rc;
	while ((row = sqlite3_step(stmt)) == SQLITE_ROW && rc == SQLITE_OK) {
		snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1",
		    (const char *)sqlite3_column_text(stmt, 0));
		*hash = hash_more(*hash, sql, strlen(sql));
		rc = rows_hash(db, sql, hash);
	}
	sqlite3_finalize(stmt);
	return rc != SQLITE_OK || row == SQLITE_DONE ? rc : row;
}

/* Always false. */
static bool
raw_failed(struct raw *raw, const char *what)
{
	snprintf(raw->words, sizeof(raw->words), "%s: %s", what, sqlite3_errmsg(raw->db));
	return false;
}

bool
raw_open(struct raw *raw, const char *path)
{
	raw->db = NULL;
	return sqlite3_open_v2(path, &raw->db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK ||
	    raw_failed(raw, path);
}

void
raw_close(struct raw *raw)
{
	sqlite3_close(raw->db);
}

bool
raw_picture(struct raw *raw, uint64_t *ret)
{
	static const char *const first[] = { "PRAGMA application_id", "PRAGMA user_version",
		"SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name" };
	uint64_t hash = HASH_START;
	/* One transaction, so that it is of one moment. */
	int rc = sqlite3_exec(raw->db, "BEGIN", NULL, NULL, NULL);

	for (size_t i = 0; i < COUNT(first) && rc == SQLITE_OK; i++)
		rc = rows_hash(raw->db, first[i], &hash);
	if (rc == SQLITE_OK)
		rc = tables_hash(raw->db, &hash);
	if (rc != SQLITE_OK)
		return raw_failed(raw, "reading all");
	sqlite3_exec(raw->db, "COMMIT", NULL, NULL, NULL);
	*ret = hash;
	return true;
}

bool
raw_number(struct raw *raw, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(raw->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	*ret = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE || raw_failed(raw, sql);
}

/* -- the store ------------------------------------------------------------- */

void
scene_start(struct scene *scene, const char *root)
{
	memset(scene, 0, sizeof(*scene));
	snprintf(scene->root, sizeof(scene->root), "%s", root);
	snprintf(scene->dir, sizeof(scene->dir), "%.*s/store", PATH_SIZE - 8, root);
	snprintf(scene->main_path, sizeof(scene->main_path), "%s/lbcluster.db", scene->dir);
	snprintf(scene->stats_path, sizeof(scene->stats_path), "%s/lbcluster-stats.db",
	    scene->dir);
}

void
scene_open(struct scene *scene)
{
	if (store_open(scene->dir, STORE_CREATE, WAIT_MS, &scene->store, &scene->err) != ERR_OK)
		fail_msg("%s", scene->err.text);
}

void
scene_close(struct scene *scene)
{
	store_close(scene->store);
	scene->store = NULL;
}

/* -- steps ----------------------------------------------------------------- */

static uint64_t
picture_must(const char *path)
{
	uint64_t picture = 0;
	struct raw raw;

	if (access(path, F_OK) == -1)
		return 0;
	tape_pause(true);
	if (!raw_open(&raw, path) || !raw_picture(&raw, &picture))
		fail_msg("%s", raw.words);
	raw_close(&raw);
	tape_pause(false);
	return picture;
}

void
scene_first(struct scene *scene)
{
	scene->steps[0].main = picture_must(scene->main_path);
	if (!scene->ill_statistics)
		scene->steps[0].stats = picture_must(scene->stats_path);
}

void
scene_begin(struct scene *scene)
{
	assert_true(scene->n_steps + 1 < STEPS_MAX);
	scene->n_steps++;
	tape_mark(OP_BEGUN);
}

void
scene_done(struct scene *scene)
{
	struct step *step = &scene->steps[scene->n_steps];

	tape_mark(OP_DONE);
	step->main = picture_must(scene->main_path);
	step->stats = picture_must(scene->stats_path);
}

void
scene_promise(struct scene *scene, const char *format, ...)
{
	struct promise *promise = &scene->promises[scene->n_promises++];
	va_list ap;

	assert_true(scene->n_promises <= PROMISES_MAX);
	promise->step = scene->n_steps;
	va_start(ap, format);
	vsnprintf(promise->sql, sizeof(promise->sql), format, ap);
	va_end(ap);
}
