/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For "make load" and "make soak": a manager that sends requests without a pause until SIGTERM and
 * checks every answer. It prints its counts and the times of its requests. It exits with 1 and a
 * message at the first wrong answer.
 *
 *   poll PORT TOLERANT ROWS REPETITIONS COLUMN...
 *       walks the columns together by GETBULK. Each walk has ROWS rows, in order, the same in
 *       every column. Then it sends GETs of values of all rows
 *   set PORT TOLERANT SEED LOCK SHARED OWN...
 *       sets OWN, weights that no other manager sets. It reads a value after noError, and the
 *       former value after a refusal. In between it sets SHARED, which other managers set too,
 *       with the lock: of all SETs with the same lock one may succeed
 *
 * TOLERANT 1: programs are restarted during the run, so answers may be missing and rows may be
 * absent for a while. An answered SET holds nevertheless.
 */
#include "../bench/manager.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIMEOUT_US = 10 * 1000000,	/* for a busy machine */
	PATIENCE_US = 1000000,		/* when tolerant */
	AGAIN_US = 50 * 1000,
	BACK_MAX = 1200,		/* attempts until a value is there again */
	COLUMNS_MAX = 40, OWN_MAX = 100, GETS = 10, KEPT = 64,
	WEIGHTS = 200,			/* 1 to 200: HAProxy accepts 0 to 256 */
	BUCKETS = 32 * 32,
};

struct name {
	oid	sub[MAX_OID_LEN];
	size_t	n;
};

enum timed { TIMED_BULK, TIMED_GET, TIMED_SET, TIMED_KINDS };
static const char *const timed_names[] = { "GETBULK", "GET", "SET" };

enum count { WALKS, VALUES, SETS, SHARED, BEATEN, BUSY, MISSED, COUNTS };
static const char *const count_names[] = { "walks", "values", "sets", "shared", "beaten",
    "busy", "missed" };

static void *session;
static bool tolerant;
static volatile sig_atomic_t stop;
static unsigned long counts[COUNTS];
static unsigned long buckets[TIMED_KINDS][BUCKETS];

/* -- what was counted --------------------------------------------------------------- */

/* Microseconds with five significant bits after the first. */
static size_t
bucket_of(uint64_t us)
{
	size_t shift = 0;

	for (; us >= 64; us >>= 1)
		shift++;
	return shift * 32 + (size_t)us;
}

static void
report(void)
{
	for (size_t i = 0; i < COUNTS; i++)
		printf("count %s %lu\n", count_names[i], counts[i]);
	for (size_t i = 0; i < TIMED_KINDS; i++)
		for (size_t j = 0; j < BUCKETS; j++)
			if (buckets[i][j] > 0)
				printf("time %s %zu %lu\n", timed_names[i], j, buckets[i][j]);
}

static void
wrong(const char *what, const struct name *name)
{
	fprintf(stderr, "load_client: %s", what);
	for (size_t i = 0; name != NULL && i < name->n; i++)
		fprintf(stderr, "%s%lu", i == 0 ? " at " : ".", (unsigned long)name->sub[i]);
	fputc('\n', stderr);
	exit(1);
}

/* An error unless a program was restarted. */
static void
missed(const char *what, const struct name *name)
{
	if (!tolerant && !stop)
		wrong(what, name);
	counts[MISSED]++;
	manager_pause_us(AGAIN_US);
}

/* -- requests ------------------------------------------------------------------------ */

static void
name_parse(const char *text, struct name *ret)
{
	ret->n = MAX_OID_LEN;
	if (!read_objid(text, ret->sub, &ret->n))
		wrong("not an OID", NULL);
}

static netsnmp_pdu *
ask(enum timed kind, netsnmp_pdu *pdu)
{
	int64_t start = manager_now_ns();
	netsnmp_pdu *answer = manager_ask(session, pdu);

	if (answer != NULL)
		buckets[kind][bucket_of((uint64_t)(manager_now_ns() - start) / 1000)]++;
	return answer;
}

/* Returns false if the rows are absent. */
static bool
values_get(const struct name *names, size_t n, long *ret)
{
	netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET), *answer;
	const netsnmp_variable_list *varbind;
	bool all;

	for (size_t i = 0; i < n; i++)
		snmp_add_null_var(pdu, names[i].sub, names[i].n);
	answer = ask(TIMED_GET, pdu);
	if (answer == NULL)
		return false;
	all = answer->errstat == SNMP_ERR_NOERROR;
	varbind = answer->variables;
	for (size_t i = 0; i < n && all; i++, varbind = varbind->next_variable) {
		all = varbind != NULL && manager_is_value(varbind);
		if (all && ret != NULL)
			ret[i] = *varbind->val.integer;
	}
	snmp_free_pdu(answer);
	return all;
}

/* -- poll --------------------------------------------------------------------------------- */

static struct name columns[COLUMNS_MAX], at[COLUMNS_MAX], next[COLUMNS_MAX];
static struct name kept[KEPT];		/* indexes of the rows of the last walk */
static size_t columns_n;
static long rows;

static bool
is_below(const netsnmp_variable_list *varbind, const struct name *column)
{
	return manager_is_value(varbind) && snmp_oidtree_compare(column->sub, column->n,
	    varbind->name, varbind->name_length) == 0;
}

/* The index that is the same in all columns of a row. */
static void
index_check(size_t column, const netsnmp_variable_list *varbind, struct name *index)
{
	size_t n = varbind->name_length - columns[column].n;
	const oid *sub = varbind->name + columns[column].n;

	if (column == 0) {
		memcpy(index->sub, sub, n * sizeof(oid));
		index->n = n;
	} else if (snmp_oid_compare(index->sub, index->n, sub, n) != 0) {
		wrong("another row than in the first column", &at[column]);
	}
}

/* Reads complete rows; an incomplete row comes again. Returns false at the end of the walk. */
static bool
bulk_take(const netsnmp_pdu *answer)
{
	size_t column = 0;
	struct name index;

	for (const netsnmp_variable_list *varbind = answer->variables; varbind != NULL;
	    varbind = varbind->next_variable) {
		if (!is_below(varbind, &columns[column])) {
			if (column > 0)
				wrong("a column ends before the first one", &at[column]);
			return false;
		}
		if (snmp_oid_compare(at[column].sub, at[column].n, varbind->name,
		    varbind->name_length) >= 0)
			wrong("OIDs do not increase", &at[column]);
		index_check(column, varbind, &index);
		memcpy(next[column].sub, varbind->name, varbind->name_length * sizeof(oid));
		next[column].n = varbind->name_length;
		if (++column < columns_n)
			continue;
		column = 0;
		memcpy(at, next, sizeof(at));
		kept[rows++ % KEPT] = index;
		counts[VALUES] += columns_n;
	}
	return true;
}

static void
walk(long rows_wanted, long repetitions)
{
	bool more = true;

	rows = 0;
	memcpy(at, columns, sizeof(at));
	while (more && !stop) {
		netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GETBULK), *answer;

		pdu->non_repeaters = 0;
		pdu->max_repetitions = repetitions;
		for (size_t i = 0; i < columns_n; i++)
			snmp_add_null_var(pdu, at[i].sub, at[i].n);
		answer = ask(TIMED_BULK, pdu);
		if (answer == NULL || answer->errstat != SNMP_ERR_NOERROR) {
			snmp_free_pdu(answer);
			missed("a GETBULK has no answer", &at[0]);
			return;
		}
		more = bulk_take(answer);
		snmp_free_pdu(answer);
	}
	if (more)
		return;
	if (rows != rows_wanted)
		missed("a walk ends too early or too late", &at[0]);
	else
		counts[WALKS]++;
}

/* Sends GETs of all columns of the rows of the last walk. */
static void
gets(void)
{
	struct name names[GETS];

	if (rows < KEPT)
		return;
	for (size_t i = 0; i < GETS; i++) {
		const struct name *index = &kept[(size_t)random() % KEPT];

		names[i] = columns[(size_t)random() % columns_n];
		memcpy(names[i].sub + names[i].n, index->sub, index->n * sizeof(oid));
		names[i].n += index->n;
	}
	if (!values_get(names, GETS, NULL))
		missed("a GET has no answer", &names[0]);
	else
		counts[VALUES] += GETS;
}

/* -- set ---------------------------------------------------------------------------------- */

static struct name own[OWN_MAX];
static long weights[OWN_MAX];
static size_t own_n;

/* The result of a SET: done, refused without a change, or unknown. */
enum outcome { DONE, REFUSED, UNKNOWN };

static netsnmp_pdu *
set_make(const struct name *name, long weight)
{
	netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_SET);

	snmp_pdu_add_variable(pdu, name->sub, name->n, ASN_GAUGE, &weight, sizeof(weight));
	return pdu;
}

static enum outcome
set_send(netsnmp_pdu *pdu, const struct name *name)
{
	netsnmp_pdu *answer = ask(TIMED_SET, pdu);
	long error = answer == NULL ? -1 : answer->errstat;

	snmp_free_pdu(answer);
	switch (error) {
	case SNMP_ERR_NOERROR:
		return DONE;
	case SNMP_ERR_INCONSISTENTVALUE:
		counts[BEATEN]++;
		return REFUSED;
	case SNMP_ERR_RESOURCEUNAVAILABLE:
	case SNMP_ERR_COMMITFAILED:
		counts[BUSY]++;
		return REFUSED;
	default:
		missed(error == -1 ? "a SET has no answer" :
		    snmp_errstring((int)error), name);
		return UNKNOWN;
	}
}

/* Reads the value, and repeats until there is one. */
static long
value_wait(const struct name *name)
{
	long value;

	for (int i = 0; i < BACK_MAX && !values_get(name, 1, &value); i++) {
		missed("a weight cannot be read", name);
		if (i + 1 == BACK_MAX)
			wrong("a weight did not come back", name);
	}
	return value;
}

static void
own_set(size_t i)
{
	long before = weights[i], weight = (before + random() % (WEIGHTS - 1)) % WEIGHTS + 1;
	unsigned long beaten = counts[BEATEN];
	enum outcome outcome = set_send(set_make(&own[i], weight), &own[i]);

	if (counts[BEATEN] != beaten)
		wrong("inconsistentValue for a weight", &own[i]);
	weights[i] = value_wait(&own[i]);
	if (outcome == DONE && weights[i] != weight)
		wrong("noError was answered, and it is not so", &own[i]);
	if (outcome != DONE && weights[i] != before && (outcome == REFUSED ||
	    weights[i] != weight))
		wrong("an error was answered, and it is not as before", &own[i]);
	counts[SETS] += outcome == DONE;
}

static void
shared_set(const struct name *lock, const struct name *shared)
{
	struct name both[2] = { *lock, *shared };
	long values[2];
	netsnmp_pdu *pdu;

	if (!values_get(both, 2, values)) {
		missed("the lock cannot be read", lock);
		return;
	}
	pdu = set_make(shared, values[1] % WEIGHTS + 1);
	snmp_pdu_add_variable(pdu, lock->sub, lock->n, ASN_INTEGER, &values[0],
	    sizeof(values[0]));
	counts[SHARED] += set_send(pdu, shared) == DONE;
}

/* -- */

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void
poll_main(int argc, char **argv)
{
	for (int i = 6; i < argc && columns_n < COLUMNS_MAX; i++)
		name_parse(argv[i], &columns[columns_n++]);
	while (!stop) {
		walk(strtol(argv[4], NULL, 10), strtol(argv[5], NULL, 10));
		gets();
	}
}

static void
set_main(int argc, char **argv)
{
	struct name lock, shared;

	srandom((unsigned int)strtoul(argv[4], NULL, 10));
	name_parse(argv[5], &lock);
	name_parse(argv[6], &shared);
	for (int i = 7; i < argc && own_n < OWN_MAX; i++, own_n++) {
		name_parse(argv[i], &own[own_n]);
		weights[own_n] = value_wait(&own[own_n]);
	}
	for (size_t i = 0; !stop; i++) {
		if (i % 4 == 3)
			shared_set(&lock, &shared);
		else
			own_set(i % own_n);
	}
}

int
main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	if (argc < 7)
		wrong("usage: see the head of load_client.c", NULL);
	tolerant = strcmp(argv[3], "1") == 0;
	session = manager_open(argv[2], tolerant ? PATIENCE_US : TIMEOUT_US);
	if (session == NULL)
		wrong("no session", NULL);
	if (strcmp(argv[1], "poll") == 0)
		poll_main(argc, argv);
	else if (argc > 7)
		set_main(argc, argv);
	report();
	return 0;
}
