/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the parts of the doctor that need no installation: arguments, times, revisions,
 * addresses, processes and modes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- texts ---------------------------------------------------------------------------- */

static void
arguments_are_split_as_by_a_shell(void **state)
{
	static const struct {
		const char	*text;
		const char	*arguments;	/* joined by "|" */
	} cases[] = {
		{ "", "" }, { "  ", "" }, { "a", "a" }, { " a  b\tc ", "a|b|c" },
		{ "-A 'pass phrase' host", "-A|pass phrase|host" },
		{ "-A \"pass 'x' phrase\"", "-A|pass 'x' phrase" },
		{ "a\\ b '\\' \"\\\"\"", "a b|\\|\"" }, { "'' a", "|a" },
		{ "x'y'\"z\"", "xyz" }, { "a b c d e f", "a|b|c|d|e|f" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char **list = doctor_split(cases[i].text);
		char joined[64] = "";

		assert_non_null(list);
		for (size_t k = 0; list[k] != NULL; k++) {
			strcat(joined, k == 0 ? "" : "|");
			strcat(joined, list[k]);
		}
		assert_string_equal(joined, cases[i].arguments);
		free(list);
	}
	assert_null(doctor_split("a 'b"));
	assert_null(doctor_split("\""));
}

static void
seconds_have_the_units_of_snmpd(void **state)
{
	static const struct {
		const char	*text;
		long		 seconds;
	} cases[] = {
		{ "5", 5 }, { "0", 0 }, { "5s", 5 }, { "2m", 120 }, { "1 h", 3600 },
		{ "1D", 86400 }, { "1w", 604800 }, { "", -1 }, { "soon", -1 }, { "-1", -1 },
		{ "5x", -1 },
		{ "99999999999999999999", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(doctor_seconds(cases[i].text), cases[i].seconds);
}

static void
revision_of_this_tree_is_known(void **state)
{
	const char *top = getenv("abs_top_srcdir");
	char path[4096], text[16384], revision[16];
	FILE *file;

	(void)state;
	if (top == NULL)
		skip();
	snprintf(path, sizeof(path), "%s/mibs/LBCLUSTER-MIB.txt", top);
	file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(doctor_mib_revision(text, revision), DOCTOR_MIB_REVISION);
}

static void
revision_of_another_text_is_empty(void **state)
{
	char revision[16];

	(void)state;
	assert_string_equal(doctor_mib_revision("", revision), "");
	assert_string_equal(doctor_mib_revision("LAST-UPDATED", revision), "");
	assert_string_equal(doctor_mib_revision("LAST-UPDATED \"", revision), "");
	assert_string_equal(doctor_mib_revision("LAST-UPDATED \"2026", revision), "2026");
}

/* -- addresses ------------------------------------------------------------------------ */

static void
agentx_socket_names_an_address(void **state)
{
	static const struct {
		const char	*value, *address;
		bool		 has;
	} cases[] = {
		{ "/var/agentx/master", "/var/agentx/master", true },
		{ "unix:/a, /b", "/b", true }, { "unix:/a,/b", "/a", true },
		{ "/ab", "/a", false }, { "", "/a", false }, { "tcp:localhost:705", "/a", false },
		{ "tcp:localhost:705,/a", "/a", true },
		{ "tcp:localhost:705", "tcp:127.0.0.1:705", true },
		{ "tcp6:[::1]:705", "tcp:[::1]:705", true },
		{ "tcp:705", "tcp:localhost:705", true },
		{ "tcp:localhost:7050", "tcp:localhost:705", false },
		{ "/a", "tcp:localhost:705", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint endpoint;

		assert_int_equal(endpoint_parse(cases[i].address, &endpoint, NULL), ERR_OK);
		if (snmpd_conf_has_socket(cases[i].value, &endpoint) != cases[i].has)
			fail_msg("%s in \"%s\"", cases[i].address, cases[i].value);
	}
}

static void
agentaddress_is_an_argument_of_snmpget(void **state)
{
	static const struct {
		const char	*value, *target;
	} cases[] = {
		{ "", "localhost" }, { "127.0.0.1,[::1]", "localhost" }, { "161", "localhost" },
		{ "1161", "localhost:1161" }, { ":1161", "localhost:1161" },
		{ "udp:1161", "localhost:1161" }, { "udp:161,udp6:[::1]:161", "localhost" },
		{ "udp6:[::1]:161,udp:192.0.2.1:162", "192.0.2.1:162" },
		{ "tcp:161, udp:0.0.0.0:1161", "localhost:1161" },
		{ "192.0.2.1", "192.0.2.1" }, { "unix:/x", "localhost" },
	};
	char target[64];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(snmpd_conf_target(cases[i].value, target, sizeof(target)),
		    cases[i].target);
}

/* -- processes ------------------------------------------------------------------------------- */

static const char status[] = "Name:\tlbclusterd\nUmask:\t0007\nState:\tS (sleeping)\nPid:\t9\n"
    "Uid:\t101\t102\t103\t104\nGid:\t201\t202\t203\t204\nFDSize:\t64\nGroups:\t7 301 302 \n"
    "VmPeak:\t 1\n";

static void
status_of_a_process_is_parsed(void **state)
{
	struct process process = { .pid = 9 };

	(void)state;
	assert_true(process_parse(status, &process));
	assert_true(process.known);
	assert_string_equal(process.name, "lbclusterd");
	assert_int_equal(process.pid, 9);
	assert_int_equal(process.state, 'S');
	assert_int_equal(process.uid, 102);
	assert_int_equal(process.gid, 202);
	assert_int_equal(process.n_groups, 3);
	assert_int_equal(process.groups[0], 7);
	assert_int_equal(process.groups[2], 302);
}

static void
status_without_a_member_is_refused(void **state)
{
	struct process process = { 0 };

	(void)state;
	assert_false(process_parse("", &process));
	assert_false(process_parse("Name:\tx\nState:\tS\nUid:\t1\nGid:\t1\t1\n", &process));
	assert_false(process_parse("State:\tS\nUid:\t1\t1\nGid:\t1\t1\n", &process));
	assert_false(process.known);
	assert_true(process_parse("Name:\tx\nState:\tS\nUid:\t1\t1\nGid:\t1\t1\n", &process));
	assert_int_equal(process.n_groups, 0);
}

static void
own_status_of_a_process_is_parsed(void **state)
{
	struct process process;

	(void)state;
	assert_true(process_read(getpid(), &process));
	assert_int_equal(process.uid, geteuid());
	assert_int_equal(process.gid, getegid());
}

static void
modes_allow_or_refuse_access(void **state)
{
	static const struct {
		uid_t		uid;
		mode_t		mode;
		unsigned int	want;
		bool		may;
	} cases[] = {
		{ 0, 0, 7, true },
		{ 1, 0700, 7, true }, { 1, 0077, ACCESS_READ, false },	/* the owner */
		{ 2, 0070, 7, true }, { 2, 0707, ACCESS_READ, false },	/* by a group */
		{ 3, 0007, 7, true }, { 3, 0770, ACCESS_READ, false },	/* another */
		{ 3, 0755, ACCESS_PASS, true }, { 3, 0755, ACCESS_WRITE, false },
		{ 3, 0754, ACCESS_READ | ACCESS_PASS, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct process process = { .known = true, .uid = cases[i].uid, .gid = 50,
		    .groups = { cases[i].uid == 3 ? 51 : 60 }, .n_groups = 1 };
		const struct stat st = { .st_uid = 1, .st_gid = 60, .st_mode = cases[i].mode };

		assert_int_equal(process_may(&process, &st, cases[i].want), cases[i].may);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_split_as_by_a_shell),
		cmocka_unit_test(seconds_have_the_units_of_snmpd),
		cmocka_unit_test(revision_of_this_tree_is_known),
		cmocka_unit_test(revision_of_another_text_is_empty),
		cmocka_unit_test(agentx_socket_names_an_address),
		cmocka_unit_test(agentaddress_is_an_argument_of_snmpget),
		cmocka_unit_test(status_of_a_process_is_parsed),
		cmocka_unit_test(status_without_a_member_is_refused),
		cmocka_unit_test(own_status_of_a_process_is_parsed),
		cmocka_unit_test(modes_allow_or_refuse_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
