/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The check of the doctor whether snmpd serves this store or the store of another lbclusterd. It
 * compares values that both have.
 */
#include "ctl/doctor.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

enum {
	NAMES_MAX = 8,		/* clusters whose names are compared */
	STEADY_MS = 2000,	/* without a change of the store, before a difference counts */
	COMPARE_MS = 8000,
	PAUSE_MS = 300,
	OTHERS_MAX = 512,
};

/* The values to compare: these, then names of clusters. The store keeps all of them, so that a
 * restart of lbclusterd does not change them. */
static const struct {
	const char	*oid;
	const char	*name;
} scalars[] = {
	{ "1.1.2.0", "lbcSysSetLock" },
	{ "1.1.4.0", "lbcSysConfigLastChange" },
	{ "1.1.5.0", "lbcSysTableLastChange" },
	{ "1.1.8.0", "lbcSysClusters" },
};

enum { VALUES_MAX = ROWS(scalars) + NAMES_MAX };

/* Compared with memcmp(3): unused bytes are 0. */
struct snapshot {
	char	values[VALUES_MAX][DOCTOR_VALUE_MAX];	/* as snmpget -On prints them */
	char	oids[VALUES_MAX][32];
	size_t	n;
	size_t	clusters;
};

/* -- the store -------------------------------------------------------------------------- */

/* Formats DateAndTime (RFC 2579) as net-snmp prints octets that are not all printable. */
static void
time_print(int64_t time, char *buf, size_t size)
{
	time_t seconds = (time_t)time;
	struct tm tm = { 0 };
	unsigned int year = 0;

	if (time != 0 && gmtime_r(&seconds, &tm) != NULL) {
		year = (unsigned int)tm.tm_year + 1900;
		tm.tm_mon++;
	}
	snprintf(buf, size, "Hex-STRING: %02X %02X %02X %02X %02X %02X %02X 00 %s 00 00",
	    year >> 8 & 0xff, year & 0xff, (unsigned int)tm.tm_mon, (unsigned int)tm.tm_mday,
	    (unsigned int)tm.tm_hour, (unsigned int)tm.tm_min, (unsigned int)tm.tm_sec,
	    time == 0 ? "00" : "2B");
}

static enum err_code
name_add(void *arg, const struct cluster_row *row)
{
	struct snapshot *snapshot = arg;
	size_t i = snapshot->n;

	/* net-snmp prints a name with other characters in another form. */
	if (snapshot->clusters++ < NAMES_MAX && model_name_valid(row->name)) {
		snprintf(snapshot->oids[i], sizeof(snapshot->oids[i]), "1.2.1.2.%u", row->id);
		snprintf(snapshot->values[i], sizeof(snapshot->values[i]), "STRING: \"%s\"",
		    row->name);
		snapshot->n++;
	}
	return ERR_OK;
}

static bool
store_read(struct doctor *doctor, struct snapshot *ret)
{
	struct store_totals totals;
	struct err err;

	memset(ret, 0, sizeof(*ret));
	ret->n = ROWS(scalars);
	if (store_totals_read(doctor->ctl->store, &totals, &err) != ERR_OK ||
	    store_each_cluster(doctor->ctl->store, NULL, name_add, ret, &err) != ERR_OK)
		return false;
	for (size_t i = 0; i < ROWS(scalars); i++)
		snprintf(ret->oids[i], sizeof(ret->oids[i]), "%s", scalars[i].oid);
	snprintf(ret->values[0], sizeof(ret->values[0]), "INTEGER: %u", totals.set_lock);
	time_print(totals.config_last_change, ret->values[1], sizeof(ret->values[1]));
	time_print(totals.table_last_change, ret->values[2], sizeof(ret->values[2]));
	snprintf(ret->values[3], sizeof(ret->values[3]), "Gauge32: %zu", ret->clusters);
	return true;
}

/* -- snmpd ----------------------------------------------------------------------------------- */

static bool
served_read(struct doctor *doctor, const struct snapshot *store, struct snapshot *ret)
{
	const char *oids[VALUES_MAX];

	*ret = *store;
	for (size_t i = 0; i < store->n; i++)
		oids[i] = store->oids[i];
	return doctor_values(doctor, oids, store->n, ret->values);
}

/* snmpd answers noSuchObject for an object that a view hides, and noSuchInstance for a missing
 * row. */
static bool
is_hidden(const char *value)
{
	return value[0] == '\0' || strncmp(value, "No Such Object", strlen("No Such Object")) == 0;
}

/* Returns the index of the first value that differs and is not hidden; store->n if all agree. */
static size_t
difference(const struct snapshot *store, const struct snapshot *served)
{
	size_t i = 0;

	while (i < store->n && (is_hidden(served->values[i]) ||
	    strcmp(store->values[i], served->values[i]) == 0))
		i++;
	return i;
}

/* -- other processes --------------------------------------------------------------------------- */

struct others {
	const struct doctor	*doctor;
	size_t			 n;
	long			 pid;			/* of the last one */
	char			 text[OTHERS_MAX];	/* for the message */
	char			 fix[OTHERS_MAX];	/* a doctor for the store of each */
};

static bool
other_add(void *arg, const struct process *process)
{
	struct others *others = arg;
	size_t used = strlen(others->text), fix_used = strlen(others->fix);
	char store[PATH_MAX];
	bool known;

	if (others->doctor->lock == LOCK_HELD && process->pid == others->doctor->daemon.pid)
		return true;
	known = process_store(process->pid, store, sizeof(store));
	others->n++;
	others->pid = (long)process->pid;
	snprintf(others->text + used, sizeof(others->text) - used, "%spid %ld on %.128s",
	    used == 0 ? "" : ", ", others->pid, known ? store : "an unknown store");
	if (known)
		snprintf(others->fix + fix_used, sizeof(others->fix) - fix_used,
		    "%slbclusterctl -s %s doctor", fix_used == 0 ? "" : "\n", store);
	return true;
}

/* Reports that another store is served. With several other lbclusterd, a doctor on the store of
 * each finds the one that snmpd serves. */
static void
another_served(struct doctor *doctor, const char *name, const char *here, const char *there)
{
	struct others others = { .doctor = doctor };
	const char *fix = NULL;

	process_each("lbclusterd", other_add, &others);
	if (others.n == 1 && doctor->lock == LOCK_HELD)
		fix = doctor_fix(doctor, "kill %ld", others.pid);
	else if (others.fix[0] != '\0')
		fix = others.fix;
	doctor_fail(doctor, fix, "snmpd serves another store than %s: %s is %s there"
	    " and %s here; %s%s", doctor->ctl->store_dir, name, there, here, others.n == 0 ?
	    "no other lbclusterd runs on this machine" : "other lbclusterd: ", others.text);
}

/* -- the check ------------------------------------------------------------------------------ */

enum comparison { COMPARED_SAME, COMPARED_DIFFERENT, COMPARED_CHANGING, COMPARED_FAILED };

/* lbclusterd reads a change of the store within 250 ms, and later on a busy machine. So a
 * difference counts only if the store has not changed for STEADY_MS. */
static enum comparison
compare(struct doctor *doctor, struct snapshot *store, struct snapshot *served)
{
	int64_t until_ms = clock_steady_ms() + COMPARE_MS, steady_ms = clock_steady_ms();
	struct snapshot after;

	if (!store_read(doctor, store))
		return COMPARED_FAILED;
	while (clock_steady_ms() < until_ms) {
		if (!served_read(doctor, store, served) || !store_read(doctor, &after))
			return COMPARED_FAILED;
		if (memcmp(store, &after, sizeof(after)) != 0)
			steady_ms = clock_steady_ms();
		else if (difference(store, served) == store->n)
			return COMPARED_SAME;
		else if (clock_steady_ms() - steady_ms >= STEADY_MS)
			return COMPARED_DIFFERENT;
		*store = after;
		(void)poll(NULL, 0, PAUSE_MS);
	}
	return COMPARED_CHANGING;
}

void
doctor_served(struct doctor *doctor)
{
	struct snapshot store, served;
	size_t at;

	if (doctor->version[0] == '\0' || doctor->ctl->store == NULL) {
		doctor_report(doctor, doctor->registered == YES ? DOCTOR_UNKNOWN : DOCTOR_SKIPPED,
		    NULL, doctor->ctl->store == NULL ? "the store could not be read" :
		    "nothing of LBCLUSTER-MIB can be read");
		return;
	}
	switch (compare(doctor, &store, &served)) {
	case COMPARED_SAME:
		doctor_ok(doctor, "snmpd serves the store %s", doctor->ctl->store_dir);
		return;
	case COMPARED_DIFFERENT:
		at = difference(&store, &served);
		another_served(doctor, at < ROWS(scalars) ? scalars[at].name : "lbcClusterName",
		    store.values[at], served.values[at]);
		return;
	case COMPARED_CHANGING:
		doctor_unknown(doctor, "lbclusterctl doctor", "the store changed"
		    " during the whole comparison with snmpd");
		return;
	case COMPARED_FAILED:
		doctor_unknown(doctor, NULL, "the store or snmpd did not answer");
		return;
	}
}
