/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/model/address.c. Each machine has the loopback interface, which stands for other
 * interfaces.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "model/address.h"
#include "model/model.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
address_text_gives_type_and_octets(void **state)
{
	static const struct {
		const char		*text;
		enum address_type	 type;
		uint8_t			 length;
		const char		*octets;
	} cases[] = {
		{ "192.0.2.1", ADDRESS_IPV4, 4, "\xc0\x00\x02\x01" },
		{ "0.0.0.0", ADDRESS_IPV4, 4, "\0\0\0\0" },
		{ "255.255.255.255", ADDRESS_IPV4, 4, "\xff\xff\xff\xff" },
		{ "2001:db8::1", ADDRESS_IPV6, 16,
		    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" },
		{ "::", ADDRESS_IPV6, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" },
		{ "::ffff:192.0.2.1", ADDRESS_IPV6, 16,
		    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01" },
		{ "0123:4567:89ab:cdef:0123:4567:192.168.100.200", ADDRESS_IPV6, 16,
		    "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\xc0\xa8\x64\xc8" },
		{ "169.254.1.1%3", ADDRESS_IPV4Z, 8, "\xa9\xfe\x01\x01\0\0\0\x03" },
		{ "fe80::1%3", ADDRESS_IPV6Z, 20,
		    "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x03" },
		{ "fe80::1%0", ADDRESS_IPV6Z, 20,
		    "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0" },
		{ "fe80::1%4294967295", ADDRESS_IPV6Z, 20,
		    "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\xff\xff" },
		{ "fe80::1%16909060", ADDRESS_IPV6Z, 20,
		    "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\x02\x03\x04" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address address = address_from_text(cases[i].text);

		assert_int_equal(address.type, cases[i].type);
		assert_int_equal(address.length, cases[i].length);
		assert_memory_equal(address.octets, cases[i].octets, cases[i].length);
	}
}

static void
address_text_with_interface_name_gives_its_index(void **state)
{
	struct address address = address_from_text("fe80::1%lo");
	uint32_t zone = htonl(if_nametoindex("lo"));

	(void)state;
	if (zone == 0)
		skip();
	assert_int_equal(address.type, ADDRESS_IPV6Z);
	assert_int_equal(address.length, 20);
	assert_memory_equal(address.octets + 16, &zone, 4);
	address = address_from_text("169.254.1.1%lo");
	assert_int_equal(address.type, ADDRESS_IPV4Z);
	assert_int_equal(address.length, 8);
	assert_memory_equal(address.octets + 4, &zone, 4);
}

static void
invalid_address_is_unknown(void **state)
{
	static const char *const texts[] = {
		"", " ", "web-1.example", "10.0.0", "10.0.0.300", "10.0.0.1.1", "010.0.0.1",
		"10.0.0.1 ", " 10.0.0.1", "10.0.0.1/24", "10.0.0.1:80", "2001:db8::g", ":::",
		"[::1]", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "unix@/run/x", "%", "%3",
		"fe80::1%", "fe80::1%no-such-if", "fe80::1%4294967296", "fe80::1%-1", "fe80::1%3%4",
		"0123:4567:89ab:cdef:0123:4567:192.168.100.2000",
		"0000000000000000000000000000000000000000000000000000000000000000000000000001",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct address address = address_from_text(texts[i]);

		assert_int_equal(address.type, ADDRESS_UNKNOWN);
		assert_int_equal(address.length, 0);
	}
}

static void
port_text_gives_its_number_or_zero(void **state)
{
	static const struct {
		const char	*text;
		uint16_t	 port;
	} cases[] = {
		{ "0", 0 }, { "1", 1 }, { "80", 80 }, { "65535", 65535 }, { "65536", 0 },
		{ "65616", 0 }, { "4294967376", 0 }, { "18446744073709551696", 0 }, { "", 0 },
		{ "-80", 0 }, { "+80", 0 }, { " 80", 0 }, { "80 ", 0 }, { "http", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(address_port(cases[i].text), cases[i].port);
}

static void
endpoint_joins_address_and_port(void **state)
{
	static const struct {
		const char	*address, *port, *endpoint;
	} cases[] = {
		{ "192.0.2.1", "80", "192.0.2.1:80" },
		{ "2001:db8::1", "80", "[2001:db8::1]:80" },
		{ "fe80::1%3", "443", "[fe80::1%3]:443" },
		{ "fe80::1%no-such-if", "443", "[fe80::1%no-such-if]:443" },
		{ "169.254.1.1%3", "80", "169.254.1.1%3:80" },
		{ "web-1.example", "8080", "web-1.example:8080" },
		{ "192.0.2.1", "", "192.0.2.1" },
		{ "2001:db8::1", "", "2001:db8::1" },
		{ "web-1", "", "web-1" },
		{ "unix@/run/web.sock", "", "unix@/run/web.sock" },
		{ "unix@/run/web.sock", "80", "unix@/run/web.sock" },
		{ "", "", "" }, { "", "80", "" },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_ptr_equal(address_endpoint(cases[i].address, cases[i].port, buf,
		    sizeof(buf)), buf);
		assert_string_equal(buf, cases[i].endpoint);
	}
}

static void
endpoint_of_longest_texts_fits_the_column(void **state)
{
	char address[MODEL_ADDRESS_MAX + 1], buf[MODEL_ADDRESS_MAX + MODEL_PORT_TEXT_MAX + 4];

	(void)state;
	memset(address, ':', MODEL_ADDRESS_MAX);
	address[MODEL_ADDRESS_MAX] = '\0';
	address_endpoint(address, "12345678", buf, sizeof(buf));
	assert_int_equal(strlen(buf), MODEL_ADDRESS_MAX + MODEL_PORT_TEXT_MAX + 3);
	assert_true(strlen(buf) <= MODEL_MESSAGE_MAX);
	address_endpoint("192.0.2.1", "80", buf, 5);
	assert_string_equal(buf, "192.");
}

#define LABEL_63 "a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23"

static void
check_accepts_addresses_and_names(void **state)
{
	static const char *const texts[] = {
		"192.0.2.1", "0.0.0.0", "2001:db8::1", "::1", "fe80::1%3", "fe80::1%eth0.100",
		"fe80::1%no-such-if", "169.254.1.1%3", "::ffff:192.0.2.1", "web-1", "web-1.example",
		"web-1.example.", "WEB", "a", "3com", "1.example", "10.0.0.example",
		"web_1.internal",
		"xn--bcher-kva.example", "_http._tcp.example", LABEL_63, LABEL_63 "." LABEL_63,
		"unix@/run/web.sock", "unix@/", "0xbeef.example", "0xcafe-1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct err err = { 0 };

		assert_int_equal(address_check(texts[i], &err), ERR_OK);
		assert_int_equal(err.code, ERR_OK);
	}
}

static void
check_refuses_invalid_addresses(void **state)
{
	static const struct {
		const char	*text, *message;
	} cases[] = {
		{ "", "address is empty" },
		{ "10.0.0.300",
		  "\"10.0.0.300\" is not an IPv4 address, IPv6 address or host name" },
		{ "10.0.0", "or host name" }, { "10", "or host name" },
		{ "1.2.3.4.5", "or host name" },
		{ "010.0.0.1", "or host name" }, { "10.0.0.1.", "or host name" },
		{ "0x7f.1", "or host name" }, { "127.0x1", "or host name" },
		{ "0x7f000001", "or host" },
		{ "10.0.0.1/24", "or host name" }, { "10.0.0.-1", "or host name" },
		{ "2001:db8::g",
		  "\"2001:db8::g\" is not an IPv6 address; the port is not part of" },
		{ "10.0.0.1:80", "is not an IPv6 address; the port is not part of the address" },
		{ "web-1:80", "the port is not part of the address" },
		{ "[::1]", "is not an IPv6 address" }, { "[::1]:80", "is not an IPv6 address" },
		{ "fe80::1%", "% needs a number or an interface" },
		{ "fe80::1%a b", "needs a number" },
		{ "fe80::1%3%4", "needs a number" },
		{ "fe80::1%a/b", "needs a number" },
		{ "fe80::1%abcdefghijklmnop", "needs a number" },
		{ "fe80::g%3", "is not an IPv6 address" }, { "web-1%3", "or host name" },
		{ " web", "or host name" }, { "web ", "or host name" }, { "we b", "or host name" },
		{ "-web", "or host name" }, { "web-", "or host name" },
		{ "web-.example", "or host" },
		{ ".", "or host name" }, { ".web", "or host name" },
		{ "web..example", "or host name" },
		{ "web..", "or host name" }, { LABEL_63 "x", "or host name" },
		{ "b\xc3\xbc""cher.example", "or host name" }, { "web\n", "\"web?\" is not an" },
		{ "web;reload", "or host name" }, { "web/1", "or host name" },
		{ "unix@", "unix@ needs an absolute path" },
		{ "unix@run/x", "absolute path" }, { "unix@/run/a b", "absolute path" },
		{ "unix@/run/\n", "absolute path" }, { "unix@/\xc3\xbc", "absolute path" },
		{ "Unix@/run/x", "or host name" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = { 0 };

		assert_int_equal(address_check(cases[i].text, &err), ERR_INVALID);
		assert_int_equal(err.code, ERR_INVALID);
		if (strstr(err.text, cases[i].message) == NULL)
			assert_string_equal(err.text, cases[i].message);
	}
}

static void
check_refuses_241_bytes(void **state)
{
	char text[MODEL_ADDRESS_MAX + 2] = "unix@/";
	struct err err = { 0 };

	(void)state;
	memset(text + strlen(text), 'x', MODEL_ADDRESS_MAX - strlen(text));
	assert_int_equal(strlen(text), 240);
	assert_int_equal(address_check(text, &err), ERR_OK);
	text[MODEL_ADDRESS_MAX] = 'x';
	assert_int_equal(address_check(text, &err), ERR_RANGE);
	assert_string_equal(err.text, "address has 241 bytes, more than 240");
	assert_int_equal(address_check(text, NULL), ERR_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_text_gives_type_and_octets),
		cmocka_unit_test(address_text_with_interface_name_gives_its_index),
		cmocka_unit_test(invalid_address_is_unknown),
		cmocka_unit_test(port_text_gives_its_number_or_zero),
		cmocka_unit_test(endpoint_joins_address_and_port),
		cmocka_unit_test(endpoint_of_longest_texts_fits_the_column),
		cmocka_unit_test(check_accepts_addresses_and_names),
		cmocka_unit_test(check_refuses_invalid_addresses),
		cmocka_unit_test(check_refuses_241_bytes),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
