/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of names and search ranges of a hostile master, through session, codec, engine and store:
 * near each instance, too short, too long, above 31 bits, empty and reversed ranges. Each answer
 * is compared with the reference.
 */
#include "agentx_fake.h"
#include "mib_reference.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct fixture f;
static struct message request, reply;
static unsigned long asked;

/* Replace the functions of agentx_engine.c. */
struct mib *
engine_make(void)
{
	reference_make(&f, false);
	return f.mib;
}

void
engine_end(void)
{
	fixture_free(&f);
}

/* -- names ----------------------------------------------------------------------------------- */

static const uint32_t odd_numbers[] = { 0, 1, 65, 128, 256, 2147483647, 2147483648u,
    4294967295u };

/* Calls 'fn' for 'name' and for variants: cut at each position, with another number in each
 * position, and longer, up to 128 sub-identifiers. */
static void
each_beside(const struct mib_oid *name, void (*fn)(const struct mib_oid *name))
{
	struct mib_oid other = *name;

	fn(name);
	for (uint32_t at = 0; at < name->n; at++) {
		other.n = at;
		fn(&other);
		other.n = name->n;
		for (size_t k = 0; k < COUNT(odd_numbers); k++) {
			other.sub[at] = odd_numbers[k];
			fn(&other);
		}
		other.sub[at] = name->sub[at] - 1;
		fn(&other);
		other.sub[at] = name->sub[at] + 1;
		fn(&other);
		other.sub[at] = name->sub[at];
	}
	for (size_t k = 0; k < COUNT(odd_numbers); k++) {
		other.n = name->n;
		other.sub[other.n++] = odd_numbers[k];
		fn(&other);
		while (other.n < MIB_OID_MAX)
			other.sub[other.n++] = odd_numbers[k];
		fn(&other);
	}
}

/* Uses the first and the last row of each column of each table. */
static void
each_odd_name(void (*fn)(const struct mib_oid *name))
{
	for (size_t c = 0; c < columns_count; c++) {
		size_t first = reference_position(&columns[c], true), last = first;

		while (last < entries_count && oid_starts(&entries[last].name, &columns[c]))
			last++;
		each_beside(&columns[c], fn);
		if (last > first)
			each_beside(&entries[first].name, fn);
		if (last > first + 1)
			each_beside(&entries[last - 1].name, fn);
	}
}

/* Puts the OID with the prefix of section 5.1 or without, alternately. */
static void
put_either(const struct mib_oid *name, bool include)
{
	if (asked % 2 == 0)
		put_name(&request, name, include);
	else
		put_subs(&request, 0, include, name->n, name->sub);
}

/* -- many in one request ------------------------------------------------------------- */

enum { TOGETHER = 16 };

static struct range {
	struct mib_oid	start, end;
	bool		inclusive;
} ranges[TOGETHER];
static size_t n_ranges;

/* Compares names. The codec turns an OID without sub-identifiers into 0.0. */
static void
name_check(const struct mib_oid *name, const struct mib_oid *expected)
{
	static const struct mib_oid zero = { .n = 2 };
	char text[2][OID_TEXT_SIZE];

	if (expected->n == 0)
		expected = &zero;
	if (oid_order(name, expected) != 0)
		fail_msg("%s, not %s", oid_text(name, text[0]), oid_text(expected, text[1]));
}

static void
ranges_ask(uint8_t type)
{
	static struct mib_varbind got, expected;

	request_begin(&request, type, 0);
	for (size_t i = 0; i < n_ranges; i++) {
		put_either(&ranges[i].start, ranges[i].inclusive);
		put_either(&ranges[i].end, false);
		asked++;
	}
	ask(&request, &reply, 0, 0);
	for (size_t i = 0; i < n_ranges; i++) {
		const struct range *range = &ranges[i];

		take_varbind(&reply, &got);
		expected.name = range->start;
		if (type == GET)
			reference_get(&range->start, &expected.value);
		else
			reference_next(&range->start, range->inclusive, &range->end, &expected);
		name_check(&got.name, &expected.name);
		reference_check(&range->start, &got.value, &expected.value);
		assert_true(got.value.type == MIB_END_OF_VIEW || type == GET ||
		    oid_order(&got.name, &range->start) >= !range->inclusive);
	}
	take_end(&reply);
	n_ranges = 0;
}

static void
range_add(uint8_t type, const struct mib_oid *start, bool inclusive, const struct mib_oid *end)
{
	ranges[n_ranges++] = (struct range){ *start, *end, inclusive };
	if (n_ranges == TOGETHER)
		ranges_ask(type);
}

/* -- Get ----------------------------------------------------------------------------- */

static const struct mib_oid no_end;

static void
get_add(const struct mib_oid *name)
{
	range_add(GET, name, false, &no_end);
}

static void
get_of_any_name_is_answered(void **state)
{
	(void)state;
	each_odd_name(get_add);
	ranges_ask(GET);
}

/* -- GetNext ------------------------------------------------------------------------- */

static void
next_add(const struct mib_oid *name)
{
	range_add(GET_NEXT, name, asked % 3 == 0, &no_end);
}

static void
next_of_any_name_is_answered(void **state)
{
	(void)state;
	each_odd_name(next_add);
	ranges_ask(GET_NEXT);
}

/* All ranges between these names, with and without the first, so also empty, one name and
 * reversed ranges. */
static void
next_in_any_range_is_answered(void **state)
{
	static const char *const names[] = {
		"", "0.0", "0.1", "1", "1.3.6.1", "1.3.6.1.4.1.8072.9999.9999.521", ".", ".0", ".1",
		".1.1", ".1.1.1", ".1.1.1.0", ".1.1.1.0.0", ".1.1.2", ".1.2.1.2", ".1.2.1.2.1",
		".1.4.1.8", ".1.4.1.8.1.1.1", ".1.4.1.8.1.1.2", ".1.4.1.8.1.1.2147483648",
		".1.4.1.8.4294967295.1.1", ".1.4.1.9", ".1.5.1.18.1.1.1", ".1.6.1.1.1.3.119.101.98",
		".1.6.1.1.1.0", ".1.6.1.1.1.129.1", ".1.7.8.1.9.1", ".1.8.3.0", ".1.8.4", ".2",
		".4294967295", "1.3.6.1.4.1.8072.9999.9999.523", "2", "4294967295",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		for (size_t k = 0; k < COUNT(names); k++) {
			struct mib_oid start = oid_make(names[i]), end = oid_make(names[k]);

			/* The codec has one form for 0.0 and for "no end": end_read() of the
			 * responder. */
			if (end.n == 2 && end.sub[0] == 0 && end.sub[1] == 0)
				end.n = 0;
			range_add(GET_NEXT, &start, false, &end);
			range_add(GET_NEXT, &start, true, &end);
		}
	}
	ranges_ask(GET_NEXT);
}

/* -- GetBulk ------------------------------------------------------------------------- */

static void
bulk_begin(unsigned int non_repeaters, unsigned int repetitions)
{
	request_begin(&request, GET_BULK, 0);
	put_16(&request, non_repeaters);
	put_16(&request, repetitions);
	n_ranges = 0;
}

static void
bulk_put(const struct mib_oid *start)
{
	put_either(start, false);
	put_null_oid(&request);
	ranges[n_ranges++] = (struct range){ *start, no_end, false };
}

/* Takes the next varbind of 'range'. False at the end of the view. */
static bool
bulk_take(struct range *range)
{
	static struct mib_varbind got, expected;

	asked++;
	reference_next(&range->start, false, &range->end, &expected);
	take_varbind(&reply, &got);
	name_check(&got.name, &expected.name);
	reference_check(&range->start, &got.value, &expected.value);
	range->start = expected.name;
	return expected.value.type != MIB_END_OF_VIEW;
}

/* An answer may only be shorter than requested at its bounds. */
static void
bulk_check(unsigned int non_repeaters, unsigned int repetitions)
{
	enum { LONG = 400, LONG_OCTETS = 40000 };
	size_t first = non_repeaters < n_ranges ? non_repeaters : n_ranges, n = 0;
	bool more = true;

	ask(&request, &reply, 0, 0);
	while (n < first && reply.at < reply.n)
		bulk_take(&ranges[n++]);
	for (unsigned int i = 0; i < repetitions && more && first < n_ranges; i++) {
		more = false;
		for (size_t k = first; k < n_ranges; k++, n++) {
			if (reply.at == reply.n) {
				assert_true(n >= LONG || reply.n >= LONG_OCTETS);
				return;
			}
			more |= bulk_take(&ranges[k]);
		}
	}
	take_end(&reply);
}

static void
bulk_of_any_size_is_answered(void **state)
{
	static const unsigned int numbers[] = { 0, 1, 2, 3, 60, 65535 };
	static const char *const starts[] = { ".", ".1.1.1", ".1.4.1.8", ".1.5.1.18", ".1.6.1",
	    ".1.7.8.1.16", ".1.8.3.0", ".2", "4294967295", "", ".1.4.1.3.1.1.2147483648" };

	(void)state;
	for (size_t i = 0; i < COUNT(numbers) * COUNT(numbers); i++) {
		for (size_t n = 0; n <= COUNT(starts); n++) {
			unsigned int non_repeaters = numbers[i / COUNT(numbers)];
			unsigned int repetitions = numbers[i % COUNT(numbers)];

			bulk_begin(non_repeaters, repetitions);
			for (size_t k = 0; k < n; k++) {
				struct mib_oid start = oid_make(starts[k]);

				bulk_put(&start);
			}
			bulk_check(non_repeaters, repetitions);
		}
	}
	n_ranges = 0;
}

/* -- TestSet ------------------------------------------------------------------------- */

#define SERVER_ENABLED_COLUMN ".1.9.1.7"

/* Prepares a SET of 'name' to its present value, or to that of the first row of its column, so
 * that only the name can be wrong. Returns the expected status. */
static enum mib_status
test_prepare(const struct mib_oid *name, struct mib_varbind *ret)
{
	static const char *const writable[] = { ".1.1.2", ".1.3.1.29", ".1.4.1.8", ".1.4.1.9",
	    ".1.4.1.10", ".1.8.1", SERVER_ENABLED_COLUMN };
	const struct mib_oid server_enabled = oid_make(SERVER_ENABLED_COLUMN);
	size_t at = reference_position(name, true);

	ret->name = *name;
	ret->value = entries[0].value;
	for (size_t i = 0; i < COUNT(writable); i++) {
		struct mib_oid column = oid_make(writable[i]);

		if (!oid_starts(name, &column))
			continue;
		if (at < entries_count && oid_order(&entries[at].name, name) == 0) {
			ret->value = entries[at].value;
			/* No SET sets mixed(3), which a server may have. */
			return oid_starts(name, &server_enabled) &&
			    ret->value.integer == 3 ? MIB_WRONG_VALUE : MIB_NO_ERROR;
		}
		ret->value = entries[reference_position(&column, true)].value;
		return MIB_NO_CREATION;
	}
	return MIB_NOT_WRITABLE;
}

static void
test_try(const struct mib_oid *name)
{
	static struct mib_varbind varbind;
	enum mib_status expected = test_prepare(name, &varbind);
	static uint32_t number;

	/* Some names of read-only columns are enough. */
	if (++number % 8 != 0 && expected == MIB_NOT_WRITABLE)
		return;
	request_begin(&request, TEST_SET, number);
	put_varbind(&request, &varbind);
	asked++;
	ask(&request, &reply, expected, expected != MIB_NO_ERROR);
	request_begin(&request, CLEANUP_SET, number);
	message_send(&request);
}

static void
set_of_any_name_is_answered(void **state)
{
	(void)state;
	each_odd_name(test_try);
	assert_false(mib_needs_flush(f.mib));
}

/* -- the world ----------------------------------------------------------------------- */

static int
names_begin(void **state)
{
	asked = 0;
	n_ranges = 0;	/* left by a failed test */
	if (world_begin(state) != 0)
		return -1;
	run_until_serving(1000);
	run_ms(10);
	return 0;
}

static int
names_end(void **state)
{
	bool served = agentx_serving(agentx) && master.connects == 1;

	print_message("%lu names\n", asked);
	/* Ends the session before the check, so that a failure does not affect the next test. */
	world_end(state);
	assert_true(served);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, names_begin, names_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(get_of_any_name_is_answered),
		TEST(next_of_any_name_is_answered),
		TEST(next_in_any_range_is_answered),
		TEST(bulk_of_any_size_is_answered),
		TEST(set_of_any_name_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
