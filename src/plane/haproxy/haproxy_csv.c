/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * "show stat"; see haproxy_csv.h. A value is quoted where it has a comma, a quote or
 * the end of a line in it, with its quotes doubled.
 */
#include "plane/haproxy/haproxy_csv.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/num.h"

enum { COLUMNS_MAX = 512 };

/* The column "type", management.txt 9.1, field 32. */
enum { TYPE_BACKEND = 1, TYPE_SERVER = 2 };

/* Columns this program reads. An empty number is 0. "agent_status" is only for a warning of
 * discover, so that an answer without it is read as well. */
enum field {
	F_PXNAME, F_SVNAME, F_TYPE, F_SCUR, F_RATE, F_STOT, F_BIN, F_BOUT, F_STATUS, F_BCK,
	F_CHECK_STATUS, F_CHECK_CODE, F_LAST_CHK, F_LAST_AGT, F_TRACKED, F_MODE,
	F_AGENT_STATUS, FIELDS
};

static const char *const names[FIELDS] = {
	[F_PXNAME] = "pxname", [F_SVNAME] = "svname", [F_TYPE] = "type", [F_SCUR] = "scur",
	[F_RATE] = "rate", [F_STOT] = "stot", [F_BIN] = "bin", [F_BOUT] = "bout",
	[F_STATUS] = "status", [F_BCK] = "bck", [F_CHECK_STATUS] = "check_status",
	[F_CHECK_CODE] = "check_code", [F_LAST_CHK] = "last_chk", [F_LAST_AGT] = "last_agt",
	[F_TRACKED] = "tracked", [F_MODE] = "mode", [F_AGENT_STATUS] = "agent_status",
};

struct table {
	struct haproxy_text	*text;
	struct haproxy_view	*view;
	size_t			 servers_room, backends_room;
	/* field_of[column]; FIELDS for one that is not read. */
	unsigned char		 field_of[COLUMNS_MAX];
	size_t			 columns;
};

bool
haproxy_csv_begins(const char *line)
{
	return strncmp(line, "# pxname,", strlen("# pxname,")) == 0;
}

static enum err_code
header_read(struct table *table, char *header, struct err *err)
{
	bool seen[FIELDS] = { false };
	char *name;

	header += strlen("# ");
	while ((name = strsep(&header, ",")) != NULL) {
		unsigned char field = 0;

		if (table->columns == COLUMNS_MAX)
			return err_set(err, ERR_INVALID, "show stat has more than %d columns",
			    COLUMNS_MAX);

		while (field < FIELDS && strcmp(names[field], name) != 0)
			field++;
		if (field < FIELDS && seen[field])
			field = FIELDS;
		if (field < FIELDS)
			seen[field] = true;
		table->field_of[table->columns++] = field;
	}
	for (size_t i = 0; i < FIELDS; i++) {
		if (!seen[i] && i != F_AGENT_STATUS)
			return err_set(err, ERR_INVALID, "show stat has no column %s", names[i]);
	}
	return ERR_OK;
}

/* Unquotes in place from after the opening quote; returns what follows the closing
 * one, NULL if there is none. */
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

/* Takes one value and the separator behind it. *ret_last: it ended the row. */
static char *
value_next(struct haproxy_text *text, bool *ret_last)
{
	char *value = text->at, *after;

	if (value < text->end && *value == '"') {
		after = unquote(++value, text->end);
		if (after == NULL)
			return NULL;
	} else {
		after = value;
		while (after < text->end && *after != ',' && *after != '\n')
			after++;
	}
	if (after < text->end && *after != ',' && *after != '\n')
		return NULL;
	*ret_last = after >= text->end || *after == '\n';
	text->at = after < text->end ? after + 1 : after;
	*after = '\0';
	return value;
}

static enum err_code
row_read(struct table *table, const char *values[FIELDS], struct err *err)
{
	bool last = false;
	size_t n = 0;

	for (size_t i = 0; i < FIELDS; i++)
		values[i] = "";
	for (; !last; n++) {
		char *value = value_next(table->text, &last);

		if (value == NULL)
			return err_set(err, ERR_INVALID,
			    "a row of show stat has a misplaced quotation mark");
		if (n < table->columns && table->field_of[n] < FIELDS)
			values[table->field_of[n]] = value;
	}
	if (n != table->columns)
		return err_set(err, ERR_INVALID,
		    "a row of show stat has %zu values, its header has %zu", n, table->columns);
	if (values[F_PXNAME][0] == '\0' || values[F_SVNAME][0] == '\0' ||
	    values[F_TYPE][0] == '\0')
		return err_set(err, ERR_INVALID, "a row of show stat has no name or no type");
	return ERR_OK;
}

static uint64_t
number_of(const char *value)
{
	uint64_t number = 0;

	(void)num_parse(value, 0, UINT64_MAX, &number);
	return number;
}

static enum err_code
server_add(struct table *table, const char *const values[FIELDS], struct err *err)
{
	struct haproxy_view *view = table->view;
	struct haproxy_server *servers;
	const char *check = values[F_CHECK_STATUS];

	servers = memory_array_reserve(view->servers, view->n_servers, &table->servers_room,
	    sizeof(*servers));
	if (servers == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for server %s/%s",
		    values[F_PXNAME], values[F_SVNAME]);
	view->servers = servers;
	servers[view->n_servers++] = (struct haproxy_server){
		.backend = values[F_PXNAME], .name = values[F_SVNAME],
		.status = values[F_STATUS],
		.check_status = strncmp(check, "* ", 2) == 0 ? check + 2 : check,
		.check_code = values[F_CHECK_CODE], .last_check = values[F_LAST_CHK],
		.last_agent = values[F_LAST_AGT], .tracked = values[F_TRACKED],
		.has_agent = values[F_AGENT_STATUS][0] != '\0',
		.address = "", .port = "", .fqdn = "", .srv_record = "",
		.current = number_of(values[F_SCUR]), .rate = number_of(values[F_RATE]),
		.total = number_of(values[F_STOT]), .bytes_in = number_of(values[F_BIN]),
		.bytes_out = number_of(values[F_BOUT]), .backup = number_of(values[F_BCK]) != 0,
	};
	return ERR_OK;
}

static enum err_code
backend_add(struct table *table, const char *const values[FIELDS], struct err *err)
{
	struct haproxy_view *view = table->view;
	struct haproxy_backend *backends;

	backends = memory_array_reserve(view->backends, view->n_backends, &table->backends_room,
	    sizeof(*backends));
	if (backends == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for backend %s", values[F_PXNAME]);
	view->backends = backends;
	backends[view->n_backends++] =
	    (struct haproxy_backend){ .name = values[F_PXNAME], .mode = values[F_MODE],
	    .total = number_of(values[F_STOT]) };
	return ERR_OK;
}

enum err_code
haproxy_csv_parse(char *header, struct haproxy_text *text, struct haproxy_view *view,
    struct err *err)
{
	struct table table = { .text = text, .view = view,
	    .servers_room = view->n_servers, .backends_room = view->n_backends };
	const char *values[FIELDS];
	enum err_code code = header_read(&table, header, err);

	while (code == ERR_OK && text->at < text->end && *text->at != '\n') {
		code = row_read(&table, values, err);
		if (code == ERR_OK && number_of(values[F_TYPE]) == TYPE_SERVER)
			code = server_add(&table, values, err);
		else if (code == ERR_OK && number_of(values[F_TYPE]) == TYPE_BACKEND)
			code = backend_add(&table, values, err);
	}
	return code;
}
