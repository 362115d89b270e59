/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For test_postgres_schema.c, which cannot include the private headers of both engines.
 */
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "store/sqlite/sqlite_private.h"

void sqlite_schemas_create(sqlite3 *main, sqlite3 *stats);

/* Runs the migrations of both files in two databases. */
void
sqlite_schemas_create(sqlite3 *main, sqlite3 *stats)
{
	sqlite3 *const databases[] = { main, stats };
	const struct sqlite_kind *const kinds[] = { &sqlite_main_kind, &sqlite_stats_kind };

	for (size_t i = 0; i < 2; i++) {
		for (size_t m = 0; m < kinds[i]->n_migrations; m++)
			assert_int_equal(sqlite3_exec(databases[i], kinds[i]->migrations[m],
			    NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_exec(databases[i], "PRAGMA foreign_keys = ON", NULL,
		    NULL, NULL), SQLITE_OK);
	}
}
