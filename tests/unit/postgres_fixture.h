/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For store_fixture.c: a database of PostgreSQL for each test, at the server that the environment
 * variable LBCLUSTER_TEST_POSTGRESQL names (tests/integration/postgres.py), and SQL in it.
 */
#ifndef TESTS_POSTGRES_FIXTURE_H
#define TESTS_POSTGRES_FIXTURE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/* True if the tests use PostgreSQL. */
bool postgres_used(void);

/* Creates a database that has functions of SQLite, in schema "sqlite". 'name' gets its name,
 * 'uri' its URI. False: it failed, with a message on stderr. */
bool postgres_database_create(char *name, size_t name_size, char *uri, size_t uri_size);
/* Ends all sessions of the database and removes it. */
void postgres_database_drop(const char *name);

/* A session of SQL in one schema of a database; 'path' is main_path or stats_path of a fixture.
 * NULL: there is none. */
struct postgres_sql;
struct postgres_sql *postgres_sql_open(const char *path);
void postgres_sql_close(struct postgres_sql *session);
/*
 * Runs SQL. 'ret' gets the first column of the last row as SQLite would show it (booleans as 0
 * and 1, NULL as ""), or the message of the error. Returns the code of SQLite that fits.
 * "BEGIN IMMEDIATE" and "BEGIN EXCLUSIVE" also lock the schema against other writers.
 */
int postgres_sql_run(struct postgres_sql *session, const char *sql, char *ret, size_t size);

/* Copies all tables and views of both schemas to SQLite: those of the inventory to "main", those
 * of the statistics to "stats". */
sqlite3 *postgres_copy(const char *name);

#endif
