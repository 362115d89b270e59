/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor through SNMP, as a manager sees it. net-snmp's programs send the
 * requests, with the arguments of --snmp or snmp.conf.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/oid.h"

/* OID_LBC_MIB is a list of ten numbers. */
#define OID_STRING(...) OID_STRING_OF(__VA_ARGS__)
#define OID_STRING_OF(a, b, c, d, e, f, g, h, i, j) \
	"." #a "." #b "." #c "." #d "." #e "." #f "." #g "." #h "." #i "." #j

#define ROOT OID_STRING(OID_LBC_MIB)
#define UPTIME ".1.3.6.1.2.1.1.3.0"
#define SYS_OR_ID ".1.3.6.1.2.1.1.9.1.2"
#define OUR_ID ROOT ".2.1.1"			/* lbcFullCompliance */
#define SYS_VERSION ROOT ".1.1.1.0"
#define REAL_WEIGHT ROOT ".1.4.1.8"
#define NO_ROW ".2147483647.2147483647.2147483647"

enum { RUN_MS = 15000, ARGUMENTS_MAX = 64, OBJECTS_MAX = 16 };

#define SNMP_HINT "lbclusterctl doctor --snmp \"-v2c -c COMMUNITY localhost\""
#define V3_HINT "lbclusterctl doctor --snmp \"-v3 -l authPriv -u USER" \
	" -a SHA-256 -A 'PASSPHRASE' -x AES -X 'PASSPHRASE' localhost\""

/* Runs a program of net-snmp on objects, without MIB files, with one try of one second unless the
 * user gives other values. Returns what run_program() returns. */
static int
snmp_run(struct doctor *doctor, const char *program, const char *const objects[],
    char text[RUN_TEXT_MAX])
{
	const char *const options[] = { program, "-On", "-t", "1", "-r", "0" };
	const char *argv[ARGUMENTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ROWS(options); i++)
		argv[n++] = options[i];
	for (size_t i = 0; doctor->snmp[i] != NULL && n < ARGUMENTS_MAX - OBJECTS_MAX - 1; i++)
		argv[n++] = doctor->snmp[i];
	for (size_t i = 0; objects[i] != NULL; i++)
		argv[n++] = objects[i];
	argv[n] = NULL;
	setenv("MIBS", "", 1);
	return run_program(argv, RUN_MS, text, NULL);
}

/* Returns the text after "OID = " at the start of a line; NULL if there is none. */
static const char *
value_of(const char *text, const char *oid)
{
	size_t length = strlen(oid);

	while (strncmp(text, oid, length) != 0 || strncmp(text + length, " = ", 3) != 0) {
		text = strchr(text, '\n');
		if (text == NULL)
			return NULL;
		text++;
	}
	return text + length + 3;
}

bool
doctor_values(struct doctor *doctor, const char *const objects[], size_t n,
    char values[][DOCTOR_VALUE_MAX])
{
	char oids[OBJECTS_MAX][128], text[RUN_TEXT_MAX];
	const char *list[OBJECTS_MAX + 1];

	if (n > OBJECTS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		snprintf(oids[i], sizeof(oids[i]), ROOT ".%s", objects[i]);
		list[i] = oids[i];
	}
	list[n] = NULL;
	if (snmp_run(doctor, "snmpget", list, text) != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *value = value_of(text, oids[i]);
		size_t length = value == NULL ? 0 : strcspn(value, "\n");

		while (length > 0 && value[length - 1] == ' ')
			length--;
		snprintf(values[i], DOCTOR_VALUE_MAX, "%.*s", (int)length,
		    value == NULL ? "" : value);
	}
	return true;
}

/* -- snmpd ------------------------------------------------------------------ */

/* Returns the last argument, the host. */
static const char *
host_argument(const struct doctor *doctor)
{
	size_t n = 0;

	while (doctor->snmp[n + 1] != NULL)
		n++;
	return doctor->snmp[n];
}

/* Messages of net-snmp's programs, and the fixes. */
static const struct {
	const char	*message;
	const char	*fix;
} failures[] = {
	{ "Timeout", "systemctl restart snmpd\n"
	    "snmpd.conf: rocommunity COMMUNITY 127.0.0.1 -V lbread\n" SNMP_HINT },
	{ "Unknown user name", "snmpd.conf: rouser USER priv -V lbread\n"
	    "systemctl stop snmpd; echo 'createUser USER SHA-256 \"PASSPHRASE\" AES \"PASSPHRASE\"'"
	    " >> /var/lib/snmp/snmpd.conf; systemctl start snmpd" },
	{ "Authentication failure", V3_HINT },
};

static const char *
failure_fix(const char *message)
{
	for (size_t i = 0; i < ROWS(failures); i++) {
		if (strstr(message, failures[i].message) != NULL)
			return failures[i].fix;
	}
	return SNMP_HINT;
}

static void
version_copy(struct doctor *doctor, const char *text)
{
	const char *value = value_of(text, SYS_VERSION);

	if (value != NULL && strncmp(value, "STRING: \"", 9) == 0)
		snprintf(doctor->version, sizeof(doctor->version), "%.*s",
		    (int)strcspn(value + 9, "\"\n"), value + 9);
}

/* True if snmpd answered, even with an error: that an object is missing or hidden. */
static bool
is_answer(const char *text)
{
	return value_of(text, UPTIME) != NULL || value_of(text, SYS_VERSION) != NULL ||
	    strstr(text, "Error in packet") != NULL;
}

/* Reports that snmpd does not run, listens elsewhere, or does not know the user. */
static void
answer_missing(struct doctor *doctor, const char *message)
{
	const struct conf_line *address = &doctor->conf.lines[CONF_ADDRESS];
	bool timeout = strstr(message, "Timeout") != NULL;
	char target[256], asked[256];
	struct process snmpd;

	/* Compares addresses in one form: 127.0.0.1:1161 and udp:localhost:1161 are equal. */
	snmpd_conf_target(address->value, target, sizeof(target));
	snmpd_conf_target(host_argument(doctor), asked, sizeof(asked));
	if (timeout && doctor->conf.n_files > 0 && !process_find("snmpd", &snmpd))
		doctor_fail(doctor, "systemctl start snmpd", "snmpd does not run");
	else if (timeout && doctor->snmp_given && strcmp(target, "localhost") != 0 &&
	    strcmp(target, asked) != 0)
		doctor_fail(doctor, doctor_fix(doctor, "lbclusterctl doctor --snmp"
		    " \"ARGUMENTS %s\"", target), "%.200s; %s:%u: snmpd listens only at %s",
		    message, address->at.file, address->at.line, address->value);
	else if (doctor->asker_known)
		doctor_fail(doctor, failure_fix(message), "%.200s%s", message,
		    timeout ? ": snmpd does not know the community or user, or does not"
		    " answer" : "");
	else
		doctor_unknown(doctor, V3_HINT, "does not answer %s; name the user "
		    "or community that your manager uses, here or in snmp.conf (%.200s)",
		    doctor->asker, message);
}

void
doctor_snmpd(struct doctor *doctor)
{
	static const char *const objects[] = { UPTIME, SYS_VERSION, NULL };
	char text[RUN_TEXT_MAX];
	int status = snmp_run(doctor, "snmpget", objects, text);

	if (status == ENOENT) {
		doctor_unknown(doctor, "apt-get install snmp", "the program snmpget is missing");
		return;
	}
	if (status != 0) {
		doctor_unknown(doctor, NULL, "snmpget: %s", strerror(status));
		return;
	}
	if (is_answer(text)) {
		doctor->answers = true;
		version_copy(doctor, text);
		doctor_ok(doctor, "answers %s%s%s", doctor->asker,
		    doctor->snmp_given ? "" : " at ", doctor->target);
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	answer_missing(doctor, text);
}

/* -- registered and visible -------------------------------------------------------- */

/* Reports a check that needs an answer of snmpd, if there was none; true if it did. */
static bool
is_blocked(struct doctor *doctor)
{
	if (doctor->answers)
		return false;
	doctor_skip(doctor, "snmpd does not answer: see snmpd");
	return true;
}

/* Searches sysORTable, which the views of Debian's snmpd.conf include. */
static enum tristate
sysor_find(struct doctor *doctor)
{
	static const char *const objects[] = { SYS_OR_ID, NULL };
	char text[RUN_TEXT_MAX];

	if (snmp_run(doctor, "snmpwalk", objects, text) != 0)
		return UNKNOWN;
	if (strstr(text, "OID: " OUR_ID "\n") != NULL)
		return YES;
	return strstr(text, SYS_OR_ID ".") != NULL && strstr(text, " = OID: ") != NULL ?
	    NO : UNKNOWN;
}

void
doctor_registered(struct doctor *doctor)
{
	if (is_blocked(doctor))
		return;
	doctor->registered = doctor->version[0] != '\0' ? YES : sysor_find(doctor);
	if (doctor->registered == YES)
		doctor_ok(doctor, "snmpd has LBCLUSTER-MIB registered at %s", &ROOT[1]);
	else if (doctor->registered == UNKNOWN)
		doctor_unknown(doctor, "snmpd.conf: view lbread included"
		    " .1.3.6.1.2.1.1", "neither LBCLUSTER-MIB nor sysORTable is in the view");
	else
		doctor_fail(doctor, doctor->lock == LOCK_FREE ?
		    "systemctl start lbclusterd" : "journalctl -u lbclusterd -n 20",
		    "sysORTable has no row of lbclusterd: it is not connected to this snmpd");
}

void
doctor_view(struct doctor *doctor)
{
	static const char ours[] = "lbcluster " PACKAGE_VERSION;

	if (is_blocked(doctor))
		return;
	if (doctor->version[0] == '\0' && doctor->registered == NO)
		doctor_skip(doctor, "nothing is registered");
	else if (doctor->version[0] == '\0' && !doctor->asker_known)
		doctor_unknown(doctor, V3_HINT, "%s cannot read LBCLUSTER-MIB; name the user or"
		    " community that your manager uses, here or in snmp.conf", doctor->asker);
	else if (doctor->version[0] == '\0')
		doctor_fail(doctor, "snmpd.conf: view lbread included " ROOT "\n"
		    "snmpd.conf: rocommunity COMMUNITY 127.0.0.1 -V lbread\n"
		    "systemctl restart snmpd\n" SNMP_HINT, "%s cannot read LBCLUSTER-MIB: the"
		    " view hides it", doctor->asker);
	else if (strcmp(doctor->version, ours) != 0)
		doctor_warn(doctor, "systemctl restart lbclusterd",
		    "served by %s, and this is %s", doctor->version, ours);
	else
		doctor_ok(doctor, "LBCLUSTER-MIB can be read, served by %s", doctor->version);
}

/* -- may write ---------------------------------------------------------------------------- */

/* Errors of a SET of a row that cannot exist. */
static const struct {
	const char		*reason;
	enum doctor_result	 result;
	const char		*message;
} refusals[] = {
	{ "noCreation", DOCTOR_OK, "the community or user may SET" },
	{ "noAccess", DOCTOR_FAIL, "noAccess: its write view leaves lbcRealWeight out" },
	{ "authorizationError", DOCTOR_FAIL, "authorizationError: it may not SET, or not at this"
	    " security level" },
	{ "notWritable", DOCTOR_FAIL, "notWritable: no subagent serves lbcRealWeight" },
	{ "noSuchName", DOCTOR_UNKNOWN, "noSuchName: SNMPv1 does not distinguish a missing right "
	    "from a missing row; use v2c or v3" },
};

#define WRITE_FIX "snmpd.conf: view lbwrite included " REAL_WEIGHT "\n" \
	"snmpd.conf: group lbops usm USER\n" \
	"snmpd.conf: access lbops \"\" usm authPriv exact lbread lbwrite none\n" \
	"systemctl restart snmpd"

static void
refusal_report(struct doctor *doctor, char *text)
{
	for (size_t i = 0; i < ROWS(refusals); i++) {
		if (strstr(text, refusals[i].reason) == NULL)
			continue;
		doctor_report(doctor, refusals[i].result,
		    refusals[i].result == DOCTOR_FAIL ? WRITE_FIX : NULL, "%s",
		    refusals[i].message);
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	doctor_fail(doctor, "journalctl -u lbclusterd -n 20", "%.200s", text);
}

void
doctor_write(struct doctor *doctor)
{
	static const char *const objects[] = { REAL_WEIGHT NO_ROW, "u", "1", NULL };
	char text[RUN_TEXT_MAX];
	int status;

	if ((doctor->ctl->flags & CTL_WRITE) == 0) {
		doctor_report(doctor, DOCTOR_SKIPPED, "lbclusterctl doctor --write",
		    "not tried; --write sets a row that cannot exist");
		return;
	}
	if (is_blocked(doctor))
		return;
	if (doctor->registered == NO) {
		doctor_skip(doctor, "nothing is registered");
		return;
	}
	status = snmp_run(doctor, "snmpset", objects, text);
	if (status == 0)
		refusal_report(doctor, text);
	else
		doctor_unknown(doctor, "apt-get install snmp", "snmpset: %s", strerror(status));
}
