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
#include "ctl/progress.h"
#include "util/clock.h"

enum { BAD_LINES_TOLD_MAX = 20 };

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
};

/* -- values of a line ------------------------------------------------------------- */

static enum err_code
take_time(const char *key, const json_t *value, int64_t *ret, struct err *err)
{
	struct tm tm = { 0 };
	const char *text, *end;

	if (json_is_integer(value)) {
		if (json_integer_value(value) < 0 || json_integer_value(value) > time_max)
			return err_set(err, ERR_RANGE, "%s is no time in seconds", key);
		*ret = json_integer_value(value);
		return ERR_OK;
	}
	text = json_string_value(value);
	end = text == NULL ? NULL : strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	/* The year is made to have four digits by the length. */
	if (end == NULL || *end != '\0' || strlen(text) != strlen("2026-11-22T13:42:00Z"))
		return err_set(err, ERR_INVALID,
		    "%s is neither seconds nor a time as 2026-11-22T13:42:00Z", key);
	*ret = (int64_t)timegm(&tm);
	return *ret < 0 ? err_set(err, ERR_RANGE, "%s is before 1970", key) : ERR_OK;
}

static enum err_code
take_number(const char *key, const json_t *value, struct statistics *row, struct err *err)
{
	for (unsigned int i = 0; i < STAT_NUMBERS; i++) {
		if (strcmp(stat_number_names[i], key) != 0)
			continue;
		if (!json_is_integer(value))
			return err_set(err, ERR_INVALID, "%s is no integer", key);
		if (json_integer_value(value) < 0)
			return err_set(err, ERR_RANGE, "%s is negative", key);
		row->number[i] = (uint64_t)json_integer_value(value);
		row->present |= 1u << i;
		return ERR_OK;
	}
	return err_set(err, ERR_INVALID, "\"%.64s\" is no key of statistics", key);
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
		return err_set(err, ERR_INVALID, "active is neither true nor false");
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
	struct path path;
	enum err_code code;

	if (text == NULL)
		return err_set(err, ERR_INVALID, "path is missing, or no text");
	code = path_parse(text, &path, err);
	if (code != ERR_OK)
		return code;
	if (path_depth(&path) != DEPTH_REAL)
		return err_set(err, ERR_INVALID, "%s names no real service", text);
	code = store_find(import->ctl->store, &path, &cluster_id, &service_id, ret_id, err);
	if (code == ERR_NOT_FOUND)
		err_set(err, code, "%s: %s", text, err_name(code));
	return code;
}

/* The row that a line tells of. */
static enum err_code
line_read(struct import *import, const char *line, size_t length, struct statistics *row,
    struct err *err)
{
	json_error_t error;
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	enum err_code code;

	if (object == NULL)
		return err_set(err, ERR_INVALID, "no JSON: %s", error.text);
	if (!json_is_object(object))
		code = err_set(err, ERR_INVALID, "no JSON object");
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
