/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command oid: the OIDs of a row, and commands of net-snmp that read and set it. A reader
 * needs no MIB file for them. The columns are those of src/mib, which serves them.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/snmp_conf.h"
#include "mib/table.h"
#include "model/oid.h"
#include "util/num.h"

/* The numbers of which an index consists. */
enum row_id { ID_CLUSTER, ID_SERVICE, ID_REAL, ID_SERVER, ID_JOB, ROW_IDS };

/* The entries of LBCLUSTER-MIB that are printed for a row, in the order of their OIDs. */
static const struct oid_entry {
	enum path_depth	depth;	/* of the row; NONE: a job */
	const char	*name;
	size_t		 n;
	enum row_id	 index[3];
} entries[] = {
	{ DEPTH_CLUSTER, "lbcClusterEntry", 1, { ID_CLUSTER } },
	{ DEPTH_SERVICE, "lbcServiceEntry", 2, { ID_CLUSTER, ID_SERVICE } },
	{ DEPTH_REAL, "lbcRealEntry", 3, { ID_CLUSTER, ID_SERVICE, ID_REAL } },
	{ DEPTH_REAL, "lbcRealStatsEntry", 3, { ID_CLUSTER, ID_SERVICE, ID_REAL } },
	{ DEPTH_NONE, "lbcJobEntry", 1, { ID_JOB } },
	{ DEPTH_REAL, "lbcServerEntry", 2, { ID_CLUSTER, ID_SERVER } },
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

enum { OID_TEXT_SIZE = 192, HOST_SIZE = 256, LINE_SIZE = OID_TEXT_SIZE + HOST_SIZE + 128,
	OBJECTS_MAX = 256 };

/* A column of the row. */
struct object {
	const struct oid_entry	*entry;
	const struct mib_table	*table;
	const struct mib_column	*column;
};

/* The row whose OIDs are printed. */
struct target {
	struct ctl	*ctl;
	enum path_depth	 depth;			/* NONE: a job */
	uint32_t	 ids[ROW_IDS];
	bool		 service_enabled;
	struct real_row	 real;			/* its settings, without texts */
	size_t		 server_reals, server_enabled;	/* real services of its server */
	const char	*asker;			/* arguments; "" if snmp.conf has them */
	char		 host[HOST_SIZE];	/* of snmpd, with the port if that is not 161 */
	struct object	 objects[OBJECTS_MAX];	/* to print, in the order of their OIDs */
	size_t		 n;
};

/* -- the objects ---------------------------------------------------------------- */

static const struct mib_table *
table_find(const char *name)
{
	const struct mib_table *table = mib_tables;

	while (strcmp(table->name, name) != 0)
		table++;
	return table;
}

/* Adds all columns of the row that can be read. */
static void
objects_add(struct target *target)
{
	for (size_t i = 0; i < ROWS(entries); i++) {
		const struct mib_table *table = table_find(entries[i].name);
		const struct mib_column *column = table->columns;

		for (; entries[i].depth == target->depth && column->sub != 0; column++) {
			if (column->access != ACCESS_NONE && target->n < OBJECTS_MAX)
				target->objects[target->n++] = (struct object){ &entries[i], table,
				    column };
		}
	}
}

/* True if the operand, a name or a pattern, selects the object. */
static bool
is_match(const char *operand, const struct object *object)
{
	return fnmatch(operand, object->column->name, FNM_CASEFOLD) == 0;
}

/* Keeps the objects that the operands after the row select. An operand that selects none is an
 * error. */
static enum ctl_exit
objects_select(struct target *target)
{
	static const char *const kinds[] = { "job", "cluster", "service", "real service" };
	bool selected[OBJECTS_MAX] = { false };
	struct ctl *ctl = target->ctl;
	char text[NAMES_TEXT_SIZE];
	size_t n = 0;

	for (int operand = 1; operand < ctl->n_operands; operand++) {
		struct names names = { .wanted = ctl->operands[operand] };
		bool found = false;

		for (size_t i = 0; i < target->n; i++) {
			bool match = is_match(ctl->operands[operand], &target->objects[i]);

			selected[i] |= match;
			found |= match;
			names_add(&names, target->objects[i].column->name);
		}
		if (found)
			continue;
		ctl_message(ctl, "%s: is not an object of a %s%s; give a name or a pattern, as "
		    "'*Status'", ctl->operands[operand], kinds[target->depth],
		    names_similar(&names, NULL, text));
		return CTL_NOT_FOUND;
	}
	for (size_t i = 0; i < target->n; i++) {
		if (selected[i] || ctl->n_operands == 1)
			target->objects[n++] = target->objects[i];
	}
	target->n = n;
	return CTL_OK;
}

/* -- OIDs and commands ----------------------------------------------------------- */

static void
oid_append(char *buf, uint32_t sub)
{
	size_t used = strlen(buf);

	snprintf(buf + used, OID_TEXT_SIZE - used, ".%u", sub);
}

static const char *
oid_text(const struct target *target, const struct object *object, char buf[OID_TEXT_SIZE])
{
	static const uint32_t root[] = { OID_LBC_MIB };

	buf[0] = '\0';
	for (size_t i = 0; i < ROWS(root); i++)
		oid_append(buf, root[i]);
	for (size_t i = 0; i < object->table->prefix_n; i++)
		oid_append(buf, object->table->prefix[i]);
	oid_append(buf, object->column->sub);
	for (size_t i = 0; i < object->entry->n; i++)
		oid_append(buf, target->ids[object->entry->index[i]]);
	return buf;
}

/* Sets *ret to the value that a writable column has, for snmpset(1): a TruthValue is 1 or 2. False
 * if a SET of this value would be refused, as one of lbcServerEnabled while it is mixed(3). */
static bool
value_now(const struct target *target, const struct mib_column *column, uint32_t *ret)
{
	switch (column->setting) {
	case SETTING_WEIGHT:
		*ret = target->real.weight;
		return true;
	case SETTING_FALLBACK:
		*ret = target->real.fallback ? 1 : 2;
		return true;
	case SETTING_ENABLED:
		*ret = target->real.enabled ? 1 : 2;
		return true;
	case SETTING_SERVICE_ENABLED:
		*ret = target->service_enabled ? 1 : 2;
		return true;
	case SETTING_SERVER_ENABLED:
		*ret = target->server_enabled > 0 ? SERVER_ENABLED : SERVER_DISABLED;
		return target->server_enabled == 0 ||
		    target->server_enabled == target->server_reals;
	case SETTING_NONE:
	case SETTING_LOCK:
	case SETTING_NOTIFY:
		break;
	}
	return false;
}

/* Formats a command that sets the value that the column has. NULL if no SET of it succeeds. */
static const char *
snmpset_text(const struct target *target, const struct object *object, char buf[LINE_SIZE])
{
	char oid[OID_TEXT_SIZE];
	uint32_t value;

	if (!value_now(target, object->column, &value))
		return NULL;
	snprintf(buf, LINE_SIZE, "snmpset %s%s %s %c %u", target->asker, target->host,
	    oid_text(target, object, oid), object->column->syntax == SYNTAX_INTEGER ? 'i' : 'u',
	    value);
	return buf;
}

static enum err_code
objects_print(const struct target *target)
{
	struct ctl *ctl = target->ctl;
	struct out *out = out_begin(ctl->out, ctl->format, OUT_LIST, listing, ROWS(listing));
	bool ok = out != NULL;

	for (size_t i = 0; i < target->n && ok; i++) {
		const struct object *object = &target->objects[i];
		char oid[OID_TEXT_SIZE], get[LINE_SIZE], buf[LINE_SIZE];
		const char *set = snmpset_text(target, object, buf);

		oid_text(target, object, oid);
		snprintf(get, sizeof(get), "snmpget %s%s %s", target->asker, target->host, oid);
		ok = out_row(out, (const struct out_value[ROWS(listing)]){
		    { .text = object->column->name }, { .text = oid },
		    { .truth = object->column->access == ACCESS_WRITE }, { .text = get },
		    { .absent = set == NULL, .text = set } });
	}
	out_finish(out, ok);
	return ok ? ERR_OK : ERR_NOMEM;
}

/* True if the command that reads the row reads the object. With operands it reads each selected
 * object, otherwise the settings. Of a row without settings it reads the enumerations, because most
 * of them always have a value. */
static bool
is_read(const struct target *target, const struct object *object, bool has_settings)
{
	if (target->ctl->n_operands > 1)
		return true;
	return has_settings ? object->column->access == ACCESS_WRITE :
	    object->column->syntax == SYNTAX_INTEGER;
}

/* Prints, below the table, a command that reads the row and the commands that set it. */
static void
commands_print(const struct target *target)
{
	FILE *file = target->ctl->out;
	char oid[OID_TEXT_SIZE], buf[LINE_SIZE];
	bool has_settings = false;

	for (size_t i = 0; i < target->n; i++)
		has_settings |= target->objects[i].column->access == ACCESS_WRITE;
	if (target->asker[0] != '\0')
		fputs("\n# snmp.conf(5) names no user: these are for lbop of "
		    "lbcluster-setup-snmpd(8);\n# replace the passphrases", file);
	fprintf(file, "\nsnmpget %s%s", target->asker, target->host);
	for (size_t i = 0; i < target->n; i++) {
		const struct object *object = &target->objects[i];

		if (is_read(target, object, has_settings))
			fprintf(file, " %s", oid_text(target, object, oid));
	}
	fputc('\n', file);
	for (size_t i = 0; i < target->n; i++) {
		const char *set = snmpset_text(target, &target->objects[i], buf);

		if (set != NULL)
			fprintf(file, "%s\n", set);
	}
}

/* -- the row --------------------------------------------------------------------- */

static enum err_code
server_count(void *arg, const struct store_real_view *view)
{
	struct target *target = arg;

	target->server_reals++;
	target->server_enabled += view->row.enabled;
	return ERR_OK;
}

static enum err_code
real_copy(void *arg, const struct store_real_view *view)
{
	struct target *target = arg;

	target->real.weight = view->row.weight;
	target->real.fallback = view->row.fallback;
	target->real.enabled = view->row.enabled;
	target->ids[ID_SERVER] = view->row.server_id;
	return ERR_OK;
}

static enum err_code
service_copy(void *arg, const struct path *path, const struct service_row *row)
{
	struct target *target = arg;

	(void)path;
	target->service_enabled = row->enabled;
	return ERR_OK;
}

static enum err_code
job_found(void *arg, const struct job_row *row)
{
	struct target *target = arg;

	target->ids[ID_JOB] = row->id;
	return ERR_OK;
}

/* Reads a row, its numbers and its settings. A server is the name of a real service, in all
 * services of the cluster. */
static enum err_code
row_read(struct target *target)
{
	struct ctl *ctl = target->ctl;
	const struct path *path = ctl->path;
	const struct path server = path_of(path->cluster, "*", path->real);
	enum err_code code = store_find(ctl->store, path, &target->ids[ID_CLUSTER],
	    &target->ids[ID_SERVICE], &target->ids[ID_REAL], &ctl->error);

	target->depth = path_depth(path);
	if (code == ERR_OK && target->depth == DEPTH_SERVICE)
		code = store_each_service(ctl->store, path, service_copy, target, &ctl->error);
	if (code == ERR_OK && target->depth == DEPTH_REAL)
		code = store_each_real(ctl->store, path, real_copy, target, &ctl->error);
	if (code == ERR_OK && target->depth == DEPTH_REAL)
		code = store_each_real(ctl->store, &server, server_count, target, &ctl->error);
	return code;
}

/* Reads the job that the operand names by its number. */
static enum err_code
job_read(struct target *target)
{
	struct ctl *ctl = target->ctl;
	uint64_t id;

	target->depth = DEPTH_NONE;
	ctl->path = NULL;
	if (num_parse(ctl->operands[0], 1, MODEL_ID_MAX, &id) != ERR_OK)
		return err_set(&ctl->error, ERR_NOT_FOUND, "%s: is not the number of a job",
		    ctl->operands[0]);
	return store_each_job(ctl->store, (uint32_t)id, job_found, target, &ctl->error);
}

enum ctl_exit
cmd_oid(struct ctl *ctl)
{
	struct target target = { .ctl = ctl };
	const char *row = ctl->operands[0];
	struct snmp_asker asker;
	struct snmpd_conf conf;
	enum ctl_exit status;
	enum err_code code;

	target.asker = snmp_asker_find(&asker) ? "" : OPERATOR;
	snmpd_conf_read(&conf, 0);
	snmpd_conf_target(conf.lines[CONF_ADDRESS].value, target.host, sizeof(target.host));
	code = row[strspn(row, "0123456789")] == '\0' ? job_read(&target) : row_read(&target);
	if (code != ERR_OK)
		return ctl_finish(ctl, code);
	objects_add(&target);
	if ((status = objects_select(&target)) != CTL_OK)
		return status;
	code = objects_print(&target);
	if (code == ERR_OK && ctl->format == OUT_TABLE)
		commands_print(&target);
	return ctl_finish(ctl, code);
}
