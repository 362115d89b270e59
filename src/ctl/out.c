/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tables and JSON; see out.h. The first rows of a table are kept in memory to compute the
 * widths of the columns; the other rows are printed at once.
 */
#include "ctl/out.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/text.h"

enum { OUT_SAMPLE_ROWS = 500, OUT_CELL_MAX = 320, OUT_GAP = 2 };

struct out {
	FILE				*file;
	enum out_format			 format;
	enum out_shape			 shape;
	const struct out_column		*columns;
	size_t				 first, n;	/* columns of a row */
	size_t				 rows;		/* printed or kept so far */
	char				**sample;	/* cells of the first rows */
	size_t				 n_sample;	/* rows in 'sample' */
	bool				 flowing;	/* the widths are known */
	size_t				 widths[];
};

/* Returns the number of characters of an UTF-8 text: bytes that begin a sequence. */
static size_t
text_width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

const char *
out_printable(const char *text, char *buf, size_t size)
{
	snprintf(buf, size, "%s", text);
	return text_clean(buf, '?');
}

static const char *
cell_text(const struct out_column *column, const struct out_value *value, char buf[OUT_CELL_MAX])
{
	if (value->absent)
		return "-";
	switch (column->type) {
	case OUT_TEXT:
		return value->text[0] == '\0' ? "-" : out_printable(value->text, buf, OUT_CELL_MAX);
	case OUT_NUMBER:
		snprintf(buf, OUT_CELL_MAX, "%llu", (unsigned long long)value->number);
		return buf;
	case OUT_BOOL:
		return value->truth ? "yes" : "no";
	case OUT_TIME:
		return value->time == 0 ? "-" : clock_text(value->time, buf);
	case OUT_PARAMS:
		break;
	}
	return "?";
}

/* -- JSON ------------------------------------------------------------------- */

/* Any program may write any bytes into the store. jansson refuses what is not UTF-8, and prints
 * C1 control characters as they are. */
static json_t *
json_text(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	if (copy == NULL)
		return NULL;
	text_clean(copy, '?');
	/* A newline stays: jansson writes it as \n, and a fix of the doctor has several lines. */
	for (size_t i = 0; text[i] != '\0'; i++) {
		if (text[i] == '\n')
			copy[i] = '\n';
	}
	json = json_string(copy);
	free(copy);
	return json;
}

/* Leaves out what no parameter has: any program may write any text into the store. */
static json_t *
json_params(const char *text)
{
	json_t *params = json_loads(text, 0, NULL), *ret = json_object(), *value;
	const char *name;

	json_object_foreach(params, name, value) {
		if (!model_name_valid(name) || json_is_array(value) || json_is_object(value))
			continue;
		if (json_object_set_new(ret, name, json_is_string(value) ?
		    json_text(json_string_value(value)) : json_incref(value)) != 0) {
			json_decref(ret);
			ret = NULL;
		}
	}
	json_decref(params);
	return ret;
}

static json_t *
json_value(const struct out_column *column, const struct out_value *value)
{
	char buf[CLOCK_TEXT_SIZE];

	if (value->absent)
		return json_null();
	switch (column->type) {
	case OUT_TEXT:
		return json_text(value->text);
	case OUT_NUMBER:
		return json_integer((json_int_t)value->number);
	case OUT_BOOL:
		return json_boolean(value->truth);
	case OUT_TIME:
		return value->time == 0 ? json_null() : json_string(clock_text(value->time, buf));
	case OUT_PARAMS:
		return json_params(value->text);
	}
	return json_null();
}

static bool
json_row(FILE *file, const struct out_column *columns, size_t n, const struct out_value *values)
{
	json_t *row = json_object();
	bool ok = row != NULL;

	for (size_t i = 0; i < n && ok; i++) {
		if (columns[i].key != NULL)
			ok = json_object_set_new(row, columns[i].key,
			    json_value(&columns[i], &values[i])) == 0;
	}
	/* ctl_main() checks for a failed write with ferror(). */
	if (ok)
		(void)json_dumpf(row, file, JSON_REAL_PRECISION(10));
	json_decref(row);
	return ok;
}

/* -- tables ----------------------------------------------------------------- */

static void
cell_print(const struct out *out, size_t i, const char *text, bool last)
{
	size_t width = text_width(text);
	size_t pad = out->widths[i] > width ? out->widths[i] - width : 0;
	bool right = out->columns[i].type == OUT_NUMBER;

	for (size_t n = right ? pad : 0; n > 0; n--)
		putc(' ', out->file);
	fputs(text, out->file);
	for (size_t n = last ? 0 : OUT_GAP + (right ? 0 : pad); n > 0; n--)
		putc(' ', out->file);
}

/* Prints a line of a table: texts in 'cells', or 'values', or the titles if both are NULL. */
static void
line_print(const struct out *out, char **cells, const struct out_value *values)
{
	char buf[OUT_CELL_MAX];
	size_t last = 0;

	for (size_t i = 0; i < out->n; i++) {
		if (out->columns[i].title != NULL)
			last = i;
	}
	for (size_t i = 0; i < out->n; i++) {
		const struct out_column *column = &out->columns[i];

		if (column->title != NULL)
			cell_print(out, i, cells != NULL ? cells[i] : values != NULL ?
			    cell_text(column, &values[i], buf) : column->title, i == last);
	}
	fputc('\n', out->file);
}

static void
table_widths(struct out *out)
{
	for (size_t i = 0; i < out->n; i++) {
		if (out->columns[i].title == NULL)
			continue;
		out->widths[i] = text_width(out->columns[i].title);
		for (size_t row = 0; row < out->n_sample; row++) {
			size_t width = text_width(out->sample[row * out->n + i]);

			if (width > out->widths[i])
				out->widths[i] = width;
		}
	}
}

static void
sample_free(struct out *out)
{
	for (size_t i = 0; out->sample != NULL && i < OUT_SAMPLE_ROWS * out->n; i++)
		free(out->sample[i]);
	free(out->sample);
	out->sample = NULL;
	out->n_sample = 0;
}

/* Prints the titles and the rows kept in memory. */
static void
table_flow(struct out *out)
{
	table_widths(out);
	line_print(out, NULL, NULL);
	for (size_t row = 0; row < out->n_sample; row++)
		line_print(out, out->sample + row * out->n, NULL);
	sample_free(out);
	out->flowing = true;
}

static bool
table_keep(struct out *out, const struct out_value *values)
{
	char buf[OUT_CELL_MAX];
	char **cells;

	if (out->sample == NULL) {
		out->sample = calloc((size_t)OUT_SAMPLE_ROWS * out->n, sizeof(*out->sample));
		if (out->sample == NULL)
			return false;
	}
	cells = out->sample + out->n_sample * out->n;
	for (size_t i = 0; i < out->n; i++) {
		if (!memory_string_assign(&cells[i], cell_text(&out->columns[i], &values[i], buf)))
			return false;
	}
	if (++out->n_sample == OUT_SAMPLE_ROWS)
		table_flow(out);
	return true;
}

/* -- listings and single rows ------------------------------------------------ */

struct out *
out_begin(FILE *file, enum out_format format, enum out_shape shape,
    const struct out_column *columns, size_t n)
{
	struct out *out = calloc(1, sizeof(*out) + n * sizeof(out->widths[0]));

	if (out == NULL)
		return NULL;
	out->file = file;
	out->format = format;
	out->shape = shape;
	out->columns = columns;
	out->n = n;
	return out;
}

bool
out_row(struct out *out, const struct out_value *values)
{
	out->rows++;
	if (out->shape == OUT_OBJECT)
		return out_object(out->file, out->format, out->columns + out->first, out->n,
		    values + out->first);
	if (out->format == OUT_JSON) {
		fputs(out->rows == 1 ? "[\n" : ",\n", out->file);
		return json_row(out->file, out->columns, out->n, values);
	}
	if (!out->flowing)
		return table_keep(out, values);
	line_print(out, NULL, values);
	return true;
}

void
out_limit(struct out *out, size_t first, size_t end)
{
	out->first = first;
	out->n = end - first;
}

void
out_finish(struct out *out, bool complete)
{
	if (out == NULL)
		return;
	if (complete && out->shape == OUT_LIST) {
		if (out->format == OUT_JSON)
			fputs(out->rows == 0 ? "[]\n" : "\n]\n", out->file);
		else if (!out->flowing)
			table_flow(out);
	}
	sample_free(out);
	free(out);
}

bool
out_object(FILE *file, enum out_format format, const struct out_column *columns, size_t n,
    const struct out_value *values)
{
	char buf[OUT_CELL_MAX];
	size_t width = 0;

	if (format == OUT_JSON) {
		bool ok = json_row(file, columns, n, values);

		fputc('\n', file);
		return ok;
	}
	for (size_t i = 0; i < n; i++) {
		if (columns[i].key != NULL && strlen(columns[i].key) > width)
			width = strlen(columns[i].key);
	}
	for (size_t i = 0; i < n; i++) {
		if (columns[i].key != NULL)
			fprintf(file, "%-*s  %s\n", (int)width, columns[i].key,
			    cell_text(&columns[i], &values[i], buf));
	}
	return true;
}
