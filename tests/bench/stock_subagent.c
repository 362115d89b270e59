/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For "make bench": the smallest subagent with a table helper of net-snmp, for rows in memory. It
 * shows the cost of a subagent that follows the tutorial of the library.
 *
 * usage: stock_subagent container|iterator SOCKET ROWS
 * rows.py writes ROWS: the first line has the columns as NUMBER:TYPE, each other line has the
 * three index numbers and the values.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

#include "model/oid.h"

enum { COLUMNS_MAX = 16, INDEXES = 3, LINE_MAX_OCTETS = 4096 };

struct value {
	u_char		 type;
	size_t		 length;
	long		 number;
	u_char		*octets;	/* NULL: the value is the number */
};

struct row {
	netsnmp_index	 index;		/* table_container requires this as the first member */
	oid		 sub[INDEXES];
	struct value	 values[COLUMNS_MAX];	/* by column number */
};

static const oid table_oid[] = { OID_LBC_OBJECTS, 4 };

static struct row *rows;
static size_t rows_n;
static unsigned int columns[COLUMNS_MAX];
static char column_types[COLUMNS_MAX];
static size_t columns_n;
static volatile sig_atomic_t stop;

static void
fail(const char *what)
{
	fprintf(stderr, "stock_subagent: %s\n", what);
	exit(1);
}

/* -- rows -------------------------------------------------------------------------- */

static void
octets_set(struct value *value, const char *text, size_t length)
{
	value->type = ASN_OCTET_STR;
	value->length = length;
	value->octets = malloc(length + 1);
	if (value->octets == NULL)
		fail("out of memory");
	memcpy(value->octets, text, length);
}

static void
hex_set(struct value *value, const char *text)
{
	char octets[LINE_MAX_OCTETS];
	size_t n = 0;
	unsigned int octet;

	while (sscanf(text + 2 * n, "%2x", &octet) == 1)
		octets[n++] = (char)octet;
	octets_set(value, octets, n);
}

static void
value_set(struct value *value, char type, const char *text)
{
	if (type == 's') {
		octets_set(value, text, strlen(text));
	} else if (type == 'x') {
		hex_set(value, text);
	} else {
		value->type = type == 'u' ? ASN_GAUGE : ASN_INTEGER;
		value->number = strtol(text, NULL, 10);
		value->length = sizeof(value->number);
	}
}

static void
columns_read(char *line)
{
	for (char *at = strtok(line, "\t"); at != NULL; at = strtok(NULL, "\t")) {
		if (columns_n == COLUMNS_MAX || sscanf(at, "%u:%c", &columns[columns_n],
		    &column_types[columns_n]) != 2 || columns[columns_n] >= COLUMNS_MAX)
			fail("invalid line of columns");
		columns_n++;
	}
}

static void
row_read(struct row *row, char *line)
{
	for (size_t i = 0; i < INDEXES + columns_n; i++) {
		char *field = strsep(&line, "\t");

		if (field == NULL)
			fail("row with too few values");
		if (i < INDEXES)
			row->sub[i] = strtoul(field, NULL, 10);
		else
			value_set(&row->values[columns[i - INDEXES]],
			    column_types[i - INDEXES], field);
	}
}

static void
rows_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[LINE_MAX_OCTETS];
	size_t room = 0;

	if (file == NULL)
		fail("the rows cannot be read");
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (columns_n == 0) {
			columns_read(line);
			continue;
		}
		if (rows_n == room) {
			room = room == 0 ? 1024 : 2 * room;
			rows = realloc(rows, room * sizeof(*rows));
			if (rows == NULL)
				fail("out of memory");
		}
		memset(&rows[rows_n], 0, sizeof(*rows));
		row_read(&rows[rows_n++], line);
	}
	fclose(file);
	/* The rows are not moved after this. */
	for (size_t i = 0; i < rows_n; i++) {
		rows[i].index.oids = rows[i].sub;
		rows[i].index.len = INDEXES;
	}
}

/* -- answers ------------------------------------------------------------------------- */

/* A SET changes a number in memory only. */
static void
value_answer(netsnmp_agent_request_info *info, netsnmp_request_info *request,
    struct row *row)
{
	netsnmp_table_request_info *table = netsnmp_extract_table_info(request);
	struct value *value = &row->values[table->colnum];

	switch (info->mode) {
	case MODE_GET:
	case MODE_GETNEXT:
		if (value->octets != NULL)
			snmp_set_var_typed_value(request->requestvb, value->type,
			    value->octets, value->length);
		else
			snmp_set_var_typed_value(request->requestvb, value->type,
			    &value->number, value->length);
		break;
	case MODE_SET_RESERVE1:
		if (request->requestvb->type != value->type || value->octets != NULL)
			netsnmp_set_request_error(info, request, SNMP_ERR_WRONGTYPE);
		break;
	case MODE_SET_ACTION:
		value->number = *request->requestvb->val.integer;
		break;
	default:
		break;
	}
}

static int
container_answer(netsnmp_mib_handler *handler, netsnmp_handler_registration *registration,
    netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
	(void)handler;
	(void)registration;
	for (; requests != NULL; requests = requests->next) {
		struct row *row = netsnmp_container_table_row_extract(requests);

		if (row != NULL)
			value_answer(info, requests, row);
	}
	return SNMP_ERR_NOERROR;
}

static int
iterator_answer(netsnmp_mib_handler *handler, netsnmp_handler_registration *registration,
    netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
	(void)handler;
	(void)registration;
	for (; requests != NULL; requests = requests->next) {
		struct row *row = netsnmp_extract_iterator_context(requests);

		if (row != NULL)
			value_answer(info, requests, row);
	}
	return SNMP_ERR_NOERROR;
}

static netsnmp_variable_list *
iterator_next(void **loop, void **data, netsnmp_variable_list *indexes,
    netsnmp_iterator_info *info)
{
	struct row *row = *loop;

	(void)info;
	if (row == rows + rows_n)
		return NULL;
	for (size_t i = 0; i < INDEXES; i++, indexes = indexes->next_variable)
		snmp_set_var_typed_integer(indexes, ASN_UNSIGNED, (long)row->sub[i]);
	*data = row;
	*loop = row + 1;
	return indexes;
}

static netsnmp_variable_list *
iterator_first(void **loop, void **data, netsnmp_variable_list *indexes,
    netsnmp_iterator_info *info)
{
	netsnmp_variable_list *first = indexes;

	*loop = rows;
	if (rows_n == 0)
		return NULL;
	iterator_next(loop, data, indexes, info);
	return first;
}

static netsnmp_variable_list *
iterator_after(void **loop, void **data, netsnmp_variable_list *indexes,
    netsnmp_iterator_info *info)
{
	netsnmp_variable_list *first = indexes;

	if (*loop == rows + rows_n)
		return NULL;
	iterator_next(loop, data, indexes, info);
	return first;
}

/* -- registration -------------------------------------------------------------------- */

static netsnmp_handler_registration *
registration_new(Netsnmp_Node_Handler *answer)
{
	netsnmp_handler_registration *registration = netsnmp_create_handler_registration(
	    "lbcRealTable", answer, table_oid, OID_LENGTH(table_oid), HANDLER_CAN_RWRITE);

	if (registration == NULL)
		fail("out of memory");
	return registration;
}

static netsnmp_table_registration_info *
table_info_new(void)
{
	netsnmp_table_registration_info *info =
	    SNMP_MALLOC_TYPEDEF(netsnmp_table_registration_info);

	if (info == NULL)
		fail("out of memory");
	netsnmp_table_helper_add_indexes(info, ASN_UNSIGNED, ASN_UNSIGNED, ASN_UNSIGNED, 0);
	info->min_column = columns[0];
	info->max_column = columns[columns_n - 1];
	return info;
}

static int
container_register(void)
{
	netsnmp_container *container = netsnmp_container_find("table_container");

	if (container == NULL)
		fail("no container");
	for (size_t i = 0; i < rows_n; i++)
		CONTAINER_INSERT(container, &rows[i]);
	return netsnmp_container_table_register(registration_new(container_answer),
	    table_info_new(), container, TABLE_CONTAINER_KEY_NETSNMP_INDEX);
}

static int
iterator_register(void)
{
	netsnmp_iterator_info *info = SNMP_MALLOC_TYPEDEF(netsnmp_iterator_info);

	if (info == NULL)
		fail("out of memory");
	info->table_reginfo = table_info_new();
	info->get_first_data_point = iterator_first;
	info->get_next_data_point = iterator_after;
	info->flags |= NETSNMP_ITERATOR_FLAG_SORTED;
	return netsnmp_register_table_iterator2(registration_new(iterator_answer), info);
}

static const struct {
	const char	*name;
	int		(*fn)(void);
} helpers[] = {
	{ "container", container_register },
	{ "iterator", iterator_register },
};

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

int
main(int argc, char **argv)
{
	bool known = false;

	if (argc != 4)
		fail("usage: stock_subagent container|iterator SOCKET ROWS");
	rows_read(argv[3]);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	setenv("MIBS", "", 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_ROLE, 1);
	netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, argv[2]);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	snmp_enable_stderrlog();
	init_agent("stock_subagent");
	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		if (strcmp(argv[1], helpers[i].name) != 0)
			continue;
		known = true;
		if (helpers[i].fn() != SNMPERR_SUCCESS)
			fail("cannot register");
	}
	if (!known)
		fail("no such helper");
	init_snmp("stock_subagent");
	while (!stop)
		agent_check_and_process(1);
	return 0;
}
