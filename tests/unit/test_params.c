/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the parameters of services and real services: the table and its manual, the values and
 * defaults of a row, the rules of plane ipvs, and files that are written and read back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/inventory.h"
#include "plane/params.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- an inventory from a text ---------------------------------------------------------- */

/* Returns the diagnostics without the name of the file; *ret may be NULL. */
static char *
read_text(const char *text, struct inventory **ret)
{
	char name[] = "/tmp/lbc-params-XXXXXX", *message = NULL, *at;
	struct inventory *inventory = NULL;
	struct diagnostics diagnostics;
	struct err err = { 0 };
	size_t size;
	FILE *file = open_memstream(&message, &size);
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	inventory_read(name, &inventory, &diagnostics, &err);
	diagnostics_print(&diagnostics, file);
	diagnostics_free(&diagnostics);
	fclose(file);
	while ((at = strstr(message, name)) != NULL)
		memmove(at, at + strlen(name) + 1, strlen(at + strlen(name) + 1) + 1);
	unlink(name);
	if (ret != NULL)
		*ret = inventory;
	else
		inventory_free(inventory);
	return message;
}

/* -- refused files ------------------------------------------------------------------------- */

#define WEB(text) "cluster web { plane = ipvs service http {\n" text "\n} }\n"
#define VIP "address = 192.0.2.10 port = 80 "
#define VIP6 "address = \"2001:db8::1\" port = 80 "
#define SERVICE(options) WEB(VIP options "\nreal a { address = 10.0.0.1 port = 80 }")
#define REAL(service, options) WEB(VIP service "\nreal a { " options " }")
#define A "address = 10.0.0.1 port = 80 "
#define OF_SERVICE "1: web/http: "
#define OF_REAL "3: web/http/a: "
#define NO_ADDRESS "IPVS accepts no address of all zeros, no multicast address, and no link-local" \
    " IPv6 address; write another address\n"
#define NO_LITERAL "a service of plane ipvs needs an IPv4 or IPv6 address; write address =" \
    " 192.0.2.10," \
    " or fwmark\n"
#define REAL_NO_LITERAL "a real service of plane ipvs needs an IPv4 or IPv6 address; write" \
    " address =" \
    " 10.0.0.1\n"
#define NO_PORT "a service of plane ipvs needs a port of 1 to 65535; write port = 80\n"
#define MARK_ENDPOINT "a service with fwmark has no address and no port; remove them\n"
#define OTHER_FAMILY "its service has the other address family, which only forward = tunnel" \
    " can join;" \
    " write an address of the family of the service\n"
#define OTHER_PORT "the port differs from the service's, but packets keep their port with" \
    " forward =" \
    " dr and forward = tunnel; remove port, or write forward = nat\n"
#define LOOPBACK "forward = nat does not work with a loopback address; write an own address of" \
    " another interface, or forward = dr\n"
#define HUNDRED "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaa" \
    "aaaaaaaaaaa"

/* JSON writes two bytes for each. */
#define QUOTES50 "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"" \
    "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""
#define QUOTES250 QUOTES50 QUOTES50 QUOTES50 QUOTES50 QUOTES50

static const struct refusal {
	const char	*name, *text, *message;
} refusals[] = {
	/* one value */
	{ "number_below", SERVICE("persistence-mask = 0"),
	    "2: persistence-mask of web/http: \"0\" is not a whole number of 1 to 128\n" },
	{ "number_above", SERVICE("persistence = 2678401"),
	    "2: persistence of web/http: \"2678401\" is not a whole number of 0 to 2678400\n" },
	{ "fwmark_0", SERVICE("fwmark = 0"),
	    "2: fwmark of web/http: \"0\" is not a whole number of 1 to 4294967295\n" },
	{ "choice", SERVICE("forward = route"),
	    "2: forward of web/http: \"route\" is not one of nat, dr, tunnel\n" },
	{ "bool", SERVICE("one-packet = 1"),
	    "2: one-packet of web/http: \"1\" is not yes or no\n" },
	{ "seconds_of_four_decimals", SERVICE("check-timeout = 1.2345"),
	    "2: check-timeout of web/http: \"1.2345\" is not a number of 0.1 to 3600 seconds"
	        " with at"
	    " most three decimals\n" },
	{ "seconds_without_decimals", SERVICE("check-timeout = 1."),
	    "2: check-timeout of web/http: \"1.\" is not a number of 0.1 to 3600 seconds with at"
	    " most three decimals\n" },
	{ "seconds_below", SERVICE("check-retry = 0.099"),
	    "2: check-retry of web/http: \"0.099\" is not a number of 0.1 to 3600 seconds with at"
	    " most three decimals\n" },
	{ "address_with_zone", SERVICE("check-address = \"fe80::1%1\""),
	    "2: check-address of web/http: \"fe80::1%1\" is not an IPv4 or IPv6 address\n" },
	{ "path_relative", SERVICE("check-path = health"),
	    "2: check-path of web/http: \"health\" does not begin with /\n" },
	{ "path_with_a_new_header", SERVICE("check-path = \"/ HTTP/1.0\\r\\nX: y\""),
	    "2: check-path of web/http: has a character that is not printable ASCII, or a"
	        " space\n" },
	{ "text_empty", SERVICE("check-expect = \"\""),
	    "2: check-expect of web/http: is empty; remove it\n" },
	{ "text_long", SERVICE("check-expect = " HUNDRED HUNDRED HUNDRED),
	    "2: check-expect of web/http: has more than 256 bytes\n" },
	{ "command_is_no_path", SERVICE("check-command = \"/bin/sh\""),
	    "2: check-command of web/http: \"/bin/sh\" is not 1 to 64 of A-Z a-z 0-9 - . _\n" },
	{ "status_reversed", SERVICE("check-status = 300-200"),
	    "2: check-status of web/http: \"300-200\" is not a list of at most 8 statuses of 100 to"
	    " 599, as 200,301-302\n" },
	{ "given_twice", SERVICE("check = http\ncheck = none"),
	    "3: check of web/http is given twice, first at line 2\n" },
	{ "option_of_a_real_service_in_a_service", SERVICE("max-connections = 1"),
	    "2: no such option 'max-connections'\n" },
	{ "option_of_another_plane", "cluster a { service s {\nscheduler = rr\nreal r {\n"
	    "address = 10.0.0.1\ncheck = none } }\nmanage = all }",
	    "2: scheduler of a/s is not a parameter of plane none\n"
	    "6: manage of a is not a parameter of plane none\n" },
	{ "check_without_port_and_address", "cluster a { service s { check = connect\n"
	    "real r {\naddress = x.example } } }",
	    "2: a/s/r: the check needs an IPv4 or IPv6 address; write check-address = 10.0.0.1\n"
	    "2: a/s/r: the check has no port; write check-port = 80\n" },
	{ "check_of_other_data_plane", "cluster a { plane = haproxy socket = /s service s {\n"
	    "check = connect } }", "2: check of a/s is not a parameter of plane haproxy\n" },
	{ "accepted_check_without_plane", "cluster a { service s { check = connect\n"
	    "check-address = 10.0.0.1 check-port = 25 real r { address = x.example }\n"
	    "real q { address = y.example check = none } } }", "" },
	{ "too_long_in_all", SERVICE("check-path = '/" QUOTES250 QUOTES250 "' check-host = '"
	    QUOTES250 "' check-expect = '" QUOTES250 "'"),
	    "1: the parameters of web/http have more than 2000 bytes\n" },

	/* a service */
	{ "address_missing", WEB("port = 80"), OF_SERVICE NO_LITERAL },
	{ "address_is_a_name", WEB("address = www.example.org port = 80"), OF_SERVICE NO_LITERAL },
	{ "address_of_zeros", WEB("address = 0.0.0.0 port = 80"), OF_SERVICE NO_ADDRESS },
	{ "address_multicast", WEB("address = 224.0.0.1 port = 80"), OF_SERVICE NO_ADDRESS },
	{ "address_ipv6_of_zeros", WEB("address = \"::\" port = 80"), OF_SERVICE NO_ADDRESS },
	{ "address_ipv6_multicast", WEB("address = \"ff02::1\" port = 80"), OF_SERVICE NO_ADDRESS },
	{ "address_ipv6_link_local", WEB("address = \"fe80::1\" port = 80"),
	    OF_SERVICE NO_ADDRESS },
	{ "port_missing", WEB("address = 192.0.2.1"), OF_SERVICE NO_PORT },
	{ "mark_with_address", WEB("fwmark = 7 address = 192.0.2.1"), OF_SERVICE MARK_ENDPOINT },
	{ "mark_with_port", WEB("fwmark = 7 port = 80"), OF_SERVICE MARK_ENDPOINT },
	{ "family_without_mark", WEB(VIP "family = ipv6"),
	    OF_SERVICE "family is only for a service with fwmark; remove family\n" },
	{ "protocol_other", WEB(VIP "protocol = other"),
	    OF_SERVICE "IPVS has no protocol other; write protocol = tcp, udp or sctp\n" },
	{ "mask_without_persistence", WEB(VIP "persistence-mask = 24"),
	    OF_SERVICE "persistence-mask without persistence; write persistence = 300\n" },
	{ "mask_of_33_with_ipv4", WEB(VIP "persistence = 1 persistence-mask = 33"),
	    OF_SERVICE "persistence-mask is above 32, the bits of an IPv4 address\n" },
	{ "one_packet_with_tcp", WEB(VIP "one-packet = yes"),
	    OF_SERVICE "one-packet is only for protocol udp; remove one-packet\n" },
	{ "hash_port_with_wlc", WEB(VIP "hash-port = yes"),
	    OF_SERVICE "hash-port is only for scheduler sh or mh; remove hash-port\n" },
	{ "services_of_one_endpoint", "cluster a { plane = ipvs service s { " VIP " } }\n"
	    "cluster b { plane = ipvs\nservice u { " VIP "protocol = udp }\nservice t { "
	        VIP " } }",
	    "4: b/t: has the same protocol, address and port as a/s\n" },
	{ "services_of_one_mark", "cluster a { plane = ipvs\nservice s { fwmark = 1 }\n"
	    "service six { fwmark = 1 family = ipv6 }\nservice t { fwmark = 1 protocol = udp } }",
	    "4: a/t: has the same fwmark as a/s\n" },

	/* a real service */
	{ "real_address_is_a_name", REAL("", "address = a.example.org"), OF_REAL REAL_NO_LITERAL },
	{ "real_address_is_a_socket", REAL("", "address = \"unix@/run/x\""),
	    OF_REAL REAL_NO_LITERAL },
	{ "real_address_of_zeros", REAL("", "address = 0.0.0.0"), OF_REAL NO_ADDRESS },
	{ "real_of_the_other_family", REAL("", "address = \"2001:db8::2\""), OF_REAL OTHER_FAMILY },
	{ "real_of_the_other_family_of_a_mark",
	    WEB("fwmark = 1 family = ipv6 check = none\nreal a { address = 10.0.0.1 }"),
	    OF_REAL OTHER_FAMILY },
	{ "dr_with_another_port", REAL("forward = dr", "address = 10.0.0.1 port = 8080"),
	    OF_REAL OTHER_PORT },
	{ "tunnel_with_another_port", REAL("", "address = 10.0.0.1 port = 8080 forward = tunnel"),
	    OF_REAL OTHER_PORT },
	{ "dr_with_a_port_and_mark", WEB("fwmark = 1 forward = dr\nreal a { " A "}"),
	    OF_REAL OTHER_PORT },
	{ "nat_to_loopback", REAL("", "address = 127.0.0.2 port = 80"), OF_REAL LOOPBACK },
	{ "nat_to_loopback_of_ipv6", WEB(VIP6 "\nreal a { address = \"::1\" }"), OF_REAL LOOPBACK },
	{ "one_packet_with_nat", REAL("protocol = udp one-packet = yes", A),
	    OF_REAL "answers are lost with one-packet and forward = nat; write forward = dr or"
	    " tunnel\n" },
	{ "min_above_max", REAL("", A "max-connections = 5 min-connections = 6"),
	    OF_REAL "min-connections is above max-connections\n" },
	{ "min_without_max", REAL("", A "min-connections = 1"),
	    OF_REAL "min-connections is above max-connections\n" },
	{ "check_of_a_mark_without_port", WEB("fwmark = 1\nreal a { address = 10.0.0.1 }"),
	    OF_REAL "the check has no port; write check-port = 80\n" },
	{ "check_without_command", REAL("check = command", A),
	    OF_REAL "check = command without a command; write check-command = NAME\n" },
	{ "reals_of_one_endpoint", WEB(VIP "\nreal a { address = 10.0.0.1 }\nreal b { " A "}"),
	    "4: web/http/b: has the same address and port as a\n" },
	{ "all_errors_are_reported", WEB(VIP "one-packet = yes hash-port = yes\n"
	    "real a { address = 127.0.0.1 min-connections = 1 }"),
	    OF_SERVICE "one-packet is only for protocol udp; remove one-packet\n"
	    OF_SERVICE "hash-port is only for scheduler sh or mh; remove hash-port\n"
	    OF_REAL LOOPBACK
	    OF_REAL "answers are lost with one-packet and forward = nat; write forward = dr or"
	    " tunnel\n"
	    OF_REAL "min-connections is above max-connections\n" },

	/* The other side of each rule is accepted. */
	{ "accepted_nat", REAL("", "address = 10.0.0.1 port = 8080"), "" },
	{ "accepted_dr", REAL("forward = dr", A), "" },
	{ "accepted_dr_without_port", REAL("forward = dr", "address = 10.0.0.1"), "" },
	{ "accepted_dr_to_loopback", REAL("", A "fallback = yes forward = dr"), "" },
	{ "accepted_tunnel_of_another_family",
	    REAL("forward = tunnel", "address = \"2001:db8::2\""), "" },
	{ "accepted_ipv6", WEB(VIP6 "persistence = 1 persistence-mask = 64\n"
	    "real a { address = \"2001:db8::2\" port = 1 }"), "" },
	{ "accepted_one_packet", REAL("protocol = udp one-packet = yes forward = dr", A), "" },
	{ "accepted_hash_port", REAL("scheduler = mh hash-port = yes", A), "" },
	{ "accepted_thresholds", REAL("", A "max-connections = 5 min-connections = 5"), "" },
	{ "accepted_mark", WEB("fwmark = 4294967295 check-port = 80\nreal a { address ="
	    " 10.0.0.1 }"),
	    "" },
	{ "accepted_command", REAL("check = command check-command = mysql", A), "" },
	{ "accepted_same_endpoint_without_plane",
	    "cluster a { service s { " VIP " } service t { " VIP " } }", "" },
};

static void
refusal_test(void **state)
{
	const struct refusal *refusal = *state;
	char *message = read_text(refusal->text, NULL);

	assert_string_equal(message, refusal->message);
	free(message);
}

/* -- the values of a row ---------------------------------------------------------------------- */

static void
row_without_parameters_has_the_defaults(void **state)
{
	struct params params;
	struct err err;

	(void)state;
	assert_int_equal(params_service("ipvs", "", PROTOCOL_TCP, &params, &err), ERR_OK);
	assert_int_equal(params.scheduler, PARAM_WLC);
	assert_string_equal(param_schedulers[params.scheduler], "wlc");
	assert_int_equal(params.forward, PARAM_NAT);
	assert_int_equal(params.persistence, 0);
	assert_int_equal(params.persistence_mask, 0);
	assert_int_equal(params.on_failure, PARAM_REMOVE);
	assert_int_equal(params.check, PARAM_CHECK_CONNECT);
	assert_string_equal(params.check_path, "/");
	assert_int_equal(params.check_status[0].from, 200);
	assert_int_equal(params.check_status[0].to, 399);
	assert_int_equal(params.check_status[1].to, 0);
	assert_int_equal(params.check_interval_ms, 5000);
	assert_int_equal(params.check_retry_ms, 1000);
	assert_int_equal(params.check_timeout_ms, 2000);
	assert_int_equal(params.check_rise, 2);
	assert_int_equal(params.check_fall, 3);
	assert_false(params.damping);
	assert_int_equal(params_service("ipvs", "", PROTOCOL_UDP, &params, &err), ERR_OK);
	assert_int_equal(params.check, PARAM_CHECK_NONE);
}

static void
option_is_of_its_plane_or_of_all_with_checks(void **state)
{
	const struct param_key *check = param_key_find(PARAM_SERVICE, "check");
	const struct param_key *scheduler = param_key_find(PARAM_SERVICE, "scheduler");

	(void)state;
	assert_true(param_key_of(scheduler, "ipvs"));
	assert_false(param_key_of(scheduler, "none"));
	assert_false(param_key_of(scheduler, "ip"));
	assert_true(param_key_of(check, "ipvs"));
	assert_false(param_key_of(check, "haproxy"));
	assert_false(param_key_of(check, ""));
}

static void
real_service_overrides_its_service(void **state)
{
	struct params params;
	struct err err;

	(void)state;
	assert_int_equal(params_real("ipvs", "{\"check\":\"https\",\"check-path\":\"/long\","
	    "\"check-status\":\"200,301-302\",\"forward\":\"dr\",\"check-verify\":true,"
	    "\"check-timeout\":0.25,\"check-interval\":30,\"scheduler\":\"ovf\"}",
	    "{\"check-path\":\"/a\",\"forward\":\"nat\",\"check-port\":81,\"max-connections\":7}",
	    PROTOCOL_TCP, &params, &err), ERR_OK);
	assert_int_equal(params.check, PARAM_CHECK_HTTPS);
	assert_string_equal(params.check_path, "/a");
	assert_int_equal(params.check_status[1].from, 301);
	assert_int_equal(params.check_status[1].to, 302);
	assert_int_equal(params.forward, PARAM_NAT);
	assert_true(params.check_verify);
	assert_int_equal(params.check_port, 81);
	assert_int_equal(params.max_connections, 7);
	assert_int_equal(params.check_timeout_ms, 250);
	assert_int_equal(params.check_interval_ms, 30000);
	assert_int_equal(params.scheduler, PARAM_OVF);
}

/* Other programs may write a number or a boolean as text. */
static void
value_as_text_is_accepted(void **state)
{
	struct params params;
	struct err err;

	(void)state;
	assert_int_equal(params_service("ipvs",
	    " {\"persistence\": \"300\", \"one-packet\": \"yes\"}",
	    PROTOCOL_UDP, &params, &err), ERR_OK);
	assert_int_equal(params.persistence, 300);
	assert_true(params.one_packet);
}

static void
invalid_parameters_of_a_row_are_reported(void **state)
{
	static const struct {
		const char	*params, *message;
	} cases[] = {
		{ "[]", "the parameters are not a JSON object" },
		{ "{", "the parameters are not a JSON object" },
		{ "{\"colour\":1}", "colour is not a parameter of plane ipvs" },
		{ "{\"max-connections\":1}", "max-connections is not a parameter of plane ipvs" },
		{ "{\"persistence\":-1}",
		    "persistence \"-1\" is not a whole number of 0 to 2678400" },
		{ "{\"persistence\":[1]}", "persistence has no valid value" },
		{ "{\"check\":null}", "check has no valid value" },
		{ "{\"check-timeout\":1e99}",
		    "check-timeout \"1e+99\" is not a number of 0.1 to 3600 "
		    "seconds with at most three decimals" },
		{ "{\"check-path\":\"/\\u00e4\"}",
		    "check-path has a character that is not printable ASCII, or a space" },
	};
	struct params params;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(params_service("ipvs", cases[i].params, PROTOCOL_TCP,
		    &params, &err),
		    ERR_INVALID);
		assert_string_equal(err.text, cases[i].message);
	}
	assert_int_equal(params_service("haproxy", "{\"scheduler\":\"rr\"}", PROTOCOL_TCP, &params,
	    &err), ERR_INVALID);
	assert_string_equal(err.text, "scheduler is not a parameter of plane haproxy");
}

static void
keep_text(void *arg, const struct rules_service *service, const struct rules_real *real,
    const char *text)
{
	size_t used = strlen(arg);

	(void)service;
	(void)real;
	snprintf((char *)arg + used, 1000 - used, "%s\n", text);
}

static void
rules_hold_for_rows_that_another_program_wrote(void **state)
{
	const struct rules_real reals[] = {
		{ .name = "a", .address = "10.0.0.1", .port = "x", .params = "" },
		{ .name = "b", .address = "10.0.0.2", .port = "80", .params = "{\"x\":1}" },
	};
	const struct rules_service services[] = {
		{ .plane = "ipvs",
		  .cluster = "c", .name = "s", .address = "192.0.2.1", .port = "0", .params = "",
		  .protocol = PROTOCOL_TCP, .reals = reals, .n = 2 },
		{ .plane = "ipvs",
		  .cluster = "c", .name = "t", .address = "", .port = "", .params = "{",
		  .protocol = PROTOCOL_TCP },
	};
	char text[1000] = "";

	(void)state;
	assert_int_equal(plane_rules_judge(services, 2, keep_text, text), ERR_OK);
	assert_string_equal(text, "c/s: " NO_PORT
	    "c/s/a: the port is not a number of 1 to 65535; write port = 80\n"
	    "c/s/b: x is not a parameter of plane ipvs\n"
	    "c/t: the parameters are not a JSON object\n");
	assert_int_equal(plane_rules_judge(NULL, 0, keep_text, text), ERR_OK);
}

/* -- normal form ------------------------------------------------------------------------------ */

#define FULL                                                                   \
    "cluster web { plane = ipvs manage = settings\n"                           \
    "service full { " VIP "scheduler = mh forward = tunnel persistence = 60\n" \
    "persistence-mask = 24 hash-port = on on-failure = drain drain-time = 90 slow-start = 30\n" \
    "check = https check-port = 8443 check-address = 10.1.1.1 check-path = \"/a?b=c&d=\\${x}\"\n" \
    "check-host = \"www.example.org:80\" check-method = HEAD check-status = 200\n" \
    "check-expect = \"\\\"all\\\" good # \\\\\" check-verify = yes check-command = mysql\n" \
    "check-interval = 10.125 check-retry = 0.5 check-timeout = 1.5 check-rise = 1\n" \
    "check-fall = 010 damping = yes\n"                                        \
    "real a { address = 10.0.0.1 check = none forward = dr max-connections = 9\n" \
    "min-connections = 3 } }\n"                                                \
    "service udp { protocol = udp " VIP "forward = dr one-packet = yes }\n"     \
    "service mark { fwmark = 9 family = ipv6 } }\n"

static char *
written(const struct inventory *inventory)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct err err;

	assert_true(inventory_write(inventory, file, &err));
	fclose(file);
	return text;
}

static void
every_option_is_written_and_read_back(void **state)
{
	struct inventory *inventory, *again;
	char *message = read_text(FULL, &inventory), *first, *second;
	const struct inventory_service *service, *same;

	(void)state;
	assert_string_equal(message, "");
	free(message);
	first = written(inventory);
	for (const struct param_key *key = param_keys; key->name != NULL; key++) {
		char option[64];

		snprintf(option, sizeof(option), " %s = ", key->name);
		if (param_key_of(key, "ipvs") && strstr(first, option) == NULL)
			fail_msg("%s is not written", key->name);
	}
	message = read_text(first, &again);
	assert_string_equal(message, "");
	free(message);
	second = written(again);
	assert_string_equal(first, second);
	service = inventory_service(inventory->clusters, "full");
	same = inventory_service(again->clusters, "full");
	assert_string_equal(service->params, same->params);
	assert_string_equal(service->reals->params, same->reals->params);
	assert_string_equal(inventory->clusters->params, "{\"manage\":[\"settings\"]}");
	assert_non_null(strstr(service->params, "\"check-fall\":10,"));
	assert_non_null(strstr(service->params, "\"check-interval\":10.125,"));
	assert_non_null(strstr(service->params, "\"hash-port\":true,"));
	free(first);
	free(second);
	inventory_free(inventory);
	inventory_free(again);
}

static void
default_is_not_stored_but_in_a_real_service_that_overrides(void **state)
{
	struct inventory *inventory;
	char *message = read_text(WEB(VIP "scheduler = wlc check-path = / persistence = 0\n"
	    "check-timeout = 2.000 check-status = 200-399 forward = dr one-packet = no\n"
	    "real a { " A "max-connections = 0 forward = nat }"), &inventory);
	const struct inventory_service *service;

	(void)state;
	assert_string_equal(message, "");
	service = inventory_service(inventory->clusters, "http");
	assert_string_equal(service->params, "{\"forward\":\"dr\"}");
	assert_string_equal(service->reals->params, "{\"forward\":\"nat\"}");
	inventory_free(inventory);
	free(message);
}

static void
parameters_without_a_form_in_a_file_are_reported(void **state)
{
	struct inventory *inventory;
	char *message = read_text(WEB(VIP), &inventory), *text = NULL;
	struct inventory_service *service = inventory->clusters->services;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct err err;

	(void)state;
	free(service->params);
	service->params = strdup("{\"check\":\"none\",\"colour\":[1]}");
	assert_false(inventory_write(inventory, file, &err));
	fclose(file);
	assert_string_equal(err.text, "web/http: parameters"
	    " {\"check\":\"none\",\"colour\":[1]} cannot "
	    "be written to a file");
	inventory_free(inventory);
	free(message);
	free(text);
}

/* -- the manual ------------------------------------------------------------------------------ */

static char *
manual_read(void)
{
	const char *top = getenv("abs_top_srcdir");
	char path[500], *text = calloc(1, 200000);
	FILE *file;

	snprintf(path, sizeof(path), "%s/doc/lbclusterctl.1", top == NULL ? "." : top);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, 199999, file) > 1000);
	fclose(file);
	return text;
}

/* Writes the line that begins the entry of an option. */
static void
entry_begin(const struct param_key *key, char buf[200])
{
	static const char *const args[] = {
		[PARAM_NUMBER] = "Ar number", [PARAM_SECONDS] = "Ar seconds",
		[PARAM_BOOL] = "Cm yes | no", [PARAM_ADDRESS] = "Ar address",
		[PARAM_TEXT] = "Ar text", [PARAM_WORD] = "Ar text", [PARAM_NAME] = "Ar name",
		[PARAM_STATUS] = "Ar list", [PARAM_SOCKET] = "Ar socket",
	};
	size_t used = (size_t)snprintf(buf, 200, "\n.It Cm %s No = %s", key->name,
	    key->choices != NULL ? "Cm" : args[key->type]);

	for (size_t i = 0; key->choices != NULL && key->choices[i] != NULL; i++)
		used += (size_t)snprintf(buf + used, 200 - used, "%s %s", i == 0 ? "" : " |",
		    key->choices[i]);
}

static void
manual_has_each_option_with_its_default(void **state)
{
	char *manual = manual_read(), line[200], text[60];

	(void)state;
	for (const struct param_key *key = param_keys; key->name != NULL; key++) {
		const char *entry, *at, *end;

		entry_begin(key, line);
		entry = strstr(manual, line);
		if (entry == NULL)
			fail_msg("no entry%s", line);
		end = strstr(entry + 1, "\n.It ");
		snprintf(text, sizeof(text), "\nDefault: %s.\n", key->value == NULL ? ""
		    : key->value);
		at = strstr(entry, text);
		if (key->value != NULL && (at == NULL || at > end))
			fail_msg("%s: no line%s", key->name, text);
	}
	free(manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_without_parameters_has_the_defaults),
		cmocka_unit_test(option_is_of_its_plane_or_of_all_with_checks),
		cmocka_unit_test(real_service_overrides_its_service),
		cmocka_unit_test(value_as_text_is_accepted),
		cmocka_unit_test(invalid_parameters_of_a_row_are_reported),
		cmocka_unit_test(rules_hold_for_rows_that_another_program_wrote),
		cmocka_unit_test(every_option_is_written_and_read_back),
		cmocka_unit_test(default_is_not_stored_but_in_a_real_service_that_overrides),
		cmocka_unit_test(parameters_without_a_form_in_a_file_are_reported),
		cmocka_unit_test(manual_has_each_option_with_its_default),
	};
	struct CMUnitTest of_refusals[COUNT(refusals)];
	int failed = cmocka_run_group_tests_name("params", tests, NULL, NULL);

	for (size_t i = 0; i < COUNT(refusals); i++)
		of_refusals[i] = (struct CMUnitTest){ refusals[i].name, refusal_test, NULL, NULL,
			(void *)(uintptr_t)&refusals[i] };
	return failed + cmocka_run_group_tests_name("params_refusals", of_refusals, NULL, NULL);
}
