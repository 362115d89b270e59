/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A session: connected in steps that never wait, to one host after the other. A program with a loop
 * calls the step from its timer, so that a silent name server or host stops nothing. libpq would
 * look up names itself and would never leave a first host that accepts and is silent (seen with
 * libpq 15.18), so libpq gets one address at a time.
 */
#include "store/postgres/postgres_private.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/lookup.h"

enum { SQL_SIZE = 1024, PAUSE_MS = 10, BRIEF_MS = 2 };

/* -- closing ------------------------------------------------------------------------- */

static void
addresses_free(struct db_state *state)
{
	if (state->addresses != NULL)
		freeaddrinfo(state->addresses);
	state->addresses = state->address = NULL;
}

static void
connection_finish(struct db_state *state)
{
	lookup_abandon(state->lookup);
	state->lookup = NULL;
	PQfinish(state->connection);
	state->connection = NULL;
	memset(state->prepared, 0, sizeof(state->prepared));
	state->queued = 0;
	state->draining = state->snapshot = state->local_commit = false;
	state->until_ms = 0;
}

void
postgres_session_close(struct db *db)
{
	struct db_state *state = db->state;

	connection_finish(state);
	addresses_free(state);
	state->step = POSTGRES_CLOSED;
	state->retry_at_ms = state->ready_at_ms + POSTGRES_PAUSE_MS;
	/* Notifications are lost until the next LISTEN. */
	db->version_read = 0;
}

enum err_code
postgres_session_lose(struct db *db, const char *problem, struct err *err)
{
	err_set(&db->state->error, ERR_IO, "%s: %s%s", db->path, problem, postgres_retry_text(db));
	postgres_session_close(db);
	return err_set(err, ERR_IO, "%s", db->state->error.text);
}

/* -- steps ------------------------------------------------------------------------------- */

/* What poll(2) waits for in a step. */
static void
session_watch(const struct db_state *state, struct pollfd *ret)
{
	*ret = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (state->step == POSTGRES_LOOKUP)
		ret->fd = lookup_fd(state->lookup);
	else if (state->connection != NULL)
		ret->fd = PQsocket(state->connection);
	if (state->step == POSTGRES_CONNECT && state->polling == PGRES_POLLING_WRITING)
		ret->events = POLLOUT;
}

/* Sends the next query of SETUP. The session is READY if there is none. */
static bool
setup_send(struct db *db)
{
	struct db_state *state = db->state;
	char sql[SQL_SIZE];

	if (postgres_setup_write(db, sql, sizeof(sql)))
		return PQsendQuery(state->connection, sql) == 1;
	state->step = POSTGRES_READY;
	state->ready_at_ms = clock_steady_ms();
	state->error.code = ERR_OK;
	addresses_free(state);
	return true;
}

/* Notes why a host failed. The next step is its next address, or the next host. */
static void
host_failed(struct db *db, enum err_code code, const char *problem)
{
	struct db_state *state = db->state;
	struct addrinfo *next = state->address == NULL ? NULL : state->address->ai_next;

	/* That a later host is a standby does not explain why the first one failed. */
	if (code != ERR_READONLY || state->host == 0)
		err_set(&state->error, code, "%s", problem);
	connection_finish(state);
	if (next == NULL || clock_steady_ms() >= state->host_until_ms) {
		addresses_free(state);
		state->host++;
		next = NULL;
	}
	state->address = next;
	state->step = POSTGRES_HOST;
	if (state->host < state->server->n_hosts)
		return;
	state->step = POSTGRES_CLOSED;
	state->retry_at_ms = clock_steady_ms() + POSTGRES_PAUSE_MS;
}

static void
host_failed_with(struct db *db, const char *problem)
{
	const struct postgres_server *server = db->state->server;
	char text[ERR_TEXT_SIZE];

	if (server->n_hosts == 1)
		snprintf(text, sizeof(text), "%s: %s%s", db->path, problem,
		    postgres_retry_text(db));
	else
		snprintf(text, sizeof(text), "%s: %.64s: %s%s", db->path,
		    server->hosts[db->state->host].name, problem, postgres_retry_text(db));
	host_failed(db, ERR_IO, text);
}

/* The host failed with the error that libpq reports. */
static void
connection_failed(struct db *db)
{
	char line[ERR_TEXT_SIZE];

	host_failed_with(db, postgres_line(PQerrorMessage(db->state->connection), line,
	    sizeof(line)));
}

static void
notice_receive(void *arg, const PGresult *result)
{
	struct db_state *state = arg;
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	/* "canceling wait for synchronous replication": the commit is on this server alone. */
	if (code != NULL && strcmp(code, "01000") == 0)
		state->local_commit = true;
}

/* Starts a connection to the present address. */
static void
connect_begin(struct db *db)
{
	struct db_state *state = db->state;
	const struct postgres_server *server = state->server;
	const struct postgres_host *host = &server->hosts[state->host];
	const char *names[POSTGRES_OPTIONS_MAX + 4], *values[POSTGRES_OPTIONS_MAX + 4];
	char address[NI_MAXHOST];
	size_t n = 0;

	for (; n < server->n_options; n++) {
		names[n] = server->options[n];
		values[n] = server->values[n];
	}
	names[n] = "port", values[n++] = host->port;
	if (host->name[0] != '\0')
		names[n] = "host", values[n++] = host->name;
	if (state->address != NULL && getnameinfo(state->address->ai_addr,
	    state->address->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST) == 0)
		names[n] = "hostaddr", values[n++] = address;
	names[n] = values[n] = NULL;
	state->step = POSTGRES_CONNECT;
	state->polling = PGRES_POLLING_WRITING;
	state->connection = PQconnectStartParams(names, values, 0);
	if (state->connection == NULL)
		host_failed_with(db, "out of memory");
	else if (PQstatus(state->connection) == CONNECTION_BAD)
		connection_failed(db);
	else
		PQsetNoticeReceiver(state->connection, notice_receive, state);
}

/* Starts with the present host: its present address, or a lookup of its name. */
static void
host_begin(struct db *db)
{
	struct db_state *state = db->state;
	const struct postgres_host *host = &state->server->hosts[state->host];
	const char *name;

	if (state->address == NULL)
		state->host_until_ms = clock_steady_ms() + POSTGRES_HOST_MS;
	name = host->address[0] != '\0' ? host->address : host->name;
	if (state->address != NULL || name[0] == '\0' || name[0] == '/' || name[0] == '@') {
		connect_begin(db);
		return;
	}
	if (lookup_number(name, host->port, &state->addresses) == 0) {
		state->address = state->addresses;
		connect_begin(db);
		return;
	}
	state->step = POSTGRES_LOOKUP;
	if ((state->lookup = lookup_begin(name, host->port)) == NULL)
		host_failed_with(db, "no lookup of the name can be started");
}

static void
lookup_continue(struct db *db)
{
	struct db_state *state = db->state;
	int error = lookup_end(state->lookup, &state->addresses);

	state->lookup = NULL;
	if (error != 0) {
		host_failed_with(db, gai_strerror(error));
		return;
	}
	state->address = state->addresses;
	connect_begin(db);
}

static void
connect_continue(struct db *db)
{
	struct db_state *state = db->state;

	state->polling = PQconnectPoll(state->connection);
	if (state->polling == PGRES_POLLING_FAILED) {
		connection_failed(db);
		return;
	}
	if (state->polling != PGRES_POLLING_OK)
		return;
	state->step = POSTGRES_SETUP;
	state->setup = 0;
	PQsetnonblocking(state->connection, 1);
	if (!setup_send(db))
		host_failed_with(db, "the connection failed");
}

/* Reads the answer to a query of SETUP, if all of it has arrived, and sends the next one. */
static void
setup_continue(struct db *db)
{
	struct db_state *state = db->state;
	enum err_code code;
	PGresult *result;
	struct err err;

	if (PQconsumeInput(state->connection) == 0) {
		connection_failed(db);
		return;
	}
	while (!PQisBusy(state->connection)) {
		if ((result = PQgetResult(state->connection)) == NULL) {
			state->setup++;
			if (!setup_send(db))
				host_failed_with(db, "the connection failed");
			return;
		}
		code = postgres_setup_read(db, result, &err);
		PQclear(result);
		if (code != ERR_OK) {
			host_failed(db, code, err.text);
			return;
		}
	}
}

/* Goes on until the session has to wait for longer than 'brief_ms'. */
static void
session_continue(struct db *db, int brief_ms)
{
	struct db_state *state = db->state;
	struct pollfd watch;

	if (state->step == POSTGRES_CLOSED && clock_steady_ms() >= state->retry_at_ms) {
		state->host = 0;
		state->step = POSTGRES_HOST;
	}
	while (state->step != POSTGRES_CLOSED && state->step != POSTGRES_READY) {
		if (state->step == POSTGRES_HOST) {
			host_begin(db);
			continue;
		}
		session_watch(state, &watch);
		if (clock_steady_ms() >= state->host_until_ms) {
			host_failed_with(db, "no answer within 2 s");
		} else if (poll(&watch, 1, brief_ms) <= 0) {
			return;
		} else if (state->step == POSTGRES_LOOKUP) {
			lookup_continue(db);
		} else if (state->step == POSTGRES_CONNECT) {
			connect_continue(db);
		} else {
			setup_continue(db);
		}
	}
}

enum err_code
postgres_session_result(const struct db *db, struct err *err)
{
	const struct db_state *state = db->state;

	if (state->step == POSTGRES_READY)
		return ERR_OK;
	if (state->error.code == ERR_OK)
		return err_set(err, ERR_IO, "%s: not connected yet", db->path);
	return err_set(err, state->error.code, "%s", state->error.text);
}

enum err_code
postgres_session_step(struct db *db, struct err *err)
{
	if (db->state->step != POSTGRES_READY)
		session_continue(db, BRIEF_MS);
	return postgres_session_result(db, err);
}

enum err_code
postgres_session_wait(struct db *db, int64_t wait_ms, struct err *err)
{
	struct db_state *state = db->state;
	int64_t until = clock_steady_ms() + wait_ms;

	if (state->step == POSTGRES_CLOSED)
		state->retry_at_ms = 0;
	do
		session_continue(db, PAUSE_MS);
	while (state->step != POSTGRES_READY && state->step != POSTGRES_CLOSED &&
	    clock_steady_ms() < until);
	return postgres_session_result(db, err);
}
