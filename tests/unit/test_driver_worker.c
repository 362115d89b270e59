/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/driver/worker.c: rounds of one cluster with a data plane in memory, and what they
 * write to the store.
 */
#include "store_set_fixture.h"

#include <stdio.h>
#include <string.h>

#include "driver/worker.h"

enum { REAL_A = 4, REAL_B = 5, CLUSTER_PROXY = 2, TOKEN = 7, SERVERS = 4, TIMEOUT_S = 60 };

enum { NONE = -1, A, B, C, D, ROWS_MAX = 8 };
static const char *const names[SERVERS] = { [A] = "a", [B] = "b", [C] = "c", [D] = "d" };

/* The data plane: its servers are those of the cluster "proxy". */
struct plane {
	int	unused;
};

static struct {
	struct plane_server	 servers[SERVERS];
	struct plane_server	 shown[2][ROWS_MAX];	/* of the latest two polls */
	int			 rows[ROWS_MAX];	/* its server, or NONE */
	size_t			 n_rows;
	unsigned		 polls;
	struct plane_poll	 poll;
	struct plane_error	 error;		/* if 'mute' */
	bool			 mute;		/* polls get no answer */
	bool			 restarts;	/* commands meet a restarted process */
	enum job_fail_cause	 refuses;	/* the result for b; NONE: carried out */
	bool			 ignores;	/* commands are carried out without effect */
	char			 targets[1024];	/* the latest ones, as text */
	bool			 refuses_targets;
	char			 log[512];	/* "a weight 55, ": the commands in order */
	struct loop_timer	 timer;
	plane_polled_fn		 polled;
	plane_applied_fn	 applied;
	void			*arg;
} fake;

static struct fixture *fixture;
static struct driver_tree tree;
static struct driver_config config;
static struct worker_shared shared;
static struct plane only_plane;
static int rounds, good_rounds;
static int weight_of_b;		/* at the end of the latest round */

/* -- the data plane ------------------------------------------------------------------------ */

static enum err_code
fake_open(struct loop *loop, const struct plane_cluster *cluster, int timeout_ms,
    struct plane **ret, struct err *err)
{
	(void)loop;
	(void)cluster;
	(void)timeout_ms;
	(void)err;
	*ret = &only_plane;
	return ERR_OK;
}

static void
fake_close(struct plane *plane)
{
	if (plane != NULL)
		loop_timer_cancel(shared.loop, &fake.timer);
}

static void
row_add(const char *name)
{
	int at = SERVERS;

	while (at-- > 0 && strcmp(name, names[at]) != 0)
		continue;
	fake.rows[fake.n_rows++] = at;
}

static enum err_code
fake_targets_set(struct plane *plane, const struct plane_target *targets, size_t n,
    struct err *err)
{
	size_t used = 0;

	(void)plane;
	fake.n_rows = 0;
	for (size_t i = 0; i < n; i++) {
		const struct plane_target *to = &targets[i];

		if (!to->is_service)
			row_add(to->name);

		used += (size_t)snprintf(fake.targets + used, sizeof(fake.targets) - used,
		    "%s%s %s:%s %s", to->is_service ? "/" : "", to->name, to->address, to->port,
		    to->params);
		used += (size_t)snprintf(fake.targets + used, sizeof(fake.targets) - used,
		    to->is_service ? "%s\n" : "%s%u %d %d\n",
		    to->is_service ? protocol_name(to->protocol) : "", to->weight, to->fallback,
		    to->enabled);
	}
	return fake.refuses_targets ? err_set(err, ERR_INVALID, "http: wrong address") : ERR_OK;
}

static void
on_answer(void *arg)
{
	(void)arg;
	fake.poll.servers = fake.shown[fake.polls++ % 2];
	for (size_t i = 0; i < fake.n_rows; i++)
		fake.poll.servers[i] = fake.rows[i] == NONE ? (struct plane_server){ 0 } :
		    fake.servers[fake.rows[i]];
	fake.polled(fake.arg, fake.mute ? NULL : &fake.poll, fake.mute ? &fake.error : NULL);
}

static void
fake_poll(struct plane *plane, plane_polled_fn fn, void *arg)
{
	(void)plane;
	fake.polled = fn;
	fake.arg = arg;
	loop_timer_set(shared.loop, &fake.timer, 0, on_answer, NULL);
}

static void
on_applied(void *arg)
{
	(void)arg;
	fake.applied(fake.arg);
}

static void
command_do(struct plane_command *command)
{
	int at = fake.rows[command->at];
	struct plane_server *server = &fake.servers[at];
	size_t used = strlen(fake.log);

	snprintf(fake.log + used, sizeof(fake.log) - used, "%s %s %u, ", names[at],
	    command->kind == PLANE_COMMAND_WEIGHT ? "weight" : "state", command->value);
	command->cause = JOB_CAUSE_NONE;
	if (fake.refuses != JOB_CAUSE_NONE && at == B) {
		command->cause = fake.refuses;
		snprintf(command->message, sizeof(command->message), "the fake refuses");
	} else if (!fake.ignores && command->kind == PLANE_COMMAND_WEIGHT) {
		server->weight = command->value;
	} else if (!fake.ignores && command->kind == PLANE_COMMAND_STATE) {
		server->state = (enum plane_state)command->value;
	}
}

static void
fake_apply(struct plane *plane, struct plane_command *commands, size_t n, plane_applied_fn fn,
    void *arg)
{
	(void)plane;
	for (size_t i = 0; i < n; i++)
		command_do(&commands[i]);
	fake.poll.restarts += fake.restarts;
	fake.applied = fn;
	fake.arg = arg;
	loop_timer_set(shared.loop, &fake.timer, 0, on_applied, NULL);
}

static const struct plane_kind_ops fake_ops = {
	.kind = "haproxy",
	.states = {
		[PLANE_READY] = { "ready", NULL, NULL },
		[PLANE_DRAIN] = { "drain", "DRAIN by lbcluster", "DRAIN by others" },
		[PLANE_OUT] = { "maint", "MAINT by lbcluster", "MAINT by others" },
	},
	.open = fake_open, .close = fake_close, .targets_set = fake_targets_set,
	.poll = fake_poll, .apply = fake_apply,
};

static void
servers_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	for (size_t i = 0; i < SERVERS; i++)
		fake.servers[i] = (struct plane_server){ .exists = true, .up = true, .weight = 10,
		    .state = i == C ? PLANE_DRAIN : PLANE_READY };
	fake.poll = (struct plane_poll){ .epoch = 1 };
	fake.refuses = JOB_CAUSE_NONE;
	fake.error = (struct plane_error){ .status = PLANE_STATUS_UNREACHABLE,
	    .cause = JOB_CAUSE_UNREACHABLE, .text = "the fake is mute" };
}

/* -- rounds ---------------------------------------------------------------------------------- */

static void
on_detach(struct driver_cluster *cluster)
{
	worker_free(cluster->worker);
	cluster->worker = NULL;
}

static void
on_round_done(void *arg, bool ok)
{
	(void)arg;
	rounds++;
	good_rounds += ok;
	weight_of_b = driver_real_find(&tree, REAL_B)->weight;
	loop_stop(shared.loop);
}

static struct driver_cluster *
cluster_proxy(void)
{
	return tree_find(&tree.tree, STORE_CLUSTER, CLUSTER_PROXY);
}

static void
refresh(void)
{
	if (driver_tree_refresh(&tree, fixture->store, &fixture->err) != ERR_OK)
		fail_msg("%s", fixture->err.text);
}

/* Starts a worker and runs its first round. */
static void
round_first(void)
{
	cluster_proxy()->worker = worker_new(&shared, cluster_proxy());
	assert_non_null(cluster_proxy()->worker);
	loop_run(shared.loop);
	refresh();
}

/* Runs the next round of the same worker. */
static void
round_next(void)
{
	refresh();
	worker_wake(cluster_proxy()->worker);
	loop_run(shared.loop);
	refresh();
}

static int
setup(void **state)
{
	int result = two_clusters_setup(state);

	fixture = *state;
	servers_reset();
	config = (struct driver_config){ .interval_ms = 5000, .timeout_ms = 1000,
	    .job_patience_s = TIMEOUT_S };
	driver_tree_init(&tree, "haproxy", on_detach);
	shared = (struct worker_shared){ .loop = loop_new(), .store = fixture->store,
	    .tree = &tree, .config = &config, .ops = &fake_ops, .title = "Fake",
	    .round_done = on_round_done };
	rounds = good_rounds = 0;
	return result;
}

static int
teardown(void **state)
{
	driver_tree_done(&tree);
	loop_free(shared.loop);
	return fixture_teardown(state);
}

static void
weight_set(uint32_t real_id, uint32_t weight)
{
	assert_int_equal(do_set(fixture, STORE_SET_NOW,
	    SET_OF(TOKEN, { real_id, REAL_WEIGHT, weight })).code, ERR_OK);
}

static void
assert_job(uint32_t id, enum job_state state, const char *message)
{
	char sql[80];

	assert_int_equal(job_state(fixture, id), state);
	snprintf(sql, sizeof(sql), "SELECT message FROM job WHERE id = %u", id);
	assert_string_equal(sql_text(fixture->main_path, sql), message);
}

/* -- tests ----------------------------------------------------------------------------------- */

static void
jobs_are_carried_out_and_read_back(void **state)
{
	(void)state;
	weight_set(REAL_A, 55);
	weight_set(REAL_B, 66);
	refresh();
	round_first();
	assert_job(1, JOB_SUCCEEDED, "");
	assert_job(2, JOB_SUCCEEDED, "");
	assert_string_equal(fake.log, "a weight 55, b weight 66, ");
	assert_int_equal(good_rounds, 1);
	assert_int_equal(sql_number(fixture->stats_path, "SELECT count(*) FROM statistics"),
	    SERVERS);
}

static void
jobs_wait_for_a_data_plane_without_an_answer(void **state)
{
	(void)state;
	weight_set(REAL_A, 55);
	fake.mute = true;
	refresh();
	round_first();
	assert_job(1, JOB_QUEUED, "waits: the fake is mute");
	assert_int_equal(good_rounds, 0);
	/* A later job gets the same message at once, without a round. */
	weight_set(REAL_B, 66);
	refresh();
	worker_wake(cluster_proxy()->worker);
	assert_job(2, JOB_QUEUED, "waits: the fake is mute");
	assert_int_equal(rounds, 1);
	fake.mute = false;
	loop_run(shared.loop);
	assert_job(1, JOB_SUCCEEDED, "");
	assert_job(2, JOB_SUCCEEDED, "");
	assert_int_equal(fake.servers[0].weight, 55);
}

/* A result belongs to its own job: b's refusal does not fail a. */
static void
refused_job_fails_and_its_row_gets_the_old_value(void **state)
{
	(void)state;
	weight_set(REAL_A, 55);
	weight_set(REAL_B, 66);
	fake.refuses = JOB_CAUSE_REJECTED;
	refresh();
	round_first();
	assert_job(1, JOB_SUCCEEDED, "");
	assert_job(2, JOB_FAILED, "the fake refuses");
	assert_row(fixture, REAL_A, "55 0 1");
	assert_row(fixture, REAL_B, "10 0 1");
	assert_int_equal(weight_of_b, 10);	/* before the tree read the store */
}

static void
job_without_effect_fails(void **state)
{
	(void)state;
	weight_set(REAL_A, 55);
	fake.ignores = true;
	refresh();
	round_first();
	assert_job(1, JOB_FAILED, "Fake shows another value after the change");
	assert_row(fixture, REAL_A, "10 0 1");
}

/* The process that was restarted may have lost the value. */
static void
failure_during_a_restart_is_deferred(void **state)
{
	(void)state;
	weight_set(REAL_A, 55);
	fake.ignores = fake.restarts = true;
	refresh();
	round_first();
	assert_job(1, JOB_QUEUED, "waits: Fake was restarted or reloaded meanwhile");
	fake.ignores = fake.restarts = false;
	round_next();
	assert_job(1, JOB_SUCCEEDED, "");
}

/* The tree has not read the row of the new real service when the job is claimed. */
static void
job_of_an_unread_row_is_claimed_again(void **state)
{
	uint32_t added;

	(void)state;
	refresh();
	added = fixture_real(fixture, 2, "e", 10, false, true);
	weight_set(added, 55);
	round_first();
	assert_int_equal(job_state(fixture, 1), JOB_RUNNING);
	round_next();
	assert_job(1, JOB_FAILED, "Fake has no server http/e");
}

/* The order is that of the tree: each service, then its real services. */
static void
data_plane_gets_the_rows_of_the_store(void **state)
{
	(void)state;
	sql_exec(fixture->main_path, "UPDATE service SET address = '192.0.2.1', port = '80',"
	    " protocol = 3, params = '{\"persistence\":5}' WHERE id = 2;"
	    "UPDATE real_service SET address = '10.0.0.1', port = '8080',"
	    " params = '{\"forward\":\"dr\"}', enabled = 0 WHERE id = 5");
	refresh();
	round_first();
	assert_string_equal(fake.targets, "/http 192.0.2.1:80 {\"persistence\":5}udp\n"
	    "a : 10 0 1\nb 10.0.0.1:8080 {\"forward\":\"dr\"}10 0 0\nc : 10 1 1\n"
	    "/more : tcp\nd : 10 0 1\n");
}

static void
refused_rows_are_the_message_of_the_cluster(void **state)
{
	(void)state;
	weight_set(REAL_A, 55);
	fake.refuses_targets = true;
	refresh();
	round_first();
	assert_int_equal(fake.polls, 0);
	assert_string_equal(sql_text(fixture->main_path,
	    "SELECT plane_message FROM cluster WHERE id = 2"), "http: wrong address");
	assert_job(1, JOB_QUEUED, "waits: http: wrong address");
	fake.refuses_targets = false;
	loop_run(shared.loop);
	assert_job(1, JOB_SUCCEEDED, "");
}

/* A server that was deleted and added again has other totals than the data plane. */
static void
totals_of_a_server_may_begin_alone(void **state)
{
	(void)state;
	fake.poll.counters_since = 100;
	refresh();
	round_first();
	fake.servers[1].counts.counters_since = 200;
	clock_advance(config.interval_ms);
	round_next();
	assert_string_equal(sql_text(fixture->stats_path, "SELECT group_concat(counters_since)"
	    " FROM (SELECT counters_since FROM statistics ORDER BY real_id) AS s"),
	    "100,200,100,100");
}

/* Runs a round and returns how many rows of statistics it wrote. */
static int64_t
rows_written(void)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM statistics WHERE changed > %lld",
	    (long long)sql_number(fixture->stats_path, "SELECT change FROM store"));
	clock_advance(config.interval_ms);
	round_next();
	return sql_number(fixture->stats_path, sql);
}

static void
statistics_that_stay_the_same_are_seldom_written(void **state)
{
	(void)state;
	refresh();
	round_first();
	assert_int_equal(rows_written(), 0);
	fake.servers[B].counts.present = 1u << STAT_ACTIVE_CONNECTIONS;
	assert_int_equal(rows_written(), 1);
	fake.servers[B].counts.number[STAT_ACTIVE_CONNECTIONS] = 7;
	assert_int_equal(rows_written(), 1);
	fake.servers[A].up = fake.servers[D].up = false;
	assert_int_equal(rows_written(), 2);
	assert_int_equal(rows_written(), 0);
	/* An empty file replaces a damaged one. */
	sql_exec(fixture->stats_path, "UPDATE store SET birth = birth + 1");
	assert_int_equal(rows_written(), SERVERS);
	assert_int_equal(rows_written(), 0);
	/* The time of a row is at most a quarter of stale-after old. */
	assert_int_equal(store_stale_after_set(fixture->store, 3, &fixture->err), ERR_OK);
	assert_int_equal(rows_written(), SERVERS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(jobs_are_carried_out_and_read_back),
		TEST(jobs_wait_for_a_data_plane_without_an_answer),
		TEST(refused_job_fails_and_its_row_gets_the_old_value),
		TEST(job_without_effect_fails),
		TEST(failure_during_a_restart_is_deferred),
		TEST(job_of_an_unread_row_is_claimed_again),
		TEST(data_plane_gets_the_rows_of_the_store),
		TEST(refused_rows_are_the_message_of_the_cluster),
		TEST(totals_of_a_server_may_begin_alone),
		TEST(statistics_that_stay_the_same_are_seldom_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
