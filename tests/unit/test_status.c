/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/model/status.c: each result, and bounds of time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "model/status.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- data planes ------------------------------------------------------------- */

static void
plane_is_unattended_after_three_intervals(void **state)
{
#define HAS_NOT "lbcluster-haproxy has not polled HAProxy "
	static const struct {
		const char		*plane;
		enum plane_status	 recorded, shown;
		int64_t			 time, now;
		uint32_t		 interval_ms;
		const char		*message;
	} cases[] = {
		{ "none", PLANE_STATUS_NONE, PLANE_STATUS_NONE, 0, 1000, 0, "recorded" },
		{ "none", PLANE_STATUS_NONE, PLANE_STATUS_NONE, 1, 1000, 5000, "recorded" },
		{ "haproxy", PLANE_STATUS_OK, PLANE_STATUS_OK, 985, 1000, 5000, "recorded" },
		{ "haproxy", PLANE_STATUS_UNREACHABLE, PLANE_STATUS_UNREACHABLE, 985, 1000, 5000,
		  "recorded" },
		{ "haproxy", PLANE_STATUS_FAILING, PLANE_STATUS_FAILING, 1000, 1000, 1,
		  "recorded" },
		{ "haproxy", PLANE_STATUS_OK, PLANE_STATUS_UNATTENDED, 984, 1000, 5000,
		  HAS_NOT "since 1970-01-01T00:16:24Z; start it" },
		{ "haproxy", PLANE_STATUS_UNREACHABLE, PLANE_STATUS_UNATTENDED, 984, 1000, 5000,
		  HAS_NOT "since 1970-01-01T00:16:24Z; start it" },
		/* At least five seconds, because a busy machine delays a driver. */
		{ "haproxy", PLANE_STATUS_OK, PLANE_STATUS_OK, 995, 1000, 100, "recorded" },
		{ "haproxy", PLANE_STATUS_OK, PLANE_STATUS_UNATTENDED, 994, 1000, 100,
		  HAS_NOT "since 1970-01-01T00:16:34Z; start it" },
		{ "haproxy", PLANE_STATUS_OK, PLANE_STATUS_UNATTENDED, 0, 1000, 5000,
		  HAS_NOT "yet; start it" },
		{ "haproxy", PLANE_STATUS_NONE, PLANE_STATUS_UNATTENDED, 1000, 1000, 5000,
		  HAS_NOT "yet; start it" },
		{ "haproxy", PLANE_STATUS_OK, PLANE_STATUS_UNATTENDED, -1, 1000, 0,
		  "lbcluster-stats.db cannot be read; it is unknown whether lbcluster-haproxy"
		  " runs" },
		{ "ipvs", PLANE_STATUS_NONE, PLANE_STATUS_UNATTENDED, 0, 1000, 0,
		  "lbcluster-ipvs has not polled IPVS yet; start it" },
		/* Plane none with checks: its driver is lbcluster-checks. */
		{ "checked", PLANE_STATUS_NONE, PLANE_STATUS_UNATTENDED, 0, 1000, 0,
		  "lbcluster-checks has not polled the real services yet; start it" },
		{ "checked", PLANE_STATUS_OK, PLANE_STATUS_OK, 985, 1000, 5000, "recorded" },
		{ "checked", PLANE_STATUS_OK, PLANE_STATUS_UNATTENDED, 984, 1000, 5000,
		  "lbcluster-checks has not polled the real services since 1970-01-01T00:16:24Z;"
		  " start it" },
		{ "other", PLANE_STATUS_NONE, PLANE_STATUS_UNATTENDED, 0, 1000, 0,
		  "this release has no driver for plane other" },
		/* The clock was set back, by less and by more than the time for which a poll is
		 * valid. */
		{ "haproxy", PLANE_STATUS_OK, PLANE_STATUS_OK, 1015, 1000, 5000, "recorded" },
		{ "haproxy", PLANE_STATUS_OK, PLANE_STATUS_UNATTENDED, 1016, 1000, 5000,
		  HAS_NOT "since 1970-01-01T00:16:56Z"
		  " (the clock was set back since then); start it" },
		{ "haproxy", PLANE_STATUS_OK, PLANE_STATUS_UNATTENDED, INT64_MAX, INT64_MIN,
		  UINT32_MAX, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct driver_poll poll = { .time = cases[i].time,
			.interval_ms = cases[i].interval_ms };
		bool checked = strcmp(cases[i].plane, "checked") == 0;
		struct plane_view view;

		status_plane(checked ? "none" : cases[i].plane, checked, cases[i].recorded,
		    "recorded", cases[i].time == -1 ? NULL : &poll, cases[i].now, &view);
		assert_int_equal(view.status, cases[i].shown);
		assert_int_equal(status_plane_status(checked ? "none" : cases[i].plane, checked,
		    cases[i].recorded, cases[i].time == -1 ? NULL : &poll, cases[i].now),
		    cases[i].shown);
		assert_int_equal(view.has_driver, strcmp(cases[i].plane, "none") != 0);
		if (cases[i].message != NULL)
			assert_string_equal(view.message, cases[i].message);
	}
}

/* -- age and freshness ------------------------------------------------------- */

static void
freshness_follows_age(void **state)
{
	static const struct {
		int64_t		last_update, now;
		uint32_t	stale_after_s;
		enum freshness	freshness;
		uint32_t	age;
	} cases[] = {
		{ 0, 1000, 60, FRESHNESS_NEVER, UINT32_MAX },
		{ 0, 0, 60, FRESHNESS_NEVER, UINT32_MAX },
		{ 1000, 1000, 60, FRESHNESS_FRESH, 0 },
		{ 940, 1000, 60, FRESHNESS_FRESH, 60 },
		{ 939, 1000, 60, FRESHNESS_STALE, 61 },
		{ 1, 86402, 86400, FRESHNESS_STALE, 86401 },
		{ 1, 86401, 86400, FRESHNESS_FRESH, 86400 },
		/* A time in the future. */
		{ 5000, 1000, 60, FRESHNESS_FRESH, 0 },
		{ INT64_MAX, 1000, 60, FRESHNESS_FRESH, 0 },
		/* No age has the value for never. */
		{ 1, INT64_C(4294967295), 60, FRESHNESS_STALE, 4294967294 },
		{ 1, INT64_C(4294967296), 60, FRESHNESS_STALE, 4294967294 },
		{ 1, INT64_C(4294967297), 60, FRESHNESS_STALE, 4294967294 },
		{ 1, INT64_C(4294967300), UINT32_MAX, FRESHNESS_STALE, 4294967294 },
		/* Times that only a damaged file has. */
		{ -1, 1000, 60, FRESHNESS_STALE, 1001 },
		{ INT64_MIN, 1000, 60, FRESHNESS_STALE, 4294967294 },
		{ INT64_MIN, INT64_MAX, 60, FRESHNESS_STALE, 4294967294 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(status_freshness(cases[i].last_update, cases[i].now,
		    cases[i].stale_after_s), cases[i].freshness);
		assert_int_equal(status_age(cases[i].last_update, cases[i].now), cases[i].age);
	}
}

/* -- a real service ------------------------------------------------------------ */

static void
real_status_is_as_in_the_table(void **state)
{
	static const struct {
		struct status_real	real;
		bool			other_active;
		enum oper_status	status;
	} cases[] = {
#define REAL(e, f, a, fresh, w) { .enabled = e, .fallback = f, .active = a, \
	.freshness = FRESHNESS_##fresh, .weight = w }
		/* disabled comes first */
		{ REAL(false, false, true, FRESH, 1), true, OPER_DISABLED },
		{ REAL(false, true, true, STALE, 0), true, OPER_DISABLED },
		{ REAL(false, false, false, NEVER, 1), false, OPER_DISABLED },
		/* then unknown */
		{ REAL(true, false, true, STALE, 1), false, OPER_UNKNOWN },
		{ REAL(true, false, true, NEVER, 1), false, OPER_UNKNOWN },
		{ REAL(true, false, false, STALE, 0), false, OPER_UNKNOWN },
		{ REAL(true, true, true, STALE, 0), true, OPER_UNKNOWN },
		/* then inactive */
		{ REAL(true, false, false, FRESH, 1), false, OPER_INACTIVE },
		{ REAL(true, false, false, FRESH, 0), false, OPER_INACTIVE },
		{ REAL(true, true, false, FRESH, 1), true, OPER_INACTIVE },
		/* then draining */
		{ REAL(true, false, true, FRESH, 0), false, OPER_DRAINING },
		{ REAL(true, true, true, FRESH, 0), true, OPER_DRAINING },
		/* then standby */
		{ REAL(true, true, true, FRESH, 1), true, OPER_STANDBY },
		/* otherwise in use */
		{ REAL(true, true, true, FRESH, 1), false, OPER_IN_USE },
		{ REAL(true, false, true, FRESH, 1), true, OPER_IN_USE },
		{ REAL(true, false, true, FRESH, 65535), false, OPER_IN_USE },
#undef REAL
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct status_tally tally = { .plain_active = cases[i].other_active };
		struct status_real backup = cases[i].real;

		assert_int_equal(status_real(&cases[i].real, &tally), cases[i].status);
		/* A backup of the data plane counts as fallback. */
		if (!backup.fallback)
			continue;
		backup.fallback = false;
		backup.role = ROLE_BACKUP;
		assert_int_equal(status_real(&backup, &tally), cases[i].status);
	}
}

/* -- a service --------------------------------------------------------------- */

/* A real service by a letter: a active, i inactive, s stale statistics with active, n no
 * statistics, d disabled and active by fresh statistics, b active backup of the data plane, c
 * inactive backup, e spare server, z active with weight 0, y active backup with weight 0. Capital
 * letters: the fallback. */
static struct status_real
real_of(char letter)
{
	struct status_real real = { .enabled = true, .weight = 1, .active = true };

	real.fallback = letter >= 'A' && letter <= 'Z';
	real.freshness = FRESHNESS_FRESH;
	switch (letter | 0x20) {
	case 'i':
		real.active = false;
		break;
	case 'b':
		real.role = ROLE_BACKUP;
		break;
	case 'y':
		real.role = ROLE_BACKUP;
		real.weight = 0;
		break;
	case 'z':
		real.weight = 0;
		break;
	case 'c':
		real.role = ROLE_BACKUP;
		real.active = false;
		break;
	case 'e':
		real.role = ROLE_SPARE;
		real.active = false;
		break;
	case 's':
		real.freshness = FRESHNESS_STALE;
		break;
	case 'n':
		real.freshness = FRESHNESS_NEVER;
		break;
	case 'd':
		real.enabled = false;
		break;
	default:
		assert_int_equal(letter | 0x20, 'a');
	}
	return real;
}

static struct status_tally
tally_of(const char *letters)
{
	struct status_tally tally = { 0 };

	for (; *letters != '\0'; letters++) {
		struct status_real real = real_of(*letters);

		status_tally_add(&tally, &real);
	}
	return tally;
}

static void
service_status_follows_its_reals(void **state)
{
	static const struct {
		const char	*reals;
		enum lb_status	 status;
		bool		 on_fallback;
	} cases[] = {
		/* disabled if no real service is enabled */
		{ "", STATUS_DISABLED, false },
		{ "d", STATUS_DISABLED, false }, { "dddD", STATUS_DISABLED, false },
		/* unknown if no enabled one has fresh statistics */
		{ "n", STATUS_UNKNOWN, false }, { "s", STATUS_UNKNOWN, false },
		{ "S", STATUS_UNKNOWN, false }, { "snN", STATUS_UNKNOWN, false },
		{ "ssd", STATUS_UNKNOWN, false },
		/* up if every enabled one that is not the fallback is active */
		{ "a", STATUS_UP, false }, { "aaa", STATUS_UP, false }, { "aad", STATUS_UP, false },
		{ "aA", STATUS_UP, false }, { "aI", STATUS_UP, false }, { "aS", STATUS_UP, false },
		{ "aaD", STATUS_UP, false },
		/* degraded if some are */
		{ "ai", STATUS_DEGRADED, false }, { "ia", STATUS_DEGRADED, false },
		{ "aiA", STATUS_DEGRADED, false }, { "as", STATUS_DEGRADED, false },
		{ "anI", STATUS_DEGRADED, false },
		/* onFallback if only the fallback is */
		{ "iA", STATUS_ON_FALLBACK, true }, { "iidA", STATUS_ON_FALLBACK, true },
		{ "sA", STATUS_ON_FALLBACK, true }, { "A", STATUS_ON_FALLBACK, true },
		{ "dA", STATUS_ON_FALLBACK, true },
		/* down if none is */
		{ "i", STATUS_DOWN, false }, { "iii", STATUS_DOWN, false },
		{ "iI", STATUS_DOWN, false }, { "I", STATUS_DOWN, false },
		{ "iS", STATUS_DOWN, false }, { "is", STATUS_DOWN, false },
		{ "iD", STATUS_DOWN, false }, { "id", STATUS_DOWN, false },
		{ "sI", STATUS_DOWN, false },
		/* a backup of the data plane counts as fallback */
		{ "ab", STATUS_UP, false }, { "abA", STATUS_UP, false },
		{ "acI", STATUS_UP, false }, { "aib", STATUS_DEGRADED, false },
		{ "ib", STATUS_ON_FALLBACK, true }, { "ibI", STATUS_ON_FALLBACK, true },
		{ "icA", STATUS_ON_FALLBACK, true }, { "ibA", STATUS_ON_FALLBACK, true },
		{ "icI", STATUS_DOWN, false },
		/* a spare server does not count */
		{ "ae", STATUS_UP, false }, { "aeee", STATUS_UP, false },
		{ "aie", STATUS_DEGRADED, false }, { "ieA", STATUS_ON_FALLBACK, true },
		{ "ie", STATUS_DOWN, false }, { "e", STATUS_DOWN, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct status_tally tally = tally_of(cases[i].reals);

		assert_int_equal(status_service(&tally), cases[i].status);
		assert_int_equal(status_on_fallback(&tally), cases[i].on_fallback);
	}
}

static void
weights_of_zero_drain_a_service(void **state)
{
	static const struct {
		const char	*reals;
		enum drained	 drained;
	} cases[] = {
		/* an active member has a weight */
		{ "a", DRAINED_NO }, { "az", DRAINED_NO }, { "azA", DRAINED_NO },
		{ "ab", DRAINED_NO }, { "zaZ", DRAINED_NO },
		/* weights are not the reason: disabled, unknown, down, on the fallback */
		{ "", DRAINED_NO }, { "d", DRAINED_NO }, { "s", DRAINED_NO }, { "i", DRAINED_NO },
		{ "iI", DRAINED_NO }, { "iA", DRAINED_NO }, { "ib", DRAINED_NO },
		{ "A", DRAINED_NO }, { "e", DRAINED_NO },
		/* the fallback or a backup gets the connections */
		{ "zA", DRAINED_TO_FALLBACK }, { "zzA", DRAINED_TO_FALLBACK },
		{ "zb", DRAINED_TO_FALLBACK }, { "zbI", DRAINED_TO_FALLBACK },
		{ "zisdeA", DRAINED_TO_FALLBACK }, { "zyA", DRAINED_TO_FALLBACK },
		/* none gets any */
		{ "z", DRAINED_ALL }, { "zz", DRAINED_ALL }, { "zi", DRAINED_ALL },
		{ "zsde", DRAINED_ALL }, { "zI", DRAINED_ALL }, { "zD", DRAINED_ALL },
		{ "zS", DRAINED_ALL }, { "zZ", DRAINED_ALL }, { "zc", DRAINED_ALL },
		{ "zy", DRAINED_ALL }, { "iZ", DRAINED_ALL }, { "Z", DRAINED_ALL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct status_tally tally = tally_of(cases[i].reals);

		assert_int_equal(status_drained(&tally), cases[i].drained);
		tally.disabled = true;
		assert_int_equal(status_drained(&tally), DRAINED_NO);
	}
}

static void
tally_counts_each_kind(void **state)
{
	struct status_tally tally = tally_of("aaaisnndDA");

	(void)state;
	assert_int_equal(tally.reals, 10);
	assert_int_equal(tally.enabled, 8);
	assert_int_equal(tally.active, 4);
	assert_int_equal(tally.known, 5);
	assert_int_equal(tally.plain, 7);
	assert_int_equal(tally.plain_active, 3);
	assert_int_equal(tally.fallback_active, 1);
	tally = tally_of("abceA");
	assert_int_equal(tally.enabled, 5);
	assert_int_equal(tally.plain, 1);
	assert_int_equal(tally.fallback_active, 2);
}

/* -- a cluster ----------------------------------------------------------------- */

static void
cluster_status_is_the_worst_not_disabled(void **state)
{
	/* From best to worst. */
	static const enum lb_status order[] = {
		STATUS_DISABLED, STATUS_UP, STATUS_UNKNOWN, STATUS_DEGRADED, STATUS_ON_FALLBACK,
		STATUS_DOWN,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(order); i++)
		for (size_t j = 0; j < COUNT(order); j++)
			assert_int_equal(status_cluster_add(order[i], order[j]),
			    order[i > j ? i : j]);
}

/* -- labels ------------------------------------------------------------------ */

static void
each_number_has_the_label_of_the_mib(void **state)
{
	static const char *const fresh[] = { "?", "fresh", "stale", "never", "?" };

	(void)state;
	for (size_t i = 0; i < COUNT(fresh); i++)
		assert_string_equal(freshness_name((enum freshness)i), fresh[i]);
	assert_string_equal(freshness_name((enum freshness)~0u), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plane_is_unattended_after_three_intervals),
		cmocka_unit_test(freshness_follows_age),
		cmocka_unit_test(real_status_is_as_in_the_table),
		cmocka_unit_test(service_status_follows_its_reals),
		cmocka_unit_test(weights_of_zero_drain_a_service),
		cmocka_unit_test(tally_counts_each_kind),
		cmocka_unit_test(cluster_status_is_the_worst_not_disabled),
		cmocka_unit_test(each_number_has_the_label_of_the_mib),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
