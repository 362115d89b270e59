/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command oid: the OIDs of a row, and commands of net-snmp that read and set it. A reader
 * needs no MIB file for them.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/snmp_conf.h"
#include "model/oid.h"

/* The columns of LBCLUSTER-MIB to print; tests/integration/test_ctl.py compares them with the
 * module. 'table', 'entry' and 'column' are the sub-identifiers below lbcObjects. 'type' is the
 * letter of snmpset(1), 0 if the column is read-only. */
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
	{ DEPTH_SERVICE, 3, 1, 29, "lbcServiceEnabled", 'i' },
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

/* The arguments of net-snmp's programs for the operator that lbcluster-setup-snmpd(8) creates. */
#define OPERATOR "-v 3 -l authPriv -u lbop -a SHA-256 -A passphrase-1 -x AES -X passphrase-2 "

enum { OID_TEXT_SIZE = 192, HOST_SIZE = 256, LINE_SIZE = OID_TEXT_SIZE + HOST_SIZE + 128 };

/* The row whose OIDs are printed. */
struct target {
	enum path_depth	depth;
	uint32_t	ids[DEPTH_REAL];	/* of the cluster, service and real service */
	struct real_row	real;			/* its settings, without texts; a service has
						 * 'enabled' */
	const char	*asker;			/* arguments; "" if snmp.conf has them */
	char		host[HOST_SIZE];	/* of snmpd, with the port if that is not 161 */
};

static void
oid_append(char *buf, uint32_t sub)
{
	size_t used = strlen(buf);

	snprintf(buf + used, OID_TEXT_SIZE - used, ".%u", sub);
}

static const char *
oid_text(const struct target *target, const struct oid_column *column, char buf[OID_TEXT_SIZE])
{
	static const uint32_t objects[] = { OID_LBC_OBJECTS };

	buf[0] = '\0';
	for (size_t i = 0; i < ROWS(objects); i++)
		oid_append(buf, objects[i]);
	oid_append(buf, column->table);
	oid_append(buf, column->entry);
	oid_append(buf, column->column);
	for (unsigned int i = 0; i < (unsigned int)target->depth; i++)
		oid_append(buf, target->ids[i]);
	return buf;
}

/* Returns the value of a writable column for snmpset(1): a TruthValue is 1 or 2. */
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

static const char *
snmpset_text(const struct target *target, const struct oid_column *column, const char *oid,
    char buf[LINE_SIZE])
{
	snprintf(buf, LINE_SIZE, "snmpset %s%s %s %c %u", target->asker, target->host, oid,
	    column->type, value_now(target, column));
	return buf;
}

static enum err_code
columns_print(struct ctl *ctl, const struct target *target)
{
	struct out *out = out_begin(ctl->out, ctl->format, OUT_LIST, listing, ROWS(listing));
	bool ok = out != NULL;

	for (size_t i = 0; i < ROWS(columns) && ok; i++) {
		char oid[OID_TEXT_SIZE], get[LINE_SIZE], set[LINE_SIZE];
		bool writable = columns[i].type != 0;

		if (columns[i].depth != target->depth)
			continue;
		oid_text(target, &columns[i], oid);
		snprintf(get, sizeof(get), "snmpget %s%s %s", target->asker, target->host, oid);
		ok = out_row(out, (const struct out_value[ROWS(listing)]){
		    { .text = columns[i].name }, { .text = oid }, { .truth = writable },
		    { .text = get }, { .absent = !writable,
		    .text = writable ? snmpset_text(target, &columns[i], oid, set) : NULL } });
	}
	out_finish(out, ok);
	return ok ? ERR_OK : ERR_NOMEM;
}

/* Prints, below the table, a command that reads the writable columns, or all columns if none is
 * writable, and the commands that set them. */
static void
commands_print(struct ctl *ctl, const struct target *target)
{
	char oid[OID_TEXT_SIZE], set[LINE_SIZE];

	if (target->asker[0] != '\0')
		fputs("\n# snmp.conf(5) names no user: these are for lbop of "
		    "lbcluster-setup-snmpd(8);\n# replace the passphrases", ctl->out);
	fprintf(ctl->out, "\nsnmpget %s%s", target->asker, target->host);
	for (size_t i = 0; i < ROWS(columns); i++) {
		if (columns[i].depth == target->depth &&
		    (target->depth != DEPTH_REAL || columns[i].type != 0))
			fprintf(ctl->out, " %s", oid_text(target, &columns[i], oid));
	}
	fputc('\n', ctl->out);
	for (size_t i = 0; i < ROWS(columns); i++) {
		if (columns[i].depth == target->depth && columns[i].type != 0)
			fprintf(ctl->out, "%s\n", snmpset_text(target, &columns[i],
			    oid_text(target, &columns[i], oid), set));
	}
}

static enum err_code
settings_copy(void *arg, const struct store_real_view *view)
{
	struct target *target = arg;

	target->real.weight = view->row.weight;
	target->real.fallback = view->row.fallback;
	target->real.enabled = view->row.enabled;
	return ERR_OK;
}

static enum err_code
service_copy(void *arg, const struct path *path, const struct service_row *row)
{
	struct target *target = arg;

	(void)path;
	target->real.enabled = row->enabled;
	return ERR_OK;
}

enum ctl_exit
cmd_oid(struct ctl *ctl)
{
	struct target target = { .depth = path_depth(ctl->path) };
	struct snmp_asker asker;
	struct snmpd_conf conf;
	enum err_code code;

	target.asker = snmp_asker_find(&asker) ? "" : OPERATOR;
	snmpd_conf_read(&conf);
	snmpd_conf_target(conf.lines[CONF_ADDRESS].value, target.host, sizeof(target.host));
	code = store_find(ctl->store, ctl->path, &target.ids[0], &target.ids[1], &target.ids[2],
	    &ctl->error);
	if (code == ERR_OK && target.depth == DEPTH_REAL)
		code = store_each_real(ctl->store, ctl->path, settings_copy, &target, &ctl->error);
	if (code == ERR_OK && target.depth == DEPTH_SERVICE)
		code = store_each_service(ctl->store, ctl->path, service_copy, &target,
		    &ctl->error);
	if (code == ERR_OK)
		code = columns_print(ctl, &target);
	if (code == ERR_OK && ctl->format == OUT_TABLE)
		commands_print(ctl, &target);
	return ctl_finish(ctl, code);
}
