/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the commands of lbclusterctl that change several rows at once, wait for jobs, list
 * jobs and remove rows.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl_fixture.h"
#include "util/clock.h"

#define PATH "lbclusterctl: "
#define NO_ANSWER ": no real service is enabled: clients get no answer\n"

/* -- a driver -------------------------------------------------------------------------------- */

static enum err_code
job_note(void *arg, const struct job_row *row)
{
	*(uint32_t *)arg = row->id;
	return ERR_OK;
}

/* The process of a driver of cluster ha: polls, and ends each job in 'state'. With JOB_RUNNING
 * jobs never end. */
static void __attribute__((noreturn))
driver_run(const char *dir, enum job_state state)
{
	struct store_job_end end = { .state = state, .cause = state == JOB_FAILED ?
	    JOB_CAUSE_REJECTED : JOB_CAUSE_NONE, .message = "No such server." };
	const struct driver_poll poll = { .cluster_id = 2, .interval_ms = 1000 };
	struct store *store;
	struct err err;

	/* A test that fails leaves it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		_exit(1);
	if (store_open(dir, STORE_WRITE, 10000, &store, &err) != ERR_OK ||
	    store_plane_set(store, 2, PLANE_STATUS_OK, "", &err) != ERR_OK)
		_exit(1);
	for (;;) {
		struct driver_poll now = poll;

		(void)store_changed(store);	/* opens files again that were replaced */
		now.time = clock_wall_s();
		(void)store_poll_put(store, &now, &err);
		end.id = 0;
		(void)store_jobs_claim(store, 2, 1, job_note, &end.id, &err);
		if (end.id != 0 && state != JOB_RUNNING)
			(void)store_jobs_end(store, &end, 1, &err);
		if (end.id == 0)
			usleep(2000);
	}
}

static pid_t
driver_start(struct ctl_fixture *world, enum job_state state)
{
	pid_t pid = fork();

	if (pid == 0)
		driver_run(world->dir, state);
	assert_true(pid > 0);
	/* Until lbclusterctl shows that a driver polls. */
	do
		assert_int_equal(run(world, "info", "ha", NULL), CTL_OK);
	while (strstr(world->out, "unattended") != NULL);
	return pid;
}

static void
driver_stop(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* -- several rows at once --------------------------------------------------------------------- */

/* Compares the weight, fallback and enabled of web/http/sorry, web-1 and web-2. */
static void
assert_settings(struct ctl_fixture *world, const char *wanted)
{
	char text[200] = "";
	json_t *json, *row;
	size_t i;

	assert_int_equal(run(world, "-f", "json", "list", "web/http", NULL), CTL_OK);
	json = json_of(world);
	json_array_foreach(json, i, row)
		sprintf(text + strlen(text), "%s%lld%s%s", i > 0 ? " " : "",
		    (long long)json_integer_value(json_object_get(row, "weight")),
		    json_is_true(json_object_get(row, "fallback")) ? "f" : "",
		    json_is_true(json_object_get(row, "enabled")) ? "e" : "");
	json_decref(json);
	assert_string_equal(text, wanted);
}

static size_t
jobs_count(struct ctl_fixture *world, const char *option)
{
	json_t *json;
	size_t n;

	assert_int_equal(run(world, "-f", "json", "job", option, NULL), CTL_OK);
	json = json_of(world);
	n = json_array_size(json);
	json_decref(json);
	return n;
}

static void
set_changes_several_rows_at_once(void **state)
{
	struct ctl_fixture *world = *state;

	assert_settings(world, "1fe 10e 20");
	assert_int_equal(run(world, "set", "web/http/web-1", "weight=3", "web/http/web-2",
	    "enabled=yes", "web/http/web-1", "web/http/web-2", "weight=7", NULL), CTL_OK);
	assert_settings(world, "1fe 7e 7e");
	assert_int_equal(jobs_count(world, NULL), 3);
	/* The fallback moves in one change, which two commands cannot do. */
	assert_int_equal(run(world, "set", "web/http/sorry", "fallback=off", "enabled=false",
	    "web/http/web-1", "fallback=true", NULL), CTL_OK);
	assert_settings(world, "1 7fe 7e");
	assert_int_equal(run(world, "set", "web/http", "enabled=no", NULL), CTL_OK);
	assert_int_equal(run(world, "-f", "json", "set", "web/http", "enabled=no", NULL), CTL_OK);
	assert_string_equal(world->out, "[]\n");
}

static void
one_refused_change_refuses_all(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "set", "web/http/web-1", "weight=3", "web/http/web-2",
	    "fallback=yes", "web/http/sorry", "weight=9", NULL), CTL_PRECOND);
	assert_memory_equal(world->err, PATH "web/http/web-2: precondition failed: ",
	    strlen(PATH "web/http/web-2: precondition failed: "));
	assert_string_equal(world->out, "");
	assert_settings(world, "1fe 10e 20");
	assert_int_equal(run(world, "set-weight", "web/http/web-1", "ha/s/a", "300", NULL),
	    CTL_PRECOND);
	assert_non_null(strstr(world->err, PATH "ha/s/a: precondition failed: weight 300"));
	assert_int_equal(run(world, "disable", "web/http/web-1", "web/http/web-9", NULL),
	    CTL_NOT_FOUND);
	assert_non_null(strstr(world->err, PATH "web/http/web-9: does not exist; similar: "));
	assert_settings(world, "1fe 10e 20");
	assert_int_equal(jobs_count(world, NULL), 0);
}

static void
patterns_name_many_rows(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "set-weight", "web/*/web-[12]", "5", NULL), CTL_OK);
	assert_settings(world, "1fe 5e 5");
	assert_int_equal(run(world, "disable", "w?b/http/*", NULL), CTL_OK);
	assert_settings(world, "1f 5 5");
	assert_int_equal(run(world, "-f", "json", "enable", "web/*", "web/http/web-2", NULL),
	    CTL_OK);
	assert_settings(world, "1f 5 5e");
	assert_int_equal(run(world, "enable", "web/*/nope", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->err, PATH "web/*/nope: matches no row\n");
	assert_int_equal(run(world, "enable", "nope/*/a", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->err, PATH "nope: does not exist; clusters: ha, web\n");
	assert_int_equal(run(world, "enable", "we b/*/a", NULL), CTL_USAGE);
}

static void
move_fallback_hands_it_over(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "move-fallback", "web/http/web-1", NULL), CTL_OK);
	assert_settings(world, "1e 10fe 20");
	assert_int_equal(run(world, "move-fallback", "web/http/web-1", NULL), CTL_OK);
	assert_string_equal(world->out, "nothing to do: already fallback\n");
	assert_int_equal(run(world, "move-fallback", "web/http/web-2", NULL), CTL_PRECOND);
	assert_non_null(strstr(world->err, PATH "web/http/web-2: precondition failed: "));
	assert_settings(world, "1e 10fe 20");
	assert_int_equal(run(world, "disable-fallback", "web/http/web-1", NULL), CTL_OK);
	assert_int_equal(run(world, "move-fallback", "web/http/sorry", NULL), CTL_OK);
	assert_settings(world, "1fe 10e 20");
	assert_int_equal(run(world, "move-fallback", "web/http/*", NULL), CTL_PRECOND);
	assert_non_null(strstr(world->err,
	    "\" makes it the only fallback of its service\n"));
	assert_settings(world, "1fe 10e 20");
}

static void
service_without_an_enabled_real_service_is_reported(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "disable", "-n", "web/http/*", NULL), CTL_OK);
	assert_string_equal(world->err, PATH "web/http" NO_ANSWER);
	assert_int_equal(run(world, "disable", "web/http/web-1", NULL), CTL_OK);
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "disable", "web/http/sorry", NULL), CTL_OK);
	assert_string_equal(world->err, PATH "web/http" NO_ANSWER);
	assert_int_equal(run(world, "set", "web/http/web-1", "ha/s/a", "web/http/web-2",
	    "enabled=no", "--no-wait", NULL), CTL_OK);
	assert_string_equal(world->err, PATH "web/http" NO_ANSWER PATH "ha/s" NO_ANSWER);
	/* A service that is disabled itself is meant to give no answer. */
	assert_int_equal(run(world, "disable", "web/http/web-1", "web/http", NULL), CTL_OK);
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "enable", "web/http", NULL), CTL_OK);
	assert_string_equal(world->err, PATH "web/http" NO_ANSWER);
	assert_int_equal(run(world, "enable", "web/http/web-1", NULL), CTL_OK);
	assert_string_equal(world->err, "");
}

static void
dry_run_shows_the_changes_and_makes_none(void **state)
{
	struct ctl_fixture *world = *state;
	json_t *json, *row;

	assert_int_equal(run(world, "-f", "json", "move-fallback", "-n", "web/http/web-1", NULL),
	    CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 2);
	row = json_array_get(json, 0);
	assert_true(json_is_null(json_object_get(row, "id")));
	assert_string_equal(json_string_value(json_object_get(row, "type")), "disable_fallback");
	assert_string_equal(json_string_value(json_object_get(row, "service")), "web/http/sorry");
	assert_string_equal(json_string_value(json_object_get(row, "from")), "yes");
	assert_string_equal(json_string_value(json_object_get(row, "to")), "no");
	json_decref(json);
	assert_settings(world, "1fe 10e 20");
	assert_int_equal(run(world, "set-weight", "-n", "web/http/web-*", "20", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "web/http/web-1  weight   10    20  not made: dry run"));
	assert_null(strstr(world->out, "web-2"));
	assert_int_equal(run(world, "enable-fallback", "-n", "web/http/web-1", NULL), CTL_PRECOND);
	assert_settings(world, "1fe 10e 20");
	assert_int_equal(jobs_count(world, NULL), 0);
}

static void
wrong_operands_are_usage(void **state)
{
	static const char *const cases[][4] = {
		{ "set", "weight=3", "web/http/web-1" }, { "set", "web/http/web-1", "x" },
		{ "set", "web/http/web-1", "weight=" }, { "set", "web/http/web-1", "weight=70000" },
		{ "set", "web/http/web-1", "enabled=maybe" }, { "set", "web/http", "weight=1" },
		{ "set", "web/http/web-1", "port=1" }, { "set", "web", "enabled=no" },
		{ "set", "web/http/web-1", "enabled=no", "web/http/web-2" },
		{ "set-weight", "web/http/web-1" }, { "move-fallback", "web/http" },
		{ "disable", "--timeout", "0", "web/http" }, { "disable", "--yes", "web/http" },
		{ "job", "--since", "yesterday" }, { "job", "--since", "5" }, { "history", "web" },
		{ "history" }, { "remove" }, { "remove", "--yes", "a/b/c/d" },
	};
	struct ctl_fixture *world = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(run(world, cases[i][0], cases[i][1], cases[i][2], cases[i][3],
		    NULL), CTL_USAGE);
		assert_memory_equal(world->err, PATH, strlen(PATH));
		assert_string_equal(world->out, "");
	}
}

/* -- waiting ---------------------------------------------------------------------------------- */

static void
setting_waits_until_its_job_succeeded(void **state)
{
	struct ctl_fixture *world = *state;
	pid_t driver = driver_start(world, JOB_SUCCEEDED);

	assert_int_equal(run(world, "-f", "json", "set-weight", "ha/s/a", "9", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"status\": \"succeeded\""));
	assert_string_equal(world->err, "");
	driver_stop(driver);
}

static void
failed_job_fails_the_command(void **state)
{
	struct ctl_fixture *world = *state;
	pid_t driver = driver_start(world, JOB_FAILED);

	assert_int_equal(run(world, "disable", "ha/s/a", "web/http/web-1", NULL), CTL_JOB_FAILED);
	assert_string_equal(world->err, PATH "ha/s" NO_ANSWER
	    PATH "job 1: ha/s/a: disable: failed: rejected: No such server.\n");
	assert_non_null(strstr(world->out, "failed: rejected  No such server."));
	driver_stop(driver);
	assert_int_equal(jobs_count(world, "--failed"), 1);
}

static void
job_that_does_not_end_ends_the_wait_in_time(void **state)
{
	struct ctl_fixture *world = *state;
	pid_t driver = driver_start(world, JOB_RUNNING);

	assert_int_equal(run(world, "disable", "ha/s/a", "--timeout", "1", NULL), CTL_JOB_OPEN);
	assert_string_equal(world->err, PATH "ha/s" NO_ANSWER
	    PATH "job 1: not ended after 1 s; \"lbclusterctl job "
	    "--open\" shows the open jobs\n");
	assert_int_equal(jobs_count(world, "--open"), 1);
	/* The same setting again waits for the same job. */
	assert_int_equal(run(world, "disable", "ha/s/a", "--timeout", "1", NULL), CTL_JOB_OPEN);
	assert_int_equal(jobs_count(world, NULL), 1);
	assert_int_equal(run(world, "disable", "ha/s/a", "--no-wait", NULL), CTL_OK);
	driver_stop(driver);
}

static void
setting_without_a_driver_does_not_wait(void **state)
{
	struct ctl_fixture *world = *state;
	int64_t begun_ms = clock_steady_ms();

	assert_int_equal(run(world, "disable", "web/http/web-1", "ha/s/a", NULL), CTL_JOB_OPEN);
	assert_string_equal(world->err, PATH "ha/s" NO_ANSWER
	    PATH "job 2: ha/s/a: disable: has not ended: "
	    "lbcluster-haproxy has not polled HAProxy yet; start it\n");
	assert_non_null(strstr(world->out, "succeeded"));
	assert_true(clock_steady_ms() - begun_ms < CTL_JOBS_WAIT_S * 1000 / 2);
	assert_int_equal(run(world, "disable", "--no-wait", "ha/s/a", NULL), CTL_OK);
}

/* -- jobs ------------------------------------------------------------------------------------- */

static void
jobs_are_filtered(void **state)
{
	struct ctl_fixture *world = *state;

	run(world, "set-weight", "web/http/web-1", "5", NULL);
	run(world, "set-weight", "-W", "ha/s/a", "5", NULL);
	run(world, "disable", "web/http", NULL);
	assert_int_equal(jobs_count(world, NULL), 3);
	assert_int_equal(jobs_count(world, "--open"), 1);
	assert_int_equal(jobs_count(world, "--failed"), 0);
	assert_int_equal(jobs_count(world, "--since=1h"), 3);
	assert_int_equal(jobs_count(world, "--since=2999-01-01"), 0);
	assert_int_equal(jobs_count(world, "--since=2026-01-01T00:00:00Z"), 3);
	assert_int_equal(jobs_count(world, "web"), 2);
	assert_int_equal(jobs_count(world, "web/http"), 2);
	assert_int_equal(jobs_count(world, "*/*/a"), 1);
	assert_int_equal(jobs_count(world, "web/empty"), 0);
	assert_int_equal(run(world, "job", "web/http/web-9", NULL), CTL_NOT_FOUND);
}

/* The message of a failed job is shown once. */
static void
job_shows_who_changed_what_to_what(void **state)
{
	struct ctl_fixture *world = *state;
	const char *found;

	run(world, "set-weight", "web/http/web-1", "5", NULL);
	assert_int_equal(run(world, "job", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "  web/http/web-1  weight   10    5   succeeded  "
	    "recorded: the cluster has no data plane\n"));
	assert_non_null(strstr(world->out, " (uid "));
	found = strstr(world->out, "recorded");
	assert_null(strstr(found + 1, "recorded"));
}

static void
history_is_of_one_row_also_after_its_removal(void **state)
{
	struct ctl_fixture *world = *state;
	json_t *json;

	run(world, "set-weight", "web/http/web-1", "5", NULL);
	run(world, "disable", "web/http/web-1", "web/http/web-2", "web/http", NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run(world, "-f", "json", "history", "web/http/web-1", NULL),
		    CTL_OK);
		json = json_of(world);
		assert_int_equal(json_array_size(json), 2);
		json_decref(json);
		run(world, "remove", "--yes", "web/http/web-1", NULL);
	}
	assert_int_equal(run(world, "-f", "json", "history", "web/http", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 1);
	json_decref(json);
	assert_int_equal(run(world, "history", "web/http/web-9", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->out, "");
}

/* -- removal ---------------------------------------------------------------------------------- */

static void
remove_needs_yes_and_counts(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "remove", "web", NULL), CTL_USAGE);
	assert_memory_equal(world->err, PATH "1 cluster, 2 services, 3 real services would be "
	    "removed; give --yes", 70);
	assert_int_equal(run(world, "remove", "-n", "web/http/*", "web/http", "ha", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH        REMOVED\n"
	    "web/http/*        3\n"
	    "web/http          1\n"
	    "ha                3\n"
	    "dry run: 1 cluster, 2 services, 4 real services would be removed\n");
	assert_settings(world, "1fe 10e 20");
	assert_int_equal(run(world, "-f", "json", "remove", "-y", "web/http/web-?", "web/empty",
	    NULL), CTL_OK);
	assert_json(world, "[{\"path\":\"web/http/web-?\",\"removed\":2},"
	    "{\"path\":\"web/empty\",\"removed\":1}]");
	assert_settings(world, "1fe");
}

static void
remove_of_an_unknown_row_removes_nothing(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "remove", "--yes", "web/http/web-1", "web/http/web-9", NULL),
	    CTL_NOT_FOUND);
	assert_int_equal(run(world, "remove", "--yes", "web/http/web-1", "ha/*/x", NULL),
	    CTL_NOT_FOUND);
	assert_settings(world, "1fe 10e 20");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(set_changes_several_rows_at_once),
		CTL_TEST(one_refused_change_refuses_all),
		CTL_TEST(patterns_name_many_rows),
		CTL_TEST(move_fallback_hands_it_over),
		CTL_TEST(service_without_an_enabled_real_service_is_reported),
		CTL_TEST(dry_run_shows_the_changes_and_makes_none),
		CTL_TEST(wrong_operands_are_usage),
		CTL_TEST(setting_waits_until_its_job_succeeded),
		CTL_TEST(failed_job_fails_the_command),
		CTL_TEST(job_that_does_not_end_ends_the_wait_in_time),
		CTL_TEST(setting_without_a_driver_does_not_wait),
		CTL_TEST(jobs_are_filtered),
		CTL_TEST(job_shows_who_changed_what_to_what),
		CTL_TEST(history_is_of_one_row_also_after_its_removal),
		CTL_TEST(remove_needs_yes_and_counts),
		CTL_TEST(remove_of_an_unknown_row_removes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
