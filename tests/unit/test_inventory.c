/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the inventory file: accepted options, each diagnostic with its line, and files that
 * are written and read back.
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

#include "conf/conf_text.h"
#include "ctl/inventory.h"
#include "util/memory.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- a file from a text ------------------------------------------------------- */

static char *
file_make(const char *text, size_t length)
{
	char *name = strdup("/tmp/lbc-inventory-XXXXXX");
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	close(fd);
	return name;
}

/* Returns the diagnostics of a text, with F as the name of the file. *ret may be NULL. */
static char *
read_text(const char *text, size_t length, struct inventory **ret)
{
	char *name = file_make(text, length), *message = NULL, *at;
	struct inventory *inventory = NULL;
	struct diagnostics diagnostics;
	enum err_code code;
	struct err err = { 0 };
	size_t size;
	FILE *file = open_memstream(&message, &size);

	code = inventory_read(name, &inventory, &diagnostics, &err);
	diagnostics_print(&diagnostics, file);
	if (code != ERR_OK && strncmp(err.text + strlen(name), ": not loaded", 12) != 0)
		fprintf(file, "%s\n", err.text);
	fclose(file);
	while ((at = strstr(message, name)) != NULL) {
		*at = 'F';
		memmove(at + 1, at + strlen(name), strlen(at + strlen(name)) + 1);
	}
	unlink(name);
	free(name);
	assert_true((code == ERR_OK) == (inventory != NULL));
	if (ret != NULL)
		*ret = inventory;
	else
		inventory_free(inventory);
	return message;
}

static struct inventory *
read_good(const char *text)
{
	struct inventory *inventory;
	char *message = read_text(text, strlen(text), &inventory);

	assert_string_equal(message, "");
	assert_non_null(inventory);
	free(message);
	return inventory;
}

/* -- refused files --------------------------------------------------- */

#define IN_WEB(text) "cluster web {\n service http {\n" text "\n}\n}\n"
#define REAL(options) IN_WEB("  real web-1 { " options " }")
#define A "address = 10.0.0.1 "
#define NAME_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define SOCKET_FORMS "write /PATH, ipv4@ADDRESS:PORT, ipv6@[ADDRESS]:PORT or ADDRESS:PORT with a" \
    " numeric ADDRESS"

static const struct refusal {
	const char	*name;
	const char	*text;
	const char	*message;
} refusals[] = {
	{ "weight_above_range_is_refused", REAL(A "weight = 70000"),
	    "F:3: weight 70000 of web/http/web-1 is above 65535\n" },
	{ "weight_of_many_digits_is_refused", REAL(A "weight = 99999999999999999999999"),
	    "F:3: weight 99999999999999999999999 of web/http/web-1 is above 65535\n" },
	{ "weight_of_letters_is_refused", REAL(A "weight = ten"),
	    "F:3: weight \"ten\" of web/http/web-1 is not a whole number of 0 to 65535\n" },
	{ "weight_below_zero_is_refused", REAL(A "weight = -1"),
	    "F:3: weight -1 of web/http/web-1 is below 0\n" },
	{ "weight_with_semicolon_is_refused", REAL(A "weight = 1;"),
	    "F:3: weight \"1;\" of web/http/web-1 is not a whole number of 0 to 65535\n" },
	{ "weight_above_the_limit_of_the_plane_is_refused",
	    "cluster web {\n service http {\n  real a { " A "\n   weight = 257 } }\n"
	    "plane = haproxy socket = /run/x }\n",
	    "F:4: weight 257 of web/http/a is above 256, the limit of plane haproxy\n" },
	{ "weight_given_twice_is_refused", REAL(A "weight = 1\nweight = 1"),
	    "F:4: weight of web/http/web-1 is given twice, first at line 3\n" },
	{ "weight_in_hexadecimal_is_refused", REAL(A "weight = 0x10"),
	    "F:3: weight \"0x10\" of web/http/web-1 is not a whole number of 0 to 65535\n" },
	{ "weight_with_fraction_is_refused", REAL(A "weight = 1.5"),
	    "F:3: weight \"1.5\" of web/http/web-1 is not a whole number of 0 to 65535\n" },
	{ "port_zero_is_refused", REAL(A "port = 0"),
	    "F:3: port \"0\" of web/http/web-1 is not a whole number of 1 to 65535\n" },
	{ "port_above_range_is_refused", IN_WEB("port = 65536"),
	    "F:3: port \"65536\" of web/http is not a whole number of 1 to 65535\n" },
	{ "port_of_letters_is_refused", IN_WEB("port = http"),
	    "F:3: port \"http\" of web/http is not a whole number of 1 to 65535\n" },
	{ "protocol_unknown_is_refused", IN_WEB("protocol = icmp"),
	    "F:3: protocol \"icmp\" of web/http is not one of tcp, udp, sctp, other\n" },
	{ "plane_unknown_is_refused", "cluster web {\n\nplane = nginx }",
	    "F:3: plane \"nginx\" of web is not one of none, haproxy, ipvs\n" },
	{ "address_nearly_ipv4_is_refused", REAL("address = 10.0.0.300"),
	    "F:3: address of web/http/web-1: \"10.0.0.300\" is not an IPv4 address, IPv6 "
	    "address or host name\n" },
	{ "address_nearly_ipv6_is_refused", IN_WEB("address = \"2001:db8::g\""),
	    "F:3: address of web/http: \"2001:db8::g\" is not an IPv6 address; the port is not "
	    "part of the address\n" },
	{ "fallback_neither_yes_nor_no_is_refused", REAL(A "fallback = maybe"),
	    "F:3: fallback \"maybe\" of web/http/web-1 is not yes or no\n" },
	{ "enabled_neither_yes_nor_no_is_refused", REAL(A "enabled = 1"),
	    "F:3: enabled \"1\" of web/http/web-1 is not yes or no\n" },
	{ "fallback_second_in_service_is_refused",
	    IN_WEB("real a { " A "\nfallback = yes }\nreal b { fallback = yes\n" A "}"),
	    "F:5: web/http/b is a second fallback of its service, after a at line 4\n" },
	{ "name_with_space_is_refused", "cluster \"we b\" { }",
	    "F:1: name \"we b\" of a cluster is not 1 to 64 of A-Z a-z 0-9 - . _\n" },
	{ "name_empty_is_refused", "cluster web {\nservice '' { } }",
	    "F:2: name \"\" of a service is not 1 to 64 of A-Z a-z 0-9 - . _\n" },
	{ "name_of_65_is_refused", IN_WEB("real " NAME_64 "a { " A "}"),
	    "F:3: name \"" NAME_64 "a\" of a real service is not 1 to 64 of A-Z a-z 0-9 - . _\n" },
	{ "control_character_of_a_name_is_replaced", "cluster \"\\e[2J\" { }",
	    "F:1: name \"?[2J\" of a cluster is not 1 to 64 of A-Z a-z 0-9 - . _\n" },
	{ "cluster_twice_is_refused", "cluster a { plane = none }\ncluster b { }\ncluster a { }",
	    "F:3: a is given twice, first at line 1\n" },
	{ "service_twice_is_refused", "cluster a {\n service s { port = 1 }\n service s {\n"
	    "port = 2 } }", "F:3: a/s is given twice, first at line 2\n" },
	{ "real_twice_is_refused", IN_WEB("real a { " A "}\nreal b { " A "}\nreal a {\n" A "}"),
	    "F:5: web/http/a is given twice, first at line 3\n" },
	{ "parameter_of_another_plane_is_refused", "cluster a {\n socket = /run/x\n}",
	    "F:2: socket of a is not a parameter of plane none\n" },
	{ "parameter_empty_is_refused", "cluster a {\nplane = haproxy\nsocket = { \"\" } }",
	    "F:3: socket of a: \"\" is not a runtime socket of HAProxy: the port is missing; "
	    SOCKET_FORMS "\n" },
	{ "socket_with_a_relative_path_is_refused", "cluster a {\nplane = haproxy\n"
	    "socket = \"run/x.sock\" }", "F:3: socket of a: \"run/x.sock\" is not a runtime socket"
	    " of HAProxy: unknown form; " SOCKET_FORMS "\n" },
	{ "socket_with_a_host_name_is_refused", "cluster a {\nplane = haproxy\n"
	    "socket = \"ha.test:9999\" }", "F:3: socket of a: \"ha.test:9999\" is not a runtime"
	    " socket of HAProxy: a host name is not looked up; " SOCKET_FORMS "\n" },
	{ "socket_of_another_machine_gives_a_warning", "cluster a {\nplane = haproxy\n"
	    "socket = \"ipv4@192.0.2.1:9999\" }", "F:3: warning: socket ipv4@192.0.2.1:9999 of a"
	    " is reachable from the network: the Runtime API has no password and no encryption\n" },
	{ "sockets_of_this_machine_are_accepted", "cluster a {\nplane = haproxy\nsocket = { /run/x,"
	    " \"unix@/run/y\", \"127.0.0.1:9999\", \"[::1]:9999\", \"ipv6@[::1]:9998\" } }", "" },
	{ "socket_missing_is_refused", "cluster a {\n\nplane = haproxy\n}",
	    "F:3: a has plane haproxy and no socket; write socket = /run/haproxy/admin.sock\n" },
	{ "sockets_too_many_are_refused", "cluster a {\nplane = haproxy\nsocket = { /1, /2, /3,"
	    " /4, /5, /6, /7, /8, /9 } }", "F:3: a names 9 sockets; a cluster has 8 at most\n" },
	{ "socket_twice_is_refused", "cluster a {\nplane = haproxy\nsocket = { /1, /2,"
	    " \"unix@/1\" } }",
	    "F:3: a names the socket unix@/1 twice\n" },
	{ "socket_list_given_twice_is_refused", "cluster a {\nplane = haproxy\nsocket = /1\n"
	    "socket = { /2, /3 } }", "F:4: socket of a is given twice, first at line 3\n" },
	{ "socket_list_with_an_addition_is_accepted", "cluster a {\nplane = haproxy\n"
	    "socket = /1\nsocket += { /2, /3 } }", "" },
	{ "socket_over_tcp_twice_is_refused", "cluster a {\nplane = haproxy\nsocket = {"
	    " \"127.0.0.1:99\", \"ipv4@127.0.0.1:99\" } }",
	    "F:3: a names the socket ipv4@127.0.0.1:99 twice\n" },
	{ "parameter_not_utf8_is_refused", "cluster a {\nplane = haproxy\nsocket = \"/\\xff\" }",
	    "F:3: socket of a is not UTF-8, which JSON requires\n" },
	{ "foreign_changes_of_another_plane_is_refused",
	    "cluster a {\nforeign-changes = keep }",
	    "F:2: foreign-changes of a is not a parameter of plane none\n" },
	{ "foreign_changes_of_another_value_is_refused",
	    "cluster a { plane = haproxy socket = /run/x\nforeign-changes = Keep }",
	    "F:2: foreign-changes of a: \"Keep\" is not one of restore, keep\n" },
	{ "foreign_changes_of_two_values_is_refused",
	    "cluster a { plane = haproxy socket = /run/x\nforeign-changes = { keep, restore } }",
	    "F:2: foreign-changes of a has more than one value\n" },
	{ "option_unknown_is_refused", "cluster a {\n\n\ncolour = blue }",
	    "F:4: no such option 'colour'\n" },
	{ "section_out_of_place_is_refused", "cluster a {\n real b { } }",
	    "F:2: no such option 'real'\n" },
	{ "include_is_refused", "include(\"/etc/passwd\")", "F:1: no such option 'include'\n" },
	{ "option_without_a_name_is_refused", "\n'' = 1", "F:2: invalid syntax\n" },
	{ "title_missing_is_refused", "\ncluster { }",
	    "F:2: missing title for section 'cluster'\n" },
	{ "equals_missing_is_refused", "cluster a { plane none }",
	    "F:1: missing equal sign after option 'plane'\n" },
	{ "brace_missing_is_refused", "cluster b { }\ncluster a {\n service s {\n}\n",
	    "F:2: the { in this line is never closed; add }\n" },
	{ "brace_missing_within_is_refused", IN_WEB("real a { " A "\nreal b { " A "}"),
	    "F:4: no such option 'real'\n" },
	{ "brace_too_many_is_refused", "cluster a { }\n}", "F:2: unexpected closing brace\n" },
	{ "quote_missing_is_refused", "cluster a {\n plane = \"none\n}\n",
	    "F:2: the quoted text does not end on its line; add the closing quote\n" },
	{ "quote_missing_before_another_is_refused",
	    "cluster a {\n plane = \"none\n}\ncluster b\" { }\n",
	    "F:2: the quoted text does not end on its line; add the closing quote\n" },
	{ "comment_without_end_is_refused", "cluster a { }\n/* and\nso on",
	    "F:2: the comment is never closed; add */\n" },
	{ "variable_is_refused", "cluster a { plane = ${HOME} }",
	    "F:1: ${ begins a variable, which is not replaced; write its value\n" },
	{ "variable_in_quotes_is_refused", "\ncluster a { plane = \"x${HOME}\" }",
	    "F:2: ${ begins a variable, which is not replaced; write its value\n" },
	{ "errors_of_all_lines_are_reported", IN_WEB("port = 0\naddress = 1.2.3.4.5\n"
	    "real a { weight = x\nport = y }"),
	    "F:3: port \"0\" of web/http is not a whole number of 1 to 65535\n"
	    "F:4: address of web/http: \"1.2.3.4.5\" is not an IPv4 address, IPv6 address or "
	    "host name\n"
	    "F:5: weight \"x\" of web/http/a is not a whole number of 0 to 65535\n"
	    "F:5: warning: web/http/a has no address; an address in the store is kept\n"
	    "F:6: port \"y\" of web/http/a is not a whole number of 1 to 65535\n" },
	/* libConfuse counts lines wrongly after a comment. */
	{ "line_after_comments_is_right",
	    "# one\n// two\n/* three\n   four */ cluster a { /* x */ # y\n// \"z\n"
	    "plane = x//y # \"\n}",
	    "F:6: plane \"x//y\" of a is not one of none, haproxy, ipvs\n" },
	{ "line_of_crlf_is_right", "cluster a {\r\n\r\nplane = x\r\n}\r\n",
	    "F:3: plane \"x\" of a is not one of none, haproxy, ipvs\n" },
	{ "line_after_a_byte_order_mark_is_right", "\xEF\xBB\xBF" "cluster a {\nplane = x\n}\n",
	    "F:2: plane \"x\" of a is not one of none, haproxy, ipvs\n" },
	{ "byte_order_mark_inside_a_file_is_refused", "cluster a { }\n\xEF\xBB\xBF",
	    "F:2: no such option '\xEF\xBB\xBF'\n" },
	/* Accepted, some with a warning. */
	{ "byte_order_mark_is_skipped", "\xEF\xBB\xBF" "cluster a { }\n", "" },
	{ "byte_order_mark_alone_is_an_empty_file", "\xEF\xBB\xBF", "" },
	{ "missing_address_gives_a_warning", IN_WEB("real web-1 { port = 80 }"),
	    "F:3: warning: web/http/web-1 has no address; an address in the store is kept\n" },
	{ "missing_address_of_an_empty_section_gives_a_warning", IN_WEB("real web-1 { }"),
	    "F:3: warning: web/http/web-1 has no address; an address in the store is kept\n" },
	{ "empty_address_and_port_are_accepted", REAL("address = \"\"\nport = \"\""), "" },
	{ "disabled_fallback_gives_a_warning", REAL(A "enabled = no\nfallback = yes"),
	    "F:4: warning: web/http/web-1 is fallback but not enabled; it gets no "
	    "traffic, and its service can have no other fallback\n" },
};

static void
refusal_test(void **state)
{
	const struct refusal *refusal = *state;
	char *message = read_text(refusal->text, strlen(refusal->text), NULL);

	assert_string_equal(message, refusal->message);
	free(message);
}

static void
nul_byte_is_refused(void **state)
{
	static const char text[] = "cluster a { }\n\n# \0\n";
	char *message = read_text(text, sizeof(text) - 1, NULL);

	(void)state;
	assert_string_equal(message, "F:3: has a NUL byte: the file is not a text\n");
	free(message);
}

static void
line_too_long_is_refused(void **state)
{
	size_t length = CONF_TEXT_LINE_MAX + 2;
	char *text = malloc(length + 1), *message;

	(void)state;
	memset(text, 'a', length);
	text[0] = '\n';
	text[length] = '\0';
	message = read_text(text, length, NULL);
	assert_string_equal(message, "F:2: the line is longer than 65536 bytes; split it\n");
	free(message);
	/* Also in the middle of a file. */
	text[0] = 'a';
	text[length - 1] = '\n';
	message = read_text(text, length, NULL);
	assert_string_equal(message, "F:1: the line is longer than 65536 bytes; split it\n");
	free(message);
	text[0] = '\n';
	/* One byte less is accepted. */
	message = read_text(text, length - 1, NULL);
	assert_non_null(strstr(message, "F:2: no such option 'aaaa"));
	free(message);
	free(text);
}

static void
errors_beyond_the_limit_are_counted(void **state)
{
	char text[4096] = "cluster c { service s {\n", *message;
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < DIAGNOSTICS_MAX + 3; i++)
		snprintf(text + strlen(text), 64, "real r%d { address = a weight = x }\n", i);
	strcat(text, "} }\n");
	message = read_text(text, strlen(text), NULL);
	for (const char *p = message; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, DIAGNOSTICS_MAX + 1);
	assert_non_null(strstr(message, "F:21: weight \"x\" of c/s/r19 is"));
	assert_non_null(strstr(message, "F: 3 more errors\n"));
	free(message);
}

static void
directory_is_refused(void **state)
{
	struct inventory *inventory;
	struct diagnostics diagnostics;
	struct err err;

	(void)state;
	assert_int_equal(inventory_read("/tmp", &inventory, &diagnostics, &err), ERR_IO);
	assert_string_equal(err.text, "/tmp: Is a directory");
	assert_int_equal(inventory_read("/nonexistent/x", &inventory, &diagnostics, &err), ERR_IO);
}

/* A valid file with a few wrong bytes. */
static void
file_with_wrong_bytes_never_crashes(void **state)
{
	static const char good[] =
	    "cluster a { plane = haproxy socket = { /run/x, \"/run/y\" }\n"
	    "service s { address = 10.0.0.1 port = 80 protocol = tcp\n"
	    "real r { address = \"2001:db8::1\" port = 80 weight = 10 fallback = yes } # x\n"
	    "real q { address = 'unix@/x' enabled = no } } /* y */ }\n"
	    "cluster b { service t { real r { address = a } } } // z\n";
	static const char bytes[] = "{}=\"'#/*\\\n,+()|$ a9\x80";
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 5000; round++) {
		size_t length = sizeof(good) - 1;
		char text[sizeof(good)];

		memcpy(text, good, sizeof(good));
		for (int n = rand_r(&seed) % 4; n > 0; n--)
			text[(size_t)rand_r(&seed) % length] =
			    bytes[(size_t)rand_r(&seed) % (sizeof(bytes) - 1)];
		if (rand_r(&seed) % 4 == 0)
			length = (size_t)rand_r(&seed) % length;
		free(read_text(text, length, NULL));
	}
}

/* -- accepted files ---------------------------------------------------------------- */

static void
empty_file_is_an_empty_inventory(void **state)
{
	static const char *const texts[] = { "", "\n", "# only a comment", "/* */", " \t\r\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct inventory *inventory = read_good(texts[i]);

		assert_null(inventory->clusters);
		assert_int_equal(inventory->rows, 0);
		inventory_free(inventory);
	}
}

static void
missing_options_have_defaults(void **state)
{
	struct inventory *inventory = read_good("cluster web { service http {\n"
	    "real web-1 { address = 10.0.0.1 } } }");
	const struct inventory_cluster *cluster = inventory_cluster(inventory, "web");
	const struct inventory_service *service = inventory_service(cluster, "http");
	const struct inventory_real *real = inventory_real(service, "web-1");

	(void)state;
	assert_string_equal(cluster->plane, "none");
	assert_string_equal(cluster->params, "{}");
	assert_string_equal(service->address, "");
	assert_string_equal(service->port, "");
	assert_int_equal(service->protocol, PROTOCOL_TCP);
	assert_string_equal(real->address, "10.0.0.1");
	assert_string_equal(real->port, "");
	assert_int_equal(real->weight, 1);
	assert_false(real->fallback);
	assert_true(real->enabled);
	assert_int_equal(real->line, 2);
	assert_int_equal(inventory->rows, 3);
	inventory_free(inventory);
}

static void
given_options_are_stored(void **state)
{
	struct inventory *inventory = read_good("cluster web {\n"
	    "plane = haproxy  socket = { \"/run/b\", /run/a }\n"
	    "service dns { address = \"2001:db8::10\" port = 053 protocol = udp\n"
	    "real ns.1 { address = 'unix@/run/x' port = 65535 weight = 0 fallback = yes }\n"
	    "real ns.2 { address = backend.example.net weight = 256 fallback = no\n"
	    "enabled = off } } }");
	const struct inventory_cluster *cluster = inventory_cluster(inventory, "web");
	const struct inventory_service *service = inventory_service(cluster, "dns");
	const struct inventory_real *real = inventory_real(service, "ns.1");

	(void)state;
	assert_string_equal(cluster->plane, "haproxy");
	assert_string_equal(cluster->params, "{\"socket\":[\"/run/b\",\"/run/a\"]}");
	assert_string_equal(service->address, "2001:db8::10");
	assert_string_equal(service->port, "53");
	assert_int_equal(service->protocol, PROTOCOL_UDP);
	assert_string_equal(real->address, "unix@/run/x");
	assert_string_equal(real->port, "65535");
	assert_int_equal(real->weight, 0);
	assert_true(real->fallback);
	assert_ptr_equal(inventory_fallback(service), real);
	real = inventory_real(service, "ns.2");
	assert_int_equal(real->weight, 256);
	assert_false(real->fallback);
	assert_false(real->enabled);
	assert_null(inventory_real(service, "ns.3"));
	inventory_free(inventory);
}

static void
parameter_as_one_text_is_a_list_of_one(void **state)
{
	struct inventory *inventory = read_good("cluster a { plane = haproxy\n"
	    "socket = \"/run/haproxy/admin.sock\" }");

	(void)state;
	assert_string_equal(inventory->clusters->params,
	    "{\"socket\":[\"/run/haproxy/admin.sock\"]}");
	inventory_free(inventory);
	inventory = read_good("cluster a { plane = haproxy\nforeign-changes = keep\n"
	    "socket = /s }");
	assert_string_equal(inventory->clusters->params,
	    "{\"foreign-changes\":[\"keep\"],\"socket\":[\"/s\"]}");
	inventory_free(inventory);
}

static void
fallback_is_one_for_each_service(void **state)
{
	struct inventory *inventory = read_good("cluster a {\n"
	    "service s { real x { address = a fallback = yes } }\n"
	    "service t { real x { address = a fallback = yes } real y { address = b } }\n"
	    "}\ncluster b { service s { real x { address = a fallback = yes } } }\n");

	(void)state;
	assert_int_equal(inventory->rows, 9);
	inventory_free(inventory);
}

/* A quadratic algorithm would not end in time for 30,000 real services. */
static void
service_of_many_real_services_is_read_fast(void **state)
{
	enum { REALS = 30000 };
	struct inventory *inventory;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	fputs("cluster c { service s {\n", file);
	for (int i = 0; i < REALS; i++)
		fprintf(file, "real r%d { address = 10.0.0.1 } # comment\n", i);
	fputs("} }\n", file);
	fclose(file);
	inventory = read_good(text);
	assert_int_equal(inventory->rows, REALS + 2);
	assert_int_equal(inventory_real(inventory->clusters->services, "r29999")->line,
	    REALS + 1);
	inventory_free(inventory);
	free(text);
}

/* -- written files ----------------------------------------------------------------- */

static char *
write_text(const struct inventory *inventory)
{
	char *text = NULL;
	struct err err;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_true(inventory_write(inventory, file, &err));
	fclose(file);
	return text;
}

static void
written_file_has_the_form_that_people_write(void **state)
{
	static const char text[] =
	    "cluster web {\n"
	    "    plane = none\n"
	    "    service http {\n"
	    "        address = 192.0.2.10\n"
	    "        port = 80\n"
	    "        protocol = tcp\n"
	    "        real web-1 { address = 10.0.0.1  port = 80  weight = 10 }\n"
	    "        real sorry { address = \"2001:db8::9\"  port = 80  weight = 1"
	    "  fallback = yes }\n"
	    "        real off { address = \"\"  weight = 0  enabled = no }\n"
	    "    }\n"
	    "}\n"
	    "\n"
	    "cluster ha {\n"
	    "    plane = haproxy\n"
	    "    socket = { \"/run/a\", \"/x\\\"\\\\\\$y\" }\n"
	    "}\n";
	struct inventory *inventory = read_good(text);
	char *written = write_text(inventory);

	(void)state;
	assert_string_equal(written, text);
	free(written);
	inventory_free(inventory);
}

/* Collectors may write any text to the store. All of it is read back. */
static void
written_special_characters_are_read_back(void **state)
{
	static const char *const texts[] = {
		"a b", "a\"b", "a\\b", "a'b", "a#b", "a//b", "/*x*/", "${HOME}", "$", "{", "}",
		"a,b", "=", "\t", "a\nb", "\xc3\xa4", "\x1b[0m", "\x7f", "a\\", "\\\\",
		"\xc2\x9bZ31m", "\xff\x9bz",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct inventory *inventory = inventory_new(), *again = NULL;
		struct inventory_cluster *cluster = inventory_add_cluster(inventory, "c");
		char params[64], *written, *message;
		const char *found;

		free(cluster->params);
		snprintf(params, sizeof(params), "{\"socket\":[\"/x\"]}");
		cluster->params = strdup(params);
		assert_true(memory_string_assign(&cluster->plane, texts[i]));
		written = write_text(inventory);
		assert_null(strchr(written, '\x9b'));
		message = read_text(written, strlen(written), &again);
		/* The plane is unknown. The message has its name without control characters. */
		found = strstr(message, "F:2: plane \"");
		assert_non_null(found);
		found += strlen("F:2: plane \"");
		for (const char *p = texts[i]; *p != '\0'; p++, found++)
			assert_true(*found == *p || *found == '?');
		assert_memory_equal(found, "\" of c", 6);
		free(message);
		free(written);
		inventory_free(again);
		inventory_free(inventory);
	}
}

static void
parameter_that_is_not_a_list_cannot_be_written(void **state)
{
	struct inventory *inventory = inventory_new();
	struct inventory_cluster *cluster = inventory_add_cluster(inventory, "c");
	char *text = NULL;
	struct err err;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_true(memory_string_assign(&cluster->params, "{\"socket\":7}"));
	assert_false(inventory_write(inventory, file, &err));
	assert_string_equal(err.text, "c: parameter socket cannot be written to a file");
	assert_true(memory_string_assign(&cluster->params, "{\"socket\":[\"a\",7]}"));
	assert_false(inventory_write(inventory, file, &err));
	fclose(file);
	free(text);
	inventory_free(inventory);
}

int
main(void)
{
	const struct CMUnitTest fixed[] = {
		cmocka_unit_test(nul_byte_is_refused),
		cmocka_unit_test(line_too_long_is_refused),
		cmocka_unit_test(errors_beyond_the_limit_are_counted),
		cmocka_unit_test(directory_is_refused),
		cmocka_unit_test(file_with_wrong_bytes_never_crashes),
		cmocka_unit_test(empty_file_is_an_empty_inventory),
		cmocka_unit_test(missing_options_have_defaults),
		cmocka_unit_test(given_options_are_stored),
		cmocka_unit_test(parameter_as_one_text_is_a_list_of_one),
		cmocka_unit_test(fallback_is_one_for_each_service),
		cmocka_unit_test(service_of_many_real_services_is_read_fast),
		cmocka_unit_test(written_file_has_the_form_that_people_write),
		cmocka_unit_test(written_special_characters_are_read_back),
		cmocka_unit_test(parameter_that_is_not_a_list_cannot_be_written),
	};
	struct CMUnitTest tests[COUNT(fixed) + COUNT(refusals)] = { 0 };

	for (size_t i = 0; i < COUNT(refusals); i++) {
		union { const void *in; void *out; } row = { .in = &refusals[i] };

		tests[i].name = refusals[i].name;
		tests[i].test_func = refusal_test;
		tests[i].initial_state = row.out;
	}
	memcpy(tests + COUNT(refusals), fixed, sizeof(fixed));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
