/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of GET and GETNEXT against the expected values of mib_world.h. A search in their sorted
 * array gives the reference answer for any OID.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mib_fixture.h"
#include "mib_reference.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct fixture f;
static const struct mib_oid no_end;

/* -- the worlds ----------------------------------------------------------------------- */

static int
full_make(void **state)
{
	(void)state;
	reference_make(&f, false);
	return 0;
}

static int
empty_make(void **state)
{
	(void)state;
	reference_make(&f, true);
	return 0;
}

static int
world_end(void **state)
{
	(void)state;
	fixture_free(&f);
	return 0;
}

/* -- the answer for an OID ----------------------------------------------------------- */

static void
next_check(const struct mib_oid *start, bool inclusive, const struct mib_oid *end)
{
	static struct mib_varbind expected;
	static struct mib_value value;
	char text[3][OID_TEXT_SIZE];
	struct mib_oid name;

	reference_next(start, inclusive, end, &expected);
	mib_next(f.mib, start, inclusive, end, &name, &value);
	if (oid_order(&name, &expected.name) != 0)
		fail_msg("after %s%s: %s, not %s", inclusive ? "or at " : "",
		    oid_text(start, text[0]), oid_text(&name, text[1]),
		    oid_text(&expected.name, text[2]));
	reference_check(start, &value, &expected.value);
}

static void
next_check_both(const struct mib_oid *start)
{
	next_check(start, false, &no_end);
	next_check(start, true, &no_end);
}

static void
get_check(const struct mib_oid *name)
{
	static struct mib_value value, expected;

	reference_get(name, &expected);
	mib_get(f.mib, name, &value);
	reference_check(name, &value, &expected);
}

/* -- GET ----------------------------------------------------------------------------- */

static void
expected_world_is_in_order(void **state)
{
	(void)state;
	assert_true(entries_count >= 24);
	for (size_t i = 1; i < entries_count; i++) {
		char text[OID_TEXT_SIZE];

		if (oid_order(&entries[i - 1].name, &entries[i].name) >= 0)
			fail_msg("%s is not after the one before it",
			    oid_text(&entries[i].name, text));
	}
}

static void
get_of_each_instance_gives_its_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < entries_count; i++)
		get_check(&entries[i].name);
}

static void
get_of_an_unknown_column_is_no_such_object(void **state)
{
	static const char *const names[] = {
		"", "0", "1", "1.3.6.1", "1.3.6.1.4.1.8072.9999.9999", ".",
		"1.3.6.1.4.1.8072.9999.9999.521.1.1.1.0", "1.3.6.1.4.1.8072.9999.9999.523",
		".0", ".1", ".2", ".1.0", ".1.1", ".1.1.0", ".1.1.0.0", ".1.1.18.0", ".1.2",
		".1.2.1", ".1.2.0.2.1", ".1.2.2.2.1", ".1.3.1.45.1.2", ".1.4.1.16.1.2.1",
		".1.5.1.37.1.2.1", ".1.6", ".1.6.1", ".1.6.1.1", ".1.6.5.1.1.1", ".1.6.1.1.2.1.97",
		".1.7", ".1.7.0", ".1.7.8", ".1.7.8.1", ".1.7.8.1.17.1", ".1.7.9.0", ".1.8",
		".1.8.4.0", ".1.9", ".1.9.1", ".1.9.1.8.1.1", ".1.10", ".0.1", ".4294967295",
		".1.4294967295.1", ".1.2.1.4294967295.1", "2", "4294967295.4294967295",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct mib_oid name = oid_make(names[i]);
		struct mib_value value;

		mib_get(f.mib, &name, &value);
		if (value.type != MIB_NO_SUCH_OBJECT)
			fail_msg("'%s': 0x%x", names[i], (unsigned)value.type);
	}
}

static void
get_of_an_index_column_is_no_such_object(void **state)
{
	static const char *const names[] = {
		".1.2.1.1.1", ".1.3.1.1.1.2", ".1.4.1.1.1.2.1", ".1.7.8.1.1.1",
		".1.2.1.1", ".1.7.8.1.1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct mib_oid name = oid_make(names[i]);
		struct mib_value value;

		mib_get(f.mib, &name, &value);
		assert_int_equal(value.type, MIB_NO_SUCH_OBJECT);
	}
}

static void
get_of_a_missing_row_is_no_such_instance(void **state)
{
	static const char *const names[] = {
		".1.1.1", ".1.1.1.1", ".1.1.1.0.0", ".1.1.2.4294967295", ".1.7.7", ".1.7.7.1",
		".1.2.1.2", ".1.2.1.2.0", ".1.2.1.2.2", ".1.2.1.2.1.2", ".1.2.1.2.2147483648",
		".1.2.1.2.4294967295", ".1.3.1.2.1", ".1.3.1.2.1.3", ".1.3.1.2.2.2",
		".1.3.1.2.1.2.0", ".1.4.1.2.1.2", ".1.4.1.2.1.2.2", ".1.4.1.2.1.5.1",
		".1.4.1.2.5.2.1", ".1.4.1.2.1.2.1.0", ".1.4.1.8.4294967295.4294967295.4294967295",
		".1.4.1.8.2147483648.2.1", ".1.5.1.1.1.2.2", ".1.6.1.1.1", ".1.6.1.1.1.0",
		".1.6.1.1.1.1", ".1.6.1.1.1.$zzz", ".1.6.1.1.1.3.119.101.98.0",
		".1.6.1.1.1.3.119.101",
		".1.6.1.1.1.3.119.101.354", ".1.6.1.1.1.65", ".1.6.1.1.1.255", ".1.6.1.1.1.256",
		".1.6.1.1.1.4294967295", ".1.6.2.1.1.1", ".1.6.2.1.1.2.$http", ".1.6.2.1.1.1.0",
		".1.6.2.1.1.1.$ssh", ".1.6.3.1.1.1", ".1.6.3.1.1.1.2", ".1.6.3.1.1.1.2.$x",
		".1.6.3.1.1.1.2.$" N64 "x", ".1.6.3.1.1.1.5.$web-1", ".1.7.8.1.2.0",
		".1.7.8.1.2.11", ".1.7.8.1.2.1.1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct mib_oid name = oid_make(names[i]);
		struct mib_value value;

		mib_get(f.mib, &name, &value);
		if (value.type != MIB_NO_SUCH_INSTANCE)
			fail_msg("'%s': 0x%x", names[i], (unsigned)value.type);
	}
}

static void
get_of_a_value_that_was_not_measured_is_no_such_instance(void **state)
{
	static const char *const names[] = {
		".1.5.1.1.7.4.11", ".1.5.1.3.1.2.3", ".1.5.1.18.1.2.3", ".1.5.1.2.5.6.2",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct mib_oid name = oid_make(names[i]);
		struct mib_value value;

		mib_get(f.mib, &name, &value);
		assert_int_equal(value.type, MIB_NO_SUCH_INSTANCE);
	}
}

/* -- GETNEXT ------------------------------------------------------------------------- */

static void
next_of_each_instance_is_the_one_after_it(void **state)
{
	struct mib_oid at = oid_make(".");
	static struct mib_value value;

	(void)state;
	for (size_t i = 0; i < entries_count; i++) {
		/* The result may overwrite the start. */
		mib_next(f.mib, &at, false, &no_end, &at, &value);
		reference_check(&at, &value, &entries[i].value);
		assert_int_equal(oid_order(&at, &entries[i].name), 0);
	}
	mib_next(f.mib, &at, false, &no_end, &at, &value);
	assert_int_equal(value.type, MIB_END_OF_VIEW);
	assert_int_equal(oid_order(&at, &entries[entries_count - 1].name), 0);
}

static void
next_from_outside_the_root_is_the_first_instance_or_the_end(void **state)
{
	static const char *const names[] = {
		"", "0", "0.0", "1", "1.3", "1.3.6.1.4.1.8072.9999.9999",
		"1.3.6.1.4.1.8072.9999.9999.0", "1.3.6.1.4.1.8072.9999.9999.521",
		"1.3.6.1.4.1.8072.9999.9999.521.4294967295.1", "1.3.6.1.4.1.8072.9999.9998.9999",
		"1.2.4294967295", ".", ".0", ".0.4294967295", ".1", ".1.0", ".1.1.0",
		"1.3.6.1.4.1.8072.9999.9999.523", "1.3.6.1.4.1.8072.9999.9999.523.1.1.1.0",
		"1.3.6.1.4.1.8072.9999.9999.4294967295", "1.3.6.1.4.1.8072.9999.10000", "1.4",
		"2", "4294967295", ".1.9.1.8", ".1.9.2", ".1.10", ".2", ".2.1.1", ".4294967295",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct mib_oid name = oid_make(names[i]);

		assert_true(reference_position(&name, true) == 0 ||
		    reference_position(&name, true) == entries_count);
		next_check_both(&name);
	}
}

static const uint32_t odd_numbers[] = {
	0, 1, 64, 65, 66, 254, 255, 256, 2147483646, 2147483647, 2147483648u, 4294967294u,
	4294967295u,
};

/* Each entry with another number in each position, cut at each position, and longer. */
static void
next_from_near_each_instance_agrees_with_the_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < entries_count; i++) {
		const struct mib_oid *name = &entries[i].name;
		struct mib_oid other;

		/* The values of one column are enough for the longest names. */
		for (uint32_t at = 0; at < name->n; at++) {
			other = *name;
			other.sub[at]++;
			next_check_both(&other);
			other.sub[at] -= 2;
			next_check_both(&other);
			for (size_t k = 0; k < COUNT(odd_numbers); k++) {
				other.sub[at] = odd_numbers[k];
				next_check_both(&other);
			}
			/* The entry cut short, and with another number behind. */
			other = *name;
			other.n = at;
			next_check_both(&other);
			other.n = at + 1;
			other.sub[at] = 4294967295u;
			next_check_both(&other);
		}
		for (size_t k = 0; k < COUNT(odd_numbers); k++) {
			other = *name;
			other.sub[other.n++] = odd_numbers[k];
			next_check_both(&other);
			other.sub[other.n++] = odd_numbers[k];
			next_check_both(&other);
		}
	}
}

static void
next_and_get_of_128_sub_identifiers_agree_with_the_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < entries_count; i++) {
		for (size_t k = 0; k < COUNT(odd_numbers); k++) {
			struct mib_oid other = entries[i].name;

			while (other.n < MIB_OID_MAX)
				other.sub[other.n++] = odd_numbers[k];
			next_check_both(&other);
			get_check(&other);
		}
	}
	for (size_t k = 0; k < COUNT(odd_numbers); k++) {
		for (size_t c = 0; c < columns_count; c++) {
			struct mib_oid other = columns[c];

			while (other.n < MIB_OID_MAX)
				other.sub[other.n++] = odd_numbers[k];
			next_check_both(&other);
			get_check(&other);
		}
	}
}

static void
next_before_an_end_stops_there(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < entries_count; i++) {
		struct mib_oid end = entries[i + 1].name;

		next_check(&entries[i].name, false, &end);	/* exclusive */
		next_check(&entries[i].name, true, &end);
		next_check(&entries[i].name, true, &entries[i].name);
		next_check(&entries[i].name, false, &entries[i].name);
		end.sub[end.n++] = 0;
		next_check(&entries[i].name, false, &end);
		end.n -= 2;
		next_check(&entries[i].name, false, &end);
		end = oid_make(".2");
		next_check(&entries[i].name, false, &end);
		end = oid_make("1.3");
		next_check(&entries[i].name, false, &end);
	}
}

/* Makes an OID from an entry, changed in up to four positions. */
static struct mib_oid
oid_random(void)
{
	struct mib_oid oid = fixture_random(8) == 0 ?
	    columns[fixture_random((uint32_t)columns_count)] :
	    entries[fixture_random((uint32_t)entries_count)].name;

	for (uint32_t left = fixture_random(5); left > 0; left--) {
		/* Changes the part behind the root more often. */
		uint32_t at = oid.n <= 11 || fixture_random(20) == 0 ? fixture_random(oid.n + 1) :
		    11 + fixture_random(oid.n - 10);

		switch (fixture_random(6)) {
		case 0:
			oid.n = at;
			break;
		case 1:
			for (uint32_t n = fixture_random(4); n > 0 && oid.n < MIB_OID_MAX; n--)
				oid.sub[oid.n++] = fixture_random(130);
			break;
		case 2:
			if (at < oid.n)
				oid.sub[at] += fixture_random(3) - 1;
			break;
		case 3:
			if (at < oid.n)
				oid.sub[at] = odd_numbers[fixture_random(COUNT(odd_numbers))];
			break;
		case 4:
			if (at < oid.n)
				oid.sub[at] = fixture_random(30);
			break;
		case 5:
			if (at < oid.n)
				oid.sub[at] = fixture_random(UINT32_MAX);
			break;
		}
	}
	return oid;
}

static void
random_oids_agree_with_the_reference(void **state)
{
	enum { TIMES = 300000 };

	(void)state;
	for (int i = 0; i < TIMES; i++) {
		struct mib_oid start = oid_random(), end = { 0 };

		if (fixture_random(4) == 0)
			end = oid_random();
		next_check(&start, fixture_random(2) == 0, &end);
		if (i % 4 == 0)
			get_check(&start);
	}
}

/* -- other worlds -------------------------------------------------------------------- */

static void
stale_by_time_alone_shows_after_a_tick(void **state)
{
	struct mib_oid stale = oid_make(".1.1.11.0"), status = oid_make(".1.3.1.9.5.8"),
	    change = oid_make(".1.3.1.10.5.8"), age = oid_make(".1.5.1.13.5.8.30");
	struct mib_value value, expected;

	(void)state;
	fixture_now = START_S + 301;
	cache_tick(f.cache, fixture_now);
	mib_get(f.mib, &status, &value);
	assert_int_equal(value.integer, STATUS_UNKNOWN);
	mib_get(f.mib, &age, &value);
	assert_int_equal(value.number, 301);
	mib_get(f.mib, &stale, &value);
	/* All enabled rows without 4, 20 and the last but one. */
	assert_int_equal(value.number, 7);
	mib_get(f.mib, &change, &value);
	world_value(&expected, 't', "2023-11-14T22:18:21");
	reference_check(&change, &value, &expected);
}

/* Compares the names that two engines serve from 'start' on. */
static void
engines_compare(struct mib *a, struct mib *b, const struct mib_oid *start, bool inclusive)
{
	static struct mib_value value_a, value_b;
	struct mib_oid name_a, name_b;
	char text[3][OID_TEXT_SIZE];

	mib_next(a, start, inclusive, &no_end, &name_a, &value_a);
	mib_next(b, start, inclusive, &no_end, &name_b, &value_b);
	if (oid_order(&name_a, &name_b) != 0 || value_a.type != value_b.type)
		fail_msg("after %s: %s, a fresh engine says %s", oid_text(start, text[0]),
		    oid_text(&name_a, text[1]), oid_text(&name_b, text[2]));
}

static void
rows_change_at_random(void)
{
	uint32_t id = 1 + fixture_random(60);
	char name[5] = "", sql[100];

	for (uint32_t i = 0, n = 1 + fixture_random(3); i < n; i++)
		name[i] = (char)('a' + fixture_random(3));
	switch (fixture_random(10)) {
	case 0:
		fixture_sql(f.main, "INSERT OR IGNORE INTO cluster (name) VALUES ('%s')", name);
		break;
	case 1:
	case 2:
		fixture_sql(f.main, "INSERT OR IGNORE INTO service (cluster_id, name)"
		    " SELECT id, '%s' FROM cluster ORDER BY abs(id - %u) LIMIT 1", name, id);
		break;
	case 3:
	case 4:
		/* With this id the row may come between others. A new row has no statistics,
		 * because SQLite gives no id twice. */
		fixture_sql(f.stats, "DELETE FROM statistics WHERE real_id = %u", id);
		fixture_sql(f.main, "INSERT OR IGNORE INTO real_service (id, service_id, name)"
		    " SELECT %u, id, '%s' FROM service ORDER BY abs(id - %u) LIMIT 1", id, name,
		    id);
		break;
	case 5:
		fixture_sql(f.main, "INSERT OR IGNORE INTO real_service (service_id, name)"
		    " SELECT id, '%s' FROM service ORDER BY abs(id - %u) LIMIT 1", name, id);
		break;
	case 6:
		fixture_sql(f.main, "DELETE FROM real_service WHERE id %% 7 = %u", id % 7);
		break;
	case 7:
		fixture_sql(f.main, id % 3 == 0 ? "DELETE FROM cluster WHERE id %% 9 = %u" :
		    "DELETE FROM service WHERE id %% 9 = %u", id % 9);
		break;
	case 8:
		fixture_sql(f.main, "UPDATE OR IGNORE real_service SET name = '%s' WHERE id = %u",
		    name, id);
		fixture_sql(f.main, "UPDATE OR IGNORE service SET name = '%s' WHERE id = %u", name,
		    id);
		fixture_sql(f.main, "UPDATE OR IGNORE cluster SET name = '%s' WHERE id = %u", name,
		    id);
		break;
	case 9:
		if (id % 2 == 0) {
			fixture_sql(f.stats, "DELETE FROM statistics WHERE real_id %% 5 = %u",
			    id % 5);
			break;
		}
		snprintf(sql, sizeof(sql), "SELECT json_group_array(id) FROM real_service"
		    " WHERE id %% 5 = %u", id % 5);
		fixture_sql(f.stats, "INSERT OR REPLACE INTO statistics (real_id, active, bps_in)"
		    " SELECT value, 1, nullif(value %% 3, 0) FROM json_each('%s')",
		    fixture_text(f.main, sql));
		break;
	}
}

/* The saved cursors of the engine are dropped in time. */
static void
walk_over_rows_that_come_and_go_agrees_with_a_fresh_engine(void **state)
{
	static const struct mib_config config = { .stale_after_s = 300, .version = "0.0 test" };
	enum { TIMES = 300, STEPS = 40 };
	struct mib_oid at[4];

	(void)state;
	for (size_t i = 0; i < COUNT(at); i++)
		at[i] = oid_make(".1.4.1");
	for (int time = 0; time < TIMES; time++) {
		struct cache *cache = cache_new();
		bool more = true;
		struct mib *mib;

		for (uint32_t n = 1 + fixture_random(3); n > 0; n--)
			rows_change_at_random();
		fixture_refresh(&f);
		while (more)
			assert_int_equal(cache_refresh(cache, f.store, 1000, fixture_now, &more,
			    NULL), ERR_OK);
		mib = mib_new(cache, f.store, &config);
		for (int step = 0; step < STEPS; step++) {
			struct mib_oid *from = &at[fixture_random(COUNT(at))];
			struct mib_value value;

			engines_compare(f.mib, mib, from, fixture_random(2) == 0);
			mib_next(f.mib, from, false, &no_end, from, &value);
			if (value.type == MIB_END_OF_VIEW || fixture_random(20) == 0)
				*from = columns[fixture_random((uint32_t)columns_count)];
		}
		mib_free(mib);
		cache_free(cache);
	}
}

/* Names that change in one transaction are read in slices. */
static void
names_shared_for_a_moment_do_not_stop_a_walk(void **state)
{
	struct mib_oid at = oid_make(".1.6.1"), next;
	struct mib_value value;
	bool more = true;

	(void)state;
	fixture_sql(f.main, "DELETE FROM cluster; INSERT INTO cluster (name) VALUES ('a'), ('b')");
	fixture_refresh(&f);
	fixture_sql(f.main, "BEGIN; UPDATE cluster SET name = 'c' WHERE name = 'a';"
	    "UPDATE cluster SET name = 'a' WHERE name = 'b';"
	    "UPDATE cluster SET name = 'b' WHERE name = 'c'; COMMIT");
	assert_int_equal(cache_refresh(f.cache, f.store, 1, fixture_now, &more, NULL), ERR_OK);
	assert_true(more);
	for (int step = 0; step < 3; step++) {
		mib_next(f.mib, &at, false, &no_end, &next, &value);
		assert_true(oid_order(&next, &at) > 0);
		at = next;
	}
	fixture_refresh(&f);
}

/* Also if another program wrote a counter that lbclusterd does not write. */
static void
counter_since_start_wraps(void **state)
{
	static const struct mib_config config = { .stale_after_s = 300, .version = "0.0" };
	const struct mib_oid changes = oid_make(".1.1.3.0");
	struct mib_value value;
	struct mib *mib;

	(void)state;
	fixture_sql(f.main, "UPDATE store SET config_changes = 3");
	fixture_refresh(&f);
	mib = mib_new(f.cache, f.store, &config);
	assert_non_null(mib);
	fixture_sql(f.main, "UPDATE store SET config_changes = -9223372036854775807 - 1");
	fixture_refresh(&f);
	mib_get(mib, &changes, &value);
	assert_int_equal(value.type, MIB_COUNTER32);
	assert_int_equal(value.number, UINT32_MAX - 2);
	mib_free(mib);
}

int
main(void)
{
#define ANY_WORLD                                                              \
	cmocka_unit_test(expected_world_is_in_order),                          \
	cmocka_unit_test(get_of_each_instance_gives_its_value),                \
	cmocka_unit_test(get_of_an_unknown_column_is_no_such_object),          \
	cmocka_unit_test(get_of_an_index_column_is_no_such_object), \
	cmocka_unit_test(get_of_a_missing_row_is_no_such_instance),            \
	cmocka_unit_test(next_of_each_instance_is_the_one_after_it),           \
	cmocka_unit_test(next_from_outside_the_root_is_the_first_instance_or_the_end),     \
	cmocka_unit_test(next_from_near_each_instance_agrees_with_the_reference), \
	cmocka_unit_test(next_and_get_of_128_sub_identifiers_agree_with_the_reference), \
	cmocka_unit_test(next_before_an_end_stops_there),                      \
	cmocka_unit_test(random_oids_agree_with_the_reference)
	const struct CMUnitTest full_store[] = {
		ANY_WORLD,
		cmocka_unit_test(get_of_a_value_that_was_not_measured_is_no_such_instance),
		cmocka_unit_test(stale_by_time_alone_shows_after_a_tick),
	};
	const struct CMUnitTest empty_store[] = {
		ANY_WORLD,
		cmocka_unit_test(names_shared_for_a_moment_do_not_stop_a_walk),
		cmocka_unit_test(counter_since_start_wraps),
		cmocka_unit_test(walk_over_rows_that_come_and_go_agrees_with_a_fresh_engine),
	};
	int failed;

	failed = cmocka_run_group_tests(full_store, full_make, world_end);
	failed += cmocka_run_group_tests(empty_store, empty_make, world_end);
	return failed;
}
