/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The parts of an answer, recognized by their first lines; see haproxy_answer.h.
 */
#include "plane/haproxy/haproxy_answer.h"

#include <stdlib.h>
#include <string.h>

#include "plane/haproxy/haproxy_table.h"
#include "util/memory.h"
#include "util/num.h"
#include "util/text.h"

/* Column "type" of "show stat", management.txt 9.1, field 32. */
enum { TYPE_BACKEND = 1, TYPE_SERVER = 2 };

/* Columns of "show stat". An answer without the columns after S_REQUIRED is valid. */
enum stat_column {
	S_PXNAME, S_SVNAME, S_TYPE, S_SCUR, S_RATE, S_STOT, S_BIN, S_BOUT, S_STATUS, S_BCK,
	S_CHECK_STATUS, S_CHECK_CODE, S_LAST_CHK, S_LAST_AGT, S_TRACKED, S_MODE,
	S_REQUIRED, S_AGENT_STATUS = S_REQUIRED, S_ALGO, S_QCUR, S_SLIM, S_ECON, S_ERESP,
	S_REQ_TOT, S_HRSP_4XX, S_HRSP_5XX, S_RTIME, S_CTIME, S_QTIME, S_CHECK_DURATION, S_CHKFAIL,
	STAT_COLUMNS
};

static const char *const stat_names[STAT_COLUMNS] = {
	[S_PXNAME] = "pxname", [S_SVNAME] = "svname", [S_TYPE] = "type", [S_SCUR] = "scur",
	[S_RATE] = "rate", [S_STOT] = "stot", [S_BIN] = "bin", [S_BOUT] = "bout",
	[S_STATUS] = "status", [S_BCK] = "bck", [S_CHECK_STATUS] = "check_status",
	[S_CHECK_CODE] = "check_code", [S_LAST_CHK] = "last_chk", [S_LAST_AGT] = "last_agt",
	[S_TRACKED] = "tracked", [S_MODE] = "mode", [S_AGENT_STATUS] = "agent_status",
	[S_ALGO] = "algo", [S_QCUR] = "qcur", [S_SLIM] = "slim", [S_ECON] = "econ",
	[S_ERESP] = "eresp", [S_REQ_TOT] = "req_tot", [S_HRSP_4XX] = "hrsp_4xx",
	[S_HRSP_5XX] = "hrsp_5xx", [S_RTIME] = "rtime", [S_CTIME] = "ctime",
	[S_QTIME] = "qtime", [S_CHECK_DURATION] = "check_duration", [S_CHKFAIL] = "chkfail",
};

static const struct {
	enum stat_column	column;
	enum stat_number	number;
} counted[] = {
	{ S_SCUR, STAT_ACTIVE_CONNECTIONS }, { S_RATE, STAT_CONNECTIONS_PER_SECOND },
	{ S_STOT, STAT_TOTAL_CONNECTIONS }, { S_BIN, STAT_TOTAL_OCTETS_IN },
	{ S_BOUT, STAT_TOTAL_OCTETS_OUT }, { S_QCUR, STAT_QUEUED_CONNECTIONS },
	{ S_SLIM, STAT_CONNECTION_LIMIT }, { S_ECON, STAT_CONNECTION_ERRORS },
	{ S_ERESP, STAT_RESPONSE_ERRORS }, { S_REQ_TOT, STAT_REQUESTS },
	{ S_HRSP_4XX, STAT_HTTP_4XX }, { S_HRSP_5XX, STAT_HTTP_5XX },
	{ S_RTIME, STAT_RESPONSE_TIME_MS }, { S_CTIME, STAT_CONNECT_TIME_MS },
	{ S_QTIME, STAT_QUEUE_TIME_MS }, { S_CHECK_CODE, STAT_CHECK_CODE },
	{ S_CHECK_DURATION, STAT_CHECK_DURATION_MS }, { S_CHKFAIL, STAT_CHECK_FAILURES },
};

static const struct haproxy_columns stat_columns = { .command = "show stat",
    .begin = "# pxname,", .separator = ',', .exact = true, .n = STAT_COLUMNS,
    .required = S_REQUIRED, .names = stat_names };

/* Columns of "show servers state". */
enum state_column {
	T_BACKEND, T_NAME, T_ADDRESS, T_PORT, T_OP, T_ADMIN, T_WEIGHT, T_FQDN, T_SRV_RECORD,
	T_CHECK, STATE_COLUMNS
};

static const char *const state_names[STATE_COLUMNS] = {
	[T_BACKEND] = "be_name", [T_NAME] = "srv_name", [T_ADDRESS] = "srv_addr",
	[T_PORT] = "srv_port", [T_OP] = "srv_op_state", [T_ADMIN] = "srv_admin_state",
	[T_WEIGHT] = "srv_uweight", [T_FQDN] = "srv_fqdn", [T_SRV_RECORD] = "srvrecord",
	[T_CHECK] = "srv_check_state",
};

static const struct haproxy_columns state_columns = { .command = "show servers state",
    .begin = "# be_id ", .separator = ' ', .n = STATE_COLUMNS, .required = STATE_COLUMNS,
    .names = state_names };

/* An answer, as far as it was read. */
struct answer {
	struct haproxy_text	 text;
	struct haproxy_view	 view;
	size_t			 servers_room, backends_room;
	bool			 has_info, has_stat, has_state;
	char			*message;	/* the first line of no part; NULL if none */
};

/* -- show cli level, show info ----------------------------------------------------- */

static const struct {
	const char	*name, *problem;
} levels[] = {
	[HAPROXY_LEVEL_UNKNOWN] = { "", NULL },
	[HAPROXY_LEVEL_USER] = { "user", "its level is user, not admin" },
	[HAPROXY_LEVEL_OPERATOR] = { "operator", "its level is operator, not admin" },
	[HAPROXY_LEVEL_ADMIN] = { "admin", NULL },
};

static enum haproxy_level
level_of(const char *line)
{
	enum haproxy_level level = HAPROXY_LEVEL_ADMIN;

	while (level > HAPROXY_LEVEL_UNKNOWN && strcmp(line, levels[level].name) != 0)
		level--;
	return level;
}

const char *
haproxy_level_problem(enum haproxy_level level)
{
	return levels[level].problem;
}

const char *
haproxy_info_read(struct haproxy_text *text, struct haproxy_identity *ret)
{
	const char *line, *version = NULL;

	*ret = (struct haproxy_identity){ 0 };
	while ((line = haproxy_line_next(text)) != NULL && line[0] != '\0') {
		if (strncmp(line, "Pid: ", 5) == 0)
			(void)num_parse(line + 5, 0, UINT64_MAX, &ret->pid);
		else if (strncmp(line, "Start_time_sec: ", 16) == 0)
			(void)num_parse(line + 16, 0, INT64_MAX, &ret->start_time);
		else if (strncmp(line, "Stopping: ", 10) == 0)
			ret->stopping = strcmp(line + 10, "0") != 0;
		else if (strncmp(line, "Version: ", 9) == 0)
			version = line + 9;
	}
	return version;
}

static void
info_parse(struct answer *answer)
{
	const char *version = haproxy_info_read(&answer->text, &answer->view.identity);

	answer->has_info = true;
	answer->view.version = version == NULL ? "" : version;
}

/* -- show stat ----------------------------------------------------------------------- */

/* An empty value is 0. */
static uint64_t
number_of(const char *value)
{
	uint64_t number = 0;

	(void)num_parse(value, 0, UINT64_MAX, &number);
	return number;
}

/* Reads the numbers of a row. The value of a number that HAProxy does not count is empty, such as
 * requests in mode tcp and a limit that is not configured. rtime is 0 in mode tcp (seen with
 * HAProxy 2.6.12). */
static struct plane_counts
counts_read(const char *const v[STAT_COLUMNS], uint32_t mask)
{
	bool is_http = strcmp(v[S_MODE], "http") == 0;
	struct plane_counts counts = { .present = 0 };

	for (size_t i = 0; i < ROWS(counted); i++) {
		const char *value = v[counted[i].column];
		uint32_t bit = 1u << counted[i].number;

		if (!(mask & bit) || (counted[i].column == S_RTIME && !is_http))
			continue;
		if (value[0] == '\0' && (counted[i].column >= S_REQUIRED ||
		    counted[i].column == S_CHECK_CODE))
			continue;
		counts.present |= bit;
		counts.number[counted[i].number] = number_of(value);
	}
	return counts;
}

static enum err_code
server_add(struct answer *answer, const char *const v[STAT_COLUMNS], struct err *err)
{
	struct haproxy_view *view = &answer->view;
	struct haproxy_server *servers;
	const char *check = v[S_CHECK_STATUS];

	servers = memory_array_reserve(view->servers, view->n_servers, &answer->servers_room,
	    sizeof(*servers));
	if (servers == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for server %s/%s", v[S_PXNAME],
		    v[S_SVNAME]);
	view->servers = servers;
	servers[view->n_servers++] = (struct haproxy_server){
		.backend = v[S_PXNAME], .name = v[S_SVNAME], .status = v[S_STATUS],
		.check_status = strncmp(check, "* ", 2) == 0 ? check + 2 : check,
		.check_code = v[S_CHECK_CODE], .last_check = v[S_LAST_CHK],
		.last_agent = v[S_LAST_AGT], .tracked = v[S_TRACKED],
		.has_agent = v[S_AGENT_STATUS][0] != '\0',
		.address = "", .port = "", .fqdn = "", .srv_record = "",
		.counts = counts_read(v, UINT32_MAX), .backup = number_of(v[S_BCK]) != 0,
	};
	return ERR_OK;
}

static enum err_code
backend_add(struct answer *answer, const char *const v[STAT_COLUMNS], struct err *err)
{
	struct haproxy_view *view = &answer->view;
	struct haproxy_backend *backends;

	backends = memory_array_reserve(view->backends, view->n_backends, &answer->backends_room,
	    sizeof(*backends));
	if (backends == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for backend %s", v[S_PXNAME]);
	view->backends = backends;
	backends[view->n_backends++] = (struct haproxy_backend){ .name = v[S_PXNAME],
	    .mode = v[S_MODE], .algorithm = v[S_ALGO],
	    .counts = counts_read(v, STAT_SERVICE_MASK) };
	return ERR_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct haproxy_server *x = a, *y = b;
	int order = strcmp(x->backend, y->backend);

	return order != 0 ? order : strcmp(x->name, y->name);
}

static int
by_backend(const void *a, const void *b)
{
	return strcmp(((const struct haproxy_backend *)a)->name,
	    ((const struct haproxy_backend *)b)->name);
}

static enum err_code
stat_parse(struct answer *answer, char *header, struct err *err)
{
	struct haproxy_view *view = &answer->view;
	const char *v[STAT_COLUMNS];
	struct haproxy_table table;
	enum err_code code;

	answer->has_stat = true;
	code = haproxy_table_open(&table, &stat_columns, header, &answer->text, err);
	while (code == ERR_OK && (code = haproxy_table_next(&table, v, err)) == ERR_OK) {
		if (v[S_PXNAME][0] == '\0' || v[S_SVNAME][0] == '\0' || v[S_TYPE][0] == '\0')
			return err_set(err, ERR_INVALID,
			    "a row of show stat has no pxname, svname or type");
		if (number_of(v[S_TYPE]) == TYPE_SERVER)
			code = server_add(answer, v, err);
		else if (number_of(v[S_TYPE]) == TYPE_BACKEND)
			code = backend_add(answer, v, err);
	}
	if (code == ERR_NOT_FOUND && view->n_servers > 0)
		qsort(view->servers, view->n_servers, sizeof(*view->servers), by_name);
	if (code == ERR_NOT_FOUND && view->n_backends > 0)
		qsort(view->backends, view->n_backends, sizeof(*view->backends), by_backend);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* -- show servers state ---------------------------------------------------------------- */

/* HAProxy writes "-" for a missing text. */
static const char *
text_of(const char *value)
{
	return strcmp(value, "-") == 0 ? "" : value;
}

static enum err_code
server_state_set(struct haproxy_server *server, const char *const v[STATE_COLUMNS],
    struct err *err)
{
	const struct {
		const char	*value;
		uint32_t	*ret;
	} numbers[] = {
		{ v[T_OP], &server->op_state }, { v[T_ADMIN], &server->admin_state },
		{ v[T_WEIGHT], &server->weight }, { v[T_CHECK], &server->check_state },
	};

	for (size_t i = 0; i < ROWS(numbers); i++) {
		uint64_t number;

		if (num_parse(numbers[i].value, 0, UINT32_MAX, &number) != ERR_OK)
			return err_set(err, ERR_INVALID, "show servers state has \"%.40s\" for a"
			    " number", numbers[i].value);
		*numbers[i].ret = (uint32_t)number;
	}
	server->address = text_of(v[T_ADDRESS]);
	server->port = strcmp(v[T_PORT], "0") == 0 ? "" : text_of(v[T_PORT]);
	server->fqdn = text_of(v[T_FQDN]);
	server->srv_record = text_of(v[T_SRV_RECORD]);
	server->has_state = true;
	return ERR_OK;
}

/* A server that "show stat" does not have was added since. The next poll has it. */
static enum err_code
state_parse(struct answer *answer, char *header, struct err *err)
{
	struct haproxy_view *view = &answer->view;
	const char *v[STATE_COLUMNS];
	struct haproxy_table table;
	enum err_code code;

	answer->has_state = true;
	code = haproxy_table_open(&table, &state_columns, header, &answer->text, err);
	while (code == ERR_OK && (code = haproxy_table_next(&table, v, err)) == ERR_OK) {
		const struct haproxy_server key = { .backend = v[T_BACKEND], .name = v[T_NAME] };
		struct haproxy_server *server = view->n_servers == 0 ? NULL :
		    bsearch(&key, view->servers, view->n_servers, sizeof(key), by_name);

		if (server != NULL)
			code = server_state_set(server, v, err);
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* -- the answer -------------------------------------------------------------------------- */

static enum err_code
parts_parse(struct answer *answer, struct err *err)
{
	enum err_code code = ERR_OK;
	char *line;

	while (code == ERR_OK && (line = haproxy_line_next(&answer->text)) != NULL) {
		if (strncmp(line, "Name: ", 6) == 0 && !answer->has_info)
			info_parse(answer);
		else if (haproxy_table_begins(&stat_columns, line) && !answer->has_stat)
			code = stat_parse(answer, line, err);
		else if (haproxy_table_begins(&state_columns, line) && answer->has_stat &&
		    !answer->has_state)
			code = state_parse(answer, line, err);
		else if (!answer->has_info && level_of(line) != HAPROXY_LEVEL_UNKNOWN)
			answer->view.level = level_of(line);
		else if (answer->message == NULL && line[0] != '\0' && strcmp(line, "1") != 0)
			answer->message = line;	/* "1" is the version of show servers state */
	}
	return code;
}

/* Each answer of HAProxy, also an error message, ends with an empty line (management.txt
 * 9.3). If that line is missing, HAProxy ended or the connection was cut. */
static enum err_code
parts_check(const struct answer *answer, bool ends_empty, size_t length, enum err_code code,
    struct err *err)
{
	bool begun = answer->has_info || answer->has_stat ||
	    answer->view.level != HAPROXY_LEVEL_UNKNOWN;

	if (code == ERR_NOMEM || (code == ERR_OK && answer->has_info && answer->has_stat &&
	    answer->has_state))
		return code;
	if (length == 0)
		return err_set(err, ERR_INVALID, "its answer is empty");
	if ((begun && !ends_empty) || (code == ERR_OK && answer->message == NULL))
		return err_set(err, ERR_INVALID, "its answer is cut off after %zu bytes", length);
	if (code != ERR_OK)
		return code;
	return err_set(err, ERR_INVALID, "its answer is \"%.120s\"",
	    text_clean(answer->message, '?'));
}

const struct haproxy_backend *
haproxy_view_backend(const struct haproxy_view *view, const char *name)
{
	const struct haproxy_backend key = { .name = name };

	return view->n_backends == 0 ? NULL : bsearch(&key, view->backends, view->n_backends,
	    sizeof(key), by_backend);
}

enum err_code
haproxy_view_parse(char *text, size_t length, struct haproxy_view *ret, struct err *err)
{
	struct answer answer = { .text = { text, text + length }, .view = { .version = "" } };
	bool ends_empty = length >= 2 && text[length - 1] == '\n' && text[length - 2] == '\n';
	enum err_code code;

	text[length] = '\0';
	code = parts_parse(&answer, err);
	code = parts_check(&answer, ends_empty, length, code, err);
	if (code != ERR_OK) {
		haproxy_view_done(&answer.view);
		return code;
	}
	*ret = answer.view;
	return ERR_OK;
}

void
haproxy_view_done(struct haproxy_view *view)
{
	free(view->servers);
	free(view->backends);
	*view = (struct haproxy_view){ .version = "" };
}
