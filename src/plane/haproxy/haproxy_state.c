/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * "show servers state"; see haproxy_state.h.
 */
#include "plane/haproxy/haproxy_state.h"

#include <stdlib.h>
#include <string.h>

#include "util/num.h"

enum { COLUMNS_MAX = 64 };

enum field {
	F_BACKEND, F_NAME, F_ADDRESS, F_PORT, F_OP, F_ADMIN, F_WEIGHT, F_FQDN, F_SRV_RECORD,
	F_CHECK, FIELDS
};

static const char *const names[FIELDS] = {
	[F_BACKEND] = "be_name", [F_NAME] = "srv_name", [F_ADDRESS] = "srv_addr",
	[F_PORT] = "srv_port", [F_OP] = "srv_op_state", [F_ADMIN] = "srv_admin_state",
	[F_WEIGHT] = "srv_uweight", [F_FQDN] = "srv_fqdn", [F_SRV_RECORD] = "srvrecord",
	[F_CHECK] = "srv_check_state",
};

bool
haproxy_state_begins(const char *line)
{
	return strncmp(line, "# be_id ", strlen("# be_id ")) == 0;
}

static enum err_code
header_read(char *header, size_t columns[FIELDS], struct err *err)
{
	bool seen[FIELDS] = { false };
	char *name;

	header += strlen("# ");
	for (size_t i = 0; (name = strsep(&header, " ")) != NULL; i++) {
		for (size_t field = 0; field < FIELDS; field++) {
			if (!seen[field] && strcmp(names[field], name) == 0) {
				seen[field] = true;
				columns[field] = i;
			}
		}
	}
	for (size_t i = 0; i < FIELDS; i++) {
		if (!seen[i])
			return err_set(err, ERR_INVALID, "show servers state has no column %s",
			    names[i]);
	}
	return ERR_OK;
}

static enum err_code
row_read(char *line, const size_t columns[FIELDS], const char *values[FIELDS],
    struct err *err)
{
	const char *words[COLUMNS_MAX];
	size_t n = 0;
	char *word;

	while (n < COLUMNS_MAX && (word = strsep(&line, " ")) != NULL)
		words[n++] = word;
	for (size_t i = 0; i < FIELDS; i++) {
		if (columns[i] >= n)
			return err_set(err, ERR_INVALID,
			    "show servers state has a row of %zu words", n);
		values[i] = words[columns[i]];
	}
	return ERR_OK;
}

/* -- servers by name ------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct haproxy_server *x = a, *y = b;
	int order = strcmp(x->backend, y->backend);

	return order != 0 ? order : strcmp(x->name, y->name);
}

static enum err_code
number_take(const char *value, uint32_t *ret, struct err *err)
{
	uint64_t number;

	if (num_parse(value, 0, UINT32_MAX, &number) != ERR_OK)
		return err_set(err, ERR_INVALID, "show servers state has \"%.40s\" for a number",
		    value);
	*ret = (uint32_t)number;
	return ERR_OK;
}

/* HAProxy writes "-" for a text it does not have. */
static const char *
text_of(const char *value)
{
	return strcmp(value, "-") == 0 ? "" : value;
}

static enum err_code
row_take(struct haproxy_view *view, const char *const values[FIELDS], struct err *err)
{
	const struct haproxy_server key = { .backend = values[F_BACKEND],
	    .name = values[F_NAME] };
	struct haproxy_server *server;
	enum err_code code;

	server = bsearch(&key, view->servers, view->n_servers, sizeof(*server), by_name);
	if (server == NULL)
		return ERR_OK;
	code = number_take(values[F_OP], &server->op_state, err);
	if (code == ERR_OK)
		code = number_take(values[F_ADMIN], &server->admin_state, err);
	if (code == ERR_OK)
		code = number_take(values[F_WEIGHT], &server->weight, err);
	if (code == ERR_OK)
		code = number_take(values[F_CHECK], &server->check_state, err);
	if (code != ERR_OK)
		return code;
	server->address = text_of(values[F_ADDRESS]);
	server->port = strcmp(values[F_PORT], "0") == 0 ? "" : text_of(values[F_PORT]);
	server->fqdn = text_of(values[F_FQDN]);
	server->srv_record = text_of(values[F_SRV_RECORD]);
	server->has_state = true;
	return ERR_OK;
}

enum err_code
haproxy_state_parse(char *header, struct haproxy_text *text, struct haproxy_view *view,
    struct err *err)
{
	const char *values[FIELDS];
	size_t columns[FIELDS] = { 0 };
	enum err_code code;
	char *line;

	code = header_read(header, columns, err);
	if (code != ERR_OK || view->n_servers == 0)
		return code;
	qsort(view->servers, view->n_servers, sizeof(*view->servers), by_name);
	while (code == ERR_OK && (line = haproxy_line_next(text)) != NULL && line[0] != '\0') {
		if (line[0] == '#')
			continue;
		code = row_read(line, columns, values, err);
		if (code == ERR_OK)
			code = row_take(view, values, err);
	}
	/* An empty line ends every answer (management.txt 9.3): without it the last word may
	 * be half of one, and rows may be missing. */
	if (code == ERR_OK && line == NULL)
		code = err_set(err, ERR_INVALID, "the answer to show servers state breaks off");
	return code;
}
