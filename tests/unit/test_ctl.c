/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the commands of lbclusterctl that show and set: output, JSON, messages and exit
 * statuses.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_fixture.h"
#include "ctl/path_hint.h"

/* The keys of job.status() in the API, then the others. */
#define JOB_KEYS "id type status service finished error created source who setting from to " \
	"started ended message"

#define PATH "lbclusterctl: "

/* -- showing ---------------------------------------------------------------------- */

static void
list_of_all_is_clusters(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "list", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "NAME  PLANE    STATUS      MESSAGE\n"
	    "ha    haproxy  unattended  lbcluster-haproxy has not polled HAProxy yet; start it\n"
	    "web   none     none        -\n");
	assert_int_equal(run(world, "-f", "json", "list", NULL), CTL_OK);
	assert_json(world,
	    "[{\"name\":\"ha\",\"plane\":\"haproxy\",\"plane_status\":\"unattended\","
	    "\"plane_message\":\"lbcluster-haproxy has not polled HAProxy yet; start it\"},"
	    "{\"name\":\"web\",\"plane\":\"none\",\"plane_status\":\"none\","
	    "\"plane_message\":\"\"}]");
}

static void
list_of_cluster_is_services(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "list", "web", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH       ADDRESS     PORT  PROTOCOL  ENABLED\n"
	    "web/empty  -           -     udp       yes\n"
	    "web/http   192.0.2.10  80    tcp       yes\n");
	assert_int_equal(run(world, "-f", "json", "list", "ha", NULL), CTL_OK);
	assert_json(world, "[{\"path\":\"ha/s\",\"name\":\"s\",\"ip_address\":\"\","
	    "\"port\":\"\",\"protocol\":\"tcp\",\"enabled\":true,\"parameters\":{}}]");
}

static void
list_of_service_is_real_services(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH            ADDRESS      PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING"
	    "  FRESHNESS\n"
	    "web/http/sorry  2001:db8::9  80         1  yes       yes      -             0  never\n"
	    "web/http/web-1  10.0.0.1     80        10  no        yes      -             0  never\n"
	    "web/http/web-2  10.0.0.2     80        20  no        no       -             0"
	    "  never\n");
	assert_int_equal(run(world, "-f", "json", "list", "ha/s", NULL), CTL_OK);
	assert_json(world, "[{\"path\":\"ha/s/a\",\"name\":\"a\",\"ip_address\":\"10.0.0.1\","
	    "\"port\":\"\",\"weight\":1,\"fallback\":false,\"enabled\":true,\"active\":null,"
	    "\"pending_jobs\":0,\"freshness\":\"never\",\"parameters\":{}}]");
}

static void
list_recursive_is_all_real_services_below(void **state)
{
	struct ctl_fixture *world = *state;
	json_t *json;

	assert_int_equal(run(world, "-f", "json", "list", "-r", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 4);
	json_decref(json);
	assert_int_equal(run(world, "-f", "json", "list", "web", "--recursive", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 3);
	json_decref(json);
}

static void
list_of_nothing_is_an_empty_array(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "-f", "json", "list", "web/empty", NULL), CTL_OK);
	assert_string_equal(world->out, "[]\n");
	assert_int_equal(run(world, "list", "web/empty", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH  ADDRESS  PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING  FRESHNESS\n");
}

static void
info_has_the_keys_and_types_of_the_api(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "-f", "json", "info", "web/http/web-1", NULL), CTL_OK);
	assert_json(world, "{\"ip_address\":\"10.0.0.1\",\"port\":\"80\",\"weight\":10,"
	    "\"fallback\":false,\"enabled\":true}");
	assert_int_equal(run(world, "info", "web/http/sorry", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "ip_address  2001:db8::9\n"
	    "port        80\n"
	    "weight      1\n"
	    "fallback    yes\n"
	    "enabled     yes\n");
}

static void
info_of_service_and_cluster_has_their_keys(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "-f", "json", "info", "web/http", NULL), CTL_OK);
	assert_json(world, "{\"ip_address\":\"192.0.2.10\",\"port\":\"80\","
	    "\"protocol\":\"tcp\",\"enabled\":true}");
	assert_int_equal(run(world, "-f", "json", "info", "ha", NULL), CTL_OK);
	assert_json(world, "{\"plane\":\"haproxy\",\"plane_status\":\"unattended\","
	    "\"plane_message\":\"lbcluster-haproxy has not polled HAProxy yet; start it\"}");
}

/* Other programs may write a control character, a list, an invalid name or no JSON. */
static void
parameters_are_printed_without_what_no_parameter_has(void **state)
{
	static const struct out_column column = { "p", NULL, OUT_PARAMS };
	static const struct {
		const char	*params, *printed;
	} cases[] = {
		{ "", "{}" }, { "{", "{}" }, { "[1]", "{}" }, { "5", "{}" },
		{ "{\"check\":\"none\",\"check-retry\":0.1,\"one-packet\":true}",
		    "{\"check\": \"none\", \"check-retry\": 0.1, \"one-packet\": true}" },
		{ "{\"check-expect\":\"\\u009bX\",\"a\":[1],\"b c\":1,\"d\":{}}",
		    "{\"check-expect\": \"??X\"}" },
	};
	char *text, expected[200];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct out_value value = { .text = cases[i].params };
		FILE *file = open_memstream(&text, &size);

		assert_true(out_object(file, OUT_JSON, &column, 1, &value));
		fclose(file);
		snprintf(expected, sizeof(expected), "{\"p\": %s}\n", cases[i].printed);
		assert_string_equal(text, expected);
		free(text);
	}
}

static void
statistics_without_a_measurement_are_null(void **state)
{
	struct ctl_fixture *world = *state;
	const char *key;
	json_t *json, *value;

	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	json = json_of(world);
	assert_keys(json, API_KEYS);
	json_object_foreach(json, key, value)
		assert_true(strcmp(key, "freshness") == 0 ?
		    strcmp(json_string_value(value), "never") == 0 : json_is_null(value));
	json_decref(json);
}

static void
statistics_of_service_is_a_list(void **state)
{
	struct ctl_fixture *world = *state;
	json_t *json;

	assert_int_equal(run(world, "-f", "json", "statistics", "web/http", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 3);
	assert_keys(json_array_get(json, 0), "path " API_KEYS);
	json_decref(json);
	assert_int_equal(run(world, "-f", "json", "statistics", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 4);
	json_decref(json);
}

/* -- setting ------------------------------------------------------------------------ */

static void
setting_that_changes_makes_a_job(void **state)
{
	static const char job_1[] = "{\"id\": \"1\", \"type\": \"disable\", \"status\": "
	    "\"succeeded\", \"service\": \"web/http/web-1\", \"finished\": true, "
	    "\"error\": false, \"created\": ";
	static const char job_2[] = "id        2\n"
	    "type      set_weight\n"
	    "status    queued\n"
	    "service   ha/s/a\n"
	    "finished  no\n"
	    "error     no\n"
	    "created   ";
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "-f", "json", "disable", "web/http/web-1", NULL), CTL_OK);
	assert_memory_equal(world->out, job_1, strlen(job_1));
	assert_int_equal(run(world, "set-weight", "--no-wait", "ha/s/a", "256", NULL), CTL_OK);
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "job", "2", NULL), CTL_OK);
	assert_memory_equal(world->out, job_2, strlen(job_2));
	assert_int_equal(run(world, "info", "web/http/web-1", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "enabled     no\n"));
	assert_int_equal(run(world, "-f", "json", "list", "ha/s", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"weight\": 256"));
	assert_non_null(strstr(world->out, "\"pending_jobs\": 1"));
}

static char user[128];

static enum err_code
job_is_of_the_command_line(void *arg, const struct job_row *row)
{
	(*(int *)arg)++;
	assert_int_equal(row->source, JOB_SOURCE_CLI);
	assert_int_equal(row->request, 0);
	assert_string_equal(row->origin, user);
	return ERR_OK;
}

static void
jobs_have_the_source_command_line_and_the_user(void **state)
{
	struct ctl_fixture *world = *state;
	struct store *store;
	struct err err;
	int jobs = 0;

	unsetenv("SUDO_UID");
	snprintf(user, sizeof(user), "%s (uid %u)", getpwuid(getuid())->pw_name, getuid());
	run(world, "set-weight", "web/http/web-1", "1", NULL);
	assert_int_equal(load(world, inventory, "--reset", NULL), CTL_OK);
	assert_int_equal(store_open(world->dir, STORE_READ, 1000, &store, &err), ERR_OK);
	assert_int_equal(store_each_job(store, 0, job_is_of_the_command_line, &jobs, &err),
	    ERR_OK);
	assert_int_equal(jobs, 2);
	store_close(store);
}

static void
setting_that_changes_nothing_prints_so(void **state)
{
	static const struct {
		const char *command, *path, *value, *message;
	} cases[] = {
		{ "enable", "web/http/web-1", NULL, "nothing to do: already enabled\n" },
		{ "disable", "web/http/web-2", NULL, "nothing to do: already disabled\n" },
		{ "enable-fallback", "web/http/sorry", NULL, "nothing to do: already fallback\n" },
		{ "disable-fallback", "web/http/web-1", NULL, "nothing to do: not fallback\n" },
		{ "set-weight", "web/http/web-1", "10",
		  "nothing to do: the weight has this value already\n" },
	};
	struct ctl_fixture *world = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(run(world, cases[i].command, cases[i].path, cases[i].value,
		    NULL), CTL_OK);
		assert_string_equal(world->out, cases[i].message);
		assert_int_equal(run(world, "-f", "json", cases[i].command, cases[i].path,
		    cases[i].value, NULL), CTL_OK);
		assert_string_equal(world->out, "{}\n");
	}
	assert_int_equal(run(world, "-f", "json", "job", NULL), CTL_OK);
	assert_string_equal(world->out, "[]\n");
}

static void
settings_change_their_column(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "disable-fallback", "web/http/sorry", NULL), CTL_OK);
	assert_int_equal(run(world, "enable-fallback", "web/http/web-1", NULL), CTL_OK);
	assert_int_equal(run(world, "enable", "web/http/web-2", NULL), CTL_OK);
	assert_int_equal(run(world, "set-weight", "web/http/web-2", "0", NULL), CTL_OK);
	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH            ADDRESS      PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING"
	    "  FRESHNESS\n"
	    "web/http/sorry  2001:db8::9  80         1  no        yes      -             0  never\n"
	    "web/http/web-1  10.0.0.1     80        10  yes       yes      -             0  never\n"
	    "web/http/web-2  10.0.0.2     80         0  no        yes      -             0"
	    "  never\n");
}

static void
setting_against_a_rule_is_refused(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "enable-fallback", "web/http/web-1", NULL), CTL_PRECOND);
	assert_non_null(strstr(world->err,
	    PATH "web/http/web-1: precondition failed: web/http: fallback is sorry already"));
	assert_string_equal(world->out, "");
	assert_int_equal(run(world, "disable-fallback", "web/http/sorry", NULL), CTL_OK);
	assert_int_equal(run(world, "enable-fallback", "web/http/web-2", NULL), CTL_PRECOND);
	assert_non_null(strstr(world->err, "web/http/web-2: precondition failed: "));
	assert_int_equal(run(world, "set-weight", "ha/s/a", "257", NULL), CTL_PRECOND);
	assert_non_null(strstr(world->err, "above 256"));
}

/* -- errors -------------------------------------------------------------------------- */

static void
row_unknown_does_not_exist(void **state)
{
	static const char *const commands[] = {
		"list", "info", "statistics", "oid", "remove", "export", "enable",
		"disable-fallback",
	};
	struct ctl_fixture *world = *state;

	for (size_t i = 0; i < COUNT(commands); i++) {
		assert_int_equal(run(world, "-f", i == 5 ? "table" : "json", commands[i],
		    "web/http/web-9", NULL), CTL_NOT_FOUND);
		assert_string_equal(world->err, PATH "web/http/web-9: does not exist; similar: "
		    "web/http/web-1, web/http/web-2\n");
		assert_string_equal(world->out, "");
	}
	assert_int_equal(run(world, "set-weight", "web/none/web-9", "1", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->err,
	    PATH "web/none: does not exist; services of web: empty, http\n");
	assert_int_equal(run(world, "list", "none", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->err, PATH "none: does not exist; clusters: ha, web\n");
	assert_int_equal(run(world, "job", "1", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->err, PATH "job 1: does not exist\n");
}

/* Similar names, in any case, or the first names and the number of the others. */
static void
names_in_messages_are_limited(void **state)
{
	static const char *const near[] = { "Web-1", "web-10", "wb-1", "xeb-2" };
	static const char *const far[] = { "db", "http", "web-1-abc", "" };
	struct names names = { .wanted = "web-1" };
	char text[NAMES_TEXT_SIZE], name[MODEL_NAME_MAX + 40];

	(void)state;
	for (size_t i = 0; i < COUNT(near); i++)
		names_add(&names, near[i]);
	for (size_t i = 0; i < COUNT(far); i++)
		names_add(&names, far[i]);
	assert_int_equal(names.n_near, COUNT(near));
	assert_string_equal(names.near[2], "wb-1");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	names_add(&names, name);
	names_add(&names, name);
	assert_string_equal(names_list(&names, text),
	    "Web-1, web-10, wb-1, xeb-2, db, http, web-1-abc,  and 2 more");
	names = (struct names){ .wanted = name };
	names_add(&names, "a");
	assert_int_equal(names.n_near, 0);
	names = (struct names){ .wanted = "a" };
	names_add(&names, "b");
	assert_int_equal(names.n_near, 0);
}

static void
wrong_usage_is_reported_before_the_store_is_opened(void **state)
{
	static const struct {
		const char *words[3];
	} cases[] = {
		{ { NULL } }, { { "nonsense" } }, { { "enable" } }, { { "list", "a", "b" } },
		{ { "list", "--prune" } }, { { "list", "--nonsense" } }, { { "list", "-z" } },
		{ { "list", "-f" } }, { { "-f", "xml", "list" } }, { { "enable", "web" } },
		{ { "-s", "", "list" } }, { { "info", "a b" } }, { { "info", "a/b/c/d" } },
		{ { "info", "" } },
		{ { "set-weight", "a/b/c", "65536" } }, { { "set-weight", "a/b/c", "x" } },
		{ { "set-weight", "a/b/c" } }, { { "job", "0" } }, { { "job", "a b" } },
		{ { "load" } }, { { "-f", "json", "export" } }, { { "info", "--reset", "a" } },
	};
	struct ctl_fixture *world = *state, none = { .dir = "/nonexistent" };

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(run(&none, cases[i].words[0], cases[i].words[1],
		    cases[i].words[2], NULL), CTL_USAGE);
		assert_memory_equal(none.err, PATH, strlen(PATH));
		assert_string_equal(none.out, "");
	}
	output_clear(&none);
	(void)world;
}

static void
store_missing_is_refused(void **state)
{
	struct ctl_fixture none = { .dir = "/nonexistent" };

	(void)state;
	assert_int_equal(run(&none, "list", NULL), CTL_REFUSED);
	assert_non_null(strstr(none.err, "/nonexistent"));
	assert_string_equal(none.out, "");
	assert_int_equal(run(&none, "enable", "a/b/c", NULL), CTL_REFUSED);
	output_clear(&none);
}

static void
store_foreign_is_refused(void **state)
{
	struct ctl_fixture *world = *state;
	char path[128];

	file_write(world, "lbcluster.db", "this is no database, and long enough to see it", path);
	assert_int_equal(run(world, "list", NULL), CTL_REFUSED);
	assert_non_null(strstr(world->err, "lbcluster.db"));
	assert_int_equal(run(world, "enable", "web/http/web-1", NULL), CTL_REFUSED);
}

static void
output_error_is_reported(void **state)
{
	char *argv[] = { strdup("lbclusterctl"), strdup("--help"), NULL };
	FILE *full = fopen("/dev/full", "w"), *err = tmpfile();

	(void)state;
	assert_int_equal(ctl_main(2, argv, full, err), CTL_FAILURE);
	assert_true(ftell(err) > 0);
	fclose(full);
	fclose(err);
	free(argv[0]);
	free(argv[1]);
}

/* All lines fit a terminal of 80 columns, with the directory that a package has. */
static void
assert_lines_fit(const char *text)
{
	const size_t longer = strlen(LBCLUSTER_STORE_DIR) - strlen("/var/lib/lbcluster");

	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
		assert_in_range(end - text, 0, 80 + (memmem(text, (size_t)(end - text),
		    LBCLUSTER_STORE_DIR, strlen(LBCLUSTER_STORE_DIR)) != NULL ? longer : 0));
	assert_string_equal(text, "");
}

static void
help_of_each_command_has_its_options_and_an_example(void **state)
{
	struct ctl_fixture *world = *state;
	char text[128], *help;

	assert_int_equal(run(world, "help", NULL), CTL_OK);
	assert_lines_fit(world->out);
	for (size_t i = 0; i < ctl_tables.n_commands; i++) {
		const struct command *command = &ctl_tables.commands[i];

		snprintf(text, sizeof(text), "\n  %s ", command->name);
		assert_int_equal(run(world, "help", NULL), CTL_OK);
		assert_non_null(strstr(world->out, text));
		assert_int_equal(run(world, command->name, "--help", NULL), CTL_OK);
		assert_lines_fit(world->out);
		help = strdup(world->out);
		assert_int_equal(run(world, "help", command->name, NULL), CTL_OK);
		assert_string_equal(world->out, help);
		free(help);
		snprintf(text, sizeof(text), "usage: lbclusterctl %s", command->name);
		assert_memory_equal(world->out, text, strlen(text));
		snprintf(text, sizeof(text), "Example:\n  lbclusterctl %s", command->name);
		assert_non_null(strstr(world->out, text));
	}
	assert_int_equal(run(world, "help", "load", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\n  -n, --dry-run "));
	assert_null(strstr(world->out, "--recursive"));
}

static void
commands_and_long_options_may_be_abbreviated(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "l", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "lbclusterctl: l: is ambiguous: list, load\n"));
	assert_int_equal(run(world, "li", "--rec", "web", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "web/http/web-1 "));
	/* The full name of a command is not ambiguous. */
	assert_int_equal(run(world, "disable", "web/http/web-1", NULL), CTL_OK);
	assert_int_equal(run(world, "disab", "web/http/web-1", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "disab: is ambiguous: disable, disable-fallback\n"));
	assert_int_equal(run(world, "doctor", "--s", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "--s: is ambiguous: --store, --snmp\n"));
}

static void
similar_commands_and_options_are_named(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "lits", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "lits: is not a command; similar: list\n"));
	assert_int_equal(run(world, "list", "--recusive", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err,
	    "--recusive: is not an option; similar: --recursive\n"));
	assert_int_equal(run(world, "list", "--prune", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "--prune: is not an option of list\n"));
	assert_int_equal(run(world, "list", "-p", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "-p: is not an option of list\n"));
	assert_int_equal(run(world, "list", "--recursive=yes", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "--recursive: accepts no argument\n"));
}

static void
json_is_the_same_as_the_format_json(void **state)
{
	struct ctl_fixture *world = *state;
	char *json;

	assert_int_equal(run(world, "-f", "json", "list", "-r", NULL), CTL_OK);
	json = strdup(world->out);
	assert_int_equal(run(world, "list", "-r", "--json", NULL), CTL_OK);
	assert_string_equal(world->out, json);
	free(json);
}

static void
quiet_prints_errors_only(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "-q", "disable", "web/http/web-1", NULL), CTL_OK);
	assert_string_equal(world->out, "");
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "info", "--quiet", "web/http/web-1", NULL), CTL_OK);
	assert_string_equal(world->out, "");
	assert_int_equal(run(world, "info", "-q", "web/http/none", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->out, "");
	assert_non_null(strstr(world->err, "web/http/none"));
}

static void
version_is_printed_to_the_output(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "--version", NULL), CTL_OK);
	assert_memory_equal(world->out, "lbclusterctl ", strlen("lbclusterctl "));
	assert_string_equal(world->err, "");
}

/* -- completion ----------------------------------------------------------------------------- */

static void
complete_offers_commands_options_and_rows(void **state)
{
	static const struct {
		const char *words[4], *wanted;
	} cases[] = {
		{ { "inf" }, "info\tshow the settings of a cluster, service or real service\n" },
		{ { "nonsense" }, "" },
		{ { "list", "" }, "ha/\thaproxy\nweb/\tnone\n" },
		{ { "list", "w" }, "web/\tnone\n" },
		{ { "list", "web/" }, "web/empty/\t\nweb/http/\t192.0.2.10:80\n" },
		{ { "list", "web/h" }, "web/http/\t192.0.2.10:80\n" },
		{ { "list", "web/http/s" }, "web/http/sorry\t[2001:db8::9]:80\n" },
		{ { "list", "web/http/sorry/" }, "" },
		{ { "list", "web/none/" }, "" },
		{ { "list", "//" }, "" },
		/* An abbreviation has the operands of its command. */
		{ { "stati", "-j", "h" }, "ha/\thaproxy\n" },
		{ { "list", "web", "" }, "" },
		{ { "diff", "" }, "ha\thaproxy\nweb\tnone\n" },
		{ { "discover", "h" }, "haproxy\t\n" },
		/* More paths, or what follows them. */
		{ { "enable", "web/http/web-1", "h" }, "ha/\thaproxy\n" },
		{ { "set-weight", "web/http/web-1", "h" }, "ha/\thaproxy\n" },
		{ { "set", "e" }, "" },
		{ { "set", "web/http/web-1", "e" }, "enabled=yes\t\nenabled=no\t\n" },
		{ { "set", "web/http/web-1", "weight=1", "h" }, "ha/\thaproxy\n" },
		{ { "discover", "haproxy", "" }, ":files\n" },
		{ { "discover", "-c", "h" }, "ha\thaproxy\n" },
		{ { "list", "--rec" }, "--recursive\tall real services below PATH\n" },
		{ { "info", "--rec" }, "" },
		{ { "list", "-f", "t" }, "table\t\n" },
		{ { "list", "--format=j" }, "--format=json\t\n" },
		{ { "load", "--prune=" }, "--prune=all\t\n" },
		{ { "load", "--dry-run=" }, "" },
		{ { "list", "--", "--rec" }, "" },
		{ { "help", "lo" }, "load\tload an inventory file into the store\n" },
		{ { "-s", "/nonexistent", "list", "w" }, "" },
		{ { "oid", "web", "lbcRealW" }, "lbcRealWeight\t\n" },
	};
	struct ctl_fixture *world = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *const *words = cases[i].words;

		assert_int_equal(run(world, "complete", "--", words[0], words[1], words[2],
		    words[3], NULL), CTL_OK);
		assert_string_equal(world->out, cases[i].wanted);
		assert_string_equal(world->err, "");
	}
}

/* -- oid, remove, job ---------------------------------------------------------------------- */

#define ROOT ".1.3.6.1.4.1.8072.9999.9999.522.1"

static void
oid_of_a_real_service_has_commands_that_set(void **state)
{
	struct ctl_fixture *world = *state;
	json_t *json;

	/* Ids follow the order of the file: web, http, web-1. */
	assert_int_equal(run(world, "oid", "web/http/web-1", NULL), CTL_OK);
	assert_non_null(strstr(world->out,
	    "lbcRealWeight                  " ROOT ".4.1.8.1.1.1   yes\n"));
	assert_non_null(strstr(world->out,
	    "lbcRealStatsLastUpdate         " ROOT ".5.1.12.1.1.1  no\n"));
	assert_non_null(strstr(world->out, "\nsnmpget -v 3 -l authPriv -u lbop -a SHA-256 -A "
	    "passphrase-1 -x AES -X passphrase-2 localhost "
	    ROOT ".4.1.8.1.1.1 " ROOT ".4.1.9.1.1.1 " ROOT ".4.1.10.1.1.1 "
	    ROOT ".9.1.7.1.1\n"));
	assert_non_null(strstr(world->out,
	    "\nsnmpset -v 3 -l authPriv -u lbop -a SHA-256 -A "
	    "passphrase-1 -x AES -X passphrase-2 localhost " ROOT ".4.1.8.1.1.1 u 10\n"));
	assert_non_null(strstr(world->out,
	    "\nsnmpset -v 3 -l authPriv -u lbop -a SHA-256 -A "
	    "passphrase-1 -x AES -X passphrase-2 localhost " ROOT ".4.1.9.1.1.1 i 2\n"));
	assert_non_null(strstr(world->out,
	    "\nsnmpset -v 3 -l authPriv -u lbop -a SHA-256 -A "
	    "passphrase-1 -x AES -X passphrase-2 localhost " ROOT ".4.1.10.1.1.1 i 1\n"));
	assert_int_equal(run(world, "-f", "json", "oid", "web/http/web-2", NULL), CTL_OK);
	json = json_of(world);
	assert_keys(json_array_get(json, 0), "name oid writable snmpget snmpset");
	json_decref(json);
	assert_non_null(strstr(world->out, ROOT ".4.1.10.1.1.2 i 2\""));
}

static void
oid_of_a_server_sets_what_its_real_services_have(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(load(world, "cluster web { service b { real web-1 { }\n"
	    "real web-2 { } real only { enabled = no } } }\n", NULL, NULL), CTL_OK);
	assert_int_equal(run(world, "oid", "web/b/web-1", "lbcServerEnabled", NULL), CTL_OK);
	assert_non_null(strstr(world->out, ROOT ".9.1.7.1.1 i 1\n"));
	assert_int_equal(run(world, "oid", "web/b/only", "lbcServerEnabled", NULL), CTL_OK);
	assert_non_null(strstr(world->out, ROOT ".9.1.7.1.5 i 2\n"));
	/* web-2 is disabled in web/http only: no SET keeps that. */
	assert_int_equal(run(world, "oid", "web/b/web-2", "lbcServerEnabled", NULL), CTL_OK);
	assert_non_null(strstr(world->out, ROOT ".9.1.7.1.2  yes\n"));
	assert_null(strstr(world->out, "snmpset"));
}

static void
oid_prints_the_objects_that_are_named(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "oid", "ha", "*STATUS", "lbcClusterStatus", "lbcClusterName",
	    NULL), CTL_OK);
	assert_string_equal(world->out,
	    "NAME                   OID                                        WRITABLE\n"
	    "lbcClusterName         " ROOT ".2.1.2.2  no\n"
	    "lbcClusterPlaneStatus  " ROOT ".2.1.4.2  no\n"
	    "lbcClusterStatus       " ROOT ".2.1.6.2  no\n"
	    "\n"
	    "# snmp.conf(5) names no user: these are for lbop of lbcluster-setup-snmpd(8);\n"
	    "# replace the passphrases\n"
	    "snmpget -v 3 -l authPriv -u lbop -a SHA-256 -A passphrase-1 -x AES -X passphrase-2 "
	    "localhost " ROOT ".2.1.2.2 " ROOT ".2.1.4.2 " ROOT ".2.1.6.2\n");
	assert_int_equal(run(world, "oid", "ha", "lbcClusterNam", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->err, "lbclusterctl: lbcClusterNam: is not an object of a "
	    "cluster; similar: lbcClusterName; give a name or a pattern, as '*Status'\n");
	assert_int_equal(run(world, "set-weight", "web/http/web-1", "11", NULL), CTL_OK);
	assert_int_equal(run(world, "oid", "1", "lbcJobState", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "lbcJobState  " ROOT ".7.8.1.9.1  no\n"));
	assert_int_equal(run(world, "oid", "2", NULL), CTL_NOT_FOUND);
	assert_int_equal(run(world, "oid", "0", NULL), CTL_NOT_FOUND);
}

static void
oid_of_service_sets_enabled_and_of_cluster_nothing(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "oid", "ha", NULL), CTL_OK);
	assert_non_null(strstr(world->out, ROOT ".2.1.6.2"));
	assert_null(strstr(world->out, "snmpset"));
	assert_null(strstr(world->out, "lbcService"));
	assert_int_equal(run(world, "oid", "ha/s", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "lbcServiceStatus"));
	assert_non_null(strstr(world->out, ROOT ".3.1.9.2.3"));
	assert_non_null(strstr(world->out, " -X passphrase-2 localhost " ROOT
	    ".3.1.29.2.3 i 1\n"));
}

static void
remove_removes_all_rows_below(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "remove", "--yes", "web/http/web-1", NULL), CTL_OK);
	assert_string_equal(world->out, "path     web/http/web-1\nremoved  1\n");
	assert_int_equal(run(world, "remove", "--yes", "web/http/web-1", NULL), CTL_NOT_FOUND);
	assert_int_equal(run(world, "-f", "json", "remove", "--yes", "web", NULL), CTL_OK);
	assert_json(world, "{\"path\":\"web\",\"removed\":5}");
	assert_int_equal(run(world, "-f", "json", "remove", "--yes", "ha/s", NULL), CTL_OK);
	assert_json(world, "{\"path\":\"ha/s\",\"removed\":2}");
	assert_int_equal(run(world, "list", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "NAME  PLANE    STATUS      MESSAGE\n"
	    "ha    haproxy  unattended  lbcluster-haproxy has not polled HAProxy yet; start it\n");
}

static void
job_list_and_job_have_the_keys_of_the_api(void **state)
{
	static const char superseded[] = "{\"id\": \"2\", \"type\": \"set_weight\", "
	    "\"status\": \"superseded\", \"service\": \"ha/s/a\", \"finished\": true, "
	    "\"error\": true, ";
	static const char queued[] = "{\"id\": \"3\", \"type\": \"set_weight\", "
	    "\"status\": \"queued\", \"service\": \"ha/s/a\", \"finished\": false, "
	    "\"error\": false, ";
	struct ctl_fixture *world = *state;
	json_t *json;

	run(world, "disable", "web/http/web-1", NULL);
	run(world, "set-weight", "ha/s/a", "7", NULL);
	run(world, "set-weight", "ha/s/a", "8", NULL);
	assert_int_equal(run(world, "-f", "json", "job", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 3);
	assert_keys(json_array_get(json, 0), JOB_KEYS);
	json_decref(json);
	/* A superseded job is an error, like a failed one. */
	assert_int_equal(run(world, "-f", "json", "job", "2", NULL), CTL_OK);
	assert_memory_equal(world->out, superseded, strlen(superseded));
	assert_int_equal(run(world, "-f", "json", "job", "3", NULL), CTL_OK);
	assert_memory_equal(world->out, queued, strlen(queued));
	assert_int_equal(run(world, "job", "1", NULL), CTL_OK);
	assert_memory_equal(world->out, "id        1\n", 12);
}

/* -- tables ---------------------------------------------------------------------------------- */

/* The first rows set the widths; longer cells of later rows overflow. */
static void
table_of_many_rows_streams(void **state)
{
	static const struct out_column columns[] = {
		{ "a", "A", OUT_TEXT }, { "b", "B", OUT_NUMBER }, { "c", "C", OUT_TEXT },
	};
	char *text = NULL;
	size_t size, lines = 0;
	FILE *file = open_memstream(&text, &size);
	struct out *out = out_begin(file, OUT_TABLE, OUT_LIST, columns, COUNT(columns));

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		const struct out_value values[] = {
			{ .text = i < 1000 ? "xyz" : "longer" }, { .number = i },
			{ .text = "\x1b[" },
		};

		assert_true(out_row(out, values));
		if (i == 1000) {
			fflush(file);
			assert_non_null(strstr(text, "xyz  999  ?[\n"));
		}
	}
	out_finish(out, true);
	fclose(file);
	assert_memory_equal(text, "A      B  C\nxyz    0  ?[\n", 25);
	assert_non_null(strstr(text, "\nlonger  1999  ?[\n"));
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 2001);
	free(text);
}

/* A terminal obeys control characters of C1 as well, bare and in UTF-8. */
static void
output_has_no_control_characters(void **state)
{
	static const struct out_column columns[] = { { "a", "A", OUT_TEXT } };
	const struct out_value values[] = { { .text = "x\x9b\xc2\x9b\x1b\n\xc3\xa4" } };
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_true(out_object(file, OUT_JSON, columns, 1, values));
	assert_true(out_object(file, OUT_TABLE, columns, 1, values));
	fclose(file);
	assert_string_equal(text, "{\"a\": \"x????\\n\xc3\xa4\"}\na  x?????\xc3\xa4\n");
	free(text);
}

static void
json_of_invalid_utf8_is_json(void **state)
{
	static const struct out_column columns[] = { { "a", "A", OUT_TEXT } };
	const struct out_value values[] = { { .text = "x\xff\"y" } };
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_true(out_object(file, OUT_JSON, columns, 1, values));
	fclose(file);
	assert_string_equal(text, "{\"a\": \"x?\\\"y\"}\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(list_of_all_is_clusters),
		CTL_TEST(list_of_cluster_is_services),
		CTL_TEST(list_of_service_is_real_services),
		CTL_TEST(list_recursive_is_all_real_services_below),
		CTL_TEST(list_of_nothing_is_an_empty_array),
		CTL_TEST(info_has_the_keys_and_types_of_the_api),
		CTL_TEST(info_of_service_and_cluster_has_their_keys),
		cmocka_unit_test(parameters_are_printed_without_what_no_parameter_has),
		CTL_TEST(statistics_without_a_measurement_are_null),
		CTL_TEST(statistics_of_service_is_a_list),
		CTL_TEST(setting_that_changes_makes_a_job),
		CTL_TEST(jobs_have_the_source_command_line_and_the_user),
		CTL_TEST(setting_that_changes_nothing_prints_so),
		CTL_TEST(settings_change_their_column),
		CTL_TEST(setting_against_a_rule_is_refused),
		CTL_TEST(row_unknown_does_not_exist),
		cmocka_unit_test(names_in_messages_are_limited),
		CTL_TEST(wrong_usage_is_reported_before_the_store_is_opened),
		cmocka_unit_test(store_missing_is_refused),
		CTL_TEST(store_foreign_is_refused),
		cmocka_unit_test(output_error_is_reported),
		CTL_TEST(help_of_each_command_has_its_options_and_an_example),
		CTL_TEST(commands_and_long_options_may_be_abbreviated),
		CTL_TEST(similar_commands_and_options_are_named),
		CTL_TEST(complete_offers_commands_options_and_rows),
		CTL_TEST(json_is_the_same_as_the_format_json),
		CTL_TEST(quiet_prints_errors_only),
		CTL_TEST(version_is_printed_to_the_output),
		CTL_TEST(oid_of_a_real_service_has_commands_that_set),
		CTL_TEST(oid_of_service_sets_enabled_and_of_cluster_nothing),
		CTL_TEST(oid_of_a_server_sets_what_its_real_services_have),
		CTL_TEST(oid_prints_the_objects_that_are_named),
		CTL_TEST(remove_removes_all_rows_below),
		CTL_TEST(job_list_and_job_have_the_keys_of_the_api),
		cmocka_unit_test(table_of_many_rows_streams),
		cmocka_unit_test(output_has_no_control_characters),
		cmocka_unit_test(json_of_invalid_utf8_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
