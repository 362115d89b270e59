/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the commands of lbclusterctl on a store of their own: what they print,
 * the shape of their JSON, their words and exit statuses.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/lines.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char inventory[] =
    "cluster web {\n"
    "    service http {\n"
    "        address = 192.0.2.10  port = 80\n"
    "        real web-1 { address = 10.0.0.1  port = 80  weight = 10 }\n"
    "        real web-2 { address = 10.0.0.2  port = 80  weight = 20  enabled = no }\n"
    "        real sorry { address = \"2001:db8::9\"  port = 80  fallback = yes }\n"
    "    }\n"
    "    service empty { protocol = udp }\n"
    "}\n"
    "cluster ha {\n"
    "    plane = haproxy  socket = /run/x\n"
    "    service s { real a { address = 10.0.0.1 } }\n"
    "}\n";

/* -- a program and its store ---------------------------------------------------- */

struct world {
	char	 dir[96];
	char	*out, *err;	/* of the last command */
};

enum { WORDS_MAX = 12 };

static void
forget(struct world *world)
{
	free(world->out);
	free(world->err);
	world->out = NULL;
	world->err = NULL;
}

/* Runs "lbclusterctl -s DIR ..."; the words end with NULL. */
static int
run(struct world *world, const char *first, ...)
{
	char *argv[WORDS_MAX + 1];
	size_t out_size, err_size;
	const char *word = first;
	FILE *out, *err;
	int argc = 0;
	va_list ap;
	int status;

	forget(world);
	argv[argc++] = strdup("lbclusterctl");
	argv[argc++] = strdup("-s");
	argv[argc++] = strdup(world->dir);
	va_start(ap, first);
	for (; word != NULL; word = va_arg(ap, const char *)) {
		assert_true(argc < WORDS_MAX);
		argv[argc++] = strdup(word);
	}
	va_end(ap);
	argv[argc] = NULL;
	out = open_memstream(&world->out, &out_size);
	err = open_memstream(&world->err, &err_size);
	{
		/* getopt moves the words about. */
		char *words[WORDS_MAX + 1];

		memcpy(words, argv, sizeof(words));
		status = (int)ctl_main(argc, words, out, err);
	}
	fclose(out);
	fclose(err);
	while (argc > 0)
		free(argv[--argc]);
	return status;
}

static void
file_write(const struct world *world, const char *name, const char *text, char path[128])
{
	FILE *file;

	snprintf(path, 128, "%s/%s", world->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int
load(struct world *world, const char *text, const char *option, const char *option2)
{
	char path[128];

	file_write(world, "clusters.conf", text, path);
	return run(world, "load", path, option, option2, NULL);
}

static int
import(struct world *world, const char *text)
{
	char path[128];

	file_write(world, "stats.jsonl", text, path);
	return run(world, "import-statistics", path, NULL);
}

static int
world_new(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	strcpy(world->dir, "/tmp/lbc-ctl-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	assert_int_equal(load(world, inventory, NULL, NULL), CTL_OK);
	*state = world;
	return 0;
}

static int
world_free(void **state)
{
	struct world *world = *state;
	DIR *dir = opendir(world->dir);
	const struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(world->dir), 0);
	forget(world);
	free(world);
	return 0;
}

/* The JSON of the last command; the caller frees it. */
static json_t *
json_of(const struct world *world)
{
	json_error_t error;
	json_t *json = json_loads(world->out, JSON_REJECT_DUPLICATES, &error);

	assert_non_null(json);
	return json;
}

/* The keys of an object as "a b c", in their order. */
static void
assert_keys(const json_t *object, const char *keys)
{
	char text[1024] = "";
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (text[0] != '\0')
			strcat(text, " ");
		strcat(text, key);
	}
	assert_string_equal(text, keys);
}

/* The JSON of the last command, as compact text. */
static void
assert_json(const struct world *world, const char *wanted)
{
	json_t *json = json_of(world);
	char *text = json_dumps(json, JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(json);
}

#define PATH "lbclusterctl: "

/* -- looking ---------------------------------------------------------------------- */

static void
list_of_all_is_clusters(void **state)
{
	struct world *world = *state;

	assert_int_equal(run(world, "list", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "NAME  PLANE    STATUS  MESSAGE\n"
	    "ha    haproxy  none    -\n"
	    "web   none     none    -\n");
	assert_int_equal(run(world, "-f", "json", "list", NULL), CTL_OK);
	assert_json(world,
	    "[{\"name\":\"ha\",\"plane\":\"haproxy\",\"plane_status\":\"none\","
	    "\"plane_message\":\"\"},"
	    "{\"name\":\"web\",\"plane\":\"none\",\"plane_status\":\"none\","
	    "\"plane_message\":\"\"}]");
}

static void
list_of_cluster_is_services(void **state)
{
	struct world *world = *state;

	assert_int_equal(run(world, "list", "web", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH       ADDRESS     PORT  PROTOCOL\n"
	    "web/empty  -           -     udp\n"
	    "web/http   192.0.2.10  80    tcp\n");
	assert_int_equal(run(world, "-f", "json", "list", "ha", NULL), CTL_OK);
	assert_json(world, "[{\"path\":\"ha/s\",\"name\":\"s\",\"ip_address\":\"\","
	    "\"port\":\"\",\"protocol\":\"tcp\"}]");
}

static void
list_of_service_is_real_services(void **state)
{
	struct world *world = *state;

	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH            ADDRESS      PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING\n"
	    "web/http/sorry  2001:db8::9  80         1  yes       yes      -             0\n"
	    "web/http/web-1  10.0.0.1     80        10  no        yes      -             0\n"
	    "web/http/web-2  10.0.0.2     80        20  no        no       -             0\n");
	assert_int_equal(run(world, "-f", "json", "list", "ha/s", NULL), CTL_OK);
	assert_json(world, "[{\"path\":\"ha/s/a\",\"name\":\"a\",\"ip_address\":\"10.0.0.1\","
	    "\"port\":\"\",\"weight\":1,\"fallback\":false,\"enabled\":true,\"active\":null,"
	    "\"pending_jobs\":0}]");
}

static void
list_recursive_is_all_real_services_below(void **state)
{
	struct world *world = *state;
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
	struct world *world = *state;

	assert_int_equal(run(world, "-f", "json", "list", "web/empty", NULL), CTL_OK);
	assert_string_equal(world->out, "[]\n");
	assert_int_equal(run(world, "list", "web/empty", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH  ADDRESS  PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING\n");
}

static void
info_has_the_keys_and_types_of_the_api(void **state)
{
	struct world *world = *state;

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
info_of_service_and_cluster_is_theirs(void **state)
{
	struct world *world = *state;

	assert_int_equal(run(world, "-f", "json", "info", "web/http", NULL), CTL_OK);
	assert_json(world, "{\"ip_address\":\"192.0.2.10\",\"port\":\"80\","
	    "\"protocol\":\"tcp\"}");
	assert_int_equal(run(world, "-f", "json", "info", "ha", NULL), CTL_OK);
	assert_json(world, "{\"plane\":\"haproxy\",\"plane_status\":\"none\","
	    "\"plane_message\":\"\"}");
}

#define API_KEYS "active active_connections bps_in bps_out connections_per_second " \
	"inactive_connections last_update persistent_connections pps_in pps_out"

static void
statistics_never_measured_are_null(void **state)
{
	struct world *world = *state;
	const char *key;
	json_t *json, *value;

	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	json = json_of(world);
	assert_keys(json, API_KEYS);
	json_object_foreach(json, key, value)
		assert_true(json_is_null(value));
	json_decref(json);
}

static void
statistics_imported_are_printed(void **state)
{
	struct world *world = *state;

	assert_int_equal(import(world, "{\"path\": \"web/http/web-1\", \"active\": true,"
	    " \"active_connections\": 7, \"bps_in\": 9223372036854775807, \"bps_out\": 0,"
	    " \"connections_per_second\": 3, \"inactive_connections\": 4,"
	    " \"last_update\": \"2026-11-22T13:42:00Z\", \"persistent_connections\": null,"
	    " \"pps_out\": 6}\n"), CTL_OK);
	assert_string_equal(world->out, "imported  1\nbad       0\n");
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	assert_json(world, "{\"active\":true,\"active_connections\":7,"
	    "\"bps_in\":9223372036854775807,\"bps_out\":0,\"connections_per_second\":3,"
	    "\"inactive_connections\":4,\"last_update\":\"2026-11-22T13:42:00Z\","
	    "\"persistent_connections\":null,\"pps_in\":null,\"pps_out\":6}");
	assert_int_equal(run(world, "-f", "json", "list", "web/http/web-1", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"active\": true"));
}

static void
statistics_totals_follow_where_counted(void **state)
{
	struct world *world = *state;
	json_t *json;

	assert_int_equal(import(world, "{\"path\": \"web/http/web-1\", \"last_update\": 1000,"
	    " \"total_octets_in\": 5, \"counters_since\": \"1970-01-01T00:00:09Z\"}\n"), CTL_OK);
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	json = json_of(world);
	assert_keys(json, API_KEYS " counters_since total_connections total_packets_in "
	    "total_packets_out total_octets_in total_octets_out");
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
statistics_of_service_is_a_list(void **state)
{
	struct world *world = *state;
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
setting_that_changes_is_a_job(void **state)
{
	struct world *world = *state;

	assert_int_equal(run(world, "-f", "json", "disable", "web/http/web-1", NULL), CTL_OK);
	assert_json(world, "{\"id\":\"1\",\"type\":\"disable\",\"status\":\"succeeded\","
	    "\"service\":\"web/http/web-1\",\"finished\":true,\"error\":false}");
	assert_int_equal(run(world, "set-weight", "ha/s/a", "256", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "id        2\n"
	    "type      set_weight\n"
	    "status    queued\n"
	    "service   ha/s/a\n"
	    "finished  no\n"
	    "error     no\n");
	assert_int_equal(run(world, "info", "web/http/web-1", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "enabled     no\n"));
	assert_int_equal(run(world, "-f", "json", "list", "ha/s", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"weight\": 256"));
	assert_non_null(strstr(world->out, "\"pending_jobs\": 1"));
}

static enum err_code
job_is_of_the_command_line(void *arg, const struct job_row *row)
{
	(*(int *)arg)++;
	assert_int_equal(row->source, JOB_SOURCE_CLI);
	assert_int_equal(row->request, 0);
	return ERR_OK;
}

static void
setting_is_known_to_be_of_the_command_line(void **state)
{
	struct world *world = *state;
	struct store *store;
	struct err err;
	int jobs = 0;

	run(world, "set-weight", "web/http/web-1", "1", NULL);
	assert_int_equal(load(world, inventory, "--reset", NULL), CTL_OK);
	assert_int_equal(store_open(world->dir, STORE_READ, 1000, &store, &err), ERR_OK);
	assert_int_equal(store_each_job(store, 0, job_is_of_the_command_line, &jobs, &err),
	    ERR_OK);
	assert_int_equal(jobs, 2);
	store_close(store);
}

static void
setting_that_changes_nothing_says_so(void **state)
{
	static const struct {
		const char *command, *path, *value, *words;
	} cases[] = {
		{ "enable", "web/http/web-1", NULL, "nothing to do: already enabled\n" },
		{ "disable", "web/http/web-2", NULL, "nothing to do: already disabled\n" },
		{ "enable-fallback", "web/http/sorry", NULL, "nothing to do: already fallback\n" },
		{ "disable-fallback", "web/http/web-1", NULL, "nothing to do: not fallback\n" },
		{ "set-weight", "web/http/web-1", "10", "nothing to do: weight is that already\n" },
	};
	struct world *world = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(run(world, cases[i].command, cases[i].path, cases[i].value,
		    NULL), CTL_OK);
		assert_string_equal(world->out, cases[i].words);
		assert_int_equal(run(world, "-f", "json", cases[i].command, cases[i].path,
		    cases[i].value, NULL), CTL_OK);
		assert_string_equal(world->out, "{}\n");
	}
	assert_int_equal(run(world, "-f", "json", "job", NULL), CTL_OK);
	assert_string_equal(world->out, "[]\n");
}

static void
setting_each_way_does_what_it_says(void **state)
{
	struct world *world = *state;

	assert_int_equal(run(world, "disable-fallback", "web/http/sorry", NULL), CTL_OK);
	assert_int_equal(run(world, "enable-fallback", "web/http/web-1", NULL), CTL_OK);
	assert_int_equal(run(world, "enable", "web/http/web-2", NULL), CTL_OK);
	assert_int_equal(run(world, "set-weight", "web/http/web-2", "0", NULL), CTL_OK);
	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH            ADDRESS      PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING\n"
	    "web/http/sorry  2001:db8::9  80         1  no        yes      -             0\n"
	    "web/http/web-1  10.0.0.1     80        10  yes       yes      -             0\n"
	    "web/http/web-2  10.0.0.2     80         0  no        yes      -             0\n");
}

static void
setting_against_a_rule_is_refused(void **state)
{
	struct world *world = *state;

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
	struct world *world = *state;

	for (size_t i = 0; i < COUNT(commands); i++) {
		assert_int_equal(run(world, "-f", i == 5 ? "table" : "json", commands[i],
		    "web/http/web-9", NULL), CTL_NOT_FOUND);
		assert_string_equal(world->err, PATH "web/http/web-9: does not exist\n");
		assert_string_equal(world->out, "");
	}
	assert_int_equal(run(world, "set-weight", "web/none/web-9", "1", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->err, PATH "web/none: does not exist\n");
	assert_int_equal(run(world, "list", "none", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->err, PATH "none: does not exist\n");
	assert_int_equal(run(world, "job", "1", NULL), CTL_NOT_FOUND);
	assert_string_equal(world->err, PATH "job 1: does not exist\n");
}

static void
usage_wrong_is_told_before_the_store_is_opened(void **state)
{
	static const struct {
		const char *words[3];
	} cases[] = {
		{ { NULL } }, { { "nonsense" } }, { { "enable" } }, { { "list", "a", "b" } },
		{ { "list", "--prune" } }, { { "list", "--nonsense" } }, { { "list", "-z" } },
		{ { "list", "-f" } }, { { "-f", "xml", "list" } }, { { "enable", "web/http" } },
		{ { "info", "a b" } }, { { "info", "a/b/c/d" } }, { { "info", "" } },
		{ { "set-weight", "a/b/c", "65536" } }, { { "set-weight", "a/b/c", "x" } },
		{ { "set-weight", "a/b/c" } }, { { "job", "0" } }, { { "job", "x" } },
		{ { "load" } }, { { "-f", "json", "export" } }, { { "info", "--reset", "a" } },
	};
	struct world *world = *state, none = { .dir = "/nonexistent" };

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(run(&none, cases[i].words[0], cases[i].words[1],
		    cases[i].words[2], NULL), CTL_USAGE);
		assert_memory_equal(none.err, PATH, strlen(PATH));
		assert_string_equal(none.out, "");
	}
	forget(&none);
	(void)world;
}

static void
store_missing_is_refused(void **state)
{
	struct world none = { .dir = "/nonexistent" };

	(void)state;
	assert_int_equal(run(&none, "list", NULL), CTL_REFUSED);
	assert_non_null(strstr(none.err, "/nonexistent"));
	assert_string_equal(none.out, "");
	assert_int_equal(run(&none, "enable", "a/b/c", NULL), CTL_REFUSED);
	forget(&none);
}

static void
store_foreign_is_refused(void **state)
{
	struct world *world = *state;
	char path[128];

	file_write(world, "lbcluster.db", "this is no database, and long enough to see it", path);
	assert_int_equal(run(world, "list", NULL), CTL_REFUSED);
	assert_non_null(strstr(world->err, "lbcluster.db"));
	assert_int_equal(run(world, "enable", "web/http/web-1", NULL), CTL_REFUSED);
}

static void
output_that_fails_is_told(void **state)
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

static void
help_and_version_are_data(void **state)
{
	static const char *const commands[] = {
		"list", "info", "statistics", "enable", "disable", "enable-fallback",
		"disable-fallback", "set-weight", "job", "load", "export", "import-statistics",
		"oid", "remove", "--store", "DIR", "table|json", "--dry-run", "--prune", "--reset",
	};
	struct world *world = *state;

	assert_int_equal(run(world, "--help", NULL), CTL_OK);
	for (size_t i = 0; i < COUNT(commands); i++)
		assert_non_null(strstr(world->out, commands[i]));
	assert_int_equal(run(world, "--version", NULL), CTL_OK);
	assert_memory_equal(world->out, "lbclusterctl ", strlen("lbclusterctl "));
	assert_string_equal(world->err, "");
}

/* -- load and export ------------------------------------------------------------------- */

static void
load_again_changes_nothing(void **state)
{
	struct world *world = *state;

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
load_leaves_settings_alone(void **state)
{
	struct world *world = *state;

	assert_int_equal(load(world, changed, NULL, NULL), CTL_OK);
	assert_string_equal(world->out, "added 1, updated 2, removed 0, unchanged 2\n");
	assert_non_null(strstr(world->err, KEPT));
	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH            ADDRESS      PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING\n"
	    "web/http/sorry  2001:db8::9  80         1  yes       yes      -             0\n"
	    "web/http/web-1  10.0.0.7     80        10  no        yes      -             0\n"
	    "web/http/web-2  10.0.0.2     80        20  no        no       -             0\n"
	    "web/http/web-4  10.0.0.4     -          1  no        yes      -             0\n");
	assert_int_equal(run(world, "-f", "json", "job", NULL), CTL_OK);
	assert_string_equal(world->out, "[]\n");
}

static void
load_reset_sets_by_jobs(void **state)
{
	struct world *world = *state;
	json_t *json;

	assert_int_equal(load(world, changed, "--reset", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "added 1, updated 4, removed 0, unchanged 1, jobs 4\n");
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "PATH            ADDRESS      PORT  WEIGHT  FALLBACK  ENABLED  ACTIVE  PENDING\n"
	    "web/http/sorry  2001:db8::9  80         1  no        yes      -             0\n"
	    "web/http/web-1  10.0.0.7     80        11  no        yes      -             0\n"
	    "web/http/web-2  10.0.0.2     80        20  no        yes      -             0\n"
	    "web/http/web-4  10.0.0.4     -          1  yes       yes      -             0\n");
	assert_int_equal(run(world, "-f", "json", "job", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 4);
	json_decref(json);
}

static void
load_prune_removes_what_is_not_named(void **state)
{
	struct world *world = *state;

	assert_int_equal(load(world, changed, "--prune", NULL), CTL_OK);
	assert_string_equal(world->out, "added 1, updated 2, removed 5, unchanged 2\n");
	/* The fallback that was in the way is gone. */
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "-f", "json", "list", "-r", NULL), CTL_OK);
	assert_null(strstr(world->out, "sorry"));
	assert_null(strstr(world->out, "ha/"));
	assert_int_equal(run(world, "-f", "json", "info", "web/http/web-4", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"fallback\": true"));
	assert_int_equal(run(world, "list", NULL), CTL_OK);
	assert_null(strstr(world->out, "ha"));
	assert_int_equal(run(world, "list", "web", NULL), CTL_OK);
	assert_null(strstr(world->out, "empty"));
}

static void
load_dry_run_tells_and_changes_nothing(void **state)
{
	struct world *world = *state;
	json_t *json;

	assert_int_equal(load(world, changed, "--prune", "--dry-run"), CTL_OK);
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
load_json_has_its_shapes(void **state)
{
	struct world *world = *state;
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
load_reset_against_a_rule_changes_nothing(void **state)
{
	struct world *world = *state;

	assert_int_equal(load(world, "cluster web { service http {\n"
	    "real sorry { address = 10.9.9.9 }\n"
	    "real web-1 { address = 10.0.0.1  enabled = no\n"
	    "fallback = yes } } }", "--reset", NULL), CTL_PRECOND);
	assert_non_null(strstr(world->err,
	    "clusters.conf:4: web/http/web-1: precondition failed: "));
	assert_int_equal(load(world, inventory, "--prune", "--reset"), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 9\n");
}

static void
load_of_a_bad_file_makes_no_store(void **state)
{
	struct world *world = *state, other = { .dir = "/tmp/lbc-ctl-XXXXXX" };
	char path[128];

	assert_non_null(mkdtemp(other.dir));
	file_write(world, "clusters.conf", "cluster web { weight = 1 }", path);
	assert_int_equal(run(&other, "load", path, NULL), CTL_FAILURE);
	assert_non_null(strstr(other.err, "clusters.conf:1: no such option 'weight'\n"));
	assert_int_equal(rmdir(other.dir), 0);
	forget(&other);
}

static void
load_dry_run_makes_no_store(void **state)
{
	struct world *world = *state, other = { .dir = "/tmp/lbc-ctl-XXXXXX" };
	char path[128];

	assert_non_null(mkdtemp(other.dir));
	file_write(world, "clusters.conf", inventory, path);
	assert_int_equal(run(&other, "load", "-n", path, NULL), CTL_REFUSED);
	assert_int_equal(rmdir(other.dir), 0);
	forget(&other);
}

static void
load_prune_of_an_empty_file_is_refused(void **state)
{
	struct world *world = *state;

	assert_int_equal(load(world, "# nothing\n", "--prune", NULL), CTL_FAILURE);
	assert_non_null(strstr(world->err, "names no cluster: --prune would remove all"));
	assert_int_equal(load(world, "# nothing\n", NULL, NULL), CTL_OK);
}

static void
export_is_loaded_to_the_same_store(void **state)
{
	struct world *world = *state, other = { .dir = "/tmp/lbc-ctl-XXXXXX" };
	struct world *copy = &other;
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
	world_free((void **)&copy);
}

/* The flag stays when a fallback is disabled, and is a state to be restored. */
static void
export_of_disabled_fallback_is_loaded(void **state)
{
	struct world *world = *state;
	char *text;

	assert_int_equal(run(world, "disable", "web/http/sorry", NULL), CTL_OK);
	assert_int_equal(run(world, "export", NULL), CTL_OK);
	text = strdup(world->out);
	assert_int_equal(run(world, "remove", "web", NULL), CTL_OK);
	assert_int_equal(load(world, text, NULL, NULL), CTL_OK);
	assert_int_equal(run(world, "export", NULL), CTL_OK);
	assert_string_equal(world->out, text);
	free(text);
}

static void
export_of_a_path_is_what_is_below(void **state)
{
	struct world *world = *state;

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

/* -- import-statistics -------------------------------------------------------------------- */

#define ON_WEB_1(text) "{\"path\": \"web/http/web-1\", " text "}\n"
#define GOOD ON_WEB_1("\"pps_in\": 1")

static const struct bad_line {
	const char *name, *line, *words;
} bad_lines[] = {
	{ "line_that_is_no_json_is_bad", "path web\n", ":2: no JSON: " },
	{ "line_with_two_objects_is_bad", "{} {}\n", ":2: no JSON: " },
	{ "line_that_is_an_array_is_bad", "[]\n", ":2: no JSON object\n" },
	{ "line_with_a_key_twice_is_bad", ON_WEB_1("\"pps_in\": 1, \"pps_in\": 2"),
	    ":2: no JSON: duplicate" },
	{ "line_without_path_is_bad", "{\"pps_in\": 1}\n", ":2: path is missing, or no text\n" },
	{ "line_with_path_of_number_is_bad", "{\"path\": 1}\n",
	    ":2: path is missing, or no text\n" },
	{ "line_of_unknown_real_is_bad", "{\"path\": \"web/http/web-9\"}\n",
	    ":2: web/http/web-9: does not exist\n" },
	{ "line_of_service_is_bad", "{\"path\": \"web/http\"}\n",
	    ":2: web/http names no real service\n" },
	{ "line_of_no_name_is_bad", "{\"path\": \"web//x\"}\n", ":2: \"\" is no name of a" },
	{ "key_unknown_is_bad", ON_WEB_1("\"bps\": 1"), ":2: \"bps\" is no key of statistics\n" },
	{ "key_unknown_of_null_is_bad", ON_WEB_1("\"bps\": null"),
	    ":2: \"bps\" is no key of statistics\n" },
	{ "number_negative_is_bad", ON_WEB_1("\"bps_in\": -1"), ":2: bps_in is negative\n" },
	{ "number_of_text_is_bad", ON_WEB_1("\"bps_in\": \"1\""), ":2: bps_in is no integer\n" },
	{ "number_with_fraction_is_bad", ON_WEB_1("\"bps_in\": 1.5"), ":2: bps_in is no integer\n" },
	{ "number_too_big_is_bad", ON_WEB_1("\"bps_in\": 9223372036854775808"),
	    ":2: no JSON: too big integer" },
	{ "active_of_number_is_bad", ON_WEB_1("\"active\": 1"),
	    ":2: active is neither true nor false\n" },
	{ "time_negative_is_bad", ON_WEB_1("\"last_update\": -1"),
	    ":2: last_update is no time in seconds\n" },
	{ "time_in_milliseconds_is_bad", ON_WEB_1("\"last_update\": 1795354920000"),
	    ":2: last_update is no time in seconds\n" },
	{ "time_without_z_is_bad", ON_WEB_1("\"last_update\": \"2026-11-22T13:42:00\""),
	    ":2: last_update is neither seconds nor a time as 2026-11-22T13:42:00Z\n" },
	{ "time_of_one_digit_is_bad", ON_WEB_1("\"last_update\": \"2026-1-22T13:42:00Z\""),
	    ":2: last_update is neither seconds nor a time as 2026-11-22T13:42:00Z\n" },
	{ "time_with_more_after_is_bad", ON_WEB_1("\"last_update\": \"2026-1-22T13:42:00Zx\""),
	    ":2: last_update is neither seconds nor a time as 2026-11-22T13:42:00Z\n" },
	{ "time_of_no_month_is_bad", ON_WEB_1("\"counters_since\": \"2026-13-22T13:42:00Z\""),
	    ":2: counters_since is neither seconds nor a time as 2026-11-22T13:42:00Z\n" },
	{ "time_before_1970_is_bad", ON_WEB_1("\"last_update\": \"1969-12-31T23:59:59Z\""),
	    ":2: last_update is before 1970\n" },
};

/* The lines around it are taken, and the status tells of it. */
static void
bad_line_test(void **state)
{
	const struct bad_line *bad = *state;
	char text[1024], *row[1];
	struct world *world;

	world_new((void **)row);
	world = (struct world *)(void *)row[0];
	snprintf(text, sizeof(text), "%s%s\n%s", GOOD, bad->line,
	    "{\"path\": \"ha/s/a\", \"bps_out\": 8}\n");
	assert_int_equal(import(world, text), CTL_FAILURE);
	assert_non_null(strstr(world->err, bad->words));
	assert_string_equal(world->out, "imported  2\nbad       1\n");
	assert_int_equal(run(world, "-f", "json", "statistics", "ha/s/a", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"bps_out\": 8"));
	world_free((void **)row);
}

static void
line_too_long_is_bad(void **state)
{
	struct world *world = *state;
	size_t length = 3 * LINES_LENGTH_MAX;
	char *text = malloc(length + 512);

	strcpy(text, GOOD);
	memset(text + strlen(GOOD), ' ', length);
	strcpy(text + strlen(GOOD) + length, "\n" GOOD "{");
	assert_int_equal(import(world, text), CTL_FAILURE);
	assert_non_null(strstr(world->err, ":2: the line is too long\n"));
	assert_non_null(strstr(world->err, ":4: no JSON: "));
	assert_string_equal(world->out, "imported  2\nbad       2\n");
	free(text);
}

static void
bad_lines_beyond_the_limit_are_counted(void **state)
{
	struct world *world = *state;
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
line_without_time_is_of_now(void **state)
{
	struct world *world = *state;
	struct tm tm = { 0 };
	json_t *json;
	time_t told;

	assert_int_equal(import(world, "\n" GOOD), CTL_OK);
	assert_int_equal(run(world, "-f", "json", "statistics", "web/http/web-1", NULL), CTL_OK);
	json = json_of(world);
	assert_non_null(strptime(json_string_value(json_object_get(json, "last_update")),
	    "%Y-%m-%dT%H:%M:%SZ", &tm));
	told = timegm(&tm);
	assert_true(told <= time(NULL) && told > time(NULL) - 60);
	json_decref(json);
}

/* More than one batch, and the last line without a newline. */
static void
import_of_many_lines_takes_all(void **state)
{
	struct world *world = *state;
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

/* -- oid, remove, job ---------------------------------------------------------------------- */

#define ROOT ".1.3.6.1.4.1.8072.9999.9999.522.1"

static void
oid_of_real_has_lines_that_set(void **state)
{
	struct world *world = *state;
	json_t *json;

	/* Numbers are given in the order of the file: web, http; web-1. */
	assert_int_equal(run(world, "oid", "web/http/web-1", NULL), CTL_OK);
	assert_non_null(strstr(world->out,
	    "lbcRealWeight                " ROOT ".4.1.8.1.1.1   yes\n"));
	assert_non_null(strstr(world->out,
	    "lbcRealStatsLastUpdate       " ROOT ".5.1.12.1.1.1  no\n"));
	assert_non_null(strstr(world->out, "\nsnmpget -v 2c -c public localhost "
	    ROOT ".4.1.8.1.1.1 " ROOT ".4.1.9.1.1.1 " ROOT ".4.1.10.1.1.1\n"));
	assert_non_null(strstr(world->out,
	    "\nsnmpset -v 2c -c private localhost " ROOT ".4.1.8.1.1.1 u 10\n"));
	assert_non_null(strstr(world->out,
	    "\nsnmpset -v 2c -c private localhost " ROOT ".4.1.9.1.1.1 i 2\n"));
	assert_non_null(strstr(world->out,
	    "\nsnmpset -v 2c -c private localhost " ROOT ".4.1.10.1.1.1 i 1\n"));
	assert_int_equal(run(world, "-f", "json", "oid", "web/http/web-2", NULL), CTL_OK);
	json = json_of(world);
	assert_keys(json_array_get(json, 0), "name oid writable snmpget snmpset");
	json_decref(json);
	assert_non_null(strstr(world->out, ROOT ".4.1.10.1.1.2 i 2\""));
}

static void
oid_of_service_and_cluster_only_read(void **state)
{
	struct world *world = *state;

	assert_int_equal(run(world, "oid", "ha", NULL), CTL_OK);
	assert_non_null(strstr(world->out, ROOT ".2.1.6.2"));
	assert_null(strstr(world->out, "snmpset"));
	assert_null(strstr(world->out, "lbcService"));
	assert_int_equal(run(world, "oid", "ha/s", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "lbcServiceStatus"));
	assert_non_null(strstr(world->out, ROOT ".3.1.9.2.3"));
	assert_null(strstr(world->out, "snmpset"));
}

static void
remove_takes_all_below(void **state)
{
	struct world *world = *state;

	assert_int_equal(run(world, "remove", "web/http/web-1", NULL), CTL_OK);
	assert_string_equal(world->out, "path     web/http/web-1\nremoved  1\n");
	assert_int_equal(run(world, "remove", "web/http/web-1", NULL), CTL_NOT_FOUND);
	assert_int_equal(run(world, "-f", "json", "remove", "web", NULL), CTL_OK);
	assert_json(world, "{\"path\":\"web\",\"removed\":5}");
	assert_int_equal(run(world, "-f", "json", "remove", "ha/s", NULL), CTL_OK);
	assert_json(world, "{\"path\":\"ha/s\",\"removed\":2}");
	assert_int_equal(run(world, "list", NULL), CTL_OK);
	assert_string_equal(world->out,
	    "NAME  PLANE    STATUS  MESSAGE\nha    haproxy  none    -\n");
}

static void
job_list_and_job_have_the_keys_of_the_api(void **state)
{
	struct world *world = *state;
	json_t *json;

	run(world, "disable", "web/http/web-1", NULL);
	run(world, "set-weight", "ha/s/a", "7", NULL);
	run(world, "set-weight", "ha/s/a", "8", NULL);
	assert_int_equal(run(world, "-f", "json", "job", NULL), CTL_OK);
	json = json_of(world);
	assert_int_equal(json_array_size(json), 3);
	assert_keys(json_array_get(json, 0), "id type status service finished error");
	json_decref(json);
	/* It did not do what it was made for: an error, as for one that failed. */
	assert_int_equal(run(world, "-f", "json", "job", "2", NULL), CTL_OK);
	assert_json(world, "{\"id\":\"2\",\"type\":\"set_weight\",\"status\":\"superseded\","
	    "\"service\":\"ha/s/a\",\"finished\":true,\"error\":true}");
	assert_int_equal(run(world, "-f", "json", "job", "3", NULL), CTL_OK);
	assert_json(world, "{\"id\":\"3\",\"type\":\"set_weight\",\"status\":\"queued\","
	    "\"service\":\"ha/s/a\",\"finished\":false,\"error\":false}");
	assert_int_equal(run(world, "job", "1", NULL), CTL_OK);
	assert_memory_equal(world->out, "id        1\n", 12);
}

/* -- tables ---------------------------------------------------------------------------------- */

/* Rows beyond those that the widths are learnt from keep the widths, or overflow. */
static void
table_of_many_rows_streams(void **state)
{
	static const struct out_column columns[] = {
		{ "a", "A", OUT_TEXT }, { "b", "B", OUT_NUMBER }, { "c", "C", OUT_TEXT },
	};
	char *text = NULL;
	size_t size, lines = 0;
	FILE *file = open_memstream(&text, &size);
	struct out *out = out_begin(file, OUT_TABLE, columns, COUNT(columns));

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		const struct out_value values[] = {
			{ .text = i < 1000 ? "xyz" : "longer" }, { .number = i }, { .text = "\x1b[" },
		};

		assert_true(out_row(out, values));
		if (i == 1000) {
			fflush(file);
			assert_non_null(strstr(text, "xyz  999  ?[\n"));
		}
	}
	out_end(out);
	fclose(file);
	assert_memory_equal(text, "A      B  C\nxyz    0  ?[\n", 25);
	assert_non_null(strstr(text, "\nlonger  1999  ?[\n"));
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 2001);
	free(text);
}

static void
json_of_bytes_that_are_no_utf8_is_json(void **state)
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

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_new, world_free)

int
main(void)
{
	const struct CMUnitTest fixed[] = {
		IN_WORLD(list_of_all_is_clusters),
		IN_WORLD(list_of_cluster_is_services),
		IN_WORLD(list_of_service_is_real_services),
		IN_WORLD(list_recursive_is_all_real_services_below),
		IN_WORLD(list_of_nothing_is_an_empty_array),
		IN_WORLD(info_has_the_keys_and_types_of_the_api),
		IN_WORLD(info_of_service_and_cluster_is_theirs),
		IN_WORLD(statistics_never_measured_are_null),
		IN_WORLD(statistics_imported_are_printed),
		IN_WORLD(statistics_totals_follow_where_counted),
		IN_WORLD(statistics_of_service_is_a_list),
		IN_WORLD(setting_that_changes_is_a_job),
		IN_WORLD(setting_is_known_to_be_of_the_command_line),
		IN_WORLD(setting_that_changes_nothing_says_so),
		IN_WORLD(setting_each_way_does_what_it_says),
		IN_WORLD(setting_against_a_rule_is_refused),
		IN_WORLD(row_unknown_does_not_exist),
		IN_WORLD(usage_wrong_is_told_before_the_store_is_opened),
		cmocka_unit_test(store_missing_is_refused),
		IN_WORLD(store_foreign_is_refused),
		cmocka_unit_test(output_that_fails_is_told),
		IN_WORLD(help_and_version_are_data),
		IN_WORLD(load_again_changes_nothing),
		IN_WORLD(load_leaves_settings_alone),
		IN_WORLD(load_reset_sets_by_jobs),
		IN_WORLD(load_prune_removes_what_is_not_named),
		IN_WORLD(load_dry_run_tells_and_changes_nothing),
		IN_WORLD(load_json_has_its_shapes),
		IN_WORLD(load_reset_against_a_rule_changes_nothing),
		IN_WORLD(load_of_a_bad_file_makes_no_store),
		IN_WORLD(load_dry_run_makes_no_store),
		IN_WORLD(load_prune_of_an_empty_file_is_refused),
		IN_WORLD(export_is_loaded_to_the_same_store),
		IN_WORLD(export_of_disabled_fallback_is_loaded),
		IN_WORLD(export_of_a_path_is_what_is_below),
		IN_WORLD(line_too_long_is_bad),
		IN_WORLD(bad_lines_beyond_the_limit_are_counted),
		IN_WORLD(line_without_time_is_of_now),
		IN_WORLD(import_of_many_lines_takes_all),
		IN_WORLD(oid_of_real_has_lines_that_set),
		IN_WORLD(oid_of_service_and_cluster_only_read),
		IN_WORLD(remove_takes_all_below),
		IN_WORLD(job_list_and_job_have_the_keys_of_the_api),
		cmocka_unit_test(table_of_many_rows_streams),
		cmocka_unit_test(json_of_bytes_that_are_no_utf8_is_json),
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
