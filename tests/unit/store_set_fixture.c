/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Two clusters and SETs; see store_set_fixture.h.
 */
#include "store_set_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
two_clusters_setup(void **state)
{
	struct fixture *f;

	if (fixture_setup_open(state) != 0)
		return -1;
	f = *state;
	fixture_close(f);
	sql_exec(f->main_path, "INSERT INTO cluster (name, plane) VALUES ('plain', 'none'),"
	    " ('proxy', 'haproxy');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'http'), (2, 'http'), (2, 'more');"
	    "INSERT INTO real_service (service_id, name, weight, fallback) VALUES"
	    " (1, 'a', 10, 0), (1, 'b', 10, 0), (1, 'c', 10, 1),"
	    " (2, 'a', 10, 0), (2, 'b', 10, 0), (2, 'c', 10, 1), (3, 'd', 10, 0)");
	return fixture_open(f, STORE_WRITE) == ERR_OK ? 0 : -1;
}

struct answer
do_set(struct fixture *f, enum store_set_mode mode, const struct store_set *set)
{
	struct answer answer = { .first_job = NO_JOB, .jobs = NO_JOB };

	f->err.text[0] = '\0';
	answer.code = store_set(f->store, set, mode, &answer.verdict, &answer.first_job,
	    &answer.jobs, &f->err);
	assert_int_equal(answer.code != ERR_OK, f->err.text[0] != '\0');
	return answer;
}

int64_t
stored_number(struct fixture *f, const char *sql)
{
	return sql_number(f->main_path, sql);
}

void
assert_row(struct fixture *f, int id, const char *what)
{
	char sql[120];

	snprintf(sql, sizeof(sql), "SELECT weight || ' ' || fallback || ' ' || enabled FROM"
	    " real_service WHERE id = %d", id);
	assert_string_equal(sql_text(f->main_path, sql), what);
}

int64_t
job_state(struct fixture *f, uint32_t id)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT state FROM job WHERE id = %u", id);
	return stored_number(f, sql);
}

void
release(struct fixture *f, uint64_t token)
{
	store_set_release(f->store, token);
	assert_true(store_needs_flush(f->store));
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	assert_false(store_needs_flush(f->store));
}

char *
stored_dump(struct fixture *f)
{
	return strdup(sql_text(f->main_path, "SELECT (SELECT group_concat(id || ' ' || weight"
	    " || ' ' || fallback || ' ' || enabled, ', ') FROM"
	    " (SELECT * FROM real_service ORDER BY id) AS r) || ' jobs ' ||"
	    " (SELECT count(*) FROM job) || ' open ' || (SELECT jobs_open FROM store) || ' lock '"
	    " || (SELECT value FROM setting WHERE name = 'set_lock')"));
}

void
assert_stored_dump(struct fixture *f, char *before)
{
	char *now = stored_dump(f);

	assert_string_equal(now, before);
	free(now);
	free(before);
}
