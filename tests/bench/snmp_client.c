/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For "make bench": a manager with one open session, so that the start of a process is not
 * measured. It prints numbers only, checks every answer, and exits with 1 on a wrong one. All times
 * are nanoseconds of CLOCK_MONOTONIC.
 *
 *   walk PORT VALUES REPETITIONS OID...   GETBULK of columns together, again from the first
 *                                   row at their end: "VALUES NS"
 *   get PORT PDUS VARBINDS          GET of OIDs from stdin, VARBINDS in a PDU, cyclically:
 *                                   "VALUES NS"
 *   set PORT COUNT PAUSE_US VALUE   SET of OIDs from stdin, one in a PDU, to VALUE,
 *                                   VALUE + 1 and so on: NS of each on its own line,
 *                                   negative if it was refused
 *   watch PORT PAUSE_US             GET of OIDs from stdin, one in a PDU: NS of each
 *   wait PORT                       GET of "OID VALUE" lines from stdin in one PDU, until
 *                                   all have their value: the time then
 *
 * COUNT 0, and watch: until SIGTERM.
 */
#include "manager.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_PAUSE_US = 1000, FIRST_TIMEOUT_US = 50 * 1000, TIMEOUT_US = 20 * 1000000 };

struct name {
	oid	sub[MAX_OID_LEN];
	size_t	n;
	long	value;
};

static void *session;
static struct name *names;
static size_t names_n;
static volatile sig_atomic_t stop;

static void
fail(const char *what)
{
	fprintf(stderr, "snmp_client: %s\n", what);
	exit(1);
}

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void
name_add(const char *text)
{
	struct name *name;

	if ((names_n & (names_n - 1)) == 0) {
		names = realloc(names, (names_n == 0 ? 1 : 2 * names_n) * sizeof(*names));
		if (names == NULL)
			fail("out of memory");
	}
	name = &names[names_n++];
	name->n = MAX_OID_LEN;
	name->value = 0;
	if (!read_objid(text, name->sub, &name->n))
		fail("not an OID");
}

static void
names_read(void)
{
	char line[1024], text[512];
	long value;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		int n = sscanf(line, "%511s %ld", text, &value);

		if (n < 1)
			continue;
		name_add(text);
		if (n == 2)
			names[names_n - 1].value = value;
	}
	if (names_n == 0)
		fail("no OIDs");
}

/* The answer to 'pdu', which the caller frees. NULL: no answer. */
static netsnmp_pdu *
ask(netsnmp_pdu *pdu)
{
	netsnmp_pdu *answer = manager_ask(session, pdu);

	if (answer != NULL && answer->errstat != SNMP_ERR_NOERROR)
		fprintf(stderr, "snmp_client: %s at %ld\n",
		    snmp_errstring((int)answer->errstat), answer->errindex);
	return answer;
}

static netsnmp_pdu *
ask_surely(netsnmp_pdu *pdu)
{
	netsnmp_pdu *answer = ask(pdu);

	if (answer == NULL || answer->errstat != SNMP_ERR_NOERROR)
		fail("no answer, or an error");
	return answer;
}

/* -- commands ---------------------------------------------------------------------- */

/* Reads the values of a GETBULK. Returns false at the end of the columns. */
static bool
bulk_take(const netsnmp_pdu *answer, struct name *at, long *values)
{
	size_t column = 0;

	for (const netsnmp_variable_list *varbind = answer->variables; varbind != NULL;
	    varbind = varbind->next_variable) {
		if (!manager_is_value(varbind) || snmp_oidtree_compare(names[column].sub,
		    names[column].n, varbind->name, varbind->name_length) != 0)
			return false;
		if (snmp_oid_compare(at[column].sub, at[column].n, varbind->name,
		    varbind->name_length) >= 0)
			fail("OIDs do not increase");
		memcpy(at[column].sub, varbind->name, varbind->name_length * sizeof(oid));
		at[column].n = varbind->name_length;
		(*values)++;
		column = (column + 1) % names_n;
	}
	return true;
}

static void
walk(long values_wanted, long repetitions)
{
	struct name *at = malloc(names_n * sizeof(*at));
	int64_t start = manager_now_ns();
	long values = 0, before;

	if (at == NULL)
		fail("out of memory");
	memcpy(at, names, names_n * sizeof(*at));
	while (values < values_wanted) {
		netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GETBULK), *answer;

		pdu->non_repeaters = 0;
		pdu->max_repetitions = repetitions;
		for (size_t i = 0; i < names_n; i++)
			snmp_add_null_var(pdu, at[i].sub, at[i].n);
		before = values;
		answer = ask_surely(pdu);
		if (!bulk_take(answer, at, &values)) {
			if (values == before && memcmp(at, names, sizeof(*at)) == 0)
				fail("the columns are empty");
			memcpy(at, names, names_n * sizeof(*at));
		}
		snmp_free_pdu(answer);
	}
	printf("%ld %lld\n", values, (long long)(manager_now_ns() - start));
	free(at);
}

static void
get(long pdus, long varbinds)
{
	int64_t start = manager_now_ns();
	size_t next = 0;
	long values = 0;

	while (pdus-- > 0) {
		netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET), *answer;

		for (long i = 0; i < varbinds; i++, next = (next + 1) % names_n)
			snmp_add_null_var(pdu, names[next].sub, names[next].n);
		answer = ask_surely(pdu);
		for (const netsnmp_variable_list *varbind = answer->variables;
		    varbind != NULL; varbind = varbind->next_variable, values++)
			if (!manager_is_value(varbind))
				fail("no such instance");
		snmp_free_pdu(answer);
	}
	printf("%ld %lld\n", values, (long long)(manager_now_ns() - start));
}

/* Prints the nanoseconds of one request to stdout, a file or pipe that is read at the end. */
static void
one(int command, const struct name *name, long value)
{
	netsnmp_pdu *pdu = snmp_pdu_create(command), *answer;
	int64_t start, took;

	if (command == SNMP_MSG_SET)
		snmp_pdu_add_variable(pdu, name->sub, name->n, ASN_GAUGE, &value,
		    sizeof(value));
	else
		snmp_add_null_var(pdu, name->sub, name->n);
	start = manager_now_ns();
	answer = ask(pdu);
	took = manager_now_ns() - start;
	if (answer == NULL || !manager_is_value(answer->variables))
		fail("no answer, or no such instance");
	printf("%lld\n", (long long)(answer->errstat == SNMP_ERR_NOERROR ? took : -took));
	snmp_free_pdu(answer);
}

static void
each(int command, long count, long pause, long value)
{
	for (long i = 0; (count == 0 || i < count) && !stop; i++) {
		one(command, &names[(size_t)i % names_n], value + i);
		manager_pause_us(pause);
	}
}

static bool
all_are_so(const netsnmp_pdu *answer)
{
	const netsnmp_variable_list *varbind = answer->variables;

	for (size_t i = 0; i < names_n; i++, varbind = varbind->next_variable)
		if (varbind == NULL || !manager_is_value(varbind) ||
		    (names[i].value != 0 && (*varbind->val.integer & 0xffffffff) !=
		    names[i].value))
			return false;
	return true;
}

static void
wait_for(void)
{
	bool done = false;

	snmp_sess_session(session)->timeout = FIRST_TIMEOUT_US;
	while (!done && !stop) {
		netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET), *answer;

		for (size_t i = 0; i < names_n; i++)
			snmp_add_null_var(pdu, names[i].sub, names[i].n);
		answer = ask(pdu);
		if (answer != NULL) {
			done = answer->errstat == SNMP_ERR_NOERROR && all_are_so(answer);
			snmp_free_pdu(answer);
		}
		if (!done)
			manager_pause_us(WAIT_PAUSE_US);
	}
	printf("%lld\n", (long long)manager_now_ns());
}

int
main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	const char *command = argc < 3 ? "" : argv[1];
	long numbers[3] = { 0 };

	for (int i = 0; i < 3 && i + 3 < argc; i++)
		numbers[i] = strtol(argv[i + 3], NULL, 10);
	sigaction(SIGTERM, &action, NULL);
	if (command[0] != '\0' && (session = manager_open(argv[2], TIMEOUT_US)) == NULL)
		fail("no session");
	if (strcmp(command, "walk") == 0 && argc > 5) {
		for (int i = 5; i < argc; i++)
			name_add(argv[i]);
		walk(numbers[0], numbers[1]);
		return 0;
	}
	names_read();
	if (strcmp(command, "get") == 0 && argc == 5)
		get(numbers[0], numbers[1]);
	else if (strcmp(command, "set") == 0 && argc == 6)
		each(SNMP_MSG_SET, numbers[0], numbers[1], numbers[2]);
	else if (strcmp(command, "watch") == 0 && argc == 4)
		each(SNMP_MSG_GET, 0, numbers[0], 0);
	else if (strcmp(command, "wait") == 0 && argc == 3)
		wait_for();
	else
		fail("usage: see the head of snmp_client.c");
	return 0;
}
