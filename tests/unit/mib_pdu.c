/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * SETs as texts; see mib_pdu.h.
 */
#include "mib_pdu.h"

#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"

struct fixture f;
uint32_t session = 1, transaction = 1;
size_t fault;

/* Real services, services and servers by the table of their columns. */
static const struct {
	int		 table;
	char		 letter;
	const char	*index;
} rows[] = {
	{ 4, 'A', "1.1.1" }, { 4, 'B', "1.1.2" }, { 4, 'D', "1.1.3" }, { 4, 'X', "1.2.4" },
	{ 4, 'Y', "1.2.5" }, { 4, 'H', "2.3.6" }, { 4, 'F', "2.3.7" }, { 4, 'Z', "1.1.99" },
	{ 3, 'P', "1.1" }, { 3, 'Q', "1.2" }, { 3, 'R', "2.3" }, { 3, 'Z', "1.3" },
	{ 9, 'U', "1.1" }, { 9, 'V', "1.2" }, { 9, 'W', "2.5" }, { 9, 'Z', "1.5" },
};

void
pdu_store_fill(void)
{
	fixture_sql(f.main, "BEGIN;"
	    "INSERT INTO cluster (name, plane) VALUES ('web', 'none'), ('lb', 'haproxy');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'http'), (1, 'smtp'), (2, 'http');"
	    "INSERT INTO real_service (service_id, name, weight, enabled, fallback) VALUES"
	    " (1, 'web-1', 10, 1, 0), (1, 'web-2', 10, 1, 0), (1, 'web-3', 10, 0, 0),"
	    " (2, 'mx-1', 10, 1, 1), (2, 'web-2', 10, 1, 0),"
	    " (3, 'web-1', 10, 1, 0), (3, 'web-2', 10, 0, 0);"
	    "COMMIT;");
}

int
pdu_fixture_make(void **state)
{
	(void)state;
	log_level_set(LOG_LEVEL_ERROR);
	fixture_dir_make(&f);
	fixture_store_make(&f);
	pdu_store_fill();
	fixture_start(&f, STORE_WRITE, 10);
	session = 1;
	transaction = 1;
	return 0;
}

int
pdu_fixture_end(void **state)
{
	(void)state;
	fixture_free(&f);
	return 0;
}

/* -- PDUs ------------------------------------------------------------------------------- */

static void
name_make(const char *word, struct mib_varbind *ret)
{
	static const struct {
		const char	*name;
		int		 table, number;
		enum mib_type	 type;
	} columns[] = {
		{ "weight", 4, 8, MIB_GAUGE32 }, { "fallback", 4, 9, MIB_INTEGER },
		{ "enabled", 4, 10, MIB_INTEGER }, { "service", 3, 29, MIB_INTEGER },
		{ "server", 9, 7, MIB_INTEGER },
	};
	char text[64];

	ret->value.type = MIB_INTEGER;
	if (strcmp(word, "lock") == 0) {
		ret->name = oid_make(".1.1.2.0");
		return;
	}
	if (strcmp(word, "notify") == 0) {
		ret->name = oid_make(".1.8.1.0");
		ret->value.type = MIB_OCTETS;
		return;
	}
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
			if (rows[r].letter != word[0] || rows[r].table != columns[c].table ||
			    strcmp(columns[c].name, word + 2) != 0)
				continue;
			snprintf(text, sizeof(text), ".1.%d.1.%d.%s", columns[c].table,
			    columns[c].number, rows[r].index);
			ret->name = oid_make(text);
			ret->value.type = columns[c].type;
			return;
		}
	}
	fail_msg("%s: no such thing", word);
}

struct pdu
pdu_make(const char *text)
{
	static uint8_t octets[256];
	struct pdu pdu = { .n = 0 };
	struct mib_value *value;
	long long number;
	char word[32];
	int length;

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)i;
	while (sscanf(text, " %31[A-Za-z.]=%lld%n", word, &number, &length) == 2) {
		assert_true(pdu.n < PDU_MAX);
		name_make(word, &pdu.varbinds[pdu.n]);
		value = &pdu.varbinds[pdu.n++].value;
		if (value->type == MIB_OCTETS) {
			value->octets.data = &octets[number & 0xff];
			value->octets.length = 1;
		} else {
			/* The member for INTEGER has the same place. */
			value->number = (uint32_t)number;
		}
		text += length;
	}
	assert_int_equal(*text, '\0');
	return pdu;
}

/* -- phases -------------------------------------------------------------------------------- */

enum mib_status
set_test(const char *text)
{
	static struct pdu pdu;

	pdu = pdu_make(text);
	fault = 999;
	return mib_set_test(f.mib, session, transaction, pdu.varbinds, pdu.n, &fault);
}

enum mib_status
set_commit(void)
{
	fault = 999;
	return mib_set_commit(f.mib, session, transaction, &fault);
}

enum mib_status
set_undo(void)
{
	fault = 999;
	return mib_set_undo(f.mib, session, transaction, &fault);
}

void
set_cleanup(void)
{
	mib_set_cleanup(f.mib, session, transaction);
}

enum mib_status
set_all(const char *text)
{
	enum mib_status status = set_test(text);
	size_t index = fault;

	if (status == MIB_NO_ERROR) {
		status = set_commit();
		index = fault;
		if (status == MIB_NO_ERROR)
			set_cleanup();
		else
			assert_int_equal(set_undo(), MIB_NO_ERROR);
	} else {
		set_cleanup();
	}
	transaction++;
	mib_flush(f.mib);
	fixture_refresh(&f);
	fault = index;
	return status;
}

/* -- what became of it ----------------------------------------------------------------------- */

const char *
rows_stored(void)
{
	static char text[256];
	char *to = text;

	/* Writes one word for each row. */
	for (const char *from = fixture_text(f.main,
	    "SELECT iif(id = 99, 'Z', substr('ABDXYHF', id, 1)) || weight"
	    " || iif(enabled, 'e', '') || iif(fallback, 'f', '') FROM (SELECT * FROM real_service"
	    " ORDER BY id) UNION ALL SELECT substr('PQR', id, 1) || '!' FROM service"
	    " WHERE enabled = 0");
	    *from != '\0'; from++)
		if (*from != ',')
			*to++ = *from;
	*to = '\0';
	return text;
}

const char *
jobs_stored(void)
{
	return fixture_text(f.main, "SELECT ifnull(ifnull(substr('ABDXYHF', real_id, 1),"
	    " substr('PQR', service_id, 1)), '-') || ' ' ||"
	    " CASE operation WHEN 1 THEN 'enable' WHEN 2 THEN 'disable'"
	    " WHEN 3 THEN 'enable_fallback' WHEN 4 THEN 'disable_fallback'"
	    " WHEN 6 THEN 'enable_service' WHEN 7 THEN 'disable_service'"
	    " ELSE 'set_weight' END || ' ' || old_value || '>' || new_value || ' ' ||"
	    " CASE state WHEN 0 THEN 'held' WHEN 1 THEN 'queued' WHEN 2 THEN 'running'"
	    " WHEN 3 THEN 'succeeded' WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled'"
	    " ELSE 'superseded' END || ' #' || request FROM job ORDER BY id");
}

int64_t
lock_stored(void)
{
	return fixture_number(f.main, "SELECT value FROM setting WHERE name = 'set_lock'");
}

int64_t
notify_stored(void)
{
	return fixture_number(f.main, "SELECT ifnull((SELECT value FROM setting"
	    " WHERE name = 'notify_enable'), 31)");
}

int64_t
get_number(const char *oid)
{
	struct mib_oid name = oid_make(oid);
	struct mib_value value;

	mib_get(f.mib, &name, &value);
	if (value.type == MIB_NO_SUCH_INSTANCE || value.type == MIB_NO_SUCH_OBJECT)
		return -1;
	return value.type == MIB_INTEGER ? (int64_t)value.integer : (int64_t)value.number;
}
