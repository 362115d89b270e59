/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Errors of PostgreSQL by SQLSTATE: its manual, appendix A, "PostgreSQL Error Codes".
 */
#include "store/postgres/postgres_private.h"

#include <stdio.h>
#include <string.h>

#include "util/memory.h"

/* The first row whose state is the beginning of the SQLSTATE counts. */
static const struct {
	const char	*state;
	enum err_code	 code;
	const char	*message;	/* NULL: that of a rule of the schema */
} states[] = {
	{ "55P03", ERR_BUSY, "locked by another program" },
	{ "40001", ERR_BUSY, "another program changed the same rows; try again" },
	{ "40P01", ERR_BUSY, "another program locks the same rows; try again" },
	{ "57014", ERR_BUSY, "a statement took too long" },
	{ "25006", ERR_READONLY, "the server is read-only" },
	{ "42501", ERR_READONLY, "the role has no permission; see GRANT in lbcluster-store(5)" },
	{ "53100", ERR_FULL, "the disk of the server is full" },
	{ "53200", ERR_NOMEM, "the server is out of memory" },
	{ "53", ERR_BUSY, "the server has too many connections" },
	{ "54", ERR_INVALID, "the server refuses the size" },
	{ "23", ERR_INVALID, NULL },
	{ "22", ERR_INVALID, NULL },
	{ "P0001", ERR_INVALID, NULL },
	{ "3F000", ERR_FOREIGN, "not a store of lbcluster" },
	{ "42P01", ERR_FOREIGN, "not a store of lbcluster" },
	{ "42P07", ERR_FOREIGN, "not a store of lbcluster" },
	{ "42703", ERR_FOREIGN, "not a store of lbcluster" },
	{ "XX001", ERR_CORRUPT, DB_DAMAGED },
	{ "XX002", ERR_CORRUPT, DB_DAMAGED },
	{ "57P", ERR_IO, "the server ended the connection" },
	{ "08", ERR_IO, "the connection failed" },
	{ "", ERR_IO, "the server reports an error" },
};

const char *
postgres_retry_text(const struct db *db)
{
	return db->state->server->has_loop ? "; lbcluster tries again" : "";
}

char *
postgres_line(const char *message, char *ret, size_t size)
{
	snprintf(ret, size, "%.*s", (int)strcspn(message, "\n"), message);
	return ret;
}

enum err_code
postgres_error(const struct db *db, const PGresult *result, struct err *err)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char line[ERR_TEXT_SIZE];
	size_t i = 0;

	if (state == NULL)
		state = "08000";
	postgres_line(message != NULL ? message : PQresultErrorMessage(result), line, sizeof(line));
	while (strncmp(states[i].state, state, strlen(states[i].state)) != 0)
		i++;
	if (states[i].message == NULL)
		return err_set(err, states[i].code, "%s: %s", db->path, line);
	return err_set(err, states[i].code, "%s: %s (%s, SQLSTATE %s)%s", db->path,
	    states[i].message, line, state,
	    states[i].code == ERR_IO ? postgres_retry_text(db) : "");
}
