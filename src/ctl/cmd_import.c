/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command import-statistics: statistics of a collector, one JSON object on each line.
 * A line is stored as a whole or not at all. An invalid line is reported and skipped, and sets
 * the exit status; the other lines are stored. So one removed real service does not stop the
 * statistics of all others.
 */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/lines.h"
#include "ctl/progress.h"
#include "util/clock.h"
#include "util/text.h"

enum { BAD_LINES_SHOWN_MAX = 20, CLOCK_SKEW_S = 60 };

/* The last second of the year 9999. A larger number is in milliseconds by mistake. */
static const int64_t time_max = 253402300799;

static const struct out_column columns[] = {
	{ "imported", NULL, OUT_NUMBER },
	{ "bad", NULL, OUT_NUMBER },
};

struct import {
	struct ctl		*ctl;
	struct lines		 lines;
	struct progress		 progress;
	/* Rows read and not stored: of real services, and of services with their texts. */
	struct statistics	 rows[STORE_STATISTICS_BATCH];
	struct statistics	 services[STORE_STATISTICS_BATCH];
	char			 algorithms[STORE_STATISTICS_BATCH][STAT_ALGORITHM_MAX + 1];
	size_t			 n, n_services;
	uint64_t		 imported, bad;
	bool			 file_failed;	/* and not the store */
};

/* -- values of a line ------------------------------------------------------------- */

/* Checks a time. Statistics of a future time would stay fresh until then. A time at most
 * CLOCK_SKEW_S ahead is due to the clock of the collector's machine, and becomes now. */
static enum err_code
time_check(const char *key, int64_t time, int64_t *ret, struct err *err)
{
	int64_t now = clock_wall_s();

	if (time < 0)
		return err_set(err, ERR_RANGE, "%s is before 1970", key);
	if (time > time_max)
		return err_set(err, ERR_RANGE, "%s is above the year 9999; give seconds, not "
		    "milliseconds", key);
	if (time > now + CLOCK_SKEW_S)
		return err_set(err, ERR_RANGE, "%s is %lld s in the future; check the clocks of "
		    "both machines", key, (long long)(time - now));
	*ret = time < now ? time : now;
	return ERR_OK;
}

/* Parses "2026-11-22T13:42:00Z". timegm(3) turns February 31 into March 3, which is refused. */
static bool
time_parse(const char *text, int64_t *ret)
{
	struct tm tm = { 0 }, real;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	/* The length makes sure that the year has four digits. */
	if (end == NULL || *end != '\0' || strlen(text) != strlen("2026-11-22T13:42:00Z"))
		return false;
	real = tm;
	*ret = (int64_t)timegm(&real);
	return real.tm_mday == tm.tm_mday && real.tm_sec == tm.tm_sec;
}

static enum err_code
time_read(const char *key, const json_t *value, int64_t *ret, struct err *err)
{
	double real = json_real_value(value);
	int64_t time;

	if (json_is_integer(value))
		return time_check(key, json_integer_value(value), ret, err);
	if (json_is_real(value))
		return time_check(key, real < 0 ? -1 : real > (double)time_max ? time_max + 1 :
		    (int64_t)real, ret, err);
	if (json_is_string(value) && time_parse(json_string_value(value), &time))
		return time_check(key, time, ret, err);
	return err_set(err, ERR_INVALID, "%s is not a time; give seconds since 1970, or a text "
	    "such as 2026-11-22T13:42:00Z", key);
}

/* Keys that are not numbers. */
static const char *const other_keys[] = { "active", "algorithm", "last_update",
	"counters_since" };

static enum err_code
key_unknown(const char *key, struct err *err)
{
	struct names names = { .wanted = key };
	char hint[NAMES_TEXT_SIZE];

	for (size_t i = 0; i < STAT_NUMBERS; i++)
		names_add(&names, stat_number_names[i]);
	for (size_t i = 0; i < ROWS(other_keys); i++)
		names_add(&names, other_keys[i]);
	return err_set(err, ERR_INVALID, "\"%.64s\" is not a key of statistics%s", key,
	    names_similar(&names, NULL, hint));
}

/* Rounds a number with a fraction: the store has whole numbers. */
static enum err_code
whole_read(const char *key, const json_t *value, uint64_t *ret, struct err *err)
{
	double real = json_is_real(value) ? json_real_value(value) : 0;
	json_int_t integer = json_integer_value(value);

	if (!json_is_number(value))
		return err_set(err, ERR_INVALID, "%s is not a number", key);
	if (integer < 0 || real < 0)
		return err_set(err, ERR_RANGE, "%s is negative", key);
	if (real >= (double)INT64_MAX)
		return err_set(err, ERR_RANGE, "%s is above %lld", key, (long long)INT64_MAX);
	*ret = json_is_real(value) ? (uint64_t)(real + 0.5) : (uint64_t)integer;
	return ERR_OK;
}

static bool
is_other_key(const char *key)
{
	size_t i = 0;

	while (i < ROWS(other_keys) && strcmp(other_keys[i], key) != 0)
		i++;
	return i < ROWS(other_keys);
}

static enum err_code
algorithm_read(const json_t *value, char ret[STAT_ALGORITHM_MAX + 1], struct err *err)
{
	const char *algorithm = json_string_value(value);

	if (algorithm == NULL || strlen(algorithm) > STAT_ALGORITHM_MAX)
		return err_set(err, ERR_INVALID, "algorithm is not a text of at most %d bytes",
		    STAT_ALGORITHM_MAX);
	snprintf(ret, STAT_ALGORITHM_MAX + 1, "%s", algorithm);
	return ERR_OK;
}

/* Reads the value of a key into the row; null is a value that was not measured. 'algorithm' is
 * NULL for a real service. */
static enum err_code
value_read(const char *key, const json_t *value, struct statistics *row, char *algorithm,
    struct err *err)
{
	bool is_service = algorithm != NULL;
	unsigned int number = 0;

	while (number < STAT_NUMBERS && strcmp(stat_number_names[number], key) != 0)
		number++;
	if (number == STAT_NUMBERS && !is_other_key(key))
		return key_unknown(key, err);
	if (is_service && (strcmp(key, "active") == 0 || (number < STAT_NUMBERS &&
	    (STAT_SERVICE_MASK & 1u << number) == 0)))
		return err_set(err, ERR_INVALID, "\"%s\" is not a key of a service; the path of a "
		    "real service is cluster/service/server", key);
	if (!is_service && strcmp(key, "algorithm") == 0)
		return err_set(err, ERR_INVALID, "\"algorithm\" is not a key of a real service");
	if (json_is_null(value))
		return ERR_OK;
	if (strcmp(key, "algorithm") == 0)
		return algorithm_read(value, algorithm, err);
	if (strcmp(key, "last_update") == 0)
		return time_read(key, value, &row->last_update, err);
	if (strcmp(key, "counters_since") == 0)
		return time_read(key, value, &row->counters_since, err);
	if (number < STAT_NUMBERS) {
		row->present |= 1u << number;
		return whole_read(key, value, &row->number[number], err);
	}
	if (!json_is_boolean(value))
		return err_set(err, ERR_INVALID, "active is not true or false");
	row->active = json_is_true(value);
	row->present |= STAT_PRESENT_ACTIVE;
	return ERR_OK;
}

static enum err_code
values_read(json_t *object, struct statistics *row, char *algorithm, struct err *err)
{
	enum err_code code = ERR_OK;
	const char *key;
	json_t *value;

	*row = (struct statistics){ .last_update = clock_wall_s(), .algorithm = algorithm };
	if (algorithm != NULL)
		algorithm[0] = '\0';
	json_object_foreach(object, key, value) {
		if (strcmp(key, "path") != 0)
			code = value_read(key, value, row, algorithm, err);
		if (code != ERR_OK)
			break;
	}
	return code;
}

/* -- a line -------------------------------------------------------------------------- */

static enum err_code
line_path(struct import *import, const json_t *object, struct path *ret, struct err *err)
{
	const char *text = json_string_value(json_object_get(object, "path"));
	char list[NAMES_TEXT_SIZE];
	enum err_code code;

	if (text == NULL)
		return err_set(err, ERR_INVALID, "path is missing, or is not a text; give "
		    "cluster/service/server");
	code = ctl_path_parse(text, ret, err);
	if (code != ERR_OK)
		return code;
	if (path_depth(ret) < DEPTH_SERVICE)
		return err_set(err, ERR_INVALID, "%s", names_above(import->ctl->store, ret,
		    DEPTH_SERVICE, list));
	return ERR_OK;
}

/* Reads an object into import->rows or import->services. */
static enum err_code
object_read(struct import *import, json_t *object, struct err *err)
{
	uint32_t cluster_id, service_id, real_id;
	struct path path = { .cluster = "" };
	enum err_code code = line_path(import, object, &path, err);
	struct statistics *row;
	bool is_service;

	if (code != ERR_OK)
		return code;
	is_service = path_depth(&path) == DEPTH_SERVICE;
	row = is_service ? &import->services[import->n_services] : &import->rows[import->n];
	code = values_read(object, row,
	    is_service ? import->algorithms[import->n_services] : NULL, err);
	if (code == ERR_OK)
		code = store_find(import->ctl->store, &path, &cluster_id, &service_id, &real_id,
		    err);
	if (code == ERR_NOT_FOUND && import->bad < BAD_LINES_SHOWN_MAX)
		ctl_not_found_explain(import->ctl, &path, err);
	if (code != ERR_OK)
		return code;
	if (is_service)
		import->services[import->n_services++].service_id = service_id;
	else
		import->rows[import->n++].real_id = real_id;
	return ERR_OK;
}

/* True if the line is not one whole object; false for a mistake in an object. */
static bool
is_other_form(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	return code == json_error_invalid_syntax || code == json_error_premature_end_of_input ||
	    code == json_error_end_of_input_expected;
}

static enum err_code
line_read(struct import *import, const char *line, size_t length, struct err *err)
{
	json_error_t error;
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	enum err_code code;

	if (line[strspn(line, " \t\r")] == '[')
		code = err_set(err, ERR_INVALID, "an array is not accepted; write one object on "
		    "each line, as \"jq -c '.[]'\" does");
	else if (object == NULL)
		code = err_set(err, ERR_INVALID, "is not JSON (%s)%s", error.text,
		    is_other_form(&error) ? "; write one whole object on each line" : "");
	else
		code = object_read(import, object, err);
	json_decref(object);
	return code;
}

static void
bad_line(struct import *import, const struct err *err)
{
	if (import->bad++ >= BAD_LINES_SHOWN_MAX)
		return;
	progress_end(&import->progress);
	text_line_print(import->ctl->err, "%s:%zu: %s", import->lines.file, import->lines.number,
	    err->text);
}

/* True of an error of a line; false of an error of the file or the store. */
static bool
is_of_line(enum err_code code)
{
	return code == ERR_INVALID || code == ERR_RANGE || code == ERR_NOT_FOUND;
}

/* -- all lines ------------------------------------------------------------------------ */

static enum err_code
flush(struct import *import, struct err *err)
{
	enum err_code code = ERR_OK;

	if (import->n > 0)
		code = store_statistics_put(import->ctl->store, import->rows, import->n, err);
	if (code == ERR_OK)
		import->imported += import->n;
	if (code == ERR_OK && import->n_services > 0)
		code = store_service_statistics_put(import->ctl->store, import->services,
		    import->n_services, err);
	if (code == ERR_OK)
		import->imported += import->n_services;
	import->n = import->n_services = 0;
	return code;
}

/* Reads a line, or reports an invalid one. *ret_end: there was none. */
static enum err_code
import_line(struct import *import, bool *ret_end, struct err *err)
{
	enum err_code code;
	size_t length = 0;
	char *line;

	code = lines_next(&import->lines, &line, &length, err);
	import->file_failed = code != ERR_OK && !is_of_line(code);
	*ret_end = code == ERR_OK && line == NULL;
	if (*ret_end || (code == ERR_OK && strspn(line, " \t\r") == length))
		return code;
	if (code == ERR_OK)
		code = line_read(import, line, length, err);
	progress_step(&import->progress);
	if (is_of_line(code)) {
		bad_line(import, err);
		return ERR_OK;
	}
	return code;
}

static enum err_code
import_all(struct import *import, struct err *err)
{
	enum err_code code = ERR_OK;
	bool end = false;

	while (code == ERR_OK && !end) {
		code = import_line(import, &end, err);
		if (code == ERR_OK && (import->n == STORE_STATISTICS_BATCH ||
		    import->n_services == STORE_STATISTICS_BATCH || end ||
		    lines_would_wait(&import->lines)))
			code = flush(import, err);
	}
	return code;
}

static enum ctl_exit
import_run(struct import *import)
{
	struct ctl *ctl = import->ctl;
	enum err_code code;

	progress_begin(&import->progress, ctl_terminal(ctl), "import-statistics", 0);
	code = import_all(import, &ctl->error);
	progress_end(&import->progress);
	if (import->bad > BAD_LINES_SHOWN_MAX)
		text_line_print(ctl->err, "%s: %llu more bad lines", import->lines.file,
		    (unsigned long long)(import->bad - BAD_LINES_SHOWN_MAX));
	out_object(ctl->out, ctl->format, columns, ROWS(columns), (const struct out_value[]){
	    { .number = import->imported }, { .number = import->bad } });
	/* An error of the file is no error of the store. */
	if (import->file_failed)
		return ctl_failure(ctl, "%s", ctl->error.text);
	if (code != ERR_OK)
		return ctl_finish(ctl, code);
	return import->bad == 0 ? CTL_OK : CTL_FAILURE;
}

enum ctl_exit
cmd_import(struct ctl *ctl)
{
	struct import import = { .ctl = ctl };
	enum ctl_exit status;

	if (lines_open(&import.lines, ctl->operands[0], &ctl->error) != ERR_OK)
		return ctl_failure(ctl, "%s", ctl->error.text);
	status = ctl_open(ctl);
	if (status == CTL_OK)
		status = import_run(&import);
	lines_close(&import.lines);
	return status;
}
