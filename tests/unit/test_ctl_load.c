/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of load and export: which rows change, what is printed, and that an export restores the
 * store.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_fixture.h"

/* -- load and export ------------------------------------------------------------------- */

static void
load_again_changes_nothing(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, inventory, NULL, NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 9\n");
	assert_int_equal(load(world, inventory, "--prune", "--reset"), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 9\n");
}

static const char changed[] =
    "cluster web {\n"
    "    service http {\n"
    "        address = 192.0.2.11  port = 80\n"
    "        real web-1 { address = 10.0.0.7  port = 80  weight = 11 }\n"
    "        real web-2 { address = 10.0.0.2  port = 80  weight = 20 }\n"
    "        real web-4 { address = 10.0.0.4  fallback = yes }\n"
    "    }\n"
    "}\n";

#define KEPT "clusters.conf:6: warning: web/http/web-4 is added without fallback: sorry is " \
	"fallback already\n"

static void
load_keeps_settings(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, changed, NULL, NULL), CTL_OK);
	assert_string_equal(world->out, "added 1, updated 2, removed 0, unchanged 2\n");
	assert_non_null(strstr(world->err, KEPT));
	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH            ADDRESS      PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING"
	    "  FRESHNESS\n"
	    "web/http/sorry  2001:db8::9  80         1  yes       yes      -             0  never\n"
	    "web/http/web-1  10.0.0.7     80        10  no        yes      -             0  never\n"
	    "web/http/web-2  10.0.0.2     80        20  no        no       -             0  never\n"
	    "web/http/web-4  10.0.0.4     -          1  no        yes      -             0"
	    "  never\n");
	assert_int_equal(run(world, "-f", "json", "job", NULL), CTL_OK);
	assert_string_equal(world->out, "[]\n");
}

/* Values that a file omits do not change; "" removes a value. */
static void
load_keeps_values_that_the_file_omits(void **state)
{
	static const char silent[] = "cluster web {\n service http {\n  real web-1 { }\n"
	    "  real web-2 { address = \"\"  port = \"\" }\n }\n}\n";
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, silent, NULL, NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 1, removed 0, unchanged 3\n");
	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "web/http/web-1  10.0.0.1     80        10"));
	assert_non_null(strstr(world->out, "web/http/web-2  -            -         20"));
	assert_int_equal(run(world, "list", "web", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "web/http   192.0.2.10  80"));
}

#define IPVS(name, options)                                                    \
	"cluster " name " { plane = ipvs\n service s { address = 192.0.2.10  port = 80\n" \
	options "\n  real a { address = 10.0.0.1  check = none } } }\n"

static void
load_replaces_parameters_by_those_of_the_file(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, IPVS("lv", "scheduler = rr  check-timeout = 0.5"), NULL, NULL),
	    CTL_OK);
	assert_int_equal(run(world, "-f", "json", "list", "lv", NULL), CTL_OK);
	assert_non_null(strstr(world->out,
	    "\"parameters\": {\"check-timeout\": 0.5, \"scheduler\": \"rr\"}"));
	assert_int_equal(run(world, "-f", "json", "list", "-r", "lv", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"parameters\": {\"check\": \"none\"}"));
	assert_int_equal(load(world, IPVS("lv", "scheduler = rr  check-timeout = 0.500"), NULL,
	    NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 3\n");
	assert_int_equal(load(world, IPVS("lv", "persistence = 60"), "--dry-run", NULL), CTL_OK);
	assert_string_equal(world->out, "~ lv/s parameters {\"check-timeout\":0.5,\"scheduler\":"
	    "\"rr\"} -> {\"persistence\":60}\nadded 0, updated 1, removed 0, unchanged 2\n");
	assert_int_equal(load(world, IPVS("lv", ""), NULL, NULL), CTL_OK);
	assert_int_equal(run(world, "-f", "json", "list", "lv", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"parameters\": {}"));
}

/* The file alone breaks no rule. */
static void
load_refuses_the_endpoint_of_a_stored_service(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, IPVS("lv", ""), NULL, NULL), CTL_OK);
	assert_int_equal(load(world, IPVS("other", ""), NULL, NULL), CTL_FAILURE);
	assert_non_null(strstr(world->err,
	    "clusters.conf:2: other/s: has the same protocol, address"
	    " and port as lv/s"));
	assert_int_equal(run(world, "list", "other", NULL), CTL_NOT_FOUND);
	/* --prune=all removes the stored one, which is in another cluster. */
	assert_int_equal(load(world, IPVS("other", ""), "--prune", NULL), CTL_FAILURE);
	assert_int_equal(load(world, IPVS("other", ""), "--prune=all", NULL), CTL_OK);
}

static void
load_reset_sets_by_jobs(void **state)
{
	struct ctl_fixture *world = *state;
	json_t *json;

	assert_int_equal(load(world, changed, "--reset", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "added 1, updated 4, removed 0, unchanged 1, jobs 4\n");
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH            ADDRESS      PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING"
	    "  FRESHNESS\n"
	    "web/http/sorry  2001:db8::9  80         1  no        yes      -             0  never\n"
	    "web/http/web-1  10.0.0.7     80        11  no        yes      -             0  never\n"
	    "web/http/web-2  10.0.0.2     80        20  no        yes      -             0  never\n"
	    "web/http/web-4  10.0.0.4     -          1  yes       yes      -             0"
	    "  never\n");
	assert_int_equal(run(world, "-f", "json", "job", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 4);
	json_decref(json);
}

static void
load_prune_removes_rows_that_the_file_does_not_name(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, changed, "--prune", NULL), CTL_OK);
	assert_string_equal(world->out, "added 1, updated 2, removed 2, unchanged 2\n");
	/* --prune removed the other fallback, so web-4 is added as fallback without a warning. */
	assert_non_null(strstr(world->err, "/clusters.conf does not name: 1, kept; --prune=all "
	    "removes them\n"));
	assert_null(strstr(world->err, "warning"));
	assert_int_equal(run(world, "-f", "json", "list", "-r", NULL), CTL_OK);
	assert_null(strstr(world->out, "sorry"));
	assert_non_null(strstr(world->out, "ha/s/a"));
	assert_int_equal(run(world, "-f", "json", "info", "web/http/web-4", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"fallback\": true"));
	assert_int_equal(run(world, "list", "web", NULL), CTL_OK);
	assert_null(strstr(world->out, "empty"));
}

static void
load_prune_all_removes_other_clusters_too(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, changed, "--prune=all", NULL), CTL_OK);
	assert_string_equal(world->out, "added 1, updated 2, removed 5, unchanged 2\n");
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "list", NULL), CTL_OK);
	assert_null(strstr(world->out, "ha"));
	assert_int_equal(load(world, changed, "--prune=some", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "--prune: unknown argument some; give all or none\n"));
}

static void
load_dry_run_prints_differences_and_changes_nothing(void **state)
{
	struct ctl_fixture *world = *state;
	json_t *json;

	assert_int_equal(load(world, changed, "--prune=all", "--dry-run"), CTL_OK);
	assert_string_equal(world->out,
	    "- ha\n"
	    "- ha/s\n"
	    "- ha/s/a\n"
	    "- web/empty\n"
	    "- web/http/sorry\n"
	    "~ web/http address 192.0.2.10 -> 192.0.2.11\n"
	    "~ web/http/web-1 address 10.0.0.1 -> 10.0.0.7\n"
	    "+ web/http/web-4\n"
	    "added 1, updated 2, removed 5, unchanged 2\n");
	assert_int_equal(load(world, changed, "--prune", "--dry-run"), CTL_OK);
	assert_memory_equal(world->out, "- web/empty\n", strlen("- web/empty\n"));
	assert_non_null(strstr(world->err, "--prune=all removes them\n"));
	assert_int_equal(load(world, changed, "--reset", "--dry-run"), CTL_OK);
	assert_string_equal(world->out,
	    "~ web/http address 192.0.2.10 -> 192.0.2.11\n"
	    "~ web/http/sorry fallback yes -> no\n"
	    "~ web/http/web-1 address 10.0.0.1 -> 10.0.0.7\n"
	    "~ web/http/web-1 weight 10 -> 11\n"
	    "~ web/http/web-2 enabled no -> yes\n"
	    "+ web/http/web-4\n"
	    "~ web/http/web-4 fallback no -> yes\n"
	    "added 1, updated 4, removed 0, unchanged 1, jobs 4\n");
	assert_int_equal(load(world, inventory, "--prune", "--reset"), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 9\n");
	assert_int_equal(run(world, "-f", "json", "job", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 0);
	json_decref(json);
}

static void
load_json_has_the_documented_keys(void **state)
{
	struct ctl_fixture *world = *state;
	char path[128];
	json_t *json;

	file_write(world, "clusters.conf", changed, path);
	assert_int_equal(run(world, "-f", "json", "load", "-n", path, NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 3);
	assert_keys(json_array_get(json, 0), "change path column from to");
	json_decref(json);
	assert_non_null(strstr(world->err, "added 1, updated 2, removed 0, unchanged 2\n"));
	assert_int_equal(run(world, "-f", "json", "load", path, NULL), CTL_OK);
	assert_json(world, "{\"added\":1,\"updated\":2,\"removed\":0,\"unchanged\":2,"
	    "\"jobs\":0}");
}

static void
enabled_of_a_service_is_a_setting(void **state)
{
	static const char off[] = "cluster web { service http { enabled = no } service new {\n"
	    "enabled = no } }", on[] = "cluster web { service http { } service new { } }";
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, off, NULL, NULL), CTL_OK);
	run(world, "list", "web", NULL);
	assert_non_null(strstr(world->out, "web/http   192.0.2.10  80    tcp       yes\n"));
	assert_non_null(strstr(world->out, "web/new    -           -     tcp       no\n"));
	run(world, "export", "web", NULL);
	assert_non_null(strstr(world->out, "    service new {\n        protocol = tcp\n"
	    "        enabled = no\n    }\n"));
	assert_int_equal(load(world, on, "--dry-run", NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 3\n");
	assert_int_equal(load(world, off, "--dry-run", "--reset"), CTL_OK);
	assert_string_equal(world->out, "~ web/http enabled yes -> no\n"
	    "added 0, updated 1, removed 0, unchanged 2, jobs 1\n");
	assert_int_equal(load(world, on, "--reset", NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 1, removed 0, unchanged 2, jobs 1\n");
	run(world, "-f", "json", "info", "web/new", NULL);
	assert_non_null(strstr(world->out, "\"enabled\": true"));
	run(world, "job", NULL);
	assert_non_null(strstr(world->out, "web/new  enabled  no    yes  succeeded"));
}

static void
load_reset_against_a_rule_changes_nothing(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, "cluster web { service http {\n"
	    "real sorry { address = 10.9.9.9 }\n"
	    "real web-1 { address = 10.0.0.1  enabled = no\n"
	    "fallback = yes } } }", "--reset", NULL), CTL_PRECOND);
	assert_non_null(strstr(world->err,
	    "clusters.conf:4: web/http/web-1: precondition failed: "));
	assert_int_equal(load(world, inventory, "--prune", "--reset"), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 9\n");
}

/* A manager and an operator set the same value. The SET of the manager is undone. */
static void
setting_equal_to_an_open_set_stays_after_its_undo(void **state)
{
	static const char file[] = "cluster ha { plane = haproxy  socket = /run/x\n"
	    "service s { real a { address = 10.0.0.1  weight = 50 } } }";
	const struct path path = { "ha", "s", "a" };
	struct ctl_fixture *world = *state;

	for (int loads = 0; loads <= 1; loads++) {
		struct change change = { .column = REAL_WEIGHT, .value = 50 };
		const struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
		    .source = JOB_SOURCE_SNMP, .token = 7 + (uint64_t)loads };
		uint32_t cluster_id, service_id, first_job;
		struct verdict verdict;
		struct store *store;
		struct err err;
		size_t jobs;

		run(world, "set-weight", "--no-wait", "ha/s/a", "1", NULL);
		assert_int_equal(store_open(world->dir, STORE_WRITE, 1000, &store, &err), ERR_OK);
		assert_int_equal(store_find(store, &path, &cluster_id, &service_id,
		    &change.id, &err), ERR_OK);
		assert_int_equal(store_set(store, &set, STORE_SET_HOLD, &verdict, &first_job,
		    &jobs, &err), ERR_OK);
		if (loads) {
			assert_int_equal(load(world, file, "--reset", NULL), CTL_OK);
			assert_string_equal(world->out,
			    "added 0, updated 0, removed 0, unchanged 3, jobs 1\n");
		} else {
			assert_int_equal(run(world, "set-weight", "-W", "ha/s/a", "50", NULL),
			    CTL_OK);
			assert_non_null(strstr(world->out, "queued"));
		}
		assert_int_equal(store_set_undo(store, set.token, &err), ERR_OK);
		store_close(store);
		run(world, "-f", "json", "list", "ha/s/a", NULL);
		assert_non_null(strstr(world->out, "\"weight\": 50"));
	}
}

/* The manager has its answer, and lbclusterd has not written the row yet. */
static void
setting_after_an_answered_set_replaces_its_value(void **state)
{
	static const char file[] = "cluster ha { plane = haproxy  socket = /run/x\n"
	    "service s { real a { address = 10.0.0.1  weight = 1 } } }";
	const struct path path = { "ha", "s", "a" };
	struct change change = { .column = REAL_WEIGHT, .value = 50 };
	const struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
	    .source = JOB_SOURCE_SNMP, .token = 7 };
	uint32_t cluster_id, service_id, first_job;
	struct ctl_fixture *world = *state;
	struct verdict verdict;
	struct store *store;
	struct err err;
	size_t jobs;

	run(world, "set-weight", "--no-wait", "ha/s/a", "1", NULL);
	assert_int_equal(store_open(world->dir, STORE_WRITE, 1000, &store, &err), ERR_OK);
	assert_int_equal(store_find(store, &path, &cluster_id, &service_id, &change.id,
	    &err), ERR_OK);
	assert_int_equal(store_set(store, &set, STORE_SET_HOLD, &verdict, &first_job, &jobs,
	    &err), ERR_OK);
	store_set_release(store, set.token);
	run(world, "-f", "json", "list", "ha/s/a", NULL);
	assert_non_null(strstr(world->out, "\"weight\": 50"));
	assert_int_equal(load(world, file, "--reset", NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 1, removed 0, unchanged 2, jobs 1\n");
	assert_int_equal(store_flush(store, &err), ERR_OK);
	store_close(store);
	run(world, "-f", "json", "list", "ha/s/a", NULL);
	assert_non_null(strstr(world->out, "\"weight\": 1,"));
}

static void
load_of_a_bad_file_creates_no_store(void **state)
{
	struct ctl_fixture *world = *state, other = { .dir = "/tmp/lbc-ctl-XXXXXX" };
	char path[128];

	assert_non_null(mkdtemp(other.dir));
	file_write(world, "clusters.conf", "cluster web { weight = 1 }", path);
	assert_int_equal(run(&other, "load", path, NULL), CTL_FAILURE);
	assert_non_null(strstr(other.err, "clusters.conf:1: no such option 'weight'\n"));
	assert_int_equal(rmdir(other.dir), 0);
	output_clear(&other);
}

/* A SET needs the lock that another program has here. */
static void
load_dry_run_needs_no_lock(void **state)
{
	struct ctl_fixture *world = *state;
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/lbcluster.db", world->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(load(world, changed, "--prune", "--dry-run"), CTL_OK);
	assert_non_null(strstr(world->out, "added 1, updated 2, removed 2, unchanged 2\n"));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
load_dry_run_creates_no_store(void **state)
{
	struct ctl_fixture *world = *state, other = { .dir = "/tmp/lbc-ctl-XXXXXX" };
	char path[128];

	assert_non_null(mkdtemp(other.dir));
	file_write(world, "clusters.conf", inventory, path);
	assert_int_equal(run(&other, "load", "-n", path, NULL), CTL_REFUSED);
	assert_int_equal(rmdir(other.dir), 0);
	output_clear(&other);
}

static void
load_prune_of_an_empty_file_is_refused(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, "# nothing\n", "--prune", NULL), CTL_FAILURE);
	assert_non_null(strstr(world->err, "has no cluster; --prune needs a file with the rows "
	    "to keep"));
	assert_int_equal(load(world, "# nothing\n", "--prune=all", NULL), CTL_FAILURE);
	assert_int_equal(load(world, "# nothing\n", NULL, NULL), CTL_OK);
}

static void
load_of_an_export_restores_the_store(void **state)
{
	struct ctl_fixture *world = *state, other = { .dir = "/tmp/lbc-ctl-XXXXXX" };
	struct ctl_fixture *copy = &other;
	char *text;

	assert_int_equal(run(world, "export", NULL), CTL_OK);
	text = strdup(world->out);
	assert_int_equal(load(world, text, "--prune", "--dry-run"), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 9\n");
	assert_non_null(mkdtemp(other.dir));
	assert_int_equal(load(copy, text, NULL, NULL), CTL_OK);
	assert_int_equal(run(copy, "export", NULL), CTL_OK);
	assert_string_equal(copy->out, text);
	free(text);
	copy = calloc(1, sizeof(*copy));
	*copy = other;
	ctl_teardown((void **)&copy);
}

/* A disabled fallback keeps its flag, and an export contains it. */
static void
export_of_disabled_fallback_is_loaded(void **state)
{
	struct ctl_fixture *world = *state;
	char *text;

	assert_int_equal(run(world, "disable", "web/http/sorry", NULL), CTL_OK);
	assert_int_equal(run(world, "export", NULL), CTL_OK);
	text = strdup(world->out);
	assert_int_equal(run(world, "remove", "--yes", "web", NULL), CTL_OK);
	assert_int_equal(load(world, text, NULL, NULL), CTL_OK);
	assert_int_equal(run(world, "export", NULL), CTL_OK);
	assert_string_equal(world->out, text);
	free(text);
}

/* A write of another program just after export has copied the store. */
static struct ctl_fixture *removes_web;

enum err_code __real_store_snapshot(struct store *store, struct err *err);
enum err_code __wrap_store_snapshot(struct store *store, struct err *err);

enum err_code
__wrap_store_snapshot(struct store *store, struct err *err)
{
	enum err_code code = __real_store_snapshot(store, err);

	if (removes_web != NULL)
		assert_int_equal(run(removes_web, "remove", "--yes", "web", NULL), CTL_OK);
	removes_web = NULL;
	return code;
}

static void
export_is_of_one_moment(void **state)
{
	struct ctl_fixture *world = *state, other = *world;
	char *text;

	assert_int_equal(run(world, "export", NULL), CTL_OK);
	text = strdup(world->out);
	other.out = other.err = NULL;
	removes_web = &other;
	assert_int_equal(run(world, "export", NULL), CTL_OK);
	assert_null(removes_web);
	assert_string_equal(world->out, text);
	free(text);
	output_clear(&other);
	assert_int_equal(run(world, "export", NULL), CTL_OK);
	assert_null(strstr(world->out, "cluster web "));
}

static void
export_of_a_path_has_the_rows_below(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "export", "web/http/web-1", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "cluster web {\n"
	    "    plane = none\n"
	    "    service http {\n"
	    "        address = 192.0.2.10\n"
	    "        port = 80\n"
	    "        protocol = tcp\n"
	    "        real web-1 { address = 10.0.0.1  port = 80  weight = 10 }\n"
	    "    }\n"
	    "}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(load_again_changes_nothing),
		CTL_TEST(load_keeps_settings),
		CTL_TEST(load_keeps_values_that_the_file_omits),
		CTL_TEST(load_reset_sets_by_jobs),
		CTL_TEST(load_replaces_parameters_by_those_of_the_file),
		CTL_TEST(load_refuses_the_endpoint_of_a_stored_service),
		CTL_TEST(load_prune_removes_rows_that_the_file_does_not_name),
		CTL_TEST(load_prune_all_removes_other_clusters_too),
		CTL_TEST(load_dry_run_prints_differences_and_changes_nothing),
		CTL_TEST(load_json_has_the_documented_keys),
		CTL_TEST(enabled_of_a_service_is_a_setting),
		CTL_TEST(load_reset_against_a_rule_changes_nothing),
		CTL_TEST(setting_equal_to_an_open_set_stays_after_its_undo),
		CTL_TEST(setting_after_an_answered_set_replaces_its_value),
		CTL_TEST(load_of_a_bad_file_creates_no_store),
		CTL_TEST(load_dry_run_needs_no_lock),
		CTL_TEST(load_dry_run_creates_no_store),
		CTL_TEST(load_prune_of_an_empty_file_is_refused),
		CTL_TEST(load_of_an_export_restores_the_store),
		CTL_TEST(export_of_disabled_fallback_is_loaded),
		CTL_TEST(export_is_of_one_moment),
		CTL_TEST(export_of_a_path_has_the_rows_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
