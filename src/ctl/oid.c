/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command oid: where a row is in the MIB, and commands of net-snmp that read
 * and set it, for people who have no MIB file loaded.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/snmp_conf.h"
#include "model/oid.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* Columns of LBCLUSTER-MIB that people ask for: 'table' and 'entry' are the
 * sub-identifiers below lbcObjects. 'type' is the letter of snmpset(1) for one
 * that may be set, with the value of the row as it is. */
static const struct oid_column {
	enum path_depth	 depth;
	uint32_t	 table, entry, column;
	const char	*name;
	char		 type;
} columns[] = {
	{ DEPTH_CLUSTER, 2, 1, 2, "lbcClusterName", 0 },
	{ DEPTH_CLUSTER, 2, 1, 3, "lbcClusterPlane", 0 },
	{ DEPTH_CLUSTER, 2, 1, 4, "lbcClusterPlaneStatus", 0 },
	{ DEPTH_CLUSTER, 2, 1, 6, "lbcClusterStatus", 0 },
	{ DEPTH_CLUSTER, 2, 1, 10, "lbcClusterReals", 0 },
	{ DEPTH_CLUSTER, 2, 1, 12, "lbcClusterRealsActive", 0 },
	{ DEPTH_SERVICE, 3, 1, 3, "lbcServicePath", 0 },
	{ DEPTH_SERVICE, 3, 1, 8, "lbcServiceEndpoint", 0 },
	{ DEPTH_SERVICE, 3, 1, 9, "lbcServiceStatus", 0 },
	{ DEPTH_SERVICE, 3, 1, 11, "lbcServiceReals", 0 },
	{ DEPTH_SERVICE, 3, 1, 13, "lbcServiceRealsActive", 0 },
	{ DEPTH_SERVICE, 3, 1, 16, "lbcServiceOnFallback", 0 },
	{ DEPTH_REAL, 4, 1, 3, "lbcRealPath", 0 },
	{ DEPTH_REAL, 4, 1, 7, "lbcRealEndpoint", 0 },
	{ DEPTH_REAL, 4, 1, 8, "lbcRealWeight", 'u' },
	{ DEPTH_REAL, 4, 1, 9, "lbcRealFallback", 'i' },
	{ DEPTH_REAL, 4, 1, 10, "lbcRealEnabled", 'i' },
	{ DEPTH_REAL, 4, 1, 11, "lbcRealOperStatus", 0 },
	{ DEPTH_REAL, 4, 1, 14, "lbcRealLastJob", 0 },
	{ DEPTH_REAL, 4, 1, 15, "lbcRealPendingJobs", 0 },
	{ DEPTH_REAL, 5, 1, 1, "lbcRealStatsActive", 0 },
	{ DEPTH_REAL, 5, 1, 2, "lbcRealStatsActiveConns", 0 },
	{ DEPTH_REAL, 5, 1, 3, "lbcRealStatsInactiveConns", 0 },
	{ DEPTH_REAL, 5, 1, 4, "lbcRealStatsPersistentConns", 0 },
	{ DEPTH_REAL, 5, 1, 5, "lbcRealStatsConnRate", 0 },
	{ DEPTH_REAL, 5, 1, 6, "lbcRealStatsInBitRate", 0 },
	{ DEPTH_REAL, 5, 1, 7, "lbcRealStatsOutBitRate", 0 },
	{ DEPTH_REAL, 5, 1, 10, "lbcRealStatsInPktRate", 0 },
	{ DEPTH_REAL, 5, 1, 11, "lbcRealStatsOutPktRate", 0 },
	{ DEPTH_REAL, 5, 1, 12, "lbcRealStatsLastUpdate", 0 },
};

static const struct out_column listing[] = {
	{ "name", "NAME", OUT_TEXT },
	{ "oid", "OID", OUT_TEXT },
	{ "writable", "WRITABLE", OUT_BOOL },
	{ "snmpget", NULL, OUT_TEXT },
	{ "snmpset", NULL, OUT_TEXT },
};

enum { OID_TEXT_SIZE = 192, LINE_SIZE = OID_TEXT_SIZE + 64 };

/* The row whose OIDs are told. */
struct target {
	enum path_depth	depth;
	uint32_t	ids[DEPTH_REAL];	/* cluster, service, real service */
	struct real_row	real;			/* for the values; texts not kept */
	bool		named;			/* snmp.conf names who asks */
};

static size_t
oid_append(char *buf, size_t used, uint32_t sub)
{
	int n = snprintf(buf + used, OID_TEXT_SIZE - used, ".%u", sub);

	return used + (size_t)n;
}

static void
oid_text(const struct target *target, const struct oid_column *column, char buf[OID_TEXT_SIZE])
{
	static const uint32_t objects[] = { OID_LBC_OBJECTS };
	size_t used = 0;

	for (size_t i = 0; i < ROWS(objects); i++)
		used = oid_append(buf, used, objects[i]);
	used = oid_append(buf, used, column->table);
	used = oid_append(buf, used, column->entry);
	used = oid_append(buf, used, column->column);
	for (int i = 0; i < (int)target->depth; i++)
		used = oid_append(buf, used, target->ids[i]);
}

/* What a writable column has now, as snmpset(1) takes it: a TruthValue is 1 or 2. */
static uint32_t
value_now(const struct target *target, const struct oid_column *column)
{
	switch (column->column) {
	case 8:
		return target->real.weight;
	case 9:
		return target->real.fallback ? 1 : 2;
	default:
		return target->real.enabled ? 1 : 2;
	}
}

/* The beginning of a command that reads, or of one that sets. */
static const char *
command_begin(const struct target *target, bool set)
{
	if (target->named)
		return set ? "snmpset localhost" : "snmpget localhost";
	return set ? "snmpset -v 2c -c private localhost" : "snmpget -v 2c -c public localhost";
}

static void
snmpset_text(const struct target *target, const struct oid_column *column, const char *oid,
    char buf[LINE_SIZE])
{
	snprintf(buf, LINE_SIZE, "%s %s %c %u", command_begin(target, true), oid, column->type,
	    value_now(target, column));
}

static bool
list_columns(struct ctl *ctl, const struct target *target)
{
	struct out *out = out_begin(ctl->out, ctl->format, listing, ROWS(listing));
	bool ok = out != NULL;

	for (size_t i = 0; i < ROWS(columns) && ok; i++) {
		char oid[OID_TEXT_SIZE], get[LINE_SIZE], set[LINE_SIZE];
		struct out_value values[ROWS(listing)];

		if (columns[i].depth != target->depth)
			continue;
		oid_text(target, &columns[i], oid);
		snprintf(get, sizeof(get), "%s %s", command_begin(target, false), oid);
		snmpset_text(target, &columns[i], oid, set);
		values[0] = (struct out_value){ .text = columns[i].name };
		values[1] = (struct out_value){ .text = oid };
		values[2] = (struct out_value){ .truth = columns[i].type != 0 };
		values[3] = (struct out_value){ .text = get };
		values[4] = (struct out_value){ .text = set, .absent = columns[i].type == 0 };
		ok = out_row(out, values);
	}
	if (ok)
		out_end(out);
	else
		out_cancel(out);
	return ok;
}

/* Below the table: one line that reads what may be set (or all, where nothing may),
 * and lines that set it. */
static void
list_commands(struct ctl *ctl, const struct target *target)
{
	char oid[OID_TEXT_SIZE], set[LINE_SIZE];

	fprintf(ctl->out, "\n%s", command_begin(target, false));
	for (size_t i = 0; i < ROWS(columns); i++) {
		if (columns[i].depth != target->depth ||
		    (target->depth == DEPTH_REAL && columns[i].type == 0))
			continue;
		oid_text(target, &columns[i], oid);
		fprintf(ctl->out, " %s", oid);
	}
	fputc('\n', ctl->out);
	for (size_t i = 0; i < ROWS(columns); i++) {
		if (columns[i].depth != target->depth || columns[i].type == 0)
			continue;
		oid_text(target, &columns[i], oid);
		snmpset_text(target, &columns[i], oid, set);
		fprintf(ctl->out, "%s\n", set);
	}
}

static enum err_code
target_real(void *arg, const struct store_real_view *view)
{
	struct target *target = arg;

	target->real.weight = view->row.weight;
	target->real.fallback = view->row.fallback;
	target->real.enabled = view->row.enabled;
	return ERR_OK;
}

enum ctl_exit
ctl_oid(struct ctl *ctl, char **operands, int n)
{
	struct target target = { 0 };
	struct snmp_default asker;
	enum ctl_exit status;
	enum err_code code;
	struct path path;
	struct err err;

	(void)n;
	status = ctl_open_path(ctl, operands[0], &path);
	if (status != CTL_OK)
		return status;
	target.depth = path_depth(&path);
	target.named = snmp_conf_default(&asker);
	code = store_find(ctl->store, &path, &target.ids[0], &target.ids[1], &target.ids[2],
	    &err);
	if (code == ERR_OK && target.depth == DEPTH_REAL)
		code = store_each_real(ctl->store, &path, target_real, &target, &err);
	if (code != ERR_OK)
		return ctl_error(ctl, &path, &err);
	if (!list_columns(ctl, &target))
		return ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	if (ctl->format == OUT_TABLE)
		list_commands(ctl, &target);
	return CTL_OK;
}
