/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Statements: prepared at their first use in a session, in one round trip with that use. Parameters
 * are sent as texts, and the server infers their types. All rows of an answer arrive at once.
 */
#include "store/postgres/postgres_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

#define RETURNING " RETURNING id"

enum {
	PARAMETERS_MAX = SHAPE_COLUMNS_MAX + 1, NUMBER_SIZE = 24, NAME_SIZE = 16,
	SQL_NUMBERED_SIZE = SQL_TEXT_SIZE + 512,
};

/* Numbers of types: src/include/catalog/pg_type.dat of PostgreSQL. */
enum {
	OID_BOOL = 16, OID_NAME = 19, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25,
	OID_UNKNOWN = 705, OID_VARCHAR = 1043, OID_NUMERIC = 1700,
};

struct postgres_statement {
	struct db_statement	 statement;
	char			 name[NAME_SIZE];
	size_t			 n_parameters;
	size_t			 value_of[PARAMETERS_MAX];	/* [k-1]: N-1 of ?N, $k */
	PGresult		*result;			/* NULL: reset */
	int			 row;				/* the next one */
	size_t			 room;				/* of 'values' */
	struct db_value		*values;
};

/* The highest id that was ever given to a row of 'table'. */
#define LAST_ID(table)                                                         \
	{ table "_last_id",                                                    \
	    "(SELECT last_value - (NOT is_called)::integer FROM " table "_id_seq)" }

const struct sql_word postgres_dialect[] = {
	LAST_ID("cluster"), LAST_ID("service"), LAST_ID("server"), LAST_ID("real_service"),
	{ "job_last_id", "job_last_id" },
	{ "owner_has_ended", "NOT EXISTS (SELECT FROM pg_locks AS l WHERE l.locktype = 'advisory'"
	    " AND l.objsubid = 1 AND l.granted AND l.database = (SELECT d.oid FROM pg_database AS d"
	    " WHERE d.datname = current_database()) AND l.classid::bigint << 32"
	    " | l.objid::bigint = " POSTGRES_INSTANCE_KEY("owner") ")" },
	{ NULL, NULL },
};

static struct postgres_statement *
postgres_of(struct db_statement *statement)
{
	return (struct postgres_statement *)(void *)statement;
}

static enum err_code
no_memory(const struct db *db, struct err *err)
{
	return err_set(err, ERR_NOMEM, "%s: out of memory", db->path);
}

void
postgres_statements_free(struct db_state *state)
{
	for (size_t i = 0; i < SQL_STATEMENTS; i++) {
		struct postgres_statement *statement = state->statements[i];

		if (statement == NULL)
			continue;
		PQclear(statement->result);
		free(statement->values);
		free(statement);
		state->statements[i] = NULL;
	}
}

/* -- preparing ------------------------------------------------------------------------------ */

/* Writes $1, $2 ... for ?N. A text may use ?2 without ?1, which PostgreSQL refuses, so parameters
 * get numbers in the order in which they appear. Returns the length. */
static size_t
parameters_number(const char *text, struct postgres_statement *statement, char *ret, size_t size)
{
	size_t n = 0, k;
	char *end;

	for (; *text != '\0' && n + NUMBER_SIZE < size; text++) {
		if (*text != '?' || !isdigit((unsigned char)text[1])) {
			ret[n++] = *text;
			continue;
		}
		size_t value = strtoul(text + 1, &end, 10) - 1;

		for (k = 0; k < statement->n_parameters && statement->value_of[k] != value; k++)
			;
		if (k == statement->n_parameters && k < PARAMETERS_MAX)
			statement->value_of[statement->n_parameters++] = value;
		n += (size_t)snprintf(ret + n, size - n, "$%zu", k + 1);
		text = end - 1;
	}
	ret[n] = '\0';
	return n;
}

/* Queues the Parse of a statement. Its answer comes with that of the next query. */
static enum err_code
statement_prepare(struct db *db, unsigned int sql, const char *returning, struct err *err)
{
	struct postgres_statement *statement = db->state->statements[sql];
	char text[SQL_TEXT_SIZE], numbered[SQL_NUMBERED_SIZE + sizeof(RETURNING)];
	enum err_code code;
	size_t n;

	if (statement == NULL && (statement = calloc(1, sizeof(*statement))) == NULL)
		return no_memory(db, err);
	db->state->statements[sql] = statement;
	statement->statement.engine = db->engine;
	statement->statement.path = db->path;
	statement->n_parameters = 0;
	snprintf(statement->name, sizeof(statement->name), "s%u", sql);
	sql_build(sql, postgres_dialect, text);
	n = parameters_number(text, statement, numbered, SQL_NUMBERED_SIZE);
	snprintf(numbered + n, sizeof(numbered) - n, "%s", returning);
	if ((code = postgres_queue_begin(db, err)) != ERR_OK ||
	    (code = postgres_queue_add(db, PQsendPrepare(db->state->connection, statement->name,
	    numbered, 0, NULL), err)) != ERR_OK)
		return code;
	db->state->prepared[sql].sent = true;
	db->state->prepared[sql].queued_at = db->state->queued;
	return ERR_OK;
}

/* -- parameters ------------------------------------------------------------------------------ */

/* Texts of parameters; 'copies' are to be freed. */
struct parameters {
	const char	*texts[PARAMETERS_MAX];
	char		*copies[PARAMETERS_MAX];
	char		 numbers[PARAMETERS_MAX][NUMBER_SIZE];
};

static bool
parameter_write(struct parameters *ret, size_t k, const struct db_value *value)
{
	if (value->type == DB_INTEGER) {
		snprintf(ret->numbers[k], NUMBER_SIZE, "%" PRId64, value->number);
		ret->texts[k] = ret->numbers[k];
	} else if (value->type == DB_TEXT) {
		/* PostgreSQL refuses bytes that are not UTF-8: SQLSTATE 22021. */
		if ((ret->copies[k] = postgres_utf8_copy(value->text)) == NULL)
			return false;
		ret->texts[k] = ret->copies[k];
	}
	return true;
}

/* Sends the statement with its parameters. Returns the result of PQsendQueryPrepared(). */
static int
statement_send(struct db *db, const struct postgres_statement *statement,
    const struct db_value *values, size_t n)
{
	const struct db_value none = { .type = DB_NULL };
	struct parameters parameters = { .texts = { NULL } };
	bool ok = true;
	int sent = 0;

	for (size_t k = 0; k < statement->n_parameters; k++) {
		size_t of = statement->value_of[k];

		ok = parameter_write(&parameters, k, of < n ? &values[of] : &none) && ok;
	}
	if (ok)
		sent = PQsendQueryPrepared(db->state->connection, statement->name,
		    (int)statement->n_parameters, parameters.texts, NULL, NULL, 0);
	for (size_t k = 0; k < PARAMETERS_MAX; k++)
		free(parameters.copies[k]);
	return sent;
}

/* -- rows ----------------------------------------------------------------------------------- */

static void
value_read(const PGresult *result, int row, int column, struct db_value *ret)
{
	const char *text = PQgetvalue(result, row, column);

	*ret = (struct db_value){ .type = DB_NULL, .text = "" };
	if (PQgetisnull(result, row, column))
		return;
	switch (PQftype(result, column)) {
	case OID_BOOL:
		ret->type = DB_INTEGER;
		ret->number = text[0] == 't';
		break;
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
	case OID_NUMERIC:
		ret->type = DB_INTEGER;
		ret->number = strtoll(text, NULL, 10);
		break;
	case OID_TEXT:
	case OID_VARCHAR:
	case OID_NAME:
	case OID_UNKNOWN:
		ret->type = DB_TEXT;
		ret->text = text;
		ret->number = PQgetlength(result, row, column);
		break;
	default:
		ret->type = DB_OTHER;
		ret->text = text;
		break;
	}
}

/* Prepares a statement at its first use in the session. */
static enum err_code
statement_find(struct db *db, unsigned int sql, const char *returning,
    struct postgres_statement **ret, struct err *err)
{
	struct db_state *state = db->state;
	enum err_code code = ERR_OK;

	if (!state->prepared[sql].sent)
		code = statement_prepare(db, sql, returning, err);
	*ret = state->statements[sql];
	return code;
}

static enum err_code
statement_run(struct db *db, unsigned int sql, const char *returning,
    const struct db_value *values, size_t n, struct postgres_statement **ret, struct err *err)
{
	struct db_state *state = db->state;
	struct postgres_statement *statement;
	enum err_code code;
	const char *changed;
	size_t columns;

	if ((code = statement_find(db, sql, returning, &statement, err)) != ERR_OK)
		return code;
	if (state->queued == 0 && (code = postgres_exchange_begin(db, err)) != ERR_OK)
		return code;
	postgres_reset(&statement->statement);
	code = postgres_exchange_end(db, statement_send(db, statement, values, n),
	    &statement->result, err);
	if (code != ERR_OK)
		return code;
	columns = (size_t)PQnfields(statement->result);
	while (statement->room < columns) {
		void *more = memory_array_reserve(statement->values, statement->room,
		    &statement->room, sizeof(*statement->values));

		if (more == NULL)
			return no_memory(db, err);
		statement->values = more;
	}
	statement->statement.n = columns;
	statement->statement.values = statement->values;
	statement->row = 0;
	changed = PQcmdTuples(statement->result);
	if (strncmp(PQcmdStatus(statement->result), "SELECT", 6) != 0)
		state->changed_rows = strtoll(changed, NULL, 10);
	*ret = statement;
	return ERR_OK;
}

enum err_code
postgres_query(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct db_statement **ret_stmt, struct err *err)
{
	struct postgres_statement *statement;
	enum err_code code = statement_run(db, sql, "", values, n, &statement, err);

	if (code == ERR_OK)
		*ret_stmt = &statement->statement;
	return code;
}

enum err_code
postgres_queue(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct err *err)
{
	struct postgres_statement *statement;
	enum err_code code;

	if ((code = statement_find(db, sql, "", &statement, err)) != ERR_OK ||
	    (code = postgres_queue_begin(db, err)) != ERR_OK)
		return code;
	return postgres_queue_add(db, statement_send(db, statement, values, n), err);
}

enum err_code
postgres_next(struct db *db, struct db_statement *stmt, bool *ret_row, struct err *err)
{
	struct postgres_statement *statement = postgres_of(stmt);

	(void)db;
	(void)err;
	*ret_row = statement->result != NULL && statement->row < PQntuples(statement->result);
	if (!*ret_row) {
		postgres_reset(stmt);
		return ERR_OK;
	}
	for (size_t i = 0; i < stmt->n; i++)
		value_read(statement->result, statement->row, (int)i, &statement->values[i]);
	statement->row++;
	return ERR_OK;
}

void
postgres_reset(struct db_statement *stmt)
{
	struct postgres_statement *statement = postgres_of(stmt);

	PQclear(statement->result);
	statement->result = NULL;
}

enum err_code
postgres_insert(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    int64_t *ret_id, struct err *err)
{
	struct postgres_statement *statement = NULL;
	enum err_code code;

	code = statement_run(db, sql, RETURNING, values, n, &statement, err);
	if (code != ERR_OK || statement == NULL)
		return code;
	if (PQntuples(statement->result) == 1)
		*ret_id = strtoll(PQgetvalue(statement->result, 0, 0), NULL, 10);
	postgres_reset(&statement->statement);
	return ERR_OK;
}
