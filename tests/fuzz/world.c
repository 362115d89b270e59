/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A small store, an engine on it, and requests; see world.h.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"

struct fixture f;

/* -- the input ------------------------------------------------------------------------ */

/* The first parts of an OID. */
static const char *const bases[] = {
	"", ".", ".1", ".1.1", ".1.1.2.0", ".1.2.1", ".1.3.1", ".1.4.1", ".1.5.1", ".1.6.1.1.1",
	".1.6.2.1.1", ".1.6.3.1.1", ".1.7", ".1.7.8.1", ".1.8", ".1.8.1.0", ".1.4.1.8.1.1",
	".1.4.1.9.1.1", ".1.4.1.10.1.1", ".1.4.1.8.2.2", ".1.4.1.9.2.2", ".1.4.1.10.2.2",
	".1.6.1.1.1.$web", ".1.6.2.1.1.1.$http", ".1.6.3.1.1.1.1.$web-2", ".1.3.1.29.1",
	".1.9.1.7.1", ".1.6.4.1.1.1.$web-2",
};

struct mib_oid
take_oid(struct input *in, const struct mib_oid *last)
{
	uint8_t base = take(in), shape = take(in);
	struct mib_oid oid = base < COUNT(bases) ? oid_make(bases[base]) : *last;
	uint32_t cut = shape >> 5, more = shape & 31;

	oid.n -= cut < oid.n ? cut : oid.n;
	if (more == 31)
		more = take(in);
	for (; more > 0 && oid.n < MIB_OID_MAX; more--)
		oid.sub[oid.n++] = take_number(in);
	return oid;
}

void
take_value(struct input *in, struct mib_value *ret)
{
	static const enum mib_type types[] = {
		MIB_INTEGER, MIB_GAUGE32, MIB_OCTETS, MIB_NULL, MIB_OBJECT_ID, MIB_COUNTER32,
		MIB_TIMETICKS, MIB_OPAQUE, MIB_COUNTER64,
	};

	memset(ret, 0, sizeof(*ret));
	ret->type = types[take(in) % COUNT(types)];
	if (ret->type == MIB_OCTETS || ret->type == MIB_OPAQUE) {
		size_t length = take(in);

		ret->octets.data = take_octets(in, length, &ret->octets.length);
	} else if (ret->type != MIB_OBJECT_ID) {
		ret->number = take_number(in);
	}
}

void
must_at(bool condition, const char *what, const struct mib_oid *oid)
{
	char text[OID_TEXT_SIZE];

	if (condition)
		return;
	fprintf(stderr, "%s: %s\n", what, oid_text(oid, text));
	abort();
}

/* -- the store ------------------------------------------------------------------------------- */

static const char store_rows[] =
    "BEGIN;"
    "DELETE FROM cluster; DELETE FROM job; DELETE FROM removed; DELETE FROM sqlite_sequence;"
    "INSERT INTO cluster (id, name, plane) VALUES (1, 'web', 'none'), (2, 'lb', 'haproxy'),"
    " (7, 'empty', 'none');"
    "INSERT INTO service (id, cluster_id, name, address, port) VALUES"
    " (1, 1, 'http', '192.0.2.1', '80'), (2, 2, 'http', 'fe80::1%3', '443'),"
    " (5, 1, 'none', '', '');"
    "INSERT INTO real_service (id, service_id, name, address, port, weight, fallback, enabled)"
    " VALUES (1, 1, 'web-1', '10.0.0.1', '80', 1, 0, 1),"
    " (2, 1, 'web-2', '10.0.0.2', '80', 2, 1, 1),"
    " (3, 1, 'web-10', 'host', '', 3, 0, 0), (4, 2, 'a', '2001:db8::1', '443', 4, 0, 1),"
    " (5, 2, 'b', 'unix@/run/b', '', 5, 0, 0);"
    "INSERT INTO job (operation, state, old_value, new_value, cluster_name, service_name,"
    " real_name)"
    " VALUES (5, 3, 1, 2, 'c', 's', 'r'), (1, 1, 0, 1, 'c', 's', 'r');"
    "UPDATE setting SET value = 0 WHERE name = 'set_lock';"
    "DELETE FROM setting WHERE name = 'notify_enable';"
    "COMMIT;";

static void
finish(void)
{
	fixture_free(&f);
}

void
world_make(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	fixture_dir_make(&f);
	fixture_store_make(&f);
	atexit(finish);
	fixture_sql(f.main, "%s", store_rows);
	fixture_sql(f.stats, "INSERT INTO statistics (real_id, active, bps_in, total_octets_in,"
	    " last_update) VALUES (1, 1, 5000000000, 7, %lld), (2, 0, NULL, NULL, %lld),"
	    " (4, NULL, 3, NULL, 1)", (long long)fixture_now, (long long)fixture_now);
	fixture_start(&f, STORE_WRITE, 10);
}

void
world_reset(void)
{
	fixture_stop(&f);
	fixture_sql(f.main, "%s", store_rows);
	fixture_start(&f, STORE_WRITE, 10);
}
