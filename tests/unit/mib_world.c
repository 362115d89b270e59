/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The stored and the expected values of mib_world.h.
 */
#include "mib_world.h"

#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- the world, stored ------------------------------------------------------------------ */

#define X17 "xxxxxxxxxxxxxxxxx"
#define X255 X17 X17 X17 X17 X17 X17 X17 X17 X17 X17 X17 X17 X17 X17 X17

const char world_inventory[] =
	"BEGIN;"
	"INSERT INTO cluster (id, name, plane, plane_status, plane_message) VALUES"
	" (1, 'web', 'haproxy', 2, 'HAProxy 2.6.12'), (3, 'a', 'none', 1, ''),"
	" (5, 'Web', 'none', 1, ''), (7, '" N64 "', 'ipvs', 3, '" X255 "'),"
	" (" M ", 'Zz', 'none', 4, '');"
	"INSERT INTO service (id, cluster_id, name, address, port, protocol, enabled) VALUES"
	" (2, 1, 'http', '192.0.2.10', '80', 2, 1), (5, 1, 'dns', '2001:db8::53', '53', 3, 1),"
	" (9, 1, 'empty', '', '', 2, 0), (6, 5, 'http', '10.0.0.9', '8443', 2, 1),"
	" (8, 5, 'ssh', '', '', 2, 1), (4, 7, '" N64 "', 'fe80::1%3', '443', 4, 1),"
	" (" M ", " M ", 'x', 'lb.example.org', 'https', 1, 1);"
	"INSERT INTO real_service (id, service_id, name, address, port, weight, fallback,"
	" enabled, reason, last_change) VALUES"
	" (1, 2, 'web-1', '192.0.2.1', '80', 10, 0, 1, 'L7OK/200 in 1ms', 0),"
	" (3, 2, 'web-2', '192.0.2.2', '8080', 0, 0, 1, '', 1),"
	" (4, 2, 'web-10', '192.0.2.3%4', '', 5, 0, 1, 'L4CON: Connection refused', 0),"
	" (20, 2, 'b', 'unix@/run/b.sock', '', 1, 1, 1, '', 0),"
	" (21, 2, 'off', 'host.example.org', '70000', 65535, 0, 0, 'MAINT', 0),"
	" (8, 5, 'ns1', '2001:db8::1', '53', 1, 0, 1, '', 0),"
	" (2, 6, 'web-1', '10.0.0.1', '80', 1, 0, 0, '', 0),"
	" (30, 8, 'web-1', '', '22', 1, 0, 1, '', 0),"
	" (11, 4, '" N64 "', 'fe80::2%7', '443', 256, 0, 1, '', 0),"
	" (12, 4, 'n', '::ffff:192.0.2.9', 'https', 1, 0, 1, '', 0),"
	" (" M_1 ", " M ", 'r1', '198.51.100.1', '65535', 100, 0, 1, '', 0),"
	" (" M ", " M ", 'r2', '198.51.100.255', '1', 100, 1, 1, '" X255 "', 0);"
	"COMMIT;";

const char world_jobs[] =
	"BEGIN;"
	"INSERT INTO job (id, real_id, operation, state, fail_cause, source, old_value,"
	" new_value, request, created, started, finished, cluster_name, service_name,"
	" real_name, message) VALUES"
	" (1, 1, 1, 3, 1, 3, 0, 1, 0, 1, 1699999900, 1699999901, 'web', 'http', 'web-1',"
	" 'recorded'),"
	" (2, 3, 2, 4, 5, 2, 1, 0, 2, 1699913600, 0, 0, 'web', 'http', 'web-2', 'no answer'),"
	" (3, 3, 3, 5, 1, 2, 0, 1, 2, -5, 0, 0, 'web', 'http', 'web-2', ''),"
	" (4, 4, 5, 6, 1, 1, 1, 256, 0, 1699913600, 0, 9223372036854775807, 'web', 'http',"
	"  'web-10', 'superseded by a later job for the same setting'),"
	" (5, 20, 3, 1, 1, 1, 0, 1, 0, 1699913600, 0, 0, 'web', 'http', 'b', ''),"
	" (6, 1, 5, 2, 1, 1, 10, 65535, 0, 1699913600, 1699999900, 0, 'web', 'http', 'web-1', ''),"
	" (7, 1, 4, 0, 1, 1, 1, 0, 0, 1699913600, 2005949145599, 2005949145600, 'web', 'http',"
	"  'web-1', ''),"
	" (8, NULL, 5, 5, 1, 1, 0, 0, 0, 1699913600, 0, 0, '" N64 "', '" N64 "', '" N64 "',"
	" 'gone'),"
	" (9, 21, 2, 1, 1, 1, 1, 0, 0, 1699913600, 0, 0, 'web', 'http', 'off', ''),"
	" (10, 8, 1, 2, 1, 1, 0, 1, 0, 1699913600, 0, 0, 'web', 'dns', 'ns1', ''),"
	" (11, 2, 1, 3, 1, 1, 0, 1, 0, 1699913600, 0, 0, 'Web', 'http', 'web-1', ''),"
	" (" M ", " M ", 5, 1, 1, 1, 65535, 0, " M ", 253402300799, 0, 0, 'Zz', 'x', 'r2',"
	"  '" X255 "');"
	"INSERT INTO job (id, service_id, operation, state, old_value, new_value, created,"
	" cluster_name, service_name, real_name) VALUES"
	" (12, 9, 7, 3, 1, 0, 1699913600, 'web', 'empty', '');"
	"UPDATE setting SET value = 2147483647 WHERE name = 'set_lock';"
	"INSERT INTO setting VALUES ('notify_enable', 9);"
	"UPDATE setting SET value = 500 WHERE name = 'job_max_rows';"
	"UPDATE store SET table_last_change = 1699913600;"
	"COMMIT;";

const char world_statistics[] =
	"BEGIN;"
	"INSERT INTO statistics (real_id, active, active_connections, inactive_connections,"
	" persistent_connections, connections_per_second, bps_in, bps_out, pps_in, pps_out,"
	" last_update, total_connections, total_packets_in, total_packets_out, total_octets_in,"
	" total_octets_out, counters_since) VALUES"
	" (1, 1, 10, 20, 3, 4, 123499, 123500, 7, 8, 1699999999, 9223372036854775807, 1, 0,"
	"  4294967296, 5, 1699999000);"
	"INSERT INTO statistics (real_id, active, active_connections, last_update,"
	" counters_since) VALUES (3, 1, 0, 1700000000, 55);"
	"INSERT INTO statistics (real_id, active, active_connections, bps_in, last_update)"
	" VALUES (4, 1, 4000000000, 1, 1700000000), (20, 1, 294967296, NULL, 1700000065);"
	"INSERT INTO statistics (real_id, active, connections_per_second, last_update)"
	" VALUES (21, 1, 6, 1699999999);"
	"INSERT INTO statistics (real_id, active, pps_in, last_update) VALUES"
	" (8, 1, 100, 1699999759), (30, 1, NULL, 1700000000);"
	"INSERT INTO statistics (real_id, total_octets_in, last_update)"
	" VALUES (11, 77, 1699999760);"
	"INSERT INTO statistics (real_id, active, active_connections, bps_in, bps_out, pps_out,"
	" last_update) VALUES (" M_1 ", 1, 1, 5000000000, 4294967295499, 4294967296, 1700000000),"
	" (" M ", 1, 2, 4294967295, 500, NULL, 1699999900);"
	"INSERT INTO look (cluster_id, time, interval_ms) VALUES (1, 1700000000, 86400000),"
	" (7, 1700000000, 86400000);"
	"UPDATE statistics SET connection_limit = 100, queued_connections = 2,"
	" connection_errors = 31, response_errors = 32, requests = 33, http_4xx = 34,"
	" http_5xx = 35, check_failures = 36, response_time_ms = 37, connect_time_ms = 38,"
	" queue_time_ms = 39, check_code = 200, check_duration_ms = 40 WHERE real_id = 1;"
	"UPDATE statistics SET check_code = 503, connection_limit = 4294967296,"
	" http_5xx = 9223372036854775807 WHERE real_id IN (4, " M_1 ");"
	"INSERT INTO service_statistics (service_id, algorithm, last_update, counters_since,"
	" total_connections, total_packets_in, total_packets_out, total_octets_in,"
	" total_octets_out, connection_errors, response_errors, requests, http_4xx, http_5xx,"
	" queued_connections, response_time_ms) VALUES (2, 'roundrobin', 1700000000, 1700000000,"
	" 41, 42, 43, 44, 9223372036854775807, 46, 47, 48, 49, 50, 51, 52);"
	"INSERT INTO service_statistics (service_id, total_octets_in) VALUES (5, 6), (" M ", 0);"
	"INSERT INTO service_statistics (service_id, algorithm, queued_connections)"
	" VALUES (8, 'wlc', 4294967296);"
	/* statistics of deleted rows */
	"INSERT INTO statistics (real_id, active) VALUES (777, 1);"
	"INSERT INTO service_statistics (service_id, requests) VALUES (777, 1);"
	"COMMIT;";

/* Changes after the start of the engine. */
const char world_changes[] =
	"BEGIN;"
	"UPDATE real_service SET weight = 12 WHERE id = 1;"
	"UPDATE real_service SET last_change = 1700000060 WHERE id = 1;"
	"UPDATE store SET config_last_change = 1700000060;"
	"UPDATE job SET state = 4, fail_cause = 3, finished = 1700000060,"
	" message = 'No such server.' WHERE id = 9;"
	"UPDATE job SET state = 3, started = 1700000000, finished = 1700000060 WHERE id = 10;"
	"DELETE FROM job WHERE id = 11;"
	"COMMIT;";

const char world_measured[] =
	"UPDATE statistics SET active = 0, last_update = 1700000060 WHERE real_id IN (4, " M_1 ");";

/* -- the world, expected ------------------------------------------------------------------- */

static const struct column system_columns[] = {
	{ 1, 's', { "0.0 test" } },
	{ 2, 'i', { "2147483647" } },
	{ 3, 'c', { "1" } },
	{ 4, 't', { LATER } },
	{ 5, 't', { "2023-11-13T22:13:20" } },
	{ 6, 'i', { "1" } },
	{ 7, 'u', { "300" } },
	{ 8, 'u', { "5" } },
	{ 9, 'u', { "7" } },
	{ 10, 'u', { "12" } },
	{ 11, 'u', { "2" } },
	{ 12, 'c', { "0" } },
	{ 13, 'i', { "1" } },
	{ 14, 's', { "" } },
	{ 15, 'o', { "0.0" } },
	{ 16, 't', { NEVER } },
	{ 17, 't', { START } },
};

static const struct column cluster_columns[] = {
	{ 2, 's', { "web", "a", "Web", N64, "Zz" } },
	{ 3, 's', { "haproxy", "none", "none", "ipvs", "none" } },
	{ 4, 'i', { "2", "1", "1", "3", "4" } },
	{ 5, 's', { "HAProxy 2.6.12", "", "", X255, "" } },
	{ 6, 'i', { "2", "5", "1", "6", "3" } },
	{ 7, 't', { LATER, NEVER, NEVER, NEVER, LATER } },
	{ 8, 'u', { "3", "0", "2", "1", "1" } },
	{ 9, 'u', { "0", "0", "1", "0", "0" } },
	{ 10, 'u', { "6", "0", "2", "2", "2" } },
	{ 11, 'u', { "5", "0", "1", "2", "2" } },
	{ 12, 'u', { "3", "0", "1", "0", "1" } },
	{ 13, 'u', { "4294967295", NULL, NULL, NULL, "3" } },
	{ 14, 'u', { "20" } },
	{ 15, 'u', { "3" } },
	{ 16, 'u', { "10" } },
	{ 17, 'u', { "123500", NULL, NULL, NULL, "4294967295" } },
	{ 18, 'u', { "123500", NULL, NULL, NULL, "4294967295" } },
	{ 19, 'u', { "124", NULL, NULL, NULL, "9294967" } },
	{ 20, 'u', { "124", NULL, NULL, NULL, "4294967295" } },
	{ 21, 'u', { "107" } },
	{ 22, 'u', { "8", NULL, NULL, NULL, "4294967295" } },
	{ 23, 't', { "2023-11-14T22:09:19", NEVER, START, NEVER, "2023-11-14T22:11:40" } },
};

#define V6_53 "20010db8000000000000000000000053"
#define V6_1 "20010db8000000000000000000000001"
#define LL_1_3 "fe80000000000000000000000000000100000003"
#define LL_2_7 "fe80000000000000000000000000000200000007"
#define MAPPED "00000000000000000000ffffc0000209"

static const struct column service_columns[] = {
	{ 2, 's', { "http", "dns", "empty", "http", "ssh", N64, "x" } },
	{ 3, 's', { "web/http", "web/dns", "web/empty", "Web/http", "Web/ssh", N64 "/" N64,
	    "Zz/x" } },
	{ 4, 'i', { "1", "2", "0", "1", "0", "4", "0" } },
	{ 5, 'x', { "c000020a", V6_53, "", "0a000009", "", LL_1_3, "" } },
	{ 6, 'u', { "80", "53", "0", "8443", "0", "443", "0" } },
	{ 7, 'i', { "2", "3", "2", "2", "2", "4", "1" } },
	{ 8, 's', { "192.0.2.10:80", "[2001:db8::53]:53", "", "10.0.0.9:8443", "",
	    "[fe80::1%3]:443", "lb.example.org:https" } },
	{ 9, 'i', { "2", "6", "5", "5", "1", "6", "3" } },
	{ 10, 't', { LATER, LATER, NEVER, NEVER, NEVER, NEVER, LATER } },
	{ 11, 'u', { "5", "1", "0", "1", "1", "2", "2" } },
	{ 12, 'u', { "4", "1", "0", "0", "1", "2", "2" } },
	{ 13, 'u', { "3", "0", "0", "0", "1", "0", "1" } },
	{ 14, 'u', { "17", "1", "0", "0", "1", "257", "100" } },
	{ 15, 'u', { "20", "0", "0", "0", "0", "0", M } },
	{ 16, 'i', { "2", "2", "2", "2", "2", "2", "1" } },
	{ 17, 'c', { "0", "0", "0", "0", "0", "0", "1" } },
	{ 18, 'u', { "4294967295", NULL, NULL, NULL, NULL, NULL, "3" } },
	{ 19, 'u', { "20" } },
	{ 20, 'u', { "3" } },
	{ 21, 'u', { "10" } },
	{ 22, 'u', { "123500", NULL, NULL, NULL, NULL, NULL, "4294967295" } },
	{ 23, 'u', { "123500", NULL, NULL, NULL, NULL, NULL, "4294967295" } },
	{ 24, 'u', { "124", NULL, NULL, NULL, NULL, NULL, "9294967" } },
	{ 25, 'u', { "124", NULL, NULL, NULL, NULL, NULL, "4294967295" } },
	{ 26, 'u', { "7", "100" } },
	{ 27, 'u', { "8", NULL, NULL, NULL, NULL, NULL, "4294967295" } },
	{ 28, 't', { "2023-11-14T22:13:19", "2023-11-14T22:09:19", NEVER, NEVER, START, NEVER,
	    "2023-11-14T22:11:40" } },
	{ 29, 'i', { "1", "1", "2", "1", "1", "1", "1" } },
	{ 30, 'u', { "0", "1", "0", "0", "0", "1", "0" } },
	{ 31, 't', { START, NEVER, NULL, NULL, NULL, NULL, NEVER } },
	{ 32, 'C', { "41" } },
	{ 33, 'C', { "44", "6", NULL, NULL, NULL, NULL, "0" } },
	{ 34, 'C', { "9223372036854775807" } },
	{ 35, 'C', { "42" } },
	{ 36, 'C', { "43" } },
	{ 37, 's', { "roundrobin", NULL, NULL, NULL, "wlc" } },
	{ 38, 'u', { "51", NULL, NULL, NULL, "4294967295" } },
	{ 39, 'C', { "46" } },
	{ 40, 'C', { "47" } },
	{ 41, 'C', { "48" } },
	{ 42, 'C', { "49" } },
	{ 43, 'C', { "50" } },
	{ 44, 'u', { "52" } },
};

static const struct column real_columns[] = {
	{ 2, 's', { "web-1", "web-2", "web-10", "b", "off", "ns1", "web-1", "web-1", N64, "n",
	    "r1", "r2" } },
	{ 3, 's', { "web/http/web-1", "web/http/web-2", "web/http/web-10", "web/http/b",
	    "web/http/off", "web/dns/ns1", "Web/http/web-1", "Web/ssh/web-1",
	    N64 "/" N64 "/" N64, N64 "/" N64 "/n", "Zz/x/r1", "Zz/x/r2" } },
	{ 4, 'i', { "1", "1", "3", "0", "0", "2", "1", "0", "4", "2", "1", "1" } },
	{ 5, 'x', { "c0000201", "c0000202", "c000020300000004", "", "", V6_1, "0a000001", "",
	    LL_2_7, MAPPED, "c6336401", "c63364ff" } },
	{ 6, 'u', { "80", "8080", "0", "0", "0", "53", "80", "22", "443", "0", "65535", "1" } },
	{ 7, 's', { "192.0.2.1:80", "192.0.2.2:8080", "192.0.2.3%4", "unix@/run/b.sock",
	    "host.example.org:70000", "[2001:db8::1]:53", "10.0.0.1:80", "",
	    "[fe80::2%7]:443", "[::ffff:192.0.2.9]:https", "198.51.100.1:65535",
	    "198.51.100.255:1" } },
	{ 8, 'u', { "12", "0", "5", "1", "65535", "1", "1", "1", "256", "1", "100", "100" } },
	{ 9, 'i', { "2", "2", "2", "1", "2", "2", "2", "2", "2", "2", "2", "1" } },
	{ 10, 'i', { "1", "1", "1", "1", "2", "1", "2", "1", "1", "1", "1", "1" } },
	{ 11, 'i', { "1", "3", "4", "2", "5", "6", "5", "1", "6", "6", "4", "1" } },
	{ 12, 's', { "L7OK/200 in 1ms", "", "L4CON: Connection refused", "", "MAINT",
	    "statistics are stale; start the collector or the driver", "", "",
	    "statistics have no value for active", "no statistics yet", "", X255 } },
	{ 13, 't', { LATER, "1970-01-01T00:00:01", NEVER, NEVER, NEVER, NEVER, NEVER, NEVER,
	    NEVER, NEVER, NEVER, NEVER } },
	{ 14, 'u', { "7", "3", "4", "5", "9", "10", "11", "0", "0", "0", "0", M } },
	{ 15, 'u', { "2", "0", "0", "1", "0", "0", "0", "0", "0", "0", "0", "1" } },
};

static const struct column stats_columns[] = {
	{ 1, 'i', { "1", "1", "2", "1", "1", "1", NULL, "1", NULL, NULL, "2", "1" } },
	{ 2, 'u', { "10", "0", "4000000000", "294967296", NULL, NULL, NULL, NULL, NULL, NULL,
	    "1", "2" } },
	{ 3, 'u', { "20" } },
	{ 4, 'u', { "3" } },
	{ 5, 'u', { "4", NULL, NULL, NULL, "6" } },
	{ 6, 'u', { "123499", NULL, "1", NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    "4294967295", "4294967295" } },
	{ 7, 'u', { "123500", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    "4294967295", "500" } },
	{ 8, 'u', { "123", NULL, "0", NULL, NULL, NULL, NULL, NULL, NULL, NULL, "5000000",
	    "4294967" } },
	{ 9, 'u', { "124", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    "4294967295", "1" } },
	{ 10, 'u', { "7", NULL, NULL, NULL, NULL, "100" } },
	{ 11, 'u', { "8", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    "4294967295" } },
	{ 12, 't', { "2023-11-14T22:13:19", START, LATER, "2023-11-14T22:14:25",
	    "2023-11-14T22:13:19", "2023-11-14T22:09:19", NEVER, START,
	    "2023-11-14T22:09:20", NEVER, LATER, "2023-11-14T22:11:40" } },
	{ 13, 'u', { "61", "60", "0", "0", "61", "301", NULL, "60", "300", NULL, "0", "160" } },
	{ 14, 'i', { "1", "1", "1", "1", "1", "2", "3", "1", "1", "3", "1", "1" } },
	{ 15, 't', { NEVER, NEVER, LATER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER,
	    LATER, NEVER } },
	{ 16, 'c', { "0", "0", "1", "0", "0", "0", "0", "0", "0", "0", "1", "0" } },
	{ 17, 't', { "2023-11-14T21:56:40", NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER,
	    NEVER, NEVER, NEVER, NEVER } },
	{ 18, 'C', { "9223372036854775807" } },
	{ 19, 'C', { "1" } },
	{ 20, 'C', { "0" } },
	{ 21, 'C', { "4294967296", NULL, NULL, NULL, NULL, NULL, NULL, NULL, "77" } },
	{ 22, 'C', { "5" } },
	{ 23, 'u', { "100", NULL, "4294967295", NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    "4294967295" } },
	{ 24, 'c', { "0", "0", "0", "0", "0", "0", NULL, "0", NULL, NULL, "0", "0" } },
	{ 25, 'u', { "2" } },
	{ 26, 'C', { "31" } },
	{ 27, 'C', { "32" } },
	{ 28, 'C', { "33" } },
	{ 29, 'C', { "34" } },
	{ 30, 'C', { "35", NULL, "9223372036854775807", NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    "9223372036854775807" } },
	{ 31, 'u', { "37" } },
	{ 32, 'u', { "38" } },
	{ 33, 'u', { "39" } },
	{ 34, 'u', { "200", NULL, "503", NULL, NULL, NULL, NULL, NULL, NULL, NULL, "503" } },
	{ 35, 'u', { "40" } },
	{ 36, 'C', { "36" } },
};

static const struct column cluster_name_columns[] = {
	{ 1, 'u', { "3", M, "5", "1", "7" } },
};

static const struct column service_name_columns[] = {
	{ 1, 'u', { "5", "2", "9", "8", "6", "4", M } },
};

static const struct column real_name_columns[] = {
	{ 1, 'u', { "20", "21", "1", "3", "4", "8", "2", "30", "12", "11", M_1, M } },
};

static const struct column server_name_columns[] = {
	{ 1, 'u', { "4", "6", "5", "1", "2", "3", "7", "9", "8", "10", "11" } },
};

static const struct column server_columns[] = {
	{ 2, 's', { "web-1", "web-2", "web-10", "b", "off", "ns1", "web-1", N64, "n", "r1",
	    "r2" } },
	{ 3, 'u', { "1", "1", "1", "1", "1", "1", "2", "1", "1", "1", "1" } },
	{ 4, 'u', { "1", "1", "1", "1", "0", "1", "1", "1", "1", "1", "1" } },
	{ 5, 'u', { "1", "1", "0", "1", "0", "0", "1", "0", "0", "0", "1" } },
	{ 6, 'u', { "10", "0", "4000000000", "294967296", NULL, NULL, NULL, NULL, NULL, "1",
	    "2" } },
	{ 7, 'i', { "1", "1", "1", "1", "2", "1", "3", "1", "1", "1", "1" } },
};

static const struct column jobs_columns[] = {
	{ 1, 'u', { "500" } },
	{ 2, 'u', { "12" } },
	{ 3, 'c', { "1" } },
	{ 4, 'u', { M } },
	{ 5, 'u', { "4" } },
	{ 6, 'c', { "1" } },
	{ 7, 'c', { "1" } },
};

static const struct column notify_columns[] = {
	{ 1, 'x', { "90" } },
	{ 2, 'u', { "0" } },
	{ 3, 'c', { "0" } },
};

#define REAL_NAME ".1.4.1.2."	/* lbcRealName */
#define SERVICE_NAME ".1.3.1.2."
#define DAY_BEFORE "2023-11-13T22:13:20"

static const struct column job_columns[] = {
	{ 2, 'i', { "1", "2", "3", "5", "3", "5", "4", "5", "2", "1", "7", "5" } },
	{ 3, 'o', { REAL_NAME "1.2.1", REAL_NAME "1.2.3", REAL_NAME "1.2.3", REAL_NAME "1.2.4",
	    REAL_NAME "1.2.20", REAL_NAME "1.2.1", REAL_NAME "1.2.1", "0.0",
	    REAL_NAME "1.2.21", REAL_NAME "1.5.8", SERVICE_NAME "1.9",
	    REAL_NAME M "." M "." M } },
	{ 4, 's', { "web", "web", "web", "web", "web", "web", "web", N64, "web", "web", "web",
	    "Zz" } },
	{ 5, 's', { "http", "http", "http", "http", "http", "http", "http", N64, "http", "dns",
	    "empty", "x" } },
	{ 6, 's', { "web-1", "web-2", "web-2", "web-10", "b", "web-1", "web-1", N64, "off",
	    "ns1", "", "r2" } },
	{ 7, 'u', { "2", "1", "2", "1", "2", "10", "1", "0", "1", "2", "1", "65535" } },
	{ 8, 'u', { "1", "2", "1", "256", "1", "65535", "2", "0", "2", "1", "2", "0" } },
	{ 9, 'i', { "3", "4", "5", "6", "1", "2", "1", "5", "4", "3", "3", "1" } },
	{ 10, 'i', { "1", "5", "1", "1", "1", "1", "1", "1", "3", "1", "1", "1" } },
	{ 11, 's', { "recorded", "no answer", "",
	    "superseded by a later job for the same setting", "", "", "", "gone",
	    "No such server.", "", "", X255 } },
	{ 12, 't', { "1970-01-01T00:00:01", DAY_BEFORE, NEVER, DAY_BEFORE, DAY_BEFORE,
	    DAY_BEFORE, DAY_BEFORE, DAY_BEFORE, DAY_BEFORE, DAY_BEFORE, DAY_BEFORE,
	    "9999-12-31T23:59:59" } },
	{ 13, 't', { "2023-11-14T22:11:40", NEVER, NEVER, NEVER, NEVER, "2023-11-14T22:11:40",
	    "65535-12-31T23:59:59", NEVER, NEVER, START, NEVER, NEVER } },
	{ 14, 't', { "2023-11-14T22:11:41", NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER,
	    LATER, LATER, NEVER, NEVER } },
	{ 15, 'i', { "3", "2", "2", "1", "1", "1", "1", "1", "1", "1", "1", "1" } },
	{ 16, 'u', { "0", "2", "2", "0", "0", "0", "0", "0", "0", "0", "0", M } },
};

#define REALS { "1.2.1", "1.2.3", "1.2.4", "1.2.20", "1.2.21", "1.5.8", "5.6.2", "5.8.30", \
	"7.4.11", "7.4.12", M "." M "." M_1, M "." M "." M }

const struct table world_tables[WORLD_TABLES] = {
	{ ".1.1", { "0" }, system_columns, COUNT(system_columns) },
	{ ".1.2.1", { "1", "3", "5", "7", M }, cluster_columns, COUNT(cluster_columns) },
	{ ".1.3.1", { "1.2", "1.5", "1.9", "5.6", "5.8", "7.4", M "." M }, service_columns,
	    COUNT(service_columns) },
	{ ".1.4.1", REALS, real_columns, COUNT(real_columns) },
	{ ".1.5.1", REALS, stats_columns, COUNT(stats_columns) },
	{ ".1.6.1.1", { "$a", "$Zz", "$Web", "$web", "$" N64 }, cluster_name_columns,
	    COUNT(cluster_name_columns) },
	{ ".1.6.2.1", { "1.$dns", "1.$http", "1.$empty", "5.$ssh", "5.$http", "7.$" N64,
	    M ".$x" }, service_name_columns, COUNT(service_name_columns) },
	{ ".1.6.3.1", { "1.2.$b", "1.2.$off", "1.2.$web-1", "1.2.$web-2", "1.2.$web-10",
	    "1.5.$ns1", "5.6.$web-1", "5.8.$web-1", "7.4.$n", "7.4.$" N64, M "." M ".$r1",
	    M "." M ".$r2" }, real_name_columns, COUNT(real_name_columns) },
	{ ".1.6.4.1", { "1.$b", "1.$ns1", "1.$off", "1.$web-1", "1.$web-2", "1.$web-10",
	    "5.$web-1", "7.$n", "7.$" N64, M ".$r1", M ".$r2" }, server_name_columns,
	    COUNT(server_name_columns) },
	{ ".1.7", { "0" }, jobs_columns, COUNT(jobs_columns) },
	{ ".1.7.8.1", { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "12", M }, job_columns,
	    COUNT(job_columns) },
	{ ".1.8", { "0" }, notify_columns, COUNT(notify_columns) },
	{ ".1.9.1", { "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "5.7", "7.8", "7.9", M ".10",
	    M ".11" }, server_columns, COUNT(server_columns) },
};

/* Of an empty store only the scalars have values. */

static const struct column empty_system_columns[] = {
	{ 1, 's', { "0.0 test" } },
	{ 2, 'i', { "0" } },
	{ 3, 'c', { "0" } },
	{ 4, 't', { NEVER } },
	{ 5, 't', { NEVER } },
	{ 6, 'i', { "1" } },
	{ 7, 'u', { "300" } },
	{ 8, 'u', { "0" } },
	{ 9, 'u', { "0" } },
	{ 10, 'u', { "0" } },
	{ 11, 'u', { "0" } },
	{ 12, 'c', { "0" } },
	{ 13, 'i', { "1" } },
	{ 14, 's', { "" } },
	{ 15, 'o', { "0.0" } },
	{ 16, 't', { NEVER } },
	{ 17, 't', { START } },
};

static const struct column empty_jobs_columns[] = {
	{ 1, 'u', { "1000" } },
	{ 2, 'u', { "0" } },
	{ 3, 'c', { "0" } },
	{ 4, 'u', { "0" } },
	{ 5, 'u', { "0" } },
	{ 6, 'c', { "0" } },
	{ 7, 'c', { "0" } },
};

static const struct column empty_notify_columns[] = {
	{ 1, 'x', { "f8" } },
	{ 2, 'u', { "0" } },
	{ 3, 'c', { "0" } },
};

const struct table empty_tables[WORLD_TABLES] = {
	{ ".1.1", { "0" }, empty_system_columns, COUNT(empty_system_columns) },
	{ ".1.2.1", { NULL }, cluster_columns, COUNT(cluster_columns) },
	{ ".1.3.1", { NULL }, service_columns, COUNT(service_columns) },
	{ ".1.4.1", { NULL }, real_columns, COUNT(real_columns) },
	{ ".1.5.1", { NULL }, stats_columns, COUNT(stats_columns) },
	{ ".1.6.1.1", { NULL }, cluster_name_columns, COUNT(cluster_name_columns) },
	{ ".1.6.2.1", { NULL }, service_name_columns, COUNT(service_name_columns) },
	{ ".1.6.3.1", { NULL }, real_name_columns, COUNT(real_name_columns) },
	{ ".1.6.4.1", { NULL }, server_name_columns, COUNT(server_name_columns) },
	{ ".1.7", { "0" }, empty_jobs_columns, COUNT(empty_jobs_columns) },
	{ ".1.7.8.1", { NULL }, job_columns, COUNT(job_columns) },
	{ ".1.8", { "0" }, empty_notify_columns, COUNT(empty_notify_columns) },
	{ ".1.9.1", { NULL }, server_columns, COUNT(server_columns) },
};

/* -- one array of it all ---------------------------------------------------------------------- */

struct entry entries[ENTRIES_MAX];
size_t entries_count;
struct mib_oid columns[COLUMNS_MAX];
size_t columns_count;

static void
octets_set(struct mib_value *value, const void *data, size_t length)
{
	value->type = MIB_OCTETS;
	memcpy(value->buffer, data, length);
	value->octets.data = value->buffer;
	value->octets.length = length;
}

static void
time_set(struct mib_value *value, const char *text)
{
	uint8_t octets[11] = { 0 };
	int year, part[5];

	if (text[0] != '\0') {
		assert_int_equal(sscanf(text, "%d-%d-%dT%d:%d:%d", &year, &part[0], &part[1],
		    &part[2], &part[3], &part[4]), 6);
		octets[0] = (uint8_t)(year / 256);
		octets[1] = (uint8_t)(year % 256);
		for (int i = 0; i < 5; i++)
			octets[2 + i] = (uint8_t)part[i];
		octets[8] = '+';	/* deciseconds and offset are 0 */
	}
	octets_set(value, octets, sizeof(octets));
}

static void
hex_set(struct mib_value *value, const char *text)
{
	uint8_t octets[MODEL_MESSAGE_MAX];
	size_t n = 0;

	for (; text[2 * n] != '\0'; n++) {
		char pair[3] = { text[2 * n], text[2 * n + 1], '\0' };

		octets[n] = (uint8_t)strtoul(pair, NULL, 16);
	}
	octets_set(value, octets, n);
}

void
world_value(struct mib_value *value, char type, const char *text)
{
	switch (type) {
	case 'i':
		value->type = MIB_INTEGER;
		value->integer = (int32_t)strtol(text, NULL, 10);
		break;
	case 'u':
	case 'c':
		value->type = type == 'u' ? MIB_GAUGE32 : MIB_COUNTER32;
		value->number = (uint32_t)strtoul(text, NULL, 10);
		break;
	case 'C':
		value->type = MIB_COUNTER64;
		value->counter64 = strtoull(text, NULL, 10);
		break;
	case 's':
		octets_set(value, text, strlen(text));
		break;
	case 'x':
		hex_set(value, text);
		break;
	case 't':
		time_set(value, text);
		break;
	case 'o':
		value->type = MIB_OBJECT_ID;
		value->oid = oid_make(text);
		break;
	default:
		fail_msg("type '%c'", type);
	}
}

void
world_expect(const struct table tables[WORLD_TABLES])
{
	entries_count = 0;
	columns_count = 0;
	for (const struct table *table = tables; table < tables + WORLD_TABLES; table++) {
		for (const struct column *c = table->columns; c < table->columns + table->n; c++) {
			struct mib_oid *column = &columns[columns_count++];

			assert_true(columns_count < COLUMNS_MAX);
			*column = oid_make(table->oid);
			column->sub[column->n++] = c->sub;
			for (size_t r = 0; r < ROWS_MAX && table->rows[r] != NULL; r++) {
				struct entry *entry = &entries[entries_count];
				struct mib_oid index = oid_make(table->rows[r]);

				if (c->values[r] == NULL)
					continue;
				entry->name = *column;
				memcpy(entry->name.sub + entry->name.n, index.sub,
				    index.n * sizeof(uint32_t));
				entry->name.n += index.n;
				world_value(&entry->value, c->type, c->values[r]);
				assert_true(++entries_count < ENTRIES_MAX);
			}
		}
	}
}
