/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of notifications: the queue and its throttle, the events of the cache, varbinds, and SETs
 * that may still be undone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mib/notify_queue.h"
#include "mib_fixture.h"

enum { ALL = (1 << NOTIFY_BITS) - 1, INTERVAL_S = 10, INTERVAL_MS = INTERVAL_S * 1000 };

/* -- the queue -------------------------------------------------------------------------- */

static struct notify *notify;
static int64_t now_ms;

static int
queue_make(void **state)
{
	(void)state;
	notify = notify_new();
	if (notify == NULL)
		return -1;
	notify_interval_set(notify, INTERVAL_S);
	notify_enable_set(notify, ALL);
	now_ms = 1000;
	return 0;
}

static int
queue_free(void **state)
{
	(void)state;
	notify_free(notify);
	return 0;
}

/* A change of row 'id' to 'after'. The first value identifies it. */
static void
happen(enum cache_event_kind kind, uint32_t id, uint32_t before, uint32_t after)
{
	const struct cache_event event = { .kind = kind, .id = id, .before = before,
	    .after = after, .values = { after } };

	notify_event(notify, &event, now_ms);
}

static void
assert_taken(enum cache_event_kind kind, uint32_t id, uint32_t value)
{
	struct cache_event event;

	assert_true(notify_take(notify, now_ms, &event));
	assert_int_equal(event.kind, kind);
	assert_int_equal(event.id, id);
	assert_int_equal(event.values[0], value);
}

static void
assert_none(void)
{
	struct cache_event event;

	assert_false(notify_take(notify, now_ms, &event));
}

static void
event_is_taken_once(void **state)
{
	(void)state;
	assert_none();
	happen(EVENT_ACTIVE, 7, 1, 0);
	assert_taken(EVENT_ACTIVE, 7, 0);
	assert_none();
	now_ms += 10 * INTERVAL_MS;
	assert_none();
	assert_int_equal(notify_suppressed(notify), 0);
}

static void
failures_come_before_changes_of_settings(void **state)
{
	(void)state;
	happen(EVENT_JOB_END, 1, 0, 1);
	happen(EVENT_CONFIG, 1, 0, 5);
	happen(EVENT_ACTIVE, 1, 1, 0);
	happen(EVENT_FRESH, 1, 0, 1);
	happen(EVENT_STALE, 1, 0, 1);
	happen(EVENT_SERVICE, 1, 2, 8);
	now_ms += NOTIFY_SETTLE_MS;
	assert_taken(EVENT_SERVICE, 1, 8);
	assert_taken(EVENT_STALE, 1, 1);
	assert_taken(EVENT_FRESH, 1, 1);
	assert_taken(EVENT_ACTIVE, 1, 0);
	assert_taken(EVENT_CONFIG, 1, 5);
	assert_taken(EVENT_JOB_END, 1, 1);
	assert_none();
}

static void
later_event_replaces_a_waiting_event(void **state)
{
	(void)state;
	happen(EVENT_CONFIG, 1, 10, 11);
	happen(EVENT_CONFIG, 2, 10, 12);
	happen(EVENT_CONFIG, 1, 11, 13);
	assert_taken(EVENT_CONFIG, 1, 13);
	assert_taken(EVENT_CONFIG, 2, 12);
	assert_none();
	assert_int_equal(notify_suppressed(notify), 0);
}

static void
change_back_removes_a_waiting_event(void **state)
{
	(void)state;
	happen(EVENT_CONFIG, 1, 10, 11);
	happen(EVENT_CONFIG, 1, 11, 12);
	happen(EVENT_CONFIG, 1, 12, 10);
	assert_none();
	assert_int_equal(notify_suppressed(notify), 0);
	happen(EVENT_CONFIG, 1, 10, 12);
	assert_taken(EVENT_CONFIG, 1, 12);
}

static void
change_within_the_interval_is_taken_at_its_end(void **state)
{
	(void)state;
	happen(EVENT_ACTIVE, 1, 1, 0);
	assert_taken(EVENT_ACTIVE, 1, 0);
	now_ms += INTERVAL_MS / 2;
	happen(EVENT_ACTIVE, 1, 0, 1);
	happen(EVENT_ACTIVE, 2, 1, 0);
	assert_taken(EVENT_ACTIVE, 2, 0);	/* another row */
	happen(EVENT_CONFIG, 1, 1, 2);
	assert_taken(EVENT_CONFIG, 1, 2);	/* another kind */
	now_ms += INTERVAL_MS / 2 - 1;
	assert_none();
	now_ms++;
	assert_taken(EVENT_ACTIVE, 1, 1);
	assert_int_equal(notify_suppressed(notify), 0);
	/* This one was taken, and the next interval counts from it. */
	happen(EVENT_ACTIVE, 1, 1, 0);
	now_ms += INTERVAL_MS - 1;
	assert_none();
	now_ms++;
	assert_taken(EVENT_ACTIVE, 1, 0);
}

static void
change_back_within_the_interval_is_counted(void **state)
{
	(void)state;
	happen(EVENT_ACTIVE, 1, 1, 0);
	assert_taken(EVENT_ACTIVE, 1, 0);
	for (int i = 0; i < 3; i++) {
		happen(EVENT_ACTIVE, 1, 0, 1);
		happen(EVENT_ACTIVE, 1, 1, 0);
	}
	assert_int_equal(notify_suppressed(notify), 5);
	now_ms += INTERVAL_MS;
	assert_none();
	assert_int_equal(notify_suppressed(notify), 6);
	happen(EVENT_ACTIVE, 1, 0, 1);
	assert_taken(EVENT_ACTIVE, 1, 1);
}

static void
interval_of_0_suppresses_nothing(void **state)
{
	(void)state;
	notify_interval_set(notify, 0);
	for (uint32_t i = 0; i < 5; i++) {
		happen(EVENT_CONFIG, 1, i, i + 1);
		assert_taken(EVENT_CONFIG, 1, i + 1);
	}
	assert_int_equal(notify_suppressed(notify), 0);
}

static void
services_settle_before_they_are_taken(void **state)
{
	(void)state;
	happen(EVENT_SERVICE, 1, 2, 4);
	assert_none();
	now_ms += NOTIFY_SETTLE_MS - 1;
	happen(EVENT_SERVICE, 1, 4, 8);		/* the rest of the round */
	assert_none();
	now_ms++;
	assert_taken(EVENT_SERVICE, 1, 8);
	assert_none();
}

static void
many_stale_rows_are_one_event_with_the_latest_count(void **state)
{
	(void)state;
	happen(EVENT_STALE, 5, 0, 1);
	for (uint32_t i = 1; i < 100; i++) {
		struct cache_event event = { .kind = EVENT_STALE, .id = 5 + i, .after = 1,
		    .values = { i + 1 } };

		notify_event(notify, &event, now_ms);
	}
	now_ms += NOTIFY_SETTLE_MS;
	assert_taken(EVENT_STALE, 5, 100);
	assert_none();
	happen(EVENT_STALE, 200, 0, 1);
	now_ms += INTERVAL_MS - 1;
	assert_none();
	now_ms++;
	assert_taken(EVENT_STALE, 200, 1);
	assert_none();
}

static void
disabled_kinds_are_removed(void **state)
{
	(void)state;
	happen(EVENT_CONFIG, 1, 1, 2);
	happen(EVENT_ACTIVE, 1, 1, 0);
	notify_enable_set(notify, ALL & ~(1u << NOTIFY_REAL_CONFIG));
	happen(EVENT_CONFIG, 2, 1, 2);
	notify_enable_set(notify, ALL);
	assert_taken(EVENT_ACTIVE, 1, 0);
	assert_none();
	assert_int_equal(notify_suppressed(notify), 0);
}

static void
each_kind_has_its_bit(void **state)
{
	static const enum notify_bit bits[] = {
		[EVENT_ACTIVE] = NOTIFY_REAL_ACTIVE, [EVENT_CONFIG] = NOTIFY_REAL_CONFIG,
		[EVENT_SERVICE] = NOTIFY_SERVICE_STATUS, [EVENT_JOB_END] = NOTIFY_JOB_FINISHED,
		[EVENT_STALE] = NOTIFY_STATS, [EVENT_FRESH] = NOTIFY_STATS,
	};

	(void)state;
	for (uint32_t kind = 1; kind <= EVENT_KINDS; kind++) {
		notify_enable_set(notify, ALL & ~(1u << bits[kind]));
		happen((enum cache_event_kind)kind, 1, 0, 1);
		now_ms += NOTIFY_SETTLE_MS;
		assert_none();
		notify_enable_set(notify, 1u << bits[kind]);
		happen((enum cache_event_kind)kind, 1, 0, 1);
		now_ms += NOTIFY_SETTLE_MS;
		assert_taken((enum cache_event_kind)kind, 1, 1);
	}
}

static void
events_above_the_limit_are_dropped_and_counted(void **state)
{
	const uint32_t more = 100;

	(void)state;
	for (uint32_t i = 1; i <= NOTIFY_WAITING_MAX + more; i++)
		happen(EVENT_ACTIVE, i, 1, 0);
	assert_int_equal(notify_suppressed(notify), more);
	happen(EVENT_SERVICE, 1, 2, 8);		/* another kind has its own limit */
	happen(EVENT_ACTIVE, 1, 0, 1);		/* went back: one less */
	now_ms += NOTIFY_SETTLE_MS;
	assert_int_equal(notify_dropped(notify), 0);
	assert_taken(EVENT_SERVICE, 1, 8);
	for (uint32_t i = 2; i <= NOTIFY_WAITING_MAX; i++)
		assert_taken(EVENT_ACTIVE, i, 0);
	assert_none();
	assert_int_equal(notify_dropped(notify), more);
	assert_int_equal(notify_dropped(notify), 0);
}

static void
oldest_of_too_many_quiet_rows_may_be_sent_again(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= NOTIFY_QUIET_MAX + 2; i++) {
		happen(EVENT_ACTIVE, i, 1, 0);
		assert_taken(EVENT_ACTIVE, i, 0);
	}
	assert_none();
	happen(EVENT_ACTIVE, 1, 0, 1);
	assert_taken(EVENT_ACTIVE, 1, 1);
	happen(EVENT_ACTIVE, NOTIFY_QUIET_MAX, 0, 1);
	assert_none();
}

/* -- the engine --------------------------------------------------------------------------- */

static struct fixture f;
static struct mib_notification notification;

static const char inventory[] =
	"INSERT INTO cluster (id, name, plane) VALUES (1, 'web', 'none'), (2, 'lb', 'haproxy');"
	"INSERT INTO service (id, cluster_id, name) VALUES (3, 1, 'http'), (4, 2, 'ssh');"
	"INSERT INTO real_service (id, service_id, name, weight) VALUES (5, 3, 'a', 10),"
	" (6, 3, 'b', 10), (7, 4, 'c', 10);";

static int
engine_make(void **state)
{
	(void)state;
	fixture_dir_make(&f);
	fixture_store_make(&f);
	fixture_sql(f.main, "%s", inventory);
	fixture_sql(f.stats, "INSERT INTO statistics (real_id, active, last_update) VALUES"
	    " (5, 1, 1699999990), (6, 1, 1699999990), (7, 1, 1699999990)");
	fixture_now = 1700000000;
	fixture_start(&f, STORE_WRITE, 100);
	return 0;
}

static int
engine_free(void **state)
{
	(void)state;
	fixture_stop(&f);
	fixture_free(&f);
	return 0;
}

/* Returns names and values of the next notification, "" if there is none. */
static const char *
taken(void)
{
	static char text[2048];
	char oid[OID_TEXT_SIZE];
	size_t at = 0;

	text[0] = '\0';
	if (!mib_notification_take(f.mib, &notification))
		return text;
	for (size_t i = 0; i < notification.n; i++) {
		const struct mib_value *value = &notification.varbinds[i].value;

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s=", i == 0 ? "" : " ",
		    oid_text(&notification.varbinds[i].name, oid));
		if (value->type == MIB_OCTETS && value->octets.length == 11)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "@%d:%02d:%02d",
			    value->octets.data[4], value->octets.data[5], value->octets.data[6]);
		else if (value->type == MIB_OCTETS)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%.*s",
			    (int)value->octets.length, (const char *)value->octets.data);
		else if (value->type == MIB_OBJECT_ID)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s",
			    oid_text(&value->oid, oid));
		else
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%u", value->number);
	}
	return text;
}

#define ROOT "1.3.6.1.4.1.8072.9999.9999.522"
#define TRAP(number) "1.3.6.1.6.3.1.1.4.1.0=" ROOT ".0." number
#define NAMES_OF_5 " " ROOT ".1.2.1.2.1=web " ROOT ".1.3.1.2.1.3=http " ROOT ".1.4.1.2.1.3.5=a"

#define PATH_OF_5 " " ROOT ".1.4.1.3.1.3.5=web/http/a"

/* A measurement of this real service, with the data plane's reason. */
static void
measured_with(int real, int active, const char *reason)
{
	fixture_now += 5;
	fixture_sql(f.main, "UPDATE real_service SET reason = '%s' WHERE id = %d", reason, real);
	fixture_sql(f.stats, "UPDATE statistics SET active = %d, last_update = %lld"
	    " WHERE real_id = %d", active, (long long)fixture_now, real);
	fixture_refresh(&f);
}

static void
measured(int real, int active)
{
	measured_with(real, active, "");
}

static void
failed_real_is_sent_with_full_instances(void **state)
{
	(void)state;
	assert_string_equal(taken(), "");
	measured_with(5, 0, "L4CON: refused");
	assert_string_equal(taken(), TRAP("1") NAMES_OF_5 " " ROOT ".1.5.1.1.1.3.5=2 "
	    ROOT ".1.4.1.11.1.3.5=4 " ROOT ".1.5.1.12.1.3.5=@22:13:25" PATH_OF_5 " "
	    ROOT ".1.4.1.12.1.3.5=L4CON: refused");
	assert_string_equal(taken(), "");
	measured(5, 0);
	assert_string_equal(taken(), "");
}

/* Returns the next notification of service 3, after the time in which services settle. */
static const char *
taken_of_service(void)
{
	while (taken()[0] != '\0')
		;
	fixture_steady_offset_ms += 2 * NOTIFY_SETTLE_MS;
	return taken();
}

static void
service_is_sent_with_the_real_that_explains_its_status(void **state)
{
	static const char head[] = TRAP("3") " " ROOT ".1.2.1.2.1=web " ROOT ".1.3.1.2.1.3=http ";
	const char *text;

	(void)state;
	measured_with(6, 0, "b refused");
	text = taken_of_service();
	assert_non_null(strstr(text, head));
	assert_non_null(strstr(text, " " ROOT ".1.3.1.3.1.3=web/http "
	    ROOT ".1.4.1.3.1.3.6=web/http/b " ROOT ".1.4.1.12.1.3.6=b refused"));
	/* Of two the one that changed last. */
	measured_with(5, 0, "a refused");
	assert_non_null(strstr(taken_of_service(), PATH_OF_5 " "
	    ROOT ".1.4.1.12.1.3.5=a refused"));
	/* An inactive one and not one without fresh statistics. */
	measured(6, 1);
	assert_non_null(strstr(taken_of_service(), PATH_OF_5));
	fixture_sql(f.stats, "UPDATE statistics SET last_update = 1 WHERE real_id = 6");
	measured_with(5, 0, "a refused again");
	assert_non_null(strstr(taken_of_service(), PATH_OF_5 " "
	    ROOT ".1.4.1.12.1.3.5=a refused again"));
	/* None explains that all is well. */
	measured(6, 1);
	measured_with(5, 1, "");
	text = taken_of_service();
	assert_non_null(strstr(text, " " ROOT ".1.3.1.9.1.3=1 "));
	assert_string_equal(strrchr(text, ' '), " " ROOT ".1.3.1.3.1.3=web/http");
	/* None is enabled. */
	fixture_sql(f.main, "UPDATE service SET enabled = 0 WHERE id = 3");
	measured(5, 0);
	text = taken_of_service();
	assert_non_null(strstr(text, " " ROOT ".1.3.1.9.1.3=5 "));
	assert_string_equal(strrchr(text, ' '), " " ROOT ".1.3.1.3.1.3=web/http");
}

static void
service_without_statistics_is_sent_with_the_reason(void **state)
{
	(void)state;
	fixture_now += 1000;
	cache_tick(f.cache, fixture_now);
	assert_non_null(strstr(taken_of_service(), " " ROOT ".1.3.1.3.1.3=web/http" PATH_OF_5 " "
	    ROOT ".1.4.1.12.1.3.5=statistics are stale; start the collector or the driver"));
}

static void
values_are_those_of_the_event(void **state)
{
	(void)state;
	measured(5, 0);
	fixture_sql(f.main, "UPDATE real_service SET enabled = 0 WHERE id = 5");
	fixture_refresh(&f);
	assert_non_null(strstr(taken(), ROOT ".1.4.1.11.1.3.5=4 "));	/* inactive */
}

static void
removed_real_is_not_sent(void **state)
{
	(void)state;
	measured(5, 0);
	fixture_sql(f.main, "DELETE FROM real_service WHERE id = 5");
	fixture_refresh(&f);
	assert_string_equal(taken(), "");
}

struct attribution {
	const char	*first;		/* settings at first; "service ..." are of its service */
	const char	*setting;	/* changed since the measurement before */
	int		 active;	/* for the next measurement */
	bool		 notified;
};

/* Changes of settings and jobs that explain a row's change of activity, and others that do not. */
static const struct attribution attributions[] = {
	{ NULL, NULL, 0, true }, { NULL, NULL, 1, true },
	{ NULL, "enabled = 0", 0, false }, { NULL, "enabled = 0", 1, false },
	{ "enabled = 0", NULL, 0, false }, { "enabled = 0", "enabled = 1", 1, false },
	{ "enabled = 0", "enabled = 1", 0, true },
	{ NULL, "weight = 0", 0, false }, { "weight = 0", NULL, 0, true },
	{ "weight = 0", NULL, 1, true }, { "weight = 0", "weight = 10", 1, false },
	{ NULL, "weight = 11", 0, true }, { NULL, "weight = 11", 1, true },
	{ NULL, "fallback = 1", 0, false }, { "fallback = 1", NULL, 1, true },
	{ "fallback = 1", "fallback = 0", 1, false },
	{ NULL, "service enabled = 0", 0, false }, { "service enabled = 0", NULL, 0, false },
	{ "service enabled = 0", "service enabled = 1", 1, false },
	{ "service enabled = 0", "service enabled = 1", 0, true },
};

static void
setting_change(const char *setting)
{
	static const char service[] = "service ";

	if (setting == NULL)
		return;
	if (strncmp(setting, service, strlen(service)) == 0)
		fixture_sql(f.main, "UPDATE service SET %s WHERE id = 3",
		    setting + strlen(service));
	else
		fixture_sql(f.main, "UPDATE real_service SET %s WHERE id = 5", setting);
}

static void
activity_is_sent_unless_a_set_explains_it(void **state)
{
	for (size_t i = 0; i < sizeof(attributions) / sizeof(attributions[0]); i++) {
		const struct attribution *a = &attributions[i];
		struct cache_real *real;

		engine_make(state);
		fixture_sql(f.stats, "UPDATE statistics SET active = %d", !a->active);
		setting_change(a->first);
		fixture_refresh(&f);
		/* That was long ago by the clock of SQLite, which the test does not set. */
		real = tree_find(&f.cache->tree, STORE_REAL, 5);
		real->was_kept_out = false;
		real->last_change = cache_service_of(real)->touched = 1;
		while (taken()[0] != '\0')
			;
		fixture_now += 5;
		setting_change(a->setting);
		fixture_refresh(&f);
		measured(5, a->active);
		if ((strncmp(taken(), TRAP("1"), strlen(TRAP("1"))) == 0) != a->notified)
			fail_msg("%s, then %s, active %d: notified %d", a->first, a->setting,
			    a->active, !a->notified);
		engine_free(state);
	}
}

static void
ended_job_is_sent_with_its_message(void **state)
{
	(void)state;
	fixture_sql(f.main, "INSERT INTO job (id, real_id, operation, state, old_value,"
	    " new_value, cluster_name, service_name, real_name) VALUES"
	    " (9, 7, 2, 2, 1, 0, 'lb', 'ssh', 'c')");
	fixture_refresh(&f);
	assert_string_equal(taken(), "");
	fixture_sql(f.main, "UPDATE job SET state = 4, fail_cause = 5, message = 'too slow'");
	fixture_refresh(&f);
	assert_string_equal(taken(), TRAP("4") " " ROOT ".1.7.8.1.2.9=2 " ROOT ".1.7.8.1.9.9=4 "
	    ROOT ".1.7.8.1.10.9=5 " ROOT ".1.7.8.1.4.9=lb " ROOT ".1.7.8.1.5.9=ssh "
	    ROOT ".1.7.8.1.6.9=c " ROOT ".1.7.8.1.8.9=2 " ROOT ".1.7.8.1.11.9=too slow "
	    ROOT ".1.3.1.3.2.4=lb/ssh " ROOT ".1.4.1.3.2.4.7=lb/ssh/c");
	assert_string_equal(taken(), "");
}

static void
ended_job_of_a_service_is_sent_with_its_path(void **state)
{
	const char *text;

	(void)state;
	fixture_sql(f.main, "INSERT INTO job (id, service_id, operation, state, old_value,"
	    " new_value, cluster_name, service_name, real_name) VALUES"
	    " (9, 4, 7, 3, 1, 0, 'lb', 'ssh', '')");
	fixture_refresh(&f);
	text = taken();
	assert_non_null(strstr(text, TRAP("4") " "));
	assert_string_equal(strrchr(text, ' '), " " ROOT ".1.3.1.3.2.4=lb/ssh");
	/* The row is gone. */
	fixture_sql(f.main, "INSERT INTO job (id, operation, state, old_value,"
	    " new_value, cluster_name, service_name, real_name, message) VALUES"
	    " (10, 7, 3, 1, 0, 'lb', 'ssh', '', 'gone')");
	fixture_refresh(&f);
	text = taken();
	assert_non_null(strstr(text, TRAP("4") " "));
	assert_string_equal(strrchr(text, ' '), " " ROOT ".1.7.8.1.11.10=gone");
}

/* -- a SET ------------------------------------------------------------------------------------ */

static void
weight_commit(uint32_t real, uint32_t weight)
{
	static struct mib_varbind varbind;
	char name[64];
	size_t index;

	snprintf(name, sizeof(name), ".1.4.1.8.1.3.%u", real);
	varbind.name = oid_make(name);
	varbind.value.type = MIB_GAUGE32;
	varbind.value.number = weight;
	assert_int_equal(mib_set_test(f.mib, 1, 1, &varbind, 1, &index), MIB_NO_ERROR);
	assert_string_equal(taken(), "");
	assert_int_equal(mib_set_commit(f.mib, 1, 1, &index), MIB_NO_ERROR);
}

static void
set_is_sent_after_its_cleanup(void **state)
{
	(void)state;
	weight_commit(5, 33);
	assert_string_equal(taken(), "");
	measured(6, 0);				/* of another row */
	assert_non_null(strstr(taken(), TRAP("1")));
	assert_string_equal(taken(), "");
	mib_set_cleanup(f.mib, 1, 1);
	assert_string_equal(taken(), TRAP("2") NAMES_OF_5 " " ROOT ".1.4.1.10.1.3.5=1 "
	    ROOT ".1.4.1.9.1.3.5=2 " ROOT ".1.4.1.8.1.3.5=33 " ROOT ".1.4.1.14.1.3.5=1"
	    PATH_OF_5);
	assert_non_null(strstr(taken(), TRAP("4")));
	assert_string_equal(taken(), "");
	/* The store writes the end of the job later, without a second notification. */
	mib_flush(f.mib);
	fixture_refresh(&f);
	assert_string_equal(taken(), "");
}

static void
undone_set_sends_nothing(void **state)
{
	size_t index;

	(void)state;
	weight_commit(5, 33);
	assert_string_equal(taken(), "");
	assert_int_equal(mib_set_undo(f.mib, 1, 1, &index), MIB_NO_ERROR);
	assert_string_equal(taken(), "");
	weight_commit(5, 34);
	mib_session_lost(f.mib, 1);
	assert_string_equal(taken(), "");
}

static void
nothing_is_sent_while_the_cache_is_behind(void **state)
{
	struct err err;
	bool more;

	(void)state;
	fixture_sql(f.main, "UPDATE real_service SET weight = 11");
	assert_int_equal(cache_refresh(f.cache, f.store, 2, fixture_now, &more, &err), ERR_OK);
	assert_true(more);
	assert_string_equal(taken(), "");
	fixture_refresh(&f);
	for (int i = 0; i < 3; i++)
		assert_non_null(strstr(taken(), TRAP("2")));
	assert_string_equal(taken(), "");
}

struct seen {
	unsigned int	events;
	uint32_t	stale;		/* the row of the notification, */
	uint32_t	count;		/* and the number of rows */
};

static void
event_see(void *arg, const struct cache_event *event)
{
	struct seen *seen = arg;

	seen->events++;
	if (event->kind == EVENT_STALE) {
		seen->stale = event->id;
		seen->count = event->values[0];
	}
}

static void
replaced_file_reports_no_event(void **state)
{
	char path[128], other[128];
	const struct cache_real *real;
	struct seen seen = { 0 };

	(void)state;
	snprintf(path, sizeof(path), "%s/lbcluster.db", f.dir);
	snprintf(other, sizeof(other), "%s/other.db", f.dir);
	fixture_sql(f.main, "VACUUM INTO '%s'", other);
	fixture_sql(f.main, "ATTACH '%s' AS other; UPDATE other.real_service SET weight = 99,"
	    " enabled = 0; INSERT INTO other.job (real_id, operation, state, old_value, new_value,"
	    " cluster_name, service_name, real_name) VALUES (5, 5, 3, 1, 99, 'c', 's', 'r')",
	    other);
	assert_int_equal(rename(other, path), 0);
	cache_events_set(f.cache, event_see, &seen);
	fixture_refresh(&f);
	real = tree_find(&f.cache->tree, STORE_REAL, 5);
	assert_int_equal(real->weight, 99);
	assert_int_equal(f.cache->jobs.n, 1);
	assert_int_equal(cache_service_of(real)->status, STATUS_DISABLED);
	assert_int_equal(seen.events, 0);
}

static void
change_of_stale_after_is_no_event(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	cache_events_set(f.cache, event_see, &seen);
	cache_stale_after_set(f.cache, 1, fixture_now);
	assert_int_equal(f.cache->reals_stale, 3);
	assert_int_equal(seen.events, 0);
	cache_stale_after_set(f.cache, 300, fixture_now);
	fixture_now += 291;
	cache_tick(f.cache, fixture_now);
	/* The first of three rows, and the two services. */
	assert_int_equal(seen.events, 3);
	assert_int_equal(seen.stale, 5);
	assert_int_equal(seen.count, 3);
}

#define QUEUE(test) cmocka_unit_test_setup_teardown(test, queue_make, queue_free)
#define ENGINE(test) cmocka_unit_test_setup_teardown(test, engine_make, engine_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		QUEUE(event_is_taken_once),
		QUEUE(failures_come_before_changes_of_settings),
		QUEUE(later_event_replaces_a_waiting_event),
		QUEUE(change_back_removes_a_waiting_event),
		QUEUE(change_within_the_interval_is_taken_at_its_end),
		QUEUE(change_back_within_the_interval_is_counted),
		QUEUE(interval_of_0_suppresses_nothing),
		QUEUE(services_settle_before_they_are_taken),
		QUEUE(many_stale_rows_are_one_event_with_the_latest_count),
		QUEUE(disabled_kinds_are_removed),
		QUEUE(each_kind_has_its_bit),
		QUEUE(events_above_the_limit_are_dropped_and_counted),
		QUEUE(oldest_of_too_many_quiet_rows_may_be_sent_again),
		ENGINE(failed_real_is_sent_with_full_instances),
		ENGINE(service_is_sent_with_the_real_that_explains_its_status),
		ENGINE(service_without_statistics_is_sent_with_the_reason),
		ENGINE(values_are_those_of_the_event),
		ENGINE(removed_real_is_not_sent),
		cmocka_unit_test(activity_is_sent_unless_a_set_explains_it),
		ENGINE(ended_job_is_sent_with_its_message),
		ENGINE(ended_job_of_a_service_is_sent_with_its_path),
		ENGINE(set_is_sent_after_its_cleanup),
		ENGINE(undone_set_sends_nothing),
		ENGINE(nothing_is_sent_while_the_cache_is_behind),
		ENGINE(replaced_file_reports_no_event),
		ENGINE(change_of_stale_after_is_no_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
