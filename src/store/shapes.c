/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Rows of the two files into structs, and what is none. Not every file has our
 * constraints or kept to them: others write with plain SQL, may turn the checks off,
 * and mend files by hand. A row that breaks a rule of the schema is damage, and named;
 * nobody above has to expect it.
 */
#include "store/shapes.h"
#include "store/store_private.h"

#include <string.h>

/* What a column may be; the bounds are of a number, or of the octets of a text. */
struct rule {
	enum { RULE_NUMBER, RULE_NUMBER_OR_NULL, RULE_TEXT, RULE_NAME } kind;
	int64_t min, max;
};

#define ID { RULE_NUMBER, 1, MODEL_ID_MAX }
#define NAME { RULE_NAME, 1, MODEL_NAME_MAX }
#define TEXT(most) { RULE_TEXT, 0, most }
#define NUMBER(least, most) { RULE_NUMBER, least, most }
#define ANY { RULE_NUMBER, INT64_MIN, INT64_MAX }
#define OPTIONAL(most) { RULE_NUMBER_OR_NULL, 0, most }

enum { PLANE_MAX = 32, PARAMS_MAX = 2000, INTERVAL_MAX_MS = 86400000 };

#define TIME_MAX 253402300799	/* the end of the year 9999 */

static const struct rule removed_rules[] = { NUMBER(STORE_CLUSTER, STORE_STATISTICS), ID };

static const struct rule cluster_rules[] = {
	ID, NAME, TEXT(PLANE_MAX), TEXT(PARAMS_MAX),
	NUMBER(PLANE_STATUS_NONE, PLANE_STATUS_FAILING), TEXT(MODEL_MESSAGE_MAX),
};

static const struct rule service_rules[] = {
	ID, ID, NAME, TEXT(MODEL_ADDRESS_MAX), TEXT(MODEL_PORT_TEXT_MAX),
	NUMBER(PROTOCOL_OTHER, PROTOCOL_SCTP),
};

static const struct rule real_rules[] = {
	ID, ID, NAME, TEXT(MODEL_ADDRESS_MAX), TEXT(MODEL_PORT_TEXT_MAX),
	NUMBER(0, MODEL_WEIGHT_MAX), NUMBER(0, 1), NUMBER(0, 1), TEXT(MODEL_MESSAGE_MAX), ANY,
	NUMBER(0, MODEL_ID_MAX),
};

static const struct rule job_rules[] = {
	ID, OPTIONAL(MODEL_ID_MAX), NUMBER(JOB_ENABLE, JOB_SET_WEIGHT),
	NUMBER(JOB_HELD, JOB_SUPERSEDED), NUMBER(JOB_CAUSE_NONE, JOB_CAUSE_OTHER),
	NUMBER(JOB_SOURCE_OTHER, JOB_SOURCE_CLI), NUMBER(0, MODEL_WEIGHT_MAX),
	NUMBER(0, MODEL_WEIGHT_MAX), NUMBER(0, MODEL_ID_MAX), ANY, ANY, ANY, NAME, NAME, NAME,
	TEXT(MODEL_MESSAGE_MAX),
};

/* The numbers come after these. */
static const struct rule statistics_rules[] = {
	ID, OPTIONAL(1), NUMBER(ROLE_MEMBER, ROLES - 1), NUMBER(0, INT64_MAX),
	NUMBER(0, INT64_MAX),
};

static const struct rule look_rules[] = {
	ID, NUMBER(0, TIME_MAX), NUMBER(1, INTERVAL_MAX_MS),
};

static bool
keeps(sqlite3_stmt *stmt, int column, const struct rule *rule)
{
	int type = sqlite3_column_type(stmt, column);
	int64_t measure;

	if (rule->kind == RULE_NUMBER_OR_NULL && type == SQLITE_NULL)
		return true;
	if (rule->kind == RULE_TEXT || rule->kind == RULE_NAME) {
		if (type != SQLITE_TEXT)
			return false;
		measure = sqlite3_column_bytes(stmt, column);
	} else {
		if (type != SQLITE_INTEGER)
			return false;
		measure = sqlite3_column_int64(stmt, column);
	}
	return measure >= rule->min && measure <= rule->max && (rule->kind != RULE_NAME ||
	    (model_name_valid(db_text(stmt, column)) &&
	    strlen(db_text(stmt, column)) == (size_t)measure));
}

static enum err_code
damaged(sqlite3_stmt *stmt, int first, int column, const char *table, struct err *err)
{
	const char *file = sqlite3_db_filename(sqlite3_db_handle(stmt), "main");

	/* What is in memory is a copy of that one: store_snapshot(). */
	if (file == NULL || file[0] == '\0')
		file = db_main_kind.file;
	return err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (%s of row %lld of table %s)", file,
	    sqlite3_column_name(stmt, column), (long long)sqlite3_column_int64(stmt, first),
	    table);
}

static enum err_code
check(sqlite3_stmt *stmt, int first, const struct rule *rules, size_t n, const char *table,
    struct err *err)
{
	for (int i = 0; i < (int)n; i++)
		if (!keeps(stmt, first + i, &rules[i]))
			return damaged(stmt, first, first + i, table, err);
	return ERR_OK;
}

#define CHECK(rules, table)                                                    \
	check(stmt, first, rules, sizeof(rules) / sizeof((rules)[0]), table, err)

enum err_code
store_read_removed(sqlite3_stmt *stmt, int first, enum store_kind *ret_kind, uint32_t *ret_id,
    struct err *err)
{
	enum err_code code = CHECK(removed_rules, "removed");

	if (code != ERR_OK)
		return code;
	*ret_kind = (enum store_kind)sqlite3_column_int(stmt, first);
	*ret_id = (uint32_t)sqlite3_column_int64(stmt, first + 1);
	return ERR_OK;
}

enum err_code
store_read_cluster(sqlite3_stmt *stmt, int first, struct cluster_row *ret, struct err *err)
{
	enum err_code code = CHECK(cluster_rules, "cluster");

	if (code != ERR_OK)
		return code;
	ret->id = (uint32_t)sqlite3_column_int64(stmt, first);
	ret->name = db_text(stmt, first + 1);
	ret->plane = db_text(stmt, first + 2);
	ret->plane_params = db_text(stmt, first + 3);
	ret->plane_status = (enum plane_status)sqlite3_column_int(stmt, first + 4);
	ret->plane_message = db_text(stmt, first + 5);
	return ERR_OK;
}

enum err_code
store_read_service(sqlite3_stmt *stmt, int first, struct service_row *ret, struct err *err)
{
	enum err_code code = CHECK(service_rules, "service");

	if (code != ERR_OK)
		return code;
	ret->id = (uint32_t)sqlite3_column_int64(stmt, first);
	ret->cluster_id = (uint32_t)sqlite3_column_int64(stmt, first + 1);
	ret->name = db_text(stmt, first + 2);
	ret->address = db_text(stmt, first + 3);
	ret->port = db_text(stmt, first + 4);
	ret->protocol = (enum protocol)sqlite3_column_int(stmt, first + 5);
	return ERR_OK;
}

enum err_code
store_read_real(sqlite3_stmt *stmt, int first, struct real_row *ret, struct err *err)
{
	enum err_code code = CHECK(real_rules, "real_service");

	if (code != ERR_OK)
		return code;
	ret->id = (uint32_t)sqlite3_column_int64(stmt, first);
	ret->service_id = (uint32_t)sqlite3_column_int64(stmt, first + 1);
	ret->name = db_text(stmt, first + 2);
	ret->address = db_text(stmt, first + 3);
	ret->port = db_text(stmt, first + 4);
	ret->weight = (uint16_t)sqlite3_column_int(stmt, first + 5);
	ret->fallback = sqlite3_column_int(stmt, first + 6) != 0;
	ret->enabled = sqlite3_column_int(stmt, first + 7) != 0;
	ret->reason = db_text(stmt, first + 8);
	ret->last_change = sqlite3_column_int64(stmt, first + 9);
	ret->last_job = (uint32_t)sqlite3_column_int64(stmt, first + 10);
	return ERR_OK;
}

enum err_code
store_read_job(sqlite3_stmt *stmt, int first, struct job_row *ret, struct err *err)
{
	enum err_code code = CHECK(job_rules, "job");

	if (code != ERR_OK)
		return code;
	ret->id = (uint32_t)sqlite3_column_int64(stmt, first);
	ret->real_id = (uint32_t)sqlite3_column_int64(stmt, first + 1);
	ret->operation = (enum job_operation)sqlite3_column_int(stmt, first + 2);
	ret->state = (enum job_state)sqlite3_column_int(stmt, first + 3);
	ret->cause = (enum job_fail_cause)sqlite3_column_int(stmt, first + 4);
	ret->source = (enum job_source)sqlite3_column_int(stmt, first + 5);
	ret->old_value = (uint32_t)sqlite3_column_int64(stmt, first + 6);
	ret->new_value = (uint32_t)sqlite3_column_int64(stmt, first + 7);
	ret->request = (uint32_t)sqlite3_column_int64(stmt, first + 8);
	ret->created = sqlite3_column_int64(stmt, first + 9);
	ret->started = sqlite3_column_int64(stmt, first + 10);
	ret->finished = sqlite3_column_int64(stmt, first + 11);
	ret->cluster = db_text(stmt, first + 12);
	ret->service = db_text(stmt, first + 13);
	ret->real = db_text(stmt, first + 14);
	ret->message = db_text(stmt, first + 15);
	return ERR_OK;
}

enum err_code
store_read_statistics(sqlite3_stmt *stmt, int first, struct statistics *ret, struct err *err)
{
	static const struct rule rule = OPTIONAL(INT64_MAX);
	enum err_code code = CHECK(statistics_rules, "statistics");

	if (code != ERR_OK)
		return code;
	memset(ret, 0, sizeof(*ret));
	ret->real_id = (uint32_t)sqlite3_column_int64(stmt, first);
	if (sqlite3_column_type(stmt, first + 1) != SQLITE_NULL) {
		ret->active = sqlite3_column_int(stmt, first + 1) != 0;
		ret->present |= STAT_PRESENT_ACTIVE;
	}
	ret->role = (enum real_role)sqlite3_column_int(stmt, first + 2);
	ret->last_update = sqlite3_column_int64(stmt, first + 3);
	ret->counters_since = sqlite3_column_int64(stmt, first + 4);
	for (int i = 0; i < STAT_NUMBERS; i++) {
		int column = first + 5 + i;

		if (!keeps(stmt, column, &rule))
			return damaged(stmt, first, column, "statistics", err);
		if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
			continue;
		ret->number[i] = (uint64_t)sqlite3_column_int64(stmt, column);
		ret->present |= 1u << i;
	}
	return ERR_OK;
}

enum err_code
store_read_look(sqlite3_stmt *stmt, int first, struct driver_poll *ret, struct err *err)
{
	enum err_code code = CHECK(look_rules, "look");

	if (code != ERR_OK)
		return code;
	ret->cluster_id = (uint32_t)sqlite3_column_int64(stmt, first);
	ret->time = sqlite3_column_int64(stmt, first + 1);
	ret->interval_ms = (uint32_t)sqlite3_column_int64(stmt, first + 2);
	return ERR_OK;
}
