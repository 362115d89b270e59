/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Sends queries and waits for answers, never past a deadline. A session that misses its deadline is
 * closed, because no caller would read an answer that comes later.
 */
#include "store/postgres/postgres_private.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>

#include "util/clock.h"

/* -- the deadline -------------------------------------------------------------------------- */

/* How long a program waits. After one session was silent, the other one gets less time, so that a
 * loop does not wait twice for a server that is stopped. */
static int
limit_ms(const struct db *db)
{
	const struct postgres_server *server = db->state->server;

	if (!server->has_loop)
		return POSTGRES_OTHERS_MS;
	return clock_steady_ms() < server->silent_until_ms ? POSTGRES_SILENT_MS : POSTGRES_LOOP_MS;
}

/* The deadline of a transaction; a statement outside of one, or inside store_begin(), has its
 * own. */
static int64_t
deadline(const struct db *db)
{
	const struct db_state *state = db->state;

	if (state->until_ms != 0 && state->server->has_loop && !*state->in_transaction)
		return state->until_ms;
	return clock_steady_ms() + limit_ms(db);
}

void
postgres_deadline_set(struct db *db)
{
	db->state->until_ms = clock_steady_ms() + limit_ms(db);
}

static enum err_code
deadline_missed(struct db *db, struct err *err)
{
	char text[80];

	snprintf(text, sizeof(text), "no answer within %d ms", limit_ms(db));
	/* A missed short limit does not prolong the time of short limits. Otherwise no call over a
	 * slow network would get a full limit again. */
	if (limit_ms(db) != POSTGRES_SILENT_MS)
		db->state->server->silent_until_ms = clock_steady_ms() + POSTGRES_PAUSE_MS;
	return postgres_session_lose(db, text, err);
}

static enum err_code
connection_lost(struct db *db, struct err *err)
{
	char line[ERR_TEXT_SIZE - 80], text[ERR_TEXT_SIZE];

	snprintf(text, sizeof(text), "the connection failed (%s)",
	    postgres_line(PQerrorMessage(db->state->connection), line, sizeof(line)));
	return postgres_session_lose(db, text, err);
}

/* -- waiting -------------------------------------------------------------------------------- */

/* Waits until all is sent and PQgetResult() would not wait. */
static enum err_code
answer_await(struct db *db, int64_t until, struct err *err)
{
	PGconn *connection = db->state->connection;
	struct pollfd watch = { .fd = PQsocket(connection) };
	int64_t left;
	int unsent;

	while ((unsent = PQflush(connection)) == 1 || PQisBusy(connection)) {
		watch.events = unsent == 1 ? POLLIN | POLLOUT : POLLIN;
		left = until - clock_steady_ms();
		left = left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
		if (poll(&watch, 1, (int)left) == 0 && left == 0)
			return deadline_missed(db, err);
		if ((watch.revents & ~POLLOUT) != 0 && PQconsumeInput(connection) == 0)
			return connection_lost(db, err);
		watch.revents = 0;
	}
	return unsent == 0 ? ERR_OK : connection_lost(db, err);
}

/* Reads the answer to a query, or to one statement of a pipeline. 'ret' gets its last result, and
 * 'failed' the first error of the server. */
static enum err_code
results_read(struct db *db, int64_t until, PGresult **ret, enum err_code *failed, struct err *err)
{
	PGresult *result;
	enum err_code code;

	while ((code = answer_await(db, until, err)) == ERR_OK &&
	    (result = PQgetResult(db->state->connection)) != NULL) {
		if (PQresultStatus(result) == PGRES_FATAL_ERROR && *failed == ERR_OK)
			*failed = postgres_error(db, result, err);
		PQclear(*ret);
		*ret = result;
	}
	return code;
}

/* Reads the answer to a query outside of a pipeline. */
static enum err_code
answer_read(struct db *db, int64_t until, PGresult **ret, struct err *err)
{
	PGresult *kept = NULL;
	enum err_code failed = ERR_OK, code = results_read(db, until, &kept, &failed, err);

	if (code == ERR_OK && failed != ERR_OK &&
	    PQstatus(db->state->connection) == CONNECTION_BAD)
		code = connection_lost(db, err);
	if (code == ERR_OK)
		code = failed;
	if (code == ERR_OK && ret != NULL)
		*ret = kept;
	else
		PQclear(kept);
	return code;
}

enum err_code
postgres_drain(struct db *db, int64_t until, struct err *err)
{
	if (!db->state->draining)
		return ERR_OK;
	db->state->draining = false;
	return answer_read(db, until, NULL, err);
}

/* After a pipeline whose first 'n_done' messages succeeded: a statement whose Parse did not is
 * prepared again at its next use. */
static void
parses_done(struct db_state *state, size_t n_done)
{
	for (size_t i = 0; i < SQL_STATEMENTS; i++) {
		if (state->prepared[i].queued_at > n_done)
			state->prepared[i].sent = false;
		state->prepared[i].queued_at = 0;
	}
}

/* Reads the answers to all messages of a pipeline and leaves pipeline mode. 'ret' gets the result
 * of the last one. An error ends the transaction, so the first one counts. */
static enum err_code
pipeline_end(struct db *db, PGresult **ret, struct err *err)
{
	struct db_state *state = db->state;
	PGconn *connection = state->connection;
	enum err_code code = ERR_OK, failed = ERR_OK;
	int64_t until = deadline(db);
	size_t n = state->queued, n_done = 0;

	state->queued = 0;
	if (PQpipelineSync(connection) != 1)
		return connection_lost(db, err);
	for (size_t i = 0; i < n && code == ERR_OK; i++)
		if ((code = results_read(db, until, ret, &failed, err)) == ERR_OK &&
		    failed == ERR_OK)
			n_done++;
	parses_done(state, n_done);
	if (code == ERR_OK && (code = answer_await(db, until, err)) == ERR_OK) {
		PQclear(PQgetResult(connection));	/* PGRES_PIPELINE_SYNC */
		if (PQexitPipelineMode(connection) != 1)
			code = connection_lost(db, err);
	}
	return code == ERR_OK ? failed : code;
}

enum err_code
postgres_queue_begin(struct db *db, struct err *err)
{
	struct db_state *state = db->state;
	enum err_code code;

	if (state->queued > 0)
		return ERR_OK;
	if ((code = postgres_exchange_begin(db, err)) != ERR_OK)
		return code;
	return PQenterPipelineMode(state->connection) == 1 ? ERR_OK : connection_lost(db, err);
}

enum err_code
postgres_queue_add(struct db *db, int sent, struct err *err)
{
	if (sent != 1)
		return connection_lost(db, err);
	db->state->queued++;
	return ERR_OK;
}

enum err_code
postgres_exchange_begin(struct db *db, struct err *err)
{
	struct db_state *state = db->state;
	PGresult *ignored = NULL;
	enum err_code code;

	if ((code = postgres_session_result(db, err)) != ERR_OK)
		return code;
	if (state->queued > 0) {
		code = pipeline_end(db, &ignored, err);
		PQclear(ignored);
		return code;
	}
	return postgres_drain(db, deadline(db), err);
}

enum err_code
postgres_exchange_end(struct db *db, int sent, PGresult **ret, struct err *err)
{
	PGresult *result = NULL;
	enum err_code code;

	if (sent != 1)
		return connection_lost(db, err);
	if (db->state->queued == 0)
		return answer_read(db, deadline(db), ret, err);
	/* The last one of a pipeline. */
	db->state->queued++;
	code = pipeline_end(db, &result, err);
	if (code == ERR_OK && ret != NULL)
		*ret = result;
	else
		PQclear(result);
	return code;
}

enum err_code
postgres_exec(struct db *db, const char *sql, PGresult **ret, struct err *err)
{
	enum err_code code = postgres_exchange_begin(db, err);

	return code != ERR_OK ? code :
	    postgres_exchange_end(db, PQsendQuery(db->state->connection, sql), ret, err);
}

enum err_code
postgres_copy_in(struct db *db, const char *sql, const char *bytes, size_t n, struct err *err)
{
	PGconn *connection = db->state->connection;
	enum err_code code = postgres_exchange_begin(db, err);
	PGresult *result;
	bool ready;

	if (code != ERR_OK)
		return code;
	if (PQsendQuery(connection, sql) != 1)
		return connection_lost(db, err);
	if ((code = answer_await(db, deadline(db), err)) != ERR_OK)
		return code;
	result = PQgetResult(connection);
	ready = PQresultStatus(result) == PGRES_COPY_IN;
	if (!ready)
		code = postgres_error(db, result, err);
	PQclear(result);
	if (ready && (n > INT_MAX || PQputCopyData(connection, bytes, (int)n) != 1 ||
	    PQputCopyEnd(connection, NULL) != 1))
		return connection_lost(db, err);
	if (ready)
		return answer_read(db, deadline(db), NULL, err);
	(void)answer_read(db, deadline(db), NULL, NULL);
	return code;
}

void
postgres_rollback_send(struct db *db)
{
	struct db_state *state = db->state;

	/* An error of a queued statement needs no report: nothing is committed. */
	if (state->queued > 0)
		(void)postgres_exchange_begin(db, NULL);
	state->until_ms = 0;
	if (state->step != POSTGRES_READY || state->draining ||
	    PQtransactionStatus(state->connection) == PQTRANS_IDLE)
		return;
	if (PQsendQuery(state->connection, "ROLLBACK") == 1)
		state->draining = true;
	else
		(void)connection_lost(db, NULL);
}

/* -- notifications ----------------------------------------------------------------------------- */

/* Reads what has arrived of the answer to a ROLLBACK. libpq reports no notification that follows a
 * result which was not read. */
static void
arrived_drain(struct db_state *state)
{
	PGresult *result;

	while (state->draining && !PQisBusy(state->connection)) {
		result = PQgetResult(state->connection);
		state->draining = result != NULL;
		PQclear(result);
	}
}

enum err_code
postgres_notifications_read(struct db *db, struct err *err)
{
	struct db_state *state = db->state;
	PGnotify *notify;
	enum err_code code;

	if ((code = postgres_session_result(db, err)) != ERR_OK)
		return code;
	if (PQconsumeInput(state->connection) == 0)
		return connection_lost(db, err);
	arrived_drain(state);
	while ((notify = PQnotifies(state->connection)) != NULL) {
		state->notifications += notify->be_pid != PQbackendPID(state->connection);
		PQfreemem(notify);
	}
	return ERR_OK;
}
