/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Runs lbclusterd in this process without an AgentX master. Checks how many changed rows one
 * turn of the loop reads, because requests are answered between two turns, and when the next
 * turn comes.
 */
#include "store_fixture.h"

#include <signal.h>
#include <stdio.h>

#include "agentx/agentx.h"
#include "daemon/daemon.h"
#include "cache/cache.h"
#include "in_range.h"

enum { ROWS = 9000, TURN_MOST = 2000, PAUSE_MOST_MS = 100 };

static struct {
	const char		*path;		/* of lbcluster.db */
	const struct cache	*cache;
	bool			 written;
	uint32_t		 before, most, turns;	/* rows; in one turn; turns with rows */
	bool			 turn_ends;	/* the next timer is that of the next turn */
	int			 pause_ms;	/* the longest between two turns */
} seen;

enum err_code __real_cache_refresh(struct cache *cache, struct store *store, size_t limit,
    int64_t now, bool *ret_more, struct err *err);
enum err_code __wrap_cache_refresh(struct cache *cache, struct store *store, size_t limit,
    int64_t now, bool *ret_more, struct err *err);
void __wrap_agentx_notifications_send(struct agentx *agentx);
void __real_loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms,
    loop_timer_fn fn, void *arg);
void __wrap_loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms,
    loop_timer_fn fn, void *arg);

enum err_code
__wrap_cache_refresh(struct cache *cache, struct store *store, size_t limit, int64_t now,
    bool *ret_more, struct err *err)
{
	seen.cache = cache;
	return __real_cache_refresh(cache, store, limit, now, ret_more, err);
}

static void
others_write(void)
{
	char sql[512];

	snprintf(sql, sizeof(sql), "INSERT INTO cluster (name) VALUES ('web');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'http');"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
	    " INSERT INTO real_service (service_id, name, address) SELECT 1, 'r' || i,"
	    " '10.0.0.1' FROM n", ROWS);
	sql_exec(seen.path, sql);
}

/* Called once in each turn, after the rows were read. */
void
__wrap_agentx_notifications_send(struct agentx *agentx)
{
	uint32_t rows = tree_count(&seen.cache->tree, STORE_REAL);

	(void)agentx;
	if (rows - seen.before > seen.most)
		seen.most = rows - seen.before;
	seen.turns += rows > seen.before;
	seen.before = rows;
	if (!seen.written)
		others_write();
	seen.written = true;
	seen.turn_ends = true;
	if (rows == ROWS)
		raise(SIGTERM);
}

void
__wrap_loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms,
    loop_timer_fn fn, void *arg)
{
	if (seen.turn_ends && after_ms > seen.pause_ms)
		seen.pause_ms = (int)after_ms;
	seen.turn_ends = false;
	__real_loop_timer_set(loop, timer, after_ms, fn, arg);
}

static void
rows_of_one_turn_are_bounded(void **state)
{
	struct fixture *f = *state;
	char conf[96], socket[96], name[] = "lbclusterd", options[][3] = { "-f", "-l", "-c", "-s",
	    "-x" }, level[] = "error";
	char *argv[] = { name, options[0], options[1], level, options[2], conf, options[3], f->dir,
	    options[4], socket, NULL };

	snprintf(conf, sizeof(conf), "%s/lbclusterd.conf", f->dir);
	snprintf(socket, sizeof(socket), "%s/nobody", f->dir);
	file_bytes_write(conf, "", 0);
	seen.path = f->main_path;
	assert_int_equal(daemon_main((int)COUNT(argv) - 1, argv), 0);
	assert_int_equal(seen.before, ROWS);
	assert_int_in_range(seen.most, 1, TURN_MOST);
	assert_true(seen.turns >= ROWS / TURN_MOST);
	/* Rows change at most 100 ms after the answer to a SET (lbcluster-store(5)). */
	assert_int_in_range(seen.pause_ms, 1, PAUSE_MOST_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_of_one_turn_are_bounded, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests_name("daemon_turn", tests, NULL, NULL);
}
