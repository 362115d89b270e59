/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command doctor: checks an installation, and prints the lines that repair it. The checks
 * are a table; see doctor.h.
 */
#include "ctl/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "conf/settings.h"

#define DEFAULT_SNMP "-v2c -c public"

static const struct {
	const char	*name;
	void		(*run)(struct doctor *doctor);
} checks[] = {
	{ "store", doctor_store },
	{ "lbclusterd.conf", doctor_daemon_conf },
	{ "lbclusterd", doctor_daemon },
	{ "store-files", doctor_store_files },
	{ "snmpd.conf", doctor_snmpd_conf },
	{ "agentx-patience", doctor_timeout },
	{ "communities", doctor_communities },
	{ "secrets", doctor_secrets },
	{ "agentx-socket", doctor_socket },
	{ "agentx-master", doctor_master },
	{ "cpus", doctor_cpus },
	{ "snmpd", doctor_snmpd },
	{ "registered", doctor_registered },
	{ "view", doctor_view },
	{ "served", doctor_served },
	{ "write", doctor_write },
	{ "mib-file", doctor_mib_file },
	{ "driver.conf", doctor_driver_conf },
	{ "plane", doctor_planes },
};

/* Results as JSON. */
static const struct out_column columns[] = {
	{ "check", NULL, OUT_TEXT },
	{ "result", NULL, OUT_TEXT },
	{ "words", NULL, OUT_TEXT },
	{ "cure", NULL, OUT_TEXT },
};

/* -- arguments ------------------------------------------------------------------------ */

/* Copies the first argument of 'text' to *to. Returns the text after it, NULL if a quote is
 * open. */
static const char *
argument_copy(const char *text, char **to)
{
	char quote = '\0';

	for (; *text != '\0' && (quote != '\0' || strchr(" \t\n", *text) == NULL); text++) {
		if (quote == '\0' && (*text == '\'' || *text == '"')) {
			quote = *text;
		} else if (*text == quote) {
			quote = '\0';
		} else {
			if (*text == '\\' && quote != '\'' && text[1] != '\0')
				text++;
			*(*to)++ = *text;
		}
	}
	*(*to)++ = '\0';
	return quote == '\0' ? text : NULL;
}

char **
doctor_split(const char *text)
{
	/* At most one argument for two characters. */
	size_t most = strlen(text) / 2 + 2, n = 0;
	char **list = malloc(most * sizeof(*list) + strlen(text) + 2);
	char *to;

	if (list == NULL)
		return NULL;
	to = (char *)(list + most);
	while (*(text += strspn(text, " \t\n")) != '\0') {
		list[n++] = to;
		text = argument_copy(text, &to);
		if (text == NULL) {
			free(list);
			return NULL;
		}
	}
	list[n] = NULL;
	return list;
}

/* -- the command ---------------------------------------------------------------------- */

/* Finds the AgentX master that lbclusterd connects to: its option -x, "agentx-socket" of its
 * configuration file, or the default. Ignores invalid values: another check reports them. */
static void
socket_default(struct doctor *doctor)
{
	char file[PATH_MAX], option[ENDPOINT_TEXT_MAX], *text = NULL;
	const char *address = option;

	doctor_conf_path(doctor->daemon.pid, LBCLUSTER_CONF_FILE, file);
	if (!process_option(doctor->daemon.pid, 'x', option, sizeof(option)))
		address = text = settings_text(file, "agentx-socket");
	if (address == NULL || endpoint_parse(address, &doctor->master, NULL) != ERR_OK) {
		address = DOCTOR_SOCKET;
		(void)endpoint_parse(address, &doctor->master, NULL);
	}
	snprintf(doctor->socket, sizeof(doctor->socket), "%s", address);
	free(text);
}

/* Chooses the arguments for net-snmp's programs: those of --snmp, or none if snmp.conf names a
 * user or a community, or the community public. False without memory. */
static bool
snmp_default(struct doctor *doctor)
{
	char text[sizeof(DEFAULT_SNMP) + sizeof(doctor->target)];
	struct snmp_asker asker;

	doctor->asker_known = doctor->snmp_given || snmp_asker_find(&asker);
	if (doctor->snmp_given) {
		snprintf(doctor->asker, sizeof(doctor->asker), "the community or user of --snmp");
		return true;
	}
	snmpd_conf_target(doctor->conf.lines[CONF_ADDRESS].value, doctor->target,
	    sizeof(doctor->target));
	snprintf(text, sizeof(text), "%s%s", doctor->asker_known ? "" : DEFAULT_SNMP " ",
	    doctor->target);
	if (!doctor->asker_known)
		snprintf(doctor->asker, sizeof(doctor->asker), "the community public");
	else if (asker.user[0] != '\0')
		snprintf(doctor->asker, sizeof(doctor->asker), "the user %s of %s", asker.user,
		    asker.file);
	else
		snprintf(doctor->asker, sizeof(doctor->asker), "the community of %s", asker.file);
	if (doctor->asker_known && snmp_asker_home() != NULL)
		setenv("HOME", snmp_asker_home(), 1);
	doctor->snmp = doctor_split(text);
	return doctor->snmp != NULL;
}

static enum ctl_exit
checks_run(struct doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;

	if (ctl->format == OUT_JSON) {
		doctor->out = out_begin(ctl->out, OUT_JSON, OUT_LIST, columns, ROWS(columns));
		doctor->out_of_memory = doctor->out == NULL;
	}
	for (size_t i = 0; i < ROWS(checks) && !doctor->out_of_memory; i++) {
		doctor->check = checks[i].name;
		checks[i].run(doctor);
	}
	out_finish(doctor->out, !doctor->out_of_memory);
	if (doctor->out_of_memory)
		return ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	return doctor->failed ? CTL_FAILURE : doctor->unknown ? CTL_UNKNOWN : CTL_OK;
}

enum ctl_exit
cmd_doctor(struct ctl *ctl)
{
	const char *agentx = ctl_argument(ctl, CTL_AGENTX), *snmp = ctl_argument(ctl, CTL_SNMP);
	struct doctor doctor = { .ctl = ctl, .snmp_given = snmp != NULL };
	enum ctl_exit status;

	if (agentx != NULL &&
	    endpoint_parse(agentx, &doctor.master, &ctl->error) != ERR_OK)
		return ctl_usage(ctl, "-x: %s", ctl->error.text);
	if (snmp != NULL) {
		doctor.snmp = doctor_split(snmp);
		if (doctor.snmp == NULL || doctor.snmp[0] == NULL) {
			free(doctor.snmp);
			return ctl_usage(ctl, "--snmp: no arguments, or a quotation mark is not "
			    "closed");
		}
	}
	doctor_find_daemon(&doctor);
	if (agentx == NULL)
		socket_default(&doctor);
	else
		snprintf(doctor.socket, sizeof(doctor.socket), "%s", agentx);
	doctor_find_master(&doctor);
	if (snmp_default(&doctor))
		status = checks_run(&doctor);
	else
		status = ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	free(doctor.snmp);
	return status;
}
