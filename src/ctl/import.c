/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command import-statistics: what a collector measured, a JSON object a line.
 * A line is taken whole or not at all; one that is not right is told and left out,
 * and the others are taken all the same: a real service that was just removed must
 * not blind the operator to all the others. The exit status tells of it.
 */
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/lines.h"
#include "ctl/names.h"
#include "ctl/progress.h"
#include "util/clock.h"

enum { BAD_LINES_TOLD_MAX = 20, CLOCK_SKEW_S = 60 };

/* The last second of the year 9999: above it are milliseconds, by mistake. */
static const int64_t time_max = 253402300799;

static const struct out_column columns[] = {
	{ "imported", "IMPORTED", OUT_NUMBER },
	{ "bad", "BAD", OUT_NUMBER },
};

struct import {
	struct ctl		*ctl;
	struct lines		 lines;
	struct progress		 progress;
	struct statistics	 rows[STORE_STATISTICS_BATCH];
	size_t			 n;		/* rows not yet in the store */
	uint64_t		 imported, bad;
	bool			 unreadable;	/* the file, not the store */
};

/* -- values of a line ------------------------------------------------------------- */

/* A time ahead of this machine's clock would keep statistics fresh until it has come. A little
 * ahead is the clock of the collector's machine. */
static enum err_code
time_judge(const char *key, int64_t time, int64_t *ret, struct err *err)
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

/* timegm(3) makes March 3 of February 31. */
static bool
time_parse(const char *text, int64_t *ret)
{
	struct tm tm = { 0 }, real;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	/* The year is made to have four digits by the length. */
	if (end == NULL || *end != '\0' || strlen(text) != strlen("2026-11-22T13:42:00Z"))
		return false;
	real = tm;
	*ret = (int64_t)timegm(&real);
	return real.tm_mday == tm.tm_mday && real.tm_sec == tm.tm_sec;
}

static enum err_code
take_time(const char *key, const json_t *value, int64_t *ret, struct err *err)
{
	double real = json_real_value(value);
	int64_t time;

	if (json_is_integer(value))
		return time_judge(key, json_integer_value(value), ret, err);
	if (json_is_real(value))
		return time_judge(key, real < 0 ? -1 : real > (double)time_max ? time_max + 1 :
		    (int64_t)real, ret, err);
	if (json_is_string(value) && time_parse(json_string_value(value), &time))
		return time_judge(key, time, ret, err);
	return err_set(err, ERR_INVALID, "%s is not a time; give seconds since 1970, or a text as "
	    "2026-11-22T13:42:00Z", key);
}

static enum err_code
key_unknown(const char *key, struct err *err)
{
	struct names names = { .wanted = key };

	for (size_t i = 0; i < STAT_NUMBERS; i++)
		names_add(&names, stat_number_names[i]);
	names_add(&names, "active");
	names_add(&names, "last_update");
	names_add(&names, "counters_since");
	return err_set(err, ERR_INVALID, "\"%.64s\" is not a key of statistics%s%s", key,
	    names.n_near > 0 ? "; similar: " : "", names.n_near > 0 ? names.near[0] : "");
}

/* Collectors print floats; the store has whole numbers. */
static enum err_code
take_whole(const char *key, const json_t *value, uint64_t *ret, struct err *err)
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

static enum err_code
take_number(const char *key, const json_t *value, struct statistics *row, struct err *err)
{
	for (unsigned int i = 0; i < STAT_NUMBERS; i++) {
		if (strcmp(stat_number_names[i], key) != 0)
			continue;
		row->present |= 1u << i;
		return take_whole(key, value, &row->number[i], err);
	}
	return key_unknown(key, err);
}

static bool
key_known(const char *key)
{
	for (size_t i = 0; i < STAT_NUMBERS; i++) {
		if (strcmp(stat_number_names[i], key) == 0)
			return true;
	}
	return strcmp(key, "active") == 0 || strcmp(key, "last_update") == 0 ||
	    strcmp(key, "counters_since") == 0;
}

/* null says that there is no value, as the command statistics prints it. */
static enum err_code
take_value(const char *key, const json_t *value, struct statistics *row, struct err *err)
{
	if (json_is_null(value) && key_known(key))
		return ERR_OK;
	if (strcmp(key, "last_update") == 0)
		return take_time(key, value, &row->last_update, err);
	if (strcmp(key, "counters_since") == 0)
		return take_time(key, value, &row->counters_since, err);
	if (strcmp(key, "active") != 0)
		return take_number(key, value, row, err);
	if (!json_is_boolean(value))
		return err_set(err, ERR_INVALID, "active is not true or false");
	row->active = json_is_true(value);
	row->present |= STAT_PRESENT_ACTIVE;
	return ERR_OK;
}

static enum err_code
take_values(json_t *object, struct statistics *row, struct err *err)
{
	enum err_code code = ERR_OK;
	const char *key;
	json_t *value;

	*row = (struct statistics){ .last_update = clock_wall_s() };
	json_object_foreach(object, key, value) {
		if (strcmp(key, "path") != 0)
			code = take_value(key, value, row, err);
		if (code != ERR_OK)
			break;
	}
	return code;
}

/* -- a line -------------------------------------------------------------------------- */

static enum err_code
find_real(struct import *import, const json_t *object, uint32_t *ret_id, struct err *err)
{
	const char *text = json_string_value(json_object_get(object, "path"));
	uint32_t cluster_id, service_id;
	char list[NAMES_TEXT_SIZE];
	struct path path;
	enum err_code code;

	if (text == NULL)
		return err_set(err, ERR_INVALID, "path is missing, or is not a text; give "
		    "cluster/service/server");
	code = path_parse(text, &path, err);
	if (code != ERR_OK)
		return code;
	if (path_depth(&path) != DEPTH_REAL)
		return err_set(err, ERR_INVALID, "%s", names_above(import->ctl, &path, list));
	code = store_find(import->ctl->store, &path, &cluster_id, &service_id, ret_id, err);
	if (code == ERR_NOT_FOUND && import->bad < BAD_LINES_TOLD_MAX)
		ctl_not_found_explain(import->ctl, &path, err);
	return code;
}

/* The row that a line tells of. */
/* True if the line is not one whole object; false for a mistake in an object. */
static bool
is_other_form(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	return code == json_error_invalid_syntax || code == json_error_premature_end_of_input ||
	    code == json_error_end_of_input_expected;
}

static enum err_code
line_read(struct import *import, const char *line, size_t length, struct statistics *row,
    struct err *err)
{
	json_error_t error;
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	enum err_code code;

	if (line[strspn(line, " \t\r")] == '[')
		code = err_set(err, ERR_INVALID, "an array is not taken; write one object on each "
		    "line, as \"jq -c '.[]'\" does");
	else if (object == NULL)
		code = err_set(err, ERR_INVALID, "is not JSON (%s)%s", error.text,
		    is_other_form(&error) ? "; write one whole object on each line" : "");
	else
		code = take_values(object, row, err);
	if (code == ERR_OK)
		code = find_real(import, object, &row->real_id, err);
	json_decref(object);
	return code;
}

static void
bad_line(struct import *import, const struct err *err)
{
	char text[ERR_TEXT_SIZE];

	if (import->bad++ >= BAD_LINES_TOLD_MAX)
		return;
	progress_end(&import->progress);
	fprintf(import->ctl->err, "%s:%zu: %s\n", import->lines.file, import->lines.number,
	    out_printable(err->text, text, sizeof(text)));
}

/* Errors of a line, not of the store. */
static bool
is_of_line(enum err_code code)
{
	return code == ERR_INVALID || code == ERR_RANGE || code == ERR_NOT_FOUND;
}

static bool
is_blank(const char *line, size_t length)
{
	return strspn(line, " \t\r") == length;
}

/* -- all of them ----------------------------------------------------------------------- */

static enum err_code
flush(struct import *import, struct err *err)
{
	enum err_code code;

	if (import->n == 0)
		return ERR_OK;
	code = store_statistics_put(import->ctl->store, import->rows, import->n, err);
	if (code == ERR_OK)
		import->imported += import->n;
	import->n = 0;
	return code;
}

/* *ret_end: that was the last one. */
static enum err_code
import_line(struct import *import, bool *ret_end, struct err *err)
{
	enum err_code code;
	size_t length;
	char *line;

	code = lines_next(&import->lines, &line, &length, err);
	import->unreadable = code != ERR_OK && !is_of_line(code);
	if (code == ERR_OK && line == NULL)
		*ret_end = true;
	else if (code == ERR_OK && !is_blank(line, length))
		code = line_read(import, line, length, &import->rows[import->n], err);
	else if (code == ERR_OK)
		return ERR_OK;
	progress_step(&import->progress);
	if (is_of_line(code)) {
		bad_line(import, err);
		return ERR_OK;
	}
	import->n += code == ERR_OK && !*ret_end;
	return code;
}

static enum err_code
import_all(struct import *import, struct err *err)
{
	enum err_code code = ERR_OK;
	bool end = false;

	while (code == ERR_OK && !end) {
		code = import_line(import, &end, err);
		if (code == ERR_OK && (import->n == STORE_STATISTICS_BATCH || end ||
		    lines_would_wait(&import->lines)))
			code = flush(import, err);
	}
	return code;
}

static enum ctl_exit
import_run(struct import *import)
{
	struct ctl *ctl = import->ctl;
	struct out_value values[2];
	enum err_code code;
	struct err err;

	progress_begin(&import->progress, ctl->err, "import-statistics", 0);
	code = import_all(import, &err);
	progress_end(&import->progress);
	if (import->bad > BAD_LINES_TOLD_MAX)
		fprintf(ctl->err, "%s: %llu more bad lines\n", import->lines.file,
		    (unsigned long long)(import->bad - BAD_LINES_TOLD_MAX));
	values[0] = (struct out_value){ .number = import->imported };
	values[1] = (struct out_value){ .number = import->bad };
	out_object(ctl->out, ctl->format, columns, 2, values);
	if (import->unreadable)
		return ctl_failure(ctl, "%s", err.text);
	if (code != ERR_OK)
		return ctl_error(ctl, NULL, &err);
	return import->bad == 0 ? CTL_OK : CTL_FAILURE;
}

enum ctl_exit
ctl_import(struct ctl *ctl, char **operands, int n)
{
	struct import import = { .ctl = ctl };
	enum ctl_exit status;
	struct err err;

	(void)n;
	if (lines_open(&import.lines, operands[0], &err) != ERR_OK)
		return ctl_failure(ctl, "%s", err.text);
	status = ctl_open(ctl);
	if (status == CTL_OK)
		status = import_run(&import);
	lines_close(&import.lines);
	return status;
}
