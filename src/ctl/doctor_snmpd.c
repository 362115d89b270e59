/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor in files of net-snmp: snmpd.conf, and the MIB file that managers on this
 * machine read.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MIB_DIRS "/usr/share/snmp/mibs:/usr/local/share/snmp/mibs"
#define MIB_FILE "LBCLUSTER-MIB.txt"
#define SNMPD_RESTART "\nsystemctl restart snmpd"
#define SNMPD_GROUP "Debian-snmp"	/* and the user of that name */

enum { MODULE_MAX = 16384, TIMEOUT_GOOD_S = 5, PLACE_SIZE = 320 };

/* Formats "FILE:LINE". Returns 'buf'. */
static const char *
place_text(const struct conf_place *at, char buf[PLACE_SIZE])
{
	snprintf(buf, PLACE_SIZE, "%s:%u", at->file, at->line);
	return buf;
}

static bool
is_master(const char *value)
{
	static const char *const yes[] = { "agentx", "all", "yes", "on" };

	for (size_t i = 0; i < ROWS(yes); i++) {
		if (strncasecmp(value, yes[i], strlen(yes[i])) == 0)
			return true;
	}
	return false;
}

/* Reports a check that needs snmpd.conf if no file can be read; true if it did. */
static bool
conf_unknown(struct doctor *doctor)
{
	const struct snmpd_conf *conf = &doctor->conf;

	if (conf->hidden[0] != '\0')
		doctor_need_root(doctor, "%s: you may not read it", conf->hidden);
	else if (conf->n_files > 0)
		return false;
	else if (doctor->listening && doctor->master.kind == ENDPOINT_TCP)
		doctor_skip(doctor, "no snmpd.conf on this machine; snmpd is reached over TCP");
	else
		doctor_unknown(doctor, "SNMPCONFPATH=DIR lbclusterctl doctor",
		    "no snmpd.conf in " SNMPD_CONF_DIRS);
	return true;
}

/* Reports that snmpd does not listen where lbclusterd connects. net-snmp names IPv6 tcp6. */
static void
socket_differs(struct doctor *doctor, const char *value)
{
	const struct conf_line *line = &doctor->conf.lines[CONF_SOCKET];
	bool v6 = doctor->master.kind == ENDPOINT_TCP && strchr(doctor->master.host, ':') != NULL;
	char at[PLACE_SIZE];

	doctor_report(doctor, doctor->listening ? DOCTOR_WARN : DOCTOR_FAIL,
	    doctor_fix(doctor, "snmpd.conf: agentXSocket %s,%s%s" SNMPD_RESTART, value,
	    v6 ? "tcp6" : "", v6 ? strchr(doctor->socket, ':') : doctor->socket),
	    "%s: snmpd listens at %s, and lbclusterd connects to %s; let snmpd listen at both",
	    line->at.line == 0 ? "no agentXSocket" : place_text(&line->at, at), value,
	    doctor->socket);
}

/* Reports lines that snmpd ignores, or files that it does not read; false if there are none. */
static bool
conf_ignored(struct doctor *doctor)
{
	const struct snmpd_conf *conf = &doctor->conf;
	const struct conf_place *missing = &conf->missing.at;
	char at[PLACE_SIZE];

	if (conf->nul.line != 0)
		doctor_fail(doctor, doctor_fix(doctor,
		    "sed -i 's/\\x00//g' %s" SNMPD_RESTART, conf->nul.file),
		    "%s: the line has a NUL byte, and snmpd ignores what follows it",
		    place_text(&conf->nul, at));
	else if (missing->line != 0 && strncasecmp(conf->missing.value, "includeDir", 10) == 0)
		doctor_warn(doctor, doctor_fix(doctor, "mkdir -p%s",
		    conf->missing.value + 10), "%s: %s: the directory is missing",
		    place_text(missing, at), conf->missing.value);
	else if (missing->line != 0)
		doctor_warn(doctor, doctor_fix(doctor,
		    "sed -i '%us/^/#/' %s" SNMPD_RESTART, missing->line, missing->file),
		    "%s: %s: the file is missing", place_text(missing, at), conf->missing.value);
	else if (conf->unread[0] != '\0')
		doctor_report(doctor, is_master(conf->lines[CONF_MASTER].value) ? DOCTOR_WARN :
		    DOCTOR_FAIL, doctor_fix(doctor, "snmpd.conf: includeDir %.*s" SNMPD_RESTART,
		    (int)(strrchr(conf->unread, '/') - conf->unread), conf->unread),
		    "%s: snmpd does not read it, because no file has an includeDir for its"
		    " directory", conf->unread);
	else
		return false;
	return true;
}

void
doctor_snmpd_conf(struct doctor *doctor)
{
	const struct conf_line *master = &doctor->conf.lines[CONF_MASTER];
	const char *value = doctor->conf.lines[CONF_SOCKET].value;
	char at[PLACE_SIZE];

	place_text(&master->at, at);
	if (!is_master(master->value) && conf_unknown(doctor))
		return;
	if (conf_ignored(doctor))
		return;
	if (!is_master(master->value))
		doctor_report(doctor, doctor->listening ? DOCTOR_WARN : DOCTOR_FAIL,
		    "snmpd.conf: master agentx" SNMPD_RESTART,
		    "no file of snmpd has 'master agentx'%s%s%s%s",
		    master->at.line == 0 ? "" : "; ", master->at.line == 0 ? "" : at,
		    master->at.line == 0 ? "" : ": master ", master->value);
	else if (value[0] != '\0' ? !snmpd_conf_has_socket(value, &doctor->master) :
	    !doctor->listening && !snmpd_conf_has_socket(DOCTOR_SOCKET, &doctor->master))
		socket_differs(doctor, value[0] != '\0' ? value : DOCTOR_SOCKET);
	else
		doctor_ok(doctor, "%s: master %s", at, master->value);
}

long
doctor_seconds(const char *text)
{
	static const struct {
		char	unit;
		long	seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (end == text || errno != 0 || n < 0 || n > 100000000)
		return -1;
	end += strspn(end, " \t");
	if (*end == '\0')
		return n;
	for (size_t i = 0; i < ROWS(units); i++) {
		if (strncasecmp(end, &units[i].unit, 1) == 0)
			return n * units[i].seconds;
	}
	return -1;
}

void
doctor_timeout(struct doctor *doctor)
{
	const char *timeout = doctor->conf.lines[CONF_TIMEOUT].value;
	const char *retries = doctor->conf.lines[CONF_RETRIES].value;

	if (doctor_seconds(timeout) >= TIMEOUT_GOOD_S && doctor_seconds(retries) == 0)
		doctor_ok(doctor, "agentXTimeout %s, agentXRetries %s", timeout, retries);
	else if (!conf_unknown(doctor))
		doctor_warn(doctor, "snmpd.conf: agentXTimeout 5\n"
		    "snmpd.conf: agentXRetries 0" SNMPD_RESTART,
		    "agentXTimeout %s, agentXRetries %s: snmpd ends the session when a SET waits"
		    " for a slow disk", timeout[0] == '\0' ? "1 (default)" : timeout,
		    retries[0] == '\0' ? "5 (default)" : retries);
}

/* Anyone who can read the network traffic can read a community, and may SET with it. */
void
doctor_communities(struct doctor *doctor)
{
	const struct snmpd_conf *conf = &doctor->conf;
	const struct conf_line *line = &conf->lines[CONF_RW];
	char at[PLACE_SIZE], more[48] = "";

	if (conf->n_files > 1)
		snprintf(more, sizeof(more), " and %zu more files of snmpd", conf->n_files - 1);
	if (line->at.line == 0)
		line = &conf->lines[CONF_RW6];
	if (conf->open[0] != '\0')
		doctor_fail(doctor, doctor_fix(doctor, "chmod o-w %s", conf->open),
		    "%s: every user of this machine may change who may SET", conf->open);
	else if (line->at.line != 0)
		/* The message does not show the community: messages are shown to others. */
		doctor_warn(doctor, doctor_fix(doctor, "sed -i '%us/^/#/' %s\n"
		    "snmpd.conf: rocommunity COMMUNITY 127.0.0.1 -V lbread" SNMPD_RESTART,
		    line->at.line, line->at.file),
		    "%s: this community may SET, and is sent without encryption; remove the line"
		    " and use SNMPv3 with a write view", place_text(&line->at, at));
	else if (!conf_unknown(doctor))
		doctor_ok(doctor, "no community may SET in %s%s", conf->first, more);
}

void
doctor_secrets(struct doctor *doctor)
{
	const char *path = doctor->conf.secret;
	struct process group;

	if (path[0] != '\0')
		doctor_warn(doctor, process_of_user(SNMPD_GROUP, &group) ?
		    doctor_fix(doctor, "chgrp " SNMPD_GROUP " %s\nchmod 640 %s", path, path) :
		    doctor_fix(doctor, "chmod 600 %s", path),
		    "%s: every user of this machine may read the communities and passphrases in it",
		    path);
	else if (!conf_unknown(doctor))
		doctor_ok(doctor, "no file with a community or a passphrase"
		    " can be read by every user");
}

/* -- the MIB file ------------------------------------------------------------------------ */

enum { MIB_PATH_SIZE = PATH_MAX + sizeof("/" MIB_FILE) };

/* Keeps the path of the file in the last directory that has one. */
static void
mib_find(void *arg, const char *dir)
{
	char path[MIB_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/" MIB_FILE, dir);
	if (access(path, F_OK) == 0)
		memcpy(arg, path, sizeof(path));
}

const char *
doctor_mib_revision(const char *text, char buf[16])
{
	const char *p = strstr(text, "LAST-UPDATED");

	buf[0] = '\0';
	if (p != NULL)
		p = strchr(p, '"');
	if (p != NULL)
		snprintf(buf, 16, "%.*s", (int)strcspn(p + 1, "\""), p + 1);
	return buf;
}

void
doctor_mib_file(struct doctor *doctor)
{
	const char *dirs = getenv("MIBDIRS");
	char path[MIB_PATH_SIZE] = "", revision[16], text[MODULE_MAX];
	FILE *file;

	if (dirs != NULL && (dirs[0] == '+' || dirs[0] == '-'))
		dirs++;
	if (dirs == NULL || dirs[0] == '\0')
		dirs = MIB_DIRS;
	snmp_conf_each_dir(dirs, mib_find, path);
	if (path[0] == '\0') {
		doctor_warn(doctor, "install -m 0644 mibs/" MIB_FILE
		    " /usr/share/snmp/mibs/", "no " MIB_FILE " in %s: net-snmp's programs on this"
		    " machine do not know the names of objects", dirs);
		return;
	}
	file = fopen(path, "re");
	text[file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file)] = '\0';
	if (file != NULL)
		fclose(file);
	doctor_mib_revision(text, revision);
	if (strcmp(revision, DOCTOR_MIB_REVISION) == 0)
		doctor_ok(doctor, "%s: %s", path, revision);
	else
		doctor_warn(doctor, doctor_fix(doctor, "install -m 0644 mibs/" MIB_FILE " %s",
		    path), "%s has LAST-UPDATED %s, this program belongs to " DOCTOR_MIB_REVISION,
		    path, revision[0] == '\0' ? "(none)" : revision);
}
