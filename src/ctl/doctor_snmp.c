/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor through SNMP, as a manager sees it: net-snmp's own programs
 * ask, with the arguments that the user gives them elsewhere.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/run_program.h"
#include "model/oid.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "(no version)"
#endif

/* A macro in the place of an argument becomes several. */
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

/* Programs of net-snmp without MIB files and without patience, on objects; returns as
 * run_program() does. */
static int
ask(struct doctor *doctor, const char *program, const char *const objects[],
    char text[RUN_TEXT_MAX])
{
	const char *const options[] = { program, "-On", "-t", "1", "-r", "0" };
	char *argv[ARGUMENTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ROWS(options); i++)
		argv[n++] = (char *)(uintptr_t)options[i];
	for (size_t i = 0; doctor->snmp[i] != NULL && n < ARGUMENTS_MAX - OBJECTS_MAX - 1; i++)
		argv[n++] = doctor->snmp[i];
	for (size_t i = 0; objects[i] != NULL; i++)
		argv[n++] = (char *)(uintptr_t)objects[i];
	argv[n] = NULL;
	setenv("MIBS", "", 1);
	return run_program(argv, RUN_MS, text, NULL);
}

/* The text after "OID = " at the start of a line; NULL if there is none. */
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
	if (ask(doctor, "snmpget", list, text) != 0)
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

/* -- snmpd answers ------------------------------------------------------------------ */

/* The last argument: the host. */
static const char *
doctor_last(const struct doctor *doctor)
{
	size_t n = 0;

	while (doctor->snmp[n + 1] != NULL)
		n++;
	return doctor->snmp[n];
}

/* What the programs say, and what it comes from. */
static const struct {
	const char	*says;
	const char	*cure;
} failures[] = {
	{ "Timeout", "systemctl restart snmpd\n"
	    "snmpd.conf: rocommunity COMMUNITY 127.0.0.1 -V lbread\n" SNMP_HINT },
	{ "Unknown user name", "snmpd.conf: rouser USER priv -V lbread\n"
	    "systemctl stop snmpd; echo 'createUser USER SHA-256 \"PASSPHRASE\" AES \"PASSPHRASE\"'"
	    " >> /var/lib/snmp/snmpd.conf; systemctl start snmpd" },
	{ "Authentication failure", V3_HINT },
};

static const char *
failure_cure(const char *words)
{
	for (size_t i = 0; i < ROWS(failures); i++) {
		if (strstr(words, failures[i].says) != NULL)
			return failures[i].cure;
	}
	return SNMP_HINT;
}

static void
version_take(struct doctor *doctor, const char *text)
{
	const char *value = value_of(text, SYS_VERSION);

	if (value != NULL && strncmp(value, "STRING: \"", 9) == 0)
		snprintf(doctor->version, sizeof(doctor->version), "%.*s",
		    (int)strcspn(value + 9, "\"\n"), value + 9);
}

/* An answer may well be that there is no such object, or none for this user. */
static bool
is_answer(const char *text)
{
	return value_of(text, UPTIME) != NULL || value_of(text, SYS_VERSION) != NULL ||
	    strstr(text, "Error in packet") != NULL;
}

/* snmpd is not there, listens elsewhere, or does not know who asks. */
static void
answer_missing(struct doctor *doctor, const char *said)
{
	const struct conf_line *address = &doctor->conf.lines[CONF_ADDRESS];
	bool timeout = strstr(said, "Timeout") != NULL;
	char target[256], asked[256];
	struct who snmpd;

	/* 127.0.0.1:1161, udp:localhost:1161 and 1161 are one address. */
	snmpd_conf_target(address->value, target, sizeof(target));
	snmpd_conf_target(doctor_last(doctor), asked, sizeof(asked));
	if (timeout && doctor->conf.n_files > 0 && !who_runs("snmpd", &snmpd))
		doctor_find(doctor, DOCTOR_FAIL, "systemctl start snmpd", "snmpd does not run");
	else if (timeout && doctor->snmp_given && strcmp(target, "localhost") != 0 &&
	    strcmp(target, asked) != 0)
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "lbclusterctl doctor --snmp"
		    " \"ARGUMENTS %s\"", target), "%.200s; %s: snmpd listens at %s alone", said,
		    address->at, address->value);
	else if (doctor->asker_known)
		doctor_find(doctor, DOCTOR_FAIL, failure_cure(said), "%.200s%s", said, timeout ?
		    ": a community or user that snmpd does not know, or"
		    " snmpd does not answer" : "");
	else
		doctor_find(doctor, DOCTOR_UNSEEN, V3_HINT, "does not answer %s; name the user or"
		    " community that your manager uses, here or in snmp.conf (%.200s)",
		    doctor->asker, said);
}

void
doctor_snmpd(struct doctor *doctor)
{
	static const char *const objects[] = { UPTIME, SYS_VERSION, NULL };
	char text[RUN_TEXT_MAX];
	int status = ask(doctor, "snmpget", objects, text);

	if (status == ENOENT) {
		doctor_find(doctor, DOCTOR_UNSEEN, "apt-get install snmp", "there is no snmpget"
		    " to ask with");
		return;
	}
	if (status != 0) {
		doctor_find(doctor, DOCTOR_UNSEEN, NULL, "snmpget: %s", strerror(status));
		return;
	}
	if (is_answer(text)) {
		doctor->answers = SIGHT_YES;
		version_take(doctor, text);
		doctor_find(doctor, DOCTOR_OK, NULL, "answers %s%s%s", doctor->asker,
		    doctor->snmp_given ? "" : " at ", doctor->target);
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	answer_missing(doctor, text);
}

/* -- registered, and in the view -------------------------------------------------------- */

/* True, and reported, if the check cannot be made before snmpd answers. */
static bool
is_blocked(struct doctor *doctor)
{
	if (doctor->answers == SIGHT_YES)
		return false;
	doctor_find(doctor, DOCTOR_SKIPPED, NULL, "nothing can be asked: see snmpd");
	return true;
}

/* sysORTable is in any view of Debian's. */
static enum doctor_sight
sysor_look(struct doctor *doctor)
{
	static const char *const objects[] = { SYS_OR_ID, NULL };
	char text[RUN_TEXT_MAX];

	if (ask(doctor, "snmpwalk", objects, text) != 0)
		return SIGHT_UNKNOWN;
	if (strstr(text, "OID: " OUR_ID "\n") != NULL)
		return SIGHT_YES;
	return strstr(text, SYS_OR_ID ".") != NULL && strstr(text, " = OID: ") != NULL ?
	    SIGHT_NO : SIGHT_UNKNOWN;
}

void
doctor_registered(struct doctor *doctor)
{
	if (is_blocked(doctor))
		return;
	doctor->registered = doctor->version[0] != '\0' ? SIGHT_YES : sysor_look(doctor);
	if (doctor->registered == SIGHT_YES)
		doctor_find(doctor, DOCTOR_OK, NULL, "snmpd knows LBCLUSTER-MIB at %s",
		    &ROOT[1]);
	else if (doctor->registered == SIGHT_UNKNOWN)
		doctor_find(doctor, DOCTOR_UNSEEN, "snmpd.conf: view lbread included"
		    " .1.3.6.1.2.1.1", "neither LBCLUSTER-MIB nor sysORTable is in the view");
	else
		doctor_find(doctor, DOCTOR_FAIL, doctor->daemon_alive == SIGHT_NO ?
		    "systemctl start lbclusterd" : "journalctl -u lbclusterd -n 20",
		    "sysORTable has no row of lbclusterd: it is not connected to this snmpd");
}

void
doctor_view(struct doctor *doctor)
{
	static const char ours[] = "lbcluster " PACKAGE_VERSION;

	if (is_blocked(doctor))
		return;
	if (doctor->version[0] == '\0' && doctor->registered == SIGHT_NO)
		doctor_find(doctor, DOCTOR_SKIPPED, NULL, "nothing is registered to be seen");
	else if (doctor->version[0] == '\0' && !doctor->asker_known)
		doctor_find(doctor, DOCTOR_UNSEEN, V3_HINT, "%s reads no LBCLUSTER-MIB; name the"
		    " user or community that your manager uses, here or in snmp.conf",
		    doctor->asker);
	else if (doctor->version[0] == '\0')
		doctor_find(doctor, DOCTOR_FAIL, "snmpd.conf: view lbread included " ROOT "\n"
		    "snmpd.conf: rocommunity COMMUNITY 127.0.0.1 -V lbread\n"
		    "systemctl restart snmpd\n" SNMP_HINT, "%s reads no LBCLUSTER-MIB: the view"
		    " hides it", doctor->asker);
	else if (strcmp(doctor->version, ours) != 0)
		doctor_find(doctor, DOCTOR_WARN, "systemctl restart lbclusterd",
		    "served by %s, and this is %s", doctor->version, ours);
	else
		doctor_find(doctor, DOCTOR_OK, NULL, "LBCLUSTER-MIB can be read, served by %s",
		    doctor->version);
}

/* -- may write ---------------------------------------------------------------------------- */

/* What a SET of a row that cannot exist is refused with. */
static const struct {
	const char		*reason;
	enum doctor_result	 result;
	const char		*words;
} refusals[] = {
	{ "noCreation", DOCTOR_OK, "the community or user may SET" },
	{ "noAccess", DOCTOR_FAIL, "noAccess: its write view leaves lbcRealWeight out" },
	{ "authorizationError", DOCTOR_FAIL, "authorizationError: it may not, or not at this"
	    " security level" },
	{ "notWritable", DOCTOR_FAIL, "notWritable: nobody serves lbcRealWeight" },
	{ "noSuchName", DOCTOR_UNSEEN, "noSuchName: SNMPv1 does not tell a missing right from a"
	    " missing row; use v2c or v3" },
};

#define WRITE_CURE "snmpd.conf: view lbwrite included " REAL_WEIGHT "\n" \
	"snmpd.conf: group lbops usm USER\n" \
	"snmpd.conf: access lbops \"\" usm authPriv exact lbread lbwrite none\n" \
	"systemctl restart snmpd"

static void
refusal_tell(struct doctor *doctor, char *text)
{
	for (size_t i = 0; i < ROWS(refusals); i++) {
		if (strstr(text, refusals[i].reason) == NULL)
			continue;
		doctor_find(doctor, refusals[i].result,
		    refusals[i].result == DOCTOR_FAIL ? WRITE_CURE : NULL, "%s",
		    refusals[i].words);
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	doctor_find(doctor, DOCTOR_FAIL, "journalctl -u lbclusterd -n 20", "%.200s", text);
}

void
doctor_write(struct doctor *doctor)
{
	static const char *const objects[] = { REAL_WEIGHT NO_ROW, "u", "1", NULL };
	char text[RUN_TEXT_MAX];
	int status;

	if ((doctor->ctl->flags & CTL_WRITE) == 0) {
		doctor_find(doctor, DOCTOR_SKIPPED, "lbclusterctl doctor --write",
		    "not tried; --write sets a row that cannot exist");
		return;
	}
	if (is_blocked(doctor))
		return;
	if (doctor->registered == SIGHT_NO) {
		doctor_find(doctor, DOCTOR_SKIPPED, NULL, "nothing is registered to be set");
		return;
	}
	status = ask(doctor, "snmpset", objects, text);
	if (status == 0)
		refusal_tell(doctor, text);
	else
		doctor_find(doctor, DOCTOR_UNSEEN, "apt-get install snmp", "snmpset: %s",
		    strerror(status));
}
