/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The check of the doctor whether snmpd serves the store that is read here, and not that of
 * another lbclusterd: values of the one and the other are compared.
 */
#include "ctl/doctor.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#define LETTERS "abcdefghijklmnopqrstuvwxyz" "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME_CHARACTERS LETTERS "0123456789._-"

enum {
	NAMES_MAX = 8,		/* clusters whose names are compared */
	STEADY_MS = 2000,	/* without a change of the store, before a difference counts */
	COMPARE_MS = 8000,
	PAUSE_MS = 300,
	OTHERS_MAX = 512,
};

/* What is compared: first the values of 'scalars', then names of clusters. All of them are kept
 * over a restart of lbclusterd; counters that start from zero then would differ. */
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

struct picture {
	char	values[VALUES_MAX][DOCTOR_VALUE_MAX];	/* as snmpget -On prints them */
	char	oids[VALUES_MAX][32];
	size_t	n;
	size_t	clusters;
};

/* -- the store -------------------------------------------------------------------------- */

/* DateAndTime of 'time' (RFC 2579), as net-snmp prints octets of which some are no text. */
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
name_take(void *arg, const struct cluster_row *row)
{
	struct picture *picture = arg;

	bool plain = row->name[strspn(row->name, NAME_CHARACTERS)] == '\0';

	/* net-snmp prints other octets in another way. */
	if (picture->clusters++ < NAMES_MAX && plain) {
		snprintf(picture->oids[picture->n], sizeof(picture->oids[0]), "1.2.1.2.%u",
		    row->id);
		snprintf(picture->values[picture->n++], sizeof(picture->values[0]),
		    "STRING: \"%s\"", row->name);
	}
	return ERR_OK;
}

static bool
store_picture(struct doctor *doctor, struct picture *ret)
{
	struct store_totals totals;
	struct err err;

	*ret = (struct picture){ .n = ROWS(scalars) };
	if (store_totals(doctor->ctl->store, &totals, &err) != ERR_OK ||
	    store_each_cluster(doctor->ctl->store, NULL, name_take, ret, &err) != ERR_OK)
		return false;
	for (size_t i = 0; i < ROWS(scalars); i++)
		snprintf(ret->oids[i], sizeof(ret->oids[i]), "%s", scalars[i].oid);
	snprintf(ret->values[0], sizeof(ret->values[0]), "INTEGER: %u", totals.set_lock);
	time_print(totals.config_last_change, ret->values[1], sizeof(ret->values[1]));
	time_print(totals.table_last_change, ret->values[2], sizeof(ret->values[2]));
	snprintf(ret->values[3], sizeof(ret->values[3]), "Gauge32: %zu", ret->clusters);
	return true;
}

static bool
picture_same(const struct picture *a, const struct picture *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->oids[i], b->oids[i]) != 0 || strcmp(a->values[i], b->values[i]) != 0)
			return false;
	}
	return true;
}

/* -- what is served ----------------------------------------------------------------------- */

static bool
served_picture(struct doctor *doctor, const struct picture *store, struct picture *ret)
{
	const char *oids[VALUES_MAX];

	*ret = *store;
	for (size_t i = 0; i < store->n; i++)
		oids[i] = store->oids[i];
	return doctor_values(doctor, oids, store->n, ret->values);
}

/* A view hides an object: snmpd answers noSuchObject then. A row that is not there is
 * noSuchInstance. */
static bool
is_hidden(const char *value)
{
	return value[0] == '\0' || strncmp(value, "No Such Object", strlen("No Such Object")) == 0;
}

/* The first value that differs, of those that can be read; store->n if none does. */
static size_t
difference(const struct picture *store, const struct picture *served)
{
	size_t i = 0;

	while (i < store->n && (is_hidden(served->values[i]) ||
	    strcmp(store->values[i], served->values[i]) == 0))
		i++;
	return i;
}

/* -- others --------------------------------------------------------------------------------- */

struct others {
	const struct doctor	*doctor;
	size_t			 n;
	long			 pid;		/* of the latest, and its store */
	char			 store[WHO_PATH_MAX];
	char			 text[OTHERS_MAX];
};

static void
other_take(void *arg, const struct who *who)
{
	struct others *others = arg;
	char store[WHO_PATH_MAX] = "a store that could not be seen";
	size_t used = strlen(others->text);

	if (others->doctor->lock == WHO_LOCK_HELD && who->pid == others->doctor->daemon.pid)
		return;
	(void)who_store(who->pid, store, sizeof(store));
	others->n++;
	others->pid = (long)who->pid;
	snprintf(others->store, sizeof(others->store), "%s", store);
	snprintf(others->text + used, sizeof(others->text) - used, "%spid %ld on %.128s",
	    used == 0 ? "" : ", ", (long)who->pid, store);
}

static void
another_serves(struct doctor *doctor, const char *name, const char *here, const char *there)
{
	struct others others = { .doctor = doctor };
	const char *cure = NULL;

	who_each("lbclusterd", other_take, &others);
	if (others.n == 1 && doctor->daemon_alive == SIGHT_YES)
		cure = doctor_cure(doctor, "kill %ld", others.pid);
	else if (others.n == 1)
		cure = doctor_cure(doctor, "lbclusterctl -s %s doctor", others.store);
	doctor_find(doctor, DOCTOR_FAIL, cure, "snmpd serves another store than %s: %s is %s there"
	    " and %s here; %s%s", doctor->ctl->store_dir, name, there, here, others.n == 0 ?
	    "no other lbclusterd runs on this machine" : "other lbclusterd: ", others.text);
}

enum comparison { COMPARED_SAME, COMPARED_OTHER, COMPARED_CHANGING, COMPARED_NOTHING };

/* lbclusterd reads a change of the store within 250 ms, later on a busy machine: a difference
 * counts only if the store has not changed for STEADY_MS. */
static enum comparison
compare(struct doctor *doctor, struct picture *store, struct picture *served)
{
	int64_t now = clock_steady_ms(), until = now + COMPARE_MS, steady_ms = now;
	struct picture after = { .n = 0 };

	for (; now < until; now = clock_steady_ms()) {
		bool same;

		if (!store_picture(doctor, store))
			return COMPARED_NOTHING;
		same = picture_same(store, &after);
		if (!served_picture(doctor, store, served) || !store_picture(doctor, &after))
			return COMPARED_NOTHING;
		if (!picture_same(store, &after) || !same)
			steady_ms = clock_steady_ms();
		if (picture_same(store, &after) && difference(store, served) == store->n)
			return COMPARED_SAME;
		if (clock_steady_ms() - steady_ms >= STEADY_MS)
			return COMPARED_OTHER;
		(void)poll(NULL, 0, PAUSE_MS);
	}
	return COMPARED_CHANGING;
}

void
doctor_served(struct doctor *doctor)
{
	struct picture store, served;
	size_t at;

	if (doctor->version[0] == '\0' || doctor->ctl->store == NULL) {
		doctor_find(doctor, doctor->registered == SIGHT_YES ? DOCTOR_UNSEEN :
		    DOCTOR_SKIPPED, NULL, doctor->ctl->store == NULL ?
		    "the store could not be read" : "nothing of LBCLUSTER-MIB can be read");
		return;
	}
	switch (compare(doctor, &store, &served)) {
	case COMPARED_SAME:
		doctor_find(doctor, DOCTOR_OK, NULL, "what snmpd serves is the store %s",
		    doctor->ctl->store_dir);
		return;
	case COMPARED_OTHER:
		at = difference(&store, &served);
		another_serves(doctor, at < ROWS(scalars) ? scalars[at].name : "lbcClusterName",
		    store.values[at], served.values[at]);
		return;
	case COMPARED_CHANGING:
		doctor_find(doctor, DOCTOR_UNSEEN, "lbclusterctl doctor", "the store changed all"
		    " the time while it was compared with what snmpd serves");
		return;
	case COMPARED_NOTHING:
		doctor_find(doctor, DOCTOR_UNSEEN, NULL, "no answer of the store or snmpd");
		return;
	}
}
