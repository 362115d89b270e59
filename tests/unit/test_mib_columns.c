/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the tables of src/mib against mibs/LBCLUSTER-MIB.txt, in both directions: numbers,
 * names, syntax, access, bounds, labels.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "mib/mib_private.h"
#include "model/address.h"
#include "smi.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- tests ---------------------------------------------------------------------------------- */

#define FOR_COLUMNS(table, column)                                              \
	for (const struct mib_table *table = mib_tables; table < mib_tables + mib_tables_count; \
	    table++)                                                            \
		for (const struct mib_column *column = table->columns; column->sub != 0; column++)

/* Without this a parser that finds nothing would let all tests pass. */
static void
module_has_the_expected_number_of_objects(void **state)
{
	size_t types = 0, writable = 0, sequences = 0;

	(void)state;
	for (size_t i = 0; i < smi_objects_count; i++) {
		types += smi_objects[i].is_type;
		sequences += smi_objects[i].is_sequence;
		writable += strcmp(smi_objects[i].access, "read-write") == 0;
	}
	assert_int_equal(types, 17 + 23 + 44 + 15 + 36 + 4 + 7 + 16 + 3 + 7 + 2 * 10);
	assert_int_equal(sequences, 2 * 10);
	assert_int_equal(writable, 7);
	assert_int_equal(smi_conventions_count, 5 + 1 + 3 + 3);
	assert_string_equal(smi_find("lbcRealWeight")->syntax.base, "Unsigned32");
	assert_int_equal(smi_find("lbcRealWeight")->syntax.max, 65535);
	assert_string_equal(smi_find("lbcServiceAddress")->syntax.base, "OCTET");
	assert_int_equal(smi_find("lbcServiceAddress")->syntax.max, 20);
	assert_int_equal(smi_find("lbcClusterName")->syntax.min, 1);
	assert_int_equal(smi_find("lbcClusterName")->syntax.max, 64);
}

static void
root_is_the_root_of_the_module(void **state)
{
	static const uint32_t parents[] = { 1, 3, 6, 1, 4, 1, 8072, 9999, 9999 };
	const struct smi_object *module = smi_find("lbcMIB");

	(void)state;
	assert_non_null(module);
	assert_string_equal(module->parent, "enterprises");
	assert_int_equal(mib_root_length, COUNT(parents) + 1);
	assert_memory_equal(mib_root, parents, sizeof(parents));
	assert_int_equal(mib_root[COUNT(parents)], module->sub);
}

static void
tables_have_the_oids_of_the_module(void **state)
{
	(void)state;
	for (size_t i = 0; i < mib_tables_count; i++) {
		const struct smi_object *object = smi_find(mib_tables[i].name);
		uint32_t place[8];

		if (object == NULL)
			fail_msg("%s is not in the module", mib_tables[i].name);
		assert_int_equal(smi_place(object, place), mib_tables[i].prefix_n);
		assert_memory_equal(place, mib_tables[i].prefix,
		    mib_tables[i].prefix_n * sizeof(uint32_t));
	}
}

static int
prefix_order(const struct mib_table *a, const struct mib_table *b)
{
	for (size_t i = 0; i < a->prefix_n && i < b->prefix_n; i++)
		if (a->prefix[i] != b->prefix[i])
			return a->prefix[i] < b->prefix[i] ? -1 : 1;
	return a->prefix_n < b->prefix_n ? -1 : a->prefix_n > b->prefix_n;
}

static void
tables_are_in_the_order_of_their_oids(void **state)
{
	(void)state;
	for (size_t i = 1; i < mib_tables_count; i++)
		assert_int_equal(prefix_order(&mib_tables[i - 1], &mib_tables[i]), -1);
	/* A table within another one begins after all columns of the other. */
	for (size_t i = 0; i < mib_tables_count; i++) {
		for (size_t j = 0; j < mib_tables_count; j++) {
			const struct mib_table *outer = &mib_tables[i], *inner = &mib_tables[j];

			if (i == j || inner->prefix_n <= outer->prefix_n || memcmp(outer->prefix,
			    inner->prefix, outer->prefix_n * sizeof(uint32_t)) != 0)
				continue;
			for (const struct mib_column *c = outer->columns; c->sub != 0; c++)
				assert_true(c->sub < inner->prefix[outer->prefix_n]);
		}
	}
}

static void
columns_are_ascending(void **state)
{
	(void)state;
	FOR_COLUMNS(table, column)
		if (column != table->columns && column->sub <= column[-1].sub)
			fail_msg("%s: %u after %u", column->name, column->sub, column[-1].sub);
}

static void
names_are_unique(void **state)
{
	(void)state;
	FOR_COLUMNS(table, column) {
		size_t found = 0;

		for (size_t i = 0; i < mib_tables_count; i++) {
			found += strcmp(mib_tables[i].name, column->name) == 0;
			for (const struct mib_column *c = mib_tables[i].columns; c->sub != 0; c++)
				found += strcmp(c->name, column->name) == 0;
		}
		if (found != 1)
			fail_msg("%s: %zu times", column->name, found);
	}
}

static void
each_object_of_the_module_is_in_a_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < smi_objects_count; i++) {
		const struct smi_object *object = &smi_objects[i];
		bool found = false;

		if (!object->is_type || object->is_sequence)
			continue;
		FOR_COLUMNS(table, column) {
			uint32_t place[8];

			if (strcmp(column->name, object->name) != 0)
				continue;
			found = true;
			assert_string_equal(table->name, object->parent);
			assert_int_equal(smi_place(object, place), table->prefix_n + 1);
			assert_memory_equal(place, table->prefix,
			    table->prefix_n * sizeof(uint32_t));
			if (place[table->prefix_n] != column->sub)
				fail_msg("%s: %u, not %u", column->name, column->sub,
				    place[table->prefix_n]);
		}
		if (!found)
			fail_msg("%s is not served", object->name);
	}
}

static void
each_column_of_a_table_is_in_the_module(void **state)
{
	(void)state;
	FOR_COLUMNS(table, column) {
		const struct smi_object *object = smi_find(column->name);

		if (object == NULL || !object->is_type || object->is_sequence)
			fail_msg("%s is no object of the module", column->name);
	}
}

static void
access_is_as_in_the_module(void **state)
{
	static const char *const accesses[] = {
		[ACCESS_NONE] = "not-accessible", [ACCESS_READ] = "read-only",
		[ACCESS_WRITE] = "read-write",
	};

	(void)state;
	FOR_COLUMNS(table, column) {
		const struct smi_object *object = smi_find(column->name);

		if (strcmp(object->access, accesses[column->access]) != 0)
			fail_msg("%s: %s, not %s", column->name, accesses[column->access],
			    object->access);
		/* A writable column has a setting; a readable column has a source. */
		assert_int_equal(column->access == ACCESS_WRITE,
		    column->setting != SETTING_NONE);
		assert_int_equal(column->access == ACCESS_NONE, column->source == SOURCE_NONE);
		assert_int_equal(column->get != NULL, column->source == SOURCE_FUNCTION);
	}
}

static void
each_setting_has_one_column(void **state)
{
	static const char *const names[] = {
		[SETTING_ENABLED] = "lbcRealEnabled", [SETTING_FALLBACK] = "lbcRealFallback",
		[SETTING_WEIGHT] = "lbcRealWeight", [SETTING_LOCK] = "lbcSysSetLock",
		[SETTING_SERVICE_ENABLED] = "lbcServiceEnabled",
		[SETTING_SERVER_ENABLED] = "lbcServerEnabled",
		[SETTING_NOTIFY] = "lbcNotifyEnable",
	};
	size_t found = 0;

	(void)state;
	FOR_COLUMNS(table, column) {
		if (column->setting == SETTING_NONE)
			continue;
		found++;
		assert_string_equal(column->name, names[column->setting]);
	}
	assert_int_equal(found, 7);
}

static void
syntax_is_as_in_the_module(void **state)
{
	static const struct {
		const char	*base;
		enum mib_syntax	 syntax;
	} kinds[] = {
		{ "INTEGER", SYNTAX_INTEGER }, { "Unsigned32", SYNTAX_UNSIGNED32 },
		{ "Gauge32", SYNTAX_UNSIGNED32 }, { "Counter32", SYNTAX_COUNTER32 },
		{ "Counter64", SYNTAX_COUNTER64 }, { "OCTET", SYNTAX_OCTETS },
		{ "OBJECT", SYNTAX_OBJECT_ID }, { "BITS", SYNTAX_BITS },
	};

	(void)state;
	FOR_COLUMNS(table, column) {
		const struct smi_object *object = smi_find(column->name);
		size_t i = 0;

		while (i < COUNT(kinds) && strcmp(kinds[i].base, object->syntax.base) != 0)
			i++;
		if (i == COUNT(kinds) || kinds[i].syntax != column->syntax)
			fail_msg("%s: not the syntax %s (%s)", column->name,
			    object->syntax.name, object->syntax.base);
	}
}

/* Columns whose values come from functions that cannot exceed the bounds: the tables have no
 * bounds for them. */
static bool
bounds_unstated(const struct smi_syntax *syntax)
{
	return strcmp(syntax->name, "DateAndTime") == 0 ||
	    strcmp(syntax->name, "InetAddressType") == 0;
}

static void
bounds_are_as_in_the_module(void **state)
{
	(void)state;
	FOR_COLUMNS(table, column) {
		const struct smi_syntax *syntax = &smi_find(column->name)->syntax;
		long min = 0, max = 0;

		if (syntax->bounds && !bounds_unstated(syntax)) {
			min = syntax->min;
			max = syntax->max;
		}
		if (column->min != (uint32_t)min || column->max != (uint32_t)max)
			fail_msg("%s: (%u..%u), not (%ld..%ld)", column->name, column->min,
			    column->max, min, max);
		/* A SET checks these bounds; 0..0 would refuse each value. */
		if (column->access == ACCESS_WRITE)
			assert_true(column->max > column->min);
	}
}

static void
index_is_as_in_the_module(void **state)
{
	static const struct {
		const struct mib_rows	*rows;
		const char		*index[3];
	} kinds[] = {
		{ &mib_rows_scalar, { NULL } },
		{ &mib_rows_cluster, { "lbcClusterIndex" } },
		{ &mib_rows_service, { "lbcClusterIndex", "lbcServiceIndex" } },
		{ &mib_rows_real, { "lbcClusterIndex", "lbcServiceIndex", "lbcRealIndex" } },
		{ &mib_rows_job, { "lbcJobId" } },
		{ &mib_rows_server, { "lbcClusterIndex", "lbcServerIndex" } },
		{ &mib_rows_server_name, { "lbcClusterIndex", "lbcServerName" } },
		{ &mib_rows_cluster_name, { "lbcClusterName" } },
		{ &mib_rows_service_name, { "lbcClusterIndex", "lbcServiceName" } },
		{ &mib_rows_real_name, { "lbcClusterIndex", "lbcServiceIndex", "lbcRealName" } },
	};

	(void)state;
	for (size_t t = 0; t < mib_tables_count; t++) {
		const struct smi_object *entry = smi_find(mib_tables[t].name);
		size_t k = 0;

		if (entry->augments)
			entry = smi_find(entry->index[0]);
		while (k < COUNT(kinds) && kinds[k].rows != mib_tables[t].rows)
			k++;
		assert_true(k < COUNT(kinds));
		for (size_t i = 0; i < 3; i++) {
			if (i < entry->index_count)
				assert_string_equal(kinds[k].index[i], entry->index[i]);
			else
				assert_null(kinds[k].index[i]);
		}
	}
}

/* -- enumerations ----------------------------------------------------------------------------- */

/* Names of the enumerations of the code by number, as in the module. */

static const char *plane(int n) { return plane_status_name((enum plane_status)n); }
static const char *protocol(int n) { return protocol_name((enum protocol)n); }
static const char *state_of(int n) { return n == 0 ? "?" : job_state_name((enum job_state)n); }
static const char *cause(int n) { return job_fail_cause_name((enum job_fail_cause)n); }
static const char *fresh(int n) { return freshness_name((enum freshness)n); }

/* Converts "enable_fallback" to enableFallback. */
static const char *
operation(int n)
{
	static char text[SMI_WORD];
	const char *name = job_operation_name((enum job_operation)n);
	char *to = text;

	for (; *name != '\0'; name++)
		*to++ = *name == '_' ? (char)toupper((unsigned char)*++name) : *name;
	*to = '\0';
	return text;
}

/* Enumerations whose names are only here. */

static const char *
listed(const char *const labels[], size_t n, int number)
{
	return number >= 0 && (size_t)number < n && labels[number] != NULL ? labels[number] : "?";
}

static const char *
oper(int n)
{
	static const char *const words[] = {
		[OPER_IN_USE] = "inUse", [OPER_STANDBY] = "standby", [OPER_DRAINING] = "draining",
		[OPER_INACTIVE] = "inactive", [OPER_DISABLED] = "disabled",
		[OPER_UNKNOWN] = "unknown",
	};

	return listed(words, COUNT(words), n);
}

static const char *
status(int n)
{
	static const char *const words[] = {
		[STATUS_UP] = "up", [STATUS_DEGRADED] = "degraded",
		[STATUS_ON_FALLBACK] = "onFallback", [STATUS_DOWN] = "down",
		[STATUS_DISABLED] = "disabled", [STATUS_UNKNOWN] = "unknown",
	};

	return listed(words, COUNT(words), n);
}

static const char *
reject(int n)
{
	static const char *const labels[] = {
		[REJECT_NONE] = "none", [REJECT_FALLBACK_TAKEN] = "fallbackTaken",
		[REJECT_FALLBACK_NEEDS_ENABLED] = "fallbackNeedsEnabled",
		[REJECT_VALUE_OUT_OF_RANGE] = "valueOutOfRange",
		[REJECT_NO_SUCH_REAL] = "noSuchReal",
		[REJECT_LOCK_MISMATCH] = "lockMismatch", [REJECT_QUEUE_FULL] = "queueFull",
		[REJECT_STORE_BUSY] = "storeBusy", [REJECT_STORE_READ_ONLY] = "storeReadOnly",
		[REJECT_OTHER] = "other",
	};

	return listed(labels, COUNT(labels), n);
}

static const char *
store(int n)
{
	static const char *const labels[] = {
		[STORE_OK] = "ok", [STORE_READ_ONLY] = "readOnly", [STORE_LOCKED] = "locked",
		[STORE_UNAVAILABLE] = "unavailable",
	};

	return listed(labels, COUNT(labels), n);
}

static const char *
source(int n)
{
	static const char *const labels[] = {
		[JOB_SOURCE_OTHER] = "other", [JOB_SOURCE_SNMP] = "snmp",
		[JOB_SOURCE_CLI] = "cli",
	};

	return listed(labels, COUNT(labels), n);
}

static const char *
server(int n)
{
	static const char *const labels[] = {
		[SERVER_ENABLED] = "enabled", [SERVER_DISABLED] = "disabled",
		[SERVER_MIXED] = "mixed",
	};

	return listed(labels, COUNT(labels), n);
}

static const char *
truth(int n)
{
	static const char *const labels[] = { [1] = "true", [2] = "false" };

	return listed(labels, COUNT(labels), n);
}

static const char *
address(int n)
{
	static const char *const labels[] = {
		[ADDRESS_UNKNOWN] = "unknown", [ADDRESS_IPV4] = "ipv4", [ADDRESS_IPV6] = "ipv6",
		[ADDRESS_IPV4Z] = "ipv4z", [ADDRESS_IPV6Z] = "ipv6z",
	};

	return n == 16 ? "dns" : listed(labels, COUNT(labels), n);
}

static const struct {
	const char	*syntax;
	const char	*(*name)(int number);
} enumerations[] = {
	{ "lbcClusterPlaneStatus", plane }, { "lbcServiceProtocol", protocol },
	{ "lbcJobState", state_of }, { "lbcJobFailCause", cause },
	{ "lbcJobOperation", operation }, { "lbcJobSource", source },
	{ "lbcRealStatsFreshness", fresh }, { "lbcRealOperStatus", oper },
	{ "LbcStatus", status }, { "LbcRejectReason", reject }, { "lbcSysStoreStatus", store },
	{ "lbcServerEnabled", server }, { "TruthValue", truth }, { "InetAddressType", address },
};

static void
labels_are_as_in_the_module(void **state)
{
	enum { FAR = 32 };

	(void)state;
	for (size_t i = 0; i < COUNT(enumerations); i++) {
		const struct smi_syntax *syntax = smi_syntax_find(enumerations[i].syntax);

		assert_non_null(syntax);
		assert_true(syntax->labels_count > 0);
		for (int number = 0; number < FAR; number++) {
			const char *name = "?";

			for (size_t l = 0; l < syntax->labels_count; l++)
				if (syntax->labels[l].number == number)
					name = syntax->labels[l].name;
			if (strcmp(enumerations[i].name(number), name) != 0)
				fail_msg("%s(%d): '%s', not '%s'", enumerations[i].syntax, number,
				    enumerations[i].name(number), name);
		}
	}
}

static void
each_enumeration_of_the_module_is_compared(void **state)
{
	(void)state;
	FOR_COLUMNS(table, column) {
		const struct smi_syntax *syntax = &smi_find(column->name)->syntax;
		bool found = syntax->labels_count == 0 || column->syntax == SYNTAX_BITS;

		for (size_t i = 0; i < COUNT(enumerations); i++)
			found |= strcmp(enumerations[i].syntax, column->name) == 0 ||
			    strcmp(enumerations[i].syntax, syntax->name) == 0;
		if (!found)
			fail_msg("%s: no row of enumerations[] has its labels", column->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(module_has_the_expected_number_of_objects),
		cmocka_unit_test(root_is_the_root_of_the_module),
		cmocka_unit_test(tables_have_the_oids_of_the_module),
		cmocka_unit_test(tables_are_in_the_order_of_their_oids),
		cmocka_unit_test(columns_are_ascending),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(each_object_of_the_module_is_in_a_table),
		cmocka_unit_test(each_column_of_a_table_is_in_the_module),
		cmocka_unit_test(access_is_as_in_the_module),
		cmocka_unit_test(each_setting_has_one_column),
		cmocka_unit_test(syntax_is_as_in_the_module),
		cmocka_unit_test(bounds_are_as_in_the_module),
		cmocka_unit_test(index_is_as_in_the_module),
		cmocka_unit_test(labels_are_as_in_the_module),
		cmocka_unit_test(each_enumeration_of_the_module_is_compared),
	};

	return cmocka_run_group_tests(tests, smi_read, NULL);
}
