/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/plane/ipvs/ipvs_answer.c: what the kernel has for rows, and the wanted table.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "plane/ipvs/ipvs_answer.h"
#include "util/memory.h"

enum { ABSENT = -1, BOOT_S = 1000, REALS = 2 };

static const char key_text[] = "tcp 192.0.2.1:80";

static struct {
	struct plane_target	 targets[1 + REALS];
	struct ipvs_rows	 rows;
	struct ipvs_table	 have, before, wanted;
	struct ipvs_owned	 owned;
	struct ipvs_view	 view;
	struct plane_server	 servers[REALS];
	struct plane_service	 services[1];
	struct plane_service_counts counted[1];
	struct plane_poll	 poll;
} w;

static void
rows_set(void)
{
	struct err err;

	assert_int_equal(ipvs_rows_set(&w.rows, "front", w.targets, ROWS(w.targets), &err),
	    ERR_OK);
}

/* One service with the destinations a and b, which lbcluster made. */
static int
setup(void **state)
{
	struct ipvs_key key;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.targets[0] = (struct plane_target){ .id = 1, .is_service = true, .name = "web",
	    .address = "192.0.2.1", .port = "80", .params = "", .protocol = PROTOCOL_TCP,
	    .enabled = true };
	w.targets[1] = (struct plane_target){ .id = 11, .name = "a", .address = "10.0.0.1",
	    .port = "", .params = "", .weight = 10, .enabled = true };
	w.targets[2] = (struct plane_target){ .id = 12, .name = "b", .address = "10.0.0.2",
	    .port = "", .params = "", .weight = 5, .enabled = true };
	rows_set();
	assert_true(ipvs_key_parse(key_text, &key));
	assert_true(ipvs_owned_add(&w.owned, &key));
	w.view = (struct ipvs_view){ .cluster = "front", .have = &w.have,
	    .before = &w.before, .owned = &w.owned,
	    .counts = true, .now_s = 5000, .boot_s = BOOT_S };
	w.poll = (struct plane_poll){ .servers = w.servers, .services = w.services,
	    .service_counts = w.counted };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	ipvs_rows_done(&w.rows);
	ipvs_table_done(&w.have);
	ipvs_table_done(&w.before);
	ipvs_table_done(&w.wanted);
	ipvs_owned_done(&w.owned);
	return 0;
}

static void
have_clear(void)
{
	ipvs_table_done(&w.have);
}

static void
have_service(void)
{
	have_clear();
	assert_true(ipvs_table_service_add(&w.have, &w.rows.services[0].service));
}

static struct ipvs_dest *
have_dest(const char *address, int weight)
{
	struct ipvs_dest dest = { .port = 80, .weight = (uint32_t)weight,
	    .forward = w.rows.reals[0].dest.forward };
	struct ipvs_entry *entry = &w.have.entries[0];

	assert_true(ipvs_address_parse(address, &dest.address));
	assert_true(ipvs_table_dest_add(&w.have, &dest));
	return &entry->dests[entry->n - 1];
}

/* The kernel has the service with a and b, each ABSENT or with a weight. */
static void
have(int a, int b)
{
	have_service();
	if (a != ABSENT)
		have_dest("10.0.0.1", a);
	if (b != ABSENT)
		have_dest("10.0.0.2", b);
}

/* Returns "ready 10", "drain 10 blocked", "out 10 down blocked". */
static const char *
answer(int i)
{
	static const char *const states[] = { "ready", "drain", "out" };
	static char text[64];

	ipvs_answer(&w.rows, &w.view, &w.poll);
	snprintf(text, sizeof(text), "%s %u%s%s", states[w.servers[i].state], w.servers[i].weight,
	    w.servers[i].up ? "" : " down", w.servers[i].blocked ? " blocked" : "");
	return text;
}

/* Returns the wanted table, "a 10 b 5", "none" for no service; "?" is any other destination. */
static const char *
wanted(const struct plane_command *commands, size_t n)
{
	static char text[128];
	size_t used = 0;

	ipvs_table_done(&w.wanted);
	assert_true(ipvs_wanted_make(&w.rows, &w.view, w.servers, commands, n, &w.wanted));
	if (w.wanted.n == 0)
		return "none";
	text[0] = '\0';
	for (size_t i = 0; i < w.wanted.entries[0].n; i++) {
		const struct ipvs_dest *dest = &w.wanted.entries[0].dests[i];
		uint8_t last = dest->address.bytes[3];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%c %u",
		    used > 0 ? " " : "", last == 1 ? 'a' : last == 2 ? 'b' : '?', dest->weight);
	}
	return text;
}

/* -- states ---------------------------------------------------------------------------------- */

static void
states_follow_the_table_of_the_header(void **state)
{
	static const struct {
		int		 have, commanded;	/* enum plane_state; ABSENT: no command */
		uint32_t	 weight;		/* of the row */
		const char	*answer;
	} table[] = {
		{ ABSENT, ABSENT, 10, "out 10" },
		{ ABSENT, PLANE_READY, 10, "out 10" },
		{ 3, ABSENT, 10, "ready 3" },
		{ 3, PLANE_DRAIN, 10, "ready 3" },	/* another program raised it */
		{ 0, ABSENT, 10, "drain 10" },
		{ 0, ABSENT, 0, "ready 0" },
		{ 0, PLANE_READY, 10, "ready 0" },
		{ 0, PLANE_DRAIN, 10, "drain 10" },
		{ 0, PLANE_DRAIN, 0, "drain 0" },
		{ 0, PLANE_OUT, 10, "drain 10" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(table); i++) {
		w.targets[1].weight = table[i].weight;
		rows_set();
		w.rows.reals[0].commanded = table[i].commanded != ABSENT;
		w.rows.reals[0].state = (enum plane_state)(table[i].commanded != ABSENT ?
		    table[i].commanded : 0);
		have(table[i].have, 5);
		assert_string_equal(answer(0), table[i].answer);
		assert_string_equal(w.servers[0].message, "");
		assert_string_equal(answer(1), "ready 5");
	}
	have_clear();
	assert_string_equal(answer(1), "out 5");
}

/* A weight above 0 is a state READY, from which a weight 0 without a command is not a drain. */
static void
a_weight_of_another_program_is_no_drain(void **state)
{
	(void)state;
	have(10, 5);
	assert_string_equal(answer(0), "ready 10");
	have(0, 5);
	assert_string_equal(answer(0), "ready 0");
}

static void
rows_keep_the_command_of_their_id_and_endpoint(void **state)
{
	(void)state;
	have(0, 0);
	for (int i = 0; i < REALS; i++) {
		w.rows.reals[i].commanded = true;
		w.rows.reals[i].state = PLANE_READY;
	}
	w.targets[0].params = "{\"scheduler\":\"rr\"}";
	rows_set();
	assert_string_equal(answer(0), "ready 0");
	/* Another id, and another endpoint, are another destination. */
	w.targets[1].id = 13;
	w.targets[2].address = "10.0.0.3";
	rows_set();
	have_service();
	have_dest("10.0.0.1", 0);
	have_dest("10.0.0.3", 0);
	assert_string_equal(answer(0), "drain 10");
	assert_string_equal(answer(1), "drain 5");
}

static void
with_manage_settings_another_program_decides(void **state)
{
	static const struct {
		int		 have, commanded;
		uint32_t	 weight;
		const char	*answer, *message;
	} table[] = {
		{ ABSENT, ABSENT, 10, "ready 10 down blocked",
		    "tcp 192.0.2.1:80 has no destination 10.0.0.1:80" },
		{ ABSENT, PLANE_OUT, 10, "out 10 down blocked",
		    "tcp 192.0.2.1:80 has no destination 10.0.0.1:80" },
		{ 3, ABSENT, 10, "ready 3", "" },
		{ 3, PLANE_OUT, 10, "ready 3", "" },
		{ 0, ABSENT, 10, "ready 10 down blocked",
		    "held at weight 0 by another program" },
		{ 0, PLANE_READY, 10, "ready 10 down blocked",
		    "held at weight 0 by another program" },
		{ 0, PLANE_OUT, 10, "out 10", "" },
		{ 0, PLANE_DRAIN, 10, "drain 10", "" },
		{ 0, ABSENT, 0, "ready 0", "" },
	};

	(void)state;
	w.view.settings_only = true;
	ipvs_owned_done(&w.owned);
	for (size_t i = 0; i < ROWS(table); i++) {
		w.targets[1].weight = table[i].weight;
		rows_set();
		w.rows.reals[0].commanded = table[i].commanded != ABSENT;
		w.rows.reals[0].state = (enum plane_state)(table[i].commanded != ABSENT ?
		    table[i].commanded : 0);
		have(table[i].have, 5);
		assert_string_equal(answer(0), table[i].answer);
		assert_string_equal(w.servers[0].message, table[i].message);
		assert_false(w.services[0].differs);
	}
	w.targets[1].fallback = true;
	rows_set();
	answer(0);
	assert_int_equal(w.servers[0].role, ROLE_BACKUP);
	assert_int_equal(w.servers[1].role, ROLE_MEMBER);
}

static void
with_manage_settings_only_weights_change(void **state)
{
	const struct plane_command commands[] = {
		{ .kind = PLANE_COMMAND_STATE, .at = 0, .value = PLANE_OUT },
		{ .kind = PLANE_COMMAND_WEIGHT, .at = 1, .value = 7 },
	};

	(void)state;
	w.view.settings_only = true;
	have(10, 5);
	have_dest("10.0.0.9", 4);
	answer(0);
	assert_string_equal(wanted(NULL, 0), "a 10 b 5 ? 4");
	assert_string_equal(wanted(commands, 2), "a 0 b 7 ? 4");
	/* What another program holds at 0 stays, and what it deleted is not made. */
	have(0, ABSENT);
	answer(0);
	assert_string_equal(wanted(commands + 1, 1), "a 0");
	have_clear();
	answer(0);
	assert_string_equal(wanted(commands, 2), "none");
}

static void
a_foreign_service_is_reported_and_wanted_as_it_is(void **state)
{
	const struct plane_command command = { .kind = PLANE_COMMAND_STATE, .at = 0,
	    .value = PLANE_READY };

	(void)state;
	have(3, ABSENT);
	have_dest("10.0.0.9", 4);
	ipvs_owned_done(&w.owned);
	assert_string_equal(answer(0), "out 4294967295 blocked");
	assert_string_equal(w.servers[0].message, "lbcluster did not make its virtual service");
	assert_int_equal(w.servers[0].counts.present, 0);
	assert_string_equal(w.poll.problem, "tcp 192.0.2.1:80 exists and lbcluster did not make"
	    " it; stop the program that made it, then run lbcluster-ipvs --adopt front");
	assert_false(w.services[0].differs);
	assert_string_equal(wanted(&command, 1), "a 3 ? 4");
	have_clear();
	assert_string_equal(answer(0), "out 10");
	assert_string_equal(w.poll.problem, "");
}

/* -- services -------------------------------------------------------------------------------- */

static void
a_service_differs_with_a_message(void **state)
{
	(void)state;
	have(10, 5);
	answer(0);
	assert_false(w.services[0].differs);
	rows_set();	/* the rows have not changed since */
	w.have.entries[0].service.timeout_s = 9;
	answer(0);
	assert_true(w.services[0].differs);
	assert_false(w.services[0].routine);
	assert_string_equal(w.services[0].message,
	    "tcp 192.0.2.1:80 had other flags or another persistence");
	strcpy(w.have.entries[0].service.scheduler, "rr");
	answer(0);
	assert_string_equal(w.services[0].message,
	    "tcp 192.0.2.1:80 had scheduler rr in place of wlc");
	have(10, 5);
	w.have.entries[0].dests[1].lower = 1;
	answer(0);
	assert_string_equal(w.services[0].message,
	    "tcp 192.0.2.1:80 had another forward method or threshold for 10.0.0.2:80");
	have_clear();
	answer(0);
	assert_string_equal(w.services[0].message, "tcp 192.0.2.1:80 did not exist");
	assert_false(w.services[0].routine);
	/* A row that changed is no repair. */
	w.targets[0].params = "{\"scheduler\":\"rr\"}";
	rows_set();
	answer(0);
	assert_true(w.services[0].routine);
}

static void
a_disabled_service_goes_with_its_last_destination(void **state)
{
	const struct plane_command out[] = {
		{ .kind = PLANE_COMMAND_STATE, .at = 0, .value = PLANE_OUT },
		{ .kind = PLANE_COMMAND_STATE, .at = 1, .value = PLANE_OUT },
	};

	(void)state;
	w.targets[0].enabled = false;
	rows_set();
	have(0, 5);
	answer(0);
	assert_false(w.services[0].differs);
	assert_string_equal(wanted(out, 1), "b 5");
	assert_string_equal(wanted(out, 2), "none");
	have(ABSENT, ABSENT);
	w.targets[0].params = "{\"scheduler\":\"rr\"}";
	rows_set();
	answer(0);
	assert_true(w.services[0].routine);
	rows_set();
	answer(0);
	assert_true(w.services[0].differs);
	assert_false(w.services[0].routine);
	assert_string_equal(w.services[0].message, "tcp 192.0.2.1:80 existed, but is disabled");
	assert_string_equal(wanted(NULL, 0), "none");
	have_clear();
	answer(0);
	assert_false(w.services[0].differs);
	/* An enabled service stays without destinations. */
	w.targets[0].enabled = true;
	rows_set();
	have(10, 5);
	answer(0);
	assert_string_equal(wanted(out, 2), "");
}

static void
a_destination_that_the_store_lacks_drains(void **state)
{
	struct ipvs_dest *other;

	(void)state;
	rows_set();
	have(10, 5);
	other = have_dest("10.0.0.9", 4);
	other->active = 1;
	answer(0);
	assert_true(w.services[0].differs);
	assert_false(w.services[0].routine);
	assert_string_equal(w.services[0].message, "tcp 192.0.2.1:80 had destination 10.0.0.9:80,"
	    " which the store does not have");
	assert_string_equal(wanted(NULL, 0), "a 10 b 5 ? 0");
	other->weight = 0;
	answer(0);
	assert_false(w.services[0].differs);
	assert_string_equal(wanted(NULL, 0), "a 10 b 5 ? 0");
	other->active = 0;
	other->inactive = 1;
	answer(0);
	assert_false(w.services[0].differs);
	other->inactive = 0;
	answer(0);
	assert_true(w.services[0].differs);
	assert_true(w.services[0].routine);
	assert_string_equal(wanted(NULL, 0), "a 10 b 5");
}

static void
a_destination_that_the_store_lacks_goes_after_the_drain_time(void **state)
{
	(void)state;
	w.targets[0].drain_ms = 3000;
	for (int64_t now_ms = 10000; now_ms <= 13000; now_ms += 1000) {
		rows_set();
		have(10, 5);
		have_dest("10.0.0.9", 0)->active = 1;
		ipvs_table_sort(&w.have);
		w.view.now_ms = now_ms;
		answer(0);
		assert_int_equal(w.services[0].differs, now_ms == 13000);
		assert_string_equal(wanted(NULL, 0), now_ms < 13000 ? "a 10 b 5 ? 0" : "a 10 b 5");
		ipvs_table_done(&w.before);
		w.before = w.have;
		w.have = (struct ipvs_table){ 0 };
	}
}

/* A client of UDP that keeps sending would keep it for ever. */
static void
a_destination_of_udp_that_the_store_lacks_goes_at_once(void **state)
{
	struct ipvs_key key;

	(void)state;
	w.targets[0].protocol = PROTOCOL_UDP;
	rows_set();
	assert_true(ipvs_key_parse("udp 192.0.2.1:80", &key));
	assert_true(ipvs_owned_add(&w.owned, &key));
	have(10, 5);
	have_dest("10.0.0.9", 4)->inactive = 1;
	answer(0);
	assert_true(w.services[0].differs);
	assert_string_equal(wanted(NULL, 0), "a 10 b 5");
	/* With a mark the key has no protocol. */
	w.targets[0].address = w.targets[0].port = "";
	w.targets[0].params = "{\"fwmark\":7}";
	rows_set();
	assert_true(ipvs_key_parse("fwmark 7 ipv4", &key));
	assert_true(ipvs_owned_add(&w.owned, &key));
	have_service();
	have_dest("10.0.0.9", 4)->inactive = 1;
	w.have.entries[0].dests[0].port = 0;
	answer(0);
	assert_true(w.services[0].differs);
	assert_string_equal(wanted(NULL, 0), "");
}

/* -- the wanted table ------------------------------------------------------------------------ */

static void
commands_make_the_wanted_table(void **state)
{
	static const struct {
		enum plane_command_kind	kind;
		uint32_t		value;
	} commands[] = {
		{ PLANE_COMMAND_STATE, PLANE_DRAIN }, { PLANE_COMMAND_STATE, PLANE_OUT },
		{ PLANE_COMMAND_STATE, PLANE_READY }, { PLANE_COMMAND_WEIGHT, 7 },
		{ PLANE_COMMAND_WEIGHT, 0 }, { PLANE_COMMAND_SERVICE, 0 },
	};
	static const char *const after[] = { "a 0 b 5", "b 5", "a 10 b 5", "a 7 b 5", "a 0 b 5",
	    "a 10 b 5" };
	struct plane_command command = { 0 };

	(void)state;
	for (size_t i = 0; i < ROWS(commands); i++) {
		have(10, 5);
		answer(0);
		command.kind = commands[i].kind;
		command.value = commands[i].value;
		assert_string_equal(wanted(&command, 1), after[i]);
	}
	/* A destination that drains keeps weight 0 whatever its weight is. */
	have(0, 5);
	w.rows.reals[0].commanded = true;
	w.rows.reals[0].state = PLANE_DRAIN;
	answer(0);
	command = (struct plane_command){ .kind = PLANE_COMMAND_WEIGHT, .value = 7 };
	assert_string_equal(wanted(&command, 1), "a 0 b 5");
}

/* -- statistics ------------------------------------------------------------------------------ */

static void
numbers_set(struct ipvs_dest *dest)
{
	dest->active = 1;
	dest->inactive = 2;
	dest->persistent = 3;
	for (uint64_t i = 0; i < IPVS_STATS; i++)
		dest->number[i] = 100 + i;
}

static const struct {
	enum stat_number	number;
	uint64_t		value;
	bool			traffic, out, total;
} numbers[] = {
	{ STAT_ACTIVE_CONNECTIONS, 1, false, false, false },
	{ STAT_INACTIVE_CONNECTIONS, 2, false, false, false },
	{ STAT_PERSISTENT_CONNECTIONS, 3, false, false, false },
	{ STAT_TOTAL_CONNECTIONS, 100, true, false, true },
	{ STAT_TOTAL_PACKETS_IN, 101, true, false, true },
	{ STAT_TOTAL_PACKETS_OUT, 102, true, true, true },
	{ STAT_TOTAL_OCTETS_IN, 103, true, false, true },
	{ STAT_TOTAL_OCTETS_OUT, 104, true, true, true },
	{ STAT_CONNECTIONS_PER_SECOND, 105, true, false, false },
	{ STAT_PPS_IN, 106, true, false, false },
	{ STAT_PPS_OUT, 107, true, true, false },
	{ STAT_BPS_IN, 8 * 108, true, false, false },
	{ STAT_BPS_OUT, 8 * 109, true, true, false },
};

/* The numbers that are present: all, or those for which the arguments are true. */
static void
assert_numbers(bool traffic, bool out)
{
	uint32_t present = 0;

	for (size_t i = 0; i < ROWS(numbers); i++) {
		if ((numbers[i].traffic && !traffic) || (numbers[i].out && !out))
			continue;
		present |= 1u << numbers[i].number;
		assert_int_equal(w.servers[0].counts.number[numbers[i].number], numbers[i].value);
	}
	assert_int_equal(w.servers[0].counts.present, present);
}

static void
service_has_numbers_of_its_own(void **state)
{
	const struct plane_service_counts *counted = &w.counted[0];
	uint32_t present = 0;

	(void)state;
	have(10, 5);
	for (uint64_t i = 0; i < IPVS_STATS; i++)
		w.have.entries[0].service.number[i] = 100 + i;
	w.have.entries[0].dests[0].upper = 30;
	answer(0);
	assert_true(counted->exists);
	assert_string_equal(counted->algorithm, w.have.entries[0].service.scheduler);
	for (size_t i = 0; i < ROWS(numbers); i++) {
		if (!numbers[i].total)
			continue;
		present |= 1u << numbers[i].number;
		assert_int_equal(counted->counts.number[numbers[i].number], numbers[i].value);
	}
	assert_int_equal(counted->counts.present, present);
	assert_int_equal(w.servers[0].counts.number[STAT_CONNECTION_LIMIT], 30);
	assert_false(w.servers[1].counts.present & 1u << STAT_CONNECTION_LIMIT);
	/* The service was deleted and made again: its totals begin at zero. */
	w.view.first = false;
	w.view.now_s = 7000;
	w.have.entries[0].service.number[0] = 1;
	answer(0);
	assert_int_equal(counted->counts.counters_since, 7000);
	assert_int_equal(counted->counts.number[STAT_TOTAL_CONNECTIONS], 1);
	/* The rows are made again, and the service does not exist. */
	w.targets[1].id = 13;
	rows_set();
	ipvs_table_done(&w.have);
	answer(0);
	assert_true(counted->exists);
	assert_string_equal(counted->algorithm, "");
	assert_int_equal(counted->counts.counters_since, 7000);
	assert_int_equal(counted->counts.number[STAT_TOTAL_CONNECTIONS], 1);
	w.view.counts = false;	/* sysctl run_estimation = 0 */
	answer(0);
	assert_int_equal(counted->counts.present, 0);
}

static void
each_number_has_its_source(void **state)
{
	(void)state;
	have(10, 5);
	numbers_set(&w.have.entries[0].dests[0]);
	answer(0);
	assert_numbers(true, true);
	w.view.counts = false;	/* sysctl run_estimation = 0 */
	answer(0);
	assert_numbers(false, true);
}

/* The answers of dr do not pass the director. */
static void
dr_has_no_numbers_of_answers(void **state)
{
	(void)state;
	w.targets[1].params = "{\"forward\":\"dr\"}";
	rows_set();
	have(10, 5);
	numbers_set(&w.have.entries[0].dests[0]);
	answer(0);
	assert_numbers(true, false);
}

/* Without a destination there is no connection and no rate, and the totals stay. */
static void
totals_stay_while_the_destination_is_away(void **state)
{
	(void)state;
	have(ABSENT, 5);
	answer(0);
	assert_int_equal(w.servers[0].counts.present & 1u << STAT_TOTAL_CONNECTIONS, 0);
	have(10, 5);
	numbers_set(&w.have.entries[0].dests[0]);
	answer(0);
	have(ABSENT, 5);
	answer(0);
	for (size_t i = 0; i < ROWS(numbers); i++) {
		assert_true(w.servers[0].counts.present & 1u << numbers[i].number);
		assert_int_equal(w.servers[0].counts.number[numbers[i].number],
		    numbers[i].total ? numbers[i].value : 0);
	}
}

static void
counters_since_is_when_the_totals_began(void **state)
{
	static const struct {
		bool	 first;
		int64_t	 now_s;
		int	 connections;	/* ABSENT: no destination */
		int64_t	 since;
	} table[] = {
		/* It is from before the driver started. */
		{ true, 5000, 7, BOOT_S },
		{ false, 5010, 9, BOOT_S },
		{ false, 5020, ABSENT, BOOT_S },
		/* It was added again with its numbers. */
		{ false, 5030, 9, BOOT_S },
		{ false, 5040, ABSENT, BOOT_S },
		/* Its numbers began again. */
		{ false, 5050, 0, 5050 },
		{ false, 5060, 3, 5050 },
		/* It was deleted and added between two polls. */
		{ false, 5070, 2, 5070 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(table); i++) {
		w.view.first = table[i].first;
		w.view.now_s = table[i].now_s;
		have(table[i].connections == ABSENT ? ABSENT : 10, 5);
		if (table[i].connections != ABSENT)
			w.have.entries[0].dests[0].number[0] = (uint64_t)table[i].connections;
		answer(0);
		assert_int_equal(w.servers[0].counts.counters_since, table[i].since);
	}
	/* A destination that the driver made itself. */
	w.targets[1].id = 13;
	rows_set();
	w.view.now_s = 6000;
	answer(0);
	assert_int_equal(w.servers[0].counts.counters_since, 6000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(states_follow_the_table_of_the_header),
		TEST(a_weight_of_another_program_is_no_drain),
		TEST(rows_keep_the_command_of_their_id_and_endpoint),
		TEST(with_manage_settings_another_program_decides),
		TEST(with_manage_settings_only_weights_change),
		TEST(a_foreign_service_is_reported_and_wanted_as_it_is),
		TEST(a_service_differs_with_a_message),
		TEST(a_disabled_service_goes_with_its_last_destination),
		TEST(a_destination_that_the_store_lacks_drains),
		TEST(a_destination_that_the_store_lacks_goes_after_the_drain_time),
		TEST(a_destination_of_udp_that_the_store_lacks_goes_at_once),
		TEST(commands_make_the_wanted_table),
		TEST(service_has_numbers_of_its_own),
		TEST(each_number_has_its_source),
		TEST(dr_has_no_numbers_of_answers),
		TEST(totals_stay_while_the_destination_is_away),
		TEST(counters_since_is_when_the_totals_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
