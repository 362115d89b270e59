/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The content of a store as text; see picture.h.
 */
#include "picture.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- the files ------------------------------------------------------------------------ */

static const char *const file_names[] = { "lbcluster.db", "lbcluster-stats.db",
	"lbcluster.db-journal", "lbcluster-stats.db.lock", "lbcluster-stats.db-wal",
	"lbcluster-stats.db-shm", "lbcluster-stats.db-journal",
	"lbcluster.undo-5" };	/* of SET_TOKEN */

enum { FILES_KEPT = 3 };	/* the first ones are a complete store */

static struct bytes files[FILES_KEPT];

static const char *
file_path(const struct fixture *f, const char *name)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

void
files_clear(const struct fixture *f, bool strict)
{
	struct dirent *entry;
	DIR *dir = opendir(f->dir);

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		bool known = entry->d_name[0] == '.';

		for (size_t i = 0; i < COUNT(file_names); i++)
			known |= strcmp(entry->d_name, file_names[i]) == 0;
		if (strict && !known)
			fail_msg("%s: unexpected file after the operation", entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(file_path(f, entry->d_name));
	}
	closedir(dir);
}

void
files_forget(void)
{
	for (size_t i = 0; i < FILES_KEPT; i++) {
		free(files[i].data);
		files[i].data = NULL;
	}
}

void
files_keep(const struct fixture *f)
{
	files_forget();
	for (size_t i = 0; i < FILES_KEPT; i++)
		if (file_exists(file_path(f, file_names[i])))
			files[i] = file_bytes(file_path(f, file_names[i]));
}

void
files_restore(const struct fixture *f, bool strict)
{
	files_clear(f, strict);
	for (size_t i = 0; i < FILES_KEPT; i++)
		if (files[i].data != NULL)
			file_bytes_write(file_path(f, file_names[i]), files[i].data, files[i].n);
}

/* -- what is stored -------------------------------------------------------------------- */

static const char main_sql[] =
    "SELECT (SELECT user_version FROM pragma_user_version) || (SELECT json_group_array(sql)"
    " FROM sqlite_schema) || (SELECT json_group_array(json_array(id, name, plane,"
    " plane_params, plane_status, plane_message)) FROM cluster) || (SELECT"
    " json_group_array(json_array(id, cluster_id, name, address, port, params, protocol,"
    " enabled)) FROM service) || (SELECT json_group_array(json_array(id, service_id, name, address,"
    " port,"
    " params, weight, fallback, enabled, server_id, reason, last_job)) FROM real_service) ||"
    " (SELECT json_group_array(json_array(id, cluster_id, name)) FROM server) || (SELECT"
    " json_group_array(json_array(id, real_id, service_id, operation, state, fail_cause, source,"
    " old_value, new_value, request, started > 0, finished > 0, message)) FROM job) ||"
    " (SELECT json_group_array(json_array(name, value)) FROM setting) || (SELECT"
    " json_group_array(json_array(token, name, value)) FROM held_setting) || (SELECT"
    " json_array(config_changes, job_rows, jobs_open, jobs_succeeded, jobs_failed,"
    " jobs_bumped) FROM store)";

static const char settings_sql[] =
    "SELECT (SELECT json_group_array(json_array(id, weight, fallback, enabled)) FROM"
    " real_service) || (SELECT json_group_array(json_array(id, enabled)) FROM service) ||"
    " (SELECT json_group_array(json_array(name, value)) FROM setting) ||"
    " (SELECT count(*) FROM job WHERE state IN (0, 2))";

static const char stats_sql[] =
    "SELECT (SELECT json_group_array(json_array(real_id, active)) FROM statistics)";

static void
query(sqlite3 *handle, const char *sql, char *to, size_t size)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) == SQLITE_OK) {
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		snprintf(to, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
	} else {
		snprintf(to, size, "%s", sqlite3_errmsg(handle));
	}
	sqlite3_finalize(stmt);
}

static sqlite3 *
whole_file_open(const char *path)
{
	sqlite3 *handle = NULL;
	char result[200];

	assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
	sqlite3_busy_timeout(handle, LONG_WAIT_MS);
	query(handle, "PRAGMA integrity_check", result, sizeof(result));
	assert_string_equal(result, "ok");
	return handle;
}

void
picture_take(const struct fixture *f, struct picture *ret)
{
	sqlite3 *handle;

	memset(ret, 0, sizeof(*ret));
	if (file_exists(f->main_path)) {
		handle = whole_file_open(f->main_path);
		query(handle, main_sql, ret->all, sizeof(ret->all));
		query(handle, settings_sql, ret->settings, sizeof(ret->settings));
		sqlite3_close(handle);
	}
	if (file_exists(f->stats_path)) {
		handle = whole_file_open(f->stats_path);
		query(handle, stats_sql, ret->statistics, sizeof(ret->statistics));
		sqlite3_close(handle);
	}
}
