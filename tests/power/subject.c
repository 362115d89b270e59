/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A store and its promises; see subject.h.
 */
#include "subject.h"

#include "unit/store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* -- the content of a file as a number ------------------------------------------------ */

/* FNV-1a. */
static uint64_t
hash_bytes(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
	return hash;
}

/* Hashes all rows of a query, without the column "birth", which is random. */
static int
hash_query(sqlite3 *db, const char *sql, uint64_t *hash)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const void *text = sqlite3_column_text(stmt, i);
			int type = sqlite3_column_type(stmt, i);

			if (strcmp(sqlite3_column_name(stmt, i), "birth") == 0)
				continue;
			*hash = hash_bytes(*hash, &type, sizeof(type));
			if (text != NULL)
				*hash = hash_bytes(*hash, text,
				    (size_t)sqlite3_column_bytes(stmt, i) + 1);
		}
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
hash_tables(sqlite3 *db, uint64_t *hash)
{
	sqlite3_stmt *stmt;
	char sql[200];
	int rc, row = SQLITE_DONE;

	rc = sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table'"
	    " ORDER BY name", -1, &stmt, NULL);
	while (rc == SQLITE_OK && (row = sqlite3_step(stmt)) == SQLITE_ROW) {
		snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1",
		    (const char *)sqlite3_column_text(stmt, 0));
		*hash = hash_bytes(*hash, sql, strlen(sql));
		rc = hash_query(db, sql, hash);
	}
	sqlite3_finalize(stmt);
	return rc != SQLITE_OK || row == SQLITE_DONE ? rc : row;
}

static bool
fails(char message[MESSAGE_SIZE], const char *object, const char *problem)
{
	snprintf(message, MESSAGE_SIZE, "%s: %s", object, problem);
	return false;
}

/* The schema and all rows of a file; false with a message. */
static bool
digest(const char *path, uint64_t *ret, char message[MESSAGE_SIZE])
{
	sqlite3 *db;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);

	*ret = UINT64_C(14695981039346656037);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = hash_query(db, "SELECT *, (SELECT user_version FROM pragma_user_version)"
		    " FROM pragma_application_id", ret);
	if (rc == SQLITE_OK)
		rc = hash_query(db, "SELECT type, name, tbl_name, sql FROM sqlite_schema"
		    " ORDER BY name", ret);
	if (rc == SQLITE_OK)
		rc = hash_tables(db, ret);
	if (rc != SQLITE_OK)
		fails(message, path, sqlite3_errmsg(db));
	sqlite3_close(db);
	return rc == SQLITE_OK;
}

/* -- the store ------------------------------------------------------------------------ */

void
subject_start(struct subject *subject, const char *root)
{
	memset(subject, 0, sizeof(*subject));
	snprintf(subject->root, sizeof(subject->root), "%s", root);
	snprintf(subject->dir, sizeof(subject->dir), "%.*s/store", PATH_SIZE - 8, root);
	snprintf(subject->main_path, sizeof(subject->main_path), "%s/lbcluster.db", subject->dir);
	snprintf(subject->stats_path, sizeof(subject->stats_path), "%s/lbcluster-stats.db",
	    subject->dir);
}

void
subject_open(struct subject *subject)
{
	if (store_open(subject->dir, STORE_CREATE, WAIT_MS, &subject->store, &subject->err) !=
	    ERR_OK)
		fail_msg("%s", subject->err.text);
}

void
subject_close(struct subject *subject)
{
	store_close(subject->store);
	subject->store = NULL;
}

static uint64_t
digest_now(const char *path)
{
	char message[MESSAGE_SIZE];
	uint64_t ret = 0;

	if (access(path, F_OK) == -1)
		return 0;
	record_pause(true);
	if (!digest(path, &ret, message))
		fail_msg("%s", message);
	record_pause(false);
	return ret;
}

void
subject_ready(struct subject *subject)
{
	subject->n_steps = 0;
	subject->steps[0].main = digest_now(subject->main_path);
	if (!subject->damaged_statistics)
		subject->steps[0].stats = digest_now(subject->stats_path);
}

void
subject_step_begin(struct subject *subject)
{
	assert_true(subject->n_steps + 1 < STEPS_MAX);
	subject->n_steps++;
	record_mark(OP_BEGUN);
}

void
subject_step_done(struct subject *subject)
{
	record_mark(OP_DONE);
	subject->steps[subject->n_steps].main = digest_now(subject->main_path);
	subject->steps[subject->n_steps].stats = digest_now(subject->stats_path);
}

void
subject_promise(struct subject *subject, const char *format, ...)
{
	va_list ap;

	assert_true(subject->n_promises < PROMISES_MAX);
	subject->promises[subject->n_promises].step = subject->n_steps;
	va_start(ap, format);
	vsnprintf(subject->promises[subject->n_promises++].sql, SQL_SIZE, format, ap);
	va_end(ap);
}

/* -- after a cut ---------------------------------------------------------------------- */

/* lbcluster.db has the content of the last acknowledged step or of the one under way. The
 * statistics may be older. */
static bool
content_check(const struct subject *subject, size_t begun, size_t done,
    char message[MESSAGE_SIZE])
{
	uint64_t now;
	size_t i = 0;

	if (!digest(subject->main_path, &now, message))
		return false;
	if (now != subject->steps[done].main && now != subject->steps[begun].main)
		return fails(message, subject->main_path, "not the content of the last step");
	if (!digest(subject->stats_path, &now, message))
		return false;
	while (i <= begun && now != subject->steps[i].stats)
		i++;
	return i <= begun || fails(message, subject->stats_path, "not the content of any step");
}

/* Undoes the SETs that are noted and releases the other held ones, as lbclusterd does when
 * it starts. */
static enum err_code
held_jobs_end(struct store *store, struct err *err)
{
	enum err_code code;
	size_t n;

	if ((code = store_undo_noted(store, &n, err)) != ERR_OK)
		return code;
	store_set_release(store, 0);
	return store_flush(store, err);
}

static enum err_code
weight_set(struct store *store, uint32_t real_id, struct err *err)
{
	const struct change change = { real_id, REAL_WEIGHT, 7 };
	const struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_SNMP, .token = 99 };
	struct verdict verdict;
	uint32_t job;
	size_t n;

	return store_set(store, &set, STORE_SET_NOW, &verdict, &job, &n, err);
}

static bool
promises_check(const struct subject *subject, size_t done, char message[MESSAGE_SIZE])
{
	for (size_t i = 0; i < subject->n_promises; i++)
		if (subject->promises[i].step <= done &&
		    sql_number(subject->main_path, subject->promises[i].sql) != 1)
			return fails(message, "broken promise", subject->promises[i].sql);
	return true;
}

static bool
started_check(const struct subject *subject, struct store *store, size_t begun, size_t done,
    char message[MESSAGE_SIZE])
{
	static const char sound[] = "SELECT count(*) = 1 AND max(integrity_check) = 'ok'"
	    " FROM pragma_integrity_check";
	char aside[PATH_SIZE + 48];
	struct err err;
	int64_t real;

	snprintf(aside, sizeof(aside), "%s.ill", subject->stats_path);
	if (!subject->damaged_statistics && access(aside, F_OK) == 0)
		return fails(message, aside, "the statistics were damaged");
	if (!subject->migrates && !content_check(subject, begun, done, message))
		return false;
	if (held_jobs_end(store, &err) != ERR_OK)
		return fails(message, "start", err.text);
	if (!promises_check(subject, done, message))
		return false;
	if (sql_number(subject->main_path, "SELECT count(*) FROM job WHERE state = 0") != 0)
		return fails(message, subject->main_path, "a job is held after the start");
	real = sql_number(subject->main_path, "SELECT max(id) FROM real_service"
	    " WHERE weight <> 7");
	if (real != 0 && weight_set(store, (uint32_t)real, &err) != ERR_OK)
		return fails(message, "SET after the start", err.text);
	if (sql_number(subject->main_path, sound) != 1)
		return fails(message, subject->main_path, "integrity_check fails");
	return sql_number(subject->stats_path, sound) == 1 ||
	    fails(message, subject->stats_path, "integrity_check fails");
}

bool
subject_check(const struct subject *subject, size_t begun, size_t done,
    char message[MESSAGE_SIZE])
{
	struct store *store;
	struct err err;
	bool good;

	if (done > 0 && access(subject->main_path, F_OK) == -1)
		return fails(message, subject->main_path, "missing");
	if (subject->migrates && !content_check(subject, begun, done, message))
		return false;
	if (store_open(subject->dir, STORE_CREATE, WAIT_MS, &store, &err) != ERR_OK)
		return fails(message, "open", err.text);
	good = started_check(subject, store, begun, done, message);
	store_close(store);
	return good;
}
