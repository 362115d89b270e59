/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tables of the Runtime API; see haproxy_table.h. A value of CSV is quoted if it has a comma,
 * a quote or a newline in it. A quote within it is doubled.
 */
#include "plane/haproxy/haproxy_table.h"

#include <string.h>

bool
haproxy_table_begins(const struct haproxy_columns *columns, const char *line)
{
	return strncmp(line, columns->begin, strlen(columns->begin)) == 0;
}

enum err_code
haproxy_table_open(struct haproxy_table *table, const struct haproxy_columns *columns,
    char *header, struct haproxy_text *text, struct err *err)
{
	const char separator[] = { columns->separator, '\0' };
	bool seen[HAPROXY_COLUMNS_MAX] = { false };
	char *name;

	*table = (struct haproxy_table){ .columns = columns, .text = text };
	header += strlen("# ");
	while ((name = strsep(&header, separator)) != NULL) {
		unsigned char i = 0;

		if (table->n == HAPROXY_COLUMNS_MAX)
			return err_set(err, ERR_INVALID, "%s has more than %d columns",
			    columns->command, HAPROXY_COLUMNS_MAX);
		while (i < columns->n && (seen[i] || strcmp(columns->names[i], name) != 0))
			i++;
		seen[i] = i < columns->n;
		table->name_of[table->n++] = i;
		if (i < columns->n || columns->exact)
			table->least = table->n;
	}
	for (size_t i = 0; i < columns->required; i++) {
		if (!seen[i])
			return err_set(err, ERR_INVALID, "%s has no column %s", columns->command,
			    columns->names[i]);
	}
	return ERR_OK;
}

/* Removes the quotes of a value in place. 'from' follows the opening quote. Returns what
 * follows the closing quote; NULL if it is missing. */
static char *
unquote(char *from, const char *end)
{
	char *to = from;

	for (; from < end; from++) {
		if (*from == '"' && (from + 1 == end || from[1] != '"')) {
			*to = '\0';
			return from + 1;
		}
		if (*from == '"')
			from++;
		*to++ = *from;
	}
	return NULL;
}

/* Reads one value and the separator after it; NULL if a quote is misplaced. *ret_last is set
 * if the value ends its row. */
static char *
value_next(struct haproxy_text *text, char separator, bool *ret_last)
{
	char *value = text->at, *after = value;

	if (separator == ',' && value < text->end && *value == '"') {
		after = unquote(++value, text->end);
		if (after == NULL)
			return NULL;
	} else {
		while (after < text->end && *after != separator && *after != '\n')
			after++;
	}
	if (after < text->end && *after != separator && *after != '\n')
		return NULL;
	*ret_last = after >= text->end || *after == '\n';
	text->at = after < text->end ? after + 1 : after;
	*after = '\0';
	return value;
}

static enum err_code
row_read(struct haproxy_table *table, const char **values, struct err *err)
{
	const struct haproxy_columns *columns = table->columns;
	bool last = false;
	size_t n = 0;

	for (size_t i = 0; i < columns->n; i++)
		values[i] = "";
	for (; !last; n++) {
		char *value = value_next(table->text, columns->separator, &last);

		if (value == NULL)
			return err_set(err, ERR_INVALID,
			    "a row of %s has a misplaced quotation mark", columns->command);
		if (n < table->n && table->name_of[n] < columns->n)
			values[table->name_of[n]] = value;
	}
	if (n < table->least || (columns->exact && n > table->n))
		return err_set(err, ERR_INVALID, "a row of %s has %zu values, its header has %zu",
		    columns->command, n, table->n);
	return ERR_OK;
}

enum err_code
haproxy_table_next(struct haproxy_table *table, const char **values, struct err *err)
{
	struct haproxy_text *text = table->text;

	while (text->at < text->end && *text->at == '#')
		(void)haproxy_line_next(text);
	if (text->at >= text->end)
		return err_set(err, ERR_INVALID, "the answer to %s is cut off",
		    table->columns->command);
	if (*text->at == '\n')
		return ERR_NOT_FOUND;
	return row_read(table, values, err);
}
