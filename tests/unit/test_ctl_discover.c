/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of "lbclusterctl discover ipvs" with the kernel in memory.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_fixture.h"
#include "ipvs_fake.h"
#include "ipvs_steps.h"
#include "plane/ipvs/ipvs_owned.h"
#include "plane/ipvs/ipvs_table.h"

/* -- the table of the kernel -------------------------------------------------------------- */

static struct ipvs_service *
service_make(const char *key, const char *scheduler, uint32_t flags, uint32_t timeout_s,
    uint32_t netmask)
{
	struct ipvs_request request = { .command = IPVS_CMD_NEW_SERVICE, .service = {
	    .flags = flags, .timeout_s = timeout_s, .netmask = netmask } };

	assert_true(ipvs_key_parse(key, &request.service.key));
	snprintf(request.service.scheduler, sizeof(request.service.scheduler), "%s", scheduler);
	assert_int_equal(ipvs_change_wait(&request, 1), 0);
	assert_int_equal(request.error, 0);
	return ipvs_fake_service(&request.service.key);
}

/* 'to' is an endpoint as in a key: "10.0.0.1:80". */
static struct ipvs_dest *
dest_make(const struct ipvs_service *service, const char *to, uint32_t forward, uint32_t weight)
{
	struct ipvs_request request = { .command = IPVS_CMD_NEW_DEST, .service = *service,
	    .dest = { .forward = forward, .weight = weight } };
	struct ipvs_key key;
	char text[IPVS_KEY_TEXT_SIZE];

	snprintf(text, sizeof(text), "tcp %s", to);
	assert_true(ipvs_key_parse(text, &key));
	request.dest.address = key.address;
	request.dest.port = key.port;
	assert_int_equal(ipvs_change_wait(&request, 1), 0);
	assert_int_equal(request.error, 0);
	return ipvs_fake_dest(&service->key, &key.address, key.port);
}

static int
setup(void **state)
{
	const struct ctl_fixture *world;

	ipvs_fake_reset();
	if (ctl_setup(state) != 0)
		return -1;
	world = *state;
	return setenv("RUNTIME_DIRECTORY", world->dir, 1);
}

/* -- rows --------------------------------------------------------------------------------- */

static void
a_service_has_the_settings_of_the_kernel(void **state)
{
	struct ctl_fixture *world = *state;
	struct ipvs_service *web = service_make("tcp 192.0.2.10:80", "wrr", IP_VS_SVC_F_PERSISTENT,
	    300, 0xffffff00);
	struct ipvs_dest *dest = dest_make(web, "10.0.0.11:8080", IP_VS_CONN_F_MASQ, 10);

	dest->upper = 100;
	dest->lower = 80;
	dest_make(web, "10.0.0.12:80", IP_VS_CONN_F_DROUTE, 0);
	assert_int_equal(run(world, "discover", "ipvs", NULL), CTL_OK);
	assert_string_equal(world->err, "");
	assert_string_equal(world->out,
	    "cluster ipvs {\n"
	    "    plane = ipvs\n"
	    "    service tcp-192.0.2.10-80 {\n"
	    "        address = 192.0.2.10\n"
	    "        port = 80\n"
	    "        protocol = tcp\n"
	    "        scheduler = wrr\n"
	    "        persistence = 300\n"
	    "        persistence-mask = 24\n"
	    "        check = connect\n"
	    "        real 10.0.0.11-8080 { address = 10.0.0.11  port = 8080  weight = 10"
	    "  max-connections = 100  min-connections = 80 }\n"
	    "        real 10.0.0.12-80 { address = 10.0.0.12  port = 80  weight = 0"
	    "  forward = dr }\n"
	    "    }\n"
	    "}\n");
}

static void
a_colon_of_an_address_is_a_hyphen(void **state)
{
	struct ctl_fixture *world = *state;
	struct ipvs_service *dns = service_make("udp [2001:db8::1]:53", "mh",
	    IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 | IP_VS_SVC_F_ONEPACKET, 0, 128);

	dest_make(dns, "[2001:db8::2]:53", IP_VS_CONN_F_TUNNEL, 65535);
	assert_int_equal(run(world, "discover", "ipvs", "--cluster", "edge", NULL), CTL_OK);
	assert_string_equal(world->err, "");
	assert_string_equal(world->out,
	    "cluster edge {\n"
	    "    plane = ipvs\n"
	    "    service udp-2001-db8--1-53 {\n"
	    "        address = \"2001:db8::1\"\n"
	    "        port = 53\n"
	    "        protocol = udp\n"
	    "        scheduler = mh\n"
	    "        forward = tunnel\n"
	    "        one-packet = yes\n"
	    "        hash-port = yes\n"
	    "        real 2001-db8--2-53 { address = \"2001:db8::2\"  port = 53"
	    "  weight = 65535 }\n"
	    "    }\n"
	    "}\n");
}

static void
a_mark_without_ports_has_no_check(void **state)
{
	struct ctl_fixture *world = *state;

	dest_make(service_make("fwmark 7 ipv4", "wlc", 0, 0, UINT32_MAX), "10.0.0.11:0",
	    IP_VS_CONN_F_DROUTE, 1);
	dest_make(service_make("fwmark 7 ipv6", "wlc", IP_VS_SVC_F_PERSISTENT, 60, 64),
	    "[2001:db8::2]:8080", IP_VS_CONN_F_MASQ, 1);
	assert_int_equal(run(world, "discover", "ipvs", NULL), CTL_OK);
	assert_string_equal(world->err, "lbclusterctl: IPVS: fwmark 7 ipv4: its destinations have "
	    "no port, so the inventory has check = none; write check and check-port\n");
	assert_string_equal(world->out,
	    "cluster ipvs {\n"
	    "    plane = ipvs\n"
	    "    service fwmark-7-ipv4 {\n"
	    "        protocol = tcp\n"
	    "        forward = dr\n"
	    "        fwmark = 7\n"
	    "        check = none\n"
	    "        real 10.0.0.11-0 { address = 10.0.0.11  weight = 1 }\n"
	    "    }\n"
	    "    service fwmark-7-ipv6 {\n"
	    "        protocol = tcp\n"
	    "        persistence = 60\n"
	    "        persistence-mask = 64\n"
	    "        fwmark = 7\n"
	    "        family = ipv6\n"
	    "        check = connect\n"
	    "        real 2001-db8--2-8080 { address = \"2001:db8::2\"  port = 8080"
	    "  weight = 1 }\n"
	    "    }\n"
	    "}\n");
}

/* -- what no row can express ---------------------------------------------------------------- */

/* Runs discover, which leaves out 'n' rows. */
static void
discover_without(struct ctl_fixture *world, int n)
{
	char last[80];

	assert_int_equal(run(world, "discover", "ipvs", NULL), CTL_FAILURE);
	snprintf(last, sizeof(last), "\nlbclusterctl: left out: %d; the messages above say why\n",
	    n);
	assert_non_null(strstr(world->err, last));
}

static void
a_service_that_no_row_can_express_is_left_out(void **state)
{
	struct ctl_fixture *world = *state;
	const uint32_t persistent = IP_VS_SVC_F_PERSISTENT;
	struct ipvs_service *sip;

	service_make("tcp 192.0.2.1:81", "rr", persistent, 60, 0xff00ff00);
	service_make("tcp 192.0.2.1:82", "rr", persistent, 60, 0);
	service_make("tcp 192.0.2.1:83", "rr", persistent, 2678401, UINT32_MAX);
	service_make("tcp 192.0.2.1:84", "rr", IP_VS_SVC_F_SCHED3, 0, UINT32_MAX);
	service_make("tcp 192.0.2.1:0", "rr", persistent, 60, UINT32_MAX);
	sip = service_make("udp 192.0.2.1:5060", "rr", persistent, 60, UINT32_MAX);
	snprintf(sip->engine, sizeof(sip->engine), "sip");
	discover_without(world, 6);
	assert_string_equal(world->out, "cluster ipvs {\n    plane = ipvs\n}\n");
	assert_non_null(strstr(world->err, "IPVS: tcp 192.0.2.1:81: its netmask of persistence is "
	    "not a prefix; left out\n"));
	assert_non_null(strstr(world->err, "IPVS: tcp 192.0.2.1:82: persistence-mask \"0\" is not "
	    "a whole number of 1 to 128; left out\n"));
	assert_non_null(strstr(world->err, "IPVS: tcp 192.0.2.1:83: persistence \"2678401\" is "
	    "not a whole number of 0 to 2678400; left out\n"));
	assert_non_null(strstr(world->err, "IPVS: tcp 192.0.2.1:84: it has a flag of the "
	    "scheduler that lbcluster does not set; left out\n"));
	assert_non_null(strstr(world->err, "ipvs/tcp-192.0.2.1-0: a service of plane ipvs needs a "
	    "port of 1 to 65535; write port = 80; left out\n"));
	assert_non_null(strstr(world->err, "IPVS: udp 192.0.2.1:5060: it has a persistence engine,"
	    " which lbcluster does not set; left out\n"));
}

static void
a_destination_that_no_row_can_express_is_left_out(void **state)
{
	struct ctl_fixture *world = *state;
	struct ipvs_service *web = service_make("tcp 192.0.2.1:80", "rr", 0, 0, UINT32_MAX);

	dest_make(web, "10.0.0.1:80", IP_VS_CONN_F_MASQ, 65536);
	dest_make(web, "10.0.0.2:0", IP_VS_CONN_F_MASQ, 1);
	dest_make(web, "10.0.0.3:80", IP_VS_CONN_F_BYPASS, 1);
	dest_make(web, "10.0.0.4:80", IP_VS_CONN_F_TUNNEL, 1)->tunnel_type =
	    IP_VS_CONN_F_TUNNEL_TYPE_GUE;
	dest_make(web, "10.0.0.5:81", IP_VS_CONN_F_DROUTE, 1);
	dest_make(web, "10.0.0.6:80", IP_VS_CONN_F_DROUTE, 1);
	discover_without(world, 5);
	assert_non_null(strstr(world->err, "IPVS: tcp 192.0.2.1:80 to 10.0.0.1:80: its weight is "
	    "above 65535; set a lower one with ipvsadm -e; left out\n"));
	assert_non_null(strstr(world->err, " to 10.0.0.2:0: its port is 0; add it with the port "
	    "of the service, then remove this one; left out\n"));
	assert_non_null(strstr(world->err, " to 10.0.0.3:80: its forwarding method is none of "
	    "nat, dr and tunnel; left out\n"));
	assert_non_null(strstr(world->err, " to 10.0.0.4:80: its tunnel is not of the type ipip; "
	    "left out\n"));
	assert_non_null(strstr(world->err, "ipvs/tcp-192.0.2.1-80/10.0.0.5-81: the port differs "
	    "from the service's"));
	assert_non_null(strstr(world->out, "        real 10.0.0.6-80 {"));
	assert_int_equal(strstr(strstr(world->out, "real ") + 5, "real ") == NULL, true);
}

static void
a_missing_flag_of_the_scheduler_is_reported(void **state)
{
	struct ctl_fixture *world = *state;

	service_make("tcp 192.0.2.1:80", "sh", 0, 0, UINT32_MAX);
	assert_int_equal(run(world, "discover", "ipvs", NULL), CTL_OK);
	assert_string_equal(world->err, "lbclusterctl: IPVS: tcp 192.0.2.1:80: lbcluster will set "
	    "the flag fallback of its scheduler, without which clients of a server with weight 0 "
	    "are refused\n");
}

/* -- loading -------------------------------------------------------------------------------- */

static void
what_discover_loads_is_what_it_finds_again(void **state)
{
	struct ctl_fixture *world = *state;

	for (unsigned int seed = 1; seed <= 40; seed++) {
		struct ipvs_table wanted = { 0 };
		size_t n;

		ipvs_table_random(&wanted, seed);
		free(ipvs_changes_wait(&wanted, &n));
		ipvs_table_done(&wanted);
		run(world, "remove", "--yes", "ipvs", NULL);
		assert_int_equal(run(world, "discover", "ipvs", "--load", NULL), CTL_OK);
		assert_int_equal(run(world, "discover", "ipvs", NULL), CTL_OK);
		assert_int_equal(load(world, world->out, "--dry-run", "--reset"), CTL_OK);
		assert_non_null(strstr(world->out, "added 0, updated 0, removed 0, unchanged"));
		assert_null(strstr(world->out, "jobs"));
	}
}

/* A person has given the rows other names, and checks. */
static void
stored_rows_keep_their_names_and_checks(void **state)
{
	struct ctl_fixture *world = *state;
	struct ipvs_service *web = service_make("tcp [2001:db8::1]:80", "wrr",
	    IP_VS_SVC_F_PERSISTENT, 300, 128);
	struct ipvs_service *mark = service_make("fwmark 7 ipv6", "wlc", 0, 0, 128);

	dest_make(web, "[2001:db8::2]:80", IP_VS_CONN_F_MASQ, 1);
	dest_make(web, "[2001:db8::3]:8080", IP_VS_CONN_F_MASQ, 1);
	dest_make(web, "[2001:db8::4]:80", IP_VS_CONN_F_DROUTE, 1);
	dest_make(mark, "[2001:db8::2]:0", IP_VS_CONN_F_MASQ, 1);
	assert_int_equal(load(world, "cluster lvs {\n plane = ipvs\n service http {\n"
	    "address = \"2001:DB8::1\" port = 80 scheduler = wrr persistence = 60 forward = dr\n"
	    "check = http check-path = \"/up\"\n"
	    "real a { address = \"2001:DB8::2\" forward = nat check-port = 81 weight = 9 }\n"
	    "real b { address = \"2001:db8::3\" port = 8080 forward = nat max-connections = 5 }\n"
	    "}\n service seven { fwmark = 7 family = ipv6 check = none\n"
	    "real a { address = \"2001:db8::2\" } } }\n", NULL, NULL), CTL_OK);
	assert_int_equal(run(world, "discover", "ipvs", "-c", "lvs", "-n", NULL), CTL_OK);
	assert_string_equal(world->err, "");
	assert_string_equal(world->out,
	    "~ lvs/http parameters {\"check\":\"http\",\"check-path\":\"/up\",\"forward\":\"dr\","
	    "\"persistence\":60,\"scheduler\":\"wrr\"} -> {\"check\":\"http\",\"check-path\":"
	    "\"/up\",\"forward\":\"dr\",\"persistence\":300,\"scheduler\":\"wrr\"}\n"
	    "~ lvs/http/b parameters {\"forward\":\"nat\",\"max-connections\":5} -> "
	    "{\"forward\":\"nat\"}\n"
	    "+ lvs/http/2001-db8--4-80\n"
	    "added 1, updated 2, removed 0, unchanged 4\n");
	assert_int_equal(run(world, "discover", "ipvs", "-c", "lvs", "-l", NULL), CTL_OK);
	assert_int_equal(run(world, "discover", "ipvs", "-c", "lvs", "-n", NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 7\n");
	assert_int_equal(run(world, "-f", "json", "info", "lvs/http/a", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\"ip_address\": \"2001:DB8::2\""));
	assert_non_null(strstr(world->out, "\"weight\": 9"));
}

static void
a_row_without_a_destination_is_reported(void **state)
{
	struct ctl_fixture *world = *state;
	struct ipvs_service *web = service_make("tcp 192.0.2.10:80", "rr", 0, 0, UINT32_MAX);
	struct ipvs_request gone = { .command = IPVS_CMD_DEL_DEST, .service = *web,
	    .dest = *dest_make(web, "10.0.0.12:80", IP_VS_CONN_F_MASQ, 1) };

	dest_make(web, "10.0.0.11:80", IP_VS_CONN_F_MASQ, 1);
	assert_int_equal(run(world, "discover", "ipvs", "-l", NULL), CTL_OK);
	assert_int_equal(ipvs_change_wait(&gone, 1), 0);
	assert_int_equal(run(world, "discover", "ipvs", "-n", NULL), CTL_OK);
	assert_string_equal(world->err, "lbclusterctl: ipvs/tcp-192.0.2.10-80/10.0.0.12-80: IPVS "
	    "has no such server\nlbclusterctl: rows that IPVS does not have: 1; --prune "
	    "removes them, \"lbclusterctl remove PATH\" removes one\n");
}

/* -- --prune and diff ----------------------------------------------------------------------- */

/* Loads the kernel's table and removes 10.0.0.12:80 from the kernel. The store also has the
 * clusters of 'inventory'. */
static void
table_with_a_missing_destination(struct ctl_fixture *world)
{
	struct ipvs_service *web = service_make("tcp 192.0.2.10:80", "rr", 0, 0, UINT32_MAX);
	struct ipvs_request gone = { .command = IPVS_CMD_DEL_DEST, .service = *web,
	    .dest = *dest_make(web, "10.0.0.12:80", IP_VS_CONN_F_MASQ, 1) };

	dest_make(web, "10.0.0.11:80", IP_VS_CONN_F_MASQ, 1);
	assert_int_equal(run(world, "discover", "ipvs", "-l", NULL), CTL_OK);
	assert_int_equal(ipvs_change_wait(&gone, 1), 0);
}

static void
prune_removes_rows_of_the_cluster_that_the_kernel_lacks(void **state)
{
	struct ctl_fixture *world = *state;

	table_with_a_missing_destination(world);
	assert_int_equal(run(world, "discover", "ipvs", "--prune", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "--prune: removes rows of the store; give also "
	    "--load, or -n"));
	assert_int_equal(run(world, "discover", "ipvs", "-np", NULL), CTL_OK);
	assert_string_equal(world->out, "- ipvs/tcp-192.0.2.10-80/10.0.0.12-80\n"
	    "added 0, updated 0, removed 1, unchanged 3\n");
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "discover", "ipvs", "-l", "--prune=all", NULL), CTL_USAGE);
	assert_int_equal(run(world, "discover", "ipvs", "-lp", NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 1, unchanged 3\n");
	assert_string_equal(world->err, "");
	/* The other clusters are as before. */
	assert_int_equal(run(world, "list", "-r", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "\nweb/http/web-1 "));
	assert_non_null(strstr(world->out, "\nha/s/a "));
}

static void
prune_keeps_rows_that_the_driver_leaves_out_of_the_kernel(void **state)
{
	struct ctl_fixture *world = *state;

	service_make("tcp 192.0.2.10:80", "wlc", 0, 0, UINT32_MAX);
	assert_int_equal(load(world, "cluster ipvs {\n plane = ipvs\n service http {\n"
	    "address = 192.0.2.10 port = 80 check = connect\n"
	    "real gone { address = 10.0.0.1 }\n"
	    "real out { address = 10.0.0.2 enabled = no }\n"
	    "real sorry { address = 10.0.0.3 fallback = yes }\n"
	    "} service off { address = 192.0.2.11 port = 80 enabled = no\n"
	    "real a { address = 10.0.0.1 } }\n"
	    "service old { address = 192.0.2.12 port = 80\n"
	    "real a { address = 10.0.0.1 } } }\n", NULL, NULL), CTL_OK);
	assert_int_equal(run(world, "discover", "ipvs", "-np", NULL), CTL_OK);
	assert_string_equal(world->out, "- ipvs/http/gone\n- ipvs/old\n- ipvs/old/a\n"
	    "added 0, updated 0, removed 3, unchanged 6\n");
}

/* Writes or removes the file of the services that lbcluster-ipvs made for cluster ipvs. */
static void
own(const struct ctl_fixture *world, const char *key)
{
	struct ipvs_owned owned = { 0 };
	struct ipvs_key parsed;
	struct path path = path_of("ipvs", "", "");
	struct store *store;
	uint32_t id, none;
	struct err err;

	assert_int_equal(store_open(world->dir, STORE_READ, 1000, &store, &err), ERR_OK);
	assert_int_equal(store_find(store, &path, &id, &none, &none, &err), ERR_OK);
	store_close(store);
	if (key != NULL) {
		assert_true(ipvs_key_parse(key, &parsed));
		assert_true(ipvs_owned_add(&owned, &parsed));
	}
	assert_int_equal(ipvs_owned_write(ipvs_directory(), world->dir, id, &owned, &err), ERR_OK);
	ipvs_owned_done(&owned);
}

/* lbcluster-ipvs removes a server whose check fails from a service that it made. */
static void
prune_keeps_rows_of_a_service_that_the_driver_made(void **state)
{
	struct ctl_fixture *world = *state;

	table_with_a_missing_destination(world);
	own(world, "tcp 192.0.2.10:80");
	assert_int_equal(run(world, "discover", "ipvs", "-lp", NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 4\n");
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "diff", "ipvs", NULL), CTL_OK);
	/* Another program makes the service. */
	own(world, NULL);
	assert_int_equal(run(world, "discover", "ipvs", "-lp", NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 1, unchanged 3\n");
}

/* A machine that has just started, where lbcluster-ipvs does not run yet. */
static void
prune_of_an_empty_table_is_refused(void **state)
{
	struct ctl_fixture *world = *state;

	table_with_a_missing_destination(world);
	ipvs_fake_reset();
	assert_int_equal(run(world, "discover", "ipvs", "-lp", NULL), CTL_FAILURE);
	assert_string_equal(world->err, "lbclusterctl: IPVS has no service: nothing was loaded, "
	    "because --prune would remove all rows of ipvs; \"lbclusterctl remove\" removes "
	    "rows\n");
	assert_int_equal(run(world, "info", "ipvs/tcp-192.0.2.10-80/10.0.0.12-80", NULL), CTL_OK);
}

static void
prune_with_rows_that_are_left_out_is_refused(void **state)
{
	struct ctl_fixture *world = *state;
	struct ipvs_service *web;

	table_with_a_missing_destination(world);
	web = service_make("tcp 192.0.2.11:80", "rr", 0, 0, UINT32_MAX);
	dest_make(web, "10.0.0.4:80", IP_VS_CONN_F_TUNNEL, 1)->tunnel_type = 1;
	assert_int_equal(run(world, "discover", "ipvs", "-lp", NULL), CTL_FAILURE);
	assert_non_null(strstr(world->err, "--prune: nothing was loaded, because rows that are "
	    "left out would be removed\n"));
	assert_int_equal(run(world, "info", "ipvs/tcp-192.0.2.10-80/10.0.0.12-80", NULL), CTL_OK);
	assert_int_equal(run(world, "info", "ipvs/tcp-192.0.2.11-80", NULL), CTL_NOT_FOUND);
}

/* A fallback and a disabled server that are out, a disabled server that drains, a disabled
 * service. */
static void
diff_of_settings_does_not_show_what_lbcluster_makes(void **state)
{
	struct ctl_fixture *world = *state;
	struct ipvs_service *web = service_make("tcp 192.0.2.10:80", "wlc", 0, 0, UINT32_MAX);
	struct ipvs_dest *sorry;

	dest_make(web, "10.0.0.1:80", IP_VS_CONN_F_MASQ, 5);
	dest_make(web, "10.0.0.2:80", IP_VS_CONN_F_MASQ, 0);
	dest_make(service_make("tcp 192.0.2.11:80", "wlc", 0, 0, UINT32_MAX), "10.0.0.1:80",
	    IP_VS_CONN_F_MASQ, 0);
	sorry = dest_make(web, "10.0.0.3:80", IP_VS_CONN_F_MASQ, 0);
	assert_int_equal(load(world, "cluster ipvs {\n plane = ipvs\n service http {\n"
	    "address = 192.0.2.10 port = 80 check = connect scheduler = wlc forward = nat\n"
	    "real a { address = 10.0.0.1 port = 80 weight = 5 }\n"
	    "real out { address = 10.0.0.2 port = 80 weight = 9 enabled = no }\n"
	    "real sorry { address = 10.0.0.3 port = 80 weight = 9 fallback = yes }\n"
	    "} service off { address = 192.0.2.11 port = 80 enabled = no check = connect\n"
	    "scheduler = wlc forward = nat real a { address = 10.0.0.1 port = 80 } } }\n", NULL,
	    NULL), CTL_OK);
	assert_int_equal(run(world, "diff", "-S", "ipvs", NULL), CTL_OK);
	assert_string_equal(world->out, "");
	assert_string_equal(world->err, "");
	/* Weights of servers that get clients are compared. */
	sorry->weight = 7;
	assert_int_equal(run(world, "diff", "-S", "ipvs", NULL), CTL_FAILURE);
	assert_string_equal(world->out, "--- ipvs\n+++ ipvs\n~ ipvs/http/sorry weight 9 -> 7\n");
}

static void
diff_shows_what_discover_would_change(void **state)
{
	struct ctl_fixture *world = *state;
	struct ipvs_service *web;

	/* web has no data plane. The socket of ha is missing. */
	assert_int_equal(run(world, "diff", "web", NULL), CTL_UNKNOWN);
	assert_non_null(strstr(world->err, "no cluster has a data plane"));
	assert_int_equal(run(world, "diff", NULL), CTL_UNKNOWN);
	assert_non_null(strstr(world->err, "ha: /run/x: "));
	web = service_make("tcp 192.0.2.30:80", "rr", 0, 0, UINT32_MAX);
	dest_make(web, "10.0.0.11:80", IP_VS_CONN_F_MASQ, 1);
	assert_int_equal(run(world, "discover", "ipvs", "-l", NULL), CTL_OK);
	assert_int_equal(run(world, "diff", "ipvs", NULL), CTL_OK);
	assert_string_equal(world->out, "");
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "diff", "--json", "ipvs", NULL), CTL_OK);
	assert_string_equal(world->out, "[]\n");
	table_with_a_missing_destination(world);
	dest_make(service_make("tcp 192.0.2.20:80", "rr", 0, 0, UINT32_MAX), "10.0.0.1:80",
	    IP_VS_CONN_F_MASQ, 1);
	assert_int_equal(run(world, "diff", "ipvs", NULL), CTL_FAILURE);
	assert_string_equal(world->out, "--- ipvs\n+++ ipvs\n"
	    "- ipvs/tcp-192.0.2.10-80/10.0.0.12-80\n"
	    "+ ipvs/tcp-192.0.2.20-80\n"
	    "+ ipvs/tcp-192.0.2.20-80/10.0.0.1-80\n");
	assert_string_equal(world->err, "");
	assert_int_equal(run(world, "diff", "-j", "ipvs", NULL), CTL_FAILURE);
	assert_non_null(strstr(world->out, "{\"change\": \"remove\", \"path\": "
	    "\"ipvs/tcp-192.0.2.10-80/10.0.0.12-80\", \"column\": null, \"from\": null, "
	    "\"to\": null, \"source\": \"ipvs\"}"));
	/* Nothing was changed. */
	assert_int_equal(run(world, "info", "ipvs/tcp-192.0.2.10-80/10.0.0.12-80", NULL), CTL_OK);
	assert_int_equal(run(world, "info", "ipvs/tcp-192.0.2.20-80", NULL), CTL_NOT_FOUND);
}

static void
diff_compares_settings_on_request(void **state)
{
	struct ctl_fixture *world = *state;
	struct ipvs_service *web = service_make("tcp 192.0.2.10:80", "rr", 0, 0, UINT32_MAX);

	dest_make(web, "10.0.0.11:80", IP_VS_CONN_F_MASQ, 1);
	assert_int_equal(run(world, "discover", "ipvs", "-l", NULL), CTL_OK);
	assert_int_equal(run(world, "set-weight", "-W", "ipvs/tcp-192.0.2.10-80/10.0.0.11-80", "5",
	    NULL), CTL_OK);
	assert_int_equal(run(world, "diff", "ipvs", NULL), CTL_OK);
	assert_int_equal(run(world, "diff", "--settings", "ipvs", NULL), CTL_FAILURE);
	assert_non_null(strstr(world->out,
	    "\n~ ipvs/tcp-192.0.2.10-80/10.0.0.11-80 weight 5 -> 1\n"));
}

static void
diff_does_not_read_services_of_other_clusters(void **state)
{
	struct ctl_fixture *world = *state;

	service_make("tcp 192.0.2.10:80", "rr", 0, 0, UINT32_MAX);
	assert_int_equal(run(world, "discover", "ipvs", "-l", NULL), CTL_OK);
	service_make("tcp 192.0.2.11:80", "wlc", 0, 0, UINT32_MAX);
	assert_int_equal(load(world, "cluster lv2 {\n plane = ipvs\n service s {\n"
	    "address = 192.0.2.11 port = 80 check = none } }\n", NULL, NULL), CTL_OK);
	assert_int_equal(run(world, "diff", "ipvs", NULL), CTL_OK);
	assert_string_equal(world->out, "");
}

static void
diff_without_a_data_plane_is_unknown(void **state)
{
	struct ctl_fixture *world = *state;

	table_with_a_missing_destination(world);
	ipvs_fake.no_capability = true;
	assert_int_equal(run(world, "diff", "ipvs", NULL), CTL_UNKNOWN);
	assert_non_null(strstr(world->err, "ipvs: IPVS: Operation not permitted"));
	assert_int_equal(run(world, "diff", "none", NULL), CTL_NOT_FOUND);
	assert_int_equal(run(world, "diff", "web/http", NULL), CTL_USAGE);
}

static void
a_dry_run_needs_no_lock(void **state)
{
	struct ctl_fixture *world = *state;
	char path[128];
	sqlite3 *db;

	service_make("tcp 192.0.2.10:80", "rr", 0, 0, UINT32_MAX);
	assert_int_equal(run(world, "discover", "ipvs", "-l", NULL), CTL_OK);
	snprintf(path, sizeof(path), "%s/lbcluster.db", world->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(run(world, "discover", "ipvs", "-n", NULL), CTL_OK);
	assert_string_equal(world->out, "added 0, updated 0, removed 0, unchanged 2\n");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* -- errors --------------------------------------------------------------------------------- */

static void
a_kernel_that_refuses_is_reported(void **state)
{
	struct ctl_fixture *world = *state;

	ipvs_fake.no_capability = true;
	assert_int_equal(run(world, "discover", "ipvs", NULL), CTL_FAILURE);
	assert_string_equal(world->err, "lbclusterctl: IPVS: Operation not permitted; run this "
	    "command as root, or with the capability CAP_NET_ADMIN\n");
	ipvs_fake_reset();
	ipvs_fake.no_module = true;
	assert_int_equal(run(world, "discover", "ipvs", NULL), CTL_FAILURE);
	assert_string_equal(world->err, "lbclusterctl: IPVS: the kernel has no module ip_vs; run "
	    "modprobe ip_vs\n");
}

static void
operands_are_checked(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "discover", "nginx", NULL), CTL_USAGE);
	assert_int_equal(run(world, "discover", "ipvs", "extra", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "extra: is one operand too many\n"));
	assert_int_equal(run(world, "discover", "haproxy", NULL), CTL_USAGE);
	assert_non_null(strstr(world->err, "discover haproxy: the operand SOCKET is missing\n"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, ctl_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_service_has_the_settings_of_the_kernel),
		TEST(a_colon_of_an_address_is_a_hyphen),
		TEST(a_mark_without_ports_has_no_check),
		TEST(a_service_that_no_row_can_express_is_left_out),
		TEST(a_destination_that_no_row_can_express_is_left_out),
		TEST(a_missing_flag_of_the_scheduler_is_reported),
		TEST(what_discover_loads_is_what_it_finds_again),
		TEST(stored_rows_keep_their_names_and_checks),
		TEST(a_row_without_a_destination_is_reported),
		TEST(prune_removes_rows_of_the_cluster_that_the_kernel_lacks),
		TEST(prune_keeps_rows_that_the_driver_leaves_out_of_the_kernel),
		TEST(prune_keeps_rows_of_a_service_that_the_driver_made),
		TEST(diff_of_settings_does_not_show_what_lbcluster_makes),
		TEST(prune_of_an_empty_table_is_refused),
		TEST(prune_with_rows_that_are_left_out_is_refused),
		TEST(diff_shows_what_discover_would_change),
		TEST(diff_compares_settings_on_request),
		TEST(diff_does_not_read_services_of_other_clusters),
		TEST(diff_without_a_data_plane_is_unknown),
		TEST(a_dry_run_needs_no_lock),
		TEST(a_kernel_that_refuses_is_reported),
		TEST(operands_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
