/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Statistics: one statement writes all rows of a batch. Each column is a parameter, an array. Row
 * by row takes six times as long.
 */
#include "store/postgres/postgres_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static enum err_code
no_memory(const struct db *db, size_t n, struct err *err)
{
	return err_set(err, ERR_NOMEM, "%s: out of memory for %zu rows", db->path, n);
}

static bool
is_text(const struct column *column)
{
	return column->type == COLUMN_TEXT || column->type == COLUMN_NAME;
}

/* Writes a list of the columns with one of 'flags', or of all columns if that is 0. In 'format', @
 * is the name of the column, and # is its parameter with the type. */
static void
columns_list(FILE *file, const struct shape *shape, const char *format, unsigned int flags)
{
	const char *separator = "";

	for (size_t i = 0; i < shape->n; i++) {
		if (flags != 0 && (shape->columns[i].flags & flags) == 0)
			continue;
		fputs(separator, file);
		for (const char *c = format; *c != '\0'; c++) {
			if (*c == '@')
				fputs(shape->columns[i].name, file);
			else if (*c == '#')
				fprintf(file, "$%zu::%s[]", i + 1,
				    is_text(&shape->columns[i]) ? "text" : "bigint");
			else
				fputc(*c, file);
		}
		separator = ", ";
	}
}

static void
statement_write(FILE *file, const struct shape *shape)
{
	fprintf(file, "INSERT INTO %s (", shape->table);
	columns_list(file, shape, "@", 0);
	fputs(") SELECT * FROM unnest(", file);
	columns_list(file, shape, "#", 0);
	fprintf(file, ") ON CONFLICT (%s) DO UPDATE SET ", shape->id);
	columns_list(file, shape, "@ = excluded.@", COLUMN_PUT);
}

/* Writes an element of an array: PostgreSQL manual, "Array Input and Output Syntax". */
static bool
element_write(FILE *file, const struct db_value *value)
{
	char *text;

	if (value->type == DB_INTEGER) {
		fprintf(file, "%" PRId64, value->number);
		return true;
	}
	if (value->type != DB_TEXT) {
		fputs("NULL", file);
		return true;
	}
	if ((text = postgres_utf8_copy(value->text)) == NULL)
		return false;
	fputc('"', file);
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			fputc('\\', file);
		fputc(*c, file);
	}
	fputc('"', file);
	free(text);
	return true;
}

/* Texts in memory: an array for each column, and the statement. */
struct texts {
	char	*bytes[SHAPE_COLUMNS_MAX + 1];
	size_t	 sizes[SHAPE_COLUMNS_MAX + 1];
	FILE	*files[SHAPE_COLUMNS_MAX + 1];
};

static void
texts_open(struct texts *texts, size_t n)
{
	*texts = (struct texts){ .bytes = { NULL } };
	for (size_t i = 0; i < n; i++)
		texts->files[i] = open_memstream(&texts->bytes[i], &texts->sizes[i]);
}

static bool
texts_close(struct texts *texts, size_t n)
{
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		if (texts->files[i] != NULL)
			ok = fclose(texts->files[i]) == 0 && ok;
	return ok;
}

/* Writes the array of each column. */
static enum err_code
arrays_write(const struct db *db, const struct shape *shape, const char *rows, size_t n,
    size_t size, struct texts *texts, struct err *err)
{
	struct db_value values[SHAPE_COLUMNS_MAX];
	enum err_code code;

	for (size_t row = 0; row < n; row++) {
		shape_values(shape, rows + row * size, values);
		if ((code = shape_values_check(shape, values, db->path, err)) != ERR_OK)
			return code;
		for (size_t i = 0; i < shape->n; i++) {
			if (texts->files[i] == NULL)
				return no_memory(db, n, err);
			fputc(row == 0 ? '{' : ',', texts->files[i]);
			if (!element_write(texts->files[i], &values[i]))
				return no_memory(db, n, err);
		}
	}
	for (size_t i = 0; i < shape->n && texts->files[i] != NULL; i++)
		fputc('}', texts->files[i]);
	if (texts->files[shape->n] == NULL)
		return no_memory(db, n, err);
	statement_write(texts->files[shape->n], shape);
	return ERR_OK;
}

enum err_code
postgres_rows_put(struct db *db, enum shape_id id, const void *rows, size_t n, size_t size,
    struct err *err)
{
	const struct shape *shape = &shapes[id];
	struct texts texts;
	enum err_code code;

	if (n == 0)
		return ERR_OK;
	texts_open(&texts, shape->n + 1);
	code = arrays_write(db, shape, rows, n, size, &texts, err);
	if (!texts_close(&texts, shape->n + 1) && code == ERR_OK)
		code = no_memory(db, n, err);
	if (code == ERR_OK)
		code = postgres_exchange_begin(db, err);
	if (code == ERR_OK)
		code = postgres_exchange_end(db, PQsendQueryParams(db->state->connection,
		    texts.bytes[shape->n], (int)shape->n, NULL,
		    (const char *const *)texts.bytes, NULL, NULL, 0), NULL, err);
	for (size_t i = 0; i <= shape->n; i++)
		free(texts.bytes[i]);
	return code;
}
