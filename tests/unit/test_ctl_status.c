/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of "lbclusterctl status": rows, columns, widths, colours, the page and exit statuses.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_fixture.h"
#include "ctl/status_table.h"
#include "util/clock.h"
#include "util/text.h"

enum { WELL, WRONG, DOWN, NO_STATUS };

/* Both members are measured as given, the fallback as active. */
static void
measure(struct ctl_fixture *world, const char *web_1, const char *web_2)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "{\"path\": \"web/http/web-1\", \"active\": %s, \"active_connections\": 7,"
	    " \"connections_per_second\": 2, \"bps_in\": 9999, \"bps_out\": 48800000}\n"
	    "{\"path\": \"web/http/web-2\", \"active\": %s}\n"
	    "{\"path\": \"web/http/sorry\", \"active\": true}\n", web_1, web_2);
	assert_int_equal(import(world, text), CTL_OK);
}

/* Stores a reason of a real service, as a driver does. */
static void
reason_store(const struct ctl_fixture *world, const char *name, const char *text)
{
	struct store_reason reason = { .text = text };
	uint32_t cluster, service;
	struct store *store;
	struct path path;
	struct err err;

	assert_int_equal(path_parse(name, &path, &err), ERR_OK);
	assert_int_equal(store_open(world->dir, STORE_WRITE, 1000, &store, &err), ERR_OK);
	assert_int_equal(store_find(store, &path, &cluster, &service, &reason.real_id, &err),
	    ERR_OK);
	assert_int_equal(store_reasons_put(store, &reason, 1, &err), ERR_OK);
	store_close(store);
}

/* -- rows --------------------------------------------------------------------------- */

static void
table_has_a_row_for_each_row(void **state)
{
	struct ctl_fixture *world = *state;

	measure(world, "true", "true");
	assert_int_equal(run(world, "enable", "web/http/web-2", NULL), CTL_OK);
	assert_int_equal(run(world, "status", "web", NULL), WELL);
	assert_string_equal(world->out,
	    "2 services: 1 up, 1 disabled; 3 real services, 1 cluster\n"
	    "\n"
	    "NAME       STATUS    ENDPOINT          UP/SHARE  WEIGHT  CONNS  NEW/S  BPS-IN  BPS-OUT"
	    "  REASON\n"
	    "web        up        no data plane          3/3              7      2    9999"
	    "    48.8M\n"
	    "  empty    disabled                         0/0       0      -      -       -"
	    "        -\n"
	    "  http     up        192.0.2.10:80          3/3      30      7      2    9999"
	    "    48.8M\n"
	    "    web-1  inUse     10.0.0.1:80            33%      10      7      2    9999"
	    "    48.8M\n"
	    "    web-2  inUse     10.0.0.2:80            67%      20      -      -       -"
	    "        -\n"
	    "    sorry  standby   [2001:db8::9]:80  fallback       1      -      -       -"
	    "        -\n");
}

static void
problems_are_shown_below_their_parents(void **state)
{
	struct ctl_fixture *world = *state;

	measure(world, "false", "true");
	reason_store(world, "web/http/web-1", "L4CON: Connection refused");
	assert_int_equal(run(world, "status", "-p", "web", NULL), WRONG);
	assert_string_equal(world->out,
	    "2 services: 1 onFallback, 1 disabled; 3 real services, 1 cluster\n"
	    "\n"
	    "NAME       STATUS      ENDPOINT       UP/SHARE  WEIGHT  CONNS  NEW/S  BPS-IN  BPS-OUT"
	    "  REASON\n"
	    "web        onFallback  no data plane       1/2              7      2    9999"
	    "    48.8M\n"
	    "  http     onFallback  192.0.2.10:80       1/2      10      7      2    9999"
	    "    48.8M\n"
	    "    web-1  inactive    10.0.0.1:80          0%      10      7      2    9999    48.8M"
	    "  L4CON: Connection refused\n");
	/* The service of web-1 is not selected, and only shown because of web-1. */
	assert_int_equal(run(world, "-f", "json", "status", "-p", "web/*/*", NULL), WRONG);
	assert_non_null(strstr(world->out, "\"path\": \"web/http/web-1\""));
	assert_null(strstr(world->out, "\"path\": \"web/http\""));
	/* A service is wrong while its driver does not run, whatever was measured. */
	measure(world, "true", "true");
	assert_int_equal(run(world, "status", "-p", "web", NULL), WELL);
	assert_string_equal(world->out,
	    "2 services: 1 up, 1 disabled; 3 real services, 1 cluster\n\nNothing is wrong.\n");
	assert_int_equal(run(world, "status", "-p", "ha", NULL), WRONG);
	assert_non_null(strstr(world->out,
	    "unattended: lbcluster-haproxy has not polled HAProxy yet; start it\n"));
}

static void
share_is_of_servers_that_get_new_connections(void **state)
{
	struct ctl_fixture *world = *state;

	measure(world, "false", "true");
	assert_int_equal(run(world, "enable", "web/http/web-2", NULL), CTL_OK);
	assert_int_equal(run(world, "set-weight", "web/http/sorry", "7", NULL), CTL_OK);
	assert_int_equal(run(world, "status", "web/http", NULL), WRONG);
	assert_non_null(strstr(world->out, "10.0.0.1:80             0%      10 "));
	assert_non_null(strstr(world->out, "10.0.0.2:80           100%      20 "));
	assert_non_null(strstr(world->out, "[2001:db8::9]:80  fallback       7 "));
	assert_int_equal(run(world, "-f", "json", "status", "web/http/web-1", NULL), WRONG);
	assert_non_null(strstr(world->out, "\"weight\": 10, \"weight_percent\": 0,"));
	/* The fallback serves. */
	measure(world, "false", "false");
	assert_int_equal(run(world, "status", "web/http", NULL), WRONG);
	assert_non_null(strstr(world->out, "10.0.0.2:80             0%      20 "));
	assert_non_null(strstr(world->out, "[2001:db8::9]:80      100%       7 "));
	/* The fallback is inactive. */
	measure(world, "true", "true");
	assert_int_equal(import(world, "{\"path\": \"web/http/sorry\", \"active\": false}\n"),
	    CTL_OK);
	assert_int_equal(run(world, "status", "web/http", NULL), WRONG);
	assert_non_null(strstr(world->out, "[2001:db8::9]:80        0%       7 "));
	/* No server gets new connections. */
	measure(world, "false", "false");
	assert_int_equal(import(world, "{\"path\": \"web/http/sorry\", \"active\": false}\n"),
	    CTL_OK);
	assert_int_equal(run(world, "status", "web/http", NULL), DOWN);
	assert_non_null(strstr(world->out, "10.0.0.1:80              -      10 "));
	/* A weight of 0 is a share of 0, also if no server gets new connections. */
	assert_int_equal(run(world, "set-weight", "web/http/web-1", "0", NULL), CTL_OK);
	assert_int_equal(run(world, "disable", "web/http/sorry", NULL), CTL_OK);
	measure(world, "true", "false");
	assert_int_equal(run(world, "status", "web/http", NULL), DOWN);
	assert_non_null(strstr(world->out, "    web-1  draining "));
	assert_non_null(strstr(world->out, " 0%       0 "));
	assert_non_null(strstr(world->out,
	    "    sorry  disabled  [2001:db8::9]:80         -       7 "));
}

static void
reason_has_the_age_and_open_jobs(void **state)
{
	struct ctl_fixture *world = *state;
	char text[128];

	snprintf(text, sizeof(text), "{\"path\": \"web/http/web-1\", \"active\": true,"
	    " \"last_update\": %lld}\n", (long long)(clock_wall_s() - 3 * 3600 - 60));
	assert_int_equal(import(world, text), CTL_OK);
	assert_int_equal(run(world, "status", "web/http/web-1", NULL), WRONG);
	/* The rows above are shown, without the rows beside it. */
	assert_non_null(strstr(world->out, "\nweb        unknown "));
	assert_non_null(strstr(world->out, "\n  http     unknown "));
	assert_null(strstr(world->out, "sorry"));
	assert_non_null(strstr(world->out,
	    "  3 h old: statistics are stale; start the collector or the driver\n"));
	assert_int_equal(run(world, "-f", "json", "status", "web/http/web-1", NULL), WRONG);
	assert_non_null(strstr(world->out,
	    "\"reason\": \"statistics are stale; start the collector or the driver\""));
	assert_non_null(strstr(world->out, "\"freshness\": \"stale\", \"age\": 108"));
	assert_int_equal(run(world, "set-weight", "--no-wait", "ha/s/a", "0", NULL), CTL_OK);
	assert_int_equal(run(world, "status", "ha/s/a", NULL), WRONG);
	assert_non_null(strstr(world->out, "no statistics yet; 1 open job\n"));
}

static void
weights_of_zero_are_reported(void **state)
{
	struct ctl_fixture *world = *state;

	measure(world, "true", "true");
	assert_int_equal(run(world, "set-weight", "web/http/web-1", "0", NULL), CTL_OK);
	/* A cluster without a driver. */
	assert_int_equal(run(world, "status", "-p", "web/http", NULL), WRONG);
	assert_string_equal(world->out,
	    "1 service: 1 up; 3 real services\n"
	    "\n"
	    "NAME    STATUS  ENDPOINT       UP/SHARE  WEIGHT  CONNS  NEW/S  BPS-IN  BPS-OUT"
	    "  REASON\n"
	    "web     up      no data plane       2/2              7      2    9999    48.8M\n"
	    "  http  up      192.0.2.10:80       2/2       0      7      2    9999    48.8M"
	    "  every active server except the fallback has weight 0\n");
	assert_int_equal(run(world, "-f", "json", "status", "web/http/sorry", NULL), WELL);
	assert_non_null(strstr(world->out, "\"status\": \"standby\", "
	    "\"reason\": \"every other active server has weight 0\""));
	/* No server is left for new connections. */
	assert_int_equal(run(world, "disable", "web/http/sorry", NULL), CTL_OK);
	assert_int_equal(run(world, "status", "-p", "web/http", NULL), DOWN);
	assert_non_null(strstr(world->out,
	    "  every active server has weight 0: no server gets new connections\n"));
	assert_int_equal(run(world, "-f", "json", "status", "-p", "web/http", NULL), DOWN);
	assert_non_null(strstr(world->out, "\"kind\": \"service\", \"status\": \"up\", "
	    "\"reason\": \"every active server has weight 0: no server gets new "
	    "connections\""));
}

static void
services_without_enabled_members_have_a_reason(void **state)
{
	struct ctl_fixture *world = *state;

	measure(world, "true", "true");
	assert_int_equal(run(world, "disable", "web/http/web-1", NULL), CTL_OK);
	assert_int_equal(run(world, "status", "-p", "web/http", NULL), WRONG);
	assert_non_null(strstr(world->out, "every server except the fallback is disabled\n"));
	assert_int_equal(run(world, "disable", "web/http/sorry", NULL), CTL_OK);
	assert_int_equal(run(world, "-f", "json", "status", "web/http", NULL), WELL);
	assert_non_null(strstr(world->out, "\"kind\": \"service\", \"status\": \"disabled\", "
	    "\"reason\": \"each real service is disabled: clients get no answer\""));
	assert_int_equal(run(world, "-f", "html", "status", "web/http", NULL), WELL);
	assert_non_null(strstr(world->out, "each real service is disabled: clients get no "));
	/* A service that was disabled itself. */
	assert_int_equal(run(world, "disable", "web/http", NULL), CTL_OK);
	assert_int_equal(run(world, "status", "web/http", NULL), WELL);
	assert_null(strstr(world->out, "each real service is disabled"));
}

/* A SET of SNMP is answered, and lbclusterd has not written it to the row. */
static void
settings_of_a_set_show_at_once(void **state)
{
	struct ctl_fixture *world = *state;
	struct change change = { .column = REAL_ENABLED, .value = 0 };
	struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_SNMP, .token = 7 };
	const struct path path = { "web", "http", "web-1" };
	uint32_t cluster, service, first;
	struct verdict verdict;
	struct store *store;
	struct err err;
	size_t jobs;

	measure(world, "true", "true");
	assert_int_equal(store_open(world->dir, STORE_WRITE, 1000, &store, &err), ERR_OK);
	assert_int_equal(store_find(store, &path, &cluster, &service, &change.id, &err), ERR_OK);
	assert_int_equal(store_set(store, &set, STORE_SET_HOLD, &verdict, &first, &jobs, &err),
	    ERR_OK);
	assert_int_equal(run(world, "list", "web/http", NULL), CTL_OK);
	assert_non_null(strstr(world->out,
	    "web/http/web-1  10.0.0.1     80        10  no        no "));
	assert_int_equal(run(world, "status", "web/http/web-1", NULL), WELL);
	assert_non_null(strstr(world->out, "    web-1  disabled "));
	store_close(store);
}

static void
json_has_the_same_keys_for_each_row(void **state)
{
	struct ctl_fixture *world = *state;
	static const char *const kinds[] = { "cluster", "service", "service", "real", "real",
		"real" };
	json_t *rows, *row;
	size_t i;

	measure(world, "true", "false");
	assert_int_equal(run(world, "-f", "json", "status", "web", NULL), WELL);
	rows = json_of(world);
	assert_int_equal(json_array_size(rows), COUNT(kinds));
	json_array_foreach(rows, i, row) {
		assert_keys(row, "path kind status reason plane plane_status endpoint enabled "
		    "fallback reals_enabled reals_active weight weight_percent freshness age "
		    "active_connections connections_per_second bps_in bps_out pending_jobs");
		assert_string_equal(json_string_value(json_object_get(row, "kind")), kinds[i]);
	}
	row = json_array_get(rows, 3);
	assert_string_equal(json_string_value(json_object_get(row, "path")), "web/http/web-1");
	assert_int_equal(json_integer_value(json_object_get(row, "bps_out")), 48800000);
	assert_int_equal(json_integer_value(json_object_get(row, "weight_percent")), 100);
	assert_true(json_is_null(json_object_get(json_array_get(rows, 4), "weight_percent")));
	json_decref(rows);
}

/* -- exit statuses ------------------------------------------------------------------- */

static void
exit_status_is_of_the_worst_row(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "status", "web/http", NULL), WRONG);	/* unknown */
	measure(world, "true", "true");
	assert_int_equal(run(world, "status", "web/http", NULL), WELL);
	assert_int_equal(run(world, "status", NULL), WRONG);	/* ha has no driver */
	measure(world, "false", "true");
	assert_int_equal(run(world, "status", "web", NULL), WRONG);
	assert_int_equal(import(world, "{\"path\": \"web/http/sorry\", \"active\": false}\n"),
	    CTL_OK);
	assert_int_equal(run(world, "status", "web", NULL), DOWN);
	assert_int_equal(run(world, "status", "web/http/web-1", NULL), WRONG);
	assert_int_equal(run(world, "status", "web/http/web-2", NULL), WELL);	/* disabled */
	assert_int_equal(run(world, "status", "web/empty", "web/http", NULL), DOWN);
	assert_int_equal(run(world, "-f", "html", "status", NULL), DOWN);
	/* The only enabled member is disabled, and the fallback works. */
	measure(world, "true", "true");
	assert_int_equal(run(world, "disable", "web/http/web-1", NULL), CTL_OK);
	assert_int_equal(run(world, "status", "web", NULL), WRONG);
	assert_non_null(strstr(world->out, "  http     onFallback "));
	assert_int_equal(run(world, "disable", "web/http", NULL), CTL_OK);
	assert_int_equal(run(world, "status", "web", NULL), WELL);
}

static void
errors_have_an_exit_status_of_their_own(void **state)
{
	static const struct {
		const char	*words[4];
		const char	*message;
	} cases[] = {
		{ { "status", "-w", "x" }, "-w: x is not a number of seconds, 1 to 86400" },
		{ { "status", "-w", "0" }, "-w: 0 is not a number of seconds" },
		{ { "status", "-w", "1" }, "-w: the standard output is not a terminal" },
		{ { "-w", "1", "status" }, "-w: the standard output is not a terminal" },
		{ { "status", "-r" }, "-r: is not an option of status" },
		{ { "status", "-w" }, "-w: its argument SECONDS is missing" },
		{ { "status", "web/x" }, "web/x: does not exist; services of web: empty, http" },
		{ { "status", "web/htt" }, "web/htt: does not exist; similar: web/http" },
		{ { "status", "web", "z*" }, "z*: matches no row" },
		{ { "status", "web/h!/a" }, "\"h!\" is not the name of a service" },
		{ { "status", "web/x/w*" }, "web/x: does not exist; services of web: empty, http" },
		{ { "status", "a/b/c/d" }, "has more than three parts" },
		{ { "status", "-o", "/nonexistent/page" }, "/nonexistent/page.new: No such file" },
		{ { "-s", "/nonexistent", "status" }, "give the directory of the store with -s" },
	};
	struct ctl_fixture *world = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *const *words = cases[i].words;

		assert_int_equal(run(world, words[0], words[1], words[2], words[3], NULL),
		    NO_STATUS);
		assert_string_equal(world->out, "");
		assert_non_null(strstr(world->err, cases[i].message));
	}
	/* Another command has the exit statuses of lbclusterctl, with the same letters. */
	assert_int_equal(run(world, "list", "-w", NULL), CTL_USAGE);
	assert_int_equal(run(world, "-f", "html", "list", NULL), CTL_USAGE);
	assert_string_equal(world->err, "lbclusterctl: -f html: only status writes a page\n"
	    "usage: lbclusterctl list [-r] [PATH]\n");
}

static void
store_without_rows_is_well(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "remove", "--yes", "web", NULL), CTL_OK);
	assert_int_equal(run(world, "remove", "--yes", "ha", NULL), CTL_OK);
	assert_int_equal(run(world, "status", NULL), WELL);
	assert_string_equal(world->out, "0 real services\n\nThe store has no clusters.\n");
	assert_int_equal(run(world, "-f", "json", "status", NULL), WELL);
	assert_string_equal(world->out, "[]\n");
	assert_int_equal(run(world, "-f", "html", "status", NULL), WELL);
	assert_non_null(strstr(world->out, "<p>The store has no clusters.</p>"));
}

/* -- patterns -------------------------------------------------------------------------- */

static void
patterns_select_rows_and_those_below(void **state)
{
	static const struct {
		const char	*words[2], *paths;
	} cases[] = {
		{ { "web/" }, "web web/empty web/http web/http/web-1 web/http/web-2 "
		    "web/http/sorry" },
		{ { "web/http", "ha/s/a" }, "ha/s/a web/http web/http/web-1 web/http/web-2 "
		    "web/http/sorry" },
		{ { "w?b/*/web-[13]" }, "web/http/web-1" },
		{ { "*/*/*" }, "ha/s/a web/http/web-1 web/http/web-2 web/http/sorry" },
		{ { "*/s", "web/e*" }, "ha/s ha/s/a web/empty" },
	};
	struct ctl_fixture *world = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *const *words = cases[i].words;
		char paths[512] = "";
		json_t *rows, *row;
		size_t j;

		assert_int_equal(run(world, "-f", "json", "status", words[0], words[1], NULL),
		    WRONG);
		rows = json_of(world);
		json_array_foreach(rows, j, row) {
			strcat(paths, j > 0 ? " " : "");
			strcat(paths, json_string_value(json_object_get(row, "path")));
		}
		json_decref(rows);
		assert_string_equal(paths, cases[i].paths);
	}
}

/* -- widths and colours ------------------------------------------------------------------ */

struct drawing {
	struct status_table	*table;
	struct status_view	*view;
};

static bool
row_draw(void *arg, const struct status_row *row)
{
	struct drawing *drawing = arg;

	status_table_row(drawing->table, drawing->view, row);
	putc('\n', drawing->table->file);
	return true;
}

/* Returns the table of all rows in this width; the caller frees it. */
static char *
draw(const struct ctl_fixture *world, size_t width, bool colour)
{
	struct status_view view = { .cache = cache_new(), .readable = true,
		.now = clock_wall_s() };
	struct status_table table = { .width = width, .colour = colour };
	struct drawing drawing = { &table, &view };
	struct store *store;
	bool more = true;
	char *text = NULL;
	struct err err;
	size_t size;

	assert_int_equal(store_open(world->dir, STORE_READ, 1000, &store, &err), ERR_OK);
	while (more)
		assert_int_equal(cache_refresh(view.cache, store, 1000, view.now, &more, &err),
		    ERR_OK);
	table.file = open_memstream(&text, &size);
	assert_true(status_table_measure(&table, &view));
	status_table_titles(&table);
	putc('\n', table.file);
	assert_true(status_view_each(&view, row_draw, &drawing));
	fclose(table.file);
	cache_free(view.cache);
	store_close(store);
	return text;
}

static void
lines_fit_the_terminal(void **state)
{
	struct ctl_fixture *world = *state;

	measure(world, "true", "true");
	reason_store(world, "web/http/web-1", "L7STS/503 \u65e5\u672c\u8a9e\u306e\u7406\u7531 "
	    "e\u0301 \u00fcberlastet und noch viel l\u00e4nger, als ein Terminal breit ist, "
	    "und noch viel l\u00e4nger, als ein Terminal breit ist");
	for (size_t width = 1; width < 200; width++) {
		char *text = draw(world, width, false), *saved = NULL;

		for (char *line = strtok_r(text, "\n", &saved); line != NULL;
		    line = strtok_r(NULL, "\n", &saved)) {
			assert_true(text_is_clean(line));
			assert_true(text_columns(line) <= width);
		}
		free(text);
	}
}

static void
narrow_terminal_has_fewer_columns(void **state)
{
	struct ctl_fixture *world = *state;
	char *text;

	measure(world, "false", "true");
	reason_store(world, "web/http/web-1", "L4CON: Connection refused");
	text = draw(world, 80, false);
	assert_int_equal(strncmp(text,
	    "NAME       STATUS      ENDPOINT          UP/SHARE  REASON\n", 58), 0);
	assert_non_null(strstr(text, "  s        unknown     "));
	assert_non_null(strstr(text, "ha         unknown     haproxy                0/1"
	    "  unattended: lbcluster-haprox\u2026\n"));
	free(text);
	text = draw(world, 0, false);
	assert_non_null(strstr(text, "BPS-OUT"));
	assert_non_null(strstr(text, "L4CON: Connection refused\n"));
	free(text);
}

static void
colours_are_of_the_status(void **state)
{
	struct ctl_fixture *world = *state;
	char *text;

	measure(world, "false", "true");
	text = draw(world, 0, true);
	assert_non_null(strstr(text, "\033[1mweb\033[m        \033[31monFallback\033[m"));
	assert_non_null(strstr(text, "    web-1  \033[31minactive\033[m"));
	assert_non_null(strstr(text, "    web-2  \033[36mdisabled\033[m"));
	assert_non_null(strstr(text, "    sorry  \033[32minUse\033[m"));
	assert_non_null(strstr(text, "  s        \033[35munknown\033[m"));
	free(text);
	text = draw(world, 0, false);
	assert_null(strchr(text, '\033'));
	free(text);
	/* No terminal, no colour. */
	assert_int_equal(run(world, "status", NULL), WRONG);
	assert_null(strchr(world->out, '\033'));
}

static void
characters_have_their_columns(void **state)
{
	static const struct {
		const char	*text;
		size_t		 columns;
	} cases[] = {
		{ "", 0 }, { "abc", 3 }, { "\u00fc", 1 }, { "\u65e5\u672c", 4 }, { "e\u0301", 1 },
		{ "\U0001f600", 2 }, { "\u2026", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(text_columns(cases[i].text), cases[i].columns);
}

/* -- the page ------------------------------------------------------------------------------- */

static void
page_escapes_what_the_store_has(void **state)
{
	struct ctl_fixture *world = *state;

	reason_store(world, "web/http/web-1", "<script>alert(\"x\" & 'y')</script>\033[31m\001");
	assert_int_equal(run(world, "-f", "html", "status", NULL), WRONG);
	assert_non_null(strstr(world->out, "<td>&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y"
	    "&#39;)&lt;/script&gt;?[31m?</td>"));
	assert_null(strstr(world->out, "<script"));
	assert_null(strchr(world->out, '\033'));
	assert_non_null(strstr(world->out, "<meta http-equiv=\"refresh\" content=\"30\">"));
	assert_non_null(strstr(world->out, "<b class=\"unknown\">unknown</b>"));
}

static void
file_is_replaced_as_a_whole(void **state)
{
	struct ctl_fixture *world = *state;
	char path[128], new_path[136], link[136];
	char text[16] = "";
	struct stat st;
	FILE *file;

	file_write(world, "page.html", "old", path);
	assert_int_equal(chmod(path, 0604), 0);
	/* A program that was killed left a file. */
	file_write(world, "page.html.new", "left", new_path);
	assert_int_equal(run(world, "-f", "html", "status", "-o", path, NULL), WRONG);
	assert_string_equal(world->out, "");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0604);
	assert_int_equal(access(new_path, F_OK), -1);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "<!DOCTYPE html>");
	/* Neither a link nor a device is replaced. */
	snprintf(link, sizeof(link), "%s/link", world->dir);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(run(world, "status", "-o", link, NULL), NO_STATUS);
	assert_non_null(strstr(world->err, "/link: is a link, or not a regular file"));
	assert_int_equal(run(world, "status", "-o", "/dev/null", NULL), NO_STATUS);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(table_has_a_row_for_each_row),
		CTL_TEST(problems_are_shown_below_their_parents),
		CTL_TEST(share_is_of_servers_that_get_new_connections),
		CTL_TEST(reason_has_the_age_and_open_jobs),
		CTL_TEST(weights_of_zero_are_reported),
		CTL_TEST(services_without_enabled_members_have_a_reason),
		CTL_TEST(settings_of_a_set_show_at_once),
		CTL_TEST(json_has_the_same_keys_for_each_row),
		CTL_TEST(exit_status_is_of_the_worst_row),
		CTL_TEST(errors_have_an_exit_status_of_their_own),
		CTL_TEST(store_without_rows_is_well),
		CTL_TEST(patterns_select_rows_and_those_below),
		CTL_TEST(lines_fit_the_terminal),
		CTL_TEST(narrow_terminal_has_fewer_columns),
		CTL_TEST(colours_are_of_the_status),
		cmocka_unit_test(characters_have_their_columns),
		CTL_TEST(page_escapes_what_the_store_has),
		CTL_TEST(file_is_replaced_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
