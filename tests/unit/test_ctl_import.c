/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of import-statistics: what "statistics" prints after an import, and each refused line.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl_fixture.h"
#include "ctl/lines.h"

/* -- accepted lines ----------------------------------------------------------- */

static void
statistics_imported_are_printed(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(import(world, "{\"path\": \"web/http/web-1\", \"active\": true,"
	    " \"active_connections\": 7, \"bps_in\": 9223372036854775807, \"bps_out\": 0,"
	    " \"connections_per_second\": 3, \"inactive_connections\": 4,"
	    " \"last_update\": \"2020-11-22T13:42:00Z\", \"persistent_connections\": null,"
	    " \"pps_out\": 6}\n"), CTL_OK);
	assert_string_equal(world->out, "imported  1\nbad       0\n");
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	/* These statistics are stale, so "active" is unknown. */
	assert_json(world, "{\"active\":null,\"active_connections\":7,"
	    "\"bps_in\":9223372036854775807,\"bps_out\":0,\"connections_per_second\":3,"
	    "\"inactive_connections\":4,\"last_update\":\"2020-11-22T13:42:00Z\","
	    "\"persistent_connections\":null,\"pps_in\":null,\"pps_out\":6,"
	    "\"freshness\":\"stale\",\"age\":0}");
	assert_int_equal(run(world, "-f", "json", "list", "web/http/web-1", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"active\": null"));
	assert_non_null(strstr(world->out, "\"freshness\": \"stale\""));
	assert_int_equal(import(world, "{\"path\": \"web/http/web-1\", \"active\": true}\n"),
	    CTL_OK);
	assert_int_equal(run(world, "-f", "json", "list", "web/http/web-1", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"active\": true"));
	assert_non_null(strstr(world->out, "\"freshness\": \"fresh\""));
}

static void
statistics_with_totals_have_the_keys_of_totals(void **state)
{
	struct ctl_fixture *world = *state;
	json_t *json;

	assert_int_equal(import(world, "{\"path\": \"web/http/web-1\", \"last_update\": 1000,"
	    " \"total_octets_in\": 5, \"counters_since\": \"1970-01-01T00:00:09Z\"}\n"), CTL_OK);
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	json = json_of(world);
	assert_keys(json, API_KEYS " counters_since total_connections total_packets_in "
	    "total_packets_out total_octets_in total_octets_out connection_errors "
	    "response_errors requests http_4xx http_5xx check_failures connection_limit "
	    "queued_connections response_time_ms connect_time_ms queue_time_ms check_code "
	    "check_duration_ms");
	assert_string_equal(json_string_value(json_object_get(json, "last_update")),
	    "1970-01-01T00:16:40Z");
	assert_string_equal(json_string_value(json_object_get(json, "counters_since")),
	    "1970-01-01T00:00:09Z");
	assert_int_equal(json_integer_value(json_object_get(json, "total_octets_in")), 5);
	assert_true(json_is_null(json_object_get(json, "total_octets_out")));
	assert_true(json_is_null(json_object_get(json, "active")));
	json_decref(json);
}

static void
statistics_of_a_service_are_printed(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(import(world, "{\"path\": \"web/http\", \"algorithm\": \"leastconn\","
	    " \"last_update\": \"2020-11-22T13:42:00Z\", \"total_connections\": 1,"
	    " \"total_octets_in\": 2, \"total_octets_out\": 9223372036854775807,"
	    " \"total_packets_in\": 4, \"total_packets_out\": 5, \"queued_connections\": 6,"
	    " \"connection_errors\": 7, \"response_errors\": 8, \"requests\": 9, \"http_4xx\": 10,"
	    " \"http_5xx\": 11, \"response_time_ms\": 12, \"counters_since\": 1000}\n"
	    "{\"path\": \"web/http/web-1\", \"check_code\": 503}\n"), CTL_OK);
	assert_string_equal(world->out, "imported  2\nbad       0\n");
	assert_int_equal(run(world, "-f", "json", "statistics", "-v", "web/http", NULL), CTL_OK);
	assert_json(world, "{\"algorithm\":\"leastconn\",\"total_connections\":1,"
	    "\"total_octets_in\":2,\"total_octets_out\":9223372036854775807,"
	    "\"total_packets_in\":4,\"total_packets_out\":5,\"queued_connections\":6,"
	    "\"connection_errors\":7,\"response_errors\":8,\"requests\":9,\"http_4xx\":10,"
	    "\"http_5xx\":11,\"response_time_ms\":12,"
	    "\"last_update\":\"2020-11-22T13:42:00Z\",\"freshness\":\"stale\",\"age\":0,"
	    "\"counters_since\":\"1970-01-01T00:16:40Z\"}");
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"check_code\": 503"));
	/* A line replaces all values. */
	assert_int_equal(import(world, "{\"path\": \"web/http\", \"requests\": null}\n"), CTL_OK);
	assert_int_equal(run(world, "-f", "json", "statistics", "-v", "web", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"path\": \"web/http\""));
	assert_non_null(strstr(world->out, "\"algorithm\": null"));
	assert_non_null(strstr(world->out, "\"total_connections\": null"));
	assert_non_null(strstr(world->out, "\"freshness\": \"fresh\""));
}

/* -- invalid lines -------------------------------------------------------------------- */

#define ON_WEB_1(text) "{\"path\": \"web/http/web-1\", " text "}\n"
#define GOOD ON_WEB_1("\"pps_in\": 1")

static const struct bad_line {
	const char *name, *line, *message;
} bad_lines[] = {
	{ "line_without_json_is_bad", "path web\n",
	    ":2: is not JSON ('[' or '{' expected near 'path'); write one whole object on each "
	    "line\n" },
	{ "line_with_two_objects_is_bad", "{} {}\n", ":2: is not JSON (" },
	{ "line_with_half_an_object_is_bad", "{\n", ":2: is not JSON (" },
	{ "line_that_is_an_array_is_bad", "[]\n", ":2: an array is not accepted; write one object "
	    "on each line, as \"jq -c '.[]'\" does\n" },
	{ "line_with_half_an_array_is_bad", " [{},\n", ":2: an array is not accepted; " },
	{ "line_that_is_a_text_is_bad", "\"a\"\n", ":2: is not JSON (" },
	{ "line_with_a_key_twice_is_bad", ON_WEB_1("\"pps_in\": 1, \"pps_in\": 2"),
	    ":2: is not JSON (duplicate" },
	{ "line_without_path_is_bad", "{\"pps_in\": 1}\n",
	    ":2: path is missing, or is not a text; give cluster/service/server\n" },
	{ "line_with_path_of_number_is_bad", "{\"path\": 1}\n", ":2: path is missing, or is not " },
	{ "line_of_unknown_real_is_bad", "{\"path\": \"web/http/web-9\"}\n",
	    ":2: web/http/web-9: does not exist; similar: web/http/web-1, web/http/web-2\n" },
	{ "line_of_unknown_cluster_is_bad", "{\"path\": \"ipvs/http/web-9\"}\n",
	    ":2: ipvs: does not exist; clusters: ha, web\n" },
	{ "line_of_cluster_is_bad", "{\"path\": \"web\"}\n",
	    ":2: web: is a cluster, not a service or real service; its services: " },
	{ "key_of_real_services_for_a_service_is_bad",
	    "{\"path\": \"web/http\", \"requests\": 1, \"active\": true}\n",
	    ":2: \"active\" is not a key of a service; the path of a real service is "
	    "cluster/service/server\n" },
	{ "number_of_real_services_for_a_service_is_bad",
	    "{\"path\": \"web/http\", \"bps_in\": 1}\n",
	    ":2: \"bps_in\" is not a key of a service; the path of a real service is "
	    "cluster/service/server\n" },
	{ "key_of_services_for_a_real_service_is_bad", ON_WEB_1("\"algorithm\": \"wrr\""),
	    ":2: \"algorithm\" is not a key of a real service\n" },
	{ "algorithm_of_number_is_bad", "{\"path\": \"web/http\", \"algorithm\": 1}\n",
	    ":2: algorithm is not a text of at most 32 bytes\n" },
	{ "algorithm_of_33_bytes_is_bad",
	    "{\"path\": \"web/http\", \"algorithm\": \"123456789012345678901234567890123\"}\n",
	    ":2: algorithm is not a text of at most 32 bytes\n" },
	{ "line_with_an_empty_name_is_bad", "{\"path\": \"web//x\"}\n",
	    ":2: \"\" is not the name of a" },
	{ "key_unknown_is_bad", ON_WEB_1("\"load\": 1"),
	    ":2: \"load\" is not a key of statistics\n" },
	{ "key_mistyped_is_bad", ON_WEB_1("\"bps-in\": 1"),
	    ":2: \"bps-in\" is not a key of statistics; similar: bps_in, pps_in\n" },
	{ "key_unknown_of_null_is_bad", ON_WEB_1("\"load\": null"),
	    ":2: \"load\" is not a key of statistics\n" },
	{ "number_negative_is_bad", ON_WEB_1("\"bps_in\": -1"), ":2: bps_in is negative\n" },
	{ "number_negative_with_fraction_is_bad", ON_WEB_1("\"bps_in\": -0.7"),
	    ":2: bps_in is negative\n" },
	{ "number_of_text_is_bad", ON_WEB_1("\"bps_in\": \"1\""), ":2: bps_in is not a number\n" },
	{ "number_too_big_is_bad", ON_WEB_1("\"bps_in\": 9223372036854775808"),
	    ":2: is not JSON (too big integer near '9223372036854775808')\n" },
	{ "number_with_exponent_too_big_is_bad", ON_WEB_1("\"bps_in\": 1e19"),
	    ":2: bps_in is above 9223372036854775807\n" },
	{ "active_of_number_is_bad", ON_WEB_1("\"active\": 1"),
	    ":2: active is not true or false\n" },
	{ "time_negative_is_bad", ON_WEB_1("\"last_update\": -1"),
	    ":2: last_update is before 1970\n" },
	{ "time_negative_with_fraction_is_bad", ON_WEB_1("\"last_update\": -0.5"),
	    ":2: last_update is before 1970\n" },
	{ "time_in_milliseconds_is_bad", ON_WEB_1("\"last_update\": 1795354920000"),
	    ":2: last_update is above the year 9999; give seconds, not milliseconds\n" },
	{ "time_in_milliseconds_with_fraction_is_bad", ON_WEB_1("\"last_update\": 1.79535492e12"),
	    ":2: last_update is above the year 9999; give seconds, not milliseconds\n" },
	{ "time_in_the_future_is_bad", ON_WEB_1("\"last_update\": \"9999-01-01T00:00:00Z\""),
	    " s in the future; check the clocks of both machines\n" },
	{ "time_of_counters_in_the_future_is_bad", ON_WEB_1("\"counters_since\": 253402300799"),
	    ":2: counters_since is " },
	{ "time_without_z_is_bad", ON_WEB_1("\"last_update\": \"2020-11-22T13:42:00\""),
	    ":2: last_update is not a time; give seconds since 1970, or a text such as "
	    "2026-11-22T13:42:00Z\n" },
	{ "time_of_one_digit_is_bad", ON_WEB_1("\"last_update\": \"2020-1-22T13:42:00Z\""),
	    ":2: last_update is not a time; " },
	{ "time_with_more_after_is_bad", ON_WEB_1("\"last_update\": \"2020-1-22T13:42:00Zx\""),
	    ":2: last_update is not a time; " },
	{ "time_of_month_13_is_bad", ON_WEB_1("\"counters_since\": \"2020-13-22T13:42:00Z\""),
	    ":2: counters_since is not a time; " },
	{ "time_of_february_31_is_bad", ON_WEB_1("\"last_update\": \"2026-02-31T00:00:00Z\""),
	    ":2: last_update is not a time; " },
	{ "time_of_february_29_in_2021_is_bad",
	    ON_WEB_1("\"last_update\": \"2021-02-29T00:00:00Z\""),
	    ":2: last_update is not a time; " },
	{ "time_of_second_60_is_bad", ON_WEB_1("\"last_update\": \"2021-02-28T00:00:60Z\""),
	    ":2: last_update is not a time; " },
	{ "time_of_boolean_is_bad", ON_WEB_1("\"last_update\": true"),
	    ":2: last_update is not a time; " },
	{ "time_before_1970_is_bad", ON_WEB_1("\"last_update\": \"1969-12-31T23:59:59Z\""),
	    ":2: last_update is before 1970\n" },
};

/* The lines before and after a bad line are stored, and the exit status is CTL_FAILURE. */
static void
bad_line_test(void **state)
{
	const struct bad_line *bad = *state;
	char text[1024], *row[1];
	struct ctl_fixture *world;

	ctl_setup((void **)row);
	world = (struct ctl_fixture *)(void *)row[0];
	snprintf(text, sizeof(text), "%s%s\n%s", GOOD, bad->line,
	    "{\"path\": \"ha/s/a\", \"bps_out\": 8}\n");
	assert_int_equal(import(world, text), CTL_FAILURE);
	assert_non_null(strstr(world->err, bad->message));
	assert_string_equal(world->out, "imported  2\nbad       1\n");
	assert_int_equal(run(world, "-f", "json", "statistics", "ha/s/a", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"bps_out\": 8"));
	ctl_teardown((void **)row);
}

static void
line_too_long_is_bad(void **state)
{
	struct ctl_fixture *world = *state;
	size_t length = 3 * LINES_LENGTH_MAX;
	char *text = malloc(length + 512);

	strcpy(text, GOOD);
	memset(text + strlen(GOOD), ' ', length);
	strcpy(text + strlen(GOOD) + length, "\n" GOOD "{");
	assert_int_equal(import(world, text), CTL_FAILURE);
	assert_non_null(strstr(world->err, ":2: the line is longer than 65536 bytes\n"));
	assert_non_null(strstr(world->err, ":4: is not JSON ("));
	assert_string_equal(world->out, "imported  2\nbad       2\n");
	free(text);
}

/* The longest line that does not end the import: the line after it is stored. */
static void
line_of_the_buffer_is_skipped(void **state)
{
	static const char next[] = "\n{\"path\": \"web/http/web-1\", \"pps_in\": 1}\n";
	struct ctl_fixture *world = *state;
	char *text = malloc(1048576 + sizeof(next));

	memset(text, 'x', 1048576);
	strcpy(text + 1048576, next);
	assert_int_equal(import(world, text), CTL_FAILURE);
	assert_non_null(strstr(world->err, ":1: the line is longer than 65536 bytes\n"));
	assert_string_equal(world->out, "imported  1\nbad       1\n");
	free(text);
}

/* /dev/zero is such a line without an end. */
static void
line_longer_than_the_buffer_ends_the_import(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "import-statistics", "/dev/zero", NULL), CTL_FAILURE);
	assert_non_null(strstr(world->err, "/dev/zero:1: the line is longer than 1048576 bytes; "
	    "write one JSON object on each line\n"));
	assert_string_equal(world->out, "imported  0\nbad       0\n");
}

/* Completion by a shell adds the slash. */
static void
path_with_a_slash_at_its_end_is_stored(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(import(world, "{\"path\": \"web/http/web-1/\", \"pps_in\": 1}\n"), CTL_OK);
	assert_string_equal(world->out, "imported  1\nbad       0\n");
	assert_int_equal(import(world, "{\"path\": \"web/http/web-1//\"}\n"), CTL_FAILURE);
}

static void
bad_lines_beyond_the_limit_are_counted(void **state)
{
	struct ctl_fixture *world = *state;
	char text[512] = "";
	size_t lines = 0;

	for (int i = 0; i < 23; i++)
		strcat(text, "x\n");
	assert_int_equal(import(world, text), CTL_FAILURE);
	for (const char *p = world->err; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 21);
	assert_non_null(strstr(world->err, ": 3 more bad lines\n"));
	assert_string_equal(world->out, "imported  0\nbad       23\n");
}

static void
line_without_time_has_the_time_of_the_import(void **state)
{
	struct ctl_fixture *world = *state;
	struct tm tm = { 0 };
	json_t *json;
	time_t stored;

	assert_int_equal(import(world, "\n" GOOD), CTL_OK);
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	json = json_of(world);
	assert_non_null(strptime(json_string_value(json_object_get(json, "last_update")),
	    "%Y-%m-%dT%H:%M:%SZ", &tm));
	stored = timegm(&tm);
	assert_true(stored <= time(NULL) && stored > time(NULL) - 60);
	json_decref(json);
}

/* Collectors print such numbers; the time is one of Python's time(). */
static void
numbers_with_fraction_are_rounded(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(import(world, ON_WEB_1("\"bps_in\": 1.5, \"bps_out\": 2.49, "
	    "\"pps_in\": 1e3, \"pps_out\": -0.0, \"last_update\": 1606052520.987")), CTL_OK);
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	assert_json(world, "{\"active\":null,\"active_connections\":null,\"bps_in\":2,"
	    "\"bps_out\":2,\"connections_per_second\":null,\"inactive_connections\":null,"
	    "\"last_update\":\"2020-11-22T13:42:00Z\",\"persistent_connections\":null,"
	    "\"pps_in\":1000,\"pps_out\":0,\"freshness\":\"stale\",\"age\":0}");
}

/* Some editors write a byte order mark. */
static void
byte_order_mark_at_the_start_is_skipped(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(import(world, "\xEF\xBB\xBF" GOOD), CTL_OK);
	assert_string_equal(world->out, "imported  1\nbad       0\n");
	assert_int_equal(import(world, GOOD "\xEF\xBB\xBF" GOOD), CTL_FAILURE);
	assert_string_equal(world->out, "imported  1\nbad       1\n");
}

/* The clock of a collector's machine may be a little ahead. */
static void
time_20_s_ahead_becomes_now(void **state)
{
	struct ctl_fixture *world = *state;
	char text[128], wanted[64];
	struct tm tm;
	time_t now;

	snprintf(text, sizeof(text), ON_WEB_1("\"last_update\": %lld"),
	    (long long)time(NULL) + 20);
	assert_int_equal(import(world, text), CTL_OK);
	now = time(NULL);
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	for (int i = 0; i < 3; i++, now--) {
		strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
		if (strstr(world->out, wanted) != NULL)
			return;
	}
	fail_msg("last_update is not now: %s", world->out);
}

static void
file_that_cannot_be_read_is_a_failure(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "import-statistics", world->dir, NULL), CTL_FAILURE);
	assert_non_null(strstr(world->err, ": is a directory; give a file, or - for the "));
	assert_int_equal(run(world, "import-statistics", "/nonexistent", NULL), CTL_FAILURE);
}

/* More than one batch, and the last line without a newline. */
static void
import_of_many_lines_stores_all(void **state)
{
	struct ctl_fixture *world = *state;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	for (int i = 0; i < 2500; i++)
		fprintf(file, "{\"path\": \"web/http/web-%d\", \"pps_in\": %d}\n", 1 + i % 2, i);
	fprintf(file, "{\"path\": \"web/http/sorry\", \"pps_in\": 77}");
	fclose(file);
	assert_int_equal(import(world, text), CTL_OK);
	assert_string_equal(world->out, "imported  2501\nbad       0\n");
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"pps_in\": 77"));
	assert_non_null(strstr(world->out, "\"pps_in\": 2498"));
	assert_non_null(strstr(world->out, "\"pps_in\": 2499"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest fixed[] = {
		CTL_TEST(statistics_imported_are_printed),
		CTL_TEST(statistics_with_totals_have_the_keys_of_totals),
		CTL_TEST(statistics_of_a_service_are_printed),
		CTL_TEST(line_too_long_is_bad),
		CTL_TEST(line_of_the_buffer_is_skipped),
		CTL_TEST(line_longer_than_the_buffer_ends_the_import),
		CTL_TEST(path_with_a_slash_at_its_end_is_stored),
		CTL_TEST(bad_lines_beyond_the_limit_are_counted),
		CTL_TEST(line_without_time_has_the_time_of_the_import),
		CTL_TEST(numbers_with_fraction_are_rounded),
		CTL_TEST(byte_order_mark_at_the_start_is_skipped),
		CTL_TEST(time_20_s_ahead_becomes_now),
		CTL_TEST(file_that_cannot_be_read_is_a_failure),
		CTL_TEST(import_of_many_lines_stores_all),
	};
	struct CMUnitTest tests[COUNT(fixed) + COUNT(bad_lines)] = { 0 };

	for (size_t i = 0; i < COUNT(bad_lines); i++) {
		union { const void *in; void *out; } row = { .in = &bad_lines[i] };

		tests[i].name = bad_lines[i].name;
		tests[i].test_func = bad_line_test;
		tests[i].initial_state = row.out;
	}
	memcpy(tests + COUNT(bad_lines), fixed, sizeof(fixed));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
