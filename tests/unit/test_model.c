/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/model/model.c: names and paths.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "model/model.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NAME_16 "aB3-._aB3-._aB3-"
#define NAME_64 NAME_16 NAME_16 NAME_16 NAME_16

/* -- names ------------------------------------------------------------------- */

static void
name_of_allowed_characters_is_valid(void **state)
{
	static const char *const names[] = {
		"a", "Z", "0", "-", ".", "_", "web-1", "web_1.example", "..", NAME_64,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ-._", "abcdefghijklmnopqrstuvwxyz0123456789",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_true(model_name_valid(names[i]));
}

static void
name_of_65_bytes_is_invalid(void **state)
{
	(void)state;
	assert_int_equal(strlen(NAME_64), 64);
	assert_true(model_name_valid(NAME_64));
	assert_false(model_name_valid(NAME_64 "x"));
	assert_false(model_name_valid(NAME_64 NAME_64 NAME_64 NAME_64));
}

static void
name_with_another_character_is_invalid(void **state)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._";
	char name[] = "a?b";

	(void)state;
	assert_false(model_name_valid(""));
	for (int octet = 1; octet < 256; octet++) {
		name[1] = (char)octet;
		assert_int_equal(model_name_valid(name), strchr(allowed, octet) != NULL);
	}
}

/* -- paths ------------------------------------------------------------------- */

static void
path_of_one_to_three_parts_is_read(void **state)
{
	static const struct {
		const char	*text, *cluster, *service, *real;
	} cases[] = {
		{ "web", "web", "", "" },
		{ "web/http", "web", "http", "" },
		{ "web/http/web-1", "web", "http", "web-1" },
		{ "a/b/c", "a", "b", "c" },
		{ NAME_64 "/" NAME_64 "/" NAME_64, NAME_64, NAME_64, NAME_64 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct path path;
		char buf[PATH_TEXT_SIZE];

		memset(&path, 'x', sizeof(path));
		assert_int_equal(path_parse(cases[i].text, &path, NULL), ERR_OK);
		assert_string_equal(path.cluster, cases[i].cluster);
		assert_string_equal(path.service, cases[i].service);
		assert_string_equal(path.real, cases[i].real);
		assert_ptr_equal(path_text(&path, buf), buf);
		assert_string_equal(buf, cases[i].text);
	}
}

static void
invalid_path_names_the_invalid_part(void **state)
{
	static const struct {
		const char	*text, *message;
	} cases[] = {
		{ "", "\"\" is not the name of a cluster; a name is 1 to 64 of A-Z a-z 0-9 - . _" },
		{ "/", "\"\" is not the name of a cluster" },
		{ "/http", "\"\" is not the name of a cluster" },
		{ "we b/http", "\"we b\" is not the name of a cluster" },
		{ "web/", "\"\" is not the name of a service" },
		{ "web//web-1", "\"\" is not the name of a service" },
		{ "web/ht:tp/x", "\"ht:tp\" is not the name of a service" },
		{ "web/http/", "\"\" is not the name of a real service" },
		{ "web/http/a b", "\"a b\" is not the name of a real service" },
		{ "web/http/web-1/", "\"web/http/web-1/\" has more than three parts" },
		{ "web/http/web-1/x", "has more than three parts; a path is cluster/service/real" },
		{ "web\n", "\"web?\" is not the name of a cluster" },
		{ NAME_64 "x/http", "\"" NAME_64 "x\" is not the name of a cluster" },
		{ "web/" NAME_64 NAME_64, "\"" NAME_64 "a\" is not the name of a service" },
		{ "w\xc3\xa9""b", "is not the name of a cluster" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct path path = { .cluster = "kept" };
		struct err err = { 0 };

		assert_int_equal(path_parse(cases[i].text, &path, &err), ERR_INVALID);
		assert_int_equal(err.code, ERR_INVALID);
		assert_string_equal(path.cluster, "kept");
		if (strstr(err.text, cases[i].message) == NULL)
			assert_string_equal(err.text, cases[i].message);
	}
}

/* -- labels ------------------------------------------------------------------ */

static const char *
column_word(unsigned n)
{
	return real_column_name((enum real_column)n);
}

static const char *
plane_status_word(unsigned n)
{
	return plane_status_name((enum plane_status)n);
}

static const char *
protocol_word(unsigned n)
{
	return protocol_name((enum protocol)n);
}

static const char *
operation_word(unsigned n)
{
	return job_operation_name((enum job_operation)n);
}

static const char *
state_word(unsigned n)
{
	return job_state_name((enum job_state)n);
}

static const char *
cause_word(unsigned n)
{
	return job_fail_cause_name((enum job_fail_cause)n);
}

static void
each_number_has_its_name(void **state)
{
	/* From number 0. The numbers are those of LBCLUSTER-MIB; JOB_HELD is not in the MIB. */
	static const struct {
		const char	*(*word)(unsigned n);
		const char	*labels[9];
	} cases[] = {
		{ column_word, { "enabled", "fallback", "weight", "enabled", "?" } },
		{ plane_status_word, { "?", "none", "ok", "unreachable", "failing",
		    "unattended", "?", "?" } },
		{ protocol_word, { "?", "other", "tcp", "udp", "sctp", "?", "?" } },
		{ operation_word, { "?", "enable", "disable", "enable_fallback",
		    "disable_fallback", "set_weight", "enable_service", "disable_service",
		    "?" } },
		{ state_word, { "queued", "queued", "running", "succeeded", "failed", "cancelled",
		    "superseded", "?", "?" } },
		{ cause_word, { "?", "none", "notFound", "rejected", "unreachable", "timeout",
		    "other", "?", "?" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (unsigned n = 0; n < COUNT(cases[i].labels) && cases[i].labels[n] != NULL; n++)
			assert_string_equal(cases[i].word(n), cases[i].labels[n]);
		assert_string_equal(cases[i].word(4711), "?");
		assert_string_equal(cases[i].word(~0u), "?");
	}
}

static void
stat_number_names_are_the_keys_of_statistics(void **state)
{
	static const char *const names[] = {
		"active_connections", "inactive_connections", "persistent_connections",
		"connections_per_second", "bps_in", "bps_out", "pps_in", "pps_out",
		"total_connections", "total_packets_in", "total_packets_out", "total_octets_in",
		"total_octets_out", "connection_errors", "response_errors", "requests",
		"http_4xx", "http_5xx", "check_failures", "connection_limit",
		"queued_connections", "response_time_ms", "connect_time_ms", "queue_time_ms",
		"check_code", "check_duration_ms",
	};

	(void)state;
	assert_int_equal(COUNT(names), STAT_NUMBERS);
	for (size_t i = 0; i < STAT_NUMBERS; i++)
		assert_string_equal(stat_number_names[i], names[i]);
}

static void
protocol_parse_refuses_other_names(void **state)
{
	static const char *const others[] = { "", "TCP", "tcp ", "icmp", "?" };
	enum protocol protocol;

	(void)state;
	for (unsigned n = PROTOCOL_OTHER; n <= PROTOCOL_SCTP; n++) {
		assert_true(protocol_parse(protocol_name((enum protocol)n), &protocol));
		assert_int_equal(protocol, n);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		protocol = PROTOCOL_UDP;
		assert_false(protocol_parse(others[i], &protocol));
		assert_int_equal(protocol, PROTOCOL_UDP);
	}
}

static void
job_state_open_until_it_ends(void **state)
{
	static const bool open[] = {
		[JOB_HELD] = true, [JOB_QUEUED] = true, [JOB_RUNNING] = true,
		[JOB_SUCCEEDED] = false, [JOB_FAILED] = false, [JOB_CANCELLED] = false,
		[JOB_SUPERSEDED] = false,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(open); i++)
		assert_int_equal(job_state_open((enum job_state)i), open[i]);
	assert_false(job_state_open((enum job_state)4711));
}

static void
job_operation_of_column_and_value_and_back(void **state)
{
	static const struct {
		enum real_column	column;
		uint32_t		value;
		enum job_operation	operation;
	} cases[] = {
		{ REAL_ENABLED, 1, JOB_ENABLE }, { REAL_ENABLED, 0, JOB_DISABLE },
		{ REAL_FALLBACK, 1, JOB_ENABLE_FALLBACK },
		{ REAL_FALLBACK, 0, JOB_DISABLE_FALLBACK },
		{ REAL_WEIGHT, 0, JOB_SET_WEIGHT }, { REAL_WEIGHT, 1, JOB_SET_WEIGHT },
		{ REAL_WEIGHT, 65535, JOB_SET_WEIGHT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(job_operation_for(cases[i].column, cases[i].value),
		    cases[i].operation);
		assert_int_equal(job_operation_column(cases[i].operation), cases[i].column);
	}
}

static void
plane_kind_find_knows_three_kinds(void **state)
{
	static const struct plane_kind kinds[] = {
		{ "none", 65535, "lbcluster-checks", "the real services", PLANE_CHECKS_GIVEN },
		{ "haproxy", 256, "lbcluster-haproxy", "HAProxy", PLANE_CHECKS_NONE },
		{ "ipvs", 65535, "lbcluster-ipvs", "IPVS", PLANE_CHECKS_TCP },
	};
	char names[PLANE_KIND_NAMES_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const struct plane_kind *kind = plane_kind_find(kinds[i].name);

		assert_non_null(kind);
		assert_string_equal(kind->name, kinds[i].name);
		assert_int_equal(kind->weight_max, kinds[i].weight_max);
		assert_int_equal(kind->checks, kinds[i].checks);
	}
	assert_string_equal(plane_kind_names(names), "none, haproxy, ipvs");
	assert_null(plane_kind_find(""));
	assert_null(plane_kind_find("HAProxy"));
	assert_null(plane_kind_find("nginx"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_of_allowed_characters_is_valid),
		cmocka_unit_test(name_of_65_bytes_is_invalid),
		cmocka_unit_test(name_with_another_character_is_invalid),
		cmocka_unit_test(path_of_one_to_three_parts_is_read),
		cmocka_unit_test(invalid_path_names_the_invalid_part),
		cmocka_unit_test(each_number_has_its_name),
		cmocka_unit_test(stat_number_names_are_the_keys_of_statistics),
		cmocka_unit_test(protocol_parse_refuses_other_names),
		cmocka_unit_test(job_state_open_until_it_ends),
		cmocka_unit_test(job_operation_of_column_and_value_and_back),
		cmocka_unit_test(plane_kind_find_knows_three_kinds),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
