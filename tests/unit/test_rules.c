/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/model/rules.c: each result of the rules with its message, and random requests
 * against a second, plain implementation of the rules. Linked with -Wl,--wrap=calloc, so that
 * allocations can fail; without that option the test of this skips itself.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/rules.h"
#include "in_range.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NAME_16 "abcdefghijklmnop"
#define NAME_64 NAME_16 NAME_16 NAME_16 NAME_16

enum { CHANGES_MAX = 8 };

/* -- memory that runs out ---------------------------------------------------- */

void *__real_calloc(size_t n, size_t size) __attribute__((weak));
void *__wrap_calloc(size_t n, size_t size);

/* allocations before the first failure; -1: none fails */
static int calloc_left = -1;

void *
__wrap_calloc(size_t n, size_t size)
{
	if (calloc_left == 0)
		return NULL;
	if (calloc_left > 0)
		calloc_left--;
	return __real_calloc(n, size);
}

/* -- what is stored ---------------------------------------------------------- */

struct stored {
	uint32_t	 id, service_id;
	const char	*cluster, *service, *name, *plane;
	uint32_t	 weight;
	bool		 fallback, enabled;
};

enum { A = 1, B, C, D, X, Y, H, I, L, M, U };

/* web/http: A, B and C are enabled, D is not, and no row is fallback. web/smtp: X is fallback, Y
 * is enabled. */
static const struct stored usual[] = {
	{ A, 7, "web", "http", "web-1", "none", 10, false, true },
	{ B, 7, "web", "http", "web-2", "none", 10, false, true },
	{ C, 7, "web", "http", "web-3", "none", 10, false, true },
	{ D, 7, "web", "http", "web-4", "none", 10, false, false },
	{ X, 8, "web", "smtp", "mx-1", "none", 10, true, true },
	{ Y, 8, "web", "smtp", "mx-2", "none", 10, false, true },
	{ H, 9, "lb", "http", "web-1", "haproxy", 10, false, true },
	{ I, 10, "lv", "http", "web-1", "ipvs", 10, false, true },
	{ L, 11, NAME_64, NAME_64, NAME_64, "haproxy", 10, false, true },
	{ M, 11, NAME_64, NAME_64, "m" NAME_16 NAME_16 NAME_16 "abcdefghijklmno", "haproxy", 10,
	    true, true },
	{ U, 12, "odd", "http", "web-1", "martian", 10, false, true },
};

/* Rows of one test instead of the usual ones. */
static struct stored other[COUNT(usual)];

static int
rows_reset(void **state)
{
	(void)state;
	memcpy(other, usual, sizeof(usual));
	return 0;
}

static struct stored *
row_of(uint32_t id)
{
	for (size_t i = 0; i < COUNT(other); i++)
		if (other[i].id == id)
			return &other[i];
	fail();
	return NULL;
}

static struct rules_before
before_of(uint32_t id)
{
	const struct stored *row = row_of(id);
	struct rules_before before = {
		.service_id = row->service_id, .weight = row->weight,
		.fallback = row->fallback, .enabled = row->enabled,
	};

	snprintf(before.path.cluster, sizeof(before.path.cluster), "%s", row->cluster);
	snprintf(before.path.service, sizeof(before.path.service), "%s", row->service);
	snprintf(before.path.real, sizeof(before.path.real), "%s", row->name);
	snprintf(before.plane, sizeof(before.plane), "%s", row->plane);
	for (size_t i = 0; i < COUNT(other); i++) {
		if (other[i].service_id == row->service_id && other[i].fallback) {
			before.fallback_id = other[i].id;
			snprintf(before.fallback_name, sizeof(before.fallback_name), "%s",
			    other[i].name);
		}
	}
	return before;
}

/* A request and its expected result. */
struct request {
	struct change		 changes[CHANGES_MAX];	/* ends at id 0 */
	const char		*effective;	/* a '1' or '0' for each */
	enum reject_reason	 reason;
	size_t			 index;
	const char		*text;
};

#define ENABLED(id, value) { id, REAL_ENABLED, value }
#define FALLBACK(id, value) { id, REAL_FALLBACK, value }
#define WEIGHT(id, value) { id, REAL_WEIGHT, value }
#define ACCEPTED .reason = REJECT_NONE, .text = ""

static void
check_one(const struct request *request)
{
	struct rules_before before[CHANGES_MAX];
	struct verdict verdict = { .index = 99, .text = "old" };
	bool effective[CHANGES_MAX];
	char marks[CHANGES_MAX + 1] = "";
	size_t n = 0;

	for (; n < CHANGES_MAX && request->changes[n].id != 0; n++)
		before[n] = before_of(request->changes[n].id);
	assert_int_equal(rules_judge(request->changes, before, n, effective, &verdict),
	    request->reason == REJECT_NONE ? ERR_OK : ERR_PRECOND);
	assert_string_equal(verdict.text, request->text);
	assert_int_equal(verdict.reason, request->reason);
	assert_int_equal(verdict.index, request->index);
	for (size_t i = 0; i < n; i++)
		marks[i] = effective[i] ? '1' : '0';
	assert_string_equal(marks, request->effective);
}

#define check(...)                                                             \
	do {                                                                   \
		const struct request request_ = __VA_ARGS__;                   \
		check_one(&request_);                                          \
	} while (0)

/* -- one change --------------------------------------------------------------- */

static void
empty_request_is_accepted(void **state)
{
	(void)state;
	check({ .effective = "", ACCEPTED });
}

static void
stored_value_is_no_change(void **state)
{
	(void)state;
	check({ { ENABLED(A, 1) }, "0", ACCEPTED });
	check({ { ENABLED(D, 0) }, "0", ACCEPTED });
	check({ { FALLBACK(X, 1) }, "0", ACCEPTED });
	check({ { FALLBACK(A, 0) }, "0", ACCEPTED });
	check({ { WEIGHT(A, 10) }, "0", ACCEPTED });
}

static void
other_value_is_a_change(void **state)
{
	(void)state;
	check({ { ENABLED(A, 0) }, "1", ACCEPTED });
	check({ { ENABLED(D, 1) }, "1", ACCEPTED });
	check({ { FALLBACK(A, 1) }, "1", ACCEPTED });
	check({ { FALLBACK(X, 0) }, "1", ACCEPTED });
	check({ { WEIGHT(A, 0) }, "1", ACCEPTED });
	check({ { WEIGHT(A, 9) }, "1", ACCEPTED });
	check({ { WEIGHT(D, 9) }, "1", ACCEPTED });
	check({ { ENABLED(A, 0), WEIGHT(A, 10), WEIGHT(B, 11), FALLBACK(B, 0) }, "1010",
	    ACCEPTED });
}

static void
fallback_while_another_is_fallback_is_refused(void **state)
{
	(void)state;
	check({ { FALLBACK(Y, 1) }, "1", REJECT_FALLBACK_TAKEN, 0,
	    "web/smtp: fallback is mx-1 already; disable its fallback first or in "
	    "the same request" });
}

static void
fallback_while_a_disabled_row_is_fallback_is_refused(void **state)
{
	(void)state;
	row_of(X)->enabled = false;
	check({ { FALLBACK(Y, 1) }, "1", REJECT_FALLBACK_TAKEN, 0,
	    "web/smtp: fallback is mx-1 already; disable its fallback first or in "
	    "the same request" });
}

static void
disabled_row_as_fallback_is_refused(void **state)
{
	(void)state;
	check({ { FALLBACK(D, 1) }, "1", REJECT_FALLBACK_NEEDS_ENABLED, 0,
	    "web/http/web-4: not enabled; enable it first or in the same request" });
}

static void
weight_above_65535_is_refused(void **state)
{
	(void)state;
	check({ { WEIGHT(A, 65535) }, "1", ACCEPTED });
	check({ { WEIGHT(A, 65536) }, "1", REJECT_VALUE_OUT_OF_RANGE, 0,
	    "web/http/web-1: weight 65536 is above 65535" });
	check({ { WEIGHT(A, UINT32_MAX) }, "1", REJECT_VALUE_OUT_OF_RANGE, 0,
	    "web/http/web-1: weight 4294967295 is above 65535" });
}

static void
weight_above_the_limit_of_the_plane_is_refused(void **state)
{
	(void)state;
	check({ { WEIGHT(H, 256) }, "1", ACCEPTED });
	check({ { WEIGHT(H, 257) }, "1", REJECT_VALUE_OUT_OF_RANGE, 0,
	    "lb/http/web-1: weight 257 is above 256, the limit of plane haproxy" });
	check({ { WEIGHT(H, 65536) }, "1", REJECT_VALUE_OUT_OF_RANGE, 0,
	    "lb/http/web-1: weight 65536 is above 256, the limit of plane haproxy" });
	check({ { WEIGHT(I, 65535) }, "1", ACCEPTED });
	check({ { WEIGHT(I, 65536) }, "1", REJECT_VALUE_OUT_OF_RANGE, 0,
	    "lv/http/web-1: weight 65536 is above 65535" });
}

static void
weight_on_a_plane_of_unknown_kind_has_the_general_bound(void **state)
{
	(void)state;
	check({ { WEIGHT(U, 65535) }, "1", ACCEPTED });
	check({ { WEIGHT(U, 65536) }, "1", REJECT_VALUE_OUT_OF_RANGE, 0,
	    "odd/http/web-1: weight 65536 is above 65535" });
}

static void
stored_weight_above_the_limit_is_no_change(void **state)
{
	(void)state;
	row_of(H)->weight = 300;
	check({ { WEIGHT(H, 300) }, "0", ACCEPTED });
	check({ { WEIGHT(H, 299) }, "1", REJECT_VALUE_OUT_OF_RANGE, 0,
	    "lb/http/web-1: weight 299 is above 256, the limit of plane haproxy" });
	check({ { WEIGHT(H, 200) }, "1", ACCEPTED });
}

static void
boolean_above_one_is_refused(void **state)
{
	(void)state;
	check({ { ENABLED(A, 2) }, "1", REJECT_VALUE_OUT_OF_RANGE, 0,
	    "web/http/web-1: enabled 2 is above 1" });
	check({ { FALLBACK(A, 2) }, "1", REJECT_VALUE_OUT_OF_RANGE, 0,
	    "web/http/web-1: fallback 2 is above 1" });
}

/* -- several changes at once ----------------------------------------------------- */

static void
enable_and_fallback_together_are_accepted(void **state)
{
	(void)state;
	check({ { ENABLED(D, 1), FALLBACK(D, 1) }, "11", ACCEPTED });
	check({ { FALLBACK(D, 1), ENABLED(D, 1) }, "11", ACCEPTED });
}

static void
hand_over_of_fallback_is_accepted(void **state)
{
	(void)state;
	check({ { FALLBACK(Y, 1), FALLBACK(X, 0) }, "11", ACCEPTED });
	check({ { FALLBACK(X, 0), FALLBACK(Y, 1) }, "11", ACCEPTED });
}

static void
two_fallbacks_of_one_service_are_refused_at_the_later(void **state)
{
	(void)state;
	check({ { FALLBACK(A, 1), FALLBACK(B, 1) }, "11", REJECT_FALLBACK_TAKEN, 1,
	    "web/http: the same request makes web-1 fallback; a service has one fallback" });
	check({ { FALLBACK(B, 1), FALLBACK(A, 1) }, "11", REJECT_FALLBACK_TAKEN, 1,
	    "web/http: the same request makes web-2 fallback; a service has one fallback" });
	check({ { WEIGHT(C, 1), FALLBACK(B, 1), WEIGHT(A, 1), FALLBACK(A, 1), FALLBACK(C, 1) },
	    "11111", REJECT_FALLBACK_TAKEN, 3,
	    "web/http: the same request makes web-2 fallback; a service has one fallback" });
}

static void
two_fallbacks_after_a_hand_over_are_refused_at_the_later(void **state)
{
	struct stored *third = row_of(A);

	(void)state;
	third->service_id = 8;
	third->service = "smtp";
	check({ { FALLBACK(Y, 1), FALLBACK(X, 0), FALLBACK(A, 1) }, "111",
	    REJECT_FALLBACK_TAKEN, 2,
	    "web/smtp: the same request makes mx-2 fallback; a service has one fallback" });
}

static void
fallbacks_of_different_services_are_accepted(void **state)
{
	(void)state;
	check({ { FALLBACK(A, 1), FALLBACK(I, 1) }, "11", ACCEPTED });
	check({ { FALLBACK(A, 1), FALLBACK(X, 1) }, "10", ACCEPTED });
}

static void
disable_and_fallback_together_are_refused_at_the_fallback(void **state)
{
	static const char message[] =
	    "web/http/web-1: the same request disables it; a fallback must be enabled";

	(void)state;
	check({ { ENABLED(A, 0), FALLBACK(A, 1) }, "11", REJECT_FALLBACK_NEEDS_ENABLED, 1,
	    message });
	check({ { FALLBACK(A, 1), ENABLED(A, 0) }, "11", REJECT_FALLBACK_NEEDS_ENABLED, 0,
	    message });
	/* It makes no difference that the row is disabled already. */
	check({ { FALLBACK(D, 1), ENABLED(D, 0) }, "10", REJECT_FALLBACK_NEEDS_ENABLED, 0,
	    "web/http/web-4: not enabled; enable it first or in the same request" });
}

static void
disable_of_the_fallback_is_accepted(void **state)
{
	(void)state;
	check({ { ENABLED(X, 0) }, "1", ACCEPTED });
	check({ { ENABLED(X, 0), FALLBACK(X, 1) }, "10", ACCEPTED });
}

static void
disabled_row_that_is_fallback_is_no_change(void **state)
{
	(void)state;
	row_of(X)->enabled = false;
	check({ { FALLBACK(X, 1) }, "0", ACCEPTED });
	check({ { FALLBACK(X, 0) }, "1", ACCEPTED });
	check({ { FALLBACK(X, 0), FALLBACK(Y, 1) }, "11", ACCEPTED });
}

static void
fallback_in_the_request_that_stays_fallback_counts(void **state)
{
	(void)state;
	check({ { FALLBACK(X, 1), FALLBACK(Y, 1) }, "01", REJECT_FALLBACK_TAKEN, 1,
	    "web/smtp: fallback is mx-1 already; disable its fallback first or in "
	    "the same request" });
	check({ { WEIGHT(X, 1), ENABLED(X, 0), FALLBACK(Y, 1) }, "111", REJECT_FALLBACK_TAKEN, 2,
	    "web/smtp: fallback is mx-1 already; disable its fallback first or in "
	    "the same request" });
}

static void
last_change_of_a_column_wins(void **state)
{
	(void)state;
	check({ { WEIGHT(A, 5), WEIGHT(A, 7) }, "01", ACCEPTED });
	check({ { WEIGHT(A, 5), WEIGHT(B, 5), WEIGHT(A, 10) }, "010", ACCEPTED });
	check({ { WEIGHT(H, 300), WEIGHT(H, 200) }, "01", ACCEPTED });
	check({ { WEIGHT(H, 200), WEIGHT(H, 300) }, "01", REJECT_VALUE_OUT_OF_RANGE, 1,
	    "lb/http/web-1: weight 300 is above 256, the limit of plane haproxy" });
	check({ { FALLBACK(Y, 1), FALLBACK(Y, 0) }, "00", ACCEPTED });
	check({ { FALLBACK(A, 1), FALLBACK(B, 1), FALLBACK(A, 0) }, "010", ACCEPTED });
	check({ { FALLBACK(X, 0), FALLBACK(Y, 1), FALLBACK(X, 1) }, "010", REJECT_FALLBACK_TAKEN,
	    1, "web/smtp: fallback is mx-1 already; disable its fallback first or in "
	    "the same request" });
	/* The position of the last change counts. */
	check({ { FALLBACK(A, 1), FALLBACK(B, 1), FALLBACK(A, 1) }, "011", REJECT_FALLBACK_TAKEN,
	    2, "web/http: the same request makes web-2 fallback; a service has one fallback" });
	check({ { ENABLED(D, 1), FALLBACK(D, 1), ENABLED(D, 0) }, "010",
	    REJECT_FALLBACK_NEEDS_ENABLED, 1,
	    "web/http/web-4: not enabled; enable it first or in the same request" });
}

static void
first_change_at_fault_is_named(void **state)
{
	(void)state;
	check({ { WEIGHT(A, 5), WEIGHT(H, 999), FALLBACK(D, 1), FALLBACK(Y, 1) }, "1111",
	    REJECT_VALUE_OUT_OF_RANGE, 1,
	    "lb/http/web-1: weight 999 is above 256, the limit of plane haproxy" });
	check({ { FALLBACK(D, 1), WEIGHT(H, 999) }, "11", REJECT_FALLBACK_NEEDS_ENABLED, 0,
	    "web/http/web-4: not enabled; enable it first or in the same request" });
}

static void
fallback_taken_comes_before_not_enabled(void **state)
{
	(void)state;
	row_of(Y)->enabled = false;
	check({ { FALLBACK(Y, 1) }, "1", REJECT_FALLBACK_TAKEN, 0,
	    "web/smtp: fallback is mx-1 already; disable its fallback first or in "
	    "the same request" });
}

/* -- messages ----------------------------------------------------------------- */

static void
messages_with_the_longest_names_are_complete(void **state)
{
	static const char path[] = NAME_64 "/" NAME_64 "/" NAME_64;
	char text[MODEL_MESSAGE_MAX + 1];
	struct request request = { .effective = "1", .text = text };

	(void)state;
	/* The message is always complete. The advice is omitted if it does not fit. */
	request.changes[0] = (struct change)FALLBACK(L, 1);
	request.reason = REJECT_FALLBACK_TAKEN;
	snprintf(text, sizeof(text), "%s/%s: fallback is %s already", NAME_64, NAME_64,
	    row_of(M)->name);
	check_one(&request);

	request.changes[0] = (struct change)WEIGHT(L, 4000000000);
	request.reason = REJECT_VALUE_OUT_OF_RANGE;
	snprintf(text, sizeof(text), "%s: weight 4000000000 is above 256, the limit of plane "
	    "haproxy", path);
	check_one(&request);

	row_of(M)->fallback = false;
	row_of(L)->enabled = false;
	request.changes[0] = (struct change)FALLBACK(L, 1);
	request.reason = REJECT_FALLBACK_NEEDS_ENABLED;
	snprintf(text, sizeof(text), "%s: not enabled; enable it first or in the same request",
	    path);
	check_one(&request);

	row_of(L)->enabled = true;
	request.changes[1] = (struct change)ENABLED(L, 0);
	request.effective = "11";
	snprintf(text, sizeof(text), "%s: the same request disables it; a fallback must be enabled",
	    path);
	check_one(&request);

	request.changes[1] = (struct change)FALLBACK(M, 1);
	request.reason = REJECT_FALLBACK_TAKEN;
	request.index = 1;
	snprintf(text, sizeof(text), "%s/%s: the same request makes %s fallback; "
	    "a service has one fallback", NAME_64, NAME_64, NAME_64);
	assert_int_equal(strlen(text), MODEL_MESSAGE_MAX);
	check_one(&request);
}

/* -- many changes ----------------------------------------------------------------- */

/* Has its own random sequence, so that a failure is repeatable. */
static uint32_t
random_below(uint32_t n)
{
	static uint64_t seed = 1;

	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 32) % n;
}

/* Returns the value of a column after all changes, computed in the plainest way. */
static uint32_t
plain_after(const struct change *changes, size_t n, uint32_t id, enum real_column column)
{
	const struct stored *row = row_of(id);
	uint32_t value = column == REAL_ENABLED ? row->enabled :
	    column == REAL_FALLBACK ? row->fallback : row->weight;

	for (size_t i = 0; i < n; i++)
		if (changes[i].id == id && changes[i].column == column)
			value = changes[i].value;
	return value;
}

static bool
plain_effective(const struct change *changes, size_t n, size_t i)
{
	for (size_t j = i + 1; j < n; j++)
		if (changes[j].id == changes[i].id &&
		    changes[j].column == changes[i].column)
			return false;
	return changes[i].value !=
	    plain_after(changes, 0, changes[i].id, changes[i].column);
}

static enum reject_reason
plain_reason(const struct change *changes, size_t n, size_t i)
{
	const struct change *change = &changes[i];

	if (!plain_effective(changes, n, i) || change->value == 0)
		return REJECT_NONE;
	if (change->column == REAL_WEIGHT)
		return change->value > 65535 || (change->value > 256 &&
		    strcmp(row_of(change->id)->plane, "haproxy") == 0) ?
		    REJECT_VALUE_OUT_OF_RANGE : REJECT_NONE;
	if (change->column == REAL_ENABLED)
		return REJECT_NONE;
	for (size_t k = 0; k < COUNT(other); k++)
		if (other[k].service_id == row_of(change->id)->service_id &&
		    other[k].id != change->id && other[k].fallback &&
		    plain_after(changes, n, other[k].id, REAL_FALLBACK) != 0)
			return REJECT_FALLBACK_TAKEN;
	for (size_t j = 0; j < i; j++)
		if (plain_effective(changes, n, j) && changes[j].column == REAL_FALLBACK &&
		    changes[j].value != 0 && row_of(changes[j].id)->service_id ==
		    row_of(change->id)->service_id)
			return REJECT_FALLBACK_TAKEN;
	return plain_after(changes, n, change->id, REAL_ENABLED) != 0 ? REJECT_NONE :
	    REJECT_FALLBACK_NEEDS_ENABLED;
}

static void
random_rows(void)
{
	uint32_t holder[2] = { random_below(10), random_below(10) };

	for (size_t i = 0; i < COUNT(other); i++) {
		other[i].service_id = i < 5 ? 1 : 2;
		other[i].plane = i < 5 ? "none" : "haproxy";
		other[i].fallback = i == holder[0] % 5 || (i == holder[1] && i >= 5);
		other[i].enabled = random_below(3) != 0;
		other[i].weight = 255 + random_below(3);
	}
}

static void
random_requests_agree_with_plain_rules(void **state)
{
	static const uint32_t weights[] = { 0, 255, 256, 257, 65535, 65536 };
	size_t refused = 0, accepted = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct change changes[CHANGES_MAX];
		struct rules_before before[CHANGES_MAX];
		bool effective[CHANGES_MAX];
		struct verdict verdict;
		size_t n = 1 + random_below(CHANGES_MAX), at = 0;
		enum reject_reason reason = REJECT_NONE;

		random_rows();
		for (size_t i = 0; i < n; i++) {
			bool weight = random_below(6) == 0;

			changes[i].id = other[random_below(COUNT(other))].id;
			changes[i].column = weight ? REAL_WEIGHT :
			    random_below(3) == 0 ? REAL_ENABLED : REAL_FALLBACK;
			changes[i].value = weight ? weights[random_below(COUNT(weights))] :
			    random_below(2);
			before[i] = before_of(changes[i].id);
		}
		while (at < n && (reason = plain_reason(changes, n, at)) == REJECT_NONE)
			at++;
		assert_int_equal(rules_judge(changes, before, n, effective, &verdict),
		    at == n ? ERR_OK : ERR_PRECOND);
		assert_int_equal(verdict.reason, reason);
		assert_int_equal(verdict.index, at == n ? 0 : at);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(effective[i], plain_effective(changes, n, i));
		*(at == n ? &accepted : &refused) += 1;
	}
	assert_int_in_range(accepted, 2000, 18000);
	assert_int_in_range(refused, 2000, 18000);
}

enum { MANY = 20000 };

static struct change many_changes[MANY];
static struct rules_before many_before[MANY];
static bool many_effective[MANY];

static void
many_changes_are_judged_as_one(void **state)
{
	struct verdict verdict;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		many_changes[i] = (struct change)FALLBACK(i + 1, 1);
		many_before[i] = before_of(A);
		many_before[i].service_id = i + 1;
	}
	assert_int_equal(rules_judge(many_changes, many_before, MANY, many_effective, &verdict),
	    ERR_OK);
	/* Moves the last row to the service of the first. */
	many_before[MANY - 1].service_id = 1;
	assert_int_equal(rules_judge(many_changes, many_before, MANY, many_effective, &verdict),
	    ERR_PRECOND);
	assert_int_equal(verdict.reason, REJECT_FALLBACK_TAKEN);
	assert_int_equal(verdict.index, MANY - 1);
	for (size_t i = 0; i < MANY; i++)
		assert_true(many_effective[i]);
}

static void
judge_reports_lack_of_memory(void **state)
{
	const struct change change = FALLBACK(A, 1);
	const struct rules_before before = before_of(A);
	struct verdict verdict;
	enum err_code code = ERR_NOMEM;
	bool effective;
	int n;

	(void)state;
	if (__real_calloc == NULL)
		skip();
	for (n = 0; n < 10 && code == ERR_NOMEM; n++) {
		calloc_left = n;
		code = rules_judge(&change, &before, 1, &effective, &verdict);
		calloc_left = -1;
		if (code == ERR_NOMEM) {
			assert_int_equal(verdict.reason, REJECT_OTHER);
			assert_string_equal(verdict.text, "out of memory");
		}
	}
	assert_int_in_range(n, 2, 9);
	assert_int_equal(code, ERR_OK);
	assert_true(effective);
}

#define rules_test(fn) cmocka_unit_test_setup(fn, rows_reset)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		rules_test(empty_request_is_accepted),
		rules_test(stored_value_is_no_change),
		rules_test(other_value_is_a_change),
		rules_test(fallback_while_another_is_fallback_is_refused),
		rules_test(fallback_while_a_disabled_row_is_fallback_is_refused),
		rules_test(disabled_row_as_fallback_is_refused),
		rules_test(weight_above_65535_is_refused),
		rules_test(weight_above_the_limit_of_the_plane_is_refused),
		rules_test(weight_on_a_plane_of_unknown_kind_has_the_general_bound),
		rules_test(stored_weight_above_the_limit_is_no_change),
		rules_test(boolean_above_one_is_refused),
		rules_test(enable_and_fallback_together_are_accepted),
		rules_test(hand_over_of_fallback_is_accepted),
		rules_test(two_fallbacks_of_one_service_are_refused_at_the_later),
		rules_test(two_fallbacks_after_a_hand_over_are_refused_at_the_later),
		rules_test(fallbacks_of_different_services_are_accepted),
		rules_test(disable_and_fallback_together_are_refused_at_the_fallback),
		rules_test(disable_of_the_fallback_is_accepted),
		rules_test(disabled_row_that_is_fallback_is_no_change),
		rules_test(fallback_in_the_request_that_stays_fallback_counts),
		rules_test(last_change_of_a_column_wins),
		rules_test(first_change_at_fault_is_named),
		rules_test(fallback_taken_comes_before_not_enabled),
		rules_test(messages_with_the_longest_names_are_complete),
		rules_test(random_requests_agree_with_plain_rules),
		rules_test(many_changes_are_judged_as_one),
		rules_test(judge_reports_lack_of_memory),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
